"""One key's chart as large as the screen, and beside it how its bars were decided."""

from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.worker import Worker

from pipeline.view import KeyName, Topics
from tui.acts import act
from tui.chart.look import open_marks
from tui.chart.panel import CandleChart
from tui.chart.picking import Picking
from tui.chart.reasons import Reasons
from tui.chart.votes import VotesPanel
from tui.keys.naming import next_timeframe
from tui.page import Page
from tui.painted import Panel
from tui.shell import Shell

KEYS = 2.0
"""So often a second keys are told anew while a chart is looked at."""
ASKS = 0.5
"""Seconds between two looks at what is to be asked: a crosshair that runs asks for the bar it stops at."""


class ChartPage(Page):
    """The chart of a key. `t` goes to its next timeframe, `g` to another key."""

    NAME: ClassVar[str] = "chart"
    PANELS: ClassVar[tuple[type[Panel], ...]] = (CandleChart, VotesPanel)
    BINDINGS: ClassVar[list[BindingType]] = [
        act("chart.timeframe", "t", "timeframe", "TF", "the next timeframe of the same product"),
        act("chart.key", "g", "key", "Key", "another key, by a few letters of it", show=False),
    ]
    DEFAULT_CSS: ClassVar[str] = """
    #chart-desk { height: 1fr; layout: horizontal; }
    #chart-candles { width: 1fr; height: 1fr; }
    #chart-votes { width: 34; height: 1fr; }
    Screen.-xwide #chart-votes { width: 44; }
    Screen.-narrow #chart-votes, Screen.-tiny #chart-votes { display: none; }
    """

    def __init__(self, shell: Shell) -> None:
        super().__init__(shell)
        self.reasons = Reasons(shell)
        self.chart = CandleChart(shell, "chart-candles")
        self.votes = VotesPanel(shell, "chart-votes", self.chart, self.reasons)
        self._before: tuple[KeyName | None, int] = (None, 0)
        self._asking: Worker[None] | None = None

    def compose(self) -> ComposeResult:
        yield Container(self.chart, self.votes, id="chart-desk")

    def on_mount(self) -> None:
        self.set_interval(ASKS, self._ask)

    @property
    def topics(self) -> Topics:
        return Topics(keys=KEYS, chart=self.chart.asks)

    @property
    def first(self) -> CandleChart:
        return self.chart

    @property
    def missing(self) -> str:
        self._begin()
        return "" if self.chart.told is not None or (self.store.keys_told and not self.store.keys) else "no chart yet"

    def fronted(self) -> None:
        self._begin()

    def open(self, subject: object) -> None:
        """A key, or a key and one of its bars."""
        match subject:
            case KeyName():
                self.chart.pick(subject)
            case (KeyName() as name, int(bar)):
                self.chart.pick(name)
                self.chart.crossed = bar or None
            case _:
                return
        self.chart.look()

    def action_timeframe(self) -> None:
        if self.chart.picked is not None:
            self.chart.pick(next_timeframe(self.chart.picked, self.store.keys))
            self.chart.look()

    @work(group="picking", exclusive=True)
    async def action_key(self) -> None:
        chosen = await self.chart.console.push_screen_wait(Picking(self.store.keys))
        if chosen is not None:
            self.open(chosen)

    def _begin(self) -> None:
        """Without a key chosen, the first there is."""
        if self.chart.picked is None and self.store.keys:
            self.chart.pick(next(iter(self.store.keys)))

    def _ask(self) -> None:
        """Ask why for the bar one looks at, once it is looked at for a while, and for contracts that are open."""
        if not self.in_front or self.store.state != "up" or not self.votes.display:
            return
        self._begin()
        name, bar, chart = self.chart.picked, self.chart.bar, self.chart.told
        still, self._before = (name, bar) == self._before, (name, bar)
        if name is None or chart is None or not (still or self.chart.crossed is None):
            return
        bars = dict.fromkeys((bar, *(mark.bar for mark in open_marks(chart)[-2:])))
        final = chart.forming.open_ts if chart.forming is not None else bar + 1
        wanted = next((each for each in bars if 0 < each < final and self.reasons.wants(name, each)), None)
        if wanted is not None and (self._asking is None or self._asking.is_finished):
            self._asking = self.run_worker(self.reasons.ask(name, wanted), group="chart-why")
