"""Which quotes cannot be: prices that are no price, and stamps from the future."""

from collections.abc import Mapping

import numpy as np

from pipeline.times import SECOND
from pipeline.values import Flags, Quotes

REASONS = ("not a number", "not above zero", "crossed", "from the future")
"""What makes a quote unfit, in the order in which it is said: the last is about its stamp, the others its prices."""
AHEAD = 5 * SECOND
"""How far ahead of our clock a stamp may lie: clocks a little apart are no mistake of a quote."""


def reason_of(ts: int, received: int, bid: float, ask: float) -> str:
    """Why one quote is unfit; empty when it is fit."""
    if 0 < bid <= ask < np.inf and ts <= received + AHEAD:
        return ""
    if not (np.isfinite(bid) and np.isfinite(ask)):
        return REASONS[0]
    if min(bid, ask) <= 0:
        return REASONS[1]
    return REASONS[2] if bid > ask else REASONS[3]


def prices_fit(quotes: Quotes) -> bool:
    """Whether every price can be one, whatever the stamps say. Bounds alone show it: NaN fails each comparison."""
    return not len(quotes) or bool(
        quotes.bid.min() > 0 and quotes.ask.max() < np.inf and (quotes.bid <= quotes.ask).all()
    )


def all_fit(quotes: Quotes) -> bool:
    """Whether no quote is unfit: much quicker than `unfit`."""
    return prices_fit(quotes) and (not len(quotes) or int((quotes.ts - quotes.received).max()) <= AHEAD)


def unfit(quotes: Quotes) -> Mapping[str, Flags]:
    """For each reason the quotes it is said of. A quote has at most one: the first that holds."""
    bid, ask = quotes.bid, quotes.ask
    no_number = ~(np.isfinite(bid) & np.isfinite(ask))
    not_above = ~no_number & ~((bid > 0) & (ask > 0))
    crossed = ~no_number & ~not_above & (bid > ask)
    future = ~no_number & ~not_above & ~crossed & (quotes.ts > quotes.received + AHEAD)
    return dict(zip(REASONS, (no_number, not_above, crossed, future), strict=True))


def unfit_prices(quotes: Quotes) -> Flags:
    """The quotes whose prices cannot be."""
    fit: Flags = (quotes.bid > 0) & (quotes.bid <= quotes.ask) & (quotes.ask < np.inf)
    return ~fit
