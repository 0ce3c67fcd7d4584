"""A market of many products that all tick at a steady pace, as time passes."""

from collections.abc import AsyncIterator, Iterator
from typing import Annotated

import numpy as np
from msgspec import Meta
from reactivex import Observable

from pipeline.candles import from_columns
from pipeline.host import Host
from pipeline.parts import source
from pipeline.values import Bars, Quotes


@source
class Ticking:
    """`count` products, each with `rate` quotes a second, spread evenly over the second."""

    count: Annotated[int, Meta(ge=1, le=5000)] = 300
    rate: Annotated[int, Meta(ge=1, le=50)] = 4
    seed: int = 7

    @property
    def products(self) -> tuple[str, ...]:
        return tuple(f"P{number:03}_otc" for number in range(self.count))

    def __call__(self, host: Host) -> Observable[Quotes | Bars]:
        return host.stream(lambda: self._items(host))

    def _past(self, host: Host) -> Iterator[Bars]:
        """So many bars that do not move as the flow asks for."""
        for product in self.products:
            for tf, count in host.history.items():
                opens = (host.now() // tf - count + np.arange(count, dtype=np.int64)) * tf
                flat = np.full(count, 1.1)
                yield from_columns(product, tf, opens, flat, flat, flat, flat, np.ones(count)).rows(0, count, 0)

    async def _items(self, host: Host) -> AsyncIterator[Quotes | Bars]:
        """Quotes one by one, as they come by a network; each round of all products takes 1 / rate seconds."""
        for bars in self._past(host):
            yield bars
        random, begin = np.random.default_rng(self.seed), host.now()
        prices, round_ms = np.full(self.count, 1.1), 1000 // self.rate
        steps, parts, turn = 25, np.array_split(np.arange(self.count), 25), 0
        names = self.products
        while True:
            prices = prices + random.normal(0, 1e-6, self.count)
            for step, part in enumerate(parts):
                at = begin + turn * round_ms + step * round_ms // steps
                await host.until(at)
                now = np.array([host.now()], np.int64)
                for number in map(int, part):
                    price = prices[number : number + 1]
                    yield Quotes(names[number], now, now, price - 1e-5, price + 1e-5)
            turn += 1
