"""The log, and nothing else."""

from typing import ClassVar

from textual.app import ComposeResult

from pipeline.view import Topics
from tui.logs.panel import LogPanel
from tui.page import Page
from tui.painted import Panel
from tui.shell import Shell

LOG = 5.0
"""So often a second it is told anew while it is looked at."""


class LogsPage(Page):
    """The engine's log as it comes."""

    NAME: ClassVar[str] = "logs"
    KEY: ClassVar[str] = "0"
    TITLE: ClassVar[str] = "Logs"
    SAYS: ClassVar[str] = "the engine's log as it comes"
    PANELS: ClassVar[tuple[type[Panel], ...]] = (LogPanel,)

    def __init__(self, shell: Shell) -> None:
        super().__init__(shell)
        self.log_panel = LogPanel(shell, "logs-log")

    def compose(self) -> ComposeResult:
        yield self.log_panel

    @property
    def topics(self) -> Topics:
        return Topics(log=LOG)

    @property
    def first(self) -> LogPanel:
        return self.log_panel
