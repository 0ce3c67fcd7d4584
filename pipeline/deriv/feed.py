"""Deriv's prices, from its public socket: `pipeline.connections.contract.Feed`. They need no account.

Contracts are settled by a symbol's one quote, so bid and ask of what is given are both that quote.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager

import numpy as np

from pipeline.candles import from_columns
from pipeline.connections.budgets import Budgets
from pipeline.connections.contract import Warn
from pipeline.connections.reading import Answer
from pipeline.connections.socket import Socket
from pipeline.connections.troubles import CallFailed
from pipeline.deriv import requests
from pipeline.deriv.ends import Naming
from pipeline.deriv.refusals import Refused
from pipeline.deriv.shapes import LATEST, moment, time_of
from pipeline.deriv.wire import Heard, Wire, new_socket
from pipeline.evidence import Trouble
from pipeline.times import MINUTE, SECOND, timeframe_name
from pipeline.values import Bars, Quotes

GRANULARITIES = frozenset(
    seconds * SECOND for seconds in (60, 120, 180, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400)
)
PAGE = 1000
"""Rows that are asked for at once: its default; nobody says what it gives at most."""
TICKS_SPAN = 15 * MINUTE
"""So much is asked for at once: no symbol ticks more than once a second."""
WAITING = 4096
"""Quotes that may wait until they are taken."""


class DerivFeed:
    """Bars and ticks of the past are asked for over one socket; each `live` has its own."""

    def __init__(
        self,
        url: str,
        hosts: Collection[str],
        naming: Naming,
        budgets: Budgets,
        warn: Warn,
        now: Callable[[], int],
        deadline: float,
        whose: str = "deriv",
    ) -> None:
        self._url, self._hosts, self._naming, self._budgets = url, frozenset(hosts), naming, budgets
        self._warn, self._now, self._deadline, self._whose = warn, now, deadline, whose
        self._one_at_a_time = asyncio.Lock()
        self._socket: Socket | None = None
        self._wire: Wire | None = None
        self._reading: asyncio.Task[None] | None = None

    async def history(self, product: str, tf: int, since: int, until: int) -> Bars:
        if tf not in GRANULARITIES:
            raise CallFailed("rule", f"deriv has no candles of {timeframe_name(tf)}; they are made of those of 1m")
        wire = await self._asking()
        symbol, pages = self._naming.symbol(product), list[Answer]()
        final = min(until, time_of(await wire.ask(requests.TIME, "history")))
        over = final // tf * tf
        for begin in range(since - since % -tf, over, PAGE * tf):
            end = min(begin + PAGE * tf, over) - SECOND
            frame = await wire.ask(requests.candles(symbol, tf, begin, end, PAGE), "history")
            pages += frame.rows("candles")
        return bars_of(pages, product, tf, since, final)

    async def ticks(self, product: str, since: int, until: int) -> Quotes:
        wire = await self._asking()
        times, prices = list[int](), list[float]()
        for begin in range(since, until, TICKS_SPAN):
            end = min(begin + TICKS_SPAN, until)
            asked = requests.ticks(self._naming.symbol(product), begin, end - 1, PAGE)
            told = (await wire.ask(asked, "history")).table("history")
            rows = told.wholes("times")
            if len(rows) >= PAGE:
                raise CallFailed("format", f"{product} ticked more than once a second: its ticks may not all be there")
            if any(not 0 < each < LATEST for each in rows):
                raise told.wrong("times", "has what is no moment")
            times += (each * SECOND for each in rows)
            prices += told.reals("prices")
        return quotes_of(product, times, prices, since, until, self._now())

    async def live(self, products: tuple[str, ...]) -> AsyncIterator[Quotes]:
        coming = _Coming()
        async with self._connected() as (wire, reading):
            works = [
                asyncio.create_task(coming.ends_with(work))
                for work in (asyncio.shield(reading), self._subscribe(wire, products, coming))
            ]
            try:
                while True:
                    yield await coming.next()
            finally:
                for work in works:
                    work.cancel()
                await asyncio.gather(*works, return_exceptions=True)

    async def close(self) -> None:
        reading, self._reading = self._reading, None
        socket, self._socket, self._wire = self._socket, None, None
        if reading is not None:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        if socket is not None:
            await socket.close()

    async def _subscribe(self, wire: Wire, products: tuple[str, ...], coming: "_Coming") -> None:
        """Ask for each product's ticks; one that is refused is told, and the others go on."""
        for product in products:
            last = [0]
            """When its last tick was: a symbol has one a second at most, so the same again is a frame sent twice."""

            def heard(frame: Answer, product: str = product, last: list[int] = last) -> None:
                quotes = self._tick(product, frame)
                at = int(quotes.ts[0])
                if at != last[0]:
                    last[0] = at
                    coming.give(quotes)

            def begun(frame: Answer, product: str = product, heard: Heard = heard) -> None:
                coming.give(quotes_of(product, [], [], 0, 0, self._now()))
                heard(frame)

            try:
                await wire.ask(requests.live(self._naming.symbol(product)), "quote", first=begun, later=heard)
            except Refused as refused:
                if refused.kind != "rule":
                    raise
                self._warn(Trouble(self._whose, "rule", f"no prices of {product}: {refused}", self._now()))

    def _tick(self, product: str, frame: Answer) -> Quotes:
        tick = frame.table("tick")
        symbol = tick.text("symbol", default=self._naming.symbol(product))
        if symbol != self._naming.symbol(product):
            raise tick.wrong("symbol", f"is not that of the {product} that was subscribed to")
        at = moment(tick, "epoch")
        if not at:
            raise tick.wrong("epoch", "is no moment")
        price = np.array([tick.real("quote")])
        return Quotes(product, np.array([at], np.int64), np.array([self._now()], np.int64), price, price)

    async def _asking(self) -> Wire:
        """The socket for what is asked; another one where the last has ended."""
        async with self._one_at_a_time:
            if self._wire is None or self._wire.ended is not None:
                await self.close()
                self._socket, self._wire, self._reading = await self._opened()
            return self._wire

    @asynccontextmanager
    async def _connected(self) -> AsyncGenerator[tuple[Wire, "asyncio.Task[None]"]]:
        socket, wire, reading = await self._opened()
        try:
            yield wire, reading
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            await socket.close()

    async def _opened(self) -> tuple[Socket, Wire, "asyncio.Task[None]"]:
        socket = new_socket("the socket of prices", self._hosts, self._deadline, self._complain)
        await socket.open(self._url)
        wire = Wire(socket, self._budgets, self._deadline, self._complain)
        return socket, wire, asyncio.create_task(wire.run())

    def _complain(self, wrong: CallFailed) -> None:
        self._warn(Trouble(self._whose, wrong.kind, str(wrong), self._now()))


