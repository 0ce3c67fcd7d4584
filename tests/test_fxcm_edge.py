"""What crosses from the SDK's threads to the loop: in order, bounded, and nothing without a name."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from threading import Thread
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.fxcm.edge import TURN, Crossed, Edge
from pipeline.fxcm.port import Offer


def offer(at: int, instrument: str = "EUR/USD") -> Offer:
    return Offer(instrument, at, 1.1, 1.2)


def crossed(
    play: Callable[[Edge, list[Any]], Coroutine[Any, Any, None]], room: int = 1000
) -> tuple[list[Any], Crossed]:
    """What came over, and the counts of it."""
    came: list[Any] = []
    counts = Crossed()

    async def whole() -> None:
        def take(offers: Sequence[Offer]) -> None:
            came.extend(offers)

        edge = Edge(take, counts, room)
        await asyncio.wait_for(play(edge, came), 10)
        while edge.depth:
            passed = asyncio.Event()
            edge.post(passed.set)
            await passed.wait()
        edge.close()

    asyncio.run(whole())
    return came, counts


def test_prices_and_words_come_over_in_the_order_they_were_told() -> None:
    async def play(edge: Edge, came: list[Any]) -> None:
        edge.offer(offer(1))
        edge.post(lambda: came.append("lost"))
        edge.offer(offer(2))
        assert came == []

    came, _ = crossed(play)
    assert came == [offer(1), "lost", offer(2)]


def test_a_full_edge_keeps_the_newest_price_of_each_instrument_and_counts_the_others() -> None:
    async def play(edge: Edge, came: list[Any]) -> None:
        for at in range(10):
            edge.offer(offer(at, "EUR/USD"))
            edge.offer(offer(at, "XAU/USD"))
        assert edge.depth == 6
        for word in range(100):
            edge.post(lambda word=word: came.append(word))

    came, counts = crossed(play, room=4)
    offers = [each for each in came if isinstance(each, Offer)]
    assert offers == [*(offer(at, name) for at in (0, 1) for name in ("EUR/USD", "XAU/USD")), *offers[-2:]]
    assert offers[-2:] == [offer(9, "EUR/USD"), offer(9, "XAU/USD")]
    assert [each for each in came if isinstance(each, int)] == list(range(100))
    assert (counts.ticks, counts.given, counts.dropped) == (20, 6, 14)


def test_a_row_that_is_no_price_is_counted_and_wakes_nobody() -> None:
    async def play(edge: Edge, came: list[Any]) -> None:
        edge.offer(None)
        assert edge.depth == 0

    came, counts = crossed(play)
    assert (came, counts.tick_errors, counts.ticks) == ([], 1, 0)


def test_a_row_that_changes_in_something_else_than_its_price_is_no_tick() -> None:
    async def play(edge: Edge, came: list[Any]) -> None:
        for each in (offer(1), offer(1), offer(1, "XAU/USD"), offer(1), offer(2)):
            edge.offer(each)

    came, counts = crossed(play)
    assert came == [offer(1), offer(1, "XAU/USD"), offer(2)]
    assert (counts.ticks, counts.repeated) == (3, 2)


def test_many_prices_are_passed_on_in_turns_that_leave_room_for_others() -> None:
    turns: list[int] = []

    async def play(edge: Edge, came: list[Any]) -> None:
        for at in range(3 * TURN):
            edge.offer(offer(at))
        while len(came) < 3 * TURN:
            await asyncio.sleep(0)
            turns.append(len(came))

    came, _ = crossed(play, room=5000)
    assert TURN in turns
    assert 2 * TURN in turns
    assert [each.at for each in came] == list(range(3 * TURN))


def test_nothing_crosses_after_the_end_not_even_when_the_loop_is_gone() -> None:
    edges: list[Edge] = []

    async def play(edge: Edge, _: list[Any]) -> None:
        edges.append(edge)

    came, counts = crossed(play)
    edges[0].offer(offer(1))
    edges[0].post(lambda: came.append("late"))
    assert (came, counts.ticks) == ([], 0)


def test_from_many_threads_each_keeps_its_order_and_the_counts_add_up() -> None:
    async def play(edge: Edge, came: list[Any]) -> None:
        def tell(name: str) -> None:
            for at in range(2000):
                edge.offer(offer(at, name))

        threads = [Thread(target=tell, args=(name,)) for name in "abcd"]
        for thread in threads:
            thread.start()
        await asyncio.gather(*(asyncio.to_thread(thread.join) for thread in threads))

    came, counts = crossed(play, room=64)
    assert counts.ticks == 8000
    assert counts.given == len(came)
    assert counts.given + counts.dropped == 8000
    for name in "abcd":
        stamps = [each.at for each in came if each.instrument == name]
        assert stamps == sorted(set(stamps))
        assert stamps[-1] == 1999


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(["a", "b", "c", None, "turn"]), max_size=60), st.integers(1, 8))
def test_however_it_goes_ticks_are_given_or_dropped_and_the_last_of_each_is_given(told: list[Any], room: int) -> None:
    last: dict[str, int] = {}

    async def play(edge: Edge, _: list[Any]) -> None:
        for at, each in enumerate(told):
            if each == "turn":
                await asyncio.sleep(0)
            else:
                edge.offer(None if each is None else offer(at, each))
                if each is not None:
                    last[each] = at
            assert edge.depth <= max(room, 3) + 3  # three instruments: a newest price of each

    came, counts = crossed(play, room)
    assert counts.ticks == counts.given + counts.dropped == sum(each in ("a", "b", "c") for each in told)
    assert counts.tick_errors == told.count(None)
    assert {name: max(each.at for each in came if each.instrument == name) for name in last} == last
