"""A machine that slept, or whose clock was set: what should have happened meanwhile is not traded on."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from operators.risk.guard import GATES
from pipeline import virtual
from pipeline.clocks import LoopClock, PacedClock
from pipeline.engine import Setting, running
from pipeline.flow import CLOCK, OVERDUE, Flow
from pipeline.journal import Journal
from pipeline.standstills import Clocks, Pulse, StandstillWatch, compared
from pipeline.times import HOUR, MINUTE, SECOND
from pipeline.trying import NoRecords
from pipeline.values import Decisions, GateRow, Past, Payouts, Slept, Stalled, Standstill
from pipeline.verifying import verified
from pipeline.virtual import VirtualLoop
from tests.support import MONDAY, ROOT, SMALL, plan_of, quotes, signals

UNASKED = SMALL.replace("payout = 0.9", "payout = 0.9\nevidence = {}")
"""The venue lists nothing, so nothing is planned but what a test plans."""
QUARTER = 15 * MINUTE
"""A timeframe that the flow does not gather itself."""


def played(act: Callable[[Flow], object], until: int, *moments: int, journal: Path | None = None) -> list[Any]:
    """What a flow gives that is to decide at some moments, known from the first, if this happens at half a minute."""
    given: list[Any] = []

    def told(_: str, value: Any) -> None:
        given.append(value)

    async def main() -> None:
        plan = plan_of(UNASKED)
        recorded = Journal(journal, plan, MONDAY) if journal is not None else None
        setting = Setting(mode="paper", begin=MONDAY, outside=())
        async with running(plan, setting, NoRecords(), Past((), {}), journal=recorded, taps=(told,)) as flow:
            if recorded is not None:  # signals made up by a test cannot be recorded: let a bar of its own come to be
                flow.enter("sources.market", quotes("EURUSD", [MONDAY, MONDAY + SECOND], [1.1, 1.1001]))
            flow.enter("venues.practice", Payouts("EURUSD", np.array([MONDAY]), np.array([0.9])))
            for number, moment in enumerate(moments):
                tf = (number + 1) * QUARTER
                flow.enter("ensembles.main", signals(tf=tf, bar=moment - tf, at=moment))
            await flow.border.until(MONDAY + 30 * SECOND)
            act(flow)
            await flow.border.until(until)
        if recorded is not None:
            recorded.close()

    virtual.run(lambda _: main())
    return given


def verdicts(given: list[Any]) -> list[str]:
    rows = [each for each in given if isinstance(each, Decisions) and each.tf >= QUARTER]
    return ["trade" if each.verdict[0] < 0 else GATES[int(each.verdict[0])] for each in rows]


def overslept(millis: int) -> Callable[[Flow], object]:
    """The loop's own time leaps: what was planned meanwhile is called late."""
    return lambda flow: flow.border.clock.step(millis)


def test_what_was_planned_for_a_time_slept_through_is_missed_and_what_comes_later_is_not() -> None:
    given = played(overslept(2 * MINUTE), MONDAY + HOUR, MONDAY + MINUTE, MONDAY + 2 * MINUTE, MONDAY + 4 * MINUTE)
    assert verdicts(given) == ["missed", "missed", "trade"]
    assert [each for each in given if isinstance(each, Slept)] == [Slept(MONDAY + MINUTE, MONDAY + 150 * SECOND)]


@pytest.mark.parametrize(("late", "verdict"), [(OVERDUE, "trade"), (OVERDUE + 1, "missed")])
def test_a_little_late_is_not_missed(late: int, verdict: str) -> None:
    given = played(overslept(30 * SECOND + late), MONDAY + HOUR, MONDAY + MINUTE)
    assert verdicts(given) == [verdict]


def test_it_is_known_before_anything_else_even_if_something_new_comes_first() -> None:
    def wakes(flow: Flow) -> None:
        flow.border.clock.step(2 * MINUTE)
        flow.enter("venues.practice", Payouts("EURUSD", np.array([MONDAY + 150 * SECOND]), np.array([0.9])))

    given = played(wakes, MONDAY + HOUR, MONDAY + MINUTE)
    kinds = [type(each).__name__ for each in given]
    assert kinds.index("Slept") < kinds.index("Decisions")
    assert verdicts(given) == ["missed"]


