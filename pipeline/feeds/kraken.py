"""Kraken's public market data: OHLC as history, the best bid and ask of its ticker as they change.

No key is needed. Of each timeframe it keeps the last 720 bars and no older ones. A quote that bears no time is stamped
with when it came, by Kraken's clock as it was when the connection was made.
"""

from collections.abc import AsyncIterator, Mapping

from pipeline.connections.budgets import Budgets
from pipeline.connections.contract import Outside, Warn
from pipeline.connections.http import Http
from pipeline.connections.troubles import CallFailed
from pipeline.evidence import Trouble
from pipeline.feeds.finality import settled
from pipeline.feeds.grain import made
from pipeline.feeds.kraken_words import HOSTS, LIMITS, MOST, SPANS, Tickers, asked_for, ohlc, sign_of_life
from pipeline.feeds.listening import Oddities, listening
from pipeline.feeds.paging import within
from pipeline.feeds.rows import Refused, no_bars
from pipeline.times import slot_of, timeframe_name, utc_text
from pipeline.values import Bars, Quotes

DEADLINE, QUIET = 10.0, 10.0
"""Seconds for an answer; seconds after which a connection without any frame is dead: it beats once a second."""


class KrakenFeed:
    """One flow's, or one download's, prices of Kraken."""

    def __init__(self, symbols: Mapping[str, str], url: str, stream: str, host: Outside, warn: Warn) -> None:
        self._symbols, self._host, self._warn = dict(symbols), host, warn
        self._stream = stream.rstrip("/")
        self._refused = Refused("kraken", warn, host.now)
        self._budgets = Budgets(LIMITS, host.now, host.until)
        self._http = Http(url, hosts=HOSTS, deadline=DEADLINE, budgets=self._budgets)

    async def history(self, product: str, tf: int, since: int, until: int) -> Bars:
        async def ask(finest: int, begin: int, end: int) -> Bars:
            final = await settled(self._host, finest, end)
            if final <= begin:
                return no_bars(product, finest)
            oldest = slot_of(self._host.now(), finest) - (MOST - 1) * finest
            query = asked_for(self._symbols[product], finest, begin)
            answer = await self._http.retried("/0/public/OHLC", call="ohlc", priority="history", query=query)
            bars = within(ohlc(product, finest, answer, self._refused), begin, final)
            if begin < oldest and not (len(bars) and bars.open_ts[0] == begin):
                span = f"{timeframe_name(finest)} bars of {product}"
                self._tell(f"Kraken keeps the last {MOST} {span}: it has none from before {utc_text(oldest)}")
            return bars

        return await made(tf, SPANS, since, until, ask)

    async def ticks(self, product: str, since: int, until: int) -> Quotes:
        raise CallFailed("rule", f"Kraken keeps no quotes of {product}; ask for bars, such as 1m")

    async def live(self, products: tuple[str, ...]) -> AsyncIterator[Quotes]:
        tickers = Tickers({self._symbols[product]: product for product in products}, self._refused)
        oddities = Oddities("kraken", self._host, self._warn)
        await self._budgets.take("stream", "quote")
        async with listening(
            "the stream of Kraken",
            f"{self._stream}/v2",
            oddities,
            hosts=HOSTS,
            deadline=DEADLINE,
            quiet_after=QUIET,
            ping=sign_of_life,
        ) as (socket, frames):
            sent = self._host.now()
            await socket.send(tickers.subscription())
            async for frame in frames:
                try:
                    heard = tickers.heard(frame, sent, self._host.now(), self._tell)
                except CallFailed as failure:
                    oddities.bear(failure)
                    continue
                for quote in heard:
                    yield quote

    async def close(self) -> None:
        await self._http.close()

    def _tell(self, what: str) -> None:
        self._warn(Trouble("kraken", "rule", what, self._host.now()))
