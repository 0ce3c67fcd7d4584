"""A run that is asked to end: nothing new is sent, what is on its way is waited for, what stays open is named."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from pipeline import virtual
from pipeline.ending import GRACE, Unended, leave, patience
from pipeline.engine import Setting, running
from pipeline.flow import Flow
from pipeline.times import MINUTE, SECOND
from pipeline.trying import NoRecords
from pipeline.values import Order, Past, Payouts
from pipeline.verbs.run_words import still_open
from tests.processes.broker import Broker
from tests.processes.comparing import differences, orders_of
from tests.processes.engines import FLOW, Engines
from tests.processes.storm import calmed
from tests.support import MONDAY, ROOT, SMALL, order, plan_of, quotes, signals

ANSWER = 10
"""The executor's patience, in seconds, where nothing else is said."""


SILENT = SMALL.replace(
    "payout = 0.9", 'payout = 0.9\nevidence = { lists = false }\nfaults = [{ what = "lost_ack", order = 1 }]'
)
"""A venue whose first answer is lost, and that lists nothing."""


# --- what has not ended ----------------------------------------------------------------------------------------------


def test_orders_that_have_not_ended_are_known_from_before_and_from_now() -> None:
    unended = Unended()
    unended.told("ledger", Past((order("CONFIRM", order="a"), order("SETTLED", order="b", result="win")), {}))
    for state in ("PREPARE", "SEND"):
        unended.told("sinks.orders", order(state, order="c", wanted_at=MONDAY))
        assert unended.leaving == 1
    assert [each.order for each in unended.orders] == ["a", "c"]
    unended.told("sinks.orders", order("ABORT", order="c"))
    assert (unended.leaving, [each.order for each in unended.orders]) == (0, ["a"])


def test_a_summary_names_the_first_ten_orders_that_stay_open_and_counts_the_rest() -> None:
    several = [order("CONFIRM", order=str(number)) for number in range(12)]
    lines = list(still_open(several, ZoneInfo("UTC")))
    assert len(lines) == 11
    assert lines[0] == "  still open: demo-1 EURUSD 1m call 1.00, CONFIRM since 2026-01-05 10:01:00"
    assert lines[-1] == "  and 2 more"


# --- in virtual time -------------------------------------------------------------------------------------------------


def left(
    flow_text: str, before: Callable[[Flow], object], *, hurry: float | None = None
) -> tuple[float, list[Any], Unended]:
    """How long (s) it takes to leave a flow whose guard just let a bar through, what it gave, what stays open."""
    given: list[Any] = []

    async def main() -> tuple[float, list[Any], Unended]:
        loop, unended = asyncio.get_running_loop(), Unended()
        setting = Setting(mode="paper", begin=MONDAY, outside=("venue",))

        def told(_: str, value: Any) -> None:
            given.append(value)

        taps = (unended.told, told)
        async with running(plan_of(flow_text), setting, NoRecords(), Past((), {}), taps=taps) as flow:
            flow.enter("venues.practice", Payouts("EURUSD", np.array([MONDAY]), np.array([0.9])))
            flow.enter("sources.market", quotes("EURUSD", [MONDAY, MONDAY + 59 * SECOND], [1.1, 1.1001]))
            await flow.border.until(MONDAY + MINUTE)
            before(flow)
            await flow.border.until(MONDAY + MINUTE + 20)
            hurried = loop.create_future()
            if hurry is not None:
                loop.call_later(hurry, hurried.set_result, None)
            began = loop.time()
            await leave(flow, unended, hurried)
            took = loop.time() - began
            trades(flow)  # somebody still wants to
            await flow.border.until(flow.border.now() + 2 * MINUTE)
            return took, given, unended

    return virtual.run(lambda _: main())


