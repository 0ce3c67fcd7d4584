"""Every key on one row: what it costs, what was decided last and how it does."""

import math
from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from pipeline.times import duration
from pipeline.view import TRADED, KeyName, KeyRow
from tui.painted import Frame, Line, Panel, Run, sentence
from tui.palette import leaning, side
from tui.shell import Shell
from tui.words import age_text, fit, gain, money, plain, price_text, signed

HALTED = ("PAUSED", "RELOAD", "STOPPING", "STOPPED")
"""Lives of keys that trade nothing."""
OLD = 2.0
"""Seconds without a price after which a row is dim."""


class Column(NamedTuple):
    """One column: its heading, its width, and how dearly it is kept when there is little room (0 goes last)."""

    heading: str
    width: int
    keep: int
    right: bool = False


COLUMNS = (
    Column("account", 7, 3),
    Column("product", 7, 0),
    Column("tf", 3, 0),
    Column("price", 9, 1, right=True),
    Column("decided", 12, 2),
    Column("score", 6, 6, right=True),
    Column("open", 4, 5, right=True),
    Column("P/L", 9, 1, right=True),
    Column("state", 10, 4),
    Column("age", 5, 7, right=True),
)
STRETCHES = {"account": 14, "product": 12}
"""Columns that grow with the names in them, and how far."""


class KeysTable(Panel, can_focus=True):
    """Every key of the flow. Moving chooses the key whose chart is shown; enter goes to that chart.

    `decided` has the last bar's verdict: `trade`, or the gate that said no, with the direction it would have had. A dim
    row has had no price for a while. `/` shows only keys with all the words typed, in any of their columns.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "Move", key_display="j/k"),
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("pagedown,ctrl+d", "page(1)", "Page down", show=False),
        Binding("pageup,ctrl+u", "page(-1)", "Page up", show=False),
        Binding("home,g", "edge(0)", "First key", show=False),
        Binding("end,G", "edge(1)", "Last key", show=False),
        Binding("enter", "open", "Chart"),
    ]
    hertz = 10.0

    class Chosen(Message):
        """Another key is under the cursor."""

        def __init__(self, name: KeyName) -> None:
            super().__init__()
            self.name = name

    class Opened(Message):
        """The chosen key's chart is wanted in front."""

    def __init__(self, shell: Shell, place: str) -> None:
        super().__init__(shell, place)
        self.words = ""
        self.chosen: KeyName | None = None
        self._top = 0
        self._rows: list[KeyRow] = []
        self._seen: tuple[int, str] = (-1, "")
        self._fitted: tuple[tuple[object, ...], tuple[Column, ...]] = ((), ())
        self._drawn: dict[KeyName, tuple[tuple[object, ...], Line]] = {}

    def filter(self, words: str) -> None:
        self.words = words
        self.look()

    def next_timeframe(self) -> None:
        """Choose the same account and product in the next longer timeframe, after the longest the shortest."""
        if self.chosen is None:
            return
        account, product, current = self.chosen
        names = sorted(
            {name.timeframe for name in self.store.keys if (name.account, name.product) == (account, product)},
            key=duration,
        )
        following = names[(names.index(current) + 1) % len(names)] if current in names else current
        self.choose(KeyName(account, product, following))
        self.look()

    def action_move(self, rows: int) -> None:
        if self._rows:
            self.choose(self._rows[min(len(self._rows) - 1, max(0, self._cursor + rows))].name)
            self.look()

    def action_page(self, pages: int) -> None:
        self.action_move(pages * max(1, self.content_size.height - 2))

    def action_edge(self, last: int) -> None:
        self.action_move(len(self._rows) if last else -len(self._rows))

    def action_open(self) -> None:
        self.post_message(self.Opened())

    def on_click(self, event: events.Click) -> None:
        row = self._top + event.y - self.gutter.top - 1
        if event.y > self.gutter.top and row < len(self._rows):
            self.choose(self._rows[row].name)
            self.look()

    def on_mouse_scroll_down(self) -> None:
        self.action_move(3)

    def on_mouse_scroll_up(self) -> None:
        self.action_move(-3)

    def frame(self, width: int, height: int) -> Frame:
        self._gather()
        shown, total = len(self._rows), len(self.store.keys)
        title = f"Keys {shown}/{total}" + (f"  /{self.words}" if self.words else "")
        if not self._rows:
            return Frame(sentence(self._why_empty(), width), title)
        cursor = self._cursor
        rows = max(1, height - 1)
        self._top = max(0, min(max(self._top, cursor - rows + 1), cursor, shown - rows))
        columns = self._columns_for(width)
        now = self.now()
        lines = [Line((Run(_heading(columns), "second"),), "raised")]
        lines += [self._line(row, columns, now) for row in self._rows[self._top : self._top + rows]]
        below = f"{self._top + 1}–{min(shown, self._top + rows)} · " if shown > rows else ""
        newest = max(row.updated for row in self._rows)
        age = f"newest price {age_text(self.store.age(newest, now))} old" if newest else "no prices yet"
        return Frame(lines, title, below + age)

    @property
    def _cursor(self) -> int:
        """Where the chosen key stands among those shown; the first when the filter hides it."""
        return next((at for at, row in enumerate(self._rows) if row.name == self.chosen), 0)

    def _gather(self) -> None:
        """The rows to show, when keys or the filter changed; without a choice among them, the first is chosen."""
        seen, (_, before) = (self.store.keys_told, self.words), self._seen
        if seen == self._seen:
            return
        self._seen = seen
        words = self.words.casefold().split()
        self._rows = [row for row in self.store.keys.values() if all(word in _searched(row) for word in words)]
        searching = words and before != self.words and self.chosen not in {row.name for row in self._rows}
        if self._rows and (searching or self.chosen not in self.store.keys):
            self.choose(self._rows[0].name)

    def _columns_for(self, width: int) -> tuple[Column, ...]:
        """The columns that fit, worked out anew only for other names or another width."""
        facts = (width, len(self.store.keys), self.words, self.store.hello)
        if facts != self._fitted[0]:
            self._fitted = (facts, columns_for(self._rows, width))
        return self._fitted[1]

    def choose(self, name: KeyName) -> None:
        if name != self.chosen:
            self.chosen = name
            self.post_message(self.Chosen(name))

    def _line(self, row: KeyRow, columns: Sequence[Column], now: float) -> Line:
        """A row's line, the one drawn before when nothing in it changed."""
        seconds = self.store.age(row.updated, now) if row.updated else math.inf
        age, chosen = age_text(seconds) if row.updated else "─", row.name == self.chosen
        facts = (row, age if columns[-1].heading == "age" else seconds > OLD, chosen, columns)
        before = self._drawn.get(row.name)
        if before is not None and before[0] == facts:
            return before[1]
        texts = _texts(row, age)
        runs = [
            Run(fit(plain(texts[column.heading]), column.width, right=column.right) + " ", _style(row, column, seconds))
            for column in columns
        ]
        line = Line(tuple(runs), "chosen" if chosen else "text")
        self._drawn[row.name] = (facts, line)
        return line

    def _why_empty(self) -> str:
        if self.store.keys:
            return f"the filter hides all {len(self.store.keys)} keys; esc shows them again"
        if self.store.hello is None:
            return self.store.why
        if not self.store.keys_told:
            return "asking for the keys"
        return "this flow trades nothing: no risk gate in it names an account"


