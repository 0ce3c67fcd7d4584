"""Orders, the newest first; those of which nobody knows whether there is a contract stand above all others."""

from collections.abc import Callable, Hashable, Iterable
from typing import ClassVar, Literal

from pipeline.states import ENDED, UNSURE
from pipeline.told.orders import OrderRow
from tui.painted import Frame
from tui.shell import Shell
from tui.table import Column, Table
from tui.trades.blotter import Blotter
from tui.trades.cells import (
    Accounts,
    profit_style,
    profit_text,
    result_style,
    result_text,
    side_style,
    side_text,
    spaced,
)
from tui.trades.contracts import OLD, why_empty
from tui.words import age_text, money

Which = Literal["", "won", "lost", "open", "unknown"]
WHICH: tuple[Which, ...] = ("", "won", "lost", "open", "unknown")
NEAR = 20
"""So many rows from the end of those listed the page behind is asked for."""


class OrdersTable(Table[OrderRow]):
    """Orders of the day, or of all (`d`), the newest first. UNKNOWN ones stand on top: nobody knows whether there is a
    contract, or how it ended, and only evidence from the venue ends that. `f` shows one outcome only; `n`, or going to
    the end, asks for more.

    There is no ticket here, and no way to buy: orders come from the flow alone.
    """

    NAME: ClassVar[str] = "Orders"
    hertz = 4.0

    def __init__(self, shell: Shell, place: str, blotter: Blotter, accounts: Accounts) -> None:
        super().__init__(shell, place)
        self._blotter, self._accounts = blotter, accounts
        self._all = self._columns_of(telling=False), self._columns_of(telling=True)
        self.which: Which = ""
        self.of_all = False
        """Orders of all days."""
        self._newest: Hashable = None
        """The first row, while the cursor is on it."""

    def version(self) -> object:
        return self._blotter.version, self.which, self._accounts.telling

    def rows(self) -> Iterable[OrderRow]:
        unknown = self._blotter.unknown
        above = {row.order for row in unknown}
        rows = [*unknown, *(row for row in self._blotter.listed if row.order not in above)]
        return [row for row in rows if _is(row, self.which)] if self.which else rows

    def key(self, row: OrderRow) -> Hashable:
        return row.order

    def columns(self) -> tuple[Column[OrderRow], ...]:
        return self._all[self._accounts.telling]

    def show_next(self) -> None:
        """The next outcome alone; after the last all."""
        self.which = WHICH[(WHICH.index(self.which) + 1) % len(WHICH)]
        self.look()

    def frame(self, width: int, height: int) -> Frame:
        """Who looks at the newest order goes on looking at the newest."""
        if self._newest is not None and self.chosen == self._newest and not self.sorted_by:
            self.chosen = None
        frame = super().frame(width, height)
        row = self.row
        self._newest = self.key(row) if row is not None and row is self.shown[0] else None
        return frame

    @property
    def near_end(self) -> bool:
        """Whether one looks at the last rows of those that were asked for; a filter asks for none by itself."""
        if self.words or self.which or self.sorted_by:
            return False
        return self.row is not None and self.row in self.shown[-NEAR:]

    def title(self, shown: int, total: int) -> str:
        if not self._blotter.told:
            return self.NAME
        listed = len(self._blotter.listed)
        of = f"{spaced(listed)} of {spaced(self._blotter.total)}" if self._blotter.next else spaced(listed)
        name = f"{self.NAME} {'of all days' if self.of_all else 'today'} {of}"
        return f"{name} · {self.which or 'shown'} {spaced(shown)}" if self.which or self.words else name

    def subtitle(self) -> str:
        age = self.now() - self._blotter.at
        if self._blotter.why and self._blotter.told:
            return f"{age_text(age)} old: {self._blotter.why}"
        more = "n more" if self._blotter.next else ""
        return " · ".join(part for part in (more, f"{age_text(age)} old" if age > OLD else "") if part)

    def empty(self) -> str:
        if why := why_empty(self.shell, self._blotter):
            return why
        if self.which and self._blotter.listed:
            return f"none of the {spaced(len(self._blotter.listed))} orders listed is {self.which}; f shows others"
        return (
            "no order yet; the flow orders when a bar passes all its gates"
            if self.of_all
            else ("no order today; d shows those of all days")
        )

    def ground(self, row: OrderRow) -> str:
        return "raised" if row.status in UNSURE else "text"

    def _columns_of(self, *, telling: bool) -> tuple[Column[OrderRow], ...]:
        accounts = self._accounts
        kind = Column[OrderRow](
            "money", 8, lambda row: accounts.kind(row.account), lambda row: accounts.style(row.account)
        )
        return (
            Column("time", 12, self._time, _unsure("second"), goes=1, sort=lambda row: row.began),
            Column("account", 7, lambda row: row.account, self._owner, most=14),
            *([kind] if telling else []),
            Column("product", 7, lambda row: row.product, _unsure("text"), most=12),
            Column("tf", 3, lambda row: row.timeframe, _unsure("text"), goes=3),
            Column("side", 6, side_text, side_style),
            Column("stake", 7, lambda row: money(row.stake), _unsure("text"), right=True, most=12),
            Column("result", 9, result_text, result_style),
            Column("P/L", 8, profit_text, profit_style, right=True, most=12),
            Column("entry → exit", 19, _prices, lambda _: "second", goes=5),
            Column("state", 7, lambda row: row.status, _unsure("dim"), goes=4, most=14),
            Column("cause", 8, cause_text, _unsure("dim"), goes=6, most=20),
            Column("request", 20, lambda row: row.request or "─", lambda _: "dim", goes=7),
        )

    def _owner(self, row: OrderRow) -> str:
        return self._accounts.style(row.account)

    def _time(self, row: OrderRow) -> str:
        if self.of_all:
            return self.shell.time(row.began, "%m-%d %H:%M")
        return f"{self.shell.time(row.began)}.{row.began % 1000:03d}"


def cause_text(row: OrderRow) -> str:
    """Why it came to nothing, or what is said of where it stands."""
    return ": ".join(part for part in (row.cause.replace("_", " "), row.reason) if part) or "─"


def _unsure(otherwise: str) -> Callable[[OrderRow], str]:
    return lambda row: "wrong" if row.status in UNSURE else otherwise


def _is(row: OrderRow, which: Which) -> bool:
    match which:
        case "won":
            return row.status == "SETTLED" and row.result == "win"
        case "lost":
            return row.status == "SETTLED" and row.result == "lose"
        case "open":
            return row.status not in ENDED and row.status not in UNSURE
        case "unknown":
            return row.status in UNSURE
        case "":
            return True


def _prices(row: OrderRow) -> str:
    entry = row.entry if row.entry is not None else row.seen_entry
    if entry is None:
        return "─"
    about = "" if row.entry is not None else "~"
    return f"{about}{entry:.8g} → {'…' if row.exit is None else f'{row.exit:.8g}'}"
