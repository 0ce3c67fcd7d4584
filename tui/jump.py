"""A letter on every panel that takes keys; it puts the focus there."""

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Static

from tui.acts import act
from tui.modal import Modal
from tui.painted import Panel

LETTERS = "asdfghjklqwertyuiopzxcvbnm"


class Jump(Modal[Panel | None]):
    """The letter of a panel goes there, everything else goes nowhere."""

    BINDINGS: ClassVar[list[BindingType]] = [act("jump.back", "escape", "dismiss(None)", "Back", "stay where one is")]
    DEFAULT_CSS = """
    Jump { background: $ground 40%; }
    Jump Static {
        position: absolute;
        width: 5;
        height: 1;
        background: $up;
        color: $ink;
        text-style: bold;
        text-align: center;
    }
    """

    def __init__(self, panels: Sequence[Panel]) -> None:
        super().__init__()
        self._panels = dict(zip(LETTERS, panels, strict=False))

    def compose(self) -> ComposeResult:
        for letter, panel in self._panels.items():
            label = Static(Content(letter), markup=False)
            label.styles.offset = (panel.region.x + 2, panel.region.y)
            yield label

    def on_key(self, event: events.Key) -> None:
        event.stop()
        self.dismiss(self._panels.get(event.key))
