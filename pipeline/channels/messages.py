"""What stands on the wire: one JSON object a message, with exactly these keys.

Units differ by channel because those who listen have them so: bars and moments that end in `_ms` are ms UTC, ticks,
snapshots and `ts` of a status are seconds UTC, `ts` of a heartbeat and of a market's status is ISO text.
"""

from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType

Source = Literal["stream", "history", "history_agg", "synthetic"]
"""How a bar was made: from ticks, by the venue's history, from shorter bars of that history, or without a price."""


class WireBar(Struct, frozen=True, forbid_unknown_fields=True):
    """One bar. `close_time` is its last millisecond: `open_time` + length - 1."""

    open_time: int
    close_time: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    complete: bool
    """False while it forms. Who listens keeps only complete ones."""
    synthetic: bool
    source: Source
    tf: str
    tick_count: int | UnsetType = UNSET
    bar_range: float | UnsetType = UNSET
    body_size: float | UnsetType = UNSET
    upper_wick: float | UnsetType = UNSET
    lower_wick: float | UnsetType = UNSET
    avg_spread: float | UnsetType = UNSET
    max_spread: float | UnsetType = UNSET


class Ohlcv(Struct, frozen=True, forbid_unknown_fields=True):
    """Bars of one symbol and timeframe, strictly increasing."""

    symbol: str
    tf: str
    bars: tuple[WireBar, ...]
    source: str | UnsetType = UNSET
    """Which source of prices, by the name of its part."""
    sig: str | UnsetType = UNSET


class PriceTik(Struct, frozen=True, forbid_unknown_fields=True):
    """The last price of a symbol: `tick_ts` when it was, `snap_ts` when it was looked at, in seconds."""

    symbol: str
    bid: float
    ask: float
    mid: float
    tick_ts: float
    snap_ts: float


class Trading(Struct, frozen=True, forbid_unknown_fields=True):
    """When the market trades: a status' `session`."""

    name: str | UnsetType = UNSET
    tag: str | UnsetType = UNSET
    state: Literal["open", "preopen", "closed"] | UnsetType = UNSET
    current_open_utc: str | UnsetType = UNSET
    current_close_utc: str | UnsetType = UNSET
    next_open_utc: str | UnsetType = UNSET
    seconds_to_close: float | UnsetType = UNSET
    seconds_to_next_open: float | UnsetType = UNSET
    state_detail: Literal["intrabreak", "overnight", "weekend"] | UnsetType = UNSET
    symbols: tuple[dict[str, Any], ...] | UnsetType = UNSET


class Status(Struct, frozen=True, forbid_unknown_fields=True):
    """Whether what is published may be used: the channel that listeners go by."""

    ts: float
    process: Literal["stream", "idle", "sleep", "error"]
    market: Literal["open", "closed", "unknown"]
    price: Literal["ok", "stale", "down"]
    ohlcv: Literal["ok", "delayed", "down"]
    note: str
    """Never empty."""
    session: Trading | UnsetType = UNSET


class Heartbeat(Struct, frozen=True):
    """That the publisher lives, and everything about how it fares, in `context`."""

    type: Literal["heartbeat"]
    state: Literal["warmup", "warmup_cache", "stream", "idle"]
    ts: str
    context: dict[str, Any]
    last_bar_close_ms: int | UnsetType = UNSET
    tick_silence_seconds: float | UnsetType = UNSET
    price_snap_ts: float | UnsetType = UNSET


class MarketStatus(Struct, frozen=True):
    """Whether the market is open."""

    type: Literal["market_status"]
    state: Literal["open", "closed"]
    ts: str
    next_open_ms: int | UnsetType = UNSET
    next_open_utc: str | UnsetType = UNSET
    next_open_in_seconds: float | UnsetType = UNSET
    session: dict[str, Any] | UnsetType = UNSET
    tick_silence_seconds: float | UnsetType = UNSET
    price_snap_ts: float | UnsetType = UNSET


Message = Ohlcv | PriceTik | Status | Heartbeat | MarketStatus
