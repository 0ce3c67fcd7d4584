"""Time as this program knows it: int64 milliseconds since the epoch, UTC, and slots aligned to it."""

import re
from datetime import UTC, datetime, tzinfo
from typing import Annotated

from msgspec import Meta

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

LONGEST, DIGITS = 36_500 * DAY, 16
"""A longer duration is a slip of the fingers: nothing here is counted in more, and no ledger could hold it."""
_UNITS = {"s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY}
_DURATION = re.compile(r"(\d+)(ms|s|m|h|d)")

TimeframeName = Annotated[str, Meta(pattern=r"^[1-9]\d*[mhd]$", description="a timeframe such as 1m, 5m, 15m, 1h, 1d")]
DurationText = Annotated[str, Meta(pattern=r"^[1-9]\d*(ms|s|m|h|d)$", description="a duration such as 500ms, 30s, 5m")]


def timeframe(name: str) -> int:
    """Milliseconds of a timeframe such as `5m`. Slots of it must fill a day exactly."""
    millis = duration(name)
    if millis < MINUTE or DAY % millis:
        raise ValueError(f"{name!r} does not divide a day into whole slots; use one of 1m, 5m, 15m, 1h, 4h, 1d")
    return millis


def timeframe_name(millis: int) -> str:
    for unit in ("d", "h", "m"):
        if millis % _UNITS[unit] == 0:
            return f"{millis // _UNITS[unit]}{unit}"
    return f"{millis}ms"


def duration(text: str) -> int:
    """Milliseconds of a duration such as `500ms`, `30s`, `5m`, `2h`, `1d`."""
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a duration; write a number and a unit: 500ms, 30s, 5m, 2h or 1d")
    millis = int(match[1][:DIGITS]) * (1 if match[2] == "ms" else _UNITS[match[2]])
    if len(match[1]) > DIGITS or millis > LONGEST:
        raise ValueError(f"{text!r} is longer than a hundred years; write a shorter duration")
    return millis


def slot_of(ts: int, tf: int) -> int:
    """The opening of the slot of `tf` milliseconds in which `ts` lies."""
    return ts // tf * tf


def utc_text(ts: int) -> str:
    """`2026-01-05T08:00:00.000Z`."""
    moment = datetime.fromtimestamp(ts / 1000, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{ts % 1000:03d}Z"


def local_text(ts: int, zone: tzinfo, pattern: str = "%Y-%m-%d %H:%M:%S") -> str:
    return datetime.fromtimestamp(ts / 1000, zone).strftime(pattern)


def parse_moment(text: str, zone: tzinfo = UTC) -> int:
    """An ISO moment in ms UTC; one without an offset is read in `zone`."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a moment; write it like 2026-01-05T08:00:00Z") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    return round(moment.timestamp() * 1000)
