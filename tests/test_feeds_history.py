"""History of Binance, Kraken and OANDA: final bars only, page by page, within limits, as their servers answer."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from aiohttp import web

from pipeline.connections.contract import Feed
from pipeline.connections.troubles import CallFailed
from pipeline.feeds.binance import BinanceFeed
from pipeline.feeds.kraken import KrakenFeed
from pipeline.feeds.oanda import OandaFeed
from pipeline.times import DAY, HOUR, MINUTE, SECOND
from pipeline.values import VENUE, Bars
from tests.feed_hosts import Kept, Outdoors
from tests.feed_servers import Binance, Kraken, Oanda, Venue, prices, serving
from tests.support import MONDAY

NOW = MONDAY + 30 * SECOND
"""Half a minute after a minute began."""
BORN = MONDAY - 3 * DAY

Play = Callable[[Any, Outdoors, Feed], Coroutine[Any, Any, None]]


def played(kind: type[Any], play: Play, begin: int = NOW, token: str = Oanda.token) -> Outdoors:
    """A feed against its venue's server on this machine."""
    made: list[Outdoors] = []

    async def whole() -> None:
        host = Outdoors(begin)
        made.append(host)
        venue = kind(host.now, BORN)
        async with serving(venue) as place:
            feed = feed_of(kind, place, host, token)
            try:
                async with asyncio.timeout(30):
                    await play(venue, host, feed)
            finally:
                await feed.close()

    asyncio.run(whole())
    return made[0]


def feed_of(kind: type[Any], place: str, host: Outdoors, token: str = Oanda.token) -> Feed:
    warn = host.troubles.append
    url, stream = f"http://{place}", f"ws://{place}"
    if kind is Binance:
        return BinanceFeed({"BTCUSD": "BTCUSDT", "XYZUSD": "XYZUSDT"}, url, stream, host, warn)
    if kind is Kraken:
        return KrakenFeed({"BTCUSD": "BTC/USD", "XYZUSD": "XYZ/USD"}, url, stream, host, warn)
    logins = Kept(token, Oanda.account)
    return OandaFeed({"BTCUSD": "BTC_USD", "XYZUSD": "XYZ_USD"}, url, url, "data", logins, host, warn)


ALL = pytest.mark.parametrize("kind", [Binance, Kraken, Oanda])


@ALL
def test_bars_are_final_exact_and_in_order_and_the_forming_one_is_left_out(kind: type[Venue]) -> None:
    async def play(_: Any, host: Outdoors, feed: Feed) -> None:
        bars = await feed.history("BTCUSD", MINUTE, MONDAY - HOUR, MONDAY + MINUTE)
        assert bars.open_ts.tolist() == list(range(MONDAY - HOUR, MONDAY, MINUTE))
        assert (bars.product, bars.tf, bars.fresh) == ("BTCUSD", MINUTE, 0)
        assert bars.final_at.tolist() == [at + MINUTE for at in bars.open_ts.tolist()]
        assert set(bars.closed_by.tolist()) == {VENUE}
        expected = [prices(at) for at in bars.open_ts.tolist()]
        assert bars.open.tolist() == [float(row[0]) for row in expected]
        assert bars.close.tolist() == [float(row[3]) for row in expected]
        assert host.told() == []

    played(kind, play)


@pytest.mark.parametrize(("kind", "most"), [(Binance, 1000), (Oanda, 5000)])
def test_a_long_span_is_asked_for_in_pages_that_overlap_by_one_bar(kind: type[Venue], most: int) -> None:
    async def play(venue: Venue, _: Outdoors, feed: Feed) -> None:
        since = MONDAY - 2 * DAY
        bars = await feed.history("BTCUSD", MINUTE, since, since + (2 * most + 300) * MINUTE)
        assert bars.open_ts.tolist() == list(range(since, min(since + (2 * most + 300) * MINUTE, MONDAY), MINUTE))
        pages = [query for path, query in venue.asked if "time" not in path]
        assert len(pages) == (3 if kind is Binance else 1)

    played(kind, play)


