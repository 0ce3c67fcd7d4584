"""What each account's trades came to, and what of it counts today: a fold of orders that settled."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

from pipeline.evidence import Trouble
from pipeline.telemetry.tallies import Book
from pipeline.times import DAY, SECOND
from pipeline.values import Order, Past

KEPT = 2 * DAY
"""Single trades are remembered for so long: a day of any zone lies within it."""


class Today(NamedTuple):
    """The trades of an account since its day began."""

    trades: int
    profit: Decimal


class Results:
    """Of each account by itself: what all of it came to, what lately, and what went wrong with its venue."""

    def __init__(self) -> None:
        self._books: dict[str, Book] = {}
        self._late: dict[str, dict[str, tuple[int, Decimal]]] = {}
        """By account and order: when it was known, and what it brought."""
        self._last: dict[str, int] = {}
        self._troubles: dict[str, dict[str, int]] = {}
        self._latest: dict[str, Trouble] = {}

    def take(self, order: Order) -> None:
        late = self._late.setdefault(order.account, {})
        if order.state != "SETTLED" or order.order in late:
            return
        late[order.order] = order.at, order.profit
        newest = self._last[order.account] = max(self._last.get(order.account, 0), order.at)
        for name in [name for name, (at, _) in late.items() if at < newest - KEPT]:
            del late[name]
        self._books.setdefault(order.account, Book()).take(order)

    def remember(self, past: Past) -> None:
        """What the ledger knows of earlier lives."""
        for order in past.orders:
            self.take(order)

    def went_wrong(self, trouble: Trouble) -> None:
        counts = self._troubles.setdefault(trouble.whose, {})
        counts[trouble.kind] = counts.get(trouble.kind, 0) + 1
        self._latest[trouble.whose] = trouble

    def trades(self, account: str) -> int:
        book = self._books.get(account)
        return 0 if book is None else book.tally.rate.n + book.tally.rate.ties

    def win_rate_text(self, account: str) -> str:
        """Complete: the rate, its interval, its break-even and its n; "" before the first."""
        book = self._books.get(account)
        return "" if book is None else str(book.tally.rate)

    def last(self, account: str) -> int:
        """When the last end of a trade was known; 0: never."""
        return self._last.get(account, 0)

    def today(self, account: str, now: int, zone: ZoneInfo) -> Today:
        began = _midnight(now, zone)
        late = [profit for at, profit in self._late.get(account, {}).values() if at >= began]
        return Today(len(late), sum(late, Decimal(0)))

    def troubles(self, account: str) -> dict[str, int]:
        """How often what went wrong with its venue, by kind, since the start."""
        return dict(self._troubles.get(account, {}))

    def trouble(self, account: str) -> str:
        """What went wrong last."""
        latest = self._latest.get(account)
        return "" if latest is None else latest.what


def _midnight(now: int, zone: ZoneInfo) -> int:
    local = datetime.fromtimestamp(now / SECOND, UTC).astimezone(zone)
    return round(local.replace(hour=0, minute=0, second=0, microsecond=0).timestamp() * SECOND)
