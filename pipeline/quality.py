"""Which quotes cannot be. The window leaves them out, each under its reason; the health of a feed suffers from them."""

from collections.abc import Mapping

import numpy as np

from pipeline.values import Flags, Quotes

AHEAD = 5_000
"""A quote stamped further than this (ms) beyond its arrival is not of our time."""

NOT_A_NUMBER = "not a number"
NOT_ABOVE_ZERO = "not above zero"
CROSSED = "crossed"
FROM_THE_FUTURE = "from the future"


def all_fit(quotes: Quotes) -> bool:
    """Whether every quote can be: a few bounds answer it, so that clean batches cost next to nothing."""
    return not len(quotes) or (
        0 < float(quotes.bid.min())
        and float(quotes.ask.max()) < np.inf
        and bool((quotes.ask >= quotes.bid).all())
        and int((quotes.ts - quotes.received).max()) <= AHEAD
    )


def unfit(quotes: Quotes) -> Mapping[str, Flags]:
    """For each reason, which quotes cannot be because of it; the first that holds is the one to name."""
    return {
        NOT_A_NUMBER: ~(np.isfinite(quotes.bid) & np.isfinite(quotes.ask)),
        NOT_ABOVE_ZERO: ~((quotes.bid > 0) & (quotes.ask > 0)),
        CROSSED: quotes.ask < quotes.bid,
        FROM_THE_FUTURE: quotes.ts > quotes.received + AHEAD,
    }


def unfit_one(ts: int, received: int, bid: float, ask: float) -> str:
    """Why one quote cannot be; empty when it can."""
    if 0 < bid <= ask < np.inf:
        return FROM_THE_FUTURE if ts > received + AHEAD else ""
    if not (-np.inf < bid < np.inf and -np.inf < ask < np.inf):
        return NOT_A_NUMBER
    return NOT_ABOVE_ZERO if bid <= 0 or ask <= 0 else CROSSED
