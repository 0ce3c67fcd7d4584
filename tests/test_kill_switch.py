"""The kill switch: by a file, a signal, the desk or a verb; at once, whatever the flow is busy with."""

import asyncio
import http.client
import json
import signal
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pipeline.aside import Aside
from pipeline.control.showing import looked_at
from pipeline.engine import Setting, running
from pipeline.journal import Journal
from pipeline.kill_file import KILL_FILE
from pipeline.ledger import Ledger
from pipeline.plan import Plan
from pipeline.switch import Switch
from pipeline.values import Ack, Latch, Order, Payouts, Quotes
from pipeline.verifying import verified
from pipeline.view import TOKEN_FILE
from pipeline.watch import Watch
from sinks.api import Desk
from tests.stalling import EAGER, STALL
from tests.support import MONDAY, SMALL, plan_of
from tests.test_cli import FLOW, Shell
from tests.test_latches import Told, traded
from tests.test_latches import running as running_flow

EAGER_FLOW = (
    SMALL.replace("block = 64", 'block = 64\nplugins = ["eager.py"]')
    .replace('use = "ema_cross"\nfast = "fast"\nslow = "slow"', 'use = "eager"')
    .replace('start = "2026-01-05T10:00:00Z"', 'start = "2026-01-05T10:00:00Z"\nspeed = 1200')
)


def eager(folder: Path) -> Plan:
    (folder / "eager.py").write_text(EAGER, encoding="utf-8")
    return plan_of(EAGER_FLOW, folder)


def posted(url: str, token: str, path: str, body: bytes, **headers: str) -> tuple[int, str]:
    """What a desk answers, asked by a thread that no loop of ours can hold up."""
    host = url.removeprefix("http://")
    said = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"} | headers
    with closing(http.client.HTTPConnection(host, timeout=20)) as line:
        line.request("POST", path, body, said)
        answer = line.getresponse()
        return answer.status, answer.read().decode()


class Seen:
    """What a flow's nodes gave."""

    def __init__(self) -> None:
        self.values: list[Any] = []

    def told(self, _: str, value: Any) -> None:
        if isinstance(value, Ack) and not self.of(Ack):
            STALL.after(2)  # the next bar whose key has no contract open
        if not isinstance(value, Quotes | Payouts):
            self.values.append(value)

    def of(self, kind: type[Any]) -> list[Any]:
        return [each for each in self.values if isinstance(each, kind)]

    def states(self, order: str) -> list[str]:
        return [each.state for each in self.of(Order) if each.order == order]


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not true():  # noqa: ASYNC110  # a flow in real time is looked at
            await asyncio.sleep(0.005)


def test_once_the_desk_has_answered_no_order_leaves_though_a_strategy_holds_the_flow_up(tmp_path: Path) -> None:
    plan, seen, answers = eager(tmp_path), Seen(), list[tuple[int, str]]()
    journal = Journal(tmp_path / "session", plan, MONDAY)

    async def main() -> None:
        with Ledger(plan.folder / "ledger.db") as ledger:
            watch = Watch(plan, MONDAY, 1200)
            switch = Switch(ledger.path, ZoneInfo("UTC"), tuple(plan.accounts), MONDAY)
            desk = Aside(lambda ask: Desk(looked_at(watch, ask, switch), plan.folder))
            url = await desk.start()
            token = (plan.folder / TOKEN_FILE).read_text()

            def stop() -> None:
                assert STALL.entered.wait(30)
                answers.append(posted(url, token, "/kill", b'{"reason": "the spread looks wrong"}'))
                STALL.go_on.set()

            stopping = threading.Thread(target=stop)
            stopping.start()
            setting = Setting(mode="paper", begin=MONDAY, speed=1200)
            taps = (watch.told, seen.told)
            try:
                async with running(plan, setting, ledger, ledger.past(MONDAY), journal=journal, taps=taps) as flow:
                    watch.begins(flow.border.clock)
                    switch.begins(flow)
                    await until(lambda: flow.border.now() > MONDAY + 3_600_000 and seen.of(Latch))
                    after = seen.values[seen.values.index(*seen.of(Latch)) :]
                    assert all(passage.conserved for passage in flow.passages)
            finally:
                stopping.join()
                await desk.stop()
            held_back = {each.order for each in after if isinstance(each, Order) and each.cause == "not_sent"}
            assert held_back
            for order in held_back:
                assert seen.states(order) == ["PREPARE", "SEND", "SEND_RETRY", "ABORT"]
            taken = {each.order for each in after if isinstance(each, Ack)}
            assert not taken & ({each.order for each in after if isinstance(each, Order) and each.state == "SEND"})
            (latch,) = ledger.latches()
            assert (latch.scope, latch.on, latch.by, latch.reason) == ("", True, "api", "the spread looks wrong")
            assert watch.status().state == "KILLED"

    asyncio.run(asyncio.wait_for(main(), 60))
    ((code, said),) = answers
    assert code == 200
    assert [each["reason"] for each in json.loads(said)["stopped"]] == ["the spread looks wrong"]
    journal.close()
    assert verified(tmp_path / "session", tmp_path).difference is None