def columns_for(rows: Sequence[KeyRow], width: int) -> tuple[Column, ...]:
    """The columns that fit, the least needed left out first."""
    columns = [_stretched(column, rows) for column in COLUMNS]
    while sum(column.width + 1 for column in columns) > width and max(column.keep for column in columns) > 1:
        columns.remove(max(columns, key=lambda column: column.keep))
    return tuple(columns)


def _stretched(column: Column, rows: Sequence[KeyRow]) -> Column:
    if (most := STRETCHES.get(column.heading)) is None:
        return column
    longest = max(len(str(getattr(row, column.heading))) for row in rows)
    return column._replace(width=min(most, max(column.width, longest)))


def _heading(columns: Sequence[Column]) -> str:
    return "".join(fit(column.heading, column.width, right=column.right) + " " for column in columns)


def _texts(row: KeyRow, age: str) -> dict[str, str]:
    return {
        "account": row.account,
        "product": row.product,
        "tf": row.timeframe,
        "price": price_text(row.price, row.digits),
        "decided": f"{leaning(row.direction)} {row.verdict}",
        "score": signed(row.score),
        "open": str(row.open) if row.open else "─",
        "P/L": money(row.profit),
        "state": _state(row),
        "age": age,
    }


def _state(row: KeyRow) -> str:
    """What keeps a key from trading by itself comes before what its market does."""
    return row.life if row.life in HALTED else row.state


def _style(row: KeyRow, column: Column, seconds: float) -> str:
    match column.heading:
        case "decided" | "score" if row.verdict == TRADED:
            return side(row.direction)
        case "P/L":
            return side(gain(row.profit))
        case "state" if _state(row).startswith(("STALE", "FROZEN", *HALTED)):
            return "warn"
        case "account" | "product" | "tf" | "price" | "open" if seconds <= OLD:
            return "text"
        case _:
            return "dim"


def _searched(row: KeyRow) -> str:
    return " ".join((*row.name, row.verdict, _state(row), leaning(row.direction))).casefold()
