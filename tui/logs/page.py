"""The log, and beside it what somebody should hear of."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container

from pipeline.view import Topics
from tui.acts import act
from tui.logs.alerts import AlertsTable
from tui.logs.heard import HeardLog
from tui.logs.records import RecordsPanel
from tui.page import Page
from tui.painted import Panel
from tui.shell import Shell

LOG = 5.0
"""So often a second lines are told anew where there are no records to ask for."""
EVERY = 1.0
"""Seconds between two questions for records."""


class LogsPage(Page):
    """The engine's log, record by record, with what somebody should hear of beside it."""

    NAME: ClassVar[str] = "logs"
    PANELS: ClassVar[tuple[type[Panel], ...]] = (RecordsPanel, AlertsTable)
    BINDINGS: ClassVar[list[BindingType]] = [
        act("logs.note", "a", "note(False)", "Note", "take note of this alert, for this console", show=False),
        act("logs.note_all", "A", "note(True)", "Note all", "take note of all alerts, for this console", show=False),
    ]
    DEFAULT_CSS = """
    #logs-desk { height: 1fr; layout: horizontal; }
    #logs-log { width: 1fr; height: 100%; }
    #logs-alerts { width: 40; height: 100%; }
    Screen.-xwide #logs-alerts { width: 60; }
    Screen.-narrow #logs-alerts { display: none; }
    """

    def __init__(self, shell: Shell) -> None:
        super().__init__(shell)
        self.heard = HeardLog()
        self.records = RecordsPanel(shell, "logs-log", self.heard)
        self.alerts = AlertsTable(shell, "logs-alerts")

    def compose(self) -> ComposeResult:
        with Container(id="logs-desk"):
            yield self.records
            yield self.alerts

    def on_mount(self) -> None:
        self.set_interval(EVERY, self._ask)

    @property
    def topics(self) -> Topics:
        return Topics(log=0 if self.heard.served else LOG)

    @property
    def first(self) -> RecordsPanel:
        return self.records

    @property
    def missing(self) -> str:
        if self.heard.served is None:
            return "no log yet"
        return "no alerts yet" if self.shell.alarms.answer.version == 0 else ""

    def fronted(self) -> None:
        self._ask()

    def open(self, subject: object) -> None:
        """Words of the filter: `order:ID`, `account:NAME`."""
        if isinstance(subject, str):
            self.records.filter(subject)

    def action_note(self, every: bool) -> None:  # Textual calls it so
        self.alerts.take(every=every)

    def _ask(self) -> None:
        if self.in_front and self.store.state == "up":
            self.run_worker(self.heard.ask(self.shell.engine, self.store, self.now), group="logs")
