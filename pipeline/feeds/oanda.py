"""OANDA's prices, for whoever has an account there (a practice one is free): candles as history, quotes as a stream.

The stream is one HTTP answer without an end, a JSON text a line, that beats every five seconds. Of each product it
gives at most four prices a second.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing

from pipeline.connections.budgets import Budgets
from pipeline.connections.contract import Outside, Warn
from pipeline.connections.http import Http
from pipeline.connections.troubles import CallFailed
from pipeline.feeds.finality import settled
from pipeline.feeds.grain import made
from pipeline.feeds.listening import Oddities
from pipeline.feeds.oanda_words import HOSTS, LIMITS, MANNER, SPANS, Lines, asked_for, candles
from pipeline.feeds.paging import Page, paged
from pipeline.feeds.rows import Refused, no_bars
from pipeline.secret import Login, Logins
from pipeline.values import Bars, Quotes

DEADLINE, QUIET = 10.0, 15.0
"""Seconds for an answer; seconds after which a stream without any line is dead."""


class OandaFeed:
    """One flow's, or one download's, prices of OANDA, by the login of one account."""

    def __init__(
        self, symbols: Mapping[str, str], url: str, stream: str, account: str, logins: Logins, host: Outside, warn: Warn
    ) -> None:
        self._symbols, self._host, self._warn = dict(symbols), host, warn
        self._account, self._logins = account, logins
        self._known: tuple[int, Login] | None = None
        self._refused = Refused("oanda", warn, host.now)
        budgets = Budgets(LIMITS, host.now, host.until)
        self._http = Http(url, hosts=HOSTS, deadline=DEADLINE, budgets=budgets, headers=self._headers)
        self._streaming = Http(
            stream, hosts=HOSTS, deadline=DEADLINE, budgets=budgets, headers=self._headers, key="stream_url"
        )

    async def history(self, product: str, tf: int, since: int, until: int) -> Bars:
        async def ask(finest: int, begin: int, end: int) -> Bars:
            final = await settled(self._host, finest, end)
            if final <= begin:
                return no_bars(product, finest)
            return await paged(lambda at, before: self._page(product, finest, at, before), begin, final)

        return await made(tf, SPANS, since, until, ask)

    async def ticks(self, product: str, since: int, until: int) -> Quotes:
        raise CallFailed("rule", f"OANDA keeps no quotes of {product}; ask for bars, such as 1m")

    async def live(self, products: tuple[str, ...]) -> AsyncIterator[Quotes]:
        login = await self._login()
        lines = Lines({self._symbols[product]: product for product in products}, self._refused)
        oddities = Oddities("oanda", self._host, self._warn)
        path = f"/v3/accounts/{login.names['account_id']}/pricing/stream"
        query = {"instruments": ",".join(self._symbols[product] for product in products), "snapshot": "true"}
        stream = self._streaming.lines(
            path, call="stream", priority="quote", quiet_after=QUIET, query=query, headers=MANNER, warn=oddities.told
        )
        try:
            async with aclosing(stream):
                async for line in stream:
                    try:
                        quote = lines.quote(line, self._host.now())
                    except CallFailed as failure:
                        oddities.bear(failure)
                        continue
                    if quote is not None:
                        yield quote
        except CallFailed as failure:
            raise lasting(failure, self._account) from None

    async def close(self) -> None:
        await self._http.close()
        await self._streaming.close()

    async def _page(self, product: str, tf: int, since: int, until: int) -> Page:
        await self._login()
        symbol, query = self._symbols[product], asked_for(tf, since, until)
        path = f"/v3/instruments/{symbol}/candles"
        try:
            answer = await self._http.retried(path, call="candles", priority="history", query=query, headers=MANNER)
        except CallFailed as failure:
            raise lasting(failure, self._account) from None
        return candles(product, symbol, tf, int(query["count"]), answer, self._refused)

    async def _login(self) -> Login:
        """The login as it is kept now; opening what keeps it may take its time."""
        stamp = self._logins.stamp(self._account)
        if self._known is None or self._known[0] != stamp:
            login = await asyncio.to_thread(self._logins.of, self._account)
            if "account_id" not in login.names or "token" not in login.secrets:
                told = f"the login of {self._account} is not OANDA's; store it with `accounts login {self._account}`"
                raise CallFailed("auth", told, fate="unsent", final=True)
            self._known = stamp, login
        return self._known[1]

    def _headers(self) -> Mapping[str, str]:
        assert self._known is not None, "nothing is asked before there is a login"
        return {"Authorization": f"Bearer {self._known[1].secrets['token'].reveal()}"}


def lasting(failure: CallFailed, account: str) -> CallFailed:
    """A failure that asking again does not mend is said to be one: a token that OANDA does not take."""
    if failure.kind != "auth":
        return failure
    told = f"{failure}; store a token that OANDA takes with `accounts login {account}`"
    return CallFailed("auth", told, fate=failure.fate, final=True)
