"""Prices over Deriv's public socket: bars of the past, ticks, and those that come, at the venue's own clock."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from typing import Any, cast

import numpy as np
import pytest

from pipeline.broker.app import Served, serving
from pipeline.broker.faults import Fault
from pipeline.broker.settings import Settings
from pipeline.connections.contract import Feed
from pipeline.connections.reading import Answer
from pipeline.connections.troubles import CallFailed
from pipeline.deriv.feed import bars_of, quotes_of
from pipeline.evidence import Trouble
from pipeline.times import HOUR, MINUTE, SECOND, slot_of
from pipeline.values import Quotes
from sources.deriv import Deriv
from tests.deriv_trading import PATIENCE, SPEED, Outside, failure_of, played

BEGIN = "2026-01-05T08:00:00Z"


class Listening:
    """A feed at a practice venue."""

    def __init__(self, served: Served, feed: Feed, outside: Outside, troubles: list[Trouble]) -> None:
        self.served, self.feed, self.outside, self.troubles = served, feed, outside, troubles

    async def first(self, rows: int, *products: str) -> list[Quotes]:
        """The first quotes that come."""
        found: list[Quotes] = []
        live = cast("AsyncGenerator[Quotes]", self.feed.live(products))
        async with asyncio.timeout(PATIENCE), aclosing(live):
            async for quotes in live:
                found.append(quotes)
                if sum(map(len, found)) >= rows:
                    return found
        raise AssertionError("live prices end with a failure only")


@asynccontextmanager
async def listening(*faults: Fault, **keys: Any) -> AsyncGenerator[Listening]:
    settings = Settings(port=0, memory="", speed=SPEED, begin=BEGIN, faults=faults)
    async with serving(settings) as served:
        part = Deriv(
            products=("R_100",),
            url=f"{served.socket_url}/trading/v1/options/ws/public",
            practice=True,
            speed=SPEED,
            **keys,
        )
        troubles: list[Trouble] = []
        outside = Outside(served.broker)
        feed = part.feed(outside, troubles.append)
        try:
            yield Listening(served, feed, outside, troubles)
        finally:
            await feed.close()


def test_bars_of_the_past_are_the_venues_own_and_none_that_still_forms() -> None:
    async def test() -> None:
        async with listening() as one:
            now = slot_of(one.outside.now(), MINUTE)
            bars = await one.feed.history("R_100", MINUTE, now - 3 * HOUR, now + HOUR)
            assert len(bars) in (180, 181)
            assert bars.fresh == 0
            assert int(bars.final_at[-1]) <= one.outside.now()
            theirs = one.served.broker.candles("R_100", MINUTE, now - 3 * HOUR, now)
            assert [each.close for each in theirs[:180]] == bars.close.tolist()[:180]
            assert (bars.low <= np.minimum(bars.open, bars.close)).all()
            assert (np.diff(bars.open_ts) == MINUTE).all()

    played(test)


def test_more_bars_than_a_page_holds_come_without_a_hole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.deriv.feed.PAGE", 50)

    async def test() -> None:
        async with listening() as one:
            now = one.outside.now()
            bars = await one.feed.history("R_100", MINUTE, now - 5 * HOUR - 7 * SECOND, now)
            assert len(bars) in (299, 300)
            assert (np.diff(bars.open_ts) == MINUTE).all()

    played(test)


def test_a_timeframe_that_it_has_not_is_refused_in_a_sentence() -> None:
    async def test() -> None:
        async with listening() as one:
            failed = await failure_of(one.feed.history("R_100", 7 * MINUTE, 0, HOUR))
            assert (failed.kind, str(failed)) == ("rule", "deriv has no candles of 7m; they are made of those of 1m")

    played(test)


def test_ticks_of_the_past_are_all_there_each_once_and_in_order() -> None:
    async def test() -> None:
        async with listening() as one:
            now = one.outside.now() // SECOND * SECOND
            quotes = await one.feed.ticks("R_100", now - HOUR, now)
            assert len(quotes) == 1800
            assert (np.diff(quotes.ts) == 2 * SECOND).all()
            assert (quotes.bid == quotes.ask).all()
            assert int(quotes.ts[0]) >= now - HOUR
            assert int(quotes.ts[-1]) < now

    played(test)


def test_live_prices_begin_with_word_that_each_subscription_stands() -> None:
    async def test() -> None:
        async with listening() as one:
            found = await one.first(6, "R_100", "1HZ10V")
            assert {each.product for each in found if not len(each)} == {"R_100", "1HZ10V"}
            for product in ("R_100", "1HZ10V"):
                stamps = [int(each.ts[0]) for each in found if each.product == product and len(each)]
                assert stamps == sorted(set(stamps))
            again = await one.first(1, "R_100")
            assert again[-1].ts[0] >= max(int(each.ts[0]) for each in found if len(each) and each.product == "R_100")

    played(test)


def test_a_product_that_is_refused_is_told_and_the_others_go_on() -> None:
    async def test() -> None:
        async with listening(symbols={"GOLD": "frxGOLDISH"}) as one:
            found = await one.first(3, "GOLD", "R_100")
            assert {each.product for each in found} == {"R_100"}
            assert [each.what.startswith("no prices of GOLD: ticks was refused") for each in one.troubles] == [True]

    played(test)


@pytest.mark.parametrize("what", ["numbers_as_text", "no_echo", "unknown_fields", "frame_duplicated"])
def test_live_prices_of_another_shape_are_the_same_prices(what: Any) -> None:
    async def test() -> None:
        fault = Fault(what=what, times=3) if what == "frame_duplicated" else Fault(what=what)
        async with listening(fault) as one:
            found = await one.first(4, "R_100")
            at = {int(each.ts[0]): float(each.bid[0]) for each in found if len(each)}
            theirs = one.served.broker.ticks("R_100", min(at), max(at) + 1)
            assert at.items() <= {each.at: each.quote for each in theirs}.items()

    played(test)


def test_a_socket_that_breaks_ends_the_prices_with_a_failure() -> None:
    async def test() -> None:
        async with listening(Fault(what="socket_dropped", nth=4)) as one:
            with pytest.raises(CallFailed) as failed:
                await one.first(50, "R_100")
            assert failed.value.kind == "network"
            assert await one.first(1, "R_100")

    played(test)


# --- rows ------------------------------------------------------------------------------------------------------------


def candle(epoch: int, close: object = 2.0) -> Answer:
    return Answer({"epoch": epoch, "open": 1.0, "high": 3.0, "low": 0.5, "close": close}, "a candle")


def test_rows_that_overlap_and_those_out_of_the_span_are_given_once_or_not() -> None:
    rows = [candle(60), candle(120), candle(120), candle(0), candle(180, "2.5"), candle(240)]
    bars = bars_of(rows, "R_100", MINUTE, MINUTE, 4 * MINUTE + 1)
    assert bars.open_ts.tolist() == [60_000, 120_000, 180_000]
    assert bars.close.tolist() == [2.0, 2.0, 2.5]


def test_a_row_that_is_no_candle_is_refused() -> None:
    with pytest.raises(CallFailed, match="close is not a number"):
        bars_of([candle(60, "NaN")], "R_100", MINUTE, 0, HOUR)
    with pytest.raises(CallFailed, match="epoch is no moment"):
        bars_of([candle(10**15)], "R_100", MINUTE, 0, HOUR)


def test_ticks_are_given_by_their_stamps() -> None:
    quotes = quotes_of("R_100", [3000, 1000, 2000, 2000], [3.0, 1.0, 2.0, 2.0], 1000, 3000, 9000)
    assert (quotes.ts.tolist(), quotes.mid.tolist()) == ([1000, 2000], [1.0, 2.0])
    assert quotes.received.tolist() == [9000, 9000]
