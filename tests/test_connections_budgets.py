"""A venue's limits are kept before anything leaves, and orders come first."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import virtual
from pipeline.connections.budgets import Budgets, Common
from pipeline.connections.contract import Limit, Priority
from pipeline.connections.troubles import CallFailed
from pipeline.times import HOUR, MINUTE, SECOND

BEGIN = 1_000_000
PRIORITIES: tuple[Priority, ...] = ("order", "result", "quote", "history")


class Clock:
    """A flow's clock on a virtual loop, which may be set."""

    def __init__(self) -> None:
        self.ahead = BEGIN

    def now(self) -> int:
        return self.ahead + int(asyncio.get_running_loop().time() * 1000 + 1e-4)

    async def until(self, at: int) -> None:
        await asyncio.sleep(max(0, at - self.now()) / 1000)


def played(main: Callable[[Clock], Coroutine[Any, Any, None]]) -> None:
    clock = Clock()
    virtual.run(lambda _: main(clock))


def limit(per_minute: int, *, calls: frozenset[str] = frozenset(), **more: Any) -> Limit:
    return Limit("trading", calls, per_minute, **more)


def budgets(clock: Clock, *limits: Limit, **more: Any) -> Budgets:
    return Budgets(limits, clock.now, clock.until, **more)


class Asked(NamedTuple):
    at: int
    priority: Priority
    weight: int


class Gone(NamedTuple):
    asked: Asked
    at: int


def all_gone(limits: tuple[Limit, ...], asked: list[Asked]) -> list[Gone]:
    """When each call was let go."""
    gone = list[Gone]()

    async def main(clock: Clock) -> None:
        ours = budgets(clock, *limits)

        async def one(each: Asked) -> None:
            await clock.until(BEGIN + each.at)
            await ours.take("buy", each.priority, weight=each.weight)
            gone.append(Gone(each, clock.now()))

        await asyncio.gather(*map(one, asked))

    played(main)
    return gone


def most_in_any(span: int, gone: list[Gone], *, others: bool = False) -> int:
    """The most that was let go within any span of that length."""
    counted = [(each.at, each.asked.weight) for each in gone if not others or each.asked.priority != "order"]
    return max((sum(weight for at, weight in counted if begin <= at < begin + span) for begin, _ in counted), default=0)


moments = st.integers(0, 3 * MINUTE)
calls = st.lists(st.builds(Asked, moments, st.sampled_from(PRIORITIES), st.integers(1, 3)), min_size=1, max_size=40)


@settings(max_examples=40)
@given(calls, st.integers(5, 12), st.integers(0, 2), st.none() | st.integers(3, 6), st.none() | st.integers(15, 30))
def test_no_span_of_a_second_a_minute_or_an_hour_ever_has_more_calls_than_the_venue_answers(
    asked: list[Asked], per_minute: int, reserve: int, burst: int | None, per_hour: int | None
) -> None:
    reserve = 0 if burst is not None or per_hour is not None else reserve
    gone = all_gone((limit(per_minute, reserve=reserve, burst=burst, per_hour=per_hour),), asked)

    assert sorted(each.asked for each in gone) == sorted(asked)
    assert most_in_any(MINUTE, gone) <= per_minute
    assert most_in_any(MINUTE, gone, others=True) <= per_minute - reserve
    assert burst is None or most_in_any(SECOND, gone) <= burst
    assert per_hour is None or most_in_any(HOUR, gone) <= per_hour


@settings(max_examples=40)
@given(calls, st.integers(3, 8))
def test_nothing_goes_before_what_waits_for_the_same_limit_and_comes_first(asked: list[Asked], per_minute: int) -> None:
    gone = all_gone((limit(per_minute),), asked)
    for first in gone:
        for other in gone:
            comes_later = PRIORITIES.index(other.asked.priority) > PRIORITIES.index(first.asked.priority)
            assert not (comes_later and BEGIN + first.asked.at < other.at < first.at)


