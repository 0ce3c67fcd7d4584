"""What somebody who listens to the channels would have in the end: the rules of a real consumer, in memory.

It is laxer than the contract in what it takes, and unforgiving in what it keeps: the first bar of a slot stays, bars
are dropped while the status says that the market is closed or its prices are not ok, and a live bar that a later one
follows becomes the past when no final came before.
"""

import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

from tests.feed.form import signature

Key = tuple[str, str, int]
"""Symbol, timeframe and opening of a bar."""


class Kept(NamedTuple):
    open: float
    high: float
    low: float
    close: float
    volume: float
    close_time: int
    own: bool
    """Made of the last live bar, for want of a final one."""


@dataclass
class Consumer:
    """Universe: which symbols (lower case) and timeframes it wants; all when it is empty."""

    secret: str = ""
    universe: frozenset[tuple[str, str]] = frozenset()
    bars: dict[Key, Kept] = field(default_factory=dict[Key, Kept])
    ticks: dict[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    gate: dict[str, str] = field(default_factory=dict[str, str])
    dropped: Counter[str] = field(default_factory=Counter[str])
    lost: list[Key] = field(default_factory=list[Key])
    """Final bars that met a shut gate."""
    unseen: list[Key] = field(default_factory=list[Key])
    """Live ones that did."""
    _live: dict[tuple[str, str], tuple[int, Kept]] = field(default_factory=dict[tuple[str, str], tuple[int, Kept]])

    def hear(self, channel: str, raw: bytes) -> None:
        try:
            message = json.loads(raw)
        except ValueError:
            self.dropped["not json"] += 1
            return
        if not isinstance(message, dict):
            self.dropped["not an object"] += 1
        elif channel == "ohlcv":
            self._bars(cast("dict[str, Any]", message))
        elif channel == "price_tik":
            self._tick(cast("dict[str, Any]", message))
        elif channel == "status":
            self._status(cast("dict[str, Any]", message))

    def shut(self) -> str:
        """Why bars are dropped now; empty: they are not."""
        market, price = self.gate.get("market", ""), self.gate.get("price", "")
        if market == "closed":
            return "closed"
        return f"price {price}" if market == "open" and price and price.lower() != "ok" else ""

    def _status(self, message: Mapping[str, Any]) -> None:
        if isinstance(message.get("session", {}), list) or not _castable(message.get("ts", 0)):
            self.dropped["status"] += 1
            return
        said = {key: message[key] for key in ("market", "price", "process", "ohlcv") if key in message}
        if all(isinstance(word, str) for word in said.values()):
            self.gate |= said  # what is not said stays as it was
        else:
            self.dropped["status"] += 1

    def _tick(self, message: Mapping[str, Any]) -> None:
        numbers = [message.get(key) for key in ("bid", "ask", "mid", "tick_ts", "snap_ts")]
        if isinstance(message.get("symbol"), str) and all(_castable(each) for each in numbers):
            self.ticks[message["symbol"].lower()] = message
        else:
            self.dropped["tick"] += 1

    def _bars(self, message: Mapping[str, Any]) -> None:
        symbol, tf, bars = message.get("symbol"), message.get("tf"), message.get("bars")
        if not isinstance(symbol, str) or not isinstance(tf, str) or not isinstance(bars, list):
            self.dropped["shape"] += 1
            return
        if self.secret and message.get("sig") != signature(message, self.secret):
            self.dropped["signature"] += 1
            return
        pair = symbol.lower(), f"{tf[1:]}{tf[0]}" if tf[:1] in {"m", "h"} and tf[1:].isdigit() else tf
        if self.universe and pair not in self.universe:
            self.dropped["universe"] += 1
            return
        good = sorted(filter(None, map(_read, cast("list[Any]", bars))), key=lambda each: each[0])
        self.dropped["bar"] += len(cast("list[Any]", bars)) - len(good)
        why = self.shut()
        for opens, kept, live in good:
            if why:
                self.dropped[why] += 1
                (self.unseen if live else self.lost).append((*pair, opens))
            elif live:
                self._form(pair, opens, kept)
            else:
                self.bars.setdefault((*pair, opens), kept)

    def _form(self, pair: tuple[str, str], opens: int, kept: Kept) -> None:
        before = self._live.get(pair)
        if before is not None and before[0] != opens:
            self.bars.setdefault((*pair, before[0]), before[1])
        self._live[pair] = opens, kept


def _read(bar: Any) -> tuple[int, Kept, bool] | None:
    """A bar as the validator takes it, and whether it is live: only the literal false is."""
    if not isinstance(bar, dict):
        return None
    row = cast("dict[str, Any]", bar)
    values = [row.get(key) for key in ("open_time", "close_time", "open", "high", "low", "close", "volume")]
    if not all(_castable(each) for each in values):
        return None
    begins, ends, *prices = [float(each) for each in cast("list[Any]", values)]
    if ends < begins or not all(map(math.isfinite, (begins, ends, *prices))):
        return None
    live = row.get("complete") is False
    return int(begins), Kept(*prices, close_time=int(ends), own=live), live


def _castable(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return False
    try:
        float(value)
    except ValueError:
        return False
    return True
