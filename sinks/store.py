"""Decisions, orders, outcomes, stops and the lives of keys into the ledger."""

from collections.abc import Iterator

from reactivex import Observable

from pipeline.evidence import Audited, Called, Cash, Dispute, Reconciled, Standing, Trouble, Unclosed
from pipeline.host import Host
from pipeline.metering import Meters, Offers
from pipeline.parts import sink
from pipeline.steps import woken
from pipeline.values import Certificate, Decisions, Dropped, Latch, Life, Order, Outcomes, Payouts

SOON = 250
"""Decisions and outcomes are on disk this many ms of the flow's time after they came, at the latest; all else at once.
"""


Certain = Reconciled | Dispute | Unclosed | Certificate | Audited | Cash
Kept = Decisions | Order | Outcomes | Latch | Life | Certain | Payouts | Standing | Trouble | Called


@sink
class Store:
    """Writes every decision row, what each bar would have paid and all that becomes of an order into the flow's ledger.

    The ledger is an SQLite file. A stop that a guard sets is on disk before anything more is decided. Except in replays
    it also keeps how each account and its connection fare, minute by minute, and what venues pay.
    """

    def __call__(
        self,
        host: Host,
        decisions: Observable[Decisions],
        orders: Observable[Order],
        outcomes: Observable[Outcomes],
        latches: Observable[Latch],
        certainty: Observable[Certain],
        payouts: Observable[Payouts],
        connections: Observable[Standing | Trouble | Called],
        lives: Observable[Life],
    ) -> Observable[Dropped]:
        told = (decisions, orders, outcomes, latches, lives, certainty, payouts, connections)
        return woken(lambda: Writing(host), "store", *told)


class Writing:
    """What was given and is not yet on disk."""

    def __init__(self, host: Host) -> None:
        self._ledger = host.ledger
        self._measures = host.mode != "replay"
        self._meters, self._offers = Meters(), Offers()
        self._soon: int | None = None

    @property
    def due(self) -> int | None:
        first, second = self._soon, self._meters.due
        return second if first is None else first if second is None else min(first, second)

    def take(self, item: Kept, at: int) -> Iterator[Dropped]:
        match item:
            case Order():
                self._ledger.follow(item)
                if self._measures:
                    self._meters.take(item, at)
            case Latch():
                self._ledger.latch(item)
            case Reconciled() | Dispute() | Unclosed() | Certificate() | Audited() | Cash() | Life():
                self._ledger.note(item)
            case Decisions():
                self._ledger.decide(item)
                self._soon = self._soon or at + SOON
            case Outcomes():
                self._ledger.outcome(item)
                self._soon = self._soon or at + SOON
            case Standing() | Trouble() | Called():
                if self._measures:
                    self._meters.tell(item, at)
            case Payouts():
                if self._measures:
                    self._offers.take(item)
                    self._soon = self._soon or at + SOON
        yield from ()

    def wake(self, at: int) -> Iterator[Dropped]:
        if self._soon is not None and at >= self._soon:
            for offered in self._offers.given():
                self._ledger.note(offered)
            self._ledger.commit()
            self._soon = None
        for measured in self._meters.measure(at):
            self._ledger.note(measured)
        yield from ()