def test_a_page_that_contradicts_the_one_before_is_not_believed() -> None:
    async def play(venue: Venue, _: Outdoors, feed: Feed) -> None:
        since = MONDAY - 2 * DAY

        def changed(at: int) -> tuple[str, str, str, str, str]:
            row = prices(at)
            last = since + 999 * MINUTE
            return (*row[:3], row[3].replace(".0", ".1"), row[4]) if at == last and len(venue.asked) > 1 else row

        venue.prices = changed
        with pytest.raises(CallFailed, match="one page says close") as failed:
            await feed.history("BTCUSD", MINUTE, since, since + 1500 * MINUTE)
        assert failed.value.kind == "format"

    played(Binance, play)


@ALL
def test_a_hole_of_the_venue_stays_a_hole(kind: type[Venue]) -> None:
    async def play(venue: Venue, _: Outdoors, feed: Feed) -> None:
        venue.holes = {MONDAY - 5 * MINUTE, MONDAY - 4 * MINUTE}
        bars = await feed.history("BTCUSD", MINUTE, MONDAY - 8 * MINUTE, MONDAY)
        assert bars.open_ts.tolist() == [MONDAY - n * MINUTE for n in (8, 7, 6, 3, 2, 1)]

    played(kind, play)


@ALL
def test_bars_of_a_timeframe_the_venue_lacks_are_made_of_shorter_ones(kind: type[Venue]) -> None:
    async def play(_: Venue, __: Outdoors, feed: Feed) -> None:
        bars = await feed.history("BTCUSD", 20 * MINUTE if kind is Oanda else 2 * MINUTE, MONDAY - HOUR, MONDAY)
        minutes = await feed.history("BTCUSD", MINUTE, MONDAY - HOUR, MONDAY)
        assert len(bars) == (3 if kind is Oanda else 30)
        assert bars.high.max() == minutes.high.max()
        assert (bars.close[-1], bars.open[0]) == (minutes.close[-1], minutes.open[0])

    if kind is not Oanda:  # it has M10, of which its server on this machine knows nothing
        played(kind, play)


@ALL
def test_a_bar_that_has_just_closed_is_waited_for(kind: type[Venue]) -> None:
    async def play(_: Venue, __: Outdoors, feed: Feed) -> None:
        bars = await feed.history("BTCUSD", MINUTE, MONDAY - 2 * MINUTE, MONDAY)
        assert bars.open_ts.tolist() == [MONDAY - 2 * MINUTE, MONDAY - MINUTE]

    played(kind, play, begin=MONDAY + 100)


@ALL
def test_nothing_is_asked_of_a_span_in_which_nothing_is_final(kind: type[Venue]) -> None:
    async def play(_: Venue, __: Outdoors, feed: Feed) -> None:
        assert len(await feed.history("BTCUSD", HOUR, MONDAY, MONDAY + HOUR)) == 0

    played(kind, play)


def test_kraken_says_that_it_keeps_no_more_than_its_last_bars() -> None:
    async def play(_: Venue, host: Outdoors, feed: Feed) -> None:
        bars = await feed.history("BTCUSD", MINUTE, MONDAY - DAY, MONDAY)
        assert len(bars) == 719
        assert bars.open_ts[0] == MONDAY - 719 * MINUTE
        (told,) = host.told()
        assert told.startswith("Kraken keeps the last 720 1m bars of BTCUSD: it has none from before 2026-01-04T22:01")

    played(Kraken, play)


REFUSALS: dict[type[Venue], str] = {
    Binance: "Invalid symbol",
    Kraken: "EQuery:Unknown asset pair",
    Oanda: "Invalid value specified",
}


@ALL
def test_a_product_the_venue_does_not_know_is_refused_in_its_own_words(kind: type[Venue]) -> None:
    async def play(venue: Venue, __: Outdoors, feed: Feed) -> None:
        with pytest.raises(CallFailed, match=REFUSALS[kind]) as failed:
            await feed.history("XYZUSD", MINUTE, MONDAY - 3 * HOUR, MONDAY - 2 * HOUR)
        assert failed.value.kind == "rule"
        assert len(venue.asked) == 1, "what is refused is not asked again"

    played(kind, play)


