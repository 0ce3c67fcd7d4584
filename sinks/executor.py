"""Approved tickets become orders: recorded before they are sent, followed until they end, never sent twice."""

from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Annotated

from msgspec import Meta
from reactivex import Observable

from pipeline.evidence import Dispute, Inquiry, Lost, Reconciled, Statement, Terms, Unsent, Verdict, Written
from pipeline.host import Host
from pipeline.orders import answered, moved, prepared, sent, unsent
from pipeline.parts import Derived, sink
from pipeline.steps import woken
from pipeline.times import slot_of
from pipeline.values import ENDED, Ack, Approved, Arming, Latch, Leaving, Order, Past, Reject, Settlement, Slept

Seconds = Annotated[int, Meta(ge=0, le=3600)]
Heard = Approved | Ack | Reject | Unsent | Lost | Settlement | Statement | Past | Written | Latch | Arming | Verdict
Told = Order | Inquiry | Reconciled | Dispute


@sink
class Executor:
    """Sends approved tickets to their account's venue and follows each until it is settled.

    The intent is in the ledger before the order is sent. An order without an answer after `answer_seconds`, or without
    a settlement `settle_seconds` after its expiry, becomes UNKNOWN: its key is frozen until the venue tells what
    became of it. A ticket that could be sent only with less than `entry_cutoff_seconds` left in its slot is not sent.
    """

    entry_cutoff_seconds: Seconds = 5
    answer_seconds: Annotated[int, Meta(ge=1, le=600)] = 10
    settle_seconds: Annotated[int, Meta(ge=1, le=3600)] = 30
    terms: Annotated[Mapping[str, Terms], Derived] = field(default_factory=dict[str, Terms])

    def __call__(
        self,
        host: Host,
        approved: Observable[Approved],
        replies: Observable[Ack | Reject | Unsent | Lost | Settlement | Statement],
        past: Observable[Past | Written | Latch | Arming | Verdict],
        clock: Observable[Slept | Leaving],
    ) -> Observable[Order | Inquiry | Reconciled | Dispute]:
        return woken(lambda: Desk(self, host), "executor", clock, past, replies, approved)


class Desk:
    """The orders that have not ended, and by when each must be heard of."""

    def __init__(self, executor: Executor, host: Host) -> None:
        self._executor = executor
        self._host = host
        self._orders: dict[str, Order] = {}
        self._deadlines: dict[str, int] = {}

    @property
    def due(self) -> int | None:
        return min(self._deadlines.values(), default=None)

    def take(self, item: Heard | Slept | Leaving, at: int) -> Iterator[Told]:
        match item:
            case Approved():
                yield from self._prepare(item, at)
            case Written():
                yield from self._written(item, at)
            case Past():
                yield from self._resume(item, at)
            case Ack() | Reject() | Settlement():
                yield from self._answer(item, at)
            case _:
                pass

    def wake(self, at: int) -> Iterator[Told]:
        for name in [name for name, deadline in self._deadlines.items() if deadline <= at]:
            silent = self._orders[name]
            if silent.state == "SEND":
                yield self._keep(moved(silent, "UNKNOWN", at, "no answer from the venue in time"))
            else:
                yield self._keep(moved(silent, "CONFIRM_RETRY", at, "no settlement from the venue in time"))

    def _prepare(self, approved: Approved, at: int) -> Iterator[Order]:
        order = prepared(approved, self._host.flow)
        if refused := self._refused(order, at):
            yield unsent(order, at, refused)
            return
        kept = self._host.ledger.intend(order)
        yield self._keep(order)
        if kept is not None:
            yield from self._written(Written(order.order, kept), at)

    def _written(self, written: Written, at: int) -> Iterator[Order]:
        order = self._orders.get(written.order)
        if order is None or order.state != "PREPARE":
            return
        if not written.fresh:
            yield self._keep(unsent(order, at, "an order for this bar was already sent"))
        elif refused := self._refused(order, at):
            yield self._keep(unsent(order, at, refused))
        else:
            yield self._keep(sent(order, at))

    def _refused(self, order: Order, at: int) -> str:
        """Why an order is not sent at a moment; nothing when it may be."""
        left = slot_of(order.wanted_at, order.tf) + order.tf - at
        if left <= 0:
            return f"its slot ended {-left / 1000:g} s ago"
        if left < self._executor.entry_cutoff_seconds * 1000:
            return f"only {left / 1000:g} s left in the slot"
        return ""

    def _resume(self, past: Past, at: int) -> Iterator[Order]:
        """Orders of an earlier run: one that was being sent may have arrived or not."""
        for order in past.orders:
            if order.state in ("PREPARE", "SEND", "SEND_RETRY"):
                yield self._keep(moved(order, "UNKNOWN", at, "the program ended while it was being sent"))
            elif order.state not in ENDED:
                yield self._keep(order)

    def _answer(self, reply: Ack | Reject | Settlement, at: int) -> Iterator[Order]:
        order = self._orders.get(reply.order)
        after = answered(order, reply, at) if order is not None else None
        if after is not None:
            yield self._keep(after)

    def _keep(self, order: Order) -> Order:
        self._deadlines.pop(order.order, None)
        if order.state in ENDED:
            self._orders.pop(order.order, None)
            return order
        self._orders[order.order] = order
        if order.state == "SEND":
            self._deadlines[order.order] = order.at + self._executor.answer_seconds * 1000
        elif order.state == "CONFIRM":
            self._deadlines[order.order] = order.expiry + self._executor.settle_seconds * 1000
        return order
