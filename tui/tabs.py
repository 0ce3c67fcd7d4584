"""The row of pages: which there are, by their keys, and which one is in front."""

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual import events

from tui.going import Go
from tui.help import NAMES
from tui.pages import PageKind
from tui.painted import Frame, Line, Panel, Run
from tui.shell import Shell


class Tabs(Panel):
    """A digit and a name for each page; where there is no room for names, digits alone."""

    hertz: ClassVar[float] = 5.0
    FRAMED: ClassVar[bool] = False
    HOLDS: ClassVar[bool] = False

    def __init__(self, shell: Shell, place: str, kinds: Sequence[PageKind]) -> None:
        super().__init__(shell, place)
        self._kinds = tuple(kinds)
        self.front = ""

    def frame(self, width: int, height: int) -> Frame:
        del height
        named = self._runs(named=True)
        runs = named if sum(cell_len(run.text) for run in named) <= width else self._runs(named=False)
        return Frame([Line(runs)])

    def on_click(self, event: events.Click) -> None:
        width, _ = self.content_size
        named = self._runs(named=True)
        runs = named if sum(cell_len(run.text) for run in named) <= width else self._runs(named=False)
        right = 0
        for kind, run in zip(self._kinds, runs, strict=True):
            right += cell_len(run.text)
            if event.x < right:
                self.post_message(Go(kind.name))
                return

    def _runs(self, *, named: bool) -> tuple[Run, ...]:
        return tuple(
            Run(
                f" {key} {kind.title} " if named or kind.name == self.front else f" {key} ",
                "tag-entry" if kind.name == self.front else "second",
            )
            for kind in self._kinds
            for key in (NAMES.get(kind.key, kind.key),)
        )
