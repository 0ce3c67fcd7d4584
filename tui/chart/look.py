"""How a chart is looked at, and the room its parts have."""

from dataclasses import dataclass
from datetime import tzinfo
from typing import NamedTuple

from pipeline.times import timeframe
from pipeline.view import Chart, Mark
from tui.chart.bars import USUAL_ZOOM, ZOOMS, Zoom
from tui.words import price_text

MARGIN = 3
"""Columns right of the last candle at least."""


@dataclass(frozen=True, slots=True)
class Look:
    """How to draw: where the person is, how near and at what they look, and whether colours can be told apart."""

    zone: tzinfo
    zoom: Zoom = ZOOMS[USUAL_ZOOM]
    hatched: bool = False
    end: int | None = None
    """The last bar to be seen, None for the newest: what comes after it moves nothing."""
    cross: int | None = None
    """The bar under the crosshair."""
    newer: int = 0
    """So many bars came since the person looked back."""
    features: tuple[str, ...] | None = None
    """Those that are drawn, in that order; None for all there are."""
    volume: bool = True
    heikin_ashi: bool = False
    line: bool = False
    marks: bool = True


class Room(NamedTuple):
    """The rows and columns of each region of the chart."""

    width: int
    plot: int
    top: int
    price: int
    volume: int
    legend: bool
    margin: int

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

    def capacity(self, zoom: Zoom) -> int:
        """So many candles at the most."""
        return max(1, (self.plot - self.margin) // zoom.columns)


def room_for(chart: Chart, width: int, height: int, look: Look) -> Room:
    legend = height >= 16 and bool(chart.columns)
    volume = (3 if height >= 22 else 2 if height >= 16 else 0) if look.volume else 0
    top = 2 if legend else 1
    plot = width - _axis_width(chart)
    return Room(width, plot, top, height - top - volume - 2, volume, legend, _margin(chart, look, plot))


def open_marks(chart: Chart) -> list[Mark]:
    """Contracts that have not ended."""
    return [mark for mark in chart.marks if mark.order and mark.result is None]


def _axis_width(chart: Chart) -> int:
    highest = max(max(chart.bars.high, default=0.0), chart.forming.high if chart.forming else 0.0)
    return len(price_text(highest, chart.digits)) + 2


def _margin(chart: Chart, look: Look, plot: int) -> int:
    """Room on the right for where open contracts expire, a quarter of the chart at the most."""
    expiries = [mark.expiry for mark in open_marks(chart) if mark.expiry] if look.end is None else []
    last = chart.forming.open_ts if chart.forming is not None else chart.bars.open_ts[-1] if len(chart.bars) else 0
    if not expiries or not last:
        return MARGIN
    slots = -(-(max(expiries) - last) // (timeframe(chart.timeframe) * look.zoom.bars))
    return min(max(MARGIN, slots * look.zoom.columns + 2), max(MARGIN, plot // 4))
