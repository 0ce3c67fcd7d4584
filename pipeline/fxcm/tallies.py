"""What bars of history are held against: the quotes that were heard of their slots, and bars of a shorter timeframe."""

from collections.abc import Iterator

import numpy as np

from pipeline.times import HOUR, MINUTE, slot_of, timeframe_name, utc_text
from pipeline.values import Bars, Counts, Quotes

KEPT = 2 * HOUR
"""Quotes of slots older than that are not counted any more."""
CLOSE = 1e-9
"""As a part of one: prices that differ by less are the same."""


class Heard:
    """How many quotes of each product were heard in each minute, of late."""

    def __init__(self) -> None:
        self._minutes: dict[str, dict[int, int]] = {}

    def take(self, quotes: Quotes) -> None:
        counts = self._minutes.setdefault(quotes.product, {})
        if len(quotes) == 1:
            minute = quotes.ts.item() // MINUTE * MINUTE
            counts[minute] = counts.get(minute, 0) + 1
        else:
            minutes, times = np.unique(quotes.ts // MINUTE * MINUTE, return_counts=True)
            for minute, many in zip(minutes.tolist(), times.tolist(), strict=True):
                counts[minute] = counts.get(minute, 0) + many
        oldest = next(iter(counts), 0)
        if len(counts) > KEPT // MINUTE or oldest < quotes.ts.item(-1) - KEPT:
            begin = quotes.ts.item(-1) - KEPT
            self._minutes[quotes.product] = {at: many for at, many in counts.items() if at > begin}

    def of(self, product: str, since: int, until: int) -> int:
        """How many were heard that are stamped from `since` on, before `until`."""
        counts = self._minutes.get(product, {})
        begin = max(since, min(counts, default=until))
        return sum(counts.get(minute, 0) for minute in range(slot_of(begin, MINUTE), until, MINUTE))

    def ticks(self, bars: Bars) -> Counts:
        """How many were heard of each bar."""
        found = [self.of(bars.product, at, at + bars.tf) for at in bars.open_ts.tolist()]
        return np.array(found, np.int32)


class Agreement:
    """Whether longer bars say what the shorter ones within them said, of which all have to be there."""

    def __init__(self, shortest: int) -> None:
        self._shortest = shortest
        self._bars: dict[str, Bars] = {}
        self.mismatches = 0

    def take(self, bars: Bars) -> Iterator[str]:
        """Take final bars, the shorter before the longer; a sentence for each longer one that says something else."""
        if bars.tf == self._shortest:
            self._keep(bars)
            return
        if bars.tf % self._shortest:
            return
        known = self._bars.get(bars.product)
        if known is None:
            return
        for row, at in enumerate(bars.open_ts.tolist()):
            start, stop = known.open_ts.searchsorted([at, at + bars.tf]).tolist()
            if stop - start == bars.tf // self._shortest:
                wrong = _apart(bars.rows(row, row + 1, 0), known.rows(start, stop, 0))
                if wrong:
                    self.mismatches += 1
                    name, within = timeframe_name(bars.tf), timeframe_name(self._shortest)
                    yield (
                        f"{bars.product} {name} of {utc_text(at)} does not agree with its {within} bars: {wrong}; "
                        "it is given as the venue says"
                    )

    def _keep(self, bars: Bars) -> None:
        known = self._bars.get(bars.product)
        together = bars if known is None else known.followed_by(bars)
        begin = int(together.open_ts[-1]) - KEPT
        self._bars[bars.product] = together.rows(int(together.open_ts.searchsorted(begin)), len(together), 0)


def _apart(longer: Bars, shorter: Bars) -> str:
    """What a bar says, and what those within it come to."""
    pairs = (
        ("open", longer.open, shorter.open[0]),
        ("high", longer.high, shorter.high.max()),
        ("low", longer.low, shorter.low.min()),
        ("close", longer.close, shorter.close[-1]),
    )
    apart = [
        f"{name} {float(said[0]):.10g}, which they make {float(made):.10g}"
        for name, said, made in pairs
        if abs(float(said[0]) - float(made)) > CLOSE * abs(float(made))
    ]
    return " and ".join(apart)
