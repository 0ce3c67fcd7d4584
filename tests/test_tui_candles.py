import dataclasses
import itertools
import unicodedata
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import astuple, replace
from rich.cells import cell_len

from pipeline.times import MINUTE
from pipeline.view import BarColumns, Chart, FormingBar, KeyName, Mark
from tests.sample_view import NOON, chart_of
from tui import palette
from tui.chart import cells
from tui.chart.bars import ZOOMS, Zoom, gathered, heikin_ashi
from tui.chart.candles import Picture, draw
from tui.chart.cells import BLOCKS, STROKES, snapped
from tui.chart.look import Look
from tui.chart.panel import CandleChart
from tui.chart.scale import Scale, fitting, nice_step
from tui.painted import Panel

UTC = Look(ZoneInfo("UTC"))
BARS = tuple[float, float, float, float]


def chart(*bars: BARS, marks: tuple[Mark, ...] = (), **columns: tuple[float | None, ...]) -> Chart:
    """Bars (open, high, low, close) of one minute each, the first at 12:00."""
    start = NOON // 3_600_000 * 3_600_000
    opens, highs, lows, closes = zip(*bars, strict=True) if bars else ((), (), (), ())
    shown = BarColumns(
        tuple(start + row * MINUTE for row in range(len(bars))), opens, highs, lows, closes, tuple([1.0] * len(bars))
    )
    return Chart("demo-1", "EURUSD", "1m", 1, NOON, shown, None, columns, marks)


def text(picture: Picture) -> list[str]:
    return ["".join(run.text for run in line.runs) for line in picture.lines]


def column(picture: Picture, x: int, top: int, rows: int) -> str:
    return "".join(line[x] for line in text(picture)[top : top + rows])


prices = st.floats(1e-6, 1e6)
bar = st.tuples(prices, prices, prices, prices).map(lambda p: (p[0], max(p), min(p), p[3]))


@given(
    st.lists(bar, max_size=80),
    st.sampled_from(ZOOMS),
    st.integers(12, 130),
    st.integers(6, 40),
    st.booleans(),
    st.lists(st.one_of(st.none(), prices), min_size=80, max_size=80),
)
def test_every_chart_fills_its_cells_exactly_in_known_styles(
    bars: list[BARS], zoom: Zoom, width: int, height: int, hatched: bool, feature: list[float | None]
) -> None:
    shown = chart(*bars, ema=tuple(feature[: len(bars)]))
    picture = draw(shown, width, height, Look(ZoneInfo("Asia/Kathmandu"), zoom, hatched=hatched), NOON)
    if picture.lines:
        assert [cell_len(line) for line in text(picture)] == [width] * height
    assert {run.style for line in picture.lines for run in line.runs} <= {*Panel.STYLES, *CandleChart.COMPONENT_CLASSES}


def test_a_chart_of_one_price_is_a_line_and_no_fault() -> None:
    picture = draw(chart((1.0, 1.0, 1.0, 1.0), (1.0, 1.0, 1.0, 1.0)), 40, 12, UTC, NOON)
    assert sum("◂1.0" in line for line in text(picture)) == 1


def test_a_wick_and_a_body_share_a_cell_as_strokes() -> None:
    picture = draw(chart((10.0, 40.0, 0.0, 30.0)), 30, 12, UTC, NOON)
    drawn = column(picture, text(picture)[4].index("┃"), 1, 9)
    assert set(drawn.strip()) <= set("╷╵│╻╹┃╽╿")
    assert drawn.count("┃") >= 3
    assert drawn[0] in "│╷"


def test_a_block_holds_no_half_wick() -> None:
    assert snapped((1, 2), goes_on=True) == (2, 2)
    assert snapped((1, 2), goes_on=False) == (0, 2)
    assert snapped((2, 1), goes_on=False) == (2, 0)
    assert snapped((1, 1), goes_on=False) == (1, 1)


def test_every_glyph_is_one_cell_and_no_emoji() -> None:
    marks = "".join(value for value in vars(palette).values() if isinstance(value, str) and len(value) == 1)
    glyphs = "".join((*STROKES.values(), *BLOCKS.values(), *cells.LEFT.values(), *cells.RIGHT.values()))
    for glyph in glyphs + marks + "".join(cells.HATCHED.values()) + cells.EIGHTHS + "◂┈╌┊┆╎·◆▸":
        assert cell_len(glyph) == 1
        assert unicodedata.east_asian_width(glyph) not in "WF"


