"""Questions before something is done: what follows is said in words, and no is what a careless key answers."""

from collections.abc import Callable
from typing import ClassVar, TypeVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from tui.acts import act
from tui.field import Field
from tui.modal import Modal
from tui.words import plain

T = TypeVar("T")

DEAF = 0.3
"""Seconds for which a new dialog hears no yes: what was typed ahead was meant for something else."""


class Confirm(Modal[bool]):
    """`y` does it; every other way out does not."""

    BINDINGS: ClassVar[list[BindingType]] = [
        act("confirm.no", "escape,n,q,enter", "answer(False)", "No", "leave it as it is"),
        act("confirm.yes", "y", "answer(True)", "Yes", "do it"),
    ]

    def __init__(self, title: str, sentences: str, now: Callable[[], float], *, real: bool = False) -> None:
        """`real`: real money is touched, and that is unmistakable."""
        super().__init__()
        self._title, self._sentences, self._real = title, sentences, real
        self._now, self._opened = now, now()

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog" + (" -real" if self._real else "")):
            yield Static(Content(plain_lines(self._sentences)), markup=False)

    def on_mount(self) -> None:
        entitle(self.query_one(Vertical), self._title, "y yes · esc no", real=self._real)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return (action, parameters) != ("answer", (True,)) or self._now() - self._opened >= DEAF

    def action_answer(self, yes: bool) -> None:  # Textual calls it so
        self.dismiss(yes)


class Worded(Modal[T]):
    """A line on which a word has to be typed. Who asks says what follows from a line."""

    HINT: ClassVar[str]

    def __init__(self, title: str, sentences: str, word: str, *, real: bool = False) -> None:
        super().__init__()
        self._title, self._sentences, self._word, self._real = title, sentences, word, real
        self._said = Static(markup=False)

    def entered(self, line: str) -> None:
        """What was typed, without the space around it."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog" + (" -real" if self._real else "")):
            yield self._said
            yield Field(placeholder=f"type {self._word}{self.HINT}; enter does it", classes="word")

    def on_mount(self) -> None:
        entitle(self.query_one(Vertical), self._title, "esc no", real=self._real)
        self._say("")
        self.query_one(Input).focus()

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.entered(event.value.strip())

    def _refuse(self, word: str) -> None:
        self.query_one(Input).clear()
        self._say(f"\n{word!r} is not the word: nothing was done.")

    def _say(self, more: str) -> None:
        self._said.update(Content(plain_lines(self._sentences + more)))


class Typed(Worded[bool]):
    """A word has to be typed: for what raises risk."""

    BINDINGS: ClassVar[list[BindingType]] = [act("typed.no", "escape", "dismiss(False)", "No", "leave it as it is")]
    HINT: ClassVar[str] = ""

    def entered(self, line: str) -> None:
        if line == self._word:
            self.dismiss(True)
        else:
            self._refuse(line)


class Notice(Modal[None]):
    """Something to read, of any length."""

    BINDINGS: ClassVar[list[BindingType]] = [act("notice.back", "escape,q,enter", "dismiss", "Back", "back")]

    def __init__(self, title: str, text: str) -> None:
        super().__init__()
        self._title, self._text = title, text

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog -long"):
            yield Static(Content(plain_lines(self._text)), markup=False)

    def on_mount(self) -> None:
        entitle(self.query_one(Vertical), self._title, "esc back")

    def on_key(self, event: events.Key) -> None:
        sheet = self.query_one(Vertical)
        match event.key:
            case "down" | "j":
                sheet.scroll_down(animate=False)
            case "up" | "k":
                sheet.scroll_up(animate=False)
            case _:
                return
        event.stop()


def entitle(sheet: Vertical, title: str, below: str, *, real: bool = False) -> None:
    sheet.border_title = Content(plain(f"REAL · {title}" if real else title))
    sheet.border_subtitle = Content(below)


def plain_lines(text: str) -> str:
    """Lines that can only be read."""
    return "\n".join(plain(line) for line in text.split("\n"))
