"""Settings: of the console, of its keys, of the engine."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Container, Vertical

from tui.page import Page
from tui.painted import Panel
from tui.preferences.engine import EngineTable
from tui.preferences.keys import ActsTable
from tui.preferences.look import LookTable
from tui.shell import Shell


class SettingsPage(Page):
    """How the console looks, which keys do what, and what times the engine."""

    NAME: ClassVar[str] = "settings"
    ALONE: ClassVar[bool] = True
    PANELS: ClassVar[tuple[type[Panel], ...]] = (LookTable, EngineTable, ActsTable)
    DEFAULT_CSS = """
    #settings-sides { layout: horizontal; height: 1fr; }
    #settings-sides > Vertical { width: 1fr; }
    #settings-look { height: 11; }
    #settings-engine { height: 1fr; }
    #settings-keys { height: 1fr; width: 1fr; }
    Screen.-narrow #settings-sides { layout: vertical; }
    Screen.-narrow #settings-sides > Vertical { width: 100%; height: 3fr; }
    Screen.-narrow #settings-keys { width: 100%; height: 2fr; }
    Screen.-narrow #settings-look { height: 1fr; }
    """

    def __init__(self, shell: Shell) -> None:
        super().__init__(shell)
        self.look_table = LookTable(shell, "settings-look")
        self.engine = EngineTable(shell, "settings-engine")
        self.acts = ActsTable(shell, "settings-keys")

    def compose(self) -> ComposeResult:
        with Container(id="settings-sides"):
            with Vertical():
                yield self.look_table
                yield self.engine
            yield self.acts

    @property
    def first(self) -> LookTable:
        return self.look_table

    @property
    def missing(self) -> str:
        config = self.engine.config
        return "" if config.value is not None or config.why else "no settings of the engine yet"

    def fronted(self) -> None:
        self.engine.ask()
