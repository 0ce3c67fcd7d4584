"""The accounts in a few rows, and below them what there is of each kind of money: never added across kinds."""

from collections.abc import Hashable, Iterable, Iterator
from decimal import Decimal, InvalidOperation
from typing import ClassVar

from pipeline.view import AccountRow
from tui.going import Go
from tui.painted import Frame, Line, Run
from tui.palette import CALL, KILLED, PUT, WARNING, side
from tui.table import Column, Table
from tui.trades.worth import kind_of
from tui.words import fit, gain, money, plain


def state_of(row: AccountRow) -> tuple[str, str]:
    """What an account may do now, and its style: what keeps it from trading comes first."""
    if row.stopped:
        return f"{KILLED} stopped", "wrong"
    if row.standing:
        return f"{WARNING} {row.standing}", "warn"
    if row.armed:
        return "ARMED", "real"
    return ("not armed", "second") if row.money == "real" and not row.rehearsal else ("trades", "text")


class AccountsTable(Table[AccountRow]):
    """Each account: its kind of money, balance, the day's gain, open contracts, keys, and whether it may trade.

    Below, where a kind of money has several accounts, what they have together. `enter` goes to the account.
    """

    NAME: ClassVar[str] = "Accounts"
    hertz = 2.0

    def version(self) -> object:
        return self.store.status.accounts if self.store.status is not None else None

    def rows(self) -> Iterable[AccountRow]:
        return self.store.status.accounts if self.store.status is not None else ()

    def key(self, row: AccountRow) -> Hashable:
        return row.name

    def columns(self) -> tuple[Column[AccountRow], ...]:
        return COLUMNS

    def subtitle(self) -> str:
        return "enter open"

    def empty(self) -> str:
        if self.store.status is None:
            return self.store.why or "asking how the engine fares"
        return "this flow has no account; a table [accounts.NAME] in its file makes one"

    def action_open(self) -> None:
        self.post_message(Go("accounts", self.row.name if self.row is not None else None))

    def frame(self, width: int, height: int) -> Frame:
        totals = list(totals_of(self.rows(), width))
        room = height - len(totals)
        if not totals or room < 1 + len(list(self.rows())):  # the accounts themselves come before their sums
            return super().frame(width, height)
        frame = super().frame(width, room)
        gap = [Line()] * (room - len(frame.lines))
        return frame._replace(lines=[*frame.lines, *gap, *totals])


def totals_of(rows: Iterable[AccountRow], width: int) -> Iterator[Line]:
    """What the accounts of one kind of money and currency have together, where there are several."""
    purses: dict[tuple[str, str], list[AccountRow]] = {}
    for row in rows:
        purses.setdefault((kind_of(row), row.currency), []).append(row)
    for (kind, currency), some in purses.items():
        try:
            balance = sum((Decimal(row.balance) for row in some), Decimal(0))
            day = sum((Decimal(row.day_profit) for row in some), Decimal(0))
        except InvalidOperation:
            continue
        if len(some) > 1:
            head = f"all {kind} {currency} "
            sums = f"{money(str(balance))}  {money(f'{day:+}')} today"
            if len(head) + len(sums) <= width:
                yield Line((Run(fit(plain(head), len(head)), "dim"), Run(sums, side(float(day)))))


def _day(row: AccountRow) -> str:
    leans = gain(row.day_profit)
    return f"{CALL if leans > 0 else PUT if leans < 0 else ' '} {money(row.day_profit)}"


COLUMNS = (
    Column[AccountRow]("account", 7, lambda row: row.name, lambda row: "bright", most=14),
    Column[AccountRow]("type", 9, kind_of, lambda row: "real" if kind_of(row) == "REAL" else "second"),
    Column[AccountRow]("balance", 10, lambda row: money(row.balance), right=True, most=16),
    Column[AccountRow]("", 3, lambda row: row.currency, lambda row: "dim", goes=3),
    Column[AccountRow]("day", 9, _day, lambda row: side(gain(row.day_profit)), right=True, most=14),
    Column[AccountRow]("open", 4, lambda row: str(row.open) if row.open else "─", right=True, goes=1),
    Column[AccountRow]("keys", 4, lambda row: str(row.keys), right=True, goes=2),
    Column[AccountRow]("state", 11, lambda row: state_of(row)[0], lambda row: state_of(row)[1], goes=4),
)