def test_a_flow_that_had_nothing_planned_was_not_late_for_anything() -> None:
    given = played(overslept(HOUR), MONDAY + 2 * HOUR)
    assert [each for each in given if isinstance(each, Slept)] == []


def test_a_clock_set_forward_takes_the_flows_time_along() -> None:
    """What was planned for the time left out is missed, what comes later comes at its own time."""
    given = played(
        lambda flow: flow.stepped(2 * MINUTE), MONDAY + HOUR, MONDAY + MINUTE, MONDAY + 2 * MINUTE, MONDAY + 4 * MINUTE
    )
    assert verdicts(given) == ["missed", "missed", "trade"]
    slept = [each for each in given if isinstance(each, Slept)]
    assert slept == [Slept(MONDAY + 30 * SECOND, MONDAY + 150 * SECOND, "stepped")]


def test_a_clock_set_back_decides_nothing_of_the_time_that_comes_twice() -> None:
    def set_back(flow: Flow) -> None:
        flow.stepped(-10 * SECOND)
        assert flow.border.now() == MONDAY + 20 * SECOND
        late = signals(tf=8 * QUARTER, bar=MONDAY - 8 * QUARTER, at=MONDAY + 25 * SECOND)
        flow.enter("ensembles.main", late)

    given = played(set_back, MONDAY + HOUR, MONDAY + MINUTE)
    assert verdicts(given) == ["missed", "trade"]


def test_a_session_that_slept_is_replayed_identically(tmp_path: Path) -> None:
    given = played(overslept(2 * MINUTE), MONDAY + HOUR, journal=tmp_path / "session")
    (missed,) = [each for each in given if isinstance(each, Decisions)]
    assert GateRow("missed", 89.5, 0.0, "no") in missed.explained[0]
    verdict = verified(tmp_path / "session", ROOT)
    assert verdict.difference is None
    assert verdict.same == verdict.links
    assert verdict.decisions == 1
    assert f'"node":"{CLOCK}","type":"Slept"' in (tmp_path / "session" / "journal.jsonl").read_text()


# --- clocks ----------------------------------------------------------------------------------------------------------


def on_loop(main: Callable[[VirtualLoop], Any]) -> None:
    async def whole(loop: VirtualLoop) -> None:
        await main(loop)

    virtual.run(whole, start=17.3)


@pytest.mark.parametrize("millis", [-3_000, 2_500, HOUR])
def test_a_loop_clock_that_steps_calls_what_is_planned_at_its_new_time_and_in_order(millis: int) -> None:
    async def main(loop: VirtualLoop) -> None:
        clock, seen = LoopClock(loop, MONDAY), list[tuple[str, int]]()
        planned = {"b": 6_000, "a": 5_000, "gone": 5_500, "c": 2 * HOUR}
        timers = {
            name: clock.at(MONDAY + after, lambda name=name: seen.append((name, clock.now() - MONDAY)))
            for name, after in planned.items()
        }
        await asyncio.sleep(4)
        timers["gone"].cancel()
        clock.step(millis)
        began = clock.now() - MONDAY
        assert began == 4_000 + millis
        await asyncio.sleep(3 * HOUR / 1000)
        assert seen == [(name, max(planned[name], began)) for name in ("a", "b", "c")]

    on_loop(main)


def test_a_simulated_markets_time_is_its_own() -> None:
    async def main(loop: VirtualLoop) -> None:
        clock = PacedClock(loop, MONDAY, 60.0)
        clock.step(HOUR)
        assert clock.now() == MONDAY

    on_loop(main)