@ALL
@pytest.mark.parametrize("status", [429, 418, 503, 500])
def test_who_asks_too_much_keeps_away_for_as_long_as_the_venue_says(kind: type[Venue], status: int) -> None:
    async def play(venue: Venue, host: Outdoors, feed: Feed) -> None:
        venue.failures.append(web.json_response({"msg": "no"}, status=status, headers={"Retry-After": "30"}))
        before = host.now()
        bars = await feed.history("BTCUSD", MINUTE, MONDAY - 3 * HOUR, MONDAY - 2 * HOUR)
        assert len(bars) == 60
        assert len(venue.asked) == 2
        if status in (429, 418):
            assert host.now() - before >= 30 * SECOND

    played(kind, play)


def test_krakens_limit_comes_with_status_200_and_is_one_all_the_same() -> None:
    async def play(venue: Venue, _: Outdoors, feed: Feed) -> None:
        for said, kind in (("EGeneral:Too many requests", "throttle"), ("EService:Unavailable", "maintenance")):
            venue.failures.append(web.json_response({"error": [said]}))
            with pytest.raises(CallFailed, match=said) as failed:
                await feed.history("BTCUSD", MINUTE, MONDAY - 3 * HOUR, MONDAY - 2 * HOUR)
            assert failed.value.kind == kind

    played(Kraken, play)


def test_kraken_is_asked_no_more_than_once_a_second() -> None:
    async def play(venue: Venue, host: Outdoors, feed: Feed) -> None:
        async def one() -> Bars:
            return await feed.history("BTCUSD", MINUTE, MONDAY - 3 * HOUR, MONDAY - 2 * HOUR)

        before = host.now()
        await asyncio.gather(*(one() for _ in range(6)))
        assert len(venue.asked) == 6
        assert host.now() - before >= 5 * SECOND

    played(Kraken, play)


def test_binance_counts_what_a_call_weighs() -> None:
    async def play(_: Venue, host: Outdoors, feed: Feed) -> None:
        await feed.history("BTCUSD", MINUTE, MONDAY - 3 * HOUR, MONDAY - 2 * HOUR)
        assert isinstance(feed, BinanceFeed)
        spent = feed.spent()["request weight"]  # of a second's share, and once that is over of a minute's
        assert spent in (pytest.approx(2 / 100), pytest.approx(2 / 6000))

    played(Binance, play)


def test_a_token_that_oanda_does_not_take_is_said_once_and_never_shown() -> None:
    async def play(venue: Venue, _: Outdoors, feed: Feed) -> None:
        with pytest.raises(CallFailed, match="accounts login data") as failed:
            await feed.history("BTCUSD", MINUTE, MONDAY - 3 * HOUR, MONDAY - 2 * HOUR)
        assert (failed.value.kind, failed.value.final) == ("auth", True)
        assert len(venue.asked) == 1
        shown = repr(failed.getrepr(style="long", showlocals=True)) + str(failed.value)
        assert "wrong-canary" not in shown

    played(Oanda, play, NOW, "wrong-canary-token")


@ALL
def test_no_venue_of_the_three_keeps_quotes(kind: type[Venue]) -> None:
    async def play(_: Venue, __: Outdoors, feed: Feed) -> None:
        with pytest.raises(CallFailed, match="ask for bars") as failed:
            await feed.ticks("BTCUSD", MONDAY - HOUR, MONDAY)
        assert failed.value.kind == "rule"

    played(kind, play)


def test_an_answer_of_another_shape_is_a_failure_that_names_the_field() -> None:
    wrong = [
        ([[MONDAY, "1", "2", "0.5", "x", "1", MONDAY + MINUTE - 1]], "0.4 is not a number"),
        ([[MONDAY, "1", "2"]], "0.6 is missing"),
        ([[MONDAY, "1", "2", "0.5", "1", "1", MONDAY + MINUTE]], "one millisecond before"),
        ({"code": 0}, "is not a list"),
        ([[MONDAY * 1000, "1", "2", "0.5", "1", "1", MONDAY * 1000 + MINUTE - 1]], "no moment of this age"),
    ]

    async def play(venue: Venue, _: Outdoors, feed: Feed) -> None:
        for body, sentence in wrong:
            venue.failures.append(web.json_response(body))
            with pytest.raises(CallFailed, match=sentence) as failed:
                await feed.history("BTCUSD", MINUTE, MONDAY - 3 * HOUR, MONDAY - 2 * HOUR)
            assert failed.value.kind == "format"

    played(Binance, play)
