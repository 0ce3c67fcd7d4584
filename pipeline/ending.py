"""Ending in order: nothing new is sent, what is being sent is waited for, and what stays open is named."""

import asyncio
from typing import Any

from pipeline.flow import CLOCK, Flow
from pipeline.plan import Plan
from pipeline.service import Diagnosis
from pipeline.states import ENDED
from pipeline.values import Leaving, Order, OrderState, Past

LEAVING = frozenset[OrderState]({"PREPARE", "SEND", "SEND_RETRY"})
"""States of an order that is on its way: nobody knows yet what will become of it."""
GRACE = 2
"""Seconds beyond an executor's own patience until an order on its way is UNKNOWN for the ledger, too."""
PUBLISHED = 6
"""Seconds that those who publish get to let go of what is theirs."""


class Unended:
    """The orders of a running flow that have not ended."""

    def __init__(self) -> None:
        self._orders: dict[str, Order] = {}
        self._leaving = 0
        self._waiting: asyncio.Future[None] | None = None
        self._publishing = set[str]()
        self._published = asyncio.Event()

    def told(self, node: str, value: Any) -> None:
        match value:
            case Diagnosis():
                self._publishing.add(node)
                if value.ended:
                    self._publishing.remove(node)
                    self._published.set()
            case Order():
                self._take(value)
            case Past():
                for order in value.orders:
                    self._take(order)
            case _:
                pass

    @property
    def orders(self) -> tuple[Order, ...]:
        """In the order in which they were wanted."""
        return tuple(sorted(self._orders.values(), key=lambda each: (each.wanted_at, each.order)))

    async def none_leaving(self) -> None:
        """Wait until no order is on its way."""
        if self._leaving:
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting

    async def none_publishing(self) -> None:
        """Wait until whoever publishes has let go."""
        while self._publishing:
            self._published.clear()
            await self._published.wait()

    @property
    def leaving(self) -> int:
        """How many orders are on their way."""
        return self._leaving

    def _take(self, order: Order) -> None:
        was = self._orders.pop(order.order, None)
        if order.state not in ENDED:
            self._orders[order.order] = order
        self._leaving += (order.state in LEAVING) - (was is not None and was.state in LEAVING)
        if not self._leaving and self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)


def patience(plan: Plan) -> int:
    """How long (s) the end of a flow is put off at the most, for its orders."""
    waits: list[int] = [getattr(node.instance, "answer_seconds", 0) for node in plan.of("sink")]
    return max(waits, default=0) + GRACE


async def leave(flow: Flow, unended: Unended, *hurried: asyncio.Future[Any]) -> None:
    """Have nothing new sent, and wait until no order is on its way, and nothing waits to be published.

    Not for ever, nor once something else happens.
    """
    flow.enter(CLOCK, Leaving(max(flow.border.now(), flow.agenda.now)))
    for gone, seconds in ((unended.none_leaving(), patience(flow.plan)), (unended.none_publishing(), PUBLISHED)):
        waited = asyncio.ensure_future(gone)
        try:
            await asyncio.wait([waited, *hurried], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waited.cancel()
