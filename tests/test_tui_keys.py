"""The page of the keys: its table, what leads from it elsewhere, and what it costs."""

from pathlib import Path
from time import process_time

from msgspec.structs import replace
from textual.geometry import Region

from pipeline.view import KeyName, KeyRow, KeysNews
from tests.sample_view import NOON, SampleView
from tests.screens import Bench, golden, in_front, on_bench, run
from tui.chart.panel import CandleChart
from tui.keys.table import KeysTable
from tui.store import Store

FIRST = KeyName("demo-1", "EURUSD", "1m")


def keys_of(bench: Bench) -> KeysTable:
    return bench.app.query_one("#keys-table", KeysTable)


def names_shown(bench: Bench) -> list[KeyName]:
    return [row.name for row in keys_of(bench).shown]


def tell(bench: Bench, *rows: KeyRow) -> None:
    """The engine tells other values of some keys."""
    bench.store.take(KeysNews(rows, full=False), bench.now)
    keys_of(bench).look()


def quiet(view: SampleView) -> SampleView:
    """Keys whose lives and errors differ."""
    for at, (life, why, errors) in enumerate(
        (("RUNNING", "", 0), ("PAUSED", "5 errors in a row", 5), ("STOPPED", "news (cli)", 0), ("RELOAD", "", 0))
    ):
        name = list(view.rows)[at]
        view.rows[name] = (1, replace(view.rows[name][1], life=life, life_why=why, errors=errors))
    return view


