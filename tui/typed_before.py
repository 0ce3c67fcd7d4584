"""A line to type on that remembers what was typed on it before."""

from typing import ClassVar

from textual.binding import BindingType
from textual.suggester import Suggester

from tui.acts import act
from tui.field import Field

MOST = 50


class Typed(list[str]):
    """Lines typed before, the newest first; each once."""

    def keep(self, line: str) -> None:
        if line:
            self[:] = [line, *(each for each in self if each != line)][:MOST]


class RememberingInput(Field):
    """↑ and ↓ go through what was typed before."""

    BINDINGS: ClassVar[list[BindingType]] = [
        act("typed.older", "up", "older(1)", "Older", "the line typed before", show=False),
        act("typed.newer", "down", "older(-1)", "Newer", "the line typed after that", show=False),
    ]

    def __init__(self, before: Typed, placeholder: str, place: str, suggester: Suggester | None = None) -> None:
        super().__init__(placeholder=placeholder, id=place, suggester=suggester)
        self._before = before
        self._at = -1

    def on_focus(self) -> None:
        self._at = -1

    def action_older(self, steps: int) -> None:
        self._at = min(len(self._before) - 1, max(-1, self._at + steps))
        self.value = self._before[self._at] if self._at >= 0 else ""
        self.cursor_position = len(self.value)
