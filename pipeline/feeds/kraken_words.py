"""What Kraken calls things, what it allows, and what its answers and frames say."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from pipeline.connections.cleaning import cleaned
from pipeline.connections.contract import Limit
from pipeline.connections.reading import Answer
from pipeline.connections.troubles import CallFailed
from pipeline.evidence import TroubleKind
from pipeline.feeds.rows import Refused, bars_of, moment, no_quotes, quote_of, row_of
from pipeline.feeds.symbols import Naming
from pipeline.times import DAY, HOUR, MINUTE, SECOND
from pipeline.values import Bars, Quotes

COINS = ("BTC", "ETH", "SOL", "XRP", "ADA", "DOGE", "LTC", "DOT")
NAMING: Final = Naming(
    "Kraken",
    {f"{coin}{money}": f"{coin}/{money}" for coin in COINS for money in ("USD", "EUR")}
    | {"XBTUSD": "BTC/USD", "ETHBTC": "ETH/BTC", "EURUSD": "EUR/USD", "GBPUSD": "GBP/USD", "USDJPY": "USD/JPY"},
    re.compile(r"[A-Z0-9.]{2,12}/[A-Z0-9.]{2,12}"),
    "BTC/USD",
)
URL, STREAM = "https://api.kraken.com", "wss://ws.kraken.com"
HOSTS = frozenset({"api.kraken.com", "ws.kraken.com", "127.0.0.1"})
SPANS: Mapping[int, str] = {
    **{minutes * MINUTE: str(minutes) for minutes in (1, 5, 15, 30)},
    **{hours * HOUR: str(hours * 60) for hours in (1, 4)},
    DAY: "1440",
}
"""The timeframes it has, and what it calls them."""
MOST = 720
"""So many bars of each are kept, the one that is forming among them."""
LIMITS: Final = (
    Limit("public calls, one a second", frozenset({"ohlc"}), 60, burst=1, scope="address"),
    Limit("connections", frozenset({"stream"}), 15, scope="address"),
)
OLD_NAMES: Mapping[str, str] = {"BTC": "XBT", "DOGE": "XDG"}
"""What its other interface calls the same."""
KINDS: Mapping[str, TroubleKind] = {
    "EAPI:Rate limit exceeded": "throttle",
    "EGeneral:Too many requests": "throttle",
    "EService:Throttled": "throttle",
    "EService:Unavailable": "maintenance",
    "EService:Busy": "maintenance",
    "EGeneral:Temporary lockout": "throttle",
    "EGeneral:Internal error": "network",
}
"""What its errors mean; they come with status 200."""
CLOSED = frozenset({"maintenance", "cancel_only"})
SUBSCRIBING = 1
"""The number of the only request that is sent over a connection."""


def asked_for(symbol: str, tf: int, since: int) -> dict[str, str]:
    """The query for the bars that open at a moment or later: Kraken gives those after it."""
    base, _, money = symbol.partition("/")
    pair = OLD_NAMES.get(base, base) + OLD_NAMES.get(money, money)
    return {"pair": pair, "interval": SPANS[tf], "since": str(since // SECOND - 1)}


def ohlc(product: str, tf: int, answer: Answer, refused: Refused) -> Bars:
    """The final bars of an answer: all but the last, and none after the one that it says is committed."""
    _let_through(answer)
    result = answer.table("result")
    names = [name for name in result.names() if name != "last"]
    if len(names) != 1:
        raise CallFailed("format", f"Kraken's answer is about {len(names)} pairs, not one")
    committed = moment(result, "last", SECOND)
    rows = [(moment(row, 0, SECOND), row) for row in result.rows(names[0])]
    return bars_of(product, tf, [row_of(row, at, 6) for at, row in rows[:-1] if at <= committed], refused)


def sign_of_life() -> dict[str, object]:
    return {"method": "ping"}


class Tickers:
    """The best bids and asks of one connection."""

    def __init__(self, products: Mapping[str, str], refused: Refused) -> None:
        """`products` by their symbols."""
        self._products = dict(products)
        self._refused = refused
        self._apart = 0

    def subscription(self) -> dict[str, object]:
        params = {"channel": "ticker", "symbol": list(self._products), "event_trigger": "bbo", "snapshot": True}
        return {"method": "subscribe", "params": params, "req_id": SUBSCRIBING}

    def heard(self, frame: Answer, sent: int, received: int, tell: Callable[[str], None]) -> list[Quotes]:
        """The quotes of a frame; none of a product that is confirmed. What is refused is told.

        The subscription was `sent` at a moment of our clock: its confirmation tells the time by Kraken's.
        """
        channel = frame.text("channel", "")
        if channel == "ticker":
            return list(self._quotes(frame, received))
        if channel == "status":
            _in_service(frame)
        elif frame.text("method", "") == "subscribe":
            return self._confirmed(frame, sent, received, tell)
        return []

    def _confirmed(self, frame: Answer, sent: int, received: int, tell: Callable[[str], None]) -> list[Quotes]:
        if frame.flag("success"):
            product = self._products.get(frame.table("result").text("symbol"))
            self._apart = (moment(frame, "time_in") + moment(frame, "time_out") - sent - received) // 2
            return [] if product is None else [no_quotes(product)]
        symbol = frame.text("symbol", "")
        if (product := self._products.pop(symbol, None)) is not None:
            why = cleaned(frame.text("error", "it does not say why"))
            tell(f"Kraken does not quote {product} as {symbol} ({why}); mend it in `symbols`")
        if not self._products:
            raise CallFailed("rule", "Kraken quotes nothing of what was asked for")
        return []

    def _quotes(self, frame: Answer, received: int) -> Iterator[Quotes]:
        for row in frame.rows("data"):
            product = self._products.get(row.text("symbol"))
            if product is None:
                self._refused.add("a quote of what was not asked for")
                continue
            ts = moment(row, "timestamp") if row.has("timestamp") else received + self._apart
            quote = quote_of(product, ts, received, row.real("bid"), row.real("ask"), self._refused)
            if quote is not None:
                yield quote


def _in_service(frame: Answer) -> None:
    """Fail when a frame says that there are no prices for a while."""
    for row in frame.rows("data"):
        state = row.text("system", "online")
        if state in CLOSED:
            raise CallFailed("maintenance", f"Kraken is closed for a while ({state})")


def _let_through(answer: Answer) -> None:
    errors = answer.texts("error")
    if errors:
        code = next((each for each in KINDS if errors[0].startswith(each)), "")
        raise CallFailed(KINDS.get(code, "rule"), f"Kraken refuses: {cleaned(errors[0])}")
