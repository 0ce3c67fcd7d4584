"""What one listener takes of what comes by the channels: as forgiving of how it is written as those who listen are.

Numbers may be text, a timeframe may be called `timeframe` or written m1, what is not known is passed over. A bar that
makes no sense is left out and counted, and the others of its message are kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, NamedTuple, cast

from pipeline.channels.parsing import parsed
from pipeline.channels.rules import LATEST_SECONDS, MOST_BARS
from pipeline.channels.signing import genuine
from pipeline.channels.wording import NotAsked, Unfit, shortened, timeframe_of, wire_symbol, wire_timeframe

_ALIVE = {"market": ("open", "closed", "unknown"), "price": ("ok", "stale", "down")}


class Row(NamedTuple):
    """One final bar."""

    open_time: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    ticks: int
    synthetic: bool


class Heard(NamedTuple):
    """The final bars of a message, oldest first, each once; and what else was in it."""

    symbol: str
    tf: int
    rows: tuple[Row, ...]
    live: int
    """Bars that are not final yet: they are left to who draws."""
    bad: tuple[str, ...]
    """Why bars were left out, one sentence each."""


class Price(NamedTuple):
    """The last price of a symbol; both times are ms UTC."""

    symbol: str
    bid: float
    ask: float
    tick_at: int
    snap_at: int


class Standing(NamedTuple):
    """What was heard of the publisher last: what a message leaves out stands as it was."""

    market: str = "unknown"
    price: str = ""
    note: str = ""
    at: int = 0
    """By its own clock, ms UTC."""

    @property
    def takes_bars(self) -> bool:
        """Whether bars that come now may be used."""
        return self.market != "closed" and not (self.market == "open" and self.price not in {"", "ok"})


@dataclass(frozen=True, kw_only=True)
class Hearing:
    """Which bars are taken: of which symbols and timeframes, how many a message, and signed with what."""

    symbols: frozenset[str]
    timeframes: frozenset[int]
    most: int = MOST_BARS
    secret: bytes = field(default=b"", repr=False)
    required: bool = True
    """Whether bars without a signature are refused, where there is a secret."""

    def bars(self, raw: bytes) -> Heard:
        """The bars in a message; `Unfit` when none of it is taken."""
        value = parsed(raw)
        symbol, tf = self._symbol(value), self._timeframe(value)
        self._trusted(value)
        bars = value.get("bars")
        if not isinstance(bars, list) or not bars:
            raise Unfit("bars: there are none")
        several = cast("list[Any]", bars)
        if len(several) > self.most:
            raise Unfit(f"bars: {len(several)} of them; {self.most} are the most")
        rows, live, bad = dict[int, Row](), 0, list[str]()
        for number, each in enumerate(several):
            if isinstance(each, dict) and cast("dict[str, Any]", each).get("complete", True) is False:
                live += 1
                continue
            try:
                row = _row(each, tf)
            except Unfit as wrong:
                bad.append(f"bars[{number}].{wrong}")
            else:
                rows.setdefault(row.open_time, row)
        if not rows and not live:
            raise Unfit(f"bars: none of {len(several)} makes sense: {bad[0]}")
        return Heard(symbol, tf, tuple(rows[at] for at in sorted(rows)), live, tuple(bad))

    def price(self, raw: bytes) -> Price:
        """The price in a message; `Unfit` when it is none."""
        value = parsed(raw)
        symbol = self._symbol(value)
        bid, ask = _number(value, "bid"), _number(value, "ask")
        if not 0 < bid <= ask:
            raise Unfit(f"bid: {bid} and ask: {ask} are no price")
        return Price(symbol, bid, ask, _seconds(value, "tick_ts"), _seconds(value, "snap_ts"))

    def _symbol(self, value: Mapping[str, Any]) -> str:
        symbol = wire_symbol(_text(value, "symbol"))
        if symbol not in self.symbols:
            raise NotAsked(f"symbol: {symbol} is not asked for")
        return symbol

    def _timeframe(self, value: Mapping[str, Any]) -> int:
        tf = timeframe_of(_text(value, "tf" if "tf" in value else "timeframe"))
        if tf not in self.timeframes:
            raise NotAsked(f"tf: {wire_timeframe(tf)} is not asked for")
        return tf

    def _trusted(self, value: Mapping[str, Any]) -> None:
        if not self.secret:
            return
        if "sig" not in value:
            if self.required:
                raise Unfit("sig: is missing; bars are taken only if they are signed")
        elif not genuine(value, self.secret):
            raise Unfit("sig: is not that of these bars; both ends need the same secret")


def status_of(raw: bytes, before: Standing) -> Standing:
    """How the publisher stands after a message, which may say only what changed; its note is its own."""
    value = parsed(raw)
    said: dict[str, str] = {}
    for key, words in _ALIVE.items():
        if key in value:
            word = _text(value, key).strip().lower()
            if word not in words:
                raise Unfit(f"{key}: {shortened(word)} is not one of {', '.join(words)}")
            said[key] = word
    for key in ("process", "ohlcv", "note"):
        if key in value:
            _text(value, key)
    if "session" in value and not isinstance(value["session"], dict):
        raise Unfit("session: is not an object")
    at = _seconds(value, "ts") if "ts" in value else before.at
    return before._replace(**said, note=value.get("note", ""), at=at)


# --- one value -------------------------------------------------------------------------------------------------------


def _row(value: Any, tf: int) -> Row:
    if not isinstance(value, dict):
        raise Unfit(f"it: {shortened(value)} is no bar")
    bar = cast("dict[str, Any]", value)
    opened, closed = _millis(bar, "open_time"), _millis(bar, "close_time")
    if closed < opened:
        raise Unfit(f"close_time: {closed} is before it opened")
    if closed - opened not in {tf - 1, tf}:
        raise Unfit(f"close_time: the bar is {closed - opened + 1} ms long, not {tf}")
    open_, high, low, close, volume = (_number(bar, key) for key in ("open", "high", "low", "close", "volume"))
    if not 0 < low <= min(open_, close) or high < max(open_, close):
        raise Unfit("low: low and high are not at the ends")
    if volume < 0:
        raise Unfit(f"volume: {volume} is below nothing")
    ticks = bar.get("tick_count", 0)
    counted = ticks if type(ticks) is int and 0 <= ticks < 1 << 31 else 0
    return Row(opened, open_, high, low, close, volume, counted, bar.get("synthetic") is True)


def _number(value: Mapping[str, Any], key: str) -> float:
    """A number, or text that is one."""
    given = value.get(key)
    if isinstance(given, int | float | str) and not isinstance(given, bool):
        try:
            number = float(given)
        except (ValueError, OverflowError):
            pass
        else:
            if isfinite(number):
                return number
    raise Unfit(f"{key}: {'is missing' if key not in value else f'{shortened(given)} is not a number'}")


def _millis(value: Mapping[str, Any], key: str) -> int:
    number = _number(value, key)
    if number != int(number):
        raise Unfit(f"{key}: {shortened(value[key])} is not a whole number of milliseconds")
    return int(number)


def _seconds(value: Mapping[str, Any], key: str) -> int:
    """A moment in seconds as ms; what can only be milliseconds is refused."""
    number = _number(value, key)
    if not 0 < number < LATEST_SECONDS:
        raise Unfit(f"{key}: {shortened(value[key])} is not a moment in seconds")
    return round(number * 1000)


def _text(value: Mapping[str, Any], key: str) -> str:
    given = value.get(key)
    if not isinstance(given, str):
        raise Unfit(f"{key}: {'is missing' if key not in value else f'{shortened(given)} is not text'}")
    return given
