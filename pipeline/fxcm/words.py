"""What FXCM's SDK calls things, and what its rows, statuses and errors mean."""

import math
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Final

import numpy as np

from pipeline.connections.cleaning import cleaned
from pipeline.fxcm.port import (
    Candles,
    LoginRefused,
    NoData,
    NoSuchInstrument,
    NotReady,
    Offer,
    SdkFailed,
    SessionLost,
    SessionWord,
    VenueClosed,
)
from pipeline.times import HOUR, MINUTE, parse_moment

TIMEFRAMES: Final = {**{minutes * MINUTE: f"m{minutes}" for minutes in (1, 5, 15, 30)}, HOUR: "H1"}
"""Those it has whose bars open on full slots in UTC: longer ones of its own follow the days of New York."""
STATUSES: Final[dict[str, SessionWord]] = {
    "CONNECTED": "connected",
    "RECONNECTING": "reconnecting",
    "PRICE_SESSION_RECONNECTING": "reconnecting",
    "SESSION_LOST": "lost",
    "DISCONNECTED": "lost",
}
"""What else a session can be is on the way to one of these, or is about something that is not used."""
EPOCH = datetime.fromtimestamp(0, UTC)
EARLIEST, LATEST = parse_moment("2000-01-01T00:00:00Z"), parse_moment("2100-01-01T00:00:00Z")
MILLISECONDS = 1e11
"""A number of seconds is less for thousands of years, one of milliseconds more since 1973."""
PRICES = ("Open", "High", "Low", "Close")
COLUMNS: list[tuple[str, str]] = [
    ("Date", "M8[ns]"),
    *((f"{side}{price}", "f8") for side in ("Bid", "Ask") for price in PRICES),
    ("Volume", "i4"),
]
"""Of the array that it gives as history."""

MEANINGS: tuple[tuple[type[SdkFailed], tuple[str, ...]], ...] = (
    (NoData, ("no data", "unsupported scope")),
    (NotReady, ("not ready",)),
    (NoSuchInstrument, ("instrument is not found", "incorrect instrument", "instrument validation")),
    (SessionLost, ("session lost", "sessionlost", "not connected", "session is", "session status", "no session")),
)
CLOSED = ("maintenance", "unavailable", "not available", "is closed")
REFUSED = ("incorrect", "password", "pin code", "locked", "not authorized", "access denied")


def status_name(status: object) -> str:
    """The name of one of the SDK's statuses, which are numbers with names."""
    return str(getattr(status, "name", status))


def stamp_of(time: object) -> int | None:
    """When an offer is from (ms UTC), said as a datetime, in seconds or in milliseconds; None where it is no moment."""
    match time:
        case datetime():
            at = ((time if time.tzinfo else time.replace(tzinfo=UTC)) - EPOCH) // timedelta(milliseconds=1)
        case bool():
            return None
        case int() | float() if math.isfinite(time):
            at = round(time if abs(time) >= MILLISECONDS else time * 1000)
        case _:
            return None
    return at if EARLIEST <= at < LATEST else None


def offer_of(row: Any) -> Offer | None:
    """What a row of the table of offers says; None where it has no price, or none that can be."""
    instrument, at = getattr(row, "instrument", None), stamp_of(getattr(row, "time", None))
    try:
        bid, ask = float(getattr(row, "bid", math.nan)), float(getattr(row, "ask", math.nan))
    except (TypeError, ValueError):
        return None
    if not isinstance(instrument, str) or at is None or not 0 < bid <= ask < math.inf:
        return None
    return Offer(instrument, at, bid, ask)


def candles_of(rows: Any) -> Candles:
    """Bars out of what the SDK gives: an array with a column for each side of each price."""
    if rows is None or not len(rows):
        return NO_CANDLES
    at = np.asarray(rows["Date"]).astype("datetime64[ms]").astype(np.int64)
    bid, ask = (
        np.column_stack([np.asarray(rows[f"{side}{price}"], np.float64) for price in PRICES]) for side in ("Bid", "Ask")
    )
    return Candles(at, bid, ask, np.asarray(rows["Volume"], np.float64))


NO_CANDLES: Final = Candles(np.zeros(0, np.int64), np.zeros((0, 4)), np.zeros((0, 4)), np.zeros(0))


def naive(ts: int) -> datetime:
    """A moment as the SDK takes it: in UTC, without saying so."""
    return (EPOCH + timedelta(milliseconds=ts)).replace(tzinfo=None)


def meaning(failure: BaseException) -> SdkFailed:
    """What an error of the SDK means, by its words: its classes say nothing."""
    text = cleaned(str(failure)) or type(failure).__name__
    small = text.lower()
    for kind, words in MEANINGS:
        if any(word in small for word in words):
            return kind(f"the SDK says: {text}")
    return SdkFailed(f"the SDK says: {text}")


def login_meaning(failure: BaseException, seen: Collection[str], secrets: Collection[str]) -> SdkFailed:
    """Why a login failed. What may pass is not taken for a wrong password."""
    text = cleaned(str(failure), [each for each in secrets if each]) or type(failure).__name__
    small = text.lower()
    if "CONNECTED_WITH_NEED_TO_CHANGE_PASSWORD" in seen:
        return LoginRefused("FXCM wants another password; change it at its own platform, then run accounts add again")
    if any(word in small for word in CLOSED):
        return VenueClosed(f"FXCM lets nobody in: {text}")
    if any(word in small for word in REFUSED):
        return LoginRefused(f"FXCM refused the login: {text}")
    return SdkFailed(f"there is no session with FXCM: {text}")


class Meant:
    """Within it an error of the SDK, whatever it is, becomes the one of the port that it means."""

    def __init__(self, by: Callable[[BaseException], SdkFailed] = meaning) -> None:
        self._by = by

    def __enter__(self) -> None: ...

    def __exit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, _: TracebackType | None
    ) -> None:
        if isinstance(failure, Exception) and not isinstance(failure, SdkFailed):
            raise self._by(failure) from None
