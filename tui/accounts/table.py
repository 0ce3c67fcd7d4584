"""Every account on one row: whose money, how it stands, what it has, and how much of its limits is used."""

from collections.abc import Hashable, Iterable
from typing import ClassVar

from pipeline.told.accounts import AccountsTold, AccountWhole, Bound
from pipeline.view import AccountRow
from tui.asking import Answer
from tui.palette import CALL, ENGINE, KILLED, PUT, WARNING, side
from tui.shell import Shell
from tui.table import Column, Table
from tui.words import age_text, count_text, gain, money

BAR = 6
EIGHTHS = " ▏▎▍▌▋▊▉"
NEAR = 0.8
"""A limit of which so much is used is one to look at."""
OLD = 6.0


class WholeAccounts(Table[AccountWhole]):
    """Accounts. `limit` is the daily limit that is used most: of the loss a day may cost, of trades, of a target.

    A win rate is whole or not there. After `^y` keys change something: `s` starts or stops all keys of the account, `x`
    stops it by the kill switch, `r` releases it, `l` has it log in again. `a` says how real money is armed.
    """

    NAME: ClassVar[str] = "Accounts"
    hertz = 2.0

    def __init__(self, shell: Shell, place: str, answer: Answer[AccountsTold]) -> None:
        super().__init__(shell, place)
        self._answer = answer
        self._life = Column[AccountWhole]("last", 8, lambda row: shell.time(row.last_trade_ms), _dim, goes=5)
        self._since = Column[AccountWhole]("since", 8, lambda row: shell.time(row.since_ms), _dim, goes=7)

    def version(self) -> object:
        status = self.store.status
        return self._answer.version, status.accounts if status is not None else None

    def rows(self) -> Iterable[AccountWhole]:
        if self._answer.value is not None:
            return self._answer.value.accounts
        return [_short(row) for row in self.store.status.accounts] if self.store.status is not None else ()

    def key(self, row: AccountWhole) -> Hashable:
        return row.id

    def columns(self) -> tuple[Column[AccountWhole], ...]:
        if not self._all:
            self._all = (*COLUMNS[:5], self._since, *COLUMNS[5:-1], self._life, COLUMNS[-1])
        return self._all

    def title(self, shown: int, total: int) -> str:
        killed = self.store.status is not None and self.store.status.state == "KILLED"
        return super().title(shown, total) + (f" · {KILLED} everybody is stopped" if killed else "")

    def subtitle(self) -> str:
        if self._answer.value is None:
            return self._answer.why
        age = self.now() - self._answer.at
        why = f"{self._answer.why} · " if self._answer.why else ""
        return f"{why}{age_text(age)} old" if age > OLD or why else ""

    def empty(self) -> str:
        if self.store.status is None:
            return self.store.why or "asking for the accounts"
        return "this flow has no account; a table [accounts.NAME] in its file makes one"

    _all: tuple[Column[AccountWhole], ...] = ()


def kind_of(row: AccountWhole) -> str:
    """Whose money it is, in a word."""
    return "rehearsal" if row.rehearsal else "REAL" if row.money == "real" else row.money


def state_of(row: AccountWhole) -> tuple[str, str]:
    """What keeps an account from trading, before all else; and the style of that."""
    if row.stopped:
        return f"{KILLED} STOPPED", "wrong"
    if row.standing != "CONNECTED":
        return f"{WARNING} {row.standing}", "wrong" if row.standing == "REFUSED" else "warn"
    if row.money == "real" and not row.armed:
        return f"{ENGINE} not armed", "second"
    return f"{ENGINE} UP", "up"


def worst_of(row: AccountWhole) -> Bound | None:
    """The limit that is used most; not what is open, which has a column of its own."""
    return max((each for each in row.bounds if each.what != "open"), key=lambda each: each.share, default=None)


def used(bound: Bound, cells: int = BAR) -> str:
    """How much of a limit is used, as a bar."""
    whole, rest = divmod(round(min(1.0, max(0.0, bound.share)) * cells * 8), 8)
    return ("█" * whole + EIGHTHS[rest].strip()).ljust(cells, "·")


def used_style(bound: Bound | None) -> str:
    if bound is None:
        return "dim"
    return "wrong" if bound.share >= 1 else "warn" if bound.share >= NEAR else "text"


def _short(row: AccountRow) -> AccountWhole:
    """As much as the status says of an account."""
    return AccountWhole(
        id=row.name,
        venue=row.venue,
        money=row.money,
        currency=row.currency,
        user={},
        standing=row.standing or "CONNECTED",
        since_ms=0,
        reason="",
        last_login_ms=0,
        balance=row.balance,
        day_profit=row.day_profit,
        open=row.open,
        keys=row.keys,
        armed=row.armed,
        armed_until=row.armed_until,
        rehearsal=row.rehearsal,
        stopped=row.stopped,
    )


def _dim(row: AccountWhole) -> str:
    return "dim"


def _limit(row: AccountWhole) -> str:
    bound = worst_of(row)
    return "─" if bound is None else f"{used(bound)} {bound.share * 100:.0f} % of {money(bound.most)}"


def _day(row: AccountWhole) -> str:
    leans = gain(row.day_profit)
    return f"{CALL if leans > 0 else PUT if leans < 0 else ' '} {money(row.day_profit)}"


COLUMNS = (
    Column[AccountWhole]("account", 7, lambda row: row.id, lambda row: "bright", most=14),
    Column[AccountWhole]("type", 9, kind_of, lambda row: "real" if kind_of(row) == "REAL" else "second"),
    Column[AccountWhole]("venue", 6, lambda row: row.venue, lambda row: "second", goes=6, most=12),
    Column[AccountWhole]("state", 13, lambda row: state_of(row)[0], lambda row: state_of(row)[1]),
    Column[AccountWhole]("", 3, lambda row: row.currency, lambda row: "dim", goes=8),
    Column[AccountWhole]("balance", 10, lambda row: money(row.balance), right=True, most=16),
    Column[AccountWhole]("day", 9, _day, lambda row: side(gain(row.day_profit)), right=True, most=14),
    Column[AccountWhole]("limit", 24, _limit, lambda row: used_style(worst_of(row)), goes=2, most=32),
    Column[AccountWhole]("open", 4, lambda row: str(row.open) if row.open else "─", right=True, goes=1),
    Column[AccountWhole]("keys", 4, lambda row: str(row.keys), right=True, goes=3),
    Column[AccountWhole]("trades", 6, lambda row: count_text(row.trades) if row.trades else "─", right=True, goes=4),
    Column[AccountWhole]("win rate", 66, lambda row: row.win_rate_text or "─", goes=9),
)
