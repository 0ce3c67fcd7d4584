"""The chart of one key: its candles, what was decided on them, the features it was decided by."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import ClassVar

from textual import events, work
from textual.binding import BindingType

from pipeline.view import Chart, ChartOf, KeyName
from tui.acts import act
from tui.chart.bars import USUAL_ZOOM, WARM, ZOOMS, Candle, bars_for, gathered
from tui.chart.candles import Picture, draw
from tui.chart.look import Look
from tui.choosing import Choosing
from tui.going import WhyAsked
from tui.painted import Frame, Panel, sentence
from tui.shell import Shell
from tui.words import age_text, plain, price_text

ROUND = 60
"""Bars are asked for in such portions, so that a resize by a column asks for nothing."""
MOST_BARS = 2000
RATE = 4
MOMENT = 0.5
"""Seconds for which a chart may stand in for the one that was asked for."""
LEAP = 10
"""Candles that one goes back at a time."""


class CandleChart(Panel, can_focus=True):
    """Candles of the chosen key. `+` and `-` look nearer and farther, arrows put a crosshair on a bar, with shift they
    go back and forth; `home` is the newest bar.

    ▲ under a candle is a call that was ordered there, ▼ over it a put; ✔ won, ✖ lost, = gave the stake back, beside the
    price it ended at where that is known. The strip below has every bar's decision: - is a gate that said no, · no
    vote, / that bars are missing there. Coloured dots are the engine's own features; the tinted side is where an open
    contract wins, ┊ where it ends.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        act("chart.zoom_in", "plus,equals_sign", "zoom(1)", "Zoom", "look nearer", key_display="+/-"),
        act("chart.zoom_out", "minus", "zoom(-1)", "Farther", "look farther", show=False),
        act("chart.left", "left", "cross(-1)", "Crosshair", "the crosshair a bar back", key_display="←/→"),
        act("chart.right", "right", "cross(1)", "Crosshair on", "the crosshair a bar on", show=False),
        act("chart.no_cross", "escape", "no_cross", "No crosshair", "take the crosshair away", show=False),
        act("chart.back", "shift+left,pageup", f"scroll_bars(-{LEAP})", "Back", "to older bars", show=False),
        act("chart.on", "shift+right,pagedown", f"scroll_bars({LEAP})", "On", "to newer bars", show=False),
        act("chart.newest", "home", "newest", "Newest", "to the newest bar, and stay there", show=False),
        act("chart.features", "i", "features", "Features", "which features are drawn"),
        act("chart.volume", "v", "turn('volume')", "Volume", "volume below the candles, or not", show=False),
        act("chart.heikin_ashi", "h", "turn('heikin_ashi')", "Heikin-Ashi", "smoothed candles: not prices", show=False),
        act("chart.line", "l", "turn('line')", "Line", "a line instead of candles", show=False),
        act("chart.marks", "m", "turn('marks')", "Marks", "orders on the chart, or not", show=False),
        act("chart.why", "w", "why", "Why", "why this bar was traded or not"),
        act("chart.copy", "y", "copy", "Copy", "copy this bar and what was decided on it", show=False),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"tint"}
    DEFAULT_CSS: ClassVar[str] = """
    CandleChart > .tint { color: $grid; background: $up 12%; }
    """
    hertz = 4.0

    def __init__(self, shell: Shell, place: str) -> None:
        super().__init__(shell, place)
        self.picked: KeyName | None = None
        self.crossed: int | None = None
        """The bar under the crosshair."""
        self._picked_at = 0.0
        self._zoom = USUAL_ZOOM
        self._end: int | None = None
        self._left_at = 0
        self._hidden = frozenset[str]()
        self._leading: tuple[str, ...] = ()
        """Features that are drawn before the others."""
        self._shows = {"volume": True, "heikin_ashi": False, "line": False, "marks": True}
        self._picture = Picture(())
        self._drawn_as: tuple[object, ...] = ()
        self._scaled_as: tuple[object, ...] = ()
        self._dragged: tuple[int, int, bool] | None = None

    @property
    def asks(self) -> ChartOf | None:
        """What this chart wants told: what it shows, and a screen more of what came before once one looks back."""
        if self.picked is None:
            return None
        bars = bars_for(max(1, self.content_size.width), ZOOMS[self._zoom])
        if self._end is not None and (chart := self.told) is not None:
            bars += bars + len(chart.bars) - bisect_right(chart.bars.open_ts, self._end)
        bars += WARM if self._shows["heikin_ashi"] else 0
        return ChartOf(*self.picked, bars=min(MOST_BARS, -(-bars // ROUND) * ROUND), rate=RATE)

    @property
    def told(self) -> Chart | None:
        """The chart of the picked key, as far as it was told."""
        chart = self.store.chart
        return chart if chart is not None and chart.name == self.picked else None

    @property
    def seen(self) -> Sequence[Candle]:
        """The candles on the screen, the oldest first."""
        return self._picture.shown

    @property
    def bar(self) -> int:
        """The bar one asks about: under the crosshair, else the last one that was decided; 0: there is none."""
        if self.crossed is not None:
            return self.crossed
        chart = self.told
        return chart.marks[-1].bar if chart is not None and chart.marks else 0

    def pick(self, name: KeyName) -> None:
        """Show that key's chart as soon as it is told; for a moment the one before stays, under its own name."""
        if name != self.picked:
            self.picked, self._picked_at = name, self.now()
            self.crossed = self._end = None

    # --- what is done with it ----------------------------------------------------------------------------------------

    def zoom(self, nearer: int) -> None:
        self._zoom = min(len(ZOOMS) - 1, max(0, self._zoom + nearer))
        self.look()

    def action_zoom(self, nearer: int) -> None:
        self.zoom(nearer)

    def action_turn(self, what: str) -> None:
        self._shows[what] = not self._shows[what]
        self.look()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "no_cross" and self.crossed is None:
            return False
        return super().check_action(action, parameters)

    def action_no_cross(self) -> None:
        self.crossed = None
        self.look()

    def action_cross(self, bars: int) -> None:
        """A bar on; from the edge of what is seen, what is seen moves."""
        shown = self._picture.shown
        if not shown or self.told is None:
            return
        at = next((place for place, candle in enumerate(shown) if candle.ts == self.crossed), None)
        if at is None:
            at = len(shown) if bars < 0 else len(shown) - 2
        to = at + bars
        if not 0 <= to < len(shown):
            self._scroll(bars)
            shown = self._picture.shown
            to = min(max(0, to), len(shown) - 1)
        self.crossed = shown[to].ts
        self.look()

    def action_scroll_bars(self, candles: int) -> None:
        self._scroll(candles)

    def action_newest(self) -> None:
        self._end = self.crossed = None
        self.look()

    def action_why(self) -> None:
        if self.picked is not None:
            self.post_message(WhyAsked(self.picked, self.bar))

    @work(group="features", exclusive=True)
    async def action_features(self) -> None:
        if (chart := self.told) is None:
            return
        every, shown = list(chart.columns), self._features(chart)

        def show(names: tuple[str, ...]) -> None:
            self._hidden, self._leading = frozenset(every) - frozenset(names), names

        before = self._hidden, self._leading
        title = f"features of {chart.product} {chart.timeframe}"
        if await self.console.push_screen_wait(Choosing(title, every, shown, show)) is None:
            self._hidden, self._leading = before
        self.look()

    def action_copy(self) -> None:
        candle = self._asked_about
        chart = self.told
        if candle is None or chart is None:
            return
        prices = (candle.open, candle.high, candle.low, candle.close)
        features = [
            f"{name}={price_text(column[candle.last], 6)}"
            for name, column in chart.columns.items()
            if candle.last < len(column)
        ]
        mark = candle.mark
        decided = [] if mark is None else [mark.verdict, str(mark.direction), mark.result or "", mark.profit or ""]
        figures = [price_text(price, chart.digits) for price in prices]
        stamp = self.shell.time(candle.ts, "%Y-%m-%dT%H:%M:%S%z")
        text = plain("  ".join((*chart.name, stamp, *figures, f"{candle.volume:g}", *decided, *features)))
        self.console.copy_to_clipboard(text)
        self.console.notify(f"the bar of {self.shell.time(candle.ts, '%H:%M')} is copied", markup=False)

    # --- the mouse ---------------------------------------------------------------------------------------------------

    def on_mouse_scroll_up(self) -> None:
        self.zoom(1)

    def on_mouse_scroll_down(self) -> None:
        self.zoom(-1)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        shown = self._picture.shown
        if shown:
            self._dragged = (event.screen_x, shown[-1].ts, False)
            self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self._dragged is None:
            return
        x, end, _ = self._dragged
        candles = (x - event.screen_x) // ZOOMS[self._zoom].columns
        if candles or self._dragged[2]:
            self._dragged = (x, end, True)
            self._scroll(candles, end)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        self.release_mouse()
        dragged, self._dragged = self._dragged, None
        if dragged is not None and not dragged[2]:
            candle = self._picture.at(event.x - self.gutter.left)
            self.crossed = None if candle is None else candle.ts
            self.look()

    # --- how it is drawn ---------------------------------------------------------------------------------------------

    def frame(self, width: int, height: int) -> Frame:
        chart, hello = self.store.chart, self.store.hello
        if self.picked is None:
            return Frame(sentence(self.store.without_keys, width) if self.store.without_keys else (), "Chart")
        told = chart is not None and chart.name == self.picked
        if chart is None or hello is None or not (told or self.now() - self._picked_at < MOMENT):
            return Frame(sentence(self._why_empty(), width), _title(self.picked))
        picture = self._drawn(chart, width, height)
        title = _title(chart.name) + (" · Heikin-Ashi, derived" if self._shows["heikin_ashi"] else "")
        if not picture.lines:
            return Frame(sentence("too small for a chart", width), title)
        gathers = ZOOMS[self._zoom].bars
        count = f"{picture.candles} candles" + (f" of {gathers} bars" if gathers > 1 else "")
        gaps = sum(candle.after_gap for candle in picture.shown)
        age = f"price {age_text(self.store.age(chart.updated, self.now()))} old" if chart.updated else "no price yet"
        said = (count, f"{gaps} gap{'s' if gaps > 1 else ''}" if gaps else "", self._oldest(chart), age)
        return Frame(picture.lines, title, " · ".join(part for part in said if part))

    def _drawn(self, chart: Chart, width: int, height: int) -> Picture:
        """The chart, on the scale of the frame before if that was of the same chart in the same cells."""
        newer = len(chart.bars) - bisect_right(chart.bars.open_ts, self._left_at) if self._end is not None else 0
        look = Look(
            self.shell.zone,
            ZOOMS[self._zoom],
            hatched=self.console.no_color,
            end=self._end,
            cross=self.crossed,
            newer=newer,
            features=self._features(chart),
            **self._shows,
        )
        clock = self.store.clock(self.now())
        drawn_as = (chart, look, width, height, clock // 1000)
        if self._drawn_as and self._drawn_as[0] is chart and self._drawn_as[1:] == drawn_as[1:]:
            return self._picture
        scaled_as = (chart.name, self._zoom, self._end, self._shows["heikin_ashi"], width, height)
        before = self._picture.scale if scaled_as == self._scaled_as else None
        self._picture = draw(chart, width, height, look, clock, before)
        self._drawn_as, self._scaled_as = drawn_as, scaled_as
        return self._picture

    def _features(self, chart: Chart) -> tuple[str, ...]:
        """Those the person wants drawn, in that order; one that is new is wanted."""
        leading = [name for name in self._leading if name in chart.columns]
        return (*leading, *(name for name in chart.columns if name not in self._hidden and name not in leading))

    @property
    def _asked_about(self) -> Candle | None:
        shown = self._picture.shown
        return next((candle for candle in shown if candle.ts == self.crossed), shown[-1] if shown else None)

    def _scroll(self, candles: int, end: int | None = None) -> None:
        """So many candles on (or back), from the one that is seen last; at the newest one stays with the newest."""
        chart = self.told
        if chart is None or not len(chart.bars):
            return
        every = gathered(chart, ZOOMS[self._zoom])
        starts = [candle.ts for candle in every]
        at = bisect_right(starts, end if end is not None else self._end or starts[-1]) - 1
        to = min(len(starts) - 1, max(at + candles, min(len(starts), self._picture.candles) - 1))
        if self._end is None and to < len(starts) - 1:
            self._left_at = chart.bars.open_ts[-1]
        self._end = None if to >= len(starts) - 1 else chart_end(chart, every[to])
        self.look()

    def _oldest(self, chart: Chart) -> str:
        """That there is nothing older, when one looks at the oldest there is."""
        shown = self._picture.shown
        if self._end is None or not shown or shown[0].first > 0:
            return ""
        if len(chart.bars) >= MOST_BARS:
            return f"no more than {MOST_BARS} bars are told"
        of = self.store.chart_of
        return "the engine has no older bars" if of is not None and len(chart.bars) < of.bars else ""

    def _why_empty(self) -> str:
        if self.store.state != "up":
            return "no chart of this key was told before the link went down"
        of = self.store.chart_of
        if of is not None and of.name == self.picked:
            return f"the engine has no bars of {' '.join(of.name)}"
        return "asking for its bars"


def chart_end(chart: Chart, candle: Candle) -> int:
    """The last bar of a candle."""
    bars = chart.bars
    return bars.open_ts[candle.last] if candle.last < len(bars) else candle.ts


def _title(name: KeyName) -> str:
    return f"{name.product} {name.timeframe} · {name.account}"
