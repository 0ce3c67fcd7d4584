"""A real process that is stopped, as in a machine that sleeps, or busy: what was due meanwhile is not traded."""

import asyncio
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline import standstills
from pipeline.standstills import Pulse, StandstillWatch, stalls_file
from pipeline.times import SECOND
from tests.processes.broker import Broker
from tests.processes.comparing import orders_of
from tests.processes.engines import FLOW, Engines
from tests.support import MONDAY

LIVE = (
    FLOW.replace('use = "synthetic"', 'use = "clockwork"')
    .replace('start = "2026-01-05T10:00:00Z"\nspeed = 600\n', "")
    .replace('timeframes = ["1m"]', 'timeframes = ["1m", "5m", "15m"]')
)
"""A flow on a live clock: three products, three timeframes, two accounts."""
CLOSES = MONDAY
"""A full hour: bars of all timeframes end."""
KEYS = 3 * 3 * 2

unix = pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="there is no SIGSTOP")


@pytest.fixture
def engines(tmp_path: Path) -> Iterator[Engines]:
    with Engines(tmp_path, Broker(), LIVE) as engines:
        yield engines


def said(engines: Engines, what: str) -> list[dict[str, Any]]:
    return [message for message in engines.heard if message["what"] == what]


def test_a_process_that_nobody_stops_trades(engines: Engines) -> None:
    """The control."""
    engines.start(begin=CLOSES - 4 * SECOND, decisions=True)
    engines.go_on(lambda: len(said(engines, "decision")) == KEYS)
    assert "trade" in {message["verdict"] for message in said(engines, "decision")}
    engines.until(lambda message: message.get("state") == "CONFIRM")


@unix
def test_what_a_stopped_process_overslept_is_missed_and_sent_by_nobody_and_it_reconciles_before_all_else(
    engines: Engines,
) -> None:
    engines.start(begin=CLOSES - 4 * SECOND, decisions=True)
    engines.until(lambda message: message["what"] == "reconciled" and message["account"] == "two")
    engines.send(signal.SIGSTOP)
    engines.wait(4.0 + 6.5)
    before = len(engines.heard)
    engines.send(signal.SIGCONT)
    engines.go_on(lambda: len(said(engines, "decision")) == KEYS)
    engines.until(lambda message: message["what"] == "reconciled" and message in engines.heard[before:])
    assert {message["verdict"] for message in said(engines, "decision")} == {"missed"}
    (slept,) = said(engines, "slept")
    assert slept["cause"] == "slept"
    assert slept["since"] <= CLOSES + SECOND < CLOSES + 5 * SECOND < slept["until"]
    assert [message["cause"] for message in said(engines, "stalled")] == ["slept"]
    after = [message["what"] for message in engines.heard[before:]]
    assert after.index("slept") < after.index("decision")
    assert orders_of(engines.folder) == []
    assert engines.broker.asked == [], "nothing fires in a burst"


@unix
def test_a_process_that_is_busy_is_told_apart_from_one_that_is_stopped(engines: Engines) -> None:
    engines.start(begin=CLOSES - 30 * SECOND, busy=3.5)
    stalled = engines.until(lambda message: message["what"] == "stalled")
    assert stalled["cause"] == "blocked"
    assert 2 * SECOND < stalled["millis"] < 10 * SECOND
    assert said(engines, "slept") == [], "nothing was due"


def test_a_loop_that_does_not_come_round_leaves_a_picture_of_what_it_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standstills, "DUMPED", 300)
    monkeypatch.setattr(standstills, "LOOKS_EVERY", 100)

    def very_busy_with_something(ends: float) -> None:
        while time.monotonic() < ends:
            pass

    def nobody_cares(*_: object) -> None: ...

    async def main() -> None:
        pulse = Pulse()
        with stalls_file(tmp_path) as dump:
            watch = StandstillWatch(nobody_cares, nobody_cares, pulse.clocks, dump)
            looking = asyncio.ensure_future(watch.whole())
            await asyncio.sleep(0)
            very_busy_with_something(time.monotonic() + 1.0)
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)
        pulse.close()

    asyncio.run(main())
    assert "very_busy_with_something" in (tmp_path / "stalls.txt").read_text(encoding="utf-8")