# --- every way, on a running program ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shell() -> Shell:
    return Shell()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "flows.toml").write_text(FLOW.replace("speed = 600", "speed = 3000"), encoding="utf-8")
    return tmp_path


def stops_in(folder: Path) -> list[tuple[bool, str, str]]:
    with Ledger(folder / "data" / "ledger.db") as ledger:
        return [(latch.on, latch.by, latch.reason) for latch in ledger.latches()]


def stopped(line: dict[str, Any]) -> bool:
    return "everything is stopped" in line.get("text", "")


def stays_stopped(flow: Told) -> None:
    verdicts = flow.decisions(40)
    assert "trade" not in verdicts
    assert "killed" in verdicts


def test_a_file_and_a_signal_stop_a_running_flow_which_goes_on_running(shell: Shell, folder: Path) -> None:
    with running_flow(shell, folder) as flow:
        flow.until(traded)
        (folder / "data" / KILL_FILE).write_text("the office is on fire\n", encoding="utf-8")
        flow.until(stopped)
        stays_stopped(flow)
        assert not (folder / "data" / KILL_FILE).exists()
        assert shell.run(folder, "resume", "--reason", "it was a drill").returncode == 0
        flow.until(traded)
        flow.process.send_signal(signal.SIGUSR1)
        flow.until(stopped)
        stays_stopped(flow)
        flow.process.send_signal(signal.SIGINT)
        flow.until(lambda line: line["what"] == "summary")
    assert stops_in(folder) == [
        (True, "file", "the file KILL: the office is on fire"),
        (False, "resume", "it was a drill"),
        (True, "signal", "the signal SIGUSR1"),
    ]


def test_a_file_that_was_there_before_the_start_stops_from_the_first_bar_on(shell: Shell, folder: Path) -> None:
    (folder / "data").mkdir()
    (folder / "data" / KILL_FILE).touch()
    with running_flow(shell, folder) as flow:
        stays_stopped(flow)
    assert stops_in(folder) == [(True, "file", "the file KILL: without a word")]


def test_a_program_with_the_token_stops_a_running_flow_and_releases_it_with_a_reason(
    shell: Shell, folder: Path
) -> None:
    with running_flow(shell, folder) as flow:
        url = str(flow.until(lambda line: line["what"] == "begin")["url"])
        token = (folder / "data" / TOKEN_FILE).read_text()
        flow.until(traded)
        code, said = posted(url, token, "/kill", b'{"scope": "demo-1", "reason": "enough"}')
        assert (code, [each["scope"] for each in json.loads(said)["changed"]]) == (200, ["demo-1"])
        flow.until(lambda line: "demo-1 is stopped" in line.get("text", ""))
        stays_stopped(flow)
        code, said = posted(url, token, "/kill", b'{"scope": "demo-1", "reason": "more than enough"}')
        assert (code, json.loads(said)["changed"]) == (200, [])
        assert json.loads(said)["stopped"][0]["reason"] == "enough"
        code, said = posted(url, token, "/resume", b'{"scope": "demo-1"}')
        assert (code, json.loads(said)["error"]["code"]) == (400, "VALIDATION")
        code, said = posted(url, token, "/resume", b'{"scope": "demo-1", "reason": "looked at"}')
        assert (code, json.loads(said)["stopped"]) == (200, [])
        flow.until(traded)
    assert stops_in(folder) == [(True, "api", "enough"), (False, "api", "looked at")]
