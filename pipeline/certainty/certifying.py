"""Certificates of accounts: after the first complete pass of a life, daily, on request, and when something is amiss.

A pass is complete when the executor says so (`Reconciled`) of what the venue listed (`Statement`); until then an order
may be on its way. One that nobody knows the fate of puts a certificate off for a while, unless somebody asked for it.
A certificate that is made again within the day, because something amiss came or went, begins where the one before it
did. Money that is missing, or too much, is looked for with every pass; the same amount in two of them calls
for one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from pipeline.certainty.balancing import NOTHING, Book, amiss
from pipeline.evidence import Cash, Dispute, Reconciled, Request, Statement
from pipeline.times import DAY, MINUTE
from pipeline.values import Certificate, Order, Past

PATIENCE = 10 * MINUTE
"""How long a certificate waits for what becomes of orders."""


@dataclass
class Desk:
    """An account's book, and when its next certificate is wanted."""

    book: Book
    passed: int = -1
    """As of when the last pass was complete."""
    judged: int = -1
    asked: bool = False
    odd: bool = False
    """Whether something came that does not belong: a contract of somebody else's, a contradiction."""
    off: Decimal = NOTHING
    """How much more than is accounted for the account held at the last pass, and since which one."""
    off_from: int = -1
    wanted_from: int | None = None
    last: Certificate | None = None
    """Of this life."""

    def due(self, as_of: int) -> bool:
        """Whether a new certificate is to be given; a new life begins with one."""
        if self.asked:
            return True
        if self.last is not None and self.last.as_of // DAY >= as_of // DAY:
            return False
        self.wanted_from = as_of if self.wanted_from is None else self.wanted_from
        return not self.book.unsure or as_of >= self.wanted_from + PATIENCE

    def doubted(self, statement: Statement) -> bool:
        """Whether the last certificate may not hold any more."""
        off, as_of = self.book.off(statement), statement.as_of
        if off != self.off:
            self.off, self.off_from = off, as_of
        if self.last is None:
            return False
        if self.odd or not self.last.sound:
            return True
        stands = as_of - self.off_from
        return bool(off) and (stands >= PATIENCE if self.book.unsure else stands > 0)


class Certifying:
    """The books of those accounts whose venues list contracts."""

    due: int | None = None

    def __init__(self, accounts: frozenset[str]) -> None:
        self._desks = {name: Desk(Book(name)) for name in sorted(accounts)}

    def take(
        self, item: Statement | Reconciled | Dispute | Order | Past | Request, at: int
    ) -> Iterator[Certificate | Cash]:
        if isinstance(item, Past):
            self._remember(item)
            return
        if isinstance(item, Request):
            for name, desk in self._desks.items():
                desk.asked |= item.what == "reconcile" and item.account in ("", name)
            return
        desk = self._desks.get(item.account)
        if desk is None:
            return
        match item:
            case Order():
                desk.book.follow(item)
                desk.odd |= item.origin == "external"
            case Dispute():
                desk.book.disputes.append(item)
                desk.odd = True
            case Statement() if not item.fault:
                yield from desk.book.read(item)
                yield from _judged(desk, at)
            case Statement():
                pass
            case Reconciled():
                desk.passed = item.until
                yield from _judged(desk, at)

    def wake(self, at: int) -> Iterator[Certificate | Cash]:
        yield from ()

    def _remember(self, past: Past) -> None:
        """What the ledger knew: orders, sums, and the certificates that these go on from."""
        for name, desk in self._desks.items():
            desk.book.gained = past.earlier_profit.get(name, desk.book.gained)
        for order in past.orders:
            desk = self._desks.get(order.account)
            if desk is not None and order.order not in desk.book.orders:  # the executor heard of it first, and spoke
                desk.book.follow(order)
        for account, reference, _, amount in past.cash:
            if account in self._desks:
                self._desks[account].book.cash[reference] = amount
        for certificate in past.certificates:
            if certificate.account in self._desks:
                self._desks[certificate.account].book.close(certificate)


def _judged(desk: Desk, at: int) -> Iterator[Certificate]:
    """A certificate, when a complete pass over the last statement calls for one."""
    statement = desk.book.statement
    if statement is None or desk.passed != statement.as_of or desk.judged == statement.as_of:
        return
    desk.judged = statement.as_of
    doubted = desk.doubted(statement)
    if desk.due(statement.as_of):
        if desk.last is not None:
            desk.book.close(desk.last)
        desk.asked, desk.wanted_from = False, None
        made = desk.book.certificate(statement, at)
    elif desk.last is not None and doubted:
        made = desk.book.certificate(statement, at)
        if amiss(made) == amiss(desk.last):
            return
    else:
        return
    desk.odd = False
    desk.last = made
    desk.book.first = desk.book.first or made
    yield made
