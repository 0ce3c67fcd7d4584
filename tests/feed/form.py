"""The form of each message on the wire, read from the contract alone: json and hashlib, nothing of the publisher's.

A message is judged by what a strict listener asks of it: its exact keys, their types and units. What is wrong is a
sentence; of a message that is right there is none.
"""

import hashlib
import hmac
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, NoReturn, TypeGuard, cast

Json = Any
LENGTHS = {"1m": 60_000, "5m": 300_000, "15m": 900_000, "30m": 1_800_000, "1h": 3_600_000}
BAR = {"open_time", "close_time", "open", "high", "low", "close", "volume", "complete", "synthetic", "source", "tf"}
MORE = {"tick_count", "bar_range", "body_size", "upper_wick", "lower_wick", "avg_spread", "max_spread"}
SOURCES = {"stream", "history", "history_agg", "synthetic"}
TICK = {"symbol", "bid", "ask", "mid", "tick_ts", "snap_ts"}
STATUS = {"ts", "process", "market", "price", "ohlcv", "note"}
SESSION = {
    *("name", "tag", "state", "current_open_utc", "current_close_utc", "next_open_utc"),
    *("seconds_to_close", "seconds_to_next_open", "state_detail", "symbols"),
}
HEARTBEAT = {"type", "state", "ts", "context"}
BEATS = {"last_bar_close_ms", "tick_silence_seconds", "price_snap_ts"}
MARKET = {"type", "state", "ts"}
MARKETS = {"next_open_ms", "next_open_utc", "next_open_in_seconds", "session", "tick_silence_seconds", "price_snap_ts"}
WORDS = {
    "process": {"stream", "idle", "sleep", "error"},
    "market": {"open", "closed", "unknown"},
    "price": {"ok", "stale", "down"},
    "ohlcv": {"ok", "delayed", "down"},
}
DIAGNOSES = {"STREAM", "IDLE", "DISCONNECTED", "RECOVERING"}
MILLENNIUM = 946_684_800
"""2000-01-01 in seconds UTC."""
LAST_SECOND = 10_000_000_000
"""More than this many seconds are milliseconds that somebody forgot to divide."""
MOST_BARS = 1024


class NotJson(ValueError):
    """What came is not one JSON object, strictly read."""


