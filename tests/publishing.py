"""What tests of publishing need: bars in short, a publisher's flow, and what came over a real Redis."""

import json
from collections.abc import Iterable
from typing import Any

import numpy as np

from pipeline.times import MINUTE
from pipeline.values import NEXT_TICK, Bars


def bars(
    begin: int, slots: Iterable[int], *, product: str = "EURUSD", tf: int = MINUTE, fresh: int | None = None,
    closed_by: int = NEXT_TICK, price: float = 1.1,
) -> Bars:  # fmt: skip
    """Bars of some slots after a moment, all new unless it is said how many are."""
    opened = begin + np.array(list(slots), np.int64) * tf
    rows = len(opened)
    flat = np.full(rows, price)
    ticks = np.full(rows, 3, np.int32)
    none = np.zeros(rows, np.int32)
    kinds = np.full(rows, closed_by, np.int8)
    return Bars(
        product, tf, opened, flat, flat + 0.001, flat - 0.001, flat, flat, opened + tf, kinds, ticks, none,
        rows if fresh is None else fresh,
    )  # fmt: skip


def finals(messages: Iterable[tuple[str, dict[str, Any]]]) -> list[tuple[str, str, int]]:
    """Every final bar of some messages: symbol, timeframe and opening, in order."""
    return [
        (message["symbol"], message["tf"], bar["open_time"])
        for channel, message in messages
        if channel.endswith(":ohlcv")
        for bar in message["bars"]
        if bar["complete"]
    ]


def read(raw: bytes) -> dict[str, Any]:
    return json.loads(raw)
