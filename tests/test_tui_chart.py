"""The chart's panel and page: walking about in it, and why a bar was decided beside it."""

from pathlib import Path
from typing import TypeVar

from textual import events

from pipeline.times import MINUTE
from pipeline.told.orders import GateAnswer, OrderRow
from pipeline.told.reasons import VoteTold, Why
from pipeline.view import Chart, ChartOf, KeyName
from tests.sample_view import NOON, SampleView, chart_of
from tests.screens import Bench, golden, in_front, on_bench, run
from tui.chart.page import ChartPage
from tui.chart.panel import CandleChart
from tui.chart.picking import found

FIRST = KeyName("demo-1", "EURUSD", "1m")
BAR = NOON // MINUTE * MINUTE - MINUTE


class Moving(SampleView):
    """A view whose market goes on by whole bars."""

    bars = 0

    def chart(self, name: KeyName, bars: int) -> Chart | None:
        return chart_of(name, bars, self.moved, self.bars) if name in self.rows else None


def chart_in(bench: Bench) -> CandleChart:
    return bench.app.query_one("#chart-candles", CandleChart)


def asked(bench: Bench) -> ChartOf:
    asks = chart_in(bench).asks
    assert asks is not None
    return asks


def why_of(bar: int) -> Why:
    """What an engine says of a bar that was traded."""
    order = OrderRow(
        "o-1", *FIRST, bar, "call", "2.00", 0.89, "CONFIRM", bar, bar, "", "", "c1", NOON + MINUTE, "", "0", 1.07, None
    )
    gates = (
        GateAnswer("ready", "yes", 512.0, 74.0),
        GateAnswer("vote", "yes", None, None, "call"),
        GateAnswer("threshold", "yes", 0.62, 0.3),
        GateAnswer("payout", "yes", 0.89, 0.8),
        GateAnswer("margin", "off", None, None),
    )
    votes = (VoteTold("main", "cross", 1, 0.71, ""), VoteTold("main", "fade", 0, None, ""))
    return Why(
        account=FIRST.account,
        product=FIRST.product,
        timeframe=FIRST.timeframe,
        bar_ms=bar,
        decided_ms=bar + MINUTE,
        verdict="trade",
        direction=1,
        score=0.62,
        payout=0.89,
        gates=gates,
        features={},
        votes=votes,
        bar=None,
        quote=None,
        stops=(),
        life="RUNNING",
        armed_until=0,
        open=(),
        order=order,
        would_have="",
        what_if="threshold 0.63 would have said no",
        lines=(),
        before_ms=bar - MINUTE,
        after_ms=0,
    )


