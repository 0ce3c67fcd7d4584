"""One product's way from a feed into a flow: its past, then its quotes, each once and in order."""

import asyncio
from collections.abc import Callable

import numpy as np

from pipeline.values import Bars, Link, Quotes

Given = Bars | Quotes | Link


class Track:
    """What of a product was given, and what waits until its past is there."""

    def __init__(self, product: str, give: Callable[[Given], None]) -> None:
        self.product = product
        self.up = True
        """Whether nothing else was told of its connection."""
        self._first: asyncio.Future[Quotes] = asyncio.get_running_loop().create_future()
        """The first quote that came."""
        self._give = give
        self._held: list[Given] | None = []
        self._ts, self._bid, self._ask = -1, 0.0, 0.0
        self._by: object = None
        """Whose the last quote was."""

    async def heard(self) -> Quotes:
        """The first quote, once it has come."""
        return await self._first

    def history(self, bars: Bars) -> None:
        self._give(bars)

    def take(self, quotes: Quotes, by: object) -> int:
        """Take quotes that just came. How many of them are older than what came before on their subscription, and are
        let go.

        What another subscription than that of the last quote tells again, or later, is not given a second time.
        """
        if not len(quotes):
            return 0
        again = by is not self._by
        if len(quotes) == 1 and not again and quotes.ts.item() >= self._ts:  # live it is one, and this a fifth of it
            self._accept(quotes)
            return 0
        newest = np.maximum.accumulate(np.concatenate((np.array([self._ts]), quotes.ts)))[:-1]
        fit = quotes.ts >= newest
        older = int(np.count_nonzero(quotes.ts < np.maximum.accumulate(quotes.ts) if again else ~fit))
        if again:
            fit &= (quotes.ts > self._ts) | (quotes.bid != self._bid) | (quotes.ask != self._ask)
        quotes = quotes if fit.all() else quotes.chosen(fit)
        if len(quotes):
            self._by = by
            self._accept(quotes)
        return older

    def _accept(self, quotes: Quotes) -> None:
        self._ts, self._bid, self._ask = quotes.ts.item(-1), quotes.bid.item(-1), quotes.ask.item(-1)
        if not self._first.done():
            self._first.set_result(quotes.rows(0, 1))
        self._pass(quotes)

    def breaks(self, at: int) -> bool:
        """Its connection is broken; whether that is to be told now, as it is not held back until the past is there."""
        if not self.up:
            return False
        self.up = False
        if self._held:
            self._held.append(Link((self.product,), up=False, at=at))
        return not self._held

    def returns(self, at: int) -> None:
        if not self.up:
            self.up = True
            self._pass(Link((self.product,), up=True, at=at))

    def join(self, begin: int, before: Quotes | None) -> None:
        """Its past is given up to `begin`; then `before`, the quotes from there to the first that came, and all since.

        Where nobody knows these, what was of that slot is not all of it: it is told as a connection that was down.
        """
        held, self._held = self._held or [], None
        first = self._first.result()
        if before is not None:
            self._give_before(first, before, begin)
        elif int(first.ts[0]) > begin:
            self._give(Link((self.product,), up=False, at=begin, beginning=True))
            self._give(Link((self.product,), up=True, at=int(first.received[0]), beginning=True))
        for item in held:
            self._give(item)

    def _give_before(self, first: Quotes, before: Quotes, begin: int) -> None:
        """Give quotes that were fetched: as received when they were made, as nobody knows better."""
        ts, bid, ask = int(first.ts[0]), float(first.bid[0]), float(first.ask[0])
        fit = (before.ts >= begin) & (before.ts <= ts)
        fit &= (before.ts < ts) | (before.bid != bid) | (before.ask != ask)
        fit &= before.ts >= np.maximum.accumulate(before.ts)
        quotes = before.chosen(fit)
        if len(quotes):
            received = np.minimum(quotes.ts, first.received[0])
            self._give(Quotes(quotes.product, quotes.ts, received, quotes.bid, quotes.ask))

    def _pass(self, item: Given) -> None:
        """Give it now, or once the past is there. What is heard of a connection before any quote needs not wait."""
        if self._held is None or (isinstance(item, Link) and not self._held):
            self._give(item)
        else:
            self._held.append(item)
