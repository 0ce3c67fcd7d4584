"""Binance's public market data: klines as history, the best bid and ask of its book as they change.

No key is needed. Its book ticker bears no time of its own: a quote is stamped with when it came, by Binance's clock as
it is measured every few minutes. Klines are made of trades, quotes are of the book.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress

from pipeline.connections.budgets import Budgets
from pipeline.connections.contract import Outside, Priority, Warn
from pipeline.connections.http import Http
from pipeline.connections.offset import Offset
from pipeline.connections.troubles import CallFailed
from pipeline.feeds.binance_words import HOSTS, LIMITS, SPANS, WEIGHTS, Books, asked_for, klines, sign_of_life, streams
from pipeline.feeds.finality import settled
from pipeline.feeds.grain import made
from pipeline.feeds.listening import Oddities, listening
from pipeline.feeds.paging import Page, paged
from pipeline.feeds.rows import Refused, moment, no_bars
from pipeline.times import HOUR, MINUTE, SECOND
from pipeline.values import Bars, Quotes

PROBES = 3
LOOK, SLACK = 5 * MINUTE, 5 * SECOND
"""How often its clock is looked at while quotes come; what is further apart is a clock that was set."""
DEADLINE, QUIET = 10.0, 60.0
"""Seconds for an answer; seconds after which a connection without any frame is thought dead."""


class BinanceFeed:
    """One flow's, or one download's, prices of Binance."""

    def __init__(self, symbols: Mapping[str, str], url: str, stream: str, host: Outside, warn: Warn) -> None:
        self._symbols, self._host, self._warn = dict(symbols), host, warn
        self._stream = stream.rstrip("/")
        self._latest = 0
        self._offset = Offset(PROBES)
        self._refused = Refused("binance", warn, host.now)
        self._budgets = Budgets(LIMITS, host.now, host.until)
        self._http = Http(url, hosts=HOSTS, deadline=DEADLINE, budgets=self._budgets)

    async def history(self, product: str, tf: int, since: int, until: int) -> Bars:
        async def ask(finest: int, begin: int, end: int) -> Bars:
            ahead = 0 if end < self._host.now() - HOUR else await self._apart(1, "history")
            final = await settled(self._host, finest, end, ahead)
            if final <= begin:
                return no_bars(product, finest)
            return await paged(lambda at, before: self._page(product, finest, at, before), begin, final)

        return await made(tf, SPANS, since, until, ask)

    async def ticks(self, product: str, since: int, until: int) -> Quotes:
        raise CallFailed("rule", f"Binance keeps no quotes of {product}; ask for bars, such as 1m")

    async def live(self, products: tuple[str, ...]) -> AsyncIterator[Quotes]:
        await self._apart(PROBES, "quote")
        books = Books({self._symbols[product]: product for product in products}, self._refused)
        url = self._stream + streams([self._symbols[product] for product in products])
        oddities = Oddities("binance", self._host, self._warn)
        await self._budgets.take("stream", "quote")
        looks = asyncio.create_task(self._look_again())
        try:
            async with listening(
                "the stream of Binance",
                url,
                oddities,
                hosts=HOSTS,
                deadline=DEADLINE,
                quiet_after=QUIET,
                ping=sign_of_life,
            ) as (_, frames):
                async for frame in frames:
                    received = self._host.now()
                    try:
                        quote = books.quote(frame, self._stamp(received), received)
                    except CallFailed as failure:
                        oddities.bear(failure)
                        continue
                    if quote is not None:
                        yield quote
        finally:
            looks.cancel()
            await asyncio.gather(looks, return_exceptions=True)

    def spent(self) -> Mapping[str, float]:
        """How much of each limit is taken, as a part of one."""
        return self._budgets.spent()

    async def close(self) -> None:
        await self._http.close()

    async def _page(self, product: str, tf: int, since: int, until: int) -> Page:
        query = asked_for(self._symbols[product], tf, since, until)
        answer = await self._http.retried(
            "/api/v3/klines", call="klines", priority="history", query=query, weight=WEIGHTS["klines"]
        )
        return klines(product, tf, answer, self._refused)

    def _stamp(self, received: int) -> int:
        """When a quote is from, by their clock: not before the last only since that was measured a little otherwise."""
        stamp = received + self._offset.ms
        if self._latest - SLACK < stamp < self._latest:
            stamp = self._latest
        self._latest = stamp
        return stamp

    async def _look_again(self) -> None:
        """Look at their clock now and then: ours may be set, or go astray."""
        while True:
            await self._host.until(self._host.now() + LOOK)
            with suppress(CallFailed):  # there is a next time
                await self._apart(1, "quote")

    async def _apart(self, probes: int, priority: Priority) -> int:
        """How far Binance's clock is ahead of ours (ms), by so many looks at it and those of before."""
        for _ in range(probes):
            sent = self._host.now()
            answer = await self._http.retried("/api/v3/time", call="time", priority=priority)
            self._offset.asked(moment(answer, "serverTime"), sent, self._host.now())
        return self._offset.ms
