"""What a message has to keep to beyond its keys and their types, so that nobody who listens drops it."""

import re
from itertools import pairwise
from math import isfinite
from typing import Any, cast

import msgspec
from msgspec import UNSET, Struct, UnsetType

from pipeline.channels.messages import Heartbeat, MarketStatus, Message, Ohlcv, PriceTik, Status, Trading, WireBar
from pipeline.channels.wording import SYMBOL, Unfit, shortened, timeframe_of, wire_timeframe
from pipeline.times import DAY, SECOND

MOST_BARS = 1024
"""Bars a message."""
EARLIEST = 946_684_800_000
"""2000-01-01: a bar from before is a mistake of units."""
LATEST_SECONDS = 100_000_000_000.0
"""Whoever writes more seconds than these wrote milliseconds."""
_PRICES = ("open", "high", "low", "close", "volume")
_MORE = ("bar_range", "body_size", "upper_wick", "lower_wick", "avg_spread", "max_spread")
_ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|\+00:00)")


def checked(message: Message, now: int) -> None:
    """Refuse a message that breaks a rule, by an `Unfit`. `now` (ms UTC) is what the future is counted from."""
    match message:
        case Ohlcv():
            _bars(message, now)
        case PriceTik():
            _price(message)
        case Status():
            _status(message)
        case Heartbeat():
            _beat(message)
        case MarketStatus():
            _market(message)


# --- bars ------------------------------------------------------------------------------------------------------------


def _bars(message: Ohlcv, now: int) -> None:
    _symbol(message.symbol)
    tf = timeframe_of(message.tf)
    if wire_timeframe(tf) != message.tf:
        raise Unfit(f"tf: {shortened(message.tf)} is written {wire_timeframe(tf)}")
    if not 0 < len(message.bars) <= MOST_BARS:
        raise Unfit(f"bars: {len(message.bars)} of them; a message has 1 to {MOST_BARS}")
    if message.source == "":
        raise Unfit("source: is empty; leave it out")
    for number, bar in enumerate(message.bars):
        if wrong := _wrong(bar, message.tf, tf, now):
            raise Unfit(f"bars[{number}].{wrong}")
    for number, (bar, after) in enumerate(pairwise(message.bars)):
        if after.open_time <= bar.open_time:
            raise Unfit(f"bars[{number + 1}].open_time: {after.open_time} is not after the bar before it")


def _wrong(bar: WireBar, name: str, tf: int, now: int) -> str:
    """What is wrong with a bar; nothing where nothing is."""
    if bar.tf != name:
        return f"tf: {shortened(bar.tf)} in a message of {name}"
    if type(bar.open_time) is not int or type(bar.close_time) is not int:
        return "open_time: it and close_time are whole numbers of milliseconds"
    if bar.open_time < EARLIEST:
        return f"open_time: {bar.open_time} is before 2000-01-01; it is in milliseconds"
    if bar.open_time > now + DAY:
        return f"open_time: {bar.open_time} is more than a day ahead"
    if bar.close_time != bar.open_time + tf - 1:
        return f"close_time: {bar.close_time} is not the last millisecond of the bar, {bar.open_time + tf - 1}"
    if not isfinite(bar.open + bar.high + bar.low + bar.close + bar.volume):
        key = next((key for key in _PRICES if not isfinite(getattr(bar, key))), "high")
        return f"{key}: {shortened(getattr(bar, key))} is not a number that can be"
    for key in _MORE:
        value = getattr(bar, key)
        if value is not UNSET and not isfinite(value):
            return f"{key}: {shortened(value)} is not a number that can be"
    if bar.tick_count is not UNSET and (type(bar.tick_count) is not int or bar.tick_count < 0):
        return f"tick_count: {shortened(bar.tick_count)} is not a count"
    if bar.low > bar.high:
        return f"low: {bar.low} is above the high, {bar.high}"
    return ""


# --- prices and states -----------------------------------------------------------------------------------------------


def _price(message: PriceTik) -> None:
    _symbol(message.symbol)
    for key in ("bid", "ask", "mid"):
        if not _finite(getattr(message, key)):
            raise Unfit(f"{key}: {shortened(getattr(message, key))} is not a number")
    _seconds("tick_ts", message.tick_ts)
    _seconds("snap_ts", message.snap_ts)
    if message.tick_ts == message.snap_ts:
        raise Unfit(f"snap_ts: {message.snap_ts} is the moment of the tick; it is when the price was looked at")


