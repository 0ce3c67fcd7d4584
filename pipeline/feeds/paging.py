"""A span of bars asked for page by page: each page begins with the last bar of the one before, and must agree on it."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

import numpy as np

from pipeline.connections.troubles import CallFailed
from pipeline.times import timeframe_name, utc_text
from pipeline.values import Bars

PRICES = ("open", "high", "low", "close", "volume")


class Page(NamedTuple):
    """Some final bars, and where the next page begins: at the last row of this one; None where there are no more."""

    bars: Bars
    following: int | None


async def paged(ask: Callable[[int, int], Awaitable[Page]], since: int, until: int) -> Bars:
    """All bars that open in [since, until), by a call that gives the first of a span."""
    made: Bars | None = None
    begin: int | None = since
    while begin is not None and (made is None or begin < until):
        page = await ask(begin, until)
        found = within(page.bars, begin, until)
        made = found if made is None else joined(made, found)
        if page.following is not None and page.following <= begin:
            raise CallFailed("format", f"the page of {utc_text(begin)} does not lead on to another")
        begin = page.following
    assert made is not None, "a span has at least one page"
    return made


def within(bars: Bars, since: int, until: int) -> Bars:
    """The bars that open in [since, until), `fresh` 0."""
    start, stop = bars.open_ts.searchsorted([since, until]).tolist()
    return bars.rows(start, stop, 0)


def joined(earlier: Bars, later: Bars) -> Bars:
    """Two pages as one, `fresh` 0; `CallFailed` where they say different things of one bar."""
    common, ours, theirs = np.intersect1d(earlier.open_ts, later.open_ts, assume_unique=True, return_indices=True)
    for name in PRICES:
        differs = getattr(earlier, name)[ours] != getattr(later, name)[theirs]
        if differs.any():
            row = int(differs.argmax())
            first, second = float(getattr(earlier, name)[ours[row]]), float(getattr(later, name)[theirs[row]])
            raise CallFailed(
                "format",
                f"{earlier.product} {timeframe_name(earlier.tf)} at {utc_text(int(common[row]))}: one page says "
                f"{name} {first:.10g}, the next {second:.10g}",
            )
    new = later if not len(earlier) else within(later, int(earlier.open_ts[-1]) + 1, 2**62)
    both = earlier.followed_by(new)
    return both.rows(0, len(both), 0)
