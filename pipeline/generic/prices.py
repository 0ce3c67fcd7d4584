"""Candles, ticks and quotes as a broker tells of them, as columns. What cannot be a price is left out and counted."""

import numpy as np

from pipeline.candles import from_columns, possible
from pipeline.connections.reading import Answer
from pipeline.values import Bars, Flags, Floats, Quotes


def bars_of(product: str, tf: int, answer: Answer, since: int, until: int) -> tuple[Bars, int]:
    """The final bars of the slots from `since` on, before `until`, and how many of those told cannot be."""
    rows = [each for each in answer.rows("candles") if each.flag("final", default=True)]
    open_ts = np.array([each.whole("ts") for each in rows], np.int64)
    if len(open_ts) > 1 and (open_ts[1:] <= open_ts[:-1]).any():
        raise answer.wrong("candles", "is not in order, the oldest first")
    if (open_ts % tf != 0).any():
        raise answer.wrong("candles", "has one that does not begin where a slot of its timeframe does")
    open_, high, low, close = (_column(rows, name) for name in ("open", "high", "low", "close"))
    volume = np.array([each.real("volume", default=0.0) for each in rows], np.float64)
    bars = from_columns(product, tf, open_ts, open_, high, low, close, volume)
    fit = possible(bars)
    inside = (open_ts >= since) & (open_ts < until)
    some = bars.chosen(fit & inside)
    return some.rows(0, len(some), 0), int((inside & ~fit).sum())


def ticks_of(product: str, answer: Answer) -> tuple[Quotes, int]:
    """The ticks of a page, in their order, and how many of those told cannot be."""
    rows = answer.rows("ticks")
    ts = np.array([each.whole("ts") for each in rows], np.int64)
    if (ts[1:] < ts[:-1]).any():
        raise answer.wrong("ticks", "is not in order, the oldest first")
    bid, ask = _column(rows, "bid"), _column(rows, "ask")
    quotes = Quotes(product, ts, ts, bid, ask)
    fit = sane(bid, ask)
    return quotes.chosen(fit), int((~fit).sum())


def quote_of(product: str, answer: Answer, received: int) -> Quotes | None:
    """One quote; None when it cannot be."""
    bid, ask = np.array([answer.real("bid")]), np.array([answer.real("ask")])
    if not sane(bid, ask)[0]:
        return None
    ts = np.array([answer.whole("ts")], np.int64)
    return Quotes(product, ts, np.array([received], np.int64), bid, ask)


def sane(bid: Floats, ask: Floats) -> Flags:
    """Which rows can be prices: above zero, finite, not crossed."""
    fit: Flags = (bid > 0) & (ask >= bid) & np.isfinite(ask)
    return fit


def _column(rows: list[Answer], name: str) -> Floats:
    return np.array([each.real(name) for each in rows], np.float64)
