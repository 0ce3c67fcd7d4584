"""The chart of one key: its candles, what was decided on them, the features it was decided by."""

from datetime import tzinfo

from pipeline.view import Chart, ChartOf, KeyName
from tui.chart.candles import USUAL_ZOOM, ZOOMS, Look, Picture, Scale, bars_for, draw
from tui.painted import Frame, Panel, sentence
from tui.shell import Shell
from tui.words import age_text

ROUND = 60
"""Bars are asked for in such portions, so that a resize by a column asks for nothing."""
MOST_BARS = 2000
RATE = 4
MOMENT = 0.5
"""Seconds for which a chart may stand in for the one that was asked for."""


class CandleChart(Panel, can_focus=True):
    """Candles of the chosen key. `+` and `-` look nearer and farther, `t` goes to its next timeframe.

    ▲ under a candle is a call that was ordered there, ▼ over it a put; ✔ won, ✖ lost, = gave the stake back. The strip
    below has every bar's decision: - is a gate that said no, · no vote. Coloured dots are the engine's own features.
    """

    hertz = 4.0

    def __init__(self, shell: Shell, place: str) -> None:
        super().__init__(shell, place)
        self.picked: KeyName | None = None
        self._picked_at = 0.0
        self._zoom = USUAL_ZOOM
        self._scale: Scale | None = None
        self._scaled: tuple[object, ...] = ()

    @property
    def asks(self) -> ChartOf | None:
        """What this chart wants told."""
        if self.picked is None:
            return None
        bars = bars_for(max(1, self.content_size.width), ZOOMS[self._zoom])
        return ChartOf(*self.picked, bars=min(MOST_BARS, -(-bars // ROUND) * ROUND), rate=RATE)

    def pick(self, name: KeyName) -> None:
        """Show that key's chart as soon as it is told; for a moment the one before stays, under its own name."""
        if name != self.picked:
            self.picked, self._picked_at = name, self.now()

    def zoom(self, nearer: int) -> None:
        self._zoom = min(len(ZOOMS) - 1, max(0, self._zoom + nearer))
        self.look()

    def frame(self, width: int, height: int) -> Frame:
        chart, hello = self.store.chart, self.store.hello
        if self.picked is None:
            return Frame((), "Chart")
        told = chart is not None and chart.name == self.picked
        if chart is None or hello is None or not (told or self.now() - self._picked_at < MOMENT):
            return Frame(sentence(self._why_empty(), width), _title(self.picked))
        title = _title(chart.name)
        picture = self._drawn(chart, self.shell.zone, width, height)
        if not picture.lines:
            return Frame(sentence("too small for a chart", width), title)
        gathers = ZOOMS[self._zoom].bars
        count = f"{picture.candles} candles" + (f" of {gathers} bars" if gathers > 1 else "")
        age = f"price {age_text(self.store.age(chart.updated, self.now()))} old" if chart.updated else "no price yet"
        return Frame(picture.lines, title, f"{count} · {age}")

    def _drawn(self, chart: Chart, zone: tzinfo, width: int, height: int) -> Picture:
        """The chart, on the scale of the frame before if that was of the same chart in the same cells."""
        scaled = (chart.name, self._zoom, width, height)
        look = Look(zone, ZOOMS[self._zoom], hatched=self.console.no_color)
        before = self._scale if scaled == self._scaled else None
        picture = draw(chart, width, height, look, self.store.clock(self.now()), before)
        self._scale, self._scaled = picture.scale, scaled
        return picture

    def _why_empty(self) -> str:
        if self.store.state != "up":
            return "no chart of this key was told before the link went down"
        of = self.store.chart_of
        if of is not None and of.name == self.picked:
            return f"the engine has no bars of {' '.join(of.name)}"
        return "asking for its bars"


def _title(name: KeyName) -> str:
    return f"{name.product} {name.timeframe} · {name.account}"
