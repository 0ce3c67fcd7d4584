"""Approved tickets become orders: recorded before they are sent, followed until they end, never sent twice."""

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta
from reactivex import Observable

from pipeline.host import Host
from pipeline.orders import answered, moved, sending
from pipeline.parts import sink
from pipeline.steps import woken
from pipeline.times import slot_of
from pipeline.values import ENDED, Ack, Approved, Order, Past, Reject, Settlement

Seconds = Annotated[int, Meta(ge=0, le=3600)]


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

    def __call__(
        self,
        host: Host,
        approved: Observable[Approved],
        replies: Observable[Ack | Reject | Settlement],
        past: Observable[Past],
    ) -> Observable[Order]:
        return woken(lambda: Desk(self, host), "executor", past, replies, approved)


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

    def take(self, item: Approved | Ack | Reject | Settlement | Past, at: int) -> Iterator[Order]:
        match item:
            case Approved():
                yield self._send(item, at)
            case Past():
                yield from self._resume(item, at)
            case _:
                yield from self._answer(item)

    def wake(self, at: int) -> Iterator[Order]:
        for name in [name for name, deadline in self._deadlines.items() if deadline <= at]:
            silent = self._orders[name]
            what = "no answer" if silent.state == "SENDING" else "no settlement"
            yield self._keep(moved(silent, "UNKNOWN", at, f"{what} from the venue in time"))

    def _send(self, approved: Approved, at: int) -> Order:
        order = sending(approved)
        left = slot_of(order.at, order.tf) + order.tf - at
        if left <= 0:
            return self._unsent(order, at, f"its slot ended {-left / 1000:g} s ago")
        if left < self._executor.entry_cutoff_seconds * 1000:
            return self._unsent(order, at, f"only {left / 1000:g} s left in the slot")
        if not self._host.ledger.intend(order):
            return self._unsent(order, at, "an order for this bar was already sent")
        return self._keep(order)

    def _unsent(self, order: Order, at: int, reason: str) -> Order:
        return moved(order, "NOT_SENT", at, reason)

    def _resume(self, past: Past, at: int) -> Iterator[Order]:
        """Orders of an earlier run: one that was being sent may have arrived or not."""
        for order in past.orders:
            if order.state == "SENDING":
                yield self._keep(moved(order, "UNKNOWN", at, "the program ended while it was being sent"))
            elif order.state not in ENDED:
                yield self._keep(order)

    def _answer(self, reply: Ack | Reject | Settlement) -> Iterator[Order]:
        order = self._orders.get(reply.order)
        after = answered(order, reply) if order is not None else None
        if after is not None:
            yield self._keep(after)

    def _keep(self, order: Order) -> Order:
        self._deadlines.pop(order.order, None)
        if order.state in ENDED:
            self._orders.pop(order.order, None)
            return order
        self._orders[order.order] = order
        if order.state == "SENDING":
            self._deadlines[order.order] = order.at + self._executor.answer_seconds * 1000
        elif order.state == "OPEN":
            self._deadlines[order.order] = order.expiry + self._executor.settle_seconds * 1000
        return order
