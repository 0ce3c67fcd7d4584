"""A panel of rows in columns: moved over, sorted, filtered, marked, copied. It works out only the rows it shows."""

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, ClassVar, Generic, TypeVar

import msgspec
from textual import events
from textual.binding import BindingType
from textual.message import Message

from tui.acts import act
from tui.choosing import choose_columns
from tui.columns import Column, fitting, picked
from tui.filtering import ALL, Filter, filter_of
from tui.painted import Frame, Line, Panel, Run, sentence
from tui.rows import Order, Rows
from tui.shell import Shell
from tui.words import fit, plain

R = TypeVar("R")

MARKED = "◆"
SORTS_AT_MOST = 1.0
"""Seconds between two sortings of rows that move, and after the last move of whoever looks at them."""

__all__ = ["Column", "Table"]


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
        act("table.columns", "C", "columns", "Columns", "which columns are shown", show=False),
        act("table.mark", "space", "mark", "Mark", "mark this row, or take its mark away", show=False),
        act("table.mark_all", "ctrl+a", "mark_all", "Mark all", "mark all rows shown, or none", show=False),
        act("table.copy", "y", "copy(False)", "Copy", "copy this row, or those marked, as text", show=False),
        act("table.copy_json", "Y", "copy(True)", "Copy JSON", "copy this row, or those marked, as JSON", show=False),
    ]
    NAME: ClassVar[str] = ""
    COLUMNS: ClassVar[tuple[Column[Any], ...]] = ()

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
        self._announced: Hashable = None
        self.marked: set[Hashable] = set()
        self.sorted_by = ""
        self.turned = False
        self._filter: Filter = ALL
        self._rows = Rows[R](self.key)
        self._top = 0
        self._seen: object = None
        self._arranged: Order = Order()
        self._arranged_at = self._moved_at = -math.inf
        self._fitted: tuple[tuple[object, ...], tuple[Column[R], ...]] = ((), ())
        self._drawn: dict[Hashable, tuple[object, Line]] = {}

    # --- what a table says of itself ---------------------------------------------------------------------------------

    def version(self) -> object:
        """Another one whenever rows are other ones."""
        raise NotImplementedError

    def rows(self) -> Iterable[R]:
        raise NotImplementedError

    def changes(self, since: object) -> Mapping[Any, R] | None:
        """By their keys the rows that are other ones than in that version, if only rows changed and none came or went;
        else None."""
        del since
        return None

    def key(self, row: R) -> Hashable:
        raise NotImplementedError

    def empty(self) -> str:
        """What to say where there is no row at all."""
        raise NotImplementedError

    def columns(self) -> tuple[Column[R], ...]:
        """Those there are; which the person wants and which fit is worked out from them."""
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
        return self._rows.at(self._cursor) if len(self._rows) else None

    @property
    def picked(self) -> list[R]:
        """The marked rows among those shown; without a mark the one under the cursor."""
        marked = [self._rows.every[key] for key in self._rows.shown if key in self.marked] if self.marked else []
        return marked or ([self.row] if self.row is not None else [])

    @property
    def shown(self) -> Sequence[R]:
        return self._rows.between(0, len(self._rows))

    def filter(self, words: str) -> None:
        self._filter = filter_of(words, [column.head for column in self.columns()])
        self.words = words
        self._gather(at_once=True)
        if len(self._rows) and self.chosen not in self._rows.place:
            self.choose(self._rows.shown[0])
        self.look()

    def choose(self, key: Hashable) -> None:
        """Put the cursor on a row."""
        self.chosen = key
        self._announce()

    def action_move(self, rows: int) -> None:
        self._moved_at = self.now()
        if len(self._rows):
            self.choose(self._rows.shown[min(len(self._rows) - 1, max(0, self._cursor + rows))])
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

    def action_columns(self) -> None:
        self.run_worker(choose_columns(self.console, self.shell, str(self.id), self.columns()), group="columns")

    def action_mark(self) -> None:
        if self.row is not None:
            self.marked ^= {self.key(self.row)}
            self.action_move(1)
            self.look()

    def action_mark_all(self) -> None:
        every = set(self._rows.shown)
        self.marked = self.marked - every if every <= self.marked else self.marked | every
        self.look()

    def action_copy(self, json: bool) -> None:  # Textual calls it so
        rows = self.picked
        if not rows:
            return
        if json:
            text = "\n".join(msgspec.json.encode(row).decode() for row in rows)
        else:
            columns = self._wanted()
            text = "\n".join("\t".join(plain(column.text(row)) for column in columns) for row in rows)
        self.console.copy_to_clipboard(text)
        self.console.notify(
            f"{len(rows)} row{'s' if len(rows) > 1 else ''} copied, {len(text):,} letters", markup=False
        )

    def on_click(self, event: events.Click) -> None:
        y = event.y - self.gutter.top
        if y == 0:
            self._sort_at(event.x - self.gutter.left)
        elif 0 < y <= len(self._rows) - self._top:
            self._moved_at = self.now()
            self.choose(self._rows.shown[self._top + y - 1])
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
        count, total = len(self._rows), len(self._rows.every)
        title = self.title(count, total) + (f"  /{self.words}" if self.words else "")
        if not count:
            hidden = f"the filter hides all {total} rows; esc shows them again"
            return Frame(sentence(hidden if total else self.empty(), width), title)
        room, cursor = max(1, height - 1), self._cursor
        self._top = max(0, min(max(self._top, cursor - room + 1), cursor, count - room))
        columns = self._columns_for(width)
        lines = [Line((Run(self._heading(columns), "second"),), "raised")]
        lines += [self._line(row, columns) for row in self._rows.between(self._top, self._top + room)]
        below = f"{self._top + 1}–{min(count, self._top + room)} of {count}" if count > room else ""
        return Frame(lines, title, " · ".join(part for part in (self._marks(), below, self.subtitle()) if part))

    @property
    def _cursor(self) -> int:
        return self._rows.place.get(self.chosen, 0)

    def _marks(self) -> str:
        hidden = sum(1 for key in self.marked if key not in self._rows.place) if self.words else 0
        said = f"{len(self.marked)} marked" if self.marked else ""
        return f"{said}, {hidden} of them hidden" if hidden else said

    def _gather(self, *, at_once: bool = False) -> None:
        """The rows as they are, and where they belong: what moves them waits while the person moves among them."""
        version, rows = self.version(), self._rows
        was, top, had = self._cursor, self._top, self.chosen in self._rows.place
        if version != self._seen:
            changed = self.changes(self._seen) if rows.every else None
            if changed is None:
                rows.load(self.rows())
                self.marked &= rows.every.keys()
            else:
                rows.change(changed)
            self._seen = version
        order, now = Order(self._filter, self.sorted_by, self.turned, self.columns()), self.now()
        still = now - max(self._arranged_at, self._moved_at) >= SORTS_AT_MOST
        moves = bool(self.sorted_by or self._filter.tests)
        if order != self._arranged or at_once or (not rows.settled and (still or not moves or not rows.shown)):
            if order.filter is not self._arranged.filter:
                was = top = 0
            rows.arrange(order)
            self._arranged, self._arranged_at = order, now
        self._keep_the_cursor(was, top, had=had)
        if len(self._drawn) > 2 * len(rows) + 100:
            self._drawn.clear()

    def _keep_the_cursor(self, was: int, top: int, *, had: bool) -> None:
        """The row under it stays in its place on the screen; where it went away, another one comes under it."""
        shown, place = self._rows.shown, self._rows.place
        if not shown:
            return
        if self.chosen in place:
            self._top = top + place[self.chosen] - was if had else self._top
            self._announce()
        elif had or self.chosen not in self._rows.every:
            self.choose(shown[min(was, len(shown) - 1)])

    def _announce(self) -> None:
        """Say which row is under the cursor, once."""
        if self.chosen != self._announced and self.chosen in self._rows.place:
            self._announced = self.chosen
            self.post_message(self.Chosen(self, self._rows.every[self.chosen]))

    def _wanted(self) -> tuple[Column[R], ...]:
        """The columns the person wants to see, room or not."""
        return picked(self.columns(), self.shell.settings.columns.get(str(self.id), ()))

    def _columns_for(self, width: int) -> tuple[Column[R], ...]:
        wanted = self._wanted()
        facts = (width, wanted, len(self._rows.every), self.words, self.store.hello, bool(self.marked))
        if facts != self._fitted[0]:
            self._fitted = (facts, fitting(wanted, self.shown, width - (2 if self.marked else 0)))
        return self._fitted[1]

    def _heading(self, columns: Sequence[Column[R]]) -> str:
        arrow = "▾" if self.turned else "▴"
        by = self.sorted_by
        heads = [f"{column.head}{arrow}" if by and column.head == by else column.head for column in columns]
        cells = (fit(head, column.width, right=column.right) for head, column in zip(heads, columns, strict=True))
        return (" " * 2 if self.marked else "") + "".join(f"{cell} " for cell in cells)

    def _line(self, row: R, columns: tuple[Column[R], ...]) -> Line:
        key = self.key(row)
        chosen, marked = key == self.chosen, key in self.marked
        facts = (row, self.fresh(row), chosen, marked, bool(self.marked), columns)
        before = self._drawn.get(key)
        if before is not None and before[0] == facts:
            return before[1]
        runs = [_cell(column.text(row), column.style(row), column.width, column.right) for column in columns]
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


@lru_cache(4096)
def _cell(text: str, style: str, width: int, right: bool) -> Run:
    """A cell with the space after it. Of a row that changed most cells say what they said before."""
    return Run(fit(plain(text), width, right=right) + " ", style)
