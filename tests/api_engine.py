"""An engine that runs as `run` puts it together, in this process, with a program that asks it."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp

from pipeline.aside import Aside
from pipeline.changes.reloading import Reloads
from pipeline.checking import load
from pipeline.company import Company, company_of
from pipeline.control.engine import controls_of
from pipeline.engine import LEDGER_FILE, Setting, running
from pipeline.flow import Flow
from pipeline.ledger import Ledger
from pipeline.live import wall, watch_ledger
from pipeline.plan import Plan
from pipeline.switch import Switch
from pipeline.values import Decisions, Quotes
from pipeline.view import TOKEN_FILE
from pipeline.watch import Watch
from sinks.api import Desk
from tests.stalling import EAGER
from tests.support import MONDAY, SMALL

SPEED = 2400
EAGER_FLOW = (
    SMALL.replace("block = 64", 'block = 64\nplugins = ["eager.py"]')
    .replace('use = "ema_cross"\nfast = "fast"\nslow = "slow"', 'use = "eager"')
    .replace('start = "2026-01-05T10:00:00Z"', f'start = "2026-01-05T10:00:00Z"\nspeed = {SPEED}')
    .replace('use = "practice"\npayout', 'use = "practice"\nearly_close = { win = 0.5, lose = 0.25 }\npayout')
)
"""Wants to trade every bar."""


class Engine:
    """A flow that runs, what it decided, and who asks it."""

    def __init__(self, plan: Plan, flow: Flow, watch: Watch, url: str, session: aiohttp.ClientSession) -> None:
        self.plan, self.flow, self.watch, self.url, self.session = plan, flow, watch, url, session
        self.decisions: list[Decisions] = []

    async def ask(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, Any]:
        said = None if body is None else json.dumps(body)
        kind = {"Content-Type": "application/json"} | {name.replace("_", "-"): each for name, each in headers.items()}
        async with self.session.request(method, self.url + path, data=said, headers=kind) as answer:
            return answer.status, await answer.json()

    async def get(self, path: str) -> Any:
        status, told = await self.ask("GET", path)
        assert status == 200, told
        return told

    async def post(self, path: str, body: object) -> Any:
        status, told = await self.ask("POST", path, body)
        assert status == 200, told
        return told

    @asynccontextmanager
    async def channel(self, topics: str) -> AsyncGenerator[aiohttp.ClientWebSocketResponse]:
        async with self.session.ws_connect(f"{self.url}/ws?topic={topics}", max_msg_size=0) as line:
            yield line

    def verdicts(self, **key: str | int) -> list[str]:
        """What was decided of the keys of these names, in order."""
        return [
            "trade" if number < 0 else each.gates[number]
            for each in self.decisions
            if all(getattr(each, name) == value for name, value in key.items())
            for number in each.verdict.tolist()
        ]


def watch_nothing(node: str, value: object) -> None:
    """Faults of companions are heard by nobody here; the flow's own are looked at."""


async def until(true: Callable[[], object]) -> None:
    """Wait for something of a flow that runs."""
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110  # a flow in real time is looked at
            await asyncio.sleep(0.005)


def on_engine(
    folder: Path,
    check: Callable[[Engine], Awaitable[None]],
    text: str = EAGER_FLOW,
    speed: float = SPEED,
    begin: int = MONDAY,
) -> None:
    """Check an engine that runs a flow."""
    (folder / "eager.py").write_text(EAGER, encoding="utf-8")
    (folder / "flows.toml").write_text(text, encoding="utf-8")
    plan = load(folder / "flows.toml")

    async def main() -> None:
        with ExitStack() as held:
            ledger = held.enter_context(Ledger(plan.folder / LEDGER_FILE))
            watch = Watch(plan, begin, speed)

            def taken_over(changed: Plan) -> None:
                watch.changed(changed)
                company.changed(changed)

            beside = (*company_of(plan), Reloads(plan, ledger, wall, taken_over))
            company = held.enter_context(Company(beside, watch_nothing))
            switch = Switch(ledger.path, ZoneInfo("UTC"), tuple(plan.accounts), begin)
            desk = Aside(lambda ask: Desk(controls_of(watch, ask, switch, company), plan.folder, plan.api, plan.base))
            url = await desk.start()
            token = (plan.folder / TOKEN_FILE).read_text()
            setting = Setting(mode="paper", begin=begin, speed=speed)
            decisions: list[Decisions] = []

            def told(node: str, value: Any) -> None:
                if isinstance(value, Decisions):
                    decisions.append(value)
                if not isinstance(value, Quotes):
                    company.told(node, value)

            try:
                async with (
                    running(plan, setting, ledger, ledger.past(begin), taps=(watch.told, told)) as flow,
                    aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as session,
                ):
                    watch.begins(flow.border.clock, flow)
                    switch.begins(flow)
                    company.begins(flow)
                    listening = asyncio.ensure_future(watch_ledger(ledger.heard, switch.heard))
                    attending = asyncio.ensure_future(company.attend())
                    engine = Engine(plan, flow, watch, url, session)
                    engine.decisions = decisions
                    try:
                        await check(engine)
                    finally:
                        await company.ends("")
                        for each in (listening, attending):
                            each.cancel()
                        await asyncio.gather(listening, attending, return_exceptions=True)
                    assert not flow.faults
            finally:
                await desk.stop()

    asyncio.run(asyncio.wait_for(main(), 60))
