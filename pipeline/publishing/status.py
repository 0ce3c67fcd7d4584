"""The status that listeners go by, and when it goes out: at once when it is another, else every so often."""

from collections.abc import Hashable, Iterator
from typing import Any

from msgspec import UNSET

from pipeline.channels.messages import MarketStatus, Status, Trading
from pipeline.publishing.picture import Picture
from pipeline.publishing.pulse import Pulse
from pipeline.publishing.symbols import symbol_of
from pipeline.publishing.trading import seconds
from pipeline.times import SECOND, utc_text

MANY = 32
"""No more symbols than that stand in a status: those that are not well come first."""


class Repeats:
    """When something goes out that is repeated: at once when it is another, else after `every` (ms)."""

    def __init__(self, every: int) -> None:
        self._every = every
        self._said: Hashable = None
        self._due = 0

    @property
    def due(self) -> int:
        """When it is repeated; 0: it was never said."""
        return self._due

    def wanted(self, what: Hashable, now: int) -> bool:
        """Whether to say it now. What is another is never put off."""
        if what == self._said and now < self._due:
            return False
        self._said, self._due = what, now + self._every
        return True


def status_of(picture: Picture, pulse: Pulse) -> Status:
    return Status(
        ts=picture.at / SECOND,
        process=picture.process,
        market=picture.market,
        price=picture.price,
        ohlcv=picture.ohlcv,
        note=picture.note.text,
        session=_session(picture, pulse),
    )


def status_key(picture: Picture) -> Hashable:
    """What of a status is another when it has to be said at once: its words, not its numbers."""
    hours = picture.facts.hours
    words = picture.process, picture.market, picture.price, picture.ohlcv, picture.note.about
    return *words, picture.doing, hours.detail, hours.names


def market_status_of(picture: Picture, pulse: Pulse, snapped_at: int = 0) -> MarketStatus | None:
    """None while nobody knows whether the market is open. `snapped_at`: the last snapshot (ms), 0 before the first."""
    if picture.market == "unknown":
        return None
    hours, silence = picture.facts.hours, picture.tick_silence_seconds
    opens = hours.next_open if picture.market == "closed" else None
    return MarketStatus(
        type="market_status",
        state=picture.market,
        ts=utc_text(picture.at),
        next_open_ms=UNSET if opens is None else opens,
        next_open_utc=UNSET if opens is None else utc_text(opens),
        next_open_in_seconds=UNSET if (left := seconds(opens, picture.at)) is None else left,
        session=session_of(picture),
        tick_silence_seconds=UNSET if silence is None else silence,
        price_snap_ts=snapped_at / SECOND if snapped_at else UNSET,
    )


def session_of(picture: Picture) -> dict[str, Any]:
    """The week of the market as heartbeats and market statuses tell it."""
    hours, week = picture.facts.hours, picture.facts.hours.week
    told: dict[str, Any] = {"tag": week.tag, "timezone": week.timezone}
    if week.weekly_open:
        told |= {"weekly_open": week.weekly_open, "weekly_close": week.weekly_close}
    told["daily_breaks"] = list(week.daily_breaks)
    if hours.next_open is not None:
        told["next_open_utc"] = utc_text(hours.next_open)
        told["next_open_ms"] = hours.next_open
        told["next_open_seconds"] = seconds(hours.next_open, picture.at)
    return told


def _session(picture: Picture, pulse: Pulse) -> Trading:
    hours, is_open = picture.facts.hours, picture.market == "open"
    to_open = None if is_open else seconds(hours.next_open, picture.at)
    to_close = seconds(hours.closes_at, picture.at)
    return Trading(
        name=" / ".join(hours.names) or hours.week.tag or UNSET,
        tag=hours.week.tag or UNSET,
        state=UNSET if picture.market == "unknown" else picture.doing,
        current_open_utc=_text(hours.opened_at),
        current_close_utc=_text(hours.closes_at),
        next_open_utc=_text(hours.next_open),
        seconds_to_close=UNSET if to_close is None else to_close,
        seconds_to_next_open=UNSET if to_open is None else to_open,
        state_detail=hours.detail if picture.doing == "closed" and hours.detail is not None else UNSET,
        symbols=tuple(_symbols(picture, pulse)) or UNSET,
    )


def _symbols(picture: Picture, pulse: Pulse) -> Iterator[dict[str, Any]]:
    """How each symbol stands, the quietest first."""
    limits, at = pulse.limits, picture.at
    rows = sorted((tick.at, product) for product, tick in pulse.ticks.items() if symbol_of(product))
    for spoke, product in rows[:MANY]:
        age = max(0, at - spoke)
        price = "down" if age >= limits.quotes_lost else "stale" if age >= limits.tick_stale else "ok"
        market = "open" if pulse.trading.is_open(product, at) else "closed"
        yield {"symbol": symbol_of(product), "market": market, "price": price, "tick_age_seconds": age / SECOND}


def _text(moment: int | None) -> Any:
    return UNSET if moment is None else utc_text(moment)
