"""Decisions, orders, outcomes and stops into the ledger."""

from collections.abc import Iterator

from reactivex import Observable

from pipeline.evidence import Audited, Cash, Dispute, Noted, Reconciled
from pipeline.host import Host
from pipeline.parts import sink
from pipeline.steps import woken
from pipeline.values import Certificate, Decisions, Dropped, Latch, Order, Outcomes

SOON = 250
"""Decisions and outcomes are on disk this many ms of the flow's time after they came, at the latest; all else at once.
"""


@sink
class Store:
    """Writes every decision row, what each bar would have paid and all that becomes of an order into the flow's ledger.

    The ledger is an SQLite file. A stop that a guard sets is on disk before anything more is decided.
    """

    def __call__(
        self,
        host: Host,
        decisions: Observable[Decisions],
        orders: Observable[Order],
        outcomes: Observable[Outcomes],
        latches: Observable[Latch],
        certainty: Observable[Reconciled | Dispute | Certificate | Audited | Cash],
    ) -> Observable[Dropped]:
        return woken(lambda: Writing(host), "store", decisions, orders, outcomes, latches, certainty)


class Writing:
    """What was given and is not yet on disk."""

    def __init__(self, host: Host) -> None:
        self._ledger = host.ledger
        self.due: int | None = None

    def take(self, item: Decisions | Order | Outcomes | Latch | Noted, at: int) -> Iterator[Dropped]:
        match item:
            case Order():
                self._ledger.follow(item)
            case Latch():
                self._ledger.latch(item)
            case Reconciled() | Dispute() | Certificate() | Audited() | Cash():
                self._ledger.note(item)
            case Decisions():
                self._ledger.decide(item)
                self.due = self.due or at + SOON
            case Outcomes():
                self._ledger.outcome(item)
                self.due = self.due or at + SOON
        yield from ()

    def wake(self, at: int) -> Iterator[Dropped]:
        self._ledger.commit()
        self.due = None
        yield from ()
