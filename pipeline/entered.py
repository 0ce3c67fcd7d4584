"""The prices at which contracts that run probably entered: what counts, a venue tells when they end."""

from collections import deque

from pipeline.states import ENDED
from pipeline.values import Order

KEPT = 64
"""So many of a product's last prices are remembered: an answer of the venue comes after the tick it entered at."""


class Entries:
    """Of each contract that runs, the first price that was seen after its acceptance."""

    def __init__(self) -> None:
        self._latest: dict[str, deque[tuple[int, float]]] = {}
        self._awaited: dict[str, dict[str, int]] = {}
        """When contracts were accepted that have not entered yet, by product and order."""
        self._found: dict[str, float] = {}

    def take_price(self, product: str, ts: int, price: float) -> None:
        latest = self._latest.get(product)
        if latest is None:
            latest = self._latest[product] = deque(maxlen=KEPT)
        latest.append((ts, price))
        awaited = self._awaited.get(product)
        if awaited:
            for order in [order for order, accepted in awaited.items() if ts > accepted]:
                del awaited[order]
                self._found[order] = price

    def take_order(self, order: Order) -> None:
        awaited = self._awaited.setdefault(order.product, {})
        if order.state in ENDED:
            awaited.pop(order.order, None)
            self._found.pop(order.order, None)
        elif order.contract and order.expiry and order.order not in self._found:
            self._look(order, order.expiry - order.tf, awaited)

    def of(self, order: str) -> float | None:
        """None until there was one, and where nobody looked while it was accepted."""
        return self._found.get(order)

    def all(self) -> dict[str, float]:
        return dict(self._found)

    def _look(self, order: Order, accepted: int, awaited: dict[str, int]) -> None:
        """Among the prices of late; without one from before its acceptance nobody knows which was the first after."""
        latest = self._latest.get(order.product, ())
        if not any(ts <= accepted for ts, _ in latest):
            return
        after = next((price for ts, price in latest if ts > accepted), None)
        if after is None:
            awaited[order.order] = accepted
        else:
            self._found[order.order] = after
