"""The orders of one account that are known: those that have not ended, and those that ended of late."""

from collections import deque
from collections.abc import Iterator

from pipeline.states import ENDED
from pipeline.values import Order


class Register:
    """Orders by their names, by their contracts and by what the venue is told to know them by."""

    def __init__(self) -> None:
        self._orders: dict[str, Order] = {}
        self._alive: dict[str, None] = {}
        self._contracts: dict[str, str] = {}
        self._requests: dict[str, str] = {}
        self._ended: deque[str] = deque()

    def __contains__(self, name: str) -> bool:
        return name in self._orders

    def __iter__(self) -> Iterator[Order]:
        return iter(self._orders.values())

    def get(self, name: str) -> Order | None:
        return self._orders.get(name)

    def alive(self) -> Iterator[Order]:
        """Those that have not ended, the oldest first."""
        return (self._orders[name] for name in self._alive)

    def by_contract(self, contract: str) -> Order | None:
        return self._orders.get(self._contracts.get(contract, ""))

    def by_request(self, request: str) -> Order | None:
        return self._orders.get(self._requests.get(request, ""))

    def keep(self, order: Order) -> None:
        """What is known of an order from now on."""
        name = order.order
        news = name in self._alive or name not in self._orders
        self._orders[name] = order
        if order.contract:
            self._contracts[order.contract] = name
        if order.request:
            self._requests[order.request] = name
        if order.state not in ENDED:
            self._alive[name] = None
        elif news:
            self._alive.pop(name, None)
            self._ended.append(name)

    def forget(self, before: int) -> None:
        """Let go of what ended before a moment."""
        while self._ended:
            order = self._orders[self._ended[0]]
            if order.ended_at >= before:
                return
            self._ended.popleft()
            del self._orders[order.order]
            self._contracts.pop(order.contract, None)
            self._requests.pop(order.request, None)
