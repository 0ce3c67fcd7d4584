"""The console before a real engine: what it shows of accounts, trades and log, and what its keys change."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from tests.api_engine import EAGER_FLOW, SPEED, Engine, on_engine
from tests.screens import beside_an_engine, screen_text
from tui.app import Console
from tui.asking import Engine as Asking
from tui.brake import Brake
from tui.dialogs import Notice
from tui.door import find
from tui.link import Link
from tui.shell import Shell
from tui.store import Store

CALM = 240
"""So many times as fast as time passes: the engine and the console share this test's loop."""
FLOW = EAGER_FLOW.replace(f"speed = {SPEED}", f"speed = {CALM}")


class Desk:
    """A console attached to an engine that runs."""

    def __init__(self, engine: Engine, page: str) -> None:
        folder, flow = engine.plan.folder, engine.plan.base / "flows.toml"
        self.shell = Shell(Store(since=monotonic()), Asking(lambda: find(None, folder)), monotonic, flow)
        link = Link(self.shell.store, lambda: find(None, folder), monotonic)
        self.app = Console(self.shell, link, Brake(lambda: find(None, folder), flow), page=page)
        self.pilot: Pilot[None] | None = None

    async def press(self, *keys: str) -> None:
        assert self.pilot is not None
        await self.pilot.press(*keys)

    async def until(self, true: Callable[[], object]) -> None:
        assert self.pilot is not None
        async with asyncio.timeout(20):
            while not true():
                await self.pilot.pause(0.1)

    async def shows(self, *texts: str) -> None:
        try:
            await self.until(lambda: all(text in self.text for text in texts))
        except TimeoutError:
            raise AssertionError(f"{texts} never on the screen:\n{self.text}") from None

    async def type(self, text: str) -> None:
        """Into the dialog in front, once it hears."""
        await self.until(lambda: self.app.screen.query(Input))
        self.app.screen.query_one(Input).value = text
        await self.press("enter")

    async def answers(self, key: str) -> None:
        """A dialog is deaf for a moment, so that nothing typed ahead answers it."""
        stood = self.app.screen
        await self.until(lambda: self.app.screen is not self.app.screen_stack[0])
        stood = self.app.screen
        async with asyncio.timeout(10):
            while self.app.screen is stood:
                await self.press(key)

    @property
    def text(self) -> str:
        return screen_text(self.app)


@asynccontextmanager
async def on_desk(engine: Engine, page: str, size: tuple[int, int] = (140, 40)) -> AsyncGenerator[Desk]:
    desk = Desk(engine, page)
    async with beside_an_engine(desk.app, size) as desk.pilot:
        try:
            await desk.until(lambda: not desk.app.missing)
        except TimeoutError:
            raise AssertionError(f"{desk.app.missing}:\n{desk.text}") from None
        yield desk


@pytest.mark.slow
def test_accounts_are_stopped_and_released_by_keys_only_after_taking_control(tmp_path: Path) -> None:
    async def check(engine: Engine) -> None:
        async with on_desk(engine, "accounts") as desk:
            await desk.shows("demo-1", "practice", "lost today", "Honest numbers · demo-1", "vs break-even")
            await desk.shows("evidence", "per stake", "payouts", "Not a forecast")
            await desk.press("x")
            await desk.shows("this console only looks")
            await desk.press("ctrl+y", "x")
            await desk.answers("n")
            assert not (await engine.get("/accounts"))["accounts"][0]["stopped"]
            await desk.press("x")
            await desk.answers("y")
            await desk.shows("✖ STOPPED", "stopped in the console")
            assert (await engine.get("/accounts"))["accounts"][0]["stopped"]
            await desk.press("r")
            await desk.type("resume")
            await desk.shows("Why?")
            await desk.type("resume the news is over")
            await desk.shows("● UP", "demo-1 was released")
            assert not (await engine.get("/accounts"))["accounts"][0]["stopped"]
            await desk.press("s")
            await desk.answers("y")
            await desk.until(lambda: {row.life for row in desk.shell.store.keys.values()} == {"STOPPED"})
            await desk.press("s")
            await desk.answers("y")
            await desk.until(lambda: "STOPPED" not in {row.life for row in desk.shell.store.keys.values()})
            await desk.press("l")
            await desk.type("123456")
            await desk.shows("where nobody logs in")
            assert "123456" not in "".join(line.text for line in desk.shell.store.lines) + desk.text
            await desk.press("a")
            await desk.shows("it needs no arming")

    on_engine(tmp_path, check, FLOW, CALM)


@pytest.mark.slow
def test_the_log_is_records_that_can_be_opened_and_filtered_by_order_and_the_dashboard_leads_on(tmp_path: Path) -> None:
    async def check(engine: Engine) -> None:
        async with on_desk(engine, "dash") as desk:
            await desk.shows("Accounts 1", "Open contracts", "Engine", "Alerts", "has begun", "win rate")
            await desk.until(lambda: desk.shell.alarms.rows)
            await desk.press("A")
            await desk.until(lambda: all(row.taken for row in desk.shell.alarms.rows))
            await desk.press("p", "p")
            await desk.until(lambda: "Honest numbers" not in desk.text and "Engine" in desk.text)
            await desk.press("0")
            await desk.shows("kept", "following", "sinks.orders")
            order = (await engine.get("/orders?limit=1"))["orders"][0]["order"]
            await desk.app.go("logs", f"order:{order}")
            await desk.shows(f"/order:{order}")
            await desk.until(lambda: "decided" in desk.text)
            await desk.press("up", "enter")
            await desk.until(lambda: isinstance(desk.app.screen, Notice))
            await desk.shows(order, "module", "level    info")
            await desk.press("escape", "escape", "w", "w")
            await desk.shows("warning and worse")

    on_engine(tmp_path, check, FLOW, CALM)
