"""What is wrong with the text, a row each."""

from collections.abc import Iterable, Sequence
from textwrap import wrap
from typing import ClassVar

from textual import events
from textual.binding import BindingType

from tui.acts import act
from tui.editor.area import SIGNS
from tui.editor.examined import Mark
from tui.painted import Frame, Line, Run
from tui.shell import Shell
from tui.table import Column, Table
from tui.words import fit, plain

PLACE = 8
"""Cells of a line and a column."""


class ProblemsTable(Table[Mark], can_focus=True):
    """What our own checker says of the text, with the words of `validate`, and what the engine says that runs it.

    `enter` goes to the place. Lines that begin with `!` keep nothing from being applied.
    """

    NAME: ClassVar[str] = "Problems"
    COLUMNS: ClassVar[tuple[Column[Mark], ...]] = (
        Column[Mark]("", 1, lambda mark: SIGNS[mark.level], lambda mark: mark.level),
        Column[Mark]("Place", PLACE, lambda mark: f"{mark.line}:{mark.column}" if mark.line else "flow"),
        Column[Mark]("What", 40, lambda mark: f"{mark.text}{' (engine)' if mark.by else ''}", most=400),
        Column[Mark]("Key", 10, lambda mark: mark.path, lambda _: "dim", most=40, goes=1),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        act("problems.leave", "escape", "leave", "Back", "show all again; then to the page before", show=False),
    ]

    def __init__(self, shell: Shell, place: str) -> None:
        super().__init__(shell, place)
        self._problems: Sequence[Mark] = ()
        self.looked = False
        """The text was looked through once."""
        self.state = ""
        """What is being done about them, in the panel's lower edge."""
        self._told = 0
        self._lines: Sequence[tuple[Mark, Line]] = ()
        """Which problem stands on which line."""

    def tell(self, marks: Sequence[Mark]) -> None:
        self.looked = True
        if marks != self._problems:
            self._problems = marks
            self._told += 1
        self.look()

    def version(self) -> object:
        return self._told

    def rows(self) -> Iterable[Mark]:
        return self._problems

    def key(self, row: Mark) -> Mark:
        return row

    def empty(self) -> str:
        return "nothing is wrong with it" if self.looked else "the text is looked through …"

    def title(self, shown: int, total: int) -> str:
        wrong = sum(mark.level == "wrong" for mark in self._problems)
        counted = [f"{SIGNS['wrong']}{wrong}"] * bool(wrong) + [f"{SIGNS['warn']}{total - wrong}"] * (total > wrong)
        return " ".join((self.NAME, *(counted or ["none"])))

    def subtitle(self) -> str:
        return self.state

    def frame(self, width: int, height: int) -> Frame:
        """As any table, with the key behind the sentence where there is room, and no headings where there is little."""
        shown = super().frame(width, height)
        if not self.shown:
            return shown._replace(subtitle=self.state)
        seen = self.shown[self._top :][:height]
        self._lines = [(mark, line) for mark in seen for line in self._told_lines(mark, width, height // len(seen))]
        return Frame([line for _, line in self._lines], shown.title, shown.subtitle)

    def _told_lines(self, mark: Mark, width: int, most: int) -> Sequence[Line]:
        """A problem on as many lines as it needs and may have."""
        place = f"{mark.line}:{mark.column}" if mark.line else "flow"
        text = plain(mark.text) + (" (engine)" if mark.by else "")
        runs = [Run(f"{SIGNS[mark.level]} ", mark.level), Run(f"{fit(place, PLACE)} ", "second")]
        room = max(10, width - PLACE - 3)
        path = f"  {plain(mark.path)}" if mark.path and len(text) + len(mark.path) + 2 <= room else ""
        parts = [text] if len(text) <= room or most < 2 else wrap(text, room)
        kept = [*parts[: most - 1], " ".join(parts[most - 1 :])] if len(parts) > most else parts
        runs += [Run(fit(kept[0], room) if len(kept[0]) > room else kept[0]), Run(path, "dim")]
        ground = "chosen" if mark == self.chosen and self.has_focus else "text"
        more = [
            Line((Run(" " * (PLACE + 3)), Run(fit(part, room) if len(part) > room else part)), ground)
            for part in kept[1:]
        ]
        return Line(tuple(runs), ground), *more

    def on_click(self, event: events.Click) -> None:
        """To the place; there are no headings here to sort by."""
        event.prevent_default()
        if 0 <= (row := event.y - self.gutter.top) < len(self._lines):
            self.choose(self.key(self._lines[row][0]))
            self.action_open()

    async def action_leave(self) -> None:
        if self.words:
            self.filter("")
        else:
            await self.console.run_action("app.step(-1)")
