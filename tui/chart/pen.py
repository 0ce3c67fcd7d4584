"""Draws one chart's parts onto its cells, later ones only where earlier ones left room."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.times import DAY, HOUR, MINUTE, timeframe
from pipeline.view import TRADED, Chart, Mark
from tui.chart.bars import Candle
from tui.chart.cells import (
    BLOCKS,
    BRAILLE,
    CROSS,
    EIGHTHS,
    ENTRY,
    EXPIRY,
    FREE,
    GAP,
    HATCHED,
    LAST,
    LEFT,
    MISSING,
    RIGHT,
    SKIP,
    STROKES,
    Cells,
    snapped,
)
from tui.chart.look import Look, Room, open_marks
from tui.chart.scale import Scale, nice_step
from tui.palette import leaning, outcome
from tui.words import countdown, fit, moment, price_text

OVERLAYS = 3
STEPS = tuple(
    [minutes * MINUTE for minutes in (1, 2, 5, 10, 15, 30)]
    + [hours * HOUR for hours in (1, 2, 3, 6, 12)]
    + [days * DAY for days in (1, 2, 7, 14, 28, 91, 364)]
)

BODY, WICK = (2, 2), (1, 1)

Values = Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Pen:
    """Everything of a picture that has a place in it; `xs` are the columns of the candles' middles."""

    cells: Cells
    room: Room
    scale: Scale
    look: Look
    chart: Chart
    candles: Sequence[Candle]
    drawn: Sequence[Candle]
    """The candles as they look: smoothed ones, where these are wanted."""
    xs: Sequence[int]

    def prices(self) -> None:
        """Grid lines at round prices, and the prices beside them."""
        span = self.scale.high - self.scale.low
        step = nice_step(span, max(2, self.room.price // 4))
        for count in range(math.ceil(self.scale.low / step), math.ceil(self.scale.high / step)):
            y = self.y(count * step)
            self.cells.dotted(y, self.room.plot)
            self.cells.put(self.room.plot + 1, y, price_text(count * step, self.chart.digits), "dim")

    def bars(self) -> None:
        """Candles, or a line through their closes; what was traded below them, and where some are missing."""
        for x, candle in zip(self.xs, self.drawn, strict=True):
            if not self.look.line:
                self._candle(x, candle)
            if candle.after_gap:
                self._gap(x - self.look.zoom.columns)
        if self.look.line:
            self._line([candle.close for candle in self.candles], "bright")
        if self.room.volume:
            most = max(candle.volume for candle in self.candles) or 1.0
            for x, candle in zip(self.xs, self.drawn, strict=True):
                self._volume(x, candle, candle.volume / most)

    def overlays(self, lines: Mapping[str, Values]) -> None:
        for number, values in enumerate(lines.values(), 1):
            self._line(values, f"line-{number}")

    def levels(self, now: int) -> None:
        """Where open contracts were entered, on which side they win and when they end; the last price."""
        last = self.candles[-1]
        contracts = [mark for mark in open_marks(self.chart) if mark.entry is not None] if self.look.end is None else []
        for mark in contracts:
            self._contract(mark, now)
        style = "up" if last.rises else "down"
        self._level(last.close, LAST, style, f"tag-{style}", "◂")
        for mark in contracts:
            if mark.entry is not None and self.y(mark.entry) != self.y(last.close):
                self._level(mark.entry, ENTRY, "bright", "tag-entry", leaning(mark.direction))

    def marks(self) -> None:
        """Orders beside their candles with what became of them, and a strip of every bar's decision."""
        for x, candle, drawn in zip(self.xs, self.candles, self.drawn, strict=True):
            if (mark := candle.mark) is None:
                continue
            text, style = verdict_mark(mark)
            self.cells.put(x, self.room.strip, text, style)
            if mark.verdict == TRADED and self.look.marks:
                self._order(x, drawn, mark)
        word = "decided"[: self.room.width - self.room.plot - 1]
        self.cells.put(self.room.plot + 1, self.room.strip, word, "dim")

    def times(self) -> None:
        """Round times of the person's own zone, each under its candle."""
        free_from = 0
        span = timeframe(self.chart.timeframe) * self.look.zoom.bars
        step = next((each for each in STEPS if each >= span / self.look.zoom.columns * 9), STEPS[-1])
        for x, candle in zip(self.xs, self.candles, strict=True):
            if x < free_from:
                continue
            here = moment(candle.ts, self.look.zone)
            offset = here.utcoffset()
            local = candle.ts + (round(offset.total_seconds() * 1000) if offset else 0)
            if local % step < span:
                label = here.strftime("%d %b") if local % DAY < step and step >= HOUR else here.strftime("%H:%M")
                if x + len(label) <= self.room.width:
                    self.cells.put(x, self.room.times, label, "dim")
                free_from = x + len(label) + 2

    def cross(self) -> None:
        """A line through the bar one asks about, and its time."""
        at = next((place for place, candle in enumerate(self.candles) if candle.ts == self.look.cross), None)
        if at is None:
            return
        for y in range(self.room.top, self.room.floor):
            self.cells.under(self.xs[at], y, CROSS, "bright", FREE + LAST + ENTRY)
        label = moment(self.candles[at].ts, self.look.zone).strftime("%H:%M")
        left = min(max(0, self.xs[at] - len(label) // 2), self.room.width - len(label))
        self.cells.clear(left, left + len(label), self.room.times)
        self.cells.put(left, self.room.times, label, "tag-entry")

    def y(self, price: float) -> int:
        return self.room.top + self.scale.row(price, self.room.price * 2) // 2

    # --- pieces ------------------------------------------------------------------------------------------------------

    def _candle(self, x: int, candle: Candle) -> None:
        columns, rows, row = self.look.zoom.columns, self.room.price * 2, self.scale.row
        style = "up" if candle.rises else "down"
        top, bottom = row(candle.high, rows), row(candle.low, rows)
        first, last = row(candle.open, rows), row(candle.close, rows)
        if first > last:
            first, last = last, first
        cells: list[tuple[int, int]] = []
        for upper in range(top - top % 2, bottom + 1, 2):
            lower = upper + 1
            if first <= upper and lower <= last:
                halves = BODY
            elif top <= upper and lower <= bottom and (lower < first or last < upper):
                halves = WICK
            else:
                halves = (_half(upper, first, last, top, bottom), _half(lower, first, last, top, bottom))
                if columns > 1:
                    halves = snapped(halves, goes_on=top < upper or bottom > lower)
            cells.append(halves)
        glyphs = STROKES if columns == 1 else BLOCKS
        drawn = "".join([glyphs[halves] for halves in cells])
        if self.look.hatched and style == "down":
            drawn = "".join(HATCHED.get(glyph, glyph) for glyph in drawn)
        y = self.room.top + top // 2
        self.cells.down(x, y, drawn, style)
        if columns == 3:
            self.cells.down(x - 1, y, "".join(LEFT.get(halves, "") or SKIP for halves in cells), style)
            self.cells.down(x + 1, y, "".join(RIGHT.get(halves, "") or SKIP for halves in cells), style)

    def _gap(self, x: int) -> None:
        for y in range(self.room.top, self.room.floor):
            self.cells.under(x, y, GAP, "grid")
        self.cells.put(x, self.room.strip, MISSING, "warn")

    def _volume(self, x: int, candle: Candle, share: float) -> None:
        eighths = share * self.room.volume * 8
        style = "up-soft" if candle.rises else "down-soft"
        for row in range(self.room.volume):
            full = int(min(8, max(0, eighths - 8 * (self.room.volume - 1 - row))))
            if full:
                wide = self.look.zoom.columns == 3
                self.cells.put(x - wide, self.room.floor + row, EIGHTHS[full] * (3 if wide else 1), style)

    def _line(self, values: Values, style: str) -> None:
        """A line through values, as braille bits by cell: two dots across a cell and four down."""
        cells: dict[tuple[int, int], int] = {}
        rows, high = 4 * self.room.price, self.scale.high
        steps = rows / (self.scale.high - self.scale.low)
        for index in range(len(values) - 1):
            left, right = values[index], values[index + 1]
            if left is None or right is None:
                continue
            x, dots = 2 * self.xs[index] + 1, 2 * (self.xs[index + 1] - self.xs[index])
            begin, change = (high - left) * steps, (left - right) * steps / dots
            for dot in range(dots):
                y = math.floor(begin + change * dot)
                if 0 <= y < rows and 0 <= x + dot < 2 * self.room.plot:
                    cell = ((x + dot) // 2, self.room.top + y // 4)
                    cells[cell] = cells.get(cell, 0) | BRAILLE[(x + dot) % 2][y % 4]
        for (x, y), bits in cells.items():
            self.cells.under(x, y, chr(0x2800 + bits), style)

    def _contract(self, mark: Mark, now: int) -> None:
        """The side on which an open contract wins, from its bar to its expiry, and how long it has left."""
        end = self._x_of(mark.expiry) if mark.expiry else self.room.plot - 1
        if mark.entry is not None:
            entry = self.y(mark.entry)
            above = (self.room.top, entry) if mark.direction > 0 else (entry + 1, self.room.floor)
            self.cells.tint(self._x_of(mark.bar), end, *above)
        if mark.expiry:
            for y in range(self.room.top, self.room.floor):
                self.cells.under(end, y, EXPIRY, "second")
            left = countdown(mark.expiry - now)
            self.cells.put(max(0, min(end - 2, self.room.plot - len(left))), self.room.top, left, "bright")

    def _x_of(self, ts: int) -> int:
        """The column of a moment, also of one that is still to come."""
        span = timeframe(self.chart.timeframe) * self.look.zoom.bars
        last = self.candles[-1].ts
        if ts >= last:
            ahead = (ts - last) / span * self.look.zoom.columns
            return min(self.room.plot - 1, self.xs[-1] + math.ceil(ahead))
        return next((x for x, each in zip(self.xs, self.candles, strict=True) if each.ts + span > ts), self.xs[0])

    def _level(self, price: float, stroke: str, style: str, tag_style: str, tag_mark: str) -> None:
        y = self.y(price)
        for x in range(self.room.plot):
            self.cells.under(x, y, stroke, style, FREE + LAST)
        tag = f"{tag_mark}{price_text(price, self.chart.digits)}"
        self.cells.put(self.room.plot, y, fit(tag, self.room.width - self.room.plot), tag_style)

    def _order(self, x: int, candle: Candle, mark: Mark) -> None:
        """Under a candle for a call, over it for a put: the direction, and one row farther out how it ended. Where the
        end has its own place on the chart, it stands there."""
        away = 1 if mark.direction > 0 else -1
        y = self.y(candle.low if mark.direction > 0 else candle.high) + away
        self._inside(x, y, leaning(mark.direction), "bright")
        if mark.result is None:
            return
        style = {"win": "up", "lose": "down"}.get(mark.result, "second")
        if not self._ended(mark, style):
            self._inside(x, y + away, outcome(mark.result), style)

    def _ended(self, mark: Mark, style: str) -> bool:
        """How a contract ended, beside the bar and at the price of its end; whether there was room."""
        if mark.exit is None or not mark.expiry or mark.result is None:
            return False
        x, y = self._x_of(mark.expiry - 1), self.y(mark.exit)
        beside = 2 if self.look.zoom.columns == 3 else 1
        inside = self.room.top <= y < self.room.floor and mark.expiry <= self.candles[-1].ts
        return inside and any(
            self.cells.under(each, y, outcome(mark.result), style, FREE + LAST) for each in (x + beside, x)
        )

    def _inside(self, x: int, y: int, text: str, style: str) -> None:
        if self.room.top <= y < self.room.floor:
            self.cells.put(x, y, text, style)


def verdict_mark(mark: Mark) -> tuple[str, str]:
    """One character for a decision: how the trade ended, that it is open, or that a gate said no."""
    if mark.verdict != TRADED:
        return ("-", "second") if mark.direction else ("·", "dim")
    if mark.result is None:
        return leaning(mark.direction), "bright"
    return outcome(mark.result), {"win": "up", "lose": "down"}.get(mark.result, "second")


def _half(level: int, first: int, last: int, top: int, bottom: int) -> int:
    return 2 if first <= level <= last else 1 if top <= level <= bottom else 0
