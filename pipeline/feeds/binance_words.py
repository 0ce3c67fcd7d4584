"""What Binance calls things, what it allows, and what its answers and frames say."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from pipeline.connections.cleaning import cleaned
from pipeline.connections.contract import Limit
from pipeline.connections.reading import Answer
from pipeline.connections.troubles import CallFailed
from pipeline.feeds.paging import Page
from pipeline.feeds.rows import Refused, bars_of, moment, quote_of, row_of
from pipeline.feeds.symbols import Naming
from pipeline.times import DAY, HOUR, MINUTE
from pipeline.values import Quotes

COINS = ("BTC", "ETH", "SOL", "XRP", "ADA", "DOGE", "LTC", "BNB", "DOT")
NAMING: Final = Naming(
    "Binance",
    {f"{coin}USD": f"{coin}USDT" for coin in COINS}
    | {f"{coin}USDT": f"{coin}USDT" for coin in COINS}
    | {f"{coin}EUR": f"{coin}EUR" for coin in ("BTC", "ETH", "SOL", "XRP")}
    | {"ETHBTC": "ETHBTC", "EURUSD": "EURUSDT"},
    re.compile(r"[A-Z0-9]{5,20}"),
    "BTCUSDT",
)
"""What a coin costs in dollars is what it costs in Tether there."""
URL, STREAM = "https://data-api.binance.vision", "wss://data-stream.binance.vision"
HOSTS = frozenset(
    {
        *("data-api.binance.vision", "data-stream.binance.vision", "api.binance.com", "stream.binance.com"),
        *("api.binance.us", "stream.binance.us", "127.0.0.1"),
    }
)
SPANS: Mapping[int, str] = {
    **{minutes * MINUTE: f"{minutes}m" for minutes in (1, 3, 5, 15, 30)},
    **{hours * HOUR: f"{hours}h" for hours in (1, 2, 4, 6, 8, 12)},
    DAY: "1d",
}
"""The timeframes it has, and what it calls them."""
WEIGHTS: Mapping[str, int] = {"klines": 2, "time": 1}
LIMITS: Final = (
    Limit("request weight", frozenset(WEIGHTS), 6000, burst=100, scope="address"),
    Limit("connections", frozenset({"stream"}), 60, scope="address"),
)
MOST = 1000
"""Rows of one answer."""
STREAMS = 1024
"""So many products a connection may bring."""


def asked_for(symbol: str, tf: int, since: int, until: int) -> dict[str, str]:
    """The query for the first klines that open in [since, until)."""
    span = {"startTime": str(since), "endTime": str(until - 1), "limit": str(MOST)}
    return {"symbol": symbol, "interval": SPANS[tf]} | span


def klines(product: str, tf: int, answer: Answer, refused: Refused) -> Page:
    """A page of klines; a full one says that there may be more."""
    rows = answer.rows()
    for row in rows:
        if row.whole(6) - row.whole(0) != tf - 1:
            raise row.wrong(6, "is not one millisecond before the next kline opens")
    bars = bars_of(product, tf, [row_of(row, moment(row, 0), 5) for row in rows], refused)
    return Page(bars, moment(rows[-1], 0) if len(rows) >= MOST else None)


def streams(symbols: Sequence[str]) -> str:
    """The path of a connection that brings the best bid and ask of symbols."""
    return "/stream?streams=" + "/".join(f"{symbol.lower()}@bookTicker" for symbol in symbols)


def sign_of_life() -> dict[str, object]:
    """What is asked over a connection on which nothing came for a while: calm markets are silent."""
    return {"method": "LIST_SUBSCRIPTIONS", "id": 1}


class Books:
    """The best bids and asks of one connection, in the order in which its books changed."""

    def __init__(self, products: Mapping[str, str], refused: Refused) -> None:
        """`products` by their symbols."""
        self._products = products
        self._refused = refused
        self._last = dict.fromkeys(products, -1)

    def quote(self, frame: Answer, ts: int, received: int) -> Quotes | None:
        """What a frame says, unless it was said before or is about something else."""
        if frame.has("error"):
            raise CallFailed("rule", f"Binance refuses: {cleaned(frame.table('error').text('msg', ''))}")
        if (data := frame.table("data", None)) is None:
            return None
        symbol, number = data.text("s"), data.whole("u")
        product = self._products.get(symbol)
        if product is None:
            self._refused.add("a quote of what was not asked for")
            return None
        if number <= self._last[symbol]:
            self._refused.add(f"a quote of {product} that had come before")
            return None
        self._last[symbol] = number
        return quote_of(product, ts, received, data.real("b"), data.real("a"), self._refused)