def test_an_order_stands_at_its_candle_with_how_it_ended_and_the_strip_tells_every_decision() -> None:
    rising, minute = (10.0, 40.0, 10.0, 40.0), MINUTE
    start = NOON // 3_600_000 * 3_600_000
    marks = (
        Mark(start, "trade", 1, "a", "win", "+0.87"),
        Mark(start + minute, "trade", -1, "b", "lose", "-1.00"),
        Mark(start + 2 * minute, "cool_down", 1),
        Mark(start + 3 * minute, "score", 0),
        Mark(start + 4 * minute, "trade", 1, "c", "push", "0.00"),
        Mark(start + 5 * minute, "trade", -1, "d"),
    )
    bars = [(30.0, 31.0, 29.0, 30.5)] * 6 + [rising]
    lines = text(draw(chart(*bars, marks=marks), 40, 18, UTC, NOON))
    strip = lines[-2]
    assert "✔✖-·=▼" in strip
    at = strip.index("✔")
    above_and_below = ["".join(line[at + row] for line in lines[1:-2]) for row in range(2)]
    assert "▲✔" in above_and_below[0]
    assert "✖▼" in above_and_below[1]


def test_an_open_contract_has_its_entry_and_the_time_it_has_left() -> None:
    start = NOON // 3_600_000 * 3_600_000
    open_ = Mark(start, "trade", 1, "a", entry=12.0, expiry=NOON + 23_000)
    lines = text(draw(chart((10.0, 40.0, 10.0, 40.0), marks=(open_,)), 60, 18, UTC, NOON))
    assert "▲ 00:23" in lines[0]
    assert any("╌╌╌" in line and "▲12.0" in line for line in lines)


def test_an_oscillator_is_read_in_the_legend_and_not_drawn_among_prices() -> None:
    bars = [(10.0 + row, 12.0 + row, 9.0 + row, 11.0 + row) for row in range(20)]
    shown = chart(*bars, ema=tuple(9.0 + row for row in range(20)), rsi=tuple([70.0] * 20))
    picture = draw(shown, 60, 20, UTC, NOON)
    assert "ema 28.0  rsi 70.00" in text(picture)[1]
    assert "line-2" not in {run.style for line in picture.lines for run in line.runs}
    drawn = "".join(run.text for line in picture.lines[2:] for run in line.runs if run.style == "line-1")
    assert drawn
    assert all(0x2800 < ord(dot) < 0x2900 for dot in drawn.replace(" ", ""))


def test_zoomed_out_a_candle_gathers_the_bars_of_its_span() -> None:
    bars = [(1.0, 5.0, 1.0, 2.0), (2.0, 3.0, 0.5, 3.0), (3.0, 4.0, 2.0, 2.5), (2.5, 9.0, 2.0, 8.0)]
    one, *rest = gathered(chart(*bars), ZOOMS[0])
    assert rest == []
    assert (one.open, one.high, one.low, one.close, one.volume) == (1.0, 9.0, 0.5, 8.0, 4.0)


def test_the_forming_bar_is_the_last_candle_until_it_is_final() -> None:
    one = chart((1.0, 2.0, 0.5, 1.5))
    ts = one.bars.open_ts[0]
    forming = replace(one, forming=FormingBar(ts + MINUTE, 1.5, 1.6, 1.4, 1.55, 3.0))
    assert [candle.close for candle in gathered(forming, ZOOMS[2])] == [1.5, 1.55]
    late = replace(one, forming=FormingBar(ts, 1.5, 1.6, 1.4, 1.55, 3.0))
    assert [candle.close for candle in gathered(late, ZOOMS[2])] == [1.5]


def test_the_scale_stays_while_prices_fit_and_fill_it() -> None:
    shown = gathered(chart((10.0, 20.0, 10.0, 20.0)), ZOOMS[2])
    first = fitting(shown, (), None)
    assert fitting(gathered(chart((10.0, 19.5, 10.5, 19.0)), ZOOMS[2]), (), first) is first
    assert fitting(gathered(chart((10.0, 21.0, 10.0, 20.0)), ZOOMS[2]), (), first) != first
    assert fitting(gathered(chart((10.0, 11.0, 10.0, 11.0)), ZOOMS[2]), (), first) != first


def test_times_are_those_of_the_persons_zone() -> None:
    shown = chart_of(KeyName("demo-1", "EURUSD", "1m"), 60)
    assert "12:00" in text(draw(shown, 80, 20, UTC, NOON))[-1]
    assert "15:00" in text(draw(shown, 80, 20, Look(ZoneInfo("Europe/Istanbul")), NOON))[-1]
    days = replace(shown, timeframe="1d", bars=replace(shown.bars, open_ts=tuple(d * 86_400_000 for d in range(60))))
    assert "01 Jan" in text(draw(days, 80, 20, UTC, NOON))[-1]


@given(st.floats(1e-9, 1e9), st.integers(1, 50))
def test_steps_are_round_and_go_about_as_often_as_asked(span: float, parts: int) -> None:
    step = nice_step(span, parts)
    assert span / parts <= step * 1.0000001 <= span / parts * 2.6