@settings(max_examples=40)
@given(st.lists(st.tuples(moments, st.sampled_from(PRIORITIES), st.integers(0, 2 * MINUTE)), min_size=1, max_size=30))
def test_a_call_goes_by_its_moment_or_fails_by_then_without_being_sent(asked: list[tuple[int, Priority, int]]) -> None:
    async def main(clock: Clock) -> None:
        ours = budgets(clock, limit(4, reserve=1), at_once=2)
        gone = list[Gone]()

        async def one(at: int, priority: Priority, patience: int) -> None:
            await clock.until(BEGIN + at)
            by = BEGIN + at + patience
            try:
                async with ours.room("buy", priority, by=by):
                    gone.append(Gone(Asked(at, priority, 1), clock.now()))
                    assert clock.now() <= by
                    await asyncio.sleep(20)
            except CallFailed as failed:
                sent = failed.fate != "unsent"
                assert not sent
                assert clock.now() <= by + 1

        await asyncio.gather(*(one(*each) for each in asked))
        assert most_in_any(MINUTE, gone) <= 4
        await asyncio.sleep(62)
        assert ours.spent() == {"trading": 0.0}

    played(main)


def test_calls_that_fit_do_not_wait() -> None:
    assert [each.at for each in all_gone((limit(3),), [Asked(0, "quote", 1)] * 3)] == [BEGIN] * 3


def test_what_is_kept_for_orders_is_there_when_all_else_is_used_up() -> None:
    asked = [Asked(0, "history", 1)] * 10 + [Asked(10, "order", 1)] * 3
    gone = all_gone((limit(10, reserve=3),), asked)
    assert [each.at - BEGIN for each in gone if each.asked.priority == "order"] == [10, 10, 10]
    assert most_in_any(MINUTE, gone, others=True) == 7


def test_an_hour_has_no_more_calls_than_the_venue_answers_in_one_however_few_each_minute_has() -> None:
    gone = all_gone((limit(10, per_hour=15),), [Asked(0, "history", 1)] * 40)
    assert len(gone) == 40
    assert most_in_any(HOUR, gone) == 15
    assert max(each.at for each in gone) < BEGIN + 3 * HOUR


def test_an_hour_keeps_the_same_part_for_orders_as_a_minute() -> None:
    asked = [Asked(minute * MINUTE, "history", 4) for minute in range(30)] + [Asked(31 * MINUTE, "order", 1)]
    order = next(
        each for each in all_gone((limit(10, per_hour=40, reserve=2),), asked) if each.asked.priority == "order"
    )
    assert order.at == BEGIN + 31 * MINUTE


def test_a_call_that_cannot_go_in_time_fails_at_once_and_was_never_sent() -> None:
    async def main(clock: Clock) -> None:
        ours = budgets(clock, limit(1))
        await ours.take("buy", "order")
        with pytest.raises(CallFailed, match="buy was not sent: trading has no room for it in time") as failed:
            await ours.take("buy", "order", by=clock.now() + 10 * SECOND)
        assert (failed.value.kind, failed.value.fate) == ("throttle", "unsent")
        assert clock.now() == BEGIN
        await ours.take("buy", "order", by=clock.now() + 2 * MINUTE)
        assert clock.now() > BEGIN + MINUTE

    played(main)


def test_whoever_is_ahead_counts_for_whether_a_call_can_go_in_time() -> None:
    async def main(clock: Clock) -> None:
        ours = budgets(clock, limit(1))
        await ours.take("buy", "order")
        ahead = asyncio.create_task(ours.take("buy", "order"))
        await asyncio.sleep(0)
        with pytest.raises(CallFailed):
            await ours.take("buy", "result", by=BEGIN + 61 * SECOND)
        assert clock.now() == BEGIN
        await ahead

    played(main)


def test_a_call_that_waits_for_a_room_fails_at_its_moment() -> None:
    async def main(clock: Clock) -> None:
        ours = budgets(clock, at_once=1)
        async with ours.room("buy", "order"):
            with pytest.raises(CallFailed, match="too many calls are on their way") as failed:
                async with ours.room("buy", "order", by=BEGIN + 500):
                    raise AssertionError
            assert failed.value.fate == "unsent"
            assert clock.now() == BEGIN + 501

    played(main)


