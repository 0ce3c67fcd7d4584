"""The clocks that can drive a flow."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from pipeline import virtual
from pipeline.clocks import Clock, LoopClock, PacedClock
from pipeline.times import DAY, MINUTE
from pipeline.virtual import VirtualLoop
from tests.support import MONDAY

CLOCKS: dict[str, Callable[[VirtualLoop], Clock]] = {
    "loop": lambda loop: LoopClock(loop, MONDAY),
    "paced": lambda loop: PacedClock(loop, MONDAY, 60.0),
}


def on_loop(main: Callable[[VirtualLoop], Awaitable[None]]) -> None:
    async def whole(loop: VirtualLoop) -> None:
        await main(loop)

    virtual.run(whole, start=17.3)


async def reached(clock: Clock, moment: int) -> None:
    """Wait until everything of a moment has happened."""
    there = asyncio.get_running_loop().create_future()
    clock.at(moment, lambda: there.set_result(None), last=True)
    await there


# --- both ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CLOCKS)
def test_an_act_sees_its_own_moment(name: str) -> None:
    async def main(loop: VirtualLoop) -> None:
        clock, seen = CLOCKS[name](loop), list[int]()
        wanted = [1, 999, 1_000, MINUTE + 1, 30 * DAY + 7]
        for after in wanted:
            clock.at(MONDAY + after, lambda: seen.append(clock.now() - MONDAY))
        await reached(clock, MONDAY + 31 * DAY)
        assert seen == wanted

    on_loop(main)


@pytest.mark.parametrize("name", CLOCKS)
def test_acts_of_one_moment_happen_in_the_order_they_were_planned_but_last_ones_last(name: str) -> None:
    async def main(loop: VirtualLoop) -> None:
        clock, seen = CLOCKS[name](loop), list[str]()
        clock.at(MONDAY + 5, lambda: seen.append("last"), last=True)
        clock.at(MONDAY + 5, lambda: seen.append("a"))
        clock.at(MONDAY + 6, lambda: seen.append("next moment"))
        clock.at(MONDAY + 5, lambda: seen.append("b"))
        await reached(clock, MONDAY + 10)
        assert seen == ["a", "b", "last", "next moment"]

    on_loop(main)


@pytest.mark.parametrize("name", CLOCKS)
def test_an_act_called_off_never_happens(name: str) -> None:
    async def main(loop: VirtualLoop) -> None:
        clock, seen = CLOCKS[name](loop), list[str]()
        gone = clock.at(MONDAY + 5, lambda: seen.append("gone"))
        clock.at(MONDAY + 5, lambda: seen.append("kept"))
        clock.at(MONDAY + 4, gone.cancel)
        await reached(clock, MONDAY + 10)
        assert seen == ["kept"]
        gone.cancel()

    on_loop(main)


@pytest.mark.parametrize("name", CLOCKS)
def test_an_act_for_a_moment_that_has_passed_happens_soon_and_time_does_not_go_back(name: str) -> None:
    async def main(loop: VirtualLoop) -> None:
        clock, seen = CLOCKS[name](loop), list[int]()
        await reached(clock, MONDAY + 1_000)
        clock.at(MONDAY + 10, lambda: seen.append(clock.now() - MONDAY))
        await reached(clock, MONDAY + 1_001)
        assert seen == [1_000]

    on_loop(main)


@pytest.mark.parametrize("name", CLOCKS)
def test_an_act_that_raises_stops_no_other(name: str) -> None:
    async def main(loop: VirtualLoop) -> None:
        told: list[str] = []
        loop.set_exception_handler(lambda _, context: told.append(str(context["exception"])))
        clock, seen = CLOCKS[name](loop), list[str]()

        def breaks() -> None:
            raise ValueError("broken")

        clock.at(MONDAY + 5, breaks)
        clock.at(MONDAY + 6, lambda: seen.append("next"))
        await asyncio.wait_for(reached(clock, MONDAY + 10), 3_600)
        assert (seen, told) == (["next"], ["broken"])

    on_loop(main)


# --- the loop's own time ---------------------------------------------------------------------------------------------


def test_a_loop_clock_begins_where_it_is_told_and_goes_with_the_loop() -> None:
    async def main(loop: VirtualLoop) -> None:
        clock = LoopClock(loop, MONDAY)
        assert clock.now() == clock.shown() == MONDAY
        await asyncio.sleep(1.2345)
        assert clock.now() == clock.shown() == MONDAY + 1_234

    on_loop(main)


def test_a_moment_is_the_same_after_going_to_loop_time_and_back() -> None:
    async def main(loop: VirtualLoop) -> None:
        clock, seen = LoopClock(loop, MONDAY), list[int]()
        wanted = [7 * step for step in range(1, 3_000)]
        for after in wanted:
            clock.at(MONDAY + after, lambda: seen.append(clock.now() - MONDAY))
        await reached(clock, MONDAY + DAY)
        assert seen == wanted

    on_loop(main)


# --- paced -----------------------------------------------------------------------------------------------------------


def test_a_paced_clock_runs_as_many_times_faster_as_it_is_told() -> None:
    async def main(loop: VirtualLoop) -> None:
        clock = PacedClock(loop, MONDAY, 60.0)
        began = loop.time()
        await reached(clock, MONDAY + 60 * MINUTE)
        assert loop.time() - began == pytest.approx(60)

    on_loop(main)


def test_nothing_happens_before_its_real_time() -> None:
    async def main(loop: VirtualLoop) -> None:
        clock, seen = PacedClock(loop, MONDAY, 60.0), list[float]()
        began = loop.time()
        for minute in (3, 1, 2):
            clock.at(MONDAY + minute * MINUTE, lambda: seen.append(round(loop.time() - began, 6)))
        await reached(clock, MONDAY + 4 * MINUTE)
        assert seen == [1, 2, 3]

    on_loop(main)


def test_a_machine_that_cannot_keep_up_falls_behind_but_overtakes_nothing() -> None:
    async def main(loop: VirtualLoop) -> None:
        clock, seen = PacedClock(loop, MONDAY, 1.0), list[tuple[int, int]]()

        def slow(number: int) -> None:
            seen.append((number, clock.now() - MONDAY))
            loop._time += 5.0  # pyright: ignore[reportPrivateUsage]  # five seconds of work
            clock.at(MONDAY + number * 1_000 + 500, lambda: seen.append((-number, clock.now() - MONDAY)))

        for number in (1, 2, 3):
            clock.at(MONDAY + number * 1_000, lambda number=number: slow(number))
        await reached(clock, MONDAY + 4_000)
        assert seen == [(1, 1_000), (-1, 1_500), (2, 2_000), (-2, 2_500), (3, 3_000), (-3, 3_500)]

    on_loop(main)


def test_what_an_act_wakes_takes_its_turn_before_the_next_act() -> None:
    async def main(loop: VirtualLoop) -> None:
        clock, seen = PacedClock(loop, MONDAY, 1.0), list[str]()
        event = asyncio.Event()

        async def sleeper() -> None:
            await event.wait()
            seen.append("woken")

        task = loop.create_task(sleeper())
        await asyncio.sleep(0)
        clock.at(MONDAY + 5, event.set)
        clock.at(MONDAY + 5, lambda: seen.append("next"))
        await reached(clock, MONDAY + 10)
        await task
        assert seen == ["woken", "next"]

    on_loop(main)


def test_while_nothing_happens_a_paced_clock_still_shows_time_going_on_but_not_past_what_waits() -> None:
    async def main(loop: VirtualLoop) -> None:
        clock = PacedClock(loop, MONDAY, 10.0)
        await asyncio.sleep(2)
        assert (clock.now(), clock.shown()) == (MONDAY, MONDAY + 20_000)
        clock.at(MONDAY + 25_000, lambda: None)
        loop._time += 3.0  # pyright: ignore[reportPrivateUsage]  # three seconds in which the loop had no turn
        assert (clock.now(), clock.shown()) == (MONDAY, MONDAY + 25_000)
        await reached(clock, MONDAY + 25_000)
        assert clock.now() == MONDAY + 25_000

    on_loop(main)
