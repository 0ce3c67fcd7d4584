"""Every movement of money of a book, numbered without a gap, with what was left after it."""

from bisect import bisect_left
from decimal import Decimal
from typing import Protocol

from pipeline.broker.values import Entry, EntryKind
from pipeline.venues.book import NOTHING, Book, Deal, Movement

FIRST = 100_000_001
"""The number of the first line."""


class Keeper(Protocol):
    """Where a book and the lines of its money are written to, both at once."""

    def open(self, account: str, opening: Decimal, entry: Entry) -> None: ...
    def keep(self, deal: Deal, entry: Entry) -> None: ...
    def move(self, movement: Movement, entry: Entry | None) -> None: ...
    def close(self) -> None: ...


class Entries:
    """Follows a book as it is kept, line by line."""

    def __init__(self, keeper: Keeper | None = None, known: list[Entry] | None = None, began: int = 0) -> None:
        self._keeper = keeper
        self._began = began
        self._book = Book()
        self._purses: dict[str, list[Entry]] = {}
        self._balances: dict[str, Decimal] = {}
        self._of: dict[str, list[Entry]] = {}
        self._next = FIRST
        self.fresh: list[Entry] = []
        """Lines that nobody was told of yet."""
        for entry in known or ():
            self._put(entry)
        self.fresh.clear()

    def follow(self, book: Book) -> None:
        """From now on whatever a book keeps is kept here; what it holds already is known."""
        self._book = book
        for account in self._purses:
            self._balances[account] = book.balance(account) or NOTHING
        book.keeping = self

    def of(self, account: str, since: int, until: int) -> list[Entry]:
        """The lines of an account from one moment on, before another."""
        lines = self._purses.get(account, [])
        start, stop = (bisect_left(lines, moment, key=_moment) for moment in (since, until))
        return lines[start:stop]

    def of_contract(self, contract: str) -> list[Entry]:
        return self._of.get(contract, [])

    # --- what a book tells ---

    def open(self, account: str, opening: Decimal) -> None:
        entry = self._line(account, self._began, "deposit", opening, reference="opening")
        if self._keeper is not None:
            self._keeper.open(account, opening, entry)
        self._put(entry)

    def keep(self, deal: Deal) -> None:
        entry = self._line_of(deal)
        if self._keeper is not None:
            self._keeper.keep(deal, entry)
        self._put(entry)

    def move(self, movement: Movement) -> None:
        cash = movement.cash
        kind: EntryKind = "deposit" if cash.amount >= 0 else "withdrawal"
        entry = self._line(movement.account, cash.at, kind, cash.amount, reference=cash.reference)
        if self._keeper is not None:
            self._keeper.move(movement, entry if movement.told else None)
        if movement.told:
            self._put(entry)
        else:
            self._balances[movement.account] = entry.balance_after

    def close(self) -> None:
        if self._keeper is not None:
            self._keeper.close()

    # --- lines ---

    def _line_of(self, deal: Deal) -> Entry:
        end, before = deal.end, self._book.deals.get(deal.contract)  # the book keeps what it was until we have written
        if end is None:
            return self._line(deal.account, deal.accepted_at, "buy", -deal.stake, deal.contract)
        if before is None or before.end is None:
            bought = self._of.get(deal.contract, [])
            reference = bought[0].number if bought else ""
            return self._line(deal.account, end.at, "sell", deal.stake + end.profit, deal.contract, reference)
        return self._line(deal.account, end.at, "adjustment", end.profit - before.end.profit, deal.contract)

    def _line(
        self, account: str, at: int, kind: EntryKind, amount: Decimal, contract: str = "", reference: str = ""
    ) -> Entry:
        after = self._balances.get(account, NOTHING) + amount
        return Entry(str(self._next), account, at, kind, amount, after, contract, reference)

    def _put(self, entry: Entry) -> None:
        self._next = max(self._next, int(entry.number) + 1)
        self._balances[entry.account] = entry.balance_after
        lines = self._purses.setdefault(entry.account, [])
        lines.append(entry)
        if entry.contract:
            self._of.setdefault(entry.contract, []).append(entry)
        self.fresh.append(entry)


def _moment(entry: Entry) -> int:
    return entry.at
