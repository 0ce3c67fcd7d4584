"""Approved tickets become orders: recorded before they are sent, followed until they end, never sent twice."""

from collections.abc import Mapping
from dataclasses import field
from typing import Annotated, ClassVar

from msgspec import Meta
from reactivex import Observable

from pipeline.evidence import (
    Closing,
    Declined,
    Dispute,
    Inquiry,
    Lost,
    Reconciled,
    Request,
    Statement,
    Terms,
    Unclosed,
    Unsent,
    Verdict,
    Written,
)
from pipeline.execution.desk import Desk
from pipeline.execution.manner import Manner
from pipeline.host import Host
from pipeline.parts import Derived, sink
from pipeline.steps import woken
from pipeline.times import SECOND
from pipeline.values import Ack, Approved, Arming, Latch, Leaving, Order, Past, Reject, Settlement, Slept, Switched

Seconds = Annotated[int, Meta(ge=1, le=3600)]


@sink
class Executor:
    """Sends approved tickets to their account's venue and follows each until evidence has ended it.

    The intent is in the ledger before the order is sent, and just before it leaves everything is asked again: the time
    left in its slot, stops, arming, what is not known of the account. An order of which nobody knows whether it arrived
    is UNKNOWN: it is asked for, and its key is frozen until the venue tells what became of it, or lists all it has
    twice without it. Only what certainly did not leave is tried again. See docs/orders.md.
    """

    entry_cutoff_seconds: Annotated[
        int, Meta(ge=0, le=3600, description="nothing is sent with less left in its slot")
    ] = 5
    answer_seconds: Annotated[
        int, Meta(ge=1, le=600, description="without an answer within it, what became of an order is not known")
    ] = 10
    settle_seconds: Annotated[
        Seconds, Meta(description="a contract's end that is not told so long after its expiry is asked for")
    ] = 30
    ask_seconds: Annotated[Seconds, Meta(description="how often the venue is asked while something is in doubt")] = 5
    reconcile_seconds: Annotated[
        Seconds, Meta(description="how often it is asked what the account holds when all is quiet; not in a replay")
    ] = 60
    unknown_seconds: Annotated[
        Seconds, Meta(description="so long an overdue end is asked for until it counts as unknown")
    ] = 600
    retry_ms: Annotated[
        int, Meta(ge=1, le=60_000, description="the wait before a try after one that did not leave; it doubles")
    ] = 250
    retries: Annotated[int, Meta(ge=0, le=10, description="how often it is tried again at the most")] = 3
    max_unknown: Annotated[
        int, Meta(ge=1, le=100, description="with so many orders of unknown outcome an account sends nothing")
    ] = 2
    terms: Annotated[Mapping[str, Terms], Derived] = field(default_factory=dict[str, Terms])
    takes_over: ClassVar[bool] = True
    """Another executor in its place goes on with the orders that it follows."""

    def __call__(
        self,
        host: Host,
        approved: Observable[Approved | Latch],
        replies: Observable[Ack | Reject | Unsent | Lost | Declined | Settlement | Statement],
        past: Observable[Past | Written | Latch | Switched | Arming | Verdict | Request],
        clock: Observable[Slept | Leaving],
    ) -> Observable[Order | Inquiry | Closing | Reconciled | Dispute | Unclosed]:
        manner = self._manner(replay=host.mode == "replay")
        return woken(lambda: Desk(self.terms, manner, host), "executor", clock, past, replies, approved)

    def _manner(self, *, replay: bool) -> Manner:
        return Manner(
            cutoff=self.entry_cutoff_seconds * SECOND,
            answer=self.answer_seconds * SECOND,
            settle=self.settle_seconds * SECOND,
            ask=self.ask_seconds * SECOND,
            reconcile=0 if replay else self.reconcile_seconds * SECOND,
            unknown=self.unknown_seconds * SECOND,
            retry=self.retry_ms,
            retries=self.retries,
            most_unknown=self.max_unknown,
        )