def _status(message: Status) -> None:
    _seconds("ts", message.ts)
    if not message.note.strip():
        raise Unfit("note: is empty; say in a few words how it stands")
    if isinstance(message.session, Trading):
        _trading(message.session)


def _trading(session: Trading) -> None:
    for key in ("current_open_utc", "current_close_utc", "next_open_utc"):
        _moment(f"session.{key}", getattr(session, key))
    for key in ("seconds_to_close", "seconds_to_next_open"):
        value = getattr(session, key)
        if value is not UNSET and not _finite(value):
            raise Unfit(f"session.{key}: {shortened(value)} is not a number")
    if session.state_detail is not UNSET and session.state != "closed":
        raise Unfit("session.state_detail: is said only of a market that is closed")


class _Session(Struct):
    """Those keys of a heartbeat's session that have a type."""

    tag: str | UnsetType = UNSET
    timezone: str | UnsetType = UNSET
    weekly_open: str | UnsetType = UNSET
    weekly_close: str | UnsetType = UNSET
    daily_breaks: list[Any] | UnsetType = UNSET
    next_open_utc: str | UnsetType = UNSET
    next_open_ms: int | UnsetType = UNSET
    next_open_seconds: float | UnsetType = UNSET


class _Context(Struct):
    """Those keys of a heartbeat's context that have a type."""

    lag_seconds: float | UnsetType = UNSET
    market_pause: bool | UnsetType = UNSET
    stream_targets: list[dict[str, Any]] | UnsetType = UNSET
    bars_published: int | UnsetType = UNSET
    published_bars: int | UnsetType = UNSET
    next_open_ms: int | UnsetType = UNSET
    idle_reason: str | UnsetType = UNSET
    session: _Session | UnsetType = UNSET


def _beat(message: Heartbeat) -> None:
    _moment("ts", message.ts)
    _common("context", message.context, _Context)
    _since(message)


def _market(message: MarketStatus) -> None:
    _moment("ts", message.ts)
    _moment("next_open_utc", message.next_open_utc)
    if message.session is not UNSET:
        _common("session", message.session, _Session)
    _since(message)


def _since(message: Heartbeat | MarketStatus) -> None:
    if isinstance(message.price_snap_ts, float | int):
        _seconds("price_snap_ts", message.price_snap_ts)
    silence = message.tick_silence_seconds
    if silence is not UNSET and not _finite(silence):
        raise Unfit(f"tick_silence_seconds: {shortened(silence)} is not a number")


def _common(key: str, value: dict[str, Any], kind: type[Struct]) -> None:
    """The keys that listeners read are what they read them as."""
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as wrong:
        raise Unfit(sentence(wrong, key)) from None


# --- shared ----------------------------------------------------------------------------------------------------------


def sentence(wrong: msgspec.ValidationError, under: str = "") -> str:
    """What msgspec found, the key first: `bars[0].open_time: Expected int, got str`."""
    what, _, where = str(wrong).partition(" - at `")
    path = where.rstrip("`").removeprefix("$").removeprefix(".")
    key = ".".join(part for part in (under, path) if part)
    return f"{key}: {what.replace('`', '')}" if key else what.replace("`", "")


def _symbol(symbol: str) -> None:
    if SYMBOL.fullmatch(symbol) is None:
        raise Unfit(f"symbol: {shortened(symbol)} is not in capitals without a slash, as EURUSD is")


def _seconds(key: str, value: object) -> None:
    if not _finite(value) or not EARLIEST / SECOND <= cast("float", value) < LATEST_SECONDS:
        raise Unfit(f"{key}: {shortened(value)} is not a moment in seconds")


def _moment(key: str, value: object) -> None:
    if value is not UNSET and (not isinstance(value, str) or _ISO.fullmatch(value) is None):
        raise Unfit(f"{key}: {shortened(value)} is not a moment in UTC, as 2026-01-05T08:00:00Z is")


def _finite(value: object) -> bool:
    return type(value) in {float, int} and isfinite(cast("float", value))
