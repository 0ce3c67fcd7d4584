"""What is asked of Deriv, as its frames are written. Amounts are JSON numbers, as its schemas want them."""

from decimal import Decimal
from typing import Any

from pipeline.times import SECOND

Request = dict[str, Any]


def number(amount: Decimal) -> int | float:
    """An amount as JSON writes it: 10, or 10.75 with no more digits than it has."""
    return int(amount) if amount == amount.to_integral_value() else float(amount)


def proposal(kind: str, symbol: str, stake: Decimal, currency: str, millis: int) -> Request:
    """What a contract of a stake would cost and pay that begins now and runs so long."""
    return {
        "proposal": 1,
        "amount": number(stake),
        "basis": "stake",
        "contract_type": kind,
        "currency": currency,
        **lasting(millis),
        "underlying_symbol": symbol,
    }


def lasting(millis: int) -> Request:
    """A duration in the largest unit that says it whole."""
    seconds = millis // SECOND
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds % size == 0:
            return {"duration": seconds // size, "duration_unit": unit}
    return {"duration": seconds, "duration_unit": "s"}


def buy(proposal_id: str, most: Decimal, name: str) -> Request:
    """Buy what a proposal offered for at most so much, and tell what becomes of it from then on."""
    return {"buy": proposal_id, "price": number(most), "passthrough": {"coid": name}, "subscribe": 1}


def sell(contract: str) -> Request:
    """Sell a contract back for what it is worth now."""
    return {"sell": int(contract), "price": 0}


def open_contract(contract: str, *, subscribe: bool = False) -> Request:
    asked: Request = {"proposal_open_contract": 1, "contract_id": int(contract)}
    return asked | {"subscribe": 1} if subscribe else asked


def profit_table(since: int, limit: int, offset: int) -> Request:
    """A page of the contracts that ended, newest first; here dates are text."""
    return {
        "profit_table": 1,
        "description": 1,
        "limit": limit,
        "offset": offset,
        "sort": "DESC",
        "date_from": str(since // SECOND),
    }


def statement(since: int, limit: int, offset: int) -> Request:
    """A page of the movements of money, newest first; here dates are whole numbers."""
    return {"statement": 1, "description": 1, "limit": limit, "offset": offset, "date_from": since // SECOND}


def candles(symbol: str, millis: int, since: int, until: int, count: int) -> Request:
    return {
        "ticks_history": symbol,
        "style": "candles",
        "granularity": millis // SECOND,
        "start": since // SECOND,
        "end": str(until // SECOND),
        "count": count,
    }


def ticks(symbol: str, since: int, until: int, count: int) -> Request:
    return {
        "ticks_history": symbol,
        "style": "ticks",
        "start": since // SECOND,
        "end": str(until // SECOND),
        "count": count,
    }


TIME: Request = {"time": 1}
PING: Request = {"ping": 1}
PORTFOLIO: Request = {"portfolio": 1}
BALANCE: Request = {"balance": 1}
TRANSACTIONS: Request = {"transaction": 1, "subscribe": 1}
SYMBOLS: Request = {"active_symbols": "brief"}


def contracts_for(symbol: str) -> Request:
    return {"contracts_for": symbol}


def live(symbol: str) -> Request:
    return {"ticks": symbol, "subscribe": 1}


CALLS = (
    "ping",
    "time",
    "active_symbols",
    "contracts_for",
    "ticks_history",
    "ticks",
    "proposal_open_contract",
    "proposal",
    "buy",
    "sell",
    "portfolio",
    "profit_table",
    "statement",
    "balance",
    "transaction",
    "forget",
)


def call_of(request: Request) -> str:
    """Which call a request is: by its first key."""
    return next(iter(request))
