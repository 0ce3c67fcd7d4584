"""Decisions and orders into the ledger."""

from collections.abc import Iterator

from reactivex import Observable

from pipeline.host import Host
from pipeline.parts import sink
from pipeline.steps import woken
from pipeline.values import Decisions, Dropped, Order

SOON = 250
"""Decisions are on disk this many ms of the flow's time after they were made, at the latest; orders at once."""


@sink
class Store:
    """Writes every decision row and everything that becomes of an order into the flow's ledger (SQLite)."""

    def __call__(self, host: Host, decisions: Observable[Decisions], orders: Observable[Order]) -> Observable[Dropped]:
        return woken(lambda: Writing(host), "store", decisions, orders)


class Writing:
    """What was given and is not yet on disk."""

    def __init__(self, host: Host) -> None:
        self._ledger = host.ledger
        self.due: int | None = None

    def take(self, item: Decisions | Order, at: int) -> Iterator[Dropped]:
        if isinstance(item, Order):
            self._ledger.follow(item)
        else:
            self._ledger.decide(item)
            self.due = self.due or at + SOON
        yield from ()

    def wake(self, at: int) -> Iterator[Dropped]:
        self._ledger.commit()
        self.due = None
        yield from ()