def trades(flow: Flow) -> None:
    now = flow.border.now()
    flow.enter("ensembles.main", signals(tf=MINUTE, bar=now // MINUTE * MINUTE - MINUTE, at=now))


def states(given: Iterable[Any]) -> list[str]:
    return [each.state for each in given if isinstance(each, Order)]


def test_an_order_that_is_on_its_way_is_waited_for_and_nothing_is_sent_after_it() -> None:
    took, given, _ = left(SMALL, trades)
    assert took == pytest.approx(0.1, abs=0.01), "as long as the venue needs for its answer"
    assert states(given).count("SEND") == 1
    assert states(given)[-1] == "CANCELED", (
        "its end is followed as long as the flow runs: here there was no price for it"
    )


def test_when_nothing_is_on_its_way_nothing_is_waited_for() -> None:
    took, given, _ = left(SMALL, lambda _: None)
    assert took == 0
    assert "SEND" not in states(given)


def test_an_order_that_nobody_answers_is_unknown_before_the_run_ends_within_the_time_that_is_said() -> None:
    took, given, unended = left(SILENT, trades)
    assert ANSWER - 1 <= took <= ANSWER + GRACE == patience(plan_of(SILENT))
    assert "UNKNOWN" in states(given)
    assert unended.leaving == 0


def test_whoever_is_in_a_hurry_is_not_kept_waiting() -> None:
    took, _, _ = left(SILENT, trades, hurry=3.0)
    assert took == 3.0


# --- the program itself ----------------------------------------------------------------------------------------------

SLOW = FLOW.replace("speed = 600", "speed = 10").replace("answer_seconds = 20", "answer_seconds = 60")
"""A bar takes six seconds, and so long an answer is waited for."""


@pytest.fixture
def broker() -> Broker:
    return Broker(late_ms=3_000)


@pytest.fixture
def engines(tmp_path: Path, broker: Broker) -> Iterator[Engines]:
    with Engines(tmp_path, broker, SLOW) as engines:
        yield engines


ON_THE_WAY = {"PREPARE", "SEND"}
"""What the ledger says of orders that were sent: that they left is on disk a little later than that they would."""


class Run:
    """The verb `run` in a process of its own."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines
        with (engines.folder / "said.jsonl").open("wb") as said, (engines.folder / "errors.txt").open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "pipeline", "run", "--json"],
                cwd=engines.folder,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=errors,
                start_new_session=True,
            )

    def sends(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def says(self, what: str) -> list[dict[str, Any]]:
        lines = (self._engines.folder / "said.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
        whole = (json.loads(line) for line in lines if line.endswith("\n"))
        return [said for said in whole if said["what"] == what]

    def ended(self) -> tuple[int, str]:
        """Its exit code and what it said of errors, once it has ended; the broker goes on meanwhile."""
        self._engines.go_on(lambda: self._process.poll() is not None, step=0.02)
        self._engines.drain()
        return self._process.returncode, (self._engines.folder / "errors.txt").read_text(encoding="utf-8")


@contextmanager
def sending(engines: Engines) -> Generator[Run]:
    """A run whose orders have reached the broker, which has not answered."""
    engines.placing = lambda _, __: False
    run = Run(engines)
    try:
        engines.go_on(lambda: len(engines.broker.asked) == 6)
        yield run
    finally:
        run.sends(signal.SIGKILL)
        run.ended()


def of_states(engines: Engines) -> dict[str, int]:
    found = [order["state"] for order in orders_of(engines.folder)]
    return {state: found.count(state) for state in sorted(set(found))}


def test_a_run_that_is_asked_to_end_waits_for_a_late_answer_and_the_ledger_has_it(engines: Engines) -> None:
    with sending(engines) as run:
        run.sends(signal.SIGTERM)
        engines.go_on(lambda: bool(run.says("leaving")), step=0.02)
        assert set(of_states(engines)) <= ON_THE_WAY, "nothing is known yet"
        engines.release()
        assert run.ended() == (0, "")
        assert [(each["orders"], each["seconds"]) for each in run.says("leaving")] == [(6, 62)]
        (summary,) = run.says("summary")
        assert {each["state"] for each in summary["open"]} == {"CONFIRM"}
        assert of_states(engines) == {"CONFIRM": 6}


def test_what_nobody_answers_is_unknown_on_disk_within_the_time_that_is_said(engines: Engines, broker: Broker) -> None:
    with sending(engines) as run:
        engines.mute = True
        began = time.monotonic()
        run.sends(signal.SIGINT)
        assert run.ended() == (0, "")
        assert time.monotonic() - began < 62
        assert of_states(engines) == {"UNKNOWN": 6}
    engines.placing, engines.mute = None, False
    calmed(engines)
    assert differences(broker, engines.folder) == [], "and it is found out at the next start"


def test_a_second_signal_ends_a_run_at_once_and_nothing_is_lost_by_it(engines: Engines, broker: Broker) -> None:
    with sending(engines) as run:
        run.sends(signal.SIGTERM)
        engines.go_on(lambda: bool(run.says("leaving")), step=0.02)
        run.sends(signal.SIGTERM)
        code, error = run.ended()
        assert (code, error) == (128 + signal.SIGTERM, "")
        assert set(of_states(engines)) <= ON_THE_WAY
    engines.placing = None
    calmed(engines)
    assert differences(broker, engines.folder) == []
