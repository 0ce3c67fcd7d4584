"""Contradictions, each told once."""

from collections.abc import Iterator

from pipeline.evidence import Dispute
from pipeline.values import Order

KEPT = 4096
"""So many of the last ones are known to have been told; the ledger keeps each once, however often it is told."""


class Disputes:
    """Those of one account."""

    def __init__(self, account: str) -> None:
        self._account = account
        self._told: dict[tuple[str, str], None] = {}

    def tell(self, order: Order, at: int, now: str) -> Iterator[Dispute]:
        """What is said now of an order that is known otherwise."""
        if (order.order, now) not in self._told:
            self._told[order.order, now] = None
            if len(self._told) > KEPT:
                del self._told[next(iter(self._told))]
            yield Dispute(order.order, self._account, at, in_words(order), now)


def in_words(order: Order) -> str:
    """What is known of an order."""
    if order.state in ("SETTLED", "CANCELED"):
        return f"ended: {order.result} {order.profit}"
    words = order.state, order.cause, f"contract {order.contract}" if order.contract else ""
    return " ".join(word for word in words if word)