def test_the_page_of_the_chart_looks_as_approved(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_bench(tmp_path, page="chart") as bench:
            page = bench.app.query_one(ChartPage)
            page.reasons.put(FIRST, BAR, why_of(BAR))
            await bench.shows(
                "candles", "RUNNING", "▲CALL 2.00 @", "cross", "✔ threshold", "payout 89 %", "expiry 01:00"
            )
            golden("chart_120x36", bench.app)
            assert bench.pilot is not None
            await bench.pilot.resize_terminal(80, 24)
            await bench.until(lambda: "Votes" not in bench.text and "67 candles" in bench.text)
            golden("chart_80x24", bench.app)

    run(main())


def test_a_crosshair_says_what_a_bar_was_and_what_was_decided_on_it(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_bench(tmp_path, page="chart") as bench:
            chart = chart_in(bench)
            await bench.shows("candles")
            await bench.press("left")
            await bench.shows("05 Jan 15:01  O", "nothing decided", "forms still", "before it is final")
            await bench.press("left", "left")
            await bench.shows("05 Jan 14:59  O", "─ no_vote")
            assert chart.bar == BAR - MINUTE
            for _ in range(4):
                await bench.press("left")
            await bench.shows("05 Jan 14:55  O", "▲ trade", "✖ -1.00")
            await bench.press("y")
            await bench.shows("the bar of 14:55 is copied")
            assert bench.app.clipboard.startswith("demo-1  EURUSD  1m  2026-01-05T14:55:00+0300  ")
            assert "lose" in bench.app.clipboard
            await bench.press("escape")
            assert (chart.crossed, in_front(bench)) == (None, "chart")
            assert bench.pilot is not None
            await bench.pilot.click(CandleChart, offset=(20, 10))
            clicked = chart.crossed
            assert clicked is not None
            await bench.press("right")
            assert chart.crossed == clicked + MINUTE

    run(main())


def test_older_bars_stay_in_view_while_new_ones_come_and_home_goes_to_the_newest(tmp_path: Path) -> None:
    view = Moving()

    async def main() -> None:
        async with on_bench(tmp_path, view=view, page="chart") as bench:
            chart = chart_in(bench)
            await bench.shows("candles")
            usual = asked(bench).bars
            await bench.press("shift+left")
            await bench.shows("▸ older")
            seen = [candle.ts for candle in chart.seen]
            assert asked(bench).bars > usual, "a screen more is asked for"
            view.bars += 3
            view.move()
            await bench.shows("▸ 3 new")
            now = [candle.ts for candle in chart.seen]
            assert now[-20:] == seen[-20:], "what is seen stands still"
            for _ in range(3):
                await bench.press("shift+left")
            await bench.until(lambda: chart.seen[-1].ts < seen[-1] - 25 * MINUTE)
            await bench.press("home")
            await bench.until(lambda: chart.seen[-1].ts == BAR + 4 * MINUTE)
            assert " new " not in bench.text.split("\n")[4]
            chart.on_mouse_down(mouse(events.MouseDown, 40))
            chart.on_mouse_move(mouse(events.MouseMove, 52))
            chart.on_mouse_up(mouse(events.MouseUp, 52))
            assert chart.seen[-1].ts == BAR + 4 * MINUTE - 12 * MINUTE
            assert chart.crossed is None

    run(main())


MouseEvent = TypeVar("MouseEvent", bound=events.MouseEvent)


def mouse(kind: type[MouseEvent], x: int) -> MouseEvent:
    return kind(None, x, 10, 0, 0, 1, shift=False, meta=False, ctrl=False, screen_x=x, screen_y=10)


def test_what_is_drawn_is_turned_on_and_off_by_keys(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_bench(tmp_path, page="chart") as bench:
            chart = chart_in(bench)
            await bench.shows("candles", "┃", "▇", "✔", "ema_fast")
            await bench.press("v")
            assert "▇" not in bench.text
            await bench.press("l")
            assert "┃┃" not in "".join(line[1:80] for line in bench.text.split("\n")[5:30])
            await bench.press("l", "h")
            await bench.shows("EURUSD 1m · demo-1 · Heikin-Ashi, derived")
            last = chart.told
            assert last is not None
            assert last.forming is not None
            assert f"C {last.forming.close:.5f}" in bench.text, "what is written are prices"
            await bench.press("h", "m")
            rows = [line[1:80] for line in bench.text.split("\n")[5:30]]
            assert not any(mark in row for row in rows for mark in "✔✖▲")
            await bench.press("i")
            await bench.shows("features of EURUSD 1m", "◆ ema_fast")
            await bench.press("space", "enter")
            await bench.until(lambda: "ema_fast" not in bench.text)
            assert "ema_slow" in bench.text
            await bench.press("plus")
            assert bench.pilot is not None
            wide = len(chart.seen)
            chart.on_mouse_scroll_down()
            assert len(chart.seen) > wide

    run(main())


def test_another_key_is_a_timeframe_or_a_few_letters_away(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_bench(tmp_path, page="chart") as bench:
            await bench.press("t")
            await bench.shows("EURUSD 5m · demo-1")
            await bench.press("g", *"xa15l7")
            await bench.shows("XAUUSD 15m live-7")
            await bench.press("enter")
            await bench.shows("XAUUSD 15m · live-7")
            await bench.press("g", *"zzz")
            await bench.shows("no key has these letters")
            await bench.press("escape")
            assert chart_in(bench).picked == KeyName("live-7", "XAUUSD", "15m")

    run(main())


def test_letters_find_keys_in_their_order() -> None:
    names = list(SampleView().rows)
    assert found("", names) == names
    assert found("btc5m demo-2", names)[0] == KeyName("demo-2", "BTCUSD", "5m")
    assert found("qqq", names) == []
