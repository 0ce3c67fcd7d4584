"""What the practice venue says over HTTP, as tables: contracts, entries, candles, refusals."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from pipeline.broker.values import Candle, Entry, Refusal, RefusalCode, Tick
from pipeline.evidence import Listed
from pipeline.times import timeframe_name
from pipeline.values import Result

Table = dict[str, Any]
STATES: Mapping[Result, str] = {"win": "won", "lose": "lost", "push": "tied", "canceled": "void", "abort": "void"}
CODES: Mapping[RefusalCode, str] = {
    "account": "account_not_active",
    "product": "symbol_unknown",
    "closed": "market_closed",
    "duration": "duration_not_offered",
    "stake": "stake_out_of_range",
    "payout": "stake_out_of_range",
    "decimals": "too_many_decimals",
    "currency": "currency",
    "funds": "insufficient_funds",
    "spent": "payout_moved",
    "price": "payout_moved",
    "contract": "not_found",
    "ended": "ended",
    "waiting": "not_yet",
    "unsellable": "not_sold_back",
}


class Fault(NamedTuple):
    """An answer that says no."""

    status: int
    code: str
    message: str

    @property
    def table(self) -> Table:
        return {"error": {"code": self.code, "message": self.message}}


class No(Exception):
    """What was asked is not done."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.fault = Fault(status, code, message)


def refused(refusal: Refusal, status: int = 422) -> No:
    return No(404 if refusal.code == "contract" else status, CODES[refusal.code], refusal.text)


def contract_table(listed: Listed, symbol: str, *, echoes: bool) -> Table:
    """A contract as it stands. `symbol` is what the product was called by whoever asks."""
    made: Table = {
        "id": listed.contract,
        "symbol": symbol,
        "side": listed.direction,
        "tf": length_text(listed.tf),
        "amount": money(listed.stake),
        "payout_pct": percent(listed.payout),
        "accepted_at": listed.accepted_at,
        "expires_at": listed.expiry,
        "state": "open",
    }
    if echoes:
        made["client_req_id"] = listed.request
    if listed.result is None:
        return made
    early = listed.closed_at < listed.expiry and listed.result != "canceled"
    made |= {
        "state": "sold" if early else STATES[listed.result],
        "profit": money(listed.profit),
        "closed_at": listed.closed_at,
    }
    if listed.entry_ts:
        made |= {"entry_at": listed.entry_ts, "entry": listed.entry, "exit_at": listed.exit_ts, "exit": listed.exit}
    return made


def entry_table(entry: Entry) -> Table:
    return {
        "number": entry.number,
        "at": entry.at,
        "kind": entry.kind,
        "amount": money(entry.amount),
        "balance_after": money(entry.balance_after),
        "order": entry.contract,
    }


def candle_table(candle: Candle) -> Table:
    return {
        "ts": candle.opened,
        "open": candle.open,
        "high": candle.high,
        "low": candle.low,
        "close": candle.close,
        "volume": candle.ticks,
        "final": candle.final,
    }


def tick_table(tick: Tick) -> Table:
    return {"ts": tick.at, "bid": tick.bid, "ask": tick.ask}


def money(amount: Decimal) -> str:
    return f"{amount:.2f}"


def percent(ratio: float) -> float:
    return float(Decimal(str(ratio)) * 100)


def length_text(millis: int) -> str:
    """A length such as 1m or 30s."""
    return timeframe_name(millis) if millis % 60_000 == 0 else f"{millis // 1000}s"
