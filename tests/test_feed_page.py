"""The console's page of the feed."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from pipeline.view import Feed, PriceRow
from tests.sample_view import NOON, SampleView, feed_of, publisher_of, source_of
from tests.screens import Bench, golden, in_front, on_bench, run
from tui.feed.bars import CELLS as BARS
from tui.feed.prices import CELLS as PRICES
from tui.feed.publisher import CELLS as LANES
from tui.feed.sheet import FeedSheet
from tui.painted import Panel, Run
from tui.sheet import Cell, columns, words

STILL = Feed(NOON, (), (), (), (), ())


def showing(feed: Feed) -> SampleView:
    view = SampleView()
    view.fed = feed
    return view


async def on_page(bench: Bench) -> None:
    await bench.press("5")
    await bench.until(lambda: bench.store.feed is not None)
    await bench.shows("Prices", "Publisher")


@pytest.mark.parametrize(("width", "height"), [(120, 36), (80, 24)])
def test_the_page_looks_as_approved(tmp_path: Path, width: int, height: int) -> None:
    async def main() -> None:
        async with on_bench(tmp_path, (width, height)) as bench:
            await on_page(bench)
            await bench.shows("EURUSD 5m", "STREAM for 9m", "streaming for 10m", "calls for history are put off")
            golden(f"feed_{width}x{height}", bench.app)

    run(main())


def test_d44_five_goes_there_and_back_and_so_does_escape(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_bench(tmp_path) as bench:
            await bench.shows("candles", "Keys 36/36")
            await on_page(bench)
            assert "Keys 36/36" not in bench.text
            await bench.press("5")
            await bench.shows("Keys 36/36", "candles")
            assert "Publisher" not in bench.text
            await on_page(bench)
            await bench.press("escape")
            await bench.shows("Keys 36/36")

    run(main())


def test_the_engine_is_asked_for_it_only_while_somebody_looks(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_bench(tmp_path) as bench:
            asked = bench.view.asked
            assert "feed" not in asked
            await on_page(bench)
            await bench.until(lambda: asked.count("feed") >= 2)
            keys = asked.count("keys")
            await bench.until(lambda: asked.count("feed") >= 4)
            assert asked.count("keys") == keys  # nobody sees them meanwhile
            await bench.press("5")
            await bench.until(lambda: asked.count("keys") > keys)
            feeds = asked.count("feed")
            await bench.until(lambda: asked.count("keys") > keys + 5)
            assert asked.count("feed") == feeds

    run(main())


def test_keys_of_the_desk_do_nothing_there_and_five_is_a_digit_where_one_writes(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_bench(tmp_path) as bench:
            await bench.press("slash", "1", "5", "m")
            await bench.shows("Keys 12/36")
            assert in_front(bench) != "feed"
            await bench.press("escape")
            await on_page(bench)
            await bench.press("slash", "t", "plus")
            assert in_front(bench) == "feed"
            assert not bench.app.query_one("#filter-line").has_class("-open")

    run(main())


def test_tab_goes_round_the_panels_that_are_there_and_the_help_is_of_the_one_one_is_in(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_bench(tmp_path) as bench:
            await on_page(bench)
            been: list[str | None] = []
            for _ in range(6):
                been.append(bench.app.focused.id if bench.app.focused is not None else None)
                await bench.press("tab")
            assert been == ["prices", "bars", "source", "publisher", "feed-log", "prices"]
            await bench.press("question_mark")
            await bench.shows("Help", "While the market is closed nothing is late")
            await bench.press("escape")
            await bench.until(lambda: len(bench.app.screen_stack) == 1)
            assert in_front(bench) == "feed"

    run(main())


def test_what_is_not_there_is_said_and_what_is_amiss_stands_out(tmp_path: Path) -> None:
    bare = replace(feed_of(NOON), sources=(), publishers=(), alerts=())
    lost = replace(publisher_of(NOON), state="RECOVERING", note="no price yet")
    lost = replace(lost, redis="backoff", redis_backoff_seconds=4.0)
    waiting = replace(source_of(NOON), session="reconnecting", backoff_until=NOON + 30_000, history_ready=False)
    amiss = replace(feed_of(NOON), sources=(waiting,), publishers=(lost,), pressed=True)
    sources = source_of(NOON), replace(source_of(NOON), whose="sources.other")
    publishers = publisher_of(NOON), replace(publisher_of(NOON), whose="sinks.second", lanes=())

    async def main() -> None:
        async with on_bench(tmp_path, (120, 50), showing(STILL)) as bench:
            await on_page(bench)
            await bench.shows("no source of this flow names a product", "no operator of this flow makes bars")
            bench.view.fed = bare  # an ordinary flow
            await bench.shows("nothing is amiss with the feed", "1.07180", "this flow publishes nothing")
            assert "tells more of itself" in bench.text
            bench.view.fed = amiss
            await bench.shows("RECOVERING for 9m · no price yet", "Redis backoff · again in 4.0s · FULL")
            await bench.shows("reconnecting for 10m", "tries again in 30s: the session ended", "history is not ready")
            bench.view.fed = replace(feed_of(NOON), sources=sources, publishers=publishers)
            await bench.shows("sources.fxcm streaming", "sinks.redis STREAM", "sinks.second STREAM")
            bench.app.query_one("#source").focus()
            await bench.press("pagedown")
            await bench.shows("sources.other streaming")

    run(main())


def test_more_products_than_rows_are_reached_by_the_keys(tmp_path: Path) -> None:
    prices = tuple(PriceRow(f"P{each:02}", 1.0, 1.2, 1.1, NOON, "ok") for each in range(30))

    async def main() -> None:
        async with on_bench(tmp_path, view=showing(replace(STILL, prices=prices))) as bench:
            await on_page(bench)
            await bench.shows("P00", "more below")
            assert "P29" not in bench.text
            await bench.press("pagedown", "pagedown", "pagedown", "pagedown")
            await bench.shows("P29", "product", "more above")
            await bench.press("pageup", "pageup", "pageup", "k")
            await bench.shows("P00")

    run(main())


def test_ages_go_on_while_the_engine_says_nothing_new(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_bench(tmp_path) as bench:
            await on_page(bench)
            await bench.shows("47s")
            await bench.desk.stop()
            await bench.until(lambda: bench.store.state == "down")
            bench.now += 60
            await bench.shows("107s")

    run(main())


def test_every_panel_of_it_says_in_its_help_what_it_shows() -> None:
    panels = [panel for panel in FeedSheet.__subclasses__() if panel.__module__.startswith("tui.")]
    assert len(panels) == 4
    assert all(panel.__doc__ and issubclass(panel, Panel) for panel in panels)


@pytest.mark.parametrize("table", [PRICES, BARS, LANES])
def test_where_there_is_no_room_whole_columns_go_and_what_matters_stays(table: tuple[Cell, ...]) -> None:
    all_of_them = sum(cell.width + 1 for cell in table)
    for width in range(20, all_of_them + 1):
        kept = columns(table, width)
        assert sum(table[at].width + 1 for at in kept) <= max(width, table[0].width + 1)
        assert kept == sorted(kept)
        assert kept[0] == 0
    assert columns(table, all_of_them) == list(range(len(table)))
    assert {table[at].head for at in columns(table, 30)} >= {table[0].head, "state"}


def test_a_line_of_words_is_never_wider_than_its_room() -> None:
    line = words(10, Run("one two "), Run("three four"), Run("five"))
    assert "".join(run.text for run in line.runs) == "one two t…"
