"""A panel of lines that may be more than there is room for."""

from collections.abc import Sequence
from textwrap import wrap
from typing import ClassVar

from textual.binding import BindingType

from tui.acts import act
from tui.painted import Frame, Line, Panel, Run, sentence
from tui.shell import Shell
from tui.words import plain


class Scrolled(Panel, can_focus=True):
    """Lines below each other; the keys move over them when there are more than fit.

    What it is called and what it says are asked for after its lines, so these may find out what it is about.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        act("lines.up", "up,k", "scroll(-1)", "Up", "a line up", show=False),
        act("lines.down", "down,j", "scroll(1)", "Down", "a line down", show=False),
        act("lines.page_up", "pageup,ctrl+u", "scroll(-10)", "Page up", "ten lines up", show=False),
        act("lines.page_down", "pagedown,ctrl+d", "scroll(10)", "Page down", "ten lines down", show=False),
        act("lines.first", "home,g", "edge(0)", "First", "the first line", show=False),
        act("lines.last", "end,G", "edge(1)", "Last", "the last line", show=False),
    ]
    hertz = 2.0
    KEEPS: ClassVar[int] = 0
    """So many of the first lines stay where they are."""

    def __init__(self, shell: Shell, place: str) -> None:
        super().__init__(shell, place)
        self._first = 0

    def lines(self, width: int) -> Sequence[Line]:
        """All there is to show; nothing where there is none."""
        raise NotImplementedError

    def title(self) -> str:
        raise NotImplementedError

    def subtitle(self) -> str:
        return ""

    def empty(self) -> str:
        """What to say where there is nothing to show."""
        raise NotImplementedError

    def begin(self) -> None:
        """From the first line."""
        self._first = 0
        self.look()

    def action_scroll(self, lines: int) -> None:
        self._first = max(0, self._first + lines)
        self.look()

    def action_edge(self, last: int) -> None:
        self.action_scroll(10_000 if last else -10_000)

    def on_mouse_scroll_up(self) -> None:
        self.action_scroll(-3)

    def on_mouse_scroll_down(self) -> None:
        self.action_scroll(3)

    def frame(self, width: int, height: int) -> Frame:
        lines = self.lines(width)
        if not lines:
            return Frame(sentence(self.empty(), width), self.title(), self.subtitle())
        kept, rest = lines[: self.KEEPS], lines[self.KEEPS :]
        room = max(1, height - len(kept))
        self._first = max(0, min(self._first, len(rest) - room))
        more = len(rest) - self._first - room
        hidden = f"{more} more below" if more > 0 else f"{self._first} more above" if self._first else ""
        below = " · ".join(part for part in (hidden, self.subtitle()) if part)
        return Frame([*kept, *rest[self._first : self._first + room]], self.title(), below)


HARD = "\N{NO-BREAK SPACE}"
"""Stands between what must not be torn apart, such as a number and its unit."""


def told(label: str, text: str, width: int, style: str = "text", indent: int = 12) -> list[Line]:
    """What is said under a label, wrapped beside it; a number is never cut and never torn from its unit."""
    room = max(10, width - indent)
    parts = wrap(plain(text), room, break_long_words=False, break_on_hyphens=False) or [""]
    heads = [f"{label:<{indent - 1}} ", *[" " * indent] * (len(parts) - 1)]
    return [
        Line((Run(head, "dim"), Run(part.replace(HARD, " "), style))) for head, part in zip(heads, parts, strict=True)
    ]