def parsed(raw: bytes) -> dict[str, Json]:
    """The object; NaN, a key twice, other bytes than UTF-8 and anything but an object are refused."""

    def once(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
        if len(dict(pairs)) != len(pairs):
            raise NotJson("a key stands there twice")
        return dict(pairs)

    def refused(word: str) -> NoReturn:
        raise NotJson(f"{word} is no JSON")

    try:
        value = json.loads(raw.decode("utf-8"), object_pairs_hook=once, parse_constant=refused)
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise NotJson(str(error)) from error
    if not isinstance(value, dict):
        raise NotJson("no object")
    return cast("dict[str, Json]", value)


def faults(channel: str, message: Mapping[str, Json], secret: str = "") -> list[str]:
    """What is wrong with the form of a message of a channel."""
    return list(JUDGES[channel](message, secret))


def signature(message: Mapping[str, Json], secret: str) -> str:
    signed = {key: message[key] for key in ("symbol", "tf", "bars")}
    text = json.dumps(signed, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


# --- channels --------------------------------------------------------------------------------------------------------


def _ohlcv(message: Mapping[str, Json], secret: str) -> Iterable[str]:
    yield from _keys(message, {"symbol", "tf", "bars"}, {"source", "sig"})
    yield from _symbol(message)
    tf, bars = message.get("tf"), message.get("bars")
    if tf not in LENGTHS:
        yield f"tf is {tf!r}"
        return
    if not isinstance(bars, list) or not 1 <= len(cast("list[Json]", bars)) <= MOST_BARS:
        yield "bars is no list of 1 to 1024"
        return
    if secret:
        if message.get("sig") != signature(message, secret):
            yield f"sig is {message.get('sig')!r}"
    elif "sig" in message:
        yield "there is a sig without a secret"
    rows = cast("list[Json]", bars)
    if not all(isinstance(row, dict) for row in rows):
        yield "a bar is no object"
        return
    for row in rows:
        yield from _bar(row, cast("str", tf))
    opens = [row.get("open_time") for row in rows]
    if not all(map(_whole, opens)) or any(later <= earlier for earlier, later in pairwise(opens)):
        yield "bars do not strictly increase"
    if len(rows) > 1 and any(row.get("complete") is False for row in rows):
        yield "a live bar is among others"


def _bar(bar: Mapping[str, Json], tf: str) -> Iterable[str]:
    yield from _keys(bar, BAR, MORE)
    if bar.get("tf") != tf:
        yield f"a bar's tf is {bar.get('tf')!r}"
    for key in ("complete", "synthetic"):
        if not isinstance(bar.get(key), bool):
            yield f"{key} is {bar.get(key)!r}"
    if bar.get("source") not in SOURCES:
        yield f"a bar's source is {bar.get('source')!r}"
    begins, ends = bar.get("open_time"), bar.get("close_time")
    if not _whole(begins) or not _whole(ends):
        yield "a bar's times are no whole numbers"
    else:
        if begins % LENGTHS[tf] or begins < MILLENNIUM * 1000:
            yield f"open_time {begins} begins no {tf}"
        if ends != begins + LENGTHS[tf] - 1:
            yield f"close_time is {ends - begins} after open_time"
    numbers = [bar.get(key) for key in ("open", "high", "low", "close", "volume")]
    if not all(_number(each) for each in numbers):
        yield "a price or the volume is no finite number"
        return
    opened, high, low, close, volume = cast("list[float]", numbers)
    if not low <= min(opened, close) <= max(opened, close) <= high:
        yield f"open {opened}, high {high}, low {low}, close {close} cannot be"
    if volume < 0:
        yield f"volume is {volume}"
    yield from _geometry(bar)


def _geometry(bar: Mapping[str, Json]) -> Iterable[str]:
    count = bar.get("tick_count", 0)
    if not _whole(count) or count < 0:
        yield f"tick_count is {count!r}"
    opened, high, low, close = (bar[key] for key in ("open", "high", "low", "close"))
    parts = {
        "bar_range": high - low,
        "body_size": abs(close - opened),
        "upper_wick": high - max(opened, close),
        "lower_wick": min(opened, close) - low,
    }
    for key, right in parts.items():
        said = bar.get(key, right)
        if not _number(said) or not math.isclose(said, right, rel_tol=1e-6, abs_tol=1e-9):
            yield f"{key} is {said!r} and not {right}"
    average, most = bar.get("avg_spread", 0.0), bar.get("max_spread", math.inf)
    if not _number(average) or average < 0 or not isinstance(most, int | float) or most < average * (1 - 1e-9):
        yield f"avg_spread is {average!r}, max_spread {most!r}"


def _tick(message: Mapping[str, Json], _: str) -> Iterable[str]:
    yield from _keys(message, TICK, set())
    yield from _symbol(message)
    if not all(_number(message.get(key)) for key in TICK - {"symbol"}):
        yield "a price or a time is no finite number"
        return
    bid, ask, mid = message["bid"], message["ask"], message["mid"]
    if not 0 < bid <= mid <= ask:
        yield f"bid {bid}, mid {mid}, ask {ask} cannot be"
    yield from _seconds(message, "tick_ts")
    yield from _seconds(message, "snap_ts")
    if message["snap_ts"] == message["tick_ts"]:
        yield "tick_ts is snap_ts"


def _status(message: Mapping[str, Json], _: str) -> Iterable[str]:
    yield from _keys(message, STATUS, {"session"})
    yield from _seconds(message, "ts")
    for key, words in WORDS.items():
        if message.get(key) not in words:
            yield f"{key} is {message.get(key)!r}"
    if not isinstance(message.get("note"), str) or not message["note"]:
        yield "note is empty"
    session = message.get("session", {})
    if not isinstance(session, dict):
        yield "session is no object"
        return
    yield from _session(cast("dict[str, Json]", session))


def _session(session: Mapping[str, Json]) -> Iterable[str]:
    yield from _keys(session, set(), SESSION)
    state = session.get("state", "open")
    if state not in {"open", "preopen", "closed"}:
        yield f"session.state is {state!r}"
    if "state_detail" in session and (
        state == "open" or session["state_detail"] not in {"intrabreak", "overnight", "weekend"}
    ):
        yield f"session.state_detail is {session['state_detail']!r} while {state}"
    for key in session:
        if key.endswith("_utc"):
            yield from _iso(session, key)
        elif key.startswith("seconds_") and (not _number(session[key]) or session[key] < 0):
            yield f"session.{key} is {session[key]!r}"
    rows = session.get("symbols", [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in cast("list[Json]", rows)):
        yield "session.symbols is no list of objects"


def _heartbeat(message: Mapping[str, Json], _: str) -> Iterable[str]:
    yield from _keys(message, HEARTBEAT, BEATS)
    if message.get("type") != "heartbeat":
        yield f"type is {message.get('type')!r}"
    if message.get("state") not in {"warmup", "warmup_cache", "stream", "idle"}:
        yield f"state is {message.get('state')!r}"
    yield from _iso(message, "ts")
    yield from _whole_at(message, "last_bar_close_ms")
    yield from _numbered(message, "tick_silence_seconds")
    yield from _seconds(message, "price_snap_ts", absent=True)
    context = message.get("context")
    if not isinstance(context, dict):
        yield "context is no object"
        return
    yield from _context(cast("dict[str, Json]", context))


def _context(context: Mapping[str, Json]) -> Iterable[str]:
    if context.get("diag_state") not in DIAGNOSES:
        yield f"context.diag_state is {context.get('diag_state')!r}"
    for key in ("price_stream", "supervisor"):
        if not isinstance(context.get(key), dict):
            yield f"context.{key} is no object"
    for key in ("bars_published", "published_bars", "next_open_ms"):
        yield from _whole_at(context, key)
    yield from _numbered(context, "lag_seconds")
    targets = context.get("stream_targets", [])
    if not isinstance(targets, list) or not all(isinstance(each, dict) for each in cast("list[Json]", targets)):
        yield "context.stream_targets is no list of objects"
    session = context.get("session", {})
    if not isinstance(session, dict) or not isinstance(cast("dict[str, Json]", session).get("daily_breaks", []), list):
        yield "context.session is no object with a list of breaks"


def _market(message: Mapping[str, Json], _: str) -> Iterable[str]:
    yield from _keys(message, MARKET, MARKETS)
    if message.get("type") != "market_status":
        yield f"type is {message.get('type')!r}"
    if message.get("state") not in {"open", "closed"}:
        yield f"state is {message.get('state')!r}"
    yield from _iso(message, "ts")
    yield from _whole_at(message, "next_open_ms")
    yield from _numbered(message, "next_open_in_seconds")


JUDGES: dict[str, Callable[[Mapping[str, Json], str], Iterable[str]]] = {
    "ohlcv": _ohlcv,
    "price_tik": _tick,
    "status": _status,
    "heartbeat": _heartbeat,
    "market_status": _market,
}


# --- fields ----------------------------------------------------------------------------------------------------------


def _keys(message: Mapping[str, Json], needed: set[str], more: set[str]) -> Iterable[str]:
    if missing := needed - message.keys():
        yield f"without {', '.join(sorted(missing))}"
    if strange := message.keys() - needed - more:
        yield f"nobody knows {', '.join(sorted(strange))}"


def _symbol(message: Mapping[str, Json]) -> Iterable[str]:
    symbol = message.get("symbol")
    if not isinstance(symbol, str) or not re.fullmatch(r"[A-Z0-9._]+", symbol):
        yield f"symbol is {symbol!r}"


def _whole(value: Json) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: Json) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _seconds(message: Mapping[str, Json], key: str, *, absent: bool = False) -> Iterable[str]:
    value = message.get(key)
    if (key in message or not absent) and not (_number(value) and MILLENNIUM <= value < LAST_SECOND):
        yield f"{key} is {value!r}, no seconds UTC"


def _whole_at(message: Mapping[str, Json], key: str) -> Iterable[str]:
    if key in message and not _whole(message[key]):
        yield f"{key} is {message[key]!r}, no whole number"


def _numbered(message: Mapping[str, Json], key: str) -> Iterable[str]:
    if key in message and not _number(message[key]):
        yield f"{key} is {message[key]!r}, no number"


def _iso(message: Mapping[str, Json], key: str) -> Iterable[str]:
    try:
        at = datetime.fromisoformat(cast("str", message.get(key)))
    except (TypeError, ValueError):
        yield f"{key} is {message.get(key)!r}, no moment"
    else:
        if at.utcoffset() != timedelta(0):
            yield f"{key} is {message.get(key)!r}, not UTC"
