"""Contradictions, each told once."""

from collections.abc import Iterator

from pipeline.evidence import Dispute
from pipeline.values import Order


class Disputes:
    """Those of one account."""

    def __init__(self, account: str) -> None:
        self._account = account
        self._told: set[tuple[str, str]] = set()

    def tell(self, order: Order, at: int, now: str) -> Iterator[Dispute]:
        """What is said now of an order that is known otherwise."""
        if (order.order, now) not in self._told:
            self._told.add((order.order, now))
            yield Dispute(order.order, self._account, at, in_words(order), now)


def in_words(order: Order) -> str:
    """What is known of an order."""
    if order.state in ("SETTLED", "CANCELED"):
        return f"ended: {order.result} {order.profit}"
    words = order.state, order.cause, f"contract {order.contract}" if order.contract else ""
    return " ".join(word for word in words if word)
