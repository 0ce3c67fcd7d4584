"""Quotes as Binance, Kraken and OANDA stream them: each once, stamped, and no silence or oddity goes unnoticed."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import aclosing
from typing import Any, cast

import pytest
from aiohttp import web

from pipeline.connections.contract import Feed
from pipeline.connections.troubles import CallFailed
from pipeline.feeds.binance import BinanceFeed
from pipeline.feeds.kraken import KrakenFeed
from pipeline.feeds.oanda import OandaFeed
from pipeline.secret import Login, Secret
from pipeline.times import DAY, SECOND
from pipeline.values import Quotes
from tests.feed_hosts import Kept, Outdoors
from tests.feed_servers import CUT, Binance, Kraken, Oanda, Venue, book, offered, serving, ticker
from tests.support import MONDAY

NAMES: dict[type[Venue], dict[str, str]] = {
    Binance: {"BTCUSD": "BTCUSDT", "ETHUSD": "ETHUSDT"},
    Kraken: {"BTCUSD": "BTC/USD", "ETHUSD": "ETH/USD", "XYZUSD": "XYZ/USD"},
    Oanda: {"BTCUSD": "BTC_USD", "EURUSD": "EUR_USD"},
}
Play = Callable[[Any, Outdoors, Feed], Coroutine[Any, Any, None]]


def played(kind: type[Venue], play: Play, token: str = Oanda.token, ahead: int = 0) -> None:
    async def whole() -> None:
        host = Outdoors(MONDAY, speed=1.0)
        venue = cast("Any", kind)(lambda: host.now() + ahead, MONDAY - DAY)
        async with serving(venue) as place:
            feed = feed_of(kind, place, host, token)
            try:
                async with asyncio.timeout(10):
                    await play(venue, host, feed)
            finally:
                await feed.close()

    asyncio.run(whole())


def feed_of(kind: type[Venue], place: str, host: Outdoors, token: str) -> Feed:
    url, stream, names = f"http://{place}", f"ws://{place}", NAMES[kind]
    if kind is Binance:
        return BinanceFeed(names, url, stream, host, host.troubles.append)
    if kind is Kraken:
        return KrakenFeed(names, url, stream, host, host.troubles.append)
    return OandaFeed(names, url, url, "data", Kept(token, Oanda.account), host, host.troubles.append)


async def given(stream: AsyncIterator[Quotes], count: int) -> list[tuple[str, float, float]]:
    """So many quotes."""
    found: list[tuple[str, float, float]] = []
    while len(found) < count:
        quotes = await anext(stream)
        found += [(quotes.product, bid, ask) for bid, ask in zip(quotes.bid.tolist(), quotes.ask.tolist(), strict=True)]
    return found


def frame(kind: type[Venue], number: int, at: int = MONDAY) -> dict[str, Any]:
    """The how manieth quote of bitcoin."""
    if kind is Binance:
        return book("BTCUSDT", number, f"{20000 + number}.10", f"{20000 + number}.30")
    if kind is Kraken:
        return ticker("BTC/USD", 20000.1 + number, 20000.3 + number)
    return offered("BTC_USD", f"{20000 + number}.1", f"{20000 + number}.3", at)


ALL = pytest.mark.parametrize("kind", [Binance, Kraken, Oanda])


@ALL
def test_quotes_come_as_they_are_sent_to_the_last_bit(kind: type[Venue]) -> None:
    async def play(venue: Venue, host: Outdoors, feed: Feed) -> None:
        for number in (1, 2, 3):
            venue.frames.put_nowait(frame(kind, number))
        async with aclosing(cast("Any", feed.live(("BTCUSD",)))) as stream:
            assert await given(stream, 3) == [
                ("BTCUSD", float(f"{20000 + n}.1"), float(f"{20000 + n}.3")) for n in (1, 2, 3)
            ]
            venue.frames.put_nowait(CUT)
            with pytest.raises(CallFailed) as failed:
                await anext(stream)
        assert failed.value.kind == "network"
        assert not failed.value.final
        assert host.told() == []

    played(kind, play)


@ALL
def test_what_is_subscribed_is_what_was_asked_for(kind: type[Venue]) -> None:
    async def play(venue: Venue, _: Outdoors, feed: Feed) -> None:
        products = tuple(NAMES[kind])[:2]
        venue.frames.put_nowait(frame(kind, 1))
        async with aclosing(cast("Any", feed.live(products))) as stream:
            await given(stream, 1)
            venue.frames.put_nowait(CUT)
        path, query = venue.asked[-1] if venue.asked else ("", {})
        match venue:
            case Binance():
                assert (path, query) == ("/stream", {"streams": "btcusdt@bookTicker/ethusdt@bookTicker"})
            case Kraken():
                wanted = {
                    "channel": "ticker",
                    "symbol": ["BTC/USD", "ETH/USD"],
                    "event_trigger": "bbo",
                    "snapshot": True,
                }
                assert venue.heard == [{"method": "subscribe", "params": wanted, "req_id": 1}]
            case _:
                assert path == f"/v3/accounts/{Oanda.account}/pricing/stream"
                assert query == {"instruments": "BTC_USD,EUR_USD", "snapshot": "true"}

    played(kind, play)


def test_a_quote_of_binance_is_stamped_by_binances_clock() -> None:
    async def play(venue: Venue, host: Outdoors, feed: Feed) -> None:
        venue.frames.put_nowait(frame(Binance, 1))
        async with aclosing(cast("Any", feed.live(("BTCUSD",)))) as stream:
            quotes = await anext(stream)
            venue.frames.put_nowait(CUT)
        assert abs(int(quotes.ts[0] - quotes.received[0]) - 7 * SECOND) <= 200
        assert MONDAY <= quotes.received[0] <= host.now()

    played(Binance, play, ahead=7 * SECOND)


def test_a_clock_that_goes_astray_is_found_out_while_quotes_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.feeds.binance.LOOK", 20)

    async def play(venue: Venue, host: Outdoors, feed: Feed) -> None:
        async def stamped(number: int) -> int:
            venue.frames.put_nowait(frame(Binance, number))
            quotes = await anext(stream)
            return int(quotes.ts[0] - quotes.received[0])

        async with aclosing(cast("Any", feed.live(("BTCUSD",)))) as stream:
            assert abs(await stamped(1)) <= 200
            venue.now = lambda: host.now() - 40 * SECOND
            looked = len(venue.asked)
            while len(venue.asked) < looked + 4:
                await host.until(host.now() + 10)
            assert abs(await stamped(2) + 40 * SECOND) <= 200
            venue.frames.put_nowait(CUT)

    played(Binance, play)


def test_a_quote_of_kraken_has_its_own_time_or_krakens_clock() -> None:
    async def play(venue: Venue, _: Outdoors, feed: Feed) -> None:
        venue.frames.put_nowait(ticker("BTC/USD", 20000.1, 20000.3, MONDAY + 123))
        venue.frames.put_nowait(ticker("BTC/USD", 20000.2, 20000.3))
        async with aclosing(cast("Any", feed.live(("BTCUSD",)))) as stream:
            confirmed, first, second = await anext(stream), await anext(stream), await anext(stream)
            venue.frames.put_nowait(CUT)
        assert (confirmed.product, len(confirmed)) == ("BTCUSD", 0)
        assert first.ts[0] == MONDAY + 123
        assert abs(int(second.ts[0] - second.received[0]) + 3 * SECOND) <= 200

    played(Kraken, play, ahead=-3 * SECOND)


def test_a_price_of_oanda_has_its_own_time_and_none_is_taken_at_which_nobody_trades() -> None:
    async def play(venue: Venue, host: Outdoors, feed: Feed) -> None:
        venue.frames.put_nowait({"type": "HEARTBEAT", "time": "2026-01-05T10:00:00.000000000Z"})
        venue.frames.put_nowait(offered("EUR_USD", "1.1", "1.2", MONDAY + 250, tradeable=False))
        venue.frames.put_nowait(offered("EUR_USD", "1.13027", "1.13041", MONDAY + 567))
        async with aclosing(cast("Any", feed.live(("EURUSD",)))) as stream:
            quotes = await anext(stream)
            venue.frames.put_nowait(CUT)
        assert (quotes.ts[0], quotes.bid[0], quotes.ask[0]) == (MONDAY + 567, 1.13027, 1.13041)
        assert host.told() == []

    played(Oanda, play)


def test_what_binance_sends_twice_or_late_is_given_once_and_counted() -> None:
    async def play(venue: Venue, host: Outdoors, feed: Feed) -> None:
        for number in (2, 2, 1, 3):
            venue.frames.put_nowait(frame(Binance, number))
        async with aclosing(cast("Any", feed.live(("BTCUSD",)))) as stream:
            assert [bid for _, bid, _ in await given(stream, 2)] == [20002.1, 20003.1]
            venue.frames.put_nowait(CUT)
        assert host.told() == ["a quote of BTCUSD that had come before: refused"]

    played(Binance, play)


@ALL
def test_impossible_foreign_and_odd_frames_are_left_out_and_told_and_the_next_is_heard(kind: type[Venue]) -> None:
    def frames() -> list[Any]:
        if kind is Binance:
            return [book("BTCUSDT", 1, "5", "4"), book("LTCUSDT", 1, "4", "5"), {"data": {"u": 2, "s": "BTCUSDT"}}]
        if kind is Kraken:
            return [ticker("BTC/USD", 5, 4), ticker("LTC/USD", 4, 5), {"channel": "ticker", "data": [{"bid": 4}]}]
        return [offered("BTC_USD", "5", "4", MONDAY), offered("LTC_USD", "4", "5", MONDAY), {"type": "PRICE"}]

    async def play(venue: Venue, host: Outdoors, feed: Feed) -> None:
        for each in [*frames(), "no JSON", frame(kind, 9)]:
            venue.frames.put_nowait(each)
        async with aclosing(cast("Any", feed.live(("BTCUSD",)))) as stream:
            assert await given(stream, 1) == [("BTCUSD", 20009.1, 20009.3)]
            venue.frames.put_nowait(CUT)
        crossed, foreign, odd, garbage = host.told()
        assert crossed == "a bid of BTCUSD above its ask: refused"
        assert foreign == "a quote of what was not asked for: refused"
        assert "is missing" in odd
        assert "is not JSON" in garbage
        assert {each.kind for each in host.troubles} == {"format"}

    played(kind, play)


@ALL
def test_a_stream_of_nonsense_is_not_listened_to_for_ever(kind: type[Venue]) -> None:
    async def play(venue: Venue, _: Outdoors, feed: Feed) -> None:
        for _number in range(30):
            venue.frames.put_nowait("nonsense")
        async with aclosing(cast("Any", feed.live(("BTCUSD",)))) as stream:
            with pytest.raises(CallFailed, match="bad pieces within a minute") as failed:
                await given(stream, 1)
        assert failed.value.kind == "format"
        venue.frames.put_nowait(CUT)

    played(kind, play)


def test_a_product_that_kraken_refuses_is_told_and_the_others_go_on() -> None:
    async def play(venue: Venue, host: Outdoors, feed: Feed) -> None:
        venue.frames.put_nowait(frame(Kraken, 1))
        async with aclosing(cast("Any", feed.live(("XYZUSD", "BTCUSD")))) as stream:
            assert len(await given(stream, 1)) == 1
            venue.frames.put_nowait(CUT)
        assert host.told() == [
            "Kraken does not quote XYZUSD as XYZ/USD (Currency pair not supported XYZ/USD); mend it in `symbols`"
        ]
        async with aclosing(cast("Any", feed.live(("XYZUSD",)))) as stream:
            with pytest.raises(CallFailed, match="nothing of what was asked for") as failed:
                await anext(stream)
        assert failed.value.kind == "rule"
        venue.frames.put_nowait(CUT)

    played(Kraken, play)


def test_a_kraken_in_maintenance_is_closed_for_a_while() -> None:
    async def play(venue: Venue, _: Outdoors, feed: Feed) -> None:
        venue.frames.put_nowait({"channel": "status", "type": "update", "data": [{"system": "maintenance"}]})
        async with aclosing(cast("Any", feed.live(("BTCUSD",)))) as stream:
            with pytest.raises(CallFailed, match="closed for a while") as failed:
                await given(stream, 1)
        assert failed.value.kind == "maintenance"
        venue.frames.put_nowait(CUT)

    played(Kraken, play)


@pytest.mark.parametrize(("kind", "module"), [(Binance, "binance"), (Kraken, "kraken"), (Oanda, "oanda")])
def test_a_connection_that_is_silent_for_longer_than_it_can_be_is_dead(
    kind: type[Venue], module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"pipeline.feeds.{module}.QUIET", 0.2)

    async def play(venue: Venue, _: Outdoors, feed: Feed) -> None:
        async with aclosing(cast("Any", feed.live(("BTCUSD",)))) as stream:
            with pytest.raises(CallFailed) as failed:
                await given(stream, 1)
        assert failed.value.kind == "network"
        venue.frames.put_nowait(CUT)

    played(kind, play)


def test_a_token_that_oanda_does_not_take_ends_the_stream_for_good_and_is_never_shown() -> None:
    async def play(_: Venue, __: Outdoors, feed: Feed) -> None:
        async with aclosing(cast("Any", feed.live(("EURUSD",)))) as stream:
            with pytest.raises(CallFailed, match="accounts login data") as failed:
                await anext(stream)
        assert (failed.value.kind, failed.value.final) == ("auth", True)
        assert "canary" not in repr(failed.getrepr(style="long", showlocals=True))

    played(Oanda, play, "wrong-canary")


def test_a_ban_is_kept_to_before_connecting() -> None:
    async def play(venue: Venue, host: Outdoors, feed: Feed) -> None:
        venue.failures.append(web.json_response({"msg": "banned"}, status=418, headers={"Retry-After": "1"}))
        venue.frames.put_nowait(frame(Binance, 1))
        before = host.now()
        async with aclosing(cast("Any", feed.live(("BTCUSD",)))) as stream:
            await given(stream, 1)
            venue.frames.put_nowait(CUT)
        assert host.now() - before >= SECOND

    played(Binance, play)


def test_what_binance_refuses_over_the_connection_ends_it_in_its_own_words() -> None:
    async def play(venue: Venue, _: Outdoors, feed: Feed) -> None:
        venue.frames.put_nowait({"error": {"code": 3, "msg": "Invalid JSON"}, "id": 1})
        async with aclosing(cast("Any", feed.live(("BTCUSD",)))) as stream:
            with pytest.raises(CallFailed, match="Binance refuses: Invalid JSON") as failed:
                await anext(stream)
        assert failed.value.kind == "rule"
        venue.frames.put_nowait(CUT)

    played(Binance, play)


def test_a_login_that_is_not_oandas_is_said_before_anybody_is_asked() -> None:
    class Another(Kept):
        def of(self, account: str) -> Login:
            return Login({"username": account}, {"password": Secret("canary")})

    async def whole() -> None:
        host = Outdoors(MONDAY)
        url, logins = "http://127.0.0.1:9", Another("", "")
        feed = OandaFeed({"EURUSD": "EUR_USD"}, url, url, "data", logins, host, host.troubles.append)
        with pytest.raises(CallFailed, match="the login of data is not OANDA's; store it with") as failed:
            await feed.history("EURUSD", 60_000, MONDAY - DAY, MONDAY - DAY + 600_000)
        assert (failed.value.kind, failed.value.final) == ("auth", True)
        await feed.close()

    asyncio.run(whole())
