"""What OANDA calls things, what it allows, and what its answers and the lines of its stream say."""

import re
from collections.abc import Mapping
from typing import Final

from pipeline.connections.contract import Limit
from pipeline.connections.reading import Answer
from pipeline.feeds.paging import Page
from pipeline.feeds.rows import Refused, Row, bars_of, moment, quote_of
from pipeline.feeds.symbols import Naming
from pipeline.times import DAY, HOUR, MINUTE, utc_text
from pipeline.values import Quotes

PAIRS = (
    *("EURUSD", "GBPUSD", "USDJPY", "USDCHF", "AUDUSD", "NZDUSD", "USDCAD", "EURGBP", "EURJPY", "EURCHF", "GBPJPY"),
    *("AUDJPY", "CHFJPY", "CADJPY", "EURAUD", "EURCAD", "GBPCHF", "XAUUSD", "XAGUSD", "BTCUSD"),
)
NAMING: Final = Naming(
    "OANDA", {each: f"{each[:3]}_{each[3:]}" for each in PAIRS}, re.compile(r"[A-Z0-9]{2,12}_[A-Z0-9]{2,12}"), "EUR_USD"
)
URL, STREAM = "https://api-fxpractice.oanda.com", "https://stream-fxpractice.oanda.com"
HOSTS = frozenset(
    {
        *("api-fxpractice.oanda.com", "stream-fxpractice.oanda.com"),
        *("api-fxtrade.oanda.com", "stream-fxtrade.oanda.com", "127.0.0.1"),
    }
)
SPANS: Mapping[int, str] = {
    **{minutes * MINUTE: f"M{minutes}" for minutes in (1, 2, 4, 5, 10, 15, 30)},
    **{hours * HOUR: f"H{hours}" for hours in (1, 2, 3, 4, 6, 8, 12)},
    DAY: "D",
}
"""The timeframes it has, and what it calls them."""
MOST = 5000
"""Rows of one answer."""
LIMITS: Final = (
    Limit("calls, a hundred a second", frozenset({"candles"}), 6000, burst=100, scope="address"),
    Limit("new streams, two a second", frozenset({"stream"}), 120, burst=2, scope="address"),
)
STREAMS = 20
"""So many streams may be open at a time."""
MANNER: Mapping[str, str] = {"Accept-Datetime-Format": "RFC3339"}


def asked_for(tf: int, since: int, until: int) -> dict[str, str]:
    """The query for the first candles that open at a moment or later; days begin at midnight UTC."""
    rows = max(2, min(MOST, -(-(until - since) // tf) + 1))
    days = {"dailyAlignment": "0", "alignmentTimezone": "UTC"}
    return {"granularity": SPANS[tf], "price": "M", "from": utc_text(since), "count": str(rows)} | days


def candles(product: str, symbol: str, tf: int, wanted: int, answer: Answer, refused: Refused) -> Page:
    """A page of complete candles; as many as were wanted say that there may be more."""
    if answer.text("instrument") != symbol or answer.text("granularity") != SPANS[tf]:
        raise answer.wrong("instrument", "is not what was asked for")
    rows = answer.rows("candles")
    made = [_row(each) for each in rows if each.flag("complete")]
    bars = bars_of(product, tf, made, refused)
    more = len(rows) >= wanted and len(made) == len(rows)
    return Page(bars, made[-1].at if more else None)


class Lines:
    """The lines of one stream."""

    def __init__(self, products: Mapping[str, str], refused: Refused) -> None:
        """`products` by their symbols."""
        self._products = products
        self._refused = refused

    def quote(self, line: Answer, received: int) -> Quotes | None:
        """The price a line tells, unless it is a heartbeat or a price at which nobody trades."""
        if line.text("type") != "PRICE" or not line.flag("tradeable", default=True):
            return None
        product = self._products.get(line.text("instrument"))
        if product is None:
            self._refused.add("a quote of what was not asked for")
            return None
        bids, asks = line.rows("bids"), line.rows("asks")
        if not bids or not asks:
            self._refused.add(f"a quote of {product} with one side")
            return None
        bid, ask = bids[0].real("price"), asks[0].real("price")
        return quote_of(product, moment(line, "time"), received, bid, ask, self._refused)


def _row(candle: Answer) -> Row:
    mid = candle.table("mid")
    prices = (mid.real(name) for name in "ohlc")
    return Row(moment(candle, "time"), *prices, volume=candle.real("volume"))