class Machine:
    """A machine on a virtual loop, whose clocks a test can turn."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self._began = loop.time()
        self._set = self._asleep = self._stopped = 0
        self.told = list[tuple[int, Any]]()

    def clocks(self) -> Clocks:
        now = self._now()
        return Clocks(MONDAY + now + self._set, now, now + self._asleep, now - self._stopped, now // 10)

    def sets_its_clock(self, millis: int) -> None:
        self._set += millis

    def sleeps(self, millis: int, *, going_on: bool = False) -> None:
        """`going_on`: what the loop goes by counts it, as on Windows, or when only the program is stopped."""
        if going_on:
            self._stopped += millis
            self.is_busy(millis)
        else:
            self._asleep += millis
            self._set += millis

    def is_busy(self, millis: int) -> None:
        self._loop._time += millis / 1000  # pyright: ignore[reportPrivateUsage]  # no step of the loop's own leaps

    def stepped(self, millis: int, cause: Standstill) -> None:
        self.told.append((self._now() // 1000, (millis, cause)))

    def stalled(self, stalled: Stalled) -> None:
        self.told.append((self._now() // 1000, stalled))

    def _now(self) -> int:
        return round((self._loop.time() - self._began) * 1000)


Happens = Callable[[Machine], object]


def told_of(*happenings: Happens, why: list[Standstill] | None = None) -> list[tuple[int, Any]]:
    """What is told if these things happen to a machine, every ten seconds one, half a second after a look."""

    async def main(loop: VirtualLoop) -> list[tuple[int, Any]]:
        machine = Machine(loop)
        watch = StandstillWatch(machine.stepped, machine.stalled, machine.clocks)
        looking = asyncio.ensure_future(watch.whole())
        await asyncio.sleep(10.5)
        for happens in happenings:
            happens(machine)
            if why is not None:
                why.append(watch.why())
            await asyncio.sleep(10)
        looking.cancel()
        return machine.told

    return virtual.run(main, start=17.3)


def test_a_clock_that_is_set_is_told_each_time_and_small_steps_once_they_add_up() -> None:
    told = told_of(
        lambda machine: machine.sets_its_clock(1_000),
        lambda machine: machine.sets_its_clock(4_000),
        lambda machine: machine.sets_its_clock(-65_000),
    )
    assert told == [(21, (5_000, "stepped")), (31, (-65_000, "stepped"))]


def test_a_sleep_in_which_the_loops_clock_stood_still_is_told_apart_from_a_clock_that_is_set() -> None:
    assert told_of(lambda machine: machine.sleeps(HOUR)) == [(11, (HOUR, "slept"))]


def test_a_clock_that_is_set_after_a_sleep_is_one_step_by_both() -> None:
    def wakes(machine: Machine) -> None:
        machine.sleeps(HOUR)
        machine.sets_its_clock(3_000)

    assert told_of(wakes) == [(11, (HOUR + 3_000, "slept"))]


def stopped(machine: Machine) -> None:
    machine.sleeps(7_000, going_on=True)


def busy(machine: Machine) -> None:
    machine.is_busy(7_000)


@pytest.mark.parametrize(("happens", "cause"), [(stopped, "slept"), (busy, "blocked")])
def test_a_program_that_is_stopped_is_told_apart_from_one_that_is_busy(happens: Happens, cause: Standstill) -> None:
    why = list[Standstill]()
    ((at, stalled),) = told_of(happens, why=why)
    assert (at, stalled) == (17, Stalled(6_500, cause))
    assert why == [cause], "what is long overdue is told why before the next look comes"


def test_what_is_overdue_right_after_a_late_look_is_late_for_the_same_reason() -> None:
    async def main(loop: VirtualLoop) -> Standstill:
        machine = Machine(loop)
        watch = StandstillWatch(machine.stepped, machine.stalled, machine.clocks)
        looking = asyncio.ensure_future(watch.whole())
        await asyncio.sleep(1.5)
        stopped(machine)
        await asyncio.sleep(0.01)
        assert machine.told
        looking.cancel()
        return watch.why()

    assert virtual.run(main) == "slept"


@pytest.mark.parametrize(("millis", "told"), [(2_400, 0), (2_600, 1)])
def test_only_a_standstill_of_more_than_two_seconds_is_told(millis: int, told: int) -> None:
    assert len(told_of(lambda machine: machine.is_busy(millis))) == told


def test_the_flow_says_why_what_is_overdue_comes_late() -> None:
    def blocked() -> Standstill:
        return "blocked"

    def happens(flow: Flow) -> None:
        flow.standstill = blocked
        flow.border.clock.step(2 * MINUTE)

    given = played(happens, MONDAY + HOUR, MONDAY + MINUTE)
    assert [each.cause for each in given if isinstance(each, Slept)] == ["blocked"]


def test_this_machines_clocks_go_on_and_a_busy_program_is_seen_to_be_busy() -> None:
    pulse = Pulse()
    try:
        was = pulse.clocks()
        while (now := pulse.clocks()).loop - was.loop < 400:
            pass
    finally:
        pulse.close()
    assert now.boot - was.boot == pytest.approx(now.loop - was.loop, abs=50)
    assert compared(was, now, 100).late_by == "blocked"
