"""A feed that does what a test says: a quote each second of every product, and bars that are made of them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import numpy as np

from pipeline.candles import gathered
from pipeline.connections.troubles import CallFailed
from pipeline.times import HOUR, SECOND
from pipeline.values import Bars, Quotes
from tests.scripted import BROKEN, acted
from tests.support import MONDAY

PRODUCTS = ("EURUSD", "BTCUSD")
NO_TICKS = CallFailed("rule", "quotes of before are not kept")
Break = tuple[float, BaseException]


def price(product: str, ts: Any) -> Any:
    second = ts // SECOND
    return 1.1 + (product == "BTCUSD") + 0.01 * np.sin(second / 377.0) + 0.0001 * (second * 7919 % 101)


class Market:
    """A feed with a quote each second of every product, that breaks when it is told to.

    `now` is the flow's; what it gave live is remembered.
    """

    def __init__(self, products: tuple[str, ...] = PRODUCTS, *, every: int = SECOND) -> None:
        self.every = every
        self.now: Callable[[], int] = lambda: MONDAY
        self.products = products
        self.lives: list[tuple[float, tuple[str, ...]]] = []
        self.breaks: list[Break] = []
        """How each subscription ends, after so many seconds; one that is not named holds."""
        self.mute: Callable[[str, float], bool] = lambda product, at: False
        self.refuses: set[str] = set()
        self.histories: list[tuple[float, str, int, int, int]] = []
        self.fails: list[BaseException | float | None] = []
        """What questions for history meet."""
        self.ticks_fail: CallFailed | None = None
        self.told: list[tuple[str, int]] = []
        self.repeats = False
        """Whether a subscription begins with the last quote of before."""
        self.confirms = False
        self.closed = False
        self.late_by = 0
        """How long after its end a bar can be had (ms)."""

    async def history(self, product: str, tf: int, since: int, until: int) -> Bars:
        self.histories.append((asyncio.get_running_loop().time(), product, tf, since, until))
        await acted(self.fails.pop(0) if self.fails else 0.3)
        until = min(until, (self.now() - self.late_by) // tf * tf)
        begin = -(-since // tf) * tf
        ts = np.arange(begin, max(begin, until // tf * tf), SECOND if tf < HOUR else tf // 8, dtype=np.int64)
        bars = gathered(self.quotes(product, ts), tf, 0)
        return bars.rows(0, len(bars), 0)

    async def ticks(self, product: str, since: int, until: int) -> Quotes:
        await asyncio.sleep(0.2)
        if self.ticks_fail is not None:
            raise self.ticks_fail
        return self.quotes(
            product, np.arange(-(-since // self.every) * self.every, min(until, self.now() + 1), self.every)
        )

    async def live(self, products: tuple[str, ...]) -> AsyncIterator[Quotes]:
        loop = asyncio.get_running_loop()
        began = loop.time()
        self.lives.append((began, products))
        ends, failure = self.breaks.pop(0) if self.breaks else (1e12, BROKEN)
        if refused := self.refuses & set(products):
            raise CallFailed("rule", f"there is no {', '.join(sorted(refused))}")
        if ends == 0:
            raise failure
        await asyncio.sleep(0.05)
        if self.confirms:
            for product in products:
                yield self.quotes(product, np.zeros(0, np.int64))
        if self.repeats:
            for product in products:
                yield self.quotes(product, np.array([self.now() // self.every * self.every]))
        while True:
            at = self.now() // self.every * self.every + self.every
            wait = (at - self.now()) / 1000
            if loop.time() + wait > began + ends:
                await asyncio.sleep(began + ends - loop.time())
                raise failure
            await asyncio.sleep(wait)
            for product in products:
                if not self.mute(product, loop.time()):
                    self.told.append((product, at))
                    yield self.quotes(product, np.array([at]))

    def quotes(self, product: str, ts: Any) -> Quotes:
        stamps = np.asarray(ts, np.int64)
        made = np.asarray(price(product, stamps), np.float64)
        return Quotes(product, stamps, np.full(len(stamps), self.now()), made, made)

    async def close(self) -> None:
        self.closed = True
