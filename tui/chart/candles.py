"""Candles, what was decided on them and the engine's own features, drawn into lines of text. No widget, no clock.

A cell holds two half rows, so a chart of 20 rows has 40 price levels: a wick and a body are different strokes and may
share a cell. Features are drawn in braille on cells nothing else needs.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from rich.cells import cell_len

from pipeline.view import TRADED, Chart, Mark
from tui.chart.bars import WARM, Candle, gathered, heikin_ashi
from tui.chart.cells import Cells
from tui.chart.look import Look, Room, open_marks, room_for
from tui.chart.pen import OVERLAYS, Pen, Values
from tui.chart.scale import Scale, fitting
from tui.painted import Line
from tui.palette import CALL, PUT, leaning, outcome, side
from tui.words import countdown, moment, plain, price_text

Words = tuple[str, str]
"""A text and its style."""


class Picture(NamedTuple):
    """A drawn chart and where its candles stand. Its scale, handed back, spares the next frame a full repaint."""

    lines: tuple[Line, ...]
    shown: tuple[Candle, ...] = ()
    xs: tuple[int, ...] = ()
    scale: Scale | None = None

    @property
    def candles(self) -> int:
        return len(self.shown)

    def at(self, x: int) -> Candle | None:
        """The candle nearest to a column."""
        nearest = min(range(len(self.xs)), key=lambda place: abs(self.xs[place] - x), default=None)
        return None if nearest is None else self.shown[nearest]


def draw(chart: Chart, width: int, height: int, look: Look, now: int, scale: Scale | None = None) -> Picture:
    """A chart in so many cells. `now` is the flow's clock, for countdowns; `scale` is the last picture's."""
    room = room_for(chart, width, height, look)
    if room.plot < 10 or room.price < 3:
        return Picture(())
    cells = Cells(width, height)
    known = gathered(chart, look.zoom, room.capacity(look.zoom) + (WARM if look.heikin_ashi else 0), look.end)
    if not known:
        cells.put(1, 0, "no bars yet", "dim")
        return Picture(cells.lines())
    xs = _places(known, room, look)
    candles = known[-len(xs) :]
    drawn = heikin_ashi(known)[-len(xs) :] if look.heikin_ashi else candles
    entries = [mark.entry for mark in open_marks(chart) if mark.entry is not None] if look.end is None else []
    scale = fitting(drawn, entries, scale)
    pen = Pen(cells, room, scale, look, chart, candles, drawn, xs)
    lines, others = _features(chart, candles, scale, look.features)
    pen.prices()
    pen.bars()
    pen.overlays(lines)
    pen.times()
    pen.levels(now)
    pen.marks()
    pen.cross()
    _header(cells, room, chart, candles, look, now)
    if room.legend:
        _beside(cells, room.width, 1, list(_legend(chart, lines, others, _focus(candles, look))))
    return Picture(cells.lines(), tuple(candles), tuple(xs), scale)


def _places(candles: Sequence[Candle], room: Room, look: Look) -> list[int]:
    """The columns of the newest candles that fit; where bars are missing, one is left free."""
    columns = look.zoom.columns
    xs: list[int] = []
    x = room.plot - room.margin - columns + (2 if columns == 3 else 1)
    for candle in reversed(candles):
        if x < (1 if columns == 3 else 0):
            break
        xs.append(x)
        x -= columns * (2 if candle.after_gap else 1)
    return xs[::-1] or [max(0, room.plot - room.margin - columns)]


def _features(
    chart: Chart, candles: Sequence[Candle], scale: Scale, wanted: Sequence[str] | None
) -> tuple[Mapping[str, Values], Mapping[str, Values]]:
    """Features that live where the prices do, and the others: an oscillator is no line among prices."""
    lines: dict[str, Values] = {}
    others: dict[str, Values] = {}
    for name in chart.columns if wanted is None else wanted:
        column = chart.columns.get(name, ())
        count = len(column)
        values = [column[candle.last] if candle.last < count else None for candle in candles]
        known = [value for value in values if value is not None]
        inside = sum(scale.low <= value <= scale.high for value in known)
        (lines if inside * 2 > len(known) and len(lines) < OVERLAYS else others)[name] = values
    return lines, others


def _focus(candles: Sequence[Candle], look: Look) -> Candle | None:
    return next((candle for candle in candles if candle.ts == look.cross), None)


def _header(cells: Cells, room: Room, chart: Chart, candles: Sequence[Candle], look: Look, now: int) -> None:
    """The bar under the crosshair, else the last one, in numbers; what was decided on it; how long contracts have."""
    focus, digits = _focus(candles, look), chart.digits
    last, first = focus or candles[-1], candles[0]
    chip = f" ▸ {look.newer} new " if look.newer else " ▸ older " if look.end is not None else ""
    width = room.width - len(chip)
    if chip and width > 0:
        cells.put(width, 0, chip, "tag-up")
    figures = (("O", last.open), ("H", last.high), ("L", last.low), ("C", last.close))
    parts = [(" ".join(f"{name} {price_text(figure, digits)}" for name, figure in figures), "bright")]
    if focus is not None:
        parts.insert(0, (moment(focus.ts, look.zone).strftime("%d %b %H:%M"), "tag-entry"))
        parts += _decided(focus.mark, digits)
    for mark in open_marks(chart)[-1:] if focus is None else ():
        left = "open" if mark.expiry is None else countdown(mark.expiry - now)
        parts.append((f"{leaning(mark.direction)} {left}", "bright"))
    if focus is None and first.open:
        change = (last.close / first.open - 1) * 100
        parts.append((f"{CALL if change >= 0 else PUT}{abs(change):.2f}%", side(change)))
    if focus is None and chart.marks and look.end is None:
        parts += list(_decided(chart.marks[-1], digits))[:1]
    _beside(cells, width, 0, parts)


def _decided(mark: Mark | None, digits: int) -> Iterator[Words]:
    """What was decided on a bar, and what became of it."""
    if mark is None:
        yield "nothing decided", "dim"
        return
    yield (
        f"{leaning(mark.direction)} {plain(mark.verdict)}",
        side(mark.direction) if mark.verdict == TRADED else "second",
    )
    if mark.entry is not None and mark.order:
        exits = f" → {price_text(mark.exit, digits)}" if mark.exit is not None else ""
        yield f"{price_text(mark.entry, digits)}{exits}", "text"
    if mark.result is not None:
        style = {"win": "up", "lose": "down"}.get(mark.result, "second")
        yield f"{outcome(mark.result)} {plain(mark.profit or mark.result)}", style


def _legend(
    chart: Chart, lines: Mapping[str, Values], others: Mapping[str, Values], focus: Candle | None
) -> Iterator[Words]:
    drawn = {name: f"line-{number}" for number, name in enumerate(lines, 1)}
    for name in (*lines, *others):
        column = chart.columns.get(name, ())
        row = len(column) - 1 if focus is None else min(focus.last, len(column) - 1)
        value = column[row] if column else None
        digits = chart.digits if name in drawn else 2
        yield f"{plain(name)} {price_text(value, digits)}", drawn.get(name, "second")


def _beside(cells: Cells, width: int, y: int, parts: Sequence[Words]) -> None:
    """Whole parts only: half a number is a wrong number."""
    x = 0
    for text, style in parts:
        if x + cell_len(text) <= width:
            cells.put(x, y, text, style)
            x += cell_len(text) + 2
