"""The tables of the text at a glance."""

from collections.abc import Iterable, Sequence
from typing import ClassVar, NamedTuple

from textual import events

from tui.editor.tables_in import TableAt, use_in
from tui.painted import Frame, Line, Run, sentence
from tui.shell import Shell
from tui.table import Column, Table
from tui.words import fit, plain

INLINE = ("features", "alerts")
"""Tables whose members often stand in braces."""


class Entry(NamedTuple):
    """A table, or the name that several begin with. Lines count from 1."""

    line: int
    name: str
    use: str
    level: int


class OutlineTable(Table[Entry], can_focus=True):
    """The tables of the file in their order, each with the part it is. `enter` goes there, `/` finds one."""

    NAME: ClassVar[str] = "Outline"
    COLUMNS: ClassVar[tuple[Column[Entry], ...]] = (
        Column[Entry]("Table", 14, lambda entry: f"{'  ' * entry.level}{entry.name}", most=30),
        Column[Entry]("Part", 8, lambda entry: entry.use, lambda _: "dim", most=20, goes=1),
    )

    def __init__(self, shell: Shell, place: str) -> None:
        super().__init__(shell, place)
        self._entries: Sequence[Entry] = ()
        self._told = 0

    def tell(self, entries: Sequence[Entry]) -> None:
        if entries != self._entries:
            self._entries = entries
            self._told += 1
        self.look()

    def follow(self, line: int) -> None:
        """The cursor of the text is there: so is this one's, as long as nobody walks in it."""
        if not self.has_focus:
            before = next((entry for entry in reversed(self._entries) if entry.line <= line), None)
            self.chosen = self.key(before) if before is not None else None
            self.look()

    def version(self) -> object:
        return self._told

    def rows(self) -> Iterable[Entry]:
        return self._entries

    def key(self, row: Entry) -> tuple[int, str]:
        return row.line, row.name

    def empty(self) -> str:
        return "no table yet; write [moonlight], or begin with `init`"

    def frame(self, width: int, height: int) -> Frame:
        shown = super().frame(width, height)
        if not self.shown:
            return Frame(sentence(self.empty(), width), shown.title)
        return Frame(
            [self._entry(entry, width) for entry in self.shown[self._top :][:height]], shown.title, "enter goes"
        )

    def on_click(self, event: events.Click) -> None:
        """To the table; there are no headings here to sort by."""
        event.prevent_default()
        if 0 <= (row := self._top + event.y - self.gutter.top) < len(self.shown):
            self.choose(self.key(self.shown[row]))
            self.action_open()

    def _entry(self, entry: Entry, width: int) -> Line:
        name = f"{'  ' * entry.level}{plain(entry.name)}"
        use = f" {plain(entry.use)}" if entry.use and entry.use != entry.name else ""
        runs = (Run(fit(name, width) if len(name) > width else name, "text" if entry.level else "second"),)
        rest = width - len(name)
        if use and rest > 2:
            runs = (*runs, Run(use if len(use) <= rest else fit(use, rest), "dim"))
        return Line(runs, "chosen" if self.key(entry) == self.chosen else "text")


def outline(tables: Sequence[TableAt]) -> Sequence[Entry]:
    """The entries of a text's tables; members of one kind stand together below its name."""
    made = list[Entry]()
    group = ""
    for table in tables:
        if not table.path:
            continue
        first, *rest = table.path
        if not rest and not table.many:
            group = first
            made.append(Entry(table.line + 1, first, "", 0))
            if first in INLINE:
                made += [
                    Entry(row + 1, key, use_in(said), 1) for key, (row, said) in table.keys.items() if "." not in key
                ]
            continue
        if first != group:
            group = first
            made.append(Entry(table.line + 1, first, "", 0))
        name = ".".join(rest) if rest else table.keys.get("name", (0, ""))[1].strip("\"' ") or "a test"
        made.append(Entry(table.line + 1, name, table.use, 1))
    return made
