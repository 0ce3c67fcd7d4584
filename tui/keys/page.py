"""All keys beside the chart of the chosen one, and the log below."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container

from pipeline.view import KeyName, Topics
from tui.acts import act
from tui.chart.panel import CandleChart
from tui.keys.table import KeysTable
from tui.logs.panel import LogPanel
from tui.page import Page
from tui.painted import Panel
from tui.shell import Shell

KEYS, LOG = 10.0, 5.0
"""So often a second they are told anew while they are looked at."""


class KeysPage(Page):
    """Every key on one row; the chart follows the cursor."""

    NAME: ClassVar[str] = "keys"
    KEY: ClassVar[str] = "2"
    TITLE: ClassVar[str] = "Keys"
    SAYS: ClassVar[str] = "every key with its state, and the chart of the chosen one"
    PANELS: ClassVar[tuple[type[Panel], ...]] = (KeysTable, CandleChart, LogPanel)
    BINDINGS: ClassVar[list[BindingType]] = [
        act("keys.timeframe", "t", "timeframe", "TF", "the chosen key's next timeframe"),
        act("keys.zoom_in", "plus,equals_sign", "zoom(1)", "Zoom", "look nearer at the chart", key_display="+/-"),
        act("keys.zoom_out", "minus", "zoom(-1)", "Farther", "look farther at the chart", show=False),
    ]

    def __init__(self, shell: Shell) -> None:
        super().__init__(shell)
        self.table = KeysTable(shell, "keys-table")
        self.chart = CandleChart(shell, "keys-chart")

    def compose(self) -> ComposeResult:
        yield Container(self.table, self.chart, id="desk")
        yield LogPanel(self.shell, "keys-log", low=True)

    @property
    def topics(self) -> Topics:
        return Topics(keys=KEYS, log=LOG, chart=self.chart.asks)

    @property
    def first(self) -> KeysTable:
        return self.table

    @property
    def missing(self) -> str:
        store, asked = self.store, self.chart.asks
        if not store.keys_told:
            return "no keys yet"
        if store.keys and (asked is None or store.chart_of is None or store.chart_of.name != asked.name):
            return "no chart yet"
        return ""

    def open(self, subject: object) -> None:
        if isinstance(subject, KeyName):
            self.table.choose(subject)

    @on(KeysTable.Chosen)
    def _show_chart(self, event: KeysTable.Chosen) -> None:
        self.chart.pick(event.name)

    @on(KeysTable.Opened)
    def _go_to_chart(self) -> None:
        self.screen.set_focus(self.chart)

    def action_timeframe(self) -> None:
        self.table.next_timeframe()

    def action_zoom(self, nearer: int) -> None:
        self.chart.zoom(nearer)
