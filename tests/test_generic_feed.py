"""Prices of a broker over HTTP: bars and ticks of the past, quotes as they come, and what is done about those lost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, cast

import numpy as np
import pytest

from pipeline.broker.generic_calls import Manners
from pipeline.connections.troubles import CallFailed
from pipeline.secret import Practised
from pipeline.times import HOUR, MINUTE, SECOND
from pipeline.values import Quotes
from tests.generic_rig import BEGAN, DEADLINE, Venue, run, venue


async def some(there: Venue, live: AsyncIterator[Quotes], rows: int) -> list[Quotes]:
    """So many quotes of a subscription, and the words before them."""
    found: list[Quotes] = []
    async with asyncio.timeout(DEADLINE), aclosing(cast("Any", live)) as stream:
        async for quotes in stream:
            found.append(quotes)
            if sum(map(len, found)) >= rows:
                return found
    raise AssertionError("a subscription ends by a failure only")


def stamps(found: list[Quotes], product: str = "R_100") -> list[int]:
    return [int(ts) for each in found if each.product == product for ts in each.ts]


def test_history_comes_page_by_page_and_only_what_is_final() -> None:
    async def main() -> None:
        async with venue(speed=1.0) as there:
            feed = there.feed()
            since, until = BEGAN - 30 * HOUR, BEGAN + 10 * MINUTE
            bars = await feed.history("R_100", MINUTE, since, until)
            assert len(bars) == 30 * 60
            assert bars.fresh == 0
            assert int(bars.open_ts[0]) == since
            assert (np.diff(bars.open_ts) == MINUTE).all()
            assert int(bars.open_ts[-1]) == BEGAN - MINUTE
            assert [each.call for each in there.face.asked].count("candles") == 2
            hours = await feed.history("R_100", HOUR, since, until)
            assert len(hours) == 30
            assert hours.high[0] == bars.high[:60].max()

    run(main())


def test_history_over_a_closed_session_has_no_bars_of_it() -> None:
    async def main() -> None:
        async with venue(speed=1.0) as there:  # a Monday
            bars = await there.feed().history("EURUSD", 15 * MINUTE, BEGAN - 72 * HOUR, BEGAN)
            gaps = np.diff(bars.open_ts)
            assert gaps.max() > 40 * HOUR
            assert 0 < len(bars) < 72 * 4

    run(main())


def test_ticks_come_page_by_page() -> None:
    async def main() -> None:
        async with venue(speed=1.0) as there:
            feed = there.feed()
            quotes = await feed.ticks("R_100", BEGAN - 4 * HOUR, BEGAN)
            assert len(quotes) == 4 * HOUR // (2 * SECOND)
            assert (np.diff(quotes.ts) == 2 * SECOND).all()
            assert (quotes.bid < quotes.ask).all()

    run(main())


def test_a_broker_without_ticks_says_so() -> None:
    async def main() -> None:
        async with venue(speed=1.0, manners=Manners(ticks=False)) as there:
            with pytest.raises(CallFailed) as failed:
                await there.feed().ticks("R_100", BEGAN - HOUR, BEGAN)
            assert failed.value.kind == "rule"

    run(main())


def test_quotes_come_by_the_stream_each_once_and_in_order() -> None:
    async def main() -> None:
        async with venue() as there:
            feed = there.feed(login=lambda: Practised().of("demo-1"), account="demo-1")
            found = await some(there, feed.live(("R_100", "1HZ10V")), 30)
            assert [len(each) for each in found[:2]] == [0, 0], "each subscription is confirmed first"
            for product in ("R_100", "1HZ10V"):
                assert stamps(found, product) == sorted(set(stamps(found, product)))
                assert stamps(found, product)
            assert "quote" not in {each.call for each in there.face.asked}

    run(main())


def test_without_a_stream_quotes_are_asked_for() -> None:
    async def main() -> None:
        async with venue(manners=Manners(stream=False)) as there:
            found = await some(there, there.feed().live(("R_100", "R_50")), 10)
            assert stamps(found) == sorted(set(stamps(found)))
            assert {each.call for each in there.face.asked} == {"capabilities", "quote"}

    run(main())


@pytest.mark.parametrize("what", ["frame_lost", "frame_cut", "frame_held_back"])
def test_quotes_that_the_stream_leaves_out_are_asked_for(what: str) -> None:
    async def main() -> None:
        async with venue(speed=120.0) as there:
            there.strike(what=what, nth=3, times=1)
            found = await some(there, there.feed().live(("R_100",)), 12)
            assert (np.diff(stamps(found)) == 2 * SECOND).all()
            assert any("left out quotes of R_100" in each.what for each in there.heard.troubles)
            assert [each.call for each in there.face.asked].count("ticks") == 1

    run(main())


def test_a_quote_told_twice_is_heard_once() -> None:
    async def main() -> None:
        async with venue(speed=120.0) as there:
            there.strike(what="frame_duplicated", nth=2, times=5)
            found = await some(there, there.feed().live(("R_100",)), 12)
            assert (np.diff(stamps(found)) == 2 * SECOND).all()

    run(main())


def test_lost_quotes_that_cannot_be_had_break_the_connection() -> None:
    async def main() -> None:
        async with venue(speed=120.0, manners=Manners(ticks=False)) as there:
            there.strike(what="frame_lost", nth=3)
            with pytest.raises(CallFailed, match="quotes of R_100 were lost and cannot be had") as failed:
                await some(there, there.feed().live(("R_100",)), 50)
            assert failed.value.kind == "network"

    run(main())


def test_a_product_that_the_broker_refuses_is_told_and_the_others_go_on() -> None:
    async def main() -> None:
        for stream in (True, False):
            async with venue(manners=Manners(stream=stream)) as there:
                found = await some(there, there.feed().live(("NONE", "R_100")), 5)
                assert stamps(found)
                assert any("no quotes of NONE" in each.what for each in there.heard.troubles)
                with pytest.raises(CallFailed) as failed:
                    await some(there, there.feed().live(("NONE",)), 1)
                assert failed.value.kind == "rule"

    run(main())


@pytest.mark.parametrize("what", ["socket_dropped", "outage"])
def test_a_broken_stream_ends_the_subscription_and_a_new_one_goes_on(what: str) -> None:
    async def main() -> None:
        async with venue(speed=120.0) as there:
            feed = there.feed()
            first = await some(there, feed.live(("R_100",)), 3)
            there.strike(**({"what": what, "nth": 2} if what == "socket_dropped" else {"what": what, "lasts": "5s"}))
            with pytest.raises(CallFailed) as failed:
                await some(there, feed.live(("R_100",)), 100)
            assert failed.value.kind == "network"
            await there.here.until(there.here.now() + 10 * SECOND)
            second = await some(there, feed.live(("R_100",)), 3)
            assert stamps(first)[-1] < stamps(second)[0]

    run(main())