def test_what_a_venue_can_never_answer_is_refused_and_does_not_wait_for_ever() -> None:
    async def main(clock: Clock) -> None:
        with pytest.raises(CallFailed):
            await budgets(clock, limit(5)).take("klines", "history", weight=6)
        with pytest.raises(CallFailed):
            await budgets(clock, limit(5, reserve=5)).take("klines", "history")

    played(main)


def test_so_many_calls_are_on_their_way_at_once_and_some_rooms_are_for_orders() -> None:
    async def main(clock: Clock) -> None:
        ours = budgets(clock, at_once=8)
        async with AsyncExitStack() as stack:
            for _ in range(6):
                await stack.enter_async_context(ours.room("candles", "history"))
            seventh = asyncio.create_task(stack.enter_async_context(ours.room("candles", "history")))
            await asyncio.sleep(1)
            assert not seventh.done()
            for _ in range(2):
                await stack.enter_async_context(ours.room("buy", "order", by=clock.now()))
            seventh.cancel()
            await asyncio.wait([seventh])

    played(main)


def test_a_room_is_free_again_however_its_call_ended() -> None:
    async def main(clock: Clock) -> None:
        ours = budgets(clock, at_once=1)

        async def hanging() -> None:
            async with ours.room("candles", "history"):
                await asyncio.Event().wait()

        hung = asyncio.create_task(hanging())
        await asyncio.sleep(1)
        hung.cancel()
        with pytest.raises(ZeroDivisionError):
            async with ours.room("candles", "history"):
                raise ZeroDivisionError
        async with ours.room("candles", "history", by=clock.now()):
            pass

    played(main)


@settings(max_examples=40)
@given(st.lists(st.tuples(moments, st.booleans(), st.integers(0, 2 * MINUTE)), min_size=1, max_size=30))
def test_whoever_gives_up_takes_nothing_with_them(asked: list[tuple[int, bool, int]]) -> None:
    """Rooms and limits are as if calls that were called off had never been: what is asked last goes at once."""

    async def main(clock: Clock) -> None:
        ours = budgets(clock, limit(3), at_once=2)

        async def one(at: int, patience: int) -> None:
            await clock.until(BEGIN + at)
            async with asyncio.timeout(patience / 1000), ours.room("buy", "quote"):
                await asyncio.sleep(1)

        tasks = [asyncio.create_task(one(at, patience if gives_up else 2**40)) for at, gives_up, patience in asked]
        await asyncio.wait(tasks)
        for task in tasks:
            task.exception()
        await asyncio.sleep(62)
        for _ in range(2):
            async with ours.room("buy", "quote", by=clock.now()):
                pass
        assert not [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]

    played(main)


def test_a_turn_that_comes_as_its_call_is_called_off_is_given_back() -> None:
    async def main(clock: Clock) -> None:
        ours = budgets(clock, limit(100), at_once=1)
        inside = ours.room("buy", "order")
        await inside.__aenter__()
        waiting = asyncio.create_task(ours.room("buy", "order").__aenter__())
        await asyncio.sleep(0)
        await inside.__aexit__(None, None, None)
        assert ours.spent() == {"trading": 0.02}
        waiting.cancel()
        await asyncio.wait([waiting])
        assert ours.spent() == {"trading": 0.01}
        async with ours.room("buy", "order", by=clock.now()):
            pass

    played(main)


def test_limits_of_the_address_are_shared_and_an_account_that_floods_takes_no_room_of_anothers() -> None:
    async def main(clock: Clock) -> None:
        common = Common(clock.now, clock.until)
        limits = (limit(2), Limit("address", frozenset(), 5, scope="address"))
        first, second = (budgets(clock, *limits, common=common) for _ in range(2))
        flood = [asyncio.create_task(first.take("buy", "history")) for _ in range(50)]
        await asyncio.sleep(0)
        await second.take("buy", "history", by=BEGIN)
        await second.take("buy", "order", by=BEGIN)
        assert first.spent() == {"trading": 1.0, "address": 0.8}
        assert sum(task.done() for task in flood) == 2
        for task in flood:
            task.cancel()
        await asyncio.wait(flood)

    played(main)


