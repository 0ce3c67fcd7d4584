"""Which rows of a file can be bars or quotes, and what is wrong with the others."""

from collections.abc import Iterator, Mapping

import numpy as np

from pipeline.candles import possible
from pipeline.quality import unfit
from pipeline.times import timeframe_name
from pipeline.values import Bars, Flags, Quotes

AT_ONCE = 32_768
"""So many rows are judged at a time: few enough to stay in the processor's cache."""


def wrong_bars(bars: Bars) -> dict[str, Flags]:
    """What makes bars impossible, and which ones; a bar is named once."""
    found: dict[str, Flags] = {}
    for start in range(0, len(bars), AT_ONCE):
        part = bars.rows(start, min(start + AT_ONCE, len(bars)), 0)
        if _all_sound(part):
            continue
        for what, wrong in _verdicts(part):
            if wrong.any():
                found.setdefault(what, np.zeros(len(bars), np.bool_))[start : start + len(part)] = wrong
    return _once(found)


def _all_sound(bars: Bars) -> bool:
    """Whether nothing is wrong: quicker than to say what is."""
    in_slots = (bars.open_ts % bars.tf == 0).all()
    return bool(in_slots and possible(bars).all() and bars.volume.max() < np.inf)


def _verdicts(bars: Bars) -> Iterator[tuple[str, Flags]]:
    """The comparisons are written so that NaN fails them."""
    ts, span, name = bars.open_ts, bars.tf, timeframe_name(bars.tf)
    finite = np.isfinite(bars.high) & np.isfinite(bars.low) & np.isfinite(bars.open + bars.close + bars.volume)
    ordered = (bars.low <= bars.open) & (bars.open <= bars.high) & (bars.low <= bars.close) & (bars.close <= bars.high)
    yield (
        f"the bar does not open on a full {name}; is `timeframe` right, and does `stamp` say the right side?",
        ts // span * span != ts,
    )
    yield "a price or the volume is missing or infinite; mend or leave out the bar", ~finite
    yield "low is not the lowest price or high not the highest; mend or leave out the bar", ~ordered
    yield "a price is not above zero; mend or leave out the bar", bars.low <= 0
    yield "the volume is below zero; mend or leave out the bar", bars.volume < 0


def wrong_quotes(quotes: Quotes) -> dict[str, Flags]:
    return {
        f"the quote is {reason}; mend or leave out the row": wrong
        for reason, wrong in unfit(quotes).items()
        if wrong.any()
    }


def _once(found: Mapping[str, Flags]) -> dict[str, Flags]:
    """Each row under the first that is said of it."""
    said: Flags | None = None
    made: dict[str, Flags] = {}
    for what, wrong in found.items():
        made[what] = wrong if said is None else wrong & ~said
        said = wrong if said is None else said | wrong
    return {what: wrong for what, wrong in made.items() if wrong.any()}
