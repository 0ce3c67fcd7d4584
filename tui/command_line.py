"""The line one types commands on, and the list one finds them in."""

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.suggester import Suggester
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from pipeline.errors import InputError
from tui.acts import act
from tui.commands import Command, Found, completed, matching, understood
from tui.field import Field
from tui.modal import Modal
from tui.typed_before import RememberingInput, Typed
from tui.words import plain

MOST = 60
"""Rows of the palette at once."""

Abouts = Callable[[Command], Iterable[str]]
"""What a command may be about."""


class Completing(Suggester):
    """How a line goes on, in grey behind the cursor."""

    def __init__(self, commands: Sequence[Command], abouts: Abouts) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._commands, self._abouts = commands, abouts

    async def get_suggestion(self, value: str) -> str | None:
        return completed(value, self._commands, self._abouts)


class Listening(Modal[Found | None]):
    """What is typed before its line has the focus is typed on it all the same."""

    line: Input

    def on_key(self, event: events.Key) -> None:
        if self.focused is None and event.character is not None and event.is_printable:
            self.line.value += event.character
            self.line.cursor_position = len(self.line.value)
            event.stop()


class CommandLine(Listening):
    """One line above the keys: → takes what stands in grey, ↑ and ↓ go through what was typed before, enter does it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        act("line.back", "escape", "dismiss(None)", "Back", "leave the line"),
    ]
    DEFAULT_CSS = """
    CommandLine {
        background: $ground 0%;
    }
    #line-box {
        dock: bottom;
        height: auto;
        background: $raised;
        margin-bottom: 1;
    }
    #line {
        height: 1;
        border: none;
        padding: 0 1;
        background: $chosen;
        color: $bright;
    }
    #line-wrong {
        height: auto;
        color: $wrong;
        padding: 0 1;
    }
    """

    def __init__(self, commands: Sequence[Command], abouts: Abouts, before: Typed) -> None:
        super().__init__()
        self._commands = commands
        hint = "a word and what it is about: chart EURUSD 1m"
        self.line = RememberingInput(before, hint, "line", Completing(commands, abouts))
        self._wrong = Static(id="line-wrong", markup=False)

    def compose(self) -> ComposeResult:
        with Vertical(id="line-box"):
            yield self._wrong
            yield self.line

    def on_mount(self) -> None:
        self.line.focus()

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        try:
            found = understood(event.value, self._commands)
        except InputError as wrong:
            self._wrong.update(Content(plain(str(wrong))))
            return
        self.dismiss(found)


class Palette(Listening):
    """Everything that can be done, found by any of its letters; enter does it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        act("palette.back", "escape", "dismiss(None)", "Back", "leave the list"),
        act("palette.up", "up", "move(-1)", "Up", "a row up", show=False),
        act("palette.down", "down", "move(1)", "Down", "a row down", show=False),
    ]
    DEFAULT_CSS = """
    Palette {
        align: center top;
        background: $ground 60%;
    }
    #palette {
        width: 90;
        max-width: 96%;
        height: auto;
        max-height: 80%;
        margin-top: 3;
        background: $raised;
        border: heavy $up;
        border-title-color: $bright;
        padding: 0 1;
    }
    #palette-words {
        height: 1;
        border: none;
        padding: 0;
        background: $chosen;
        color: $bright;
    }
    #palette-list {
        height: auto;
        max-height: 22;
        border: none;
        background: $raised;
        padding: 0;
    }
    """

    def __init__(self, commands: Sequence[Command], keys: Iterable[str]) -> None:
        super().__init__()
        self._commands = commands
        self._keys = tuple(keys)
        self._chart = next((command for command in commands if command.word == "chart"), None)
        self._shown: list[Found] = []
        self.line = Field(placeholder="what to do, or a key of the flow", id="palette-words")
        self._list = OptionList(id="palette-list", markup=False)
        self._list.can_focus = False

    def compose(self) -> ComposeResult:
        with Vertical(id="palette") as box:
            box.border_title = Content("Everything that can be done")
            yield self.line
            yield self._list

    def on_mount(self) -> None:
        self.line.focus()
        self._find("")

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._find(event.value)

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        at = self._list.highlighted
        if at is not None and at < len(self._shown):
            self.dismiss(self._shown[at])

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._shown[event.option_index])

    def action_move(self, rows: int) -> None:
        (self._list.action_cursor_down if rows > 0 else self._list.action_cursor_up)()

    def _find(self, line: str) -> None:
        found = sorted(matching(line, self._commands), key=lambda scored: scored[0])
        self._shown = [Found(command, "") for _, command in found][:MOST]
        options = [_row(each.command) for each in self._shown]
        if self._chart is not None and (wanted := line.casefold().split()):
            named = [name for name in self._keys if all(word in name.casefold() for word in wanted)]
            room = MOST - len(self._shown)
            self._shown += [Found(self._chart, name) for name in named[:room]]
            options += [f"{'chart ' + name:<28} look at this key's chart" for name in named[:room]]
        self._list.clear_options()
        self._list.add_options([Option(Content(plain(text))) for text in options])
        self._list.highlighted = 0 if options else None


def _row(command: Command) -> str:
    words = f"{command.word} {command.about}".strip()
    return f"{words:<28} {command.says}" + (f"   [{command.keys}]" if command.keys else "")