class _Coming:
    """Quotes on their way to whoever takes them, and what ended them."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Quotes | CallFailed] = asyncio.Queue()
        self._full = False

    async def next(self) -> Quotes:
        item = await self._queue.get()
        if isinstance(item, CallFailed):
            raise item
        return item

    def give(self, quotes: Quotes) -> None:
        """One that nobody takes in time ends it all: what is missing then is asked for as a gap."""
        if self._queue.qsize() < WAITING:
            self._queue.put_nowait(quotes)
        elif not self._full:
            self._full = True
            self._queue.put_nowait(CallFailed("network", f"{WAITING} quotes were not taken in time"))

    async def ends_with(self, work: Awaitable[None]) -> None:
        try:
            await work
        except CallFailed as failed:
            self._queue.put_nowait(failed)


def bars_of(rows: Sequence[Answer], product: str, tf: int, since: int, final: int) -> Bars:
    """The candles of a span that were over at a moment, each once, as history; the last row there is may still form."""
    stamps = np.array([moment(row, "epoch") for row in rows], np.int64)
    prices = [np.array([row.real(name) for row in rows]) for name in ("open", "high", "low", "close")]
    whole = (stamps % tf == 0) & (stamps >= since) & (stamps + tf <= final)
    order, first = np.unique(stamps[whole], return_index=True)
    open_, high, low, close = (column[whole][first] for column in prices)
    bars = from_columns(product, tf, order, open_, high, low, close, np.zeros(len(order)))
    return bars.rows(0, len(bars), 0)


def quotes_of(
    product: str, times: Sequence[int], prices: Sequence[float], since: int, until: int, received: int
) -> Quotes:
    """Ticks of a span in the order of their stamps, each once."""
    stamps, quotes = np.array(times, np.int64), np.array(prices, np.float64)
    within = (stamps >= since) & (stamps < until)
    order, first = np.unique(stamps[within], return_index=True)
    price = quotes[within][first]
    return Quotes(product, order, np.full(len(order), received, np.int64), price, price)
