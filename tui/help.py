"""What the keys do, over the screen: of the panel one was in, and everywhere."""

from collections.abc import Iterable, Iterator
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

NAMES = {
    "plus": "+",
    "equals_sign": "=",
    "minus": "-",
    "slash": "/",
    "question_mark": "?",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "grave_accent": "`",
    "comma": ",",
    "colon": ":",
    "exclamation_mark": "!",
    "escape": "esc",
    "up": "↑",
    "down": "↓",
    "pageup": "pgup",
    "pagedown": "pgdn",
}


class Help(ModalScreen[None]):
    """Leaves with esc, q, enter or the key that brought it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,enter,question_mark,f1", "dismiss", "Back")]

    def __init__(self, title: str, story: str, here: Iterable[Binding], everywhere: Iterable[Binding]) -> None:
        super().__init__()
        self._title = title
        self._story = story
        self._here = tuple(here)
        self._everywhere = tuple(everywhere)

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="help"):
            yield Static(Content(self._story), classes="story")
            yield Static(Content("\n".join((self._title, *_rows(self._here)))), classes="keys")
            yield Static(Content("\n".join(("Everywhere", *_rows(self._everywhere)))), classes="keys")

    def on_mount(self) -> None:
        sheet = self.query_one("#help")
        sheet.border_title = Content("Help")
        sheet.border_subtitle = Content("esc back")


def _rows(bindings: Iterable[Binding]) -> Iterator[str]:
    for binding in bindings:
        keys = " ".join(NAMES.get(key, key.replace("ctrl+", "^")) for key in binding.key.split(","))
        yield f"  {keys:<14} {binding.tooltip or binding.description}"
