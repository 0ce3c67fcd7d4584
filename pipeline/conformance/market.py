"""Prices of a check, as a flow hears them."""

from collections.abc import Callable

import numpy as np

from pipeline.border import Border
from pipeline.broker.core import Broker
from pipeline.conformance.hearing import Hearing
from pipeline.connections.contract import Feed, Warn
from pipeline.connections.feeding import Given, fed
from pipeline.steps import Tube
from pipeline.values import Bars, Floats, Gap, Link, Quotes, Stamps

QUIET = 30.0
"""Seconds that a product may be silent."""


class Market(Hearing[Given]):
    """What a feed brings of some products."""

    def __init__(
        self, host: Border, broker: Broker, make: Callable[[Border, Warn], Feed], products: tuple[str, ...]
    ) -> None:
        super().__init__()
        self.products = products
        self._host, self._broker, self._gaps = host, broker, Tube[Gap]()
        stream = fed(host, "prices", lambda warn: make(host, warn), products, self._gaps, quiet_after=QUIET)
        self._subscription = stream.subscribe(self.take, self._failed)

    def quotes(self, product: str) -> tuple[Stamps, Floats]:
        """The quotes that were given of a product: when, and between bid and ask."""
        found = [each for each in self.all if isinstance(each, Quotes) and each.product == product and len(each)]
        if not found:
            return np.empty(0, np.int64), np.empty(0)
        return np.concatenate([each.ts for each in found]), np.concatenate([each.mid for each in found])

    def bars(self, product: str) -> list[Bars]:
        return [each for each in self.all if isinstance(each, Bars) and each.product == product]

    def links(self, product: str) -> list[bool]:
        """Whether the connection was up, each time that changed."""
        return [each.up for each in self.all if isinstance(each, Link) and product in each.products]

    async def gives(self, since: int, count: int = 2) -> None:
        """Wait until every product gave so many quotes stamped from a moment on."""

        def enough() -> bool:
            return all(int(np.count_nonzero(self.quotes(each)[0] >= since)) >= count for each in self.products)

        await self.until(enough, "that every product gives quotes")

    def mend(self, product: str, tf: int, since: int, until: int) -> None:
        """Ask for bars that are missing."""
        self._gaps.give(Gap(product, tf, since, until, self._host.now()))

    def told(self, product: str, since: int, until: int) -> tuple[Stamps, Floats]:
        """The venue's own ticks from one moment on, before another."""
        found = self._broker.ticks(product, since, until)
        return np.array([each.at for each in found], np.int64), np.array([each.quote for each in found])

    async def close(self) -> None:
        self._subscription.dispose()
        await self._host.left()

    def _failed(self, failure: Exception) -> None:
        raise failure
