"""What the keys do, over the screen: of the panel one was in, and everywhere."""

from collections.abc import Iterable, Iterator, Mapping
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from tui.modal import Modal

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


class Help(Modal[None]):
    """Leaves with esc, q, enter or the key that brought it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,enter,question_mark,f1", "dismiss", "Back")]

    def __init__(self, story: str, blocks: Mapping[str, Iterable[Binding]]) -> None:
        super().__init__()
        self._story = story
        self._blocks = {title: tuple(bindings) for title, bindings in blocks.items()}

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="help"):
            yield Static(Content(self._story), classes="story")
            for title, bindings in self._blocks.items():
                yield Static(Content("\n".join((title, *_rows(bindings)))), classes="keys")

    def on_mount(self) -> None:
        sheet = self.query_one("#help")
        sheet.border_title = Content("Help")
        sheet.border_subtitle = Content("esc back")


def _rows(bindings: Iterable[Binding]) -> Iterator[str]:
    for binding in bindings:
        keys = " ".join(NAMES.get(key, key.replace("ctrl+", "^")) for key in binding.key.split(","))
        yield f"  {keys:<14} {binding.tooltip or binding.description}"
