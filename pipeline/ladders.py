"""Ladders: the final bars of one product in every timeframe. Each longer bar is made of those of the shortest."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from pipeline.calendar import Calendar
from pipeline.candles import merged
from pipeline.runs import Run
from pipeline.times import slot_of
from pipeline.values import Bars, Forming, Revised


class Ladder:
    """The runs of one product, by timeframe (ms), shortest first."""

    def __init__(
        self, product: str, spans: Sequence[int], contexts: Mapping[int, int], calendar: Calendar, reach: int = 0
    ) -> None:
        """`reach`: how far back (ms) bars of the shortest timeframe stay known, where that is more than they need."""
        self._product, self._calendar = product, calendar
        self._base, *self._longer = sorted(spans)
        self._parts = max(*spans, reach) // self._base
        self._contexts = contexts
        # A market that never closes needs no look at its calendar to know what is whole.
        self._partly = None if calendar.never_closes else calendar
        self._runs: dict[int, Run] = {}

    @property
    def base(self) -> Run:
        return self._run(self._base)

    def newest(self, tf: int) -> int | None:
        """The opening of the newest bar of a timeframe."""
        return self._run(tf).newest

    def final(self, bars: Bars) -> Iterator[Bars]:
        """Take final bars of the shortest timeframe; they and the longer ones they complete, with their context."""
        run = self.base
        for stretch in run.extended(bars):
            yield stretch
            for span in self._longer:
                if stretch.fresh == 1 and self._partly is None:
                    yield from self._ended(stretch.open_ts.item(-1) + self._base, span)
                else:
                    tail = run.last(stretch.fresh + span // self._base - 1)
                    whole = merged(tail, span, self._partly)
                    if len(whole):
                        yield from self._run(span).extended(_ending_in(whole, stretch))

    def from_shorter(self, bars: Bars) -> Iterator[Bars]:
        """Take final bars of a timeframe that the shortest is a multiple of."""
        run = self._run(bars.tf)
        for stretch in run.extended(bars):
            whole = merged(run.last(stretch.fresh + self._base // bars.tf - 1), self._base, self._partly)
            if len(whole):
                yield from self.final(_ending_in(whole, stretch))

    def know(self, bars: Bars) -> int:
        """Take bars as history: newer ones as context, older ones into the holes they fit in. How many were new."""
        run = self._run(bars.tf)
        unknown = int(np.count_nonzero(~run.knows(bars.open_ts)))
        run.mend(bars)
        run.extend(bars)
        if bars.tf == self._base:
            for span in self._longer:
                self.know(merged(run.kept, span, self._partly))
        return unknown - int(np.count_nonzero(~run.knows(bars.open_ts)))

    def revise(self, bars: Bars) -> Iterator[Revised]:
        """Let known bars of the shortest timeframe be what the venue now says they are; what that changes."""
        changed = self.base.revise(bars)
        if changed is None:
            return
        yield Revised(changed)
        for span in self._longer:
            longer = self._run(span)
            whole = merged(self.base.kept, span, self._partly)
            whole = whole.chosen(longer.knows(whole.open_ts))
            revised = longer.revise(whole) if len(whole) else None
            if revised is not None:
                yield Revised(revised)

    def forming(self, bar: Forming) -> Iterator[Forming]:
        """The bars of all timeframes that are not final, given the one of the shortest; of longer ones those alone that
        have all their parts so far: others become no bar.
        """
        yield bar
        for span in self._longer:
            parts = self.base.last(span // self._base - 1)
            begin = slot_of(bar.open_ts, span)
            row = int(parts.open_ts.searchsorted(begin))
            if len(parts) - row < self._slots(begin, bar.open_ts):
                continue
            if row == len(parts):
                yield Forming(self._product, span, begin, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.at)
                continue
            high = max(np.maximum.reduce(parts.high[row:]).item(), bar.high)
            low = min(np.minimum.reduce(parts.low[row:]).item(), bar.low)
            volume = np.add.reduce(parts.volume[row:]).item() + bar.volume
            yield Forming(self._product, span, begin, parts.open.item(row), high, low, bar.close, volume, bar.at)

    def _slots(self, begin: int, end: int) -> int:
        """How many slots of the shortest timeframe are open between two moments."""
        if self._partly is None:
            return (end - begin) // self._base
        return len(self._calendar.open_slots(begin, end, self._base))

    def _ended(self, moment: int, span: int) -> Iterator[Bars]:
        """The longer bar that ends with the newest at a moment, if there is one and all its parts are there.

        What `merged` does, for one bar of a market that never closes: as live most are.
        """
        parts = span // self._base
        if moment % span == 0:
            bars = self.base.last(parts)
            if len(bars) == parts and bars.open_ts.item(0) == moment - span:
                yield from self._run(span).extended(_merged_whole(bars, span))

    def _run(self, tf: int) -> Run:
        if tf not in self._runs:
            context = self._contexts.get(tf, 0)
            if tf <= self._base:
                # The day's bars before too: a source may mend or revise them.
                context = max(context, self._base // tf - 1, self._parts - 1)
            self._runs[tf] = Run(self._product, tf, context, self._calendar)
        return self._runs[tf]


def _ending_in(longer: Bars, bars: Bars) -> Bars:
    """The longer bars that end with one of the new `bars`."""
    first = int(longer.final_at.searchsorted(int(bars.final_at[len(bars) - bars.fresh])))
    return longer.rows(first, len(longer), len(longer) - first)


def _merged_whole(bars: Bars, span: int) -> Bars:
    """Bars that are all the parts of one longer bar."""
    return Bars(
        bars.product,
        span,
        bars.open_ts[:1],
        bars.open[:1],
        np.maximum.reduce(bars.high, keepdims=True),
        np.minimum.reduce(bars.low, keepdims=True),
        bars.close[-1:],
        np.add.reduce(bars.volume, keepdims=True),
        bars.final_at[-1:],
        bars.closed_by[-1:],
        np.add.reduce(bars.ticks, keepdims=True, dtype=np.int32),
        np.maximum.reduce(bars.revision, keepdims=True),
        fresh=1,
    )
