"""What is traded, and its prices, as the frames of Deriv's current protocol say it. All functions are pure."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from pipeline.broker.deriv_amounts import amount, category, spans
from pipeline.broker.deriv_words import KINDS
from pipeline.broker.products import Product
from pipeline.broker.values import Candle, Tick
from pipeline.times import SECOND

Payload = dict[str, Any]
SENTIMENTS = {"call": "up", "put": "down"}
SYMBOL_TYPES = {
    "synthetic_index": "stockindex",
    "forex": "forex",
    "cryptocurrency": "cryptocurrency",
    "commodities": "commodities",
}
SUBGROUPS = {"synthetic_index": "synthetics"}
DEFAULT_STAKE = 10


class PriceFrames:
    """All prices are numbers but those of a candle that forms, which are text."""

    # --- what is traded ---

    def active_symbol(self, product: Product, *, is_open: bool, order: int) -> Payload:
        del order
        return {
            "exchange_is_open": int(is_open),
            "is_trading_suspended": 0,
            "market": product.market,
            "pip_size": float(product.pip),
            "subgroup": SUBGROUPS.get(product.market, "none"),
            "submarket": product.submarket,
            "trade_count": 0,
            "underlying_symbol": product.name,
            "underlying_symbol_name": product.title,
            "underlying_symbol_type": SYMBOL_TYPES[product.market],
        }

    def contracts_for(self, product: Product, spot: Tick | None, most: Decimal) -> Payload:
        """What kinds of contracts there are on a product; `most` is what one may pay."""
        del spot
        rows = [
            {
                **self._offered(product, name, expiry, shortest, longest),
                "default_stake": DEFAULT_STAKE,
                "payout_limit": amount(most),
            }
            for name in KINDS
            for expiry, shortest, longest in spans(product)
        ]
        return {"available": rows, "hit_count": len(rows)}

    def _offered(self, product: Product, name: str, expiry: str, shortest: str, longest: str) -> Payload:
        return {
            "barriers": 0,
            "contract_category": category(name),
            "contract_type": name,
            "expiry_type": expiry,
            "market": product.market,
            "max_contract_duration": longest,
            "min_contract_duration": shortest,
            "sentiment": SENTIMENTS[KINDS[name][0]],
            "submarket": product.submarket,
            "underlying_symbol": product.name,
        }

    def trading_day(
        self, product: Product, opens: Sequence[str], closes: Sequence[str], days: Sequence[str]
    ) -> Payload:
        """When a product is traded on a day: its times of opening and closing, UTC."""
        times = {"open": list(opens), "close": list(closes), "settlement": closes[-1] if closes else "--"}
        return {
            "events": [],
            "times": times,
            "trading_days": list(days),
            **self._named(product),
        }

    def _named(self, product: Product) -> Payload:
        return {"underlying_symbol": product.name, "underlying_symbol_name": product.title}

    # --- prices ---

    def tick(self, tick: Tick, product: Product, stream: str | None) -> Payload:
        found = {
            "ask": tick.ask,
            "bid": tick.bid,
            "epoch": tick.at // SECOND,
            "pip_size": product.decimals,
            "quote": tick.quote,
            "symbol": product.name,
        }
        return found if stream is None else {**found, "id": stream}

    def history(self, ticks: Iterable[Tick]) -> Payload:
        listed = list(ticks)
        return {"prices": [each.quote for each in listed], "times": [each.at // SECOND for each in listed]}

    def candle(self, candle: Candle) -> Payload:
        return {
            "close": candle.close,
            "epoch": candle.opened // SECOND,
            "high": candle.high,
            "low": candle.low,
            "open": candle.open,
        }

    def ohlc(self, candle: Candle, product: Product, granularity: int, stream: str) -> Payload:
        return {
            "close": product.text(candle.close),
            "epoch": candle.last // SECOND,
            "granularity": granularity,
            "high": product.text(candle.high),
            "id": stream,
            "low": product.text(candle.low),
            "open": product.text(candle.open),
            "open_time": candle.opened // SECOND,
            "pip_size": product.decimals,
            "symbol": product.name,
        }
