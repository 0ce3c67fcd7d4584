"""Bars as the candles of a chart: several gathered into one, what was decided on them, which are missing."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from pipeline.times import timeframe
from pipeline.view import Chart, Mark

WARM = 60
"""Bars before the first one shown, so that Heikin-Ashi candles do not depend on where they begin."""


class Zoom(NamedTuple):
    """How wide a candle is, and how many bars one candle gathers."""

    columns: int
    bars: int


ZOOMS = (Zoom(1, 4), Zoom(1, 2), Zoom(1, 1), Zoom(2, 1), Zoom(3, 1))
USUAL_ZOOM = 2


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
    after_gap: bool = False
    """Bars are missing between this one and the one before: the market was closed, or nobody had them."""

    @property
    def rises(self) -> bool:
        return self.close >= self.open


def bars_for(width: int, zoom: Zoom) -> int:
    """As many bars as a chart that wide could show."""
    return max(1, width // zoom.columns) * zoom.bars


def gathered(chart: Chart, zoom: Zoom, most: int | None = None, end: int | None = None) -> list[Candle]:
    """The chart's bars as candles, the forming one last; several bars to a candle when zoomed out.

    `most` candles at most, the newest; those of bars that began after `end` are left out.
    """
    bars = chart.bars
    stop = len(bars) if end is None else bisect_right(bars.open_ts, end)
    start = 0 if most is None else max(0, stop - (most + 1) * zoom.bars)
    span = timeframe(chart.timeframe) * zoom.bars
    if zoom.bars > 1 and start:  # begin with a whole candle
        slot = bars.open_ts[start - 1] // span
        while start < stop and bars.open_ts[start] // span == slot:
            start += 1
    candles = list(_candles(chart, start, stop, span, several=zoom.bars > 1))
    now = chart.forming
    if now is not None and (end is None or now.open_ts <= end) and (not candles or now.open_ts > candles[-1].ts):
        row = len(bars)
        candles.append(Candle(row, row, now.open_ts, now.open, now.high, now.low, now.close, now.volume, None))
        if len(candles) > 1 and candles[-2].ts // span == now.open_ts // span:
            candles[-2:] = [_together(candles[-2], candles[-1])]
    return list(_with_gaps(candles if most is None else candles[-most:], span))


def _with_gaps(candles: Sequence[Candle], span: int) -> Iterator[Candle]:
    before: int | None = None
    for candle in candles:
        slot = candle.ts // span
        yield candle if before is None or slot == before + 1 else candle._replace(after_gap=True)
        before = slot


def _candles(chart: Chart, start: int, stop: int, span: int, *, several: bool) -> Iterator[Candle]:
    """Final bars of these rows; those within one span together."""
    bars = chart.bars
    marks = {mark.bar: mark for mark in chart.marks}
    if not several:
        some = slice(start, stop)
        columns = (bars.open_ts[some], bars.open[some], bars.high[some], bars.low[some], bars.close[some])
        for row, ts, opened, high, low, close, volume in zip(
            range(start, stop), *columns, bars.volume[some], strict=True
        ):
            yield Candle(row, row, ts, opened, high, low, close, volume, marks.get(ts))
        return
    for _, group in groupby(range(start, stop), lambda row: bars.open_ts[row] // span):
        first, *more = group
        last = more[-1] if more else first
        some = slice(first, last + 1)
        decided = [mark for ts in bars.open_ts[some] if (mark := marks.get(ts)) is not None]
        yield Candle(
            first=first,
            last=last,
            ts=bars.open_ts[first],
            open=bars.open[first],
            high=max(bars.high[some]),
            low=min(bars.low[some]),
            close=bars.close[last],
            volume=sum(bars.volume[some]),
            mark=_telling(decided),
        )


def _telling(marks: Sequence[Mark]) -> Mark | None:
    """Of several decisions the last that was traded, else the last."""
    traded = [mark for mark in marks if mark.order]
    return traded[-1] if traded else marks[-1] if marks else None


def _together(one: Candle, more: Candle) -> Candle:
    """A candle and the bar that forms in its span."""
    return one._replace(
        last=more.last,
        high=max(one.high, more.high),
        low=min(one.low, more.low),
        close=more.close,
        volume=one.volume + more.volume,
    )


def heikin_ashi(candles: Sequence[Candle]) -> list[Candle]:
    """The same candles smoothed: each opens in the middle of the one before and closes at its own mean."""
    made: list[Candle] = []
    for candle in candles:
        close = (candle.open + candle.high + candle.low + candle.close) / 4
        opened = (made[-1].open + made[-1].close) / 2 if made else (candle.open + candle.close) / 2
        high, low = max(candle.high, opened, close), min(candle.low, opened, close)
        made.append(candle._replace(open=opened, high=high, low=low, close=close))
    return made
