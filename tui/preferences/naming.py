"""A name for a filter that is to be kept."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from tui.acts import act
from tui.dialogs import entitle, plain_lines
from tui.field import Field
from tui.modal import Modal


class Name(Modal[str]):
    """Leaves with esc, and nothing is kept."""

    BINDINGS: ClassVar[list[BindingType]] = [act("name.no", "escape", "dismiss('')", "No", "keep nothing")]

    def __init__(self, words: str) -> None:
        super().__init__()
        self._words = words

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(Content(plain_lines(f"Under which name is {self._words!r} to be kept?")), markup=False)
            yield Field(placeholder="a name; enter keeps it", classes="word", max_length=40)

    def on_mount(self) -> None:
        entitle(self.query_one(Vertical), "Keep a filter", "esc no")
        self.query_one(Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.dismiss(event.value.strip())
