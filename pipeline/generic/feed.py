"""Prices of a broker that answers as docs/connectors.md says: its past page by page, and quotes as they come."""

from collections.abc import AsyncIterator, Callable

import numpy as np

from pipeline.connections.budgets import Budgets
from pipeline.connections.contract import Limit, Outside, Warn
from pipeline.connections.http import Http
from pipeline.connections.reading import Answer
from pipeline.connections.troubles import CallFailed
from pipeline.connections.waiting import passed
from pipeline.evidence import Trouble, TroubleKind
from pipeline.generic.allowance import Call
from pipeline.generic.channel import Channel
from pipeline.generic.contracts import Symbols
from pipeline.generic.declared import Declared, declared_of
from pipeline.generic.prices import bars_of, quote_of, ticks_of
from pipeline.generic.sequence import Sequence
from pipeline.generic.session import Session
from pipeline.generic.site import Site
from pipeline.generic.terms import SCOPES
from pipeline.secret import Login
from pipeline.times import SECOND, timeframe_name
from pipeline.values import Bars, Quotes

PAGE_OF_CANDLES, PAGE_OF_TICKS = 1000, 5000
MOST_PAGES = 2000


class GenericFeed:
    """A broker's prices. With a login its calls carry a token; without one they are anybody's."""

    def __init__(
        self,
        site: Site,
        symbols: Symbols,
        limits: tuple[Limit, ...],
        poll_ms: int,
        host: Outside,
        warn: Warn,
        *,
        name: str,
        streams: bool = True,
        login: Callable[[], Login] | None = None,
        account: str = "",
    ) -> None:
        self._site, self._symbols, self._poll_ms = site, symbols, poll_ms
        self._host, self._warn, self._name, self._streams = host, warn, name, streams
        budgets = Budgets(limits, host.now, host.until)
        self._http = Http(site.url, hosts=site.hosts, deadline=site.deadline, budgets=budgets)
        self._session = None if login is None else Session(self._http, account, login, SCOPES, host.now, site.deadline)
        self._declared: Declared | None = None

    async def history(self, product: str, tf: int, since: int, until: int) -> Bars:
        found: list[Bars] = []
        while until > since and len(found) < MOST_PAGES:
            rows = min(PAGE_OF_CANDLES, -(-(until - since) // tf))
            query = {"n": str(rows), "until": str(until)}
            answer = await self._of_product("/market/candles", "candles", product, query, tf)
            told = answer.rows("candles")
            bars, wrong = bars_of(product, tf, answer, since, until)
            if wrong:
                self._trouble("format", f"{wrong} candles of {product} cannot be; left out")
            found.append(bars)
            earliest = told[0].whole("ts") if told else since
            if earliest >= until:
                raise answer.wrong("candles", "is not of before the moment that was asked for")
            if len(told) < rows:
                break
            until = earliest
        whole = found[-1] if found else _none(product, tf)
        for later in reversed(found[:-1]):
            whole = whole.followed_by(later)
        return whole.rows(0, len(whole), 0)

    async def ticks(self, product: str, since: int, until: int) -> Quotes:
        declared = await self._known()
        if not declared.ticks:
            raise CallFailed("rule", "the broker keeps no ticks that could be asked for", fate="refused")
        query = {"since": str(since), "until": str(until), "limit": str(PAGE_OF_TICKS)}
        found: list[Quotes] = []
        for _ in range(MOST_PAGES):
            answer = await self._of_product("/market/ticks", "ticks", product, query)
            quotes, wrong = ticks_of(product, answer)
            if wrong:
                self._trouble("format", f"{wrong} ticks of {product} cannot be; left out")
            if found and len(found[-1]) and len(quotes) and quotes.ts[0] < found[-1].ts[-1]:
                raise answer.wrong("ticks", "is before the page before it")
            found.append(quotes.chosen((quotes.ts >= since) & (quotes.ts < until)))
            after = answer.text("next", default="")
            if not after or after == query.get("after"):
                return _joined(product, found)
            query = query | {"after": after}
        raise CallFailed("format", f"the ticks of {product} have more than {MOST_PAGES} pages")

    async def live(self, products: tuple[str, ...]) -> AsyncIterator[Quotes]:
        declared = await self._known()
        source = self._stream if self._streams and declared.stream else self._polled
        async for quotes in source(products):
            yield quotes

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
        await self._http.close()

    # --- as they come ---

    async def _stream(self, products: tuple[str, ...]) -> AsyncIterator[Quotes]:
        channel = Channel(self._site, lambda failure: self._trouble(failure.kind, str(failure)))
        named = {self._symbols.there(product): product for product in products}
        numbers = {symbol: Sequence() for symbol in named}
        last = dict.fromkeys(named, 0)
        try:
            await channel.open(None if self._session is None else await self._session.token())
            refused = await channel.follow_quotes(tuple(named))
            for symbol, why in refused.items():
                self._trouble("rule", f"the broker gives no quotes of {symbol}: {why}")
            if named.keys() <= refused.keys():
                raise CallFailed("rule", f"the broker gives no quotes of {', '.join(products)}")
            for symbol in named.keys() - refused.keys():
                yield _empty(named[symbol])
            async for frame in channel.frames():
                symbol = frame.text("symbol", default="")
                if frame.text("type") != "quote" or symbol not in named:
                    continue
                seen = numbers[symbol].take(frame.whole("seq"))
                quotes = quote_of(named[symbol], frame, self._host.now())
                if seen == "again":
                    continue
                if quotes is None:
                    self._trouble("format", f"a quote of {named[symbol]} cannot be; left out")
                    continue
                if seen == "gap" and last[symbol]:
                    yield await self._between(named[symbol], last[symbol], int(quotes.ts[0]))
                last[symbol] = int(quotes.ts[0])
                yield quotes
        finally:
            await channel.close()

    async def _between(self, product: str, after: int, before: int) -> Quotes:
        """Quotes that the stream left out. Where they cannot be had the connection counts as broken: bars are torn."""
        self._trouble("network", f"the broker's stream left out quotes of {product}; they are asked for")
        failure = None
        try:
            quotes = await self.ticks(product, after + 1, before)
        except CallFailed as problem:
            failure, quotes = problem, _empty(product)
        if failure is not None:
            raise CallFailed("network", f"quotes of {product} were lost and cannot be had: {failure}")
        now = np.full(len(quotes), self._host.now(), np.int64)
        return Quotes(product, quotes.ts, now, quotes.bid, quotes.ask)

    async def _polled(self, products: tuple[str, ...]) -> AsyncIterator[Quotes]:
        """Ask for the price of each product at the pace of the flow file."""
        last = dict.fromkeys(products, 0)
        wanted = set(products)
        while True:
            began = self._host.now()
            for product in [each for each in products if each in wanted]:
                try:
                    answer = await self._of_product("/market/quote", "quote", product, {})
                except CallFailed as failure:
                    if failure.kind != "rule" or len(products) == 1:
                        raise
                    self._trouble("rule", f"the broker gives no quotes of {product}: {failure}")
                    wanted.discard(product)
                    continue
                quotes = quote_of(product, answer, self._host.now())
                if quotes is None:
                    self._trouble("format", f"a quote of {product} cannot be; left out")
                elif int(quotes.ts[0]) > last[product]:
                    last[product] = int(quotes.ts[0])
                    yield quotes
            if not wanted:
                raise CallFailed("rule", f"the broker gives no quotes of {', '.join(products)}")
            left = began + self._poll_ms - self._host.now()
            await passed(self._host, max(0, left) / SECOND)

    # --- asking ---

    async def _known(self) -> Declared:
        if self._declared is None:
            self._declared = declared_of(
                await self._http.call("GET", "/capabilities", call="capabilities", priority="quote")
            )
        return self._declared

    async def _of_product(
        self, path: str, call: Call, product: str, query: dict[str, str], tf: int | None = None
    ) -> Answer:
        """Ask about a product; an answer about something else is none."""
        asked = {"symbol": self._symbols.there(product)}
        if tf is not None:
            asked["tf"] = timeframe_name(tf)
        priority = "quote" if call == "quote" else "history"
        if self._session is not None:
            answer = await self._session.get(path, call, priority, asked | query)
        else:
            answer = await self._http.call("GET", path, call=call, priority=priority, query=asked | query)
        for key, value in asked.items():
            if answer.text(key) != value:
                raise answer.wrong(key, "is not what was asked for")
        return answer

    def _trouble(self, kind: TroubleKind, what: str) -> None:
        self._warn(Trouble(self._name, kind, what, self._host.now()))


def _none(product: str, tf: int) -> Bars:
    """No bars."""
    return bars_of(product, tf, Answer({"candles": []}, "nothing"), 0, 0)[0]


def _empty(product: str) -> Quotes:
    return _joined(product, [])


def _joined(product: str, parts: list[Quotes]) -> Quotes:
    return Quotes(
        product,
        np.concatenate([np.empty(0, np.int64), *(each.ts for each in parts)]),
        np.concatenate([np.empty(0, np.int64), *(each.received for each in parts)]),
        np.concatenate([np.empty(0), *(each.bid for each in parts)]),
        np.concatenate([np.empty(0), *(each.ask for each in parts)]),
    )