@given(st.floats(-1e3, 1e3), st.floats(0.001, 1e3), st.integers(1, 99))
def test_higher_prices_are_never_lower_on_the_screen(low: float, span: float, rows: int) -> None:
    scale = Scale(low + span, low)
    placed = [scale.row(low + span * part / 10, rows) for part in range(11)]
    assert placed == sorted(placed, reverse=True)
    assert (placed[0], placed[-1]) == (rows - 1, 0)


def test_smoothed_candles_open_in_the_middle_of_the_one_before_and_the_last_price_stays_a_price() -> None:
    bars = [(10.0 + row, 12.0 + row, 9.0 + row, 11.5 + row) for row in range(8)]
    one, two, *_ = heikin_ashi(gathered(chart(*bars), ZOOMS[2]))
    assert (one.open, one.close) == (10.75, 10.625)
    assert two.open == (one.open + one.close) / 2
    assert two.high >= max(two.open, two.close)
    smoothed = text(draw(chart(*bars), 60, 18, replace_look(heikin_ashi=True), NOON))
    assert any("◂18.5" in line for line in smoothed)
    assert "C 18.5" in smoothed[0]


def test_where_bars_are_missing_there_is_a_gap_with_a_mark() -> None:
    whole = chart(*[(10.0, 11.0, 9.0, 10.5)] * 8)
    starts = (*whole.bars.open_ts[:5], *(ts + 7 * MINUTE for ts in whole.bars.open_ts[5:]))
    holed = replace(whole, bars=replace(whole.bars, open_ts=starts))
    assert [candle.after_gap for candle in gathered(holed, ZOOMS[2])] == [False] * 5 + [True] + [False] * 2
    picture = draw(holed, 60, 18, UTC, NOON)
    assert [right - left for left, right in itertools.pairwise(picture.xs)] == [1, 1, 1, 1, 2, 1, 1]
    lines = text(picture)
    assert lines[-2][picture.xs[5] - 1] == "/"
    assert sum(line[picture.xs[5] - 1] == "╎" for line in lines) > 8


def test_a_contract_that_ended_has_its_end_beside_the_bar_and_the_price_it_ended_at() -> None:
    bars = [(10.0, 11.0, 9.0, 10.0), (10.0, 20.0, 10.0, 20.0), (20.0, 31.0, 19.0, 30.0), (36.0, 38.0, 35.0, 37.0)]
    start = chart(*bars).bars.open_ts[0]
    ended = Mark(start, "trade", 1, "a", "win", "+0.87", 10.0, start + 3 * MINUTE, 30.0)
    picture = draw(chart(*bars, marks=(ended,)), 60, 20, replace_look(zoom=ZOOMS[4]), NOON)
    lines = text(picture)
    (at,) = ((x, y) for y, line in enumerate(lines[1:-2], 1) for x, letter in enumerate(line) if letter == "✔")
    assert at[0] == picture.xs[2] + 2
    assert picture.scale is not None
    assert at[1] == 1 + picture.scale.row(30.0, 2 * 15) // 2
    crossed = draw(chart(*bars, marks=(ended,)), 90, 20, replace_look(cross=start), NOON)
    assert "▲ trade  10.0 → 30.0  ✔ +0.87" in text(crossed)[0]
    assert sum("┆" in line for line in text(crossed)) > 5


def test_the_winning_side_of_an_open_contract_is_tinted_until_where_it_ends() -> None:
    bars = [(10.0 + row, 12.0 + row, 9.0 + row, 11.0 + row) for row in range(20)]
    start = chart(*bars).bars.open_ts[0]
    for direction in (1, -1):
        mark = Mark(start + 15 * MINUTE, "trade", direction, "a", entry=20.0, expiry=start + 24 * MINUTE)  # pyright: ignore[reportArgumentType]
        picture = draw(chart(*bars, marks=(mark,)), 60, 20, UTC, start + 20 * MINUTE)
        entry = next(y for y, line in enumerate(text(picture)) if "20.0" in line and "╌" in line)
        tinted = [y for y, line in enumerate(picture.lines) if any(run.style == "tint" for run in line.runs)]
        assert tinted
        assert all((y < entry) if direction > 0 else (y > entry) for y in tinted)
        assert any("┊" in line for line in text(picture))
        assert any("04:00" in line for line in text(picture)[1:])


def test_older_bars_are_drawn_as_if_nothing_had_come_after_them() -> None:
    whole = chart_of(KeyName("demo-1", "EURUSD", "1m"), 200)
    end = whole.bars.open_ts[149]
    cut = replace(
        whole,
        forming=None,
        bars=BarColumns(*(tuple(column[:150]) for column in astuple(whole.bars))),
        marks=tuple(mark for mark in whole.marks if mark.bar <= end),
    )
    look = replace_look(end=end)
    assert draw(whole, 90, 24, look, NOON).lines[2:] == draw(cut, 90, 24, look, NOON).lines[2:]


def replace_look(**changes: Any) -> Look:
    return dataclasses.replace(UTC, **changes)
