"""The contracts of one account that run: each is followed until its end is told, once, whatever gets lost."""

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager

from pipeline.deriv.ends import settlement
from pipeline.deriv.shapes import Contract, Movement
from pipeline.times import SECOND
from pipeline.values import Settlement

PATIENCE = 3 * SECOND
"""So long after its expiry, or after money came of it, a contract's end may be on its way."""
AGAIN = 5 * SECOND
KEPT = 4096
"""So many ends are remembered: a listing asks for their prices."""


class Watching:
    """Whose the contracts are, which of them run, and how those of late ended."""

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self._orders: dict[str, str] = {}
        self._running: dict[str, int] = {}
        """When to ask for each, if its end is not told by then."""
        self._ended: dict[str, Contract] = {}
        self._paid: set[str] = set()
        """Those that money came of, and that have not said so themselves."""
        self._selling: set[str] = set()

    def name(self, contract: str, order: str) -> None:
        """A contract is of an order of ours."""
        self._orders[contract] = order

    def order_of(self, contract: str) -> str:
        """The order's name, or where it is not known the contract's own."""
        return self._orders.get(contract, contract)

    def begin(self, contract: Contract) -> None:
        """A contract runs, unless it is known to have ended."""
        if contract.contract not in self._ended:
            due = (contract.expiry or contract.start) + PATIENCE
            known = self._running.get(contract.contract, due)
            self._running[contract.contract] = known if contract.contract in self._paid else max(known, due)

    def take(self, told: Contract) -> Settlement | None:
        """What a contract says of itself; its end, the first time that is told."""
        if told.sold_for is None:
            self.begin(told)
            return None
        new = told.contract not in self._ended
        self._keep(told)
        return settlement(told, self.order_of(told.contract)) if new and told.contract not in self._selling else None

    def remember(self, told: Contract) -> None:
        """The end of a contract that nobody waits for: it is listed, and need not be asked for again."""
        if told.sold_for is not None and told.contract not in self._running:
            self._keep(told)

    @contextmanager
    def selling(self, contract: str) -> Generator[None]:
        """While a contract is being sold back its end is the answer to that, and is not told beside it."""
        self._selling.add(contract)
        try:
            yield
        finally:
            self._selling.discard(contract)

    def money_moved(self, moved: Movement) -> None:
        """Money moved because of a contract. Of one that begins and is not known, or is over, its own word follows, or
        is asked for."""
        if not moved.contract or moved.contract in self._ended:
            return
        if moved.what == "sell":
            self._paid.add(moved.contract)
        elif moved.what != "buy" or moved.contract in self._running:
            return
        soon = self._now() + PATIENCE
        self._running[moved.contract] = min(soon, self._running.get(moved.contract, soon))

    def running(self) -> tuple[str, ...]:
        return tuple(self._running)

    def overdue(self) -> Iterator[str]:
        """Contracts whose end should have been told; each again after a while."""
        now = self._now()
        for contract, due in tuple(self._running.items()):
            if due <= now:
                self._running[contract] = now + AGAIN
                yield contract

    def gone(self, contract: str) -> None:
        """Nobody knows the contract any more."""
        self._running.pop(contract, None)
        self._paid.discard(contract)

    def ended(self, contract: str) -> Contract | None:
        return self._ended.get(contract)

    def ends(self) -> tuple[Contract, ...]:
        return tuple(self._ended.values())

    def _keep(self, told: Contract) -> None:
        self.gone(told.contract)
        self._ended[told.contract] = told
        if len(self._ended) > KEPT:
            oldest = next(iter(self._ended))
            del self._ended[oldest]
            self._orders.pop(oldest, None)
