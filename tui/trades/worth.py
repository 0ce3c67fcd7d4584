"""What contracts that run are worth by the last price, and what is at stake: sums within one kind of money only."""

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from pipeline.gains import profit_of
from pipeline.states import UNSURE
from pipeline.times import duration
from pipeline.told.orders import OrderRow
from pipeline.view import AccountRow, PriceRow

NOTHING = Decimal(0)
REAL = "REAL"


class Purse(NamedTuple):
    """Money that may be added up."""

    kind: str
    currency: str


class Running(NamedTuple):
    """A contract that runs, seen at a moment."""

    row: OrderRow
    entry: float | None
    now: float | None
    digits: int
    old: bool
    """The price is too old to go by."""
    left: int
    """Milliseconds until it ends; below zero when its end is overdue, and meaningless before there is a contract."""
    part: float
    """Of its time, what has passed."""
    estimate: Decimal | None
    """What it would come to if it ended at this price; None where nobody can say, a tie being one such case."""


class Sum(NamedTuple):
    """What contracts that run may come to, of one purse."""

    purse: Purse
    running: int
    stake: Decimal
    best: Decimal
    unknown: int
    doubtful: Decimal
    """The stakes of orders of which nobody knows whether there is a contract."""


def kind_of(account: AccountRow | None) -> str:
    """Whose money it is, in a word; real money in capitals, and nothing else."""
    if account is None:
        return "unknown"
    if account.money == "real":
        return "rehearsal" if account.rehearsal else REAL
    return account.money


def purse_of(row: OrderRow, accounts: Mapping[str, AccountRow]) -> Purse:
    account = accounts.get(row.account)
    return Purse(kind_of(account), account.currency if account is not None else "")


def running(row: OrderRow, price: PriceRow | None, clock: int) -> Running:
    """A contract by the last price of its product."""
    entry = row.entry if row.entry is not None else row.seen_entry
    now = price.mid if price is not None else None
    left = row.expiry - clock if row.expiry else 0
    part = min(1.0, max(0.0, 1 - left / _length(row))) if row.expiry else 0.0
    old = price is None or price.state in ("stale", "closed")
    digits = price.digits if price is not None else 5
    return Running(row, entry, now, digits, old, left, part, _estimate(row, entry, now))


def sums(rows: Iterable[OrderRow], accounts: Mapping[str, AccountRow]) -> list[Sum]:
    """Purse by purse, real money first."""
    found: dict[Purse, Sum] = {}
    for row in rows:
        purse = purse_of(row, accounts)
        before = found.get(purse) or Sum(purse, 0, NOTHING, NOTHING, 0, NOTHING)
        stake = amount(row.stake)
        if row.status in UNSURE:
            found[purse] = before._replace(unknown=before.unknown + 1, doubtful=before.doubtful + stake)
        else:
            found[purse] = before._replace(
                running=before.running + 1,
                stake=before.stake + stake,
                best=before.best + profit_of("win", stake, row.payout),
            )
    return [found[purse] for purse in sorted(found, key=lambda purse: (purse.kind != REAL, purse))]


def amount(text: str) -> Decimal:
    """Money as it was told; nothing where that is no number."""
    try:
        return Decimal(text)
    except InvalidOperation:
        return NOTHING


def _length(row: OrderRow) -> int:
    """For how long it runs, in ms. What somebody else placed may be of any length."""
    try:
        length = duration(row.timeframe)
    except ValueError:
        length = 0
    return length or max(1, row.expiry - row.began)


def _estimate(row: OrderRow, entry: float | None, now: float | None) -> Decimal | None:
    """A tie is the venue's to decide."""
    if entry is None or now is None or not row.contract or entry == now or row.status in UNSURE:
        return None
    won = (now > entry) == (row.direction == "call")
    return profit_of("win" if won else "lose", amount(row.stake), row.payout)
