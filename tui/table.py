"""A panel of rows in columns: moved over, sorted, filtered, marked, copied. It works out only the rows it shows."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

import msgspec
from textual import events
from textual.binding import BindingType
from textual.message import Message

from tui.acts import act
from tui.filtering import ALL, Filter, filter_of, number_in
from tui.painted import Frame, Line, Panel, Run, sentence
from tui.shell import Shell
from tui.words import fit, plain

R = TypeVar("R")

MARKED = "◆"
SORTS_AT_MOST = 1.0
"""Seconds between two sortings of rows that move."""


class Column(NamedTuple):
    """One column: its heading, its width, and how soon it goes where there is no room (0 stays to the last)."""

    head: str
    width: int
    text: Callable[[Any], str]
    style: Callable[[Any], str] = lambda _: "text"
    right: bool = False
    goes: int = 0
    most: int = 0
    """It grows up to this with what is in it."""
    sort: Callable[[Any], Any] | None = None
    """By what it is sorted; by what it shows when left out."""


class Table(Panel, Generic[R], can_focus=True):
    """Rows below their headings. Say which in `rows`, who is who in `key`, and what to say for none in `empty`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        act("table.down", "down,j", "move(1)", "Move", "a row down", show=False),
        act("table.up", "up,k", "move(-1)", "Up", "a row up", show=False),
        act("table.page_down", "pagedown,ctrl+d", "leaf(1)", "Page down", "a page down", show=False),
        act("table.page_up", "pageup,ctrl+u", "leaf(-1)", "Page up", "a page up", show=False),
        act("table.first", "home,g", "edge(0)", "First", "the first row", show=False),
        act("table.last", "end,G", "edge(1)", "Last", "the last row", show=False),
        act("table.open", "enter", "open", "Open", "look at this row", show=False),
        act("table.sort", "o", "sort(1)", "Sort", "sort by the next column", show=False),
        act("table.turn", "O", "turn", "Turn", "sort the other way round", show=False),
        act("table.mark", "space", "mark", "Mark", "mark this row, or take its mark away", show=False),
        act("table.mark_all", "ctrl+a", "mark_all", "Mark all", "mark all rows shown, or none", show=False),
        act("table.copy", "y", "copy(False)", "Copy", "copy this row, or those marked, as text", show=False),
        act("table.copy_json", "Y", "copy(True)", "Copy JSON", "copy this row, or those marked, as JSON", show=False),
    ]
    NAME: ClassVar[str] = ""
    COLUMNS: ClassVar[tuple[Column, ...]] = ()

    class Chosen(Message):
        """Another row is under the cursor."""

        def __init__(self, table: "Table[Any]", row: Any) -> None:
            super().__init__()
            self.table, self.row = table, row

        @property
        def control(self) -> "Table[Any]":
            return self.table

    class Opened(Message):
        """A row is to be looked at."""

        def __init__(self, table: "Table[Any]", row: Any) -> None:
            super().__init__()
            self.table, self.row = table, row

        @property
        def control(self) -> "Table[Any]":
            return self.table

    def __init__(self, shell: Shell, place: str) -> None:
        super().__init__(shell, place)
        self.words = ""
        self.chosen: Hashable = None
        self.marked: set[Hashable] = set()
        self.sorted_by = ""
        self.turned = False
        self._filter: Filter = ALL
        self._top = 0
        self._rows: list[R] = []
        self._at: dict[Hashable, int] = {}
        self._seen: tuple[object, ...] = ()
        self._gathered_at = 0.0
        self._fitted: tuple[tuple[object, ...], tuple[Column, ...]] = ((), ())
        self._drawn: dict[Hashable, tuple[object, Line]] = {}

    # --- what a table says of itself ---------------------------------------------------------------------------------

    def version(self) -> object:
        """Another one whenever rows are other ones."""
        raise NotImplementedError

    def rows(self) -> Iterable[R]:
        raise NotImplementedError

    def key(self, row: R) -> Hashable:
        raise NotImplementedError

    def empty(self) -> str:
        """What to say where there is no row at all."""
        raise NotImplementedError

    def columns(self) -> tuple[Column, ...]:
        """Those there are; which fit is worked out from them."""
        return self.COLUMNS

    def title(self, shown: int, total: int) -> str:
        return f"{self.NAME} {shown}/{total}" if self.words else f"{self.NAME} {total}"

    def subtitle(self) -> str:
        return ""

    def fresh(self, row: R) -> object:
        """What a row looks like besides what is in it, its age say: when this changes, it is drawn again."""
        del row
        return None

    def ground(self, row: R) -> str:
        """What lies under a row that is not under the cursor."""
        del row
        return "text"

    # --- what is done with it ----------------------------------------------------------------------------------------

    @property
    def row(self) -> R | None:
        """The row under the cursor."""
        return self._rows[self._cursor] if self._rows else None

    @property
    def picked(self) -> list[R]:
        """The marked rows; without a mark the one under the cursor."""
        marked = [row for row in self._rows if self.key(row) in self.marked]
        return marked or ([self.row] if self.row is not None else [])

    @property
    def shown(self) -> Sequence[R]:
        return self._rows

    def filter(self, words: str) -> None:
        self._filter = filter_of(words, [column.head for column in self.columns()])
        self.words = words
        self._gather(at_once=True)
        if self._rows and self.chosen not in self._at:
            self.choose(self.key(self._rows[0]))
        self.look()

    def choose(self, key: Hashable) -> None:
        """Put the cursor on a row."""
        if key == self.chosen:
            return
        self.chosen = key
        at = self._at.get(key)
        if at is not None:
            self.post_message(self.Chosen(self, self._rows[at]))

    def action_move(self, rows: int) -> None:
        if self._rows:
            self.choose(self.key(self._rows[min(len(self._rows) - 1, max(0, self._cursor + rows))]))
            self.look()

    def action_leaf(self, leaves: int) -> None:
        self.action_move(leaves * max(1, self.content_size.height - 2))

    def action_edge(self, last: int) -> None:
        self.action_move(len(self._rows) if last else -len(self._rows))

    def action_open(self) -> None:
        if self.row is not None:
            self.post_message(self.Opened(self, self.row))

    def action_sort(self, step: int) -> None:
        heads = ["", *(column.head for column in self._columns_for(self.content_size.width) if column.head)]
        at = heads.index(self.sorted_by) if self.sorted_by in heads else 0
        self.sort_by(heads[(at + step) % len(heads)])

    def action_turn(self) -> None:
        self.turned = not self.turned
        self._gather(at_once=True)
        self.look()

    def sort_by(self, head: str) -> None:
        """By a column; the same again turns it round, and "" is the order rows came in."""
        self.turned = not self.turned if head and head == self.sorted_by else False
        self.sorted_by = head
        self._gather(at_once=True)
        self.look()

    def action_mark(self) -> None:
        if self.row is not None:
            self.marked ^= {self.key(self.row)}
            self.action_move(1)
            self.look()

    def action_mark_all(self) -> None:
        every = {self.key(row) for row in self._rows}
        self.marked = set() if every <= self.marked else every
        self.look()

    def action_copy(self, json: bool) -> None:  # Textual calls it so
        picked = self.picked
        if not picked:
            return
        if json:
            text = "\n".join(msgspec.json.encode(row).decode() for row in picked)
        else:
            columns = self.columns()
            text = "\n".join("\t".join(plain(column.text(row)) for column in columns) for row in picked)
        self.console.copy_to_clipboard(text)
        self.console.notify(
            f"{len(picked)} row{'s' if len(picked) > 1 else ''} copied, {len(text):,} letters", markup=False
        )

    def on_click(self, event: events.Click) -> None:
        y = event.y - self.gutter.top
        if y == 0:
            self._sort_at(event.x - self.gutter.left)
        elif 0 < y <= len(self._rows) - self._top:
            self.choose(self.key(self._rows[self._top + y - 1]))
            self.look()
            if event.chain == 2:  # a double click
                self.action_open()

    def on_mouse_scroll_down(self) -> None:
        self.action_move(3)

    def on_mouse_scroll_up(self) -> None:
        self.action_move(-3)

    # --- how it is drawn ---------------------------------------------------------------------------------------------

    def frame(self, width: int, height: int) -> Frame:
        self._gather()
        total = self._total
        title = self.title(len(self._rows), total) + (f"  /{self.words}" if self.words else "")
        if not self._rows:
            hidden = f"the filter hides all {total} rows; esc shows them again"
            return Frame(sentence(hidden if total else self.empty(), width), title)
        room, cursor = max(1, height - 1), self._cursor
        self._top = max(0, min(max(self._top, cursor - room + 1), cursor, len(self._rows) - room))
        columns = self._columns_for(width)
        lines = [Line((Run(self._heading(columns), "second"),), "raised")]
        lines += [self._line(row, columns) for row in self._rows[self._top : self._top + room]]
        below = f"{self._top + 1}–{min(len(self._rows), self._top + room)} of {len(self._rows)}"
        marks = f"{len(self.marked)} marked" if self.marked else ""
        said = (marks, below if len(self._rows) > room else "", self.subtitle())
        return Frame(lines, title, " · ".join(part for part in said if part))

    @property
    def _total(self) -> int:
        return self._every

    _every = 0

    @property
    def _cursor(self) -> int:
        return self._at.get(self.chosen, 0)

    def _gather(self, *, at_once: bool = False) -> None:
        """The rows to show, when there are others. Rows that move are sorted anew once a second at the most."""
        seen = (self.version(), self.words, self.sorted_by, self.turned)
        if seen == self._seen:
            return
        now = self.now()
        if self.sorted_by and not at_once and now - self._gathered_at < SORTS_AT_MOST and self._rows:
            self._refreshed()
            return
        self._seen, self._gathered_at = seen, now
        every = list(self.rows())
        self._every = len(every)
        texts = self.columns()
        shown = every
        if self._filter.tests:
            shown = [row for row in every if self._filter.shows({each.head: each.text(row) for each in texts})]
        column = next((each for each in texts if each.head == self.sorted_by), None)
        if column is not None:
            shown = sorted(shown, key=lambda row: _order(column, row), reverse=self.turned)
        self._keep(shown)
        self.marked &= {self.key(row) for row in every} if self.marked else set()

    def _refreshed(self) -> None:
        """The rows as they are now, each where it was."""
        latest = {self.key(row): row for row in self.rows()}
        self._keep([latest[key] for row in self._rows if (key := self.key(row)) in latest])

    def _keep(self, rows: list[R]) -> None:
        self._rows = rows
        self._at = {self.key(row): at for at, row in enumerate(rows)}
        if len(self._drawn) > 2 * len(rows) + 100:
            self._drawn.clear()
        if rows and self.chosen is None:
            self.choose(self.key(rows[0]))

    def _columns_for(self, width: int) -> tuple[Column, ...]:
        declared = self.columns()
        facts = (width, declared, self._every, self.words, self.store.hello)
        if facts != self._fitted[0]:
            self._fitted = (facts, fitting(declared, self._rows, width - (2 if self.marked else 0)))
        return self._fitted[1]

    def _heading(self, columns: Sequence[Column]) -> str:
        arrow = {True: "▾", False: "▴"}[self.turned]
        heads = [f"{column.head}{arrow}" if column.head == self.sorted_by else column.head for column in columns]
        cells = (fit(head, column.width, right=column.right) for head, column in zip(heads, columns, strict=True))
        return (" " * 2 if self.marked else "") + "".join(f"{cell} " for cell in cells)

    def _line(self, row: R, columns: tuple[Column, ...]) -> Line:
        key = self.key(row)
        chosen, marked = key == self.chosen, key in self.marked
        facts = (row, self.fresh(row), chosen, marked, bool(self.marked), columns)
        before = self._drawn.get(key)
        if before is not None and before[0] == facts:
            return before[1]
        runs = [
            Run(fit(plain(column.text(row)), column.width, right=column.right) + " ", column.style(row))
            for column in columns
        ]
        if self.marked:
            runs.insert(0, Run(f"{MARKED} " if marked else "  ", "bright"))
        line = Line(tuple(runs), "chosen" if chosen else self.ground(row))
        self._drawn[key] = (facts, line)
        return line

    def _sort_at(self, x: int) -> None:
        right = 2 if self.marked else 0
        for column in self._columns_for(self.content_size.width):
            right += column.width + 1
            if x < right:
                self.sort_by(column.head)
                return


def fitting(columns: Sequence[Column], rows: Sequence[Any], width: int) -> tuple[Column, ...]:
    """The columns that fit, those that go soonest left out first."""
    kept = [_stretched(column, rows) for column in columns]
    while len(kept) > 1 and sum(column.width + 1 for column in kept) > width and any(each.goes for each in kept):
        kept.remove(max(kept, key=lambda column: column.goes))
    return tuple(kept)


def _stretched(column: Column, rows: Sequence[Any]) -> Column:
    if not column.most:
        return column
    longest = max((len(column.text(row)) for row in rows), default=0)
    return column._replace(width=min(column.most, max(column.width, longest)))


def _order(column: Column, row: Any) -> tuple[int, float, str]:
    """By number where there is one, else by text; what is empty comes last."""
    if column.sort is not None:
        value = column.sort(row)
        if isinstance(value, (int, float)):
            return (0, float(value), "")
        return (1, 0.0, str(value).casefold()) if value is not None else (2, 0.0, "")
    text = column.text(row)
    number = number_in(text) if column.right else None
    return (0, number, "") if number is not None else (1, 0.0, text.casefold()) if text.strip(" ─") else (2, 0.0, "")
