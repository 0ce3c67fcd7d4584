"""A market of many products that all tick at a steady pace, as time passes."""

from collections.abc import AsyncIterator
from typing import Annotated

import numpy as np
from msgspec import Meta
from reactivex import Observable

from pipeline.host import Host
from pipeline.parts import source
from pipeline.values import Quotes


@source
class Ticking:
    """`count` products, each with `rate` quotes a second, spread evenly over the second."""

    count: Annotated[int, Meta(ge=1, le=5000)] = 300
    rate: Annotated[int, Meta(ge=1, le=50)] = 4
    seed: int = 7

    @property
    def products(self) -> tuple[str, ...]:
        return tuple(f"P{number:03}_otc" for number in range(self.count))

    def __call__(self, host: Host) -> Observable[Quotes]:
        return host.stream(lambda: self._quotes(host))

    async def _quotes(self, host: Host) -> AsyncIterator[Quotes]:
        """One by one, as they come by a network; each round of all products takes 1 / rate seconds."""
        random, begin = np.random.default_rng(self.seed), host.now()
        prices, round_ms = np.full(self.count, 1.1), 1000 // self.rate
        steps, parts, turn = 25, np.array_split(np.arange(self.count), 25), 0
        names = self.products
        while True:
            prices += random.normal(0, 1e-6, self.count)
            for step, part in enumerate(parts):
                at = begin + turn * round_ms + step * round_ms // steps
                await host.until(at)
                now = np.array([host.now()], np.int64)
                for number in map(int, part):
                    price = prices[number : number + 1]
                    yield Quotes(names[number], now, now, price - 1e-5, price + 1e-5)
            turn += 1
