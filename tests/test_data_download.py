"""The store is filled from a venue's server: whole runs, only what is missing, and nothing that contradicts."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

import numpy as np
import pytest
from aiohttp import web

from pipeline.__main__ import main
from pipeline.archive.series import Series
from pipeline.archive.store import Archive
from pipeline.calendar import calendar_of
from pipeline.connections.contract import Feed
from pipeline.connections.troubles import CallFailed
from pipeline.errors import InputError
from pipeline.feeds.asked import Asking
from pipeline.feeds.binance import BinanceFeed
from pipeline.feeds.downloading import Downloaded, Wanted, downloaded
from pipeline.times import DAY, HOUR, MINUTE, SECOND, utc_text
from pipeline.values import Bars, Quotes
from tests.feed_hosts import Outdoors
from tests.feed_servers import Binance, prices, serving
from tests.support import MONDAY, ROOT

NOW = MONDAY + 30 * SECOND
SERIES = Series("BTCUSD", MINUTE)


class Shop:
    """A venue's server, a feed to it, and a store to fill."""

    def __init__(self, venue: Binance, feed: Feed, host: Outdoors, store: Path) -> None:
        self.venue, self.feed, self.host, self.store = venue, feed, host, store

    async def fetch(self, since: int, until: int, **more: Any) -> Downloaded:
        done = Downloaded()
        wanted = Wanted(series=SERIES, venue="binance", since=since, until=until, **more)
        calendar = calendar_of("BTCUSD")
        await downloaded(self.feed, wanted, self.store, calendar, self.host.now(), done, lambda _, __: None)
        return done

    def stored(self) -> list[int]:
        return [int(at) for bars in Archive(self.store).bars("BTCUSD", MINUTE) for at in bars.open_ts]

    def spans(self) -> list[tuple[int, int]]:
        """What was asked for, in minutes from Monday on."""
        asked = [query for path, query in self.venue.asked if path.endswith("klines")]
        return [((int(q["startTime"]) - MONDAY) // MINUTE, (int(q["endTime"]) + 1 - MONDAY) // MINUTE) for q in asked]


def played(tmp_path: Path, play: Callable[[Shop], Any], begin: int = NOW) -> None:
    async def whole() -> None:
        host = Outdoors(begin)
        venue = Binance(host.now, MONDAY - 30 * DAY)
        async with serving(venue) as place:
            feed = BinanceFeed({"BTCUSD": "BTCUSDT"}, f"http://{place}", f"ws://{place}", host, host.troubles.append)
            try:
                async with asyncio.timeout(30):
                    await play(Shop(venue, feed, host, tmp_path / "store"))
            finally:
                await feed.close()

    asyncio.run(whole())


def test_a_span_lies_in_the_store_bar_by_bar_as_the_venue_told_it(tmp_path: Path) -> None:
    async def play(shop: Shop) -> None:
        done = await shop.fetch(MONDAY - 2 * DAY + 1, NOW + DAY)
        assert shop.stored() == list(range(MONDAY - 2 * DAY + MINUTE, MONDAY, MINUTE))
        assert (done.rows, done.added, done.same, done.holes) == (2 * 1440 - 1, 2 * 1440 - 1, 0, [])
        (bars,) = Archive(shop.store).bars("BTCUSD", MINUTE, MONDAY - HOUR, MONDAY)
        assert bars.close.tolist() == [float(prices(at)[3]) for at in bars.open_ts.tolist()]

    played(tmp_path, play)


def test_what_the_store_has_is_not_asked_again_unless_somebody_insists(tmp_path: Path) -> None:
    async def play(shop: Shop) -> None:
        stored = (MONDAY - 25 * HOUR, MONDAY - 5 * HOUR)
        await shop.fetch(*stored)
        shop.venue.asked.clear()
        again = await shop.fetch(*stored)
        assert (again.there, shop.spans()) == (True, [])
        more = await shop.fetch(MONDAY - 26 * HOUR, MONDAY - 4 * HOUR)
        assert shop.spans() == [(-1560, -1500), (-301, -240)], "the second begins with a bar that is known"
        assert (more.added, more.same) == (120, 1)
        forced = await shop.fetch(*stored, force=True)
        assert (forced.added, forced.same) == (0, 1200)

    played(tmp_path, play)


def test_a_hole_of_the_venue_is_told_and_not_asked_for_again(tmp_path: Path) -> None:
    async def play(shop: Shop) -> None:
        shop.venue.holes = {MONDAY - n * MINUTE for n in (170, 169, 168, 140)}
        done = await shop.fetch(MONDAY - 3 * HOUR, MONDAY - 2 * HOUR)
        assert done.holes == [
            (MONDAY - 170 * MINUTE, MONDAY - 167 * MINUTE),
            (MONDAY - 140 * MINUTE, MONDAY - 139 * MINUTE),
        ]
        assert (await shop.fetch(MONDAY - 3 * HOUR, MONDAY - 2 * HOUR)).there

    played(tmp_path, play)


def test_what_may_still_come_is_asked_for_again(tmp_path: Path) -> None:
    async def play(shop: Shop) -> None:
        shop.venue.holes = {MONDAY - MINUTE, MONDAY - 2 * MINUTE}
        await shop.fetch(MONDAY - HOUR, NOW)
        shop.venue.holes = set()
        assert (await shop.fetch(MONDAY - HOUR, MONDAY)).added == 2

    played(tmp_path, play)


def test_rows_that_were_removed_from_the_store_may_be_downloaded_again(tmp_path: Path) -> None:
    async def play(shop: Shop) -> None:
        await shop.fetch(MONDAY - 3 * HOUR, MONDAY - 2 * HOUR)
        span = (MONDAY - 3 * HOUR, MONDAY - 2 * HOUR)
        assert Asking(shop.store, SERIES, "binance").missing(span, 0) == []
        (part,) = shop.store.glob("bars/**/part.parquet")
        part.unlink()
        part.parent.rmdir()
        assert Asking(shop.store, SERIES, "binance").spans == []
        assert (await shop.fetch(*span)).added == 60

    played(tmp_path, play)


def test_a_download_that_fails_keeps_its_whole_runs_and_goes_on_from_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.feeds.downloading.RUN", 1000)

    async def play(shop: Shop) -> None:
        since = MONDAY - 3 * DAY
        shop.venue.prices = lambda at: (
            ("x", "x", "x", "x", "x") if at == since + 2500 * MINUTE and not shop.venue.heard else prices(at)
        )
        with pytest.raises(CallFailed, match="is not a number"):
            await shop.fetch(since, MONDAY)
        assert shop.stored() == list(range(since, since + 2000 * MINUTE, MINUTE))
        shop.venue.heard.append({})
        shop.venue.asked.clear()
        done = await shop.fetch(since, MONDAY)
        assert shop.stored() == list(range(since, MONDAY, MINUTE))
        assert (done.added, done.same) == (3 * 1440 - 2000, 3)
        assert min(begin for begin, _ in shop.spans()) == -3 * 1440 + 1999

    played(tmp_path, play)


def test_a_bar_that_contradicts_the_stored_one_is_a_conflict_and_nothing_is_written(tmp_path: Path) -> None:
    async def play(shop: Shop) -> None:
        await shop.fetch(MONDAY - 3 * HOUR, MONDAY - 2 * HOUR)
        shop.venue.prices = lambda at: ("1", "2", "0.5", "1", "1")
        with pytest.raises(InputError, match="one moment, two values; --on-conflict"):
            await shop.fetch(MONDAY - 3 * HOUR, MONDAY - HOUR)
        assert len(shop.stored()) == 60
        done = await shop.fetch(MONDAY - 3 * HOUR, MONDAY - HOUR, on_conflict="keep")
        assert (done.added, done.conflicts) == (60, 1)

    played(tmp_path, play)


def test_runs_that_contradict_each_other_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.feeds.downloading.RUN", 100)

    async def play(shop: Shop) -> None:
        shop.venue.prices = lambda at: prices(at if len(shop.venue.asked) < 2 else at + MINUTE)
        with pytest.raises(CallFailed, match="one page says"):
            await shop.fetch(MONDAY - 10 * HOUR, MONDAY - 2 * HOUR)
        assert len(shop.stored()) == 100

    played(tmp_path, play)


# --- the verb --------------------------------------------------------------------------------------------------------


@contextmanager
def venue_beside(born: int = MONDAY) -> Generator[tuple[Binance, str]]:
    """A server in a thread of its own: the verb has a loop of its own."""
    ready, over = Event(), Event()
    made: list[tuple[Binance, str]] = []

    async def whole() -> None:
        venue = Binance(lambda: max(born, MONDAY) + DAY, born)
        async with serving(venue) as place:
            made.append((venue, place))
            ready.set()
            await asyncio.to_thread(over.wait)

    thread = Thread(target=lambda: asyncio.run(whole()))
    thread.start()
    try:
        assert ready.wait(10)
        yield made[0]
    finally:
        over.set()
        thread.join(10)


def flow_of(tmp_path: Path, place: str) -> Path:
    file = tmp_path / "btc.toml"
    file.write_text(
        '[sources.market]\nuse = "binance"\nproducts = ["BTCUSD", "ETHUSD"]\n'
        f'url = "http://{place}"\nstream_url = "ws://{place}"\n'
    )
    return file


def test_the_verb_fills_the_store_from_the_source_of_a_flow_and_says_what_it_did(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with venue_beside() as (venue, place):
        venue.holes = {MONDAY + 100 * MINUTE}
        words = [
            "data",
            "download",
            "--flow",
            str(flow_of(tmp_path, place)),
            "--product",
            "BTCUSD",
            "--timeframe",
            "1m",
        ]
        span = ["--from", "2026-01-05T10:00:00Z", "--until", "2026-01-05T14:00:00Z", "--store", str(tmp_path / "store")]
        assert main([*words, *span]) == 0
        out = capsys.readouterr()
        assert out.out.splitlines() == [
            "BTCUSD 1m from binance, where it is called BTCUSDT",
            "239 rows came, 239 of them new, 0 were there already",
            "  the venue has no 1m bar of 1 slots of open time:",
            "    from 2026-01-05T11:40:00.000Z until 2026-01-05T11:41:00.000Z",
            f"store: {tmp_path / 'store'}",
        ]
        assert out.err.splitlines() == ["downloading 100 %, 239 rows"]
        assert main([*words, *span, "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert (told["rows"], told["runs"], told["venue"]) == (0, 0, "binance")
        assert main(["data", "list", "--store", str(tmp_path / "store"), "--json"]) == 0
        (listed,) = json.loads(capsys.readouterr().out)
        assert (listed["product"], listed["timeframe"], listed["rows"]) == ("BTCUSD", "1m", 239)


def test_the_verb_says_in_a_sentence_what_the_venue_refuses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with venue_beside() as (venue, place):
        venue.failures.append(web.json_response({"code": -1003, "msg": "Invalid interval."}, status=400))
        words = ["data", "download", "--flow", str(flow_of(tmp_path, place)), "--product", "BTCUSD"]
        span = ["--from", "2026-01-05T10:00:00Z", "--until", "2026-01-05T14:00:00Z", "--store", str(tmp_path / "store")]
        assert main([*words, "--timeframe", "1m", *span]) == 1
        assert capsys.readouterr().err.endswith("Invalid interval.)\n"), "asking again gives the same"
        assert main([*words, *span]) == 1, "quotes are not kept"
        assert capsys.readouterr().err.endswith("ask for bars, such as 1m\n")


def test_a_download_that_is_killed_goes_on_where_it_was(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with venue_beside(MONDAY - 14 * DAY) as (venue, place):
        stalled = Event()
        venue.stalls = (12, stalled)  # the first page of the second run
        since, until = MONDAY - 14 * DAY, MONDAY - 14 * DAY + 13 * HOUR + 10_000 * MINUTE
        words = ["data", "download", "--flow", str(flow_of(tmp_path, place)), "--product", "BTCUSD"]
        words += ["--timeframe", "1m", "--from", utc_text(since), "--until", utc_text(until)]
        words += ["--store", str(tmp_path / "store")]
        command = [sys.executable, "-m", "pipeline", *words]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
            try:
                assert stalled.wait(30)
            finally:
                child.kill()
        venue.stalls = None
        venue.asked.clear()
        stored = [int(at) for bars in Archive(tmp_path / "store").bars("BTCUSD", MINUTE) for at in bars.open_ts]
        assert stored == list(range(since, since + 10_000 * MINUTE, MINUTE)), "a whole run, and nothing of the next"
        assert main(words) == 0
        assert "781 rows came, 780 of them new, 1 were there already" in capsys.readouterr().out
        assert min(int(query["startTime"]) for _, query in venue.asked if query) == since + 9_999 * MINUTE


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "say whom to ask: --use binance"),
        (["--use", "binance", "--flow", "x.toml"], "say whom to ask"),
        (["--use", "bunance"], "there is no source 'bunance' to download from; did you mean 'binance'?"),
        (["--use", "synthetic"], "there is no source 'synthetic' to download from"),
        (
            ["--use", "binance", "--product", "XAUUSD"],
            "symbols does not say what XAUUSD is called at Binance; say it with --symbol",
        ),
        (["--use", "binance", "--symbol", "btc"], "symbols says BTCUSD is 'btc'"),
        (["--use", "binance", "--account", "data"], "the source binance has no account; leave out --account"),
        (["--use", "oanda", "--product", "EURUSD"], "the source oanda needs account; give --account"),
        (["--use", "binance", "--timeframe", "7m"], "does not divide a day"),
        (
            ["--use", "binance", "--from", "2026-01-06T00:00:00Z", "--until", "2026-01-05T00:00:00Z"],
            "is not before --until",
        ),
    ],
)
def test_what_cannot_be_downloaded_is_said_before_anybody_is_asked(
    words: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["data", "download", "--store", str(tmp_path), "--product", "BTCUSD", *words]
    assert main(given) == 2
    assert sentence in capsys.readouterr().err


def test_a_flow_must_have_a_source_that_can_be_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "flow.toml"
    file.write_text('[sources.made]\nuse = "synthetic"\nproducts = ["BTCUSD"]\n')
    words = ["data", "download", "--flow", str(file), "--product", "BTCUSD"]
    assert main(words) == 2
    assert "has no source to download from" in capsys.readouterr().err
    two = '[sources.{}]\nuse = "binance"\nproducts = ["BTCUSD"]\n'
    file.write_text(two.format("one") + two.format("two"))
    assert main(words) == 2
    assert "say which with --source: one, two" in capsys.readouterr().err
    assert main([*words, "--source", "three"]) == 2
    assert "has no source 'three' to download from; use one of one, two" in capsys.readouterr().err
    assert main([*words[:-1], "ETHUSD", "--source", "one"]) == 2
    assert "[sources.one] has no product 'ETHUSD'; it has BTCUSD" in capsys.readouterr().err


class Ticker:
    """A feed of a venue that keeps its quotes, one a second, and says when it was asked as when they came."""

    def __init__(self, now: int) -> None:
        self.now, self.asked = now, list[tuple[int, int]]()

    async def history(self, product: str, tf: int, since: int, until: int) -> Bars:
        raise CallFailed("rule", "there are no bars")

    async def ticks(self, product: str, since: int, until: int) -> Quotes:
        self.asked.append((since, until))
        ts = np.arange(-(-since // SECOND) * SECOND, until, SECOND, dtype=np.int64)
        price = 1.0 + ts % 997 / 1000
        return Quotes(product, ts, np.full(len(ts), self.now), price, price)

    def live(self, products: tuple[str, ...]) -> AsyncIterator[Quotes]:
        raise CallFailed("rule", "there is nothing live")

    async def close(self) -> None: ...


def test_quotes_lie_in_the_store_at_their_own_stamps_and_are_asked_for_once(tmp_path: Path) -> None:
    feed, store = Ticker(MONDAY + DAY), tmp_path / "store"

    def fetch() -> Downloaded:
        done = Downloaded()
        wanted = Wanted(series=Series("VOL100"), venue="deriv", since=MONDAY, until=MONDAY + 8 * HOUR)
        calendar = calendar_of("VOL100")
        asyncio.run(downloaded(feed, wanted, store, calendar, MONDAY + DAY, done, lambda _, __: None))
        return done

    assert fetch().added == 8 * 3600
    (quotes,) = Archive(store).quotes("VOL100")
    assert quotes.ts.tolist() == list(range(MONDAY, MONDAY + 8 * HOUR, SECOND))
    assert quotes.received.tolist() == quotes.ts.tolist()
    assert feed.asked == [(MONDAY, MONDAY + 6 * HOUR), (MONDAY + 6 * HOUR, MONDAY + 8 * HOUR)]
    assert fetch().there
    assert len(feed.asked) == 2