def test_the_page_of_the_keys_looks_as_approved_and_what_does_not_trade_has_a_mark_and_a_word(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_bench(tmp_path, view=quiet(SampleView())) as bench:
            await bench.shows("candles", "RUNNING", "‖ PAUSED", "■ STOPPED", "! STALE", "‖ RELOAD")
            golden("keys_120x36", bench.app)
            assert bench.pilot is not None
            await bench.pilot.resize_terminal(80, 24)
            await bench.shows("close", "67 candles")
            golden("keys_80x24", bench.app)
            await bench.pilot.resize_terminal(200, 50)
            await bench.shows("5 errors in a row", "live-7 REAL", "reason")
            await bench.press("slash", *"state=stopped", "enter")
            await bench.shows("Keys 1/36", "news (cli)")

    run(main())


def test_columns_are_chosen_and_kept_and_what_they_do_not_show_can_still_be_asked_for(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_bench(tmp_path, (160, 36)) as bench:
            bench.shell.settings_file = tmp_path / "console.toml"
            await bench.shows("account", "P/L")
            await bench.press("C")
            await bench.shows("Columns", "◆ account")
            await bench.press("space", "down", "down", "K", "enter")
            await bench.until(lambda: "account" not in bench.text.split("\n")[4])
            head = bench.text.split("\n")[4]
            assert head.index("tf") < head.index("product"), head
            assert bench.shell.settings.columns["keys-table"][:2] == ("tf", "product")
            await bench.until((tmp_path / "console.toml").exists)
            keys_of(bench).filter("acc:live-7")
            await bench.shows("Keys 12/36")

    run(main())


def test_keys_move_the_choice_and_the_chart_follows(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_bench(tmp_path) as bench:
            names = list(bench.view.rows)
            for keys, row in (
                (("j", "down"), 2),
                (("k", "up"), 0),
                (("G",), 35),
                (("g",), 0),
                (("t",), 1),
                (("end",), 35),
            ):
                await bench.press(*keys)
                assert keys_of(bench).chosen == names[row]
            await bench.shows("BTCUSD 15m · live-7", "17–36 of 36")
            await bench.until(lambda: bench.store.chart is not None and bench.store.chart.name == names[35])
            await bench.press("t")
            assert keys_of(bench).chosen == names[33], "after the longest timeframe comes the shortest"
            assert bench.pilot is not None
            await bench.press("home")
            await bench.pilot.click(KeysTable, offset=(5, 2 + 4))
            assert keys_of(bench).chosen == names[4]
            await bench.pilot.click(KeysTable, offset=(2, 1))
            assert (keys_of(bench).chosen, keys_of(bench).sorted_by) == (names[4], "account")
            chart = bench.app.query_one("#keys-chart", CandleChart)
            await bench.until(lambda: chart.told is not None and chart.told.name == names[4])
            many = len(chart.seen)
            await bench.press("plus")
            assert len(chart.seen) < 0.6 * many

    run(main())


def test_a_filter_shows_keys_with_all_its_words_and_esc_shows_all_again(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_bench(tmp_path) as bench:
            await bench.press("slash", *"EUR LIVE", "enter")
            await bench.shows("Keys 3/36  /EUR LIVE", "EURUSD 1m · live-7")
            await bench.press("slash", "q", "t", "plus", "slash", "j", "z")
            assert keys_of(bench).words == "qt+/jz", "letters in the filter are letters"
            await bench.shows("the filter hides all 36 rows; esc shows them again")
            await bench.press("escape")
            await bench.shows("Keys 36/36")
            assert keys_of(bench).chosen == KeyName("live-7", "EURUSD", "1m")

    run(main())


def test_a_flow_that_trades_nothing_says_why_there_are_no_keys(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_bench(tmp_path, view=SampleView([])) as bench:
            nothing = "this flow trades nothing: no risk gate in it names"
            await bench.shows(nothing, "Keys 0/0")
            await bench.press("3")
            await bench.shows("3 Chart", nothing, "this flow trades nothing: no")
            assert bench.text.count("this flow trades nothing") == 2, "beside the chart, its votes"

    run(main())


def test_keys_lead_to_their_chart_to_why_and_to_the_log(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_bench(tmp_path) as bench:
            await bench.press("j", "enter")
            await bench.until(lambda: in_front(bench) == "chart")
            assert bench.app.query_one("#chart-candles", CandleChart).picked == KeyName("demo-1", "EURUSD", "5m")
            await bench.press("left_square_bracket")
            await bench.until(lambda: in_front(bench) == "keys")
            await bench.press("L")
            await bench.until(lambda: in_front(bench) == "logs")

    run(main())


def test_rows_are_sorted_once_a_second_and_never_while_one_moves_among_them(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_bench(tmp_path) as bench:
            table = keys_of(bench)
            table.sort_by("P/L")
            losing, *_, winning = names_shown(bench)
            table.choose(losing)
            tell(bench, replace(bench.store.keys[losing], profit="+99.00"))
            assert names_shown(bench)[0] == losing, "a second has not passed"
            bench.now += 0.9
            await bench.press("j", "k")
            bench.now += 0.9
            tell(bench, replace(bench.store.keys[winning], profit="+98.00"))
            assert names_shown(bench)[0] == losing, "somebody moved less than a second ago"
            assert table.shown[0].profit == "+99.00", "values are not held back"
            bench.now += 1.1
            table.look()
            assert names_shown(bench)[-2:] == [winning, losing]
            assert table.chosen == losing
            table.sort_by("P/L")
            assert names_shown(bench)[:2] == [losing, winning]

    run(main())


def test_a_row_keeps_its_place_on_the_screen_and_another_takes_that_of_one_that_goes(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_bench(tmp_path) as bench:
            table = keys_of(bench)
            await bench.press("slash", *"state:run", "enter")
            table.sort_by("price")
            middle = names_shown(bench)[25]
            table.choose(middle)
            table.look()
            bench.now += 2
            first = next(y for y, line in enumerate(bench.text.split("\n")) if "price" in line)

            def row() -> int:
                (y,) = (y for y, line in enumerate(table._shown) if line.ground == "chosen")  # pyright: ignore[reportPrivateUsage]  # what is painted
                return y

            stood = row()
            cheapest = names_shown(bench)[0]
            tell(bench, replace(bench.store.keys[cheapest], price=1e6))
            assert names_shown(bench)[24] == middle
            assert (row(), first > 0) == (stood, True)
            bench.now += 2
            after = names_shown(bench)[25]
            tell(bench, replace(bench.store.keys[middle], state="STALE"))
            assert middle not in names_shown(bench)
            assert table.chosen == after

    run(main())


def test_marked_rows_that_the_filter_hides_are_not_acted_on_and_this_is_said(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_bench(tmp_path) as bench:
            await bench.press("space", "space", "space")
            assert [row.name.timeframe for row in keys_of(bench).picked] == ["1m", "5m", "15m"]
            await bench.press("slash", *"5m !15m", "enter")
            await bench.shows("3 marked, 2 of them hidden")
            assert [row.name for row in keys_of(bench).picked] == [KeyName("demo-1", "EURUSD", "5m")]

    run(main())


def test_a_price_repaints_its_cell_and_nothing_else(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_bench(tmp_path, (120, 36)) as bench:
            keys = keys_of(bench)
            await bench.shows("candles", "RUNNING")
            asked: list[Region] = []
            repaint = keys.refresh
            keys.refresh = lambda *regions, **how: (asked.extend(regions), repaint(*regions, **how))[1]  # type: ignore[method-assign]
            bench.view.move(1)
            await bench.until(lambda: asked)
            assert {(region.y, region.height) for region in asked} == {(1, 1)}
            assert max(region.width for region in asked) < 70

    run(main())


def test_a_store_tells_which_keys_changed_as_long_as_it_can() -> None:
    store, view = Store(), SampleView()
    store.take(KeysNews(view.keys(0).rows, full=True), 0.0)
    seen, first = store.keys_told, next(iter(view.keys(0).rows))
    assert store.keys_since(seen) == {}
    store.take(KeysNews((first,), full=False), 0.0)
    store.take(KeysNews((), full=False), 0.0)
    assert store.keys_since(seen) == {first.name: first}
    assert store.keys_since(seen - 1) is None
    store.take(KeysNews((replace(first, product="NEWUSD"),), full=False), 0.0)
    assert store.keys_since(seen) is None, "one came"
    for _ in range(60):
        store.take(KeysNews((first,), full=False), 0.0)
    assert store.keys_since(store.keys_told - 51) is None


def test_a_flush_of_3000_keys_costs_what_changed_and_not_what_there_is(tmp_path: Path) -> None:
    names = [KeyName(f"a{a}", f"P{p:03}", tf) for a in range(10) for p in range(100) for tf in ("1m", "5m", "15m")]

    async def main() -> None:
        view = SampleView(names)
        async with on_bench(tmp_path, view=view, desk=False) as bench:
            bench.store.take(view.hello(), bench.now)
            bench.store.take(KeysNews(view.keys(0).rows, full=True), bench.now)
            table = keys_of(bench)
            table.filter("!p099 a")
            table.sort_by("P/L")
            rows = list(view.keys(0).rows)

            def flush(count: int) -> float:
                bench.now += 0.1
                news = KeysNews(tuple(replace(row, updated=NOON + count) for row in rows[:count]), full=False)
                began = process_time()
                bench.store.take(news, bench.now)
                table.look()
                return process_time() - began

            whole = min(flush(3000) for _ in range(3))
            some = min(flush(50) for _ in range(10))
            assert some < whole / 3
            assert len(table.shown) == 2970

    run(main())