def test_an_order_of_one_account_goes_before_the_history_of_another() -> None:
    async def main(clock: Clock) -> None:
        common = Common(clock.now, clock.until)
        address = Limit("address", frozenset(), 1, scope="address")
        first, second = (budgets(clock, address, common=common) for _ in range(2))
        await first.take("candles", "history")
        history = asyncio.create_task(first.take("candles", "history"))
        await asyncio.sleep(1)
        await second.take("buy", "order")
        assert not history.done()
        history.cancel()
        await asyncio.wait([history])

    played(main)


@pytest.mark.parametrize(
    ("asked", "waits"),
    [
        (None, 250),
        (0, 250),
        (-5, 250),
        (float("nan"), 250),
        (3, 3000),
        (10.0**30, 15 * MINUTE),
        (float("inf"), 15 * MINUTE),
    ],
)
def test_who_is_told_to_keep_away_does_for_a_quarter_of_an_hour_at_the_most(asked: float | None, waits: int) -> None:
    async def main(clock: Clock) -> None:
        ours = budgets(clock, limit(10))
        ours.hold("buy", asked)
        await ours.take("buy", "order")
        assert clock.now() == BEGIN + waits

    played(main)


def test_who_does_not_say_for_how_long_is_left_alone_twice_as_long_each_time_until_a_minute_went_well() -> None:
    async def main(clock: Clock) -> None:
        ours, waits = budgets(clock), list[int]()
        for quiet in (0, 0, 0, 0, 0, 0, 0, 0, 0, 59, 61):
            await asyncio.sleep(quiet)
            for _ in range(8):
                ours.hold("buy", None)
            began = clock.now()
            await ours.take("buy", "order")
            waits.append(clock.now() - began)
        assert waits == [250, 500, 1000, 2000, 4000, 8000, 16000, 32000, 32000, 32000, 250]

    played(main)


def test_keeping_away_sends_orders_back_that_would_come_too_late_and_leaves_other_limits_alone() -> None:
    async def main(clock: Clock) -> None:
        trading, rest = limit(1, calls=frozenset({"buy"})), Limit("rest", frozenset(), 100)
        ours = budgets(clock, trading, rest)
        await ours.take("buy", "order")
        waiting = asyncio.create_task(ours.take("buy", "order", by=BEGIN + 2 * MINUTE))
        await asyncio.sleep(1)
        ours.hold("buy", 600)
        with pytest.raises(CallFailed):
            await waiting
        assert clock.now() == BEGIN + SECOND
        await ours.take("candles", "history", by=clock.now())

    played(main)


def test_one_account_that_is_told_to_keep_away_does_not_hold_the_others_of_its_address() -> None:
    async def main(clock: Clock) -> None:
        common = Common(clock.now, clock.until)
        limits = (limit(100), Limit("address", frozenset(), 300, scope="address"))
        first, second = (budgets(clock, *limits, common=common) for _ in range(2))
        first.hold("buy", 600)
        await second.take("buy", "order", by=BEGIN)

    played(main)


def test_a_clock_that_is_set_back_makes_nobody_wait_longer_than_a_whole_span() -> None:
    async def main(clock: Clock) -> None:
        ours = budgets(clock, limit(1))
        await ours.take("buy", "quote")
        ours.hold("buy", 600)
        waiting = asyncio.create_task(ours.take("buy", "quote"))
        await asyncio.sleep(1)
        clock.ahead -= 24 * HOUR
        began = asyncio.get_running_loop().time()
        await waiting
        assert asyncio.get_running_loop().time() - began <= 2 * 15 * 60

    played(main)
