"""Words looked for in the text."""

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from tui.acts import act
from tui.field import Field


class Spot(NamedTuple):
    """Where words stand: a row and columns, from 0."""

    row: int
    begin: int
    end: int


def spots(lines: Sequence[str], words: str) -> Sequence[Spot]:
    """Every place of some words, small and capital letters alike."""
    if not words:
        return ()
    made = list[Spot]()
    for row, line in enumerate(lines):
        lowered, wanted = line.lower(), words.lower()
        if len(lowered) != len(line):  # a letter that has another length in small: then as it is written
            lowered, wanted = line, words
        at = lowered.find(wanted)
        while at >= 0:
            made.append(Spot(row, at, at + len(wanted)))
            at = lowered.find(wanted, at + 1)
    return made


class FindLine(Horizontal):
    """A line to type into; `enter` goes to the next place, `up` to the one before."""

    DEFAULT_CSS = """
    FindLine { display: none; height: 1; background: $raised; }
    FindLine.-open { display: block; }
    FindLine Input { width: 1fr; height: 1; border: none; padding: 0 1; background: $raised; color: $bright; }
    FindLine Input:focus { border: none; }
    FindLine Static { width: auto; color: $second; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        act("find.close", "escape", "close", "Back", "back to the text", show=False),
        act("find.next", "down,ctrl+f", "seek(1)", "Next", "the next place", show=False),
        act("find.before", "up", "seek(-1)", "Before", "the place before", show=False),
    ]

    class Sought(Message):
        """Words are looked for: from the cursor on (0), the next place (1), or the one before (-1)."""

        def __init__(self, words: str, step: int) -> None:
            super().__init__()
            self.words, self.step = words, step

    class Closed(Message):
        """Nobody looks for anything any more."""

    def compose(self) -> ComposeResult:
        yield Field(placeholder="find; enter next, up before, esc back")
        yield Static(markup=False)

    def open(self) -> None:
        self.add_class("-open")
        field = self.query_one(Input)
        self.screen.set_focus(field)
        field.action_select_all()

    def say(self, text: str) -> None:
        self.query_one(Static).update(Content(f"{text} "))

    def action_close(self) -> None:
        self.remove_class("-open")
        self.post_message(self.Closed())

    def action_seek(self, step: int) -> None:
        self.post_message(self.Sought(self.query_one(Input).value, step))

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Sought(event.value, 0))

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_seek(1)
