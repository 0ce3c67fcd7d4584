"""Candles, what was decided on them and the engine's own features, drawn into lines of text. No widget, no clock.

A cell holds two half rows, so a chart of 20 rows has 40 price levels: a wick and a body are different strokes and may
share a cell. Features are drawn in braille on cells nothing else needs.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from itertools import groupby
from typing import NamedTuple

from rich.cells import cell_len

from pipeline.times import DAY, HOUR, MINUTE, timeframe
from pipeline.view import TRADED, Chart, Mark
from tui.painted import Line, Run
from tui.palette import CALL, PUT, leaning, outcome, side
from tui.words import countdown, fit, moment, plain, price_text

# (upper half, lower half) of a cell: 0 empty, 1 wick, 2 body
STROKES = {
    (0, 0): " ",
    (0, 1): "╷",
    (1, 0): "╵",
    (1, 1): "│",
    (0, 2): "╻",
    (2, 0): "╹",
    (2, 2): "┃",
    (1, 2): "╽",
    (2, 1): "╿",
}
BLOCKS = {(0, 0): " ", (0, 1): "╷", (1, 0): "╵", (1, 1): "│", (0, 2): "▄", (2, 0): "▀", (2, 2): "█"}
LEFT = {(0, 2): "▗", (2, 0): "▝", (2, 2): "▐"}
RIGHT = {(0, 2): "▖", (2, 0): "▘", (2, 2): "▌"}
HATCHED = {"┃": "║", "█": "▒"}
EIGHTHS = " ▁▂▃▄▅▆▇█"
BRAILLE = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
OVERLAYS = 3
FREE = " ·"

STEPS = tuple(
    [minutes * MINUTE for minutes in (1, 2, 5, 10, 15, 30)]
    + [hours * HOUR for hours in (1, 2, 3, 6, 12)]
    + [days * DAY for days in (1, 2, 7, 14, 28, 91, 364)]
)


class Zoom(NamedTuple):
    """How wide a candle is, and how many bars one candle gathers."""

    columns: int
    bars: int


ZOOMS = (Zoom(1, 4), Zoom(1, 2), Zoom(1, 1), Zoom(2, 1), Zoom(3, 1))
USUAL_ZOOM = 2


class Scale(NamedTuple):
    """The prices at the upper and the lower edge."""

    high: float
    low: float

    def row(self, price: float, rows: int) -> int:
        """Which of `rows` equal rows a price lies in, the highest being 0."""
        return min(rows - 1, max(0, int((self.high - price) * rows / (self.high - self.low))))


class Candle(NamedTuple):
    """One bar, or several gathered into one; `first` and `last` are their rows in the chart."""

    first: int
    last: int
    ts: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    mark: Mark | None

    @property
    def rises(self) -> bool:
        return self.close >= self.open


class Picture(NamedTuple):
    """A drawn chart, how many candles it has, and its scale: handed back, that spares the next frame a full repaint."""

    lines: tuple[Line, ...]
    candles: int
    scale: Scale | None


@dataclass(frozen=True, slots=True)
class Look:
    """How to draw: where the person is, how near they look, and whether colours can be told apart."""

    zone: tzinfo
    zoom: Zoom = ZOOMS[USUAL_ZOOM]
    hatched: bool = False


class Room(NamedTuple):
    """The rows and columns of each region of the chart."""

    width: int
    plot: int
    top: int
    price: int
    volume: int
    legend: bool

    @property
    def floor(self) -> int:
        """The first row below the prices."""
        return self.top + self.price

    @property
    def strip(self) -> int:
        return self.floor + self.volume

    @property
    def times(self) -> int:
        return self.strip + 1


class Sheet:
    """Cells to draw on."""

    def __init__(self, width: int, height: int) -> None:
        self._text = [[" "] * width for _ in range(height)]
        self._style = [["text"] * width for _ in range(height)]
        self._width = width

    def put(self, x: int, y: int, text: str, style: str) -> None:
        row, styles = self._text[y], self._style[y]
        for column, character in enumerate(text, x):
            if 0 <= column < self._width:
                row[column], styles[column] = character, style

    def under(self, x: int, y: int, character: str, style: str, free: str = FREE) -> None:
        """Draw where nothing stands yet."""
        if 0 <= x < self._width and self._text[y][x] in free:
            self._text[y][x], self._style[y][x] = character, style

    def lines(self) -> tuple[Line, ...]:
        return tuple(Line(tuple(_runs(text, styles))) for text, styles in zip(self._text, self._style, strict=True))


def draw(chart: Chart, width: int, height: int, look: Look, now: int, scale: Scale | None = None) -> Picture:
    """A chart in so many cells. `now` is the flow's clock, for countdowns; `scale` is the last picture's."""
    room = _room(chart, width, height)
    if room.plot < 10 or room.price < 3:
        return Picture((), 0, None)
    candles = gathered(chart, look.zoom)[-_capacity(room, look.zoom) :]
    sheet = Sheet(width, height)
    if not candles:
        sheet.put(1, 0, "no bars yet", "dim")
        return Picture(sheet.lines(), 0, None)
    scale = fitting(candles, _open_entries(chart), scale)
    pen = Pen(sheet, room, scale, look, chart, tuple(candles))
    pen.prices()
    pen.candles_and_volume()
    pen.overlays()
    pen.levels()
    pen.marks()
    pen.times()
    pen.header(now)
    return Picture(sheet.lines(), len(candles), scale)


def bars_for(width: int, zoom: Zoom) -> int:
    """As many bars as a chart that wide could show."""
    return max(1, width // zoom.columns) * zoom.bars


def gathered(chart: Chart, zoom: Zoom) -> list[Candle]:
    """The chart's bars as candles, the forming one last; several bars to a candle when zoomed out."""
    bars = chart.bars
    marks = {mark.bar: mark for mark in chart.marks}
    candles = [
        Candle(row, row, ts, opened, high, low, close, volume, marks.get(ts))
        for row, (ts, opened, high, low, close, volume) in enumerate(
            zip(bars.open_ts, bars.open, bars.high, bars.low, bars.close, bars.volume, strict=True)
        )
    ]
    if (now := chart.forming) is not None and (not candles or now.open_ts > candles[-1].ts):
        candles.append(
            Candle(len(bars), len(bars), now.open_ts, now.open, now.high, now.low, now.close, now.volume, None)
        )
    if zoom.bars == 1:
        return candles
    span = timeframe(chart.timeframe) * zoom.bars
    return [_together(tuple(group)) for _, group in groupby(candles, lambda candle: candle.ts // span)]


def _together(group: Sequence[Candle]) -> Candle:
    traded = [candle.mark for candle in group if candle.mark is not None and candle.mark.order]
    return Candle(
        first=group[0].first,
        last=group[-1].last,
        ts=group[0].ts,
        open=group[0].open,
        high=max(candle.high for candle in group),
        low=min(candle.low for candle in group),
        close=group[-1].close,
        volume=sum(candle.volume for candle in group),
        mark=traded[-1] if traded else group[-1].mark,
    )


def fitting(candles: Sequence[Candle], entries: Sequence[float], before: Scale | None) -> Scale:
    """A scale for these candles: the one before while it still fits and is filled, so that a tick moves one row."""
    high = max((*(candle.high for candle in candles), *entries))
    low = min((*(candle.low for candle in candles), *entries))
    pad = (high - low) * 0.04 or abs(high) * 1e-5 or 1e-5
    high, low = high + pad, low - pad
    fits = before is not None and before.low <= low and high <= before.high
    if before is not None and fits and high - low > 0.7 * (before.high - before.low):
        return before
    return Scale(high, low)


def nice_step(span: float, parts: int) -> float:
    """A round number that goes about `parts` times into `span`."""
    raw = span / max(1, parts)
    size = 10.0 ** math.floor(math.log10(raw))
    return size * next(round_ for round_ in (1, 2, 2.5, 5, 10) if raw <= round_ * size * (1 + 1e-9))


def _room(chart: Chart, width: int, height: int) -> Room:
    legend = height >= 16 and bool(chart.columns)
    volume = 3 if height >= 22 else 2 if height >= 16 else 0
    top = 2 if legend else 1
    return Room(width, width - _axis_width(chart), top, height - top - volume - 2, volume, legend)


def _axis_width(chart: Chart) -> int:
    highest = max((*chart.bars.high, chart.forming.high if chart.forming else 0.0))
    return len(price_text(highest, chart.digits)) + 2


def _capacity(room: Room, zoom: Zoom) -> int:
    return max(1, (room.plot - 3) // zoom.columns)


def _open_entries(chart: Chart) -> list[float]:
    return [mark.entry for mark in _open_marks(chart) if mark.entry is not None]


def _open_marks(chart: Chart) -> list[Mark]:
    return [mark for mark in chart.marks if mark.order and mark.result is None]


def _runs(text: Sequence[str], styles: Sequence[str]) -> Iterator[Run]:
    start = 0
    for style, group in groupby(styles):
        stop = start + sum(1 for _ in group)
        yield Run("".join(text[start:stop]), style)
        start = stop


@dataclass(frozen=True, slots=True)
class Pen:
    """Draws one chart's parts onto its sheet, later ones only where earlier ones left room."""

    sheet: Sheet
    room: Room
    scale: Scale
    look: Look
    chart: Chart
    candles: tuple[Candle, ...]

    def prices(self) -> None:
        """Grid lines at round prices, and the prices beside them."""
        span = self.scale.high - self.scale.low
        step = nice_step(span, max(2, self.room.price // 4))
        for count in range(math.ceil(self.scale.low / step), math.ceil(self.scale.high / step)):
            y = self._y(count * step)
            for x in range(0, self.room.plot, 2):
                self.sheet.put(x, y, "·", "grid")
            self.sheet.put(self.room.plot + 1, y, price_text(count * step, self.chart.digits), "dim")

    def candles_and_volume(self) -> None:
        most = max(candle.volume for candle in self.candles) or 1.0
        for index, candle in enumerate(self.candles):
            self._candle(self._x(index), candle)
            self._volume(self._x(index), candle, candle.volume / most)

    def overlays(self) -> None:
        for number, (_, values) in enumerate(self._lines_of_price()):
            for (x, y), bits in self._dots(values).items():
                self.sheet.under(x, y, chr(0x2800 + bits), f"line-{number + 1}")

    def levels(self) -> None:
        """The last price, and where open contracts were entered."""
        last = self.candles[-1]
        style = "up" if last.rises else "down"
        self._level(last.close, "┈", style, f"tag-{style}", "◂")
        for mark in _open_marks(self.chart):
            if mark.entry is not None and self._y(mark.entry) != self._y(last.close):
                self._level(mark.entry, "╌", "bright", "tag-entry", leaning(mark.direction))

    def marks(self) -> None:
        """Orders beside their candles with what became of them, and a strip of every bar's decision."""
        for index, candle in enumerate(self.candles):
            if (mark := candle.mark) is None:
                continue
            x = self._x(index)
            text, style = verdict_mark(mark)
            self.sheet.put(x, self.room.strip, text, style)
            if mark.verdict == TRADED:
                self._order(x, candle, mark)
        self.sheet.put(self.room.plot + 1, self.room.strip, "decided"[: self.room.width - self.room.plot - 1], "dim")

    def times(self) -> None:
        """Round times of the person's own zone, each under its candle."""
        free_from = 0
        step = self._time_step()
        for index, candle in enumerate(self.candles):
            here = moment(candle.ts, self.look.zone)
            offset = here.utcoffset()
            local = candle.ts + (round(offset.total_seconds() * 1000) if offset else 0)
            x = self._x(index)
            if local % step < timeframe(self.chart.timeframe) * self.look.zoom.bars and x >= free_from:
                label = here.strftime("%d %b") if local % DAY < step and step >= HOUR else here.strftime("%H:%M")
                if x + len(label) <= self.room.width:
                    self.sheet.put(x, self.room.times, label, "dim")
                free_from = x + len(label) + 2

    def header(self, now: int) -> None:
        """The last candle in numbers, open contracts with their time left; below, the features by their colours."""
        last, first, digits = self.candles[-1], self.candles[0], self.chart.digits
        change = (last.close / first.open - 1) * 100 if first.open else 0.0
        figures = (("O", last.open), ("H", last.high), ("L", last.low), ("C", last.close))
        parts = [(" ".join(f"{name} {price_text(figure, digits)}" for name, figure in figures), "bright")]
        for mark in _open_marks(self.chart)[-1:]:
            left = "open" if mark.expiry is None else countdown(mark.expiry - now)
            parts.append((f"{leaning(mark.direction)} {left}", "bright"))
        parts.append((f"{CALL if change >= 0 else PUT}{abs(change):.2f}%", side(change)))
        self._words(0, parts)
        if self.room.legend:
            self._words(1, list(self._legend()))

    def _candle(self, x: int, candle: Candle) -> None:
        style = "up" if candle.rises else "down"
        rows = self.room.price * 2
        top, bottom = self.scale.row(candle.high, rows), self.scale.row(candle.low, rows)
        body = sorted((self.scale.row(candle.open, rows), self.scale.row(candle.close, rows)))
        for y in range(top // 2, bottom // 2 + 1):
            halves = (_half(2 * y, body, top, bottom), _half(2 * y + 1, body, top, bottom))
            if self.look.zoom.columns > 1:
                halves = snapped(halves, goes_on=top < 2 * y or bottom > 2 * y + 1)
            self._cell(x, self.room.top + y, halves, style)

    def _cell(self, x: int, y: int, halves: tuple[int, int], style: str) -> None:
        columns = self.look.zoom.columns
        glyph = (STROKES if columns == 1 else BLOCKS)[halves]
        if self.look.hatched and style == "down":
            glyph = HATCHED.get(glyph, glyph)
        self.sheet.put(x, y, glyph, style)
        if columns == 3 and halves in LEFT:
            self.sheet.put(x - 1, y, LEFT[halves], style)
            self.sheet.put(x + 1, y, RIGHT[halves], style)

    def _volume(self, x: int, candle: Candle, share: float) -> None:
        eighths = share * self.room.volume * 8
        style = "up-soft" if candle.rises else "down-soft"
        for row in range(self.room.volume):
            full = int(min(8, max(0, eighths - 8 * (self.room.volume - 1 - row))))
            for column in (x - 1, x, x + 1) if self.look.zoom.columns == 3 else (x,):
                if full:
                    self.sheet.put(column, self.room.floor + row, EIGHTHS[full], style)

    def _dots(self, values: Sequence[float | None]) -> Mapping[tuple[int, int], int]:
        """A line through values, as braille bits by cell: two dots across a cell and four down."""
        cells: dict[tuple[int, int], int] = {}
        columns = self.look.zoom.columns
        span = self.scale.high - self.scale.low
        for index in range(len(values) - 1):
            left, right = values[index], values[index + 1]
            if left is None or right is None:
                continue
            for dot in range(2 * columns):
                price = left + (right - left) * dot / (2 * columns)
                y = math.floor((self.scale.high - price) * 4 * self.room.price / span)
                x = 2 * self._x(index) + dot + 1
                if 0 <= y < 4 * self.room.price and 0 <= x < 2 * self.room.plot:
                    cell = (x // 2, self.room.top + y // 4)
                    cells[cell] = cells.get(cell, 0) | BRAILLE[x % 2][y % 4]
        return cells

    def _lines_of_price(self) -> list[tuple[str, list[float | None]]]:
        """Features that live where the prices do, one value a candle; an oscillator is no line among prices."""
        chosen: list[tuple[str, list[float | None]]] = []
        for name, column in self.chart.columns.items():
            values = [column[candle.last] if candle.last < len(column) else None for candle in self.candles]
            known = [value for value in values if value is not None]
            inside = sum(self.scale.low <= value <= self.scale.high for value in known)
            if inside * 2 > len(known):
                chosen.append((name, values))
        return chosen[:OVERLAYS]

    def _legend(self) -> Iterator[tuple[str, str]]:
        drawn = {name: f"line-{number + 1}" for number, (name, _) in enumerate(self._lines_of_price())}
        for name, column in self.chart.columns.items():
            value = column[-1] if column else None
            digits = self.chart.digits if name in drawn else 2
            yield f"{plain(name)} {price_text(value, digits)}", drawn.get(name, "second")

    def _words(self, y: int, parts: Sequence[tuple[str, str]]) -> None:
        """Whole parts only: half a number is a wrong number."""
        x = 0
        for text, style in parts:
            if x + cell_len(text) <= self.room.width:
                self.sheet.put(x, y, text, style)
                x += cell_len(text) + 2

    def _level(self, price: float, stroke: str, style: str, tag_style: str, tag_mark: str) -> None:
        y = self._y(price)
        for x in range(self.room.plot):
            self.sheet.under(x, y, stroke, style, FREE + "┈")
        tag = f"{tag_mark}{price_text(price, self.chart.digits)}"
        self.sheet.put(self.room.plot, y, fit(tag, self.room.width - self.room.plot), tag_style)

    def _order(self, x: int, candle: Candle, mark: Mark) -> None:
        """Under a candle for a call, over it for a put: the direction, then how it ended one row farther out."""
        away = 1 if mark.direction > 0 else -1
        y = self._y(candle.low if mark.direction > 0 else candle.high) + away
        self._inside(x, y, leaning(mark.direction), "bright")
        if mark.result is not None:
            style = {"win": "up", "lose": "down"}.get(mark.result, "second")
            self._inside(x, y + away, outcome(mark.result), style)

    def _inside(self, x: int, y: int, text: str, style: str) -> None:
        if self.room.top <= y < self.room.floor:
            self.sheet.put(x, y, text, style)

    def _time_step(self) -> int:
        wide = timeframe(self.chart.timeframe) * self.look.zoom.bars / self.look.zoom.columns
        return next((step for step in STEPS if step >= wide * 9), STEPS[-1])

    def _x(self, index: int) -> int:
        columns = self.look.zoom.columns
        return self.room.plot - 3 - (len(self.candles) - index) * columns + (1 if columns == 3 else 0) + 1

    def _y(self, price: float) -> int:
        return self.room.top + self.scale.row(price, self.room.price * 2) // 2


def verdict_mark(mark: Mark) -> tuple[str, str]:
    """One character for a decision: how the trade ended, that it is open, or that a gate said no."""
    if mark.verdict != TRADED:
        return ("-", "second") if mark.direction else ("·", "dim")
    if mark.result is None:
        return leaning(mark.direction), "bright"
    return outcome(mark.result), {"win": "up", "lose": "down"}.get(mark.result, "second")


def snapped(halves: tuple[int, int], *, goes_on: bool) -> tuple[int, int]:
    """A block glyph cannot hold half a body and half a wick: the body fills the cell when the wick goes on beyond it,
    and the half wick is dropped when that was all of it."""
    if halves not in ((1, 2), (2, 1)):
        return halves
    upper, lower = halves
    return (2, 2) if goes_on else (upper // 2 * 2, lower // 2 * 2)


def _half(level: int, body: Sequence[int], top: int, bottom: int) -> int:
    if body[0] <= level <= body[1]:
        return 2
    return 1 if top <= level <= bottom else 0
