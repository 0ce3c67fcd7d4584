"""A span of a series from a venue into the store: run by run, each whole or not at all, each only once."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from pipeline.archive.judging import wrong_bars, wrong_quotes
from pipeline.archive.merging import OnConflict
from pipeline.archive.series import Batch, Series, series_of
from pipeline.archive.writing import Tally, writing
from pipeline.calendar import Calendar
from pipeline.connections.contract import Feed
from pipeline.connections.troubles import CallFailed
from pipeline.feeds.asked import Asking, Span
from pipeline.feeds.paging import joined, within
from pipeline.times import HOUR, slot_of, utc_text
from pipeline.values import Bars, Flags, Quotes

RUN = 10_000
"""So many bars are asked for and written at a time."""
TICKS = 6 * HOUR
"""So long a span of quotes is asked for and written at a time."""
FRESH = HOUR
"""What a venue has not given yet may still come if it is no older."""

Progress = Callable[[float, int], None]
"""Told how much of the time is done, 0 to 1, and how many rows that were."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What to download: a series, from a moment on, before another; `venue` names whom it is asked of."""

    series: Series
    venue: str
    since: int
    until: int
    force: bool = False
    """Ask for what is there already, too."""
    on_conflict: OnConflict = "fail"


@dataclass(slots=True)
class Downloaded:
    """What a download got, and what the venue does not have."""

    asked: int = 0
    """Runs that were asked for."""
    rows: int = 0
    added: int = 0
    same: int = 0
    conflicts: int = 0
    first_conflict: str = ""
    there: bool = False
    """Nothing was asked: the store had it all."""
    holes: list[Span] = field(default_factory=list[Span])
    """Stretches of open time of which the venue gave no bar."""

    def count(self, rows: int, tally: Tally) -> None:
        self.asked += 1
        self.rows += rows
        self.added, self.same = self.added + tally.added, self.same + tally.same
        self.conflicts += tally.conflicts
        self.first_conflict = self.first_conflict or tally.first_conflict


async def downloaded(
    feed: Feed, wanted: Wanted, store: Path, calendar: Calendar, now: int, done: Downloaded, show: Progress
) -> None:
    """Fill what the store lacks of a span; `done` counts, also when it fails halfway: what was written stays."""
    series = wanted.series
    asking = Asking(store, series, wanted.venue)
    spans = _spans(wanted, asking, now)
    done.there = not spans and not done.asked
    total, passed = sum(end - begin for begin, end in spans), 0
    for span in spans:
        before: Bars | None = None
        for begin, end in _runs(series, span):
            batch = await _asked(feed, series, begin, end, wanted.since)
            if isinstance(batch, Bars):
                if before is not None:
                    joined(before, batch)  # they agree on what both have
                before = batch
            with writing(store, series, wanted.on_conflict) as writer:
                if len(batch):
                    writer.add(batch)
            done.count(len(batch), writer.tally)
            told = _told_until(batch, end, now)
            if told > begin:
                asking.remember((begin, told), _rows_between(batch, begin, told))
            if isinstance(batch, Bars):
                done.holes += _holes(batch, begin, told, calendar)
            passed += end - begin
            show(passed / total, done.rows)


def _spans(wanted: Wanted, asking: Asking, now: int) -> list[Span]:
    """What is to be asked for, on whole slots that have ended."""
    tf = wanted.series.tf
    since, until = wanted.since, min(wanted.until, now)
    if tf:
        since, until = -(-since // tf) * tf, slot_of(until, tf)
    if since >= until:
        return []
    if wanted.force:
        return [(since, until)]
    return asking.missing((since, until), RUN * tf // 10)


def _runs(series: Series, span: Span) -> Iterator[Span]:
    step = RUN * series.tf or TICKS
    begin, end = span
    while begin < end:
        yield begin, min(begin + step, end)
        begin += step


async def _asked(feed: Feed, series: Series, begin: int, end: int, first: int) -> Batch:
    """A run of rows, with the bar before it: that is known already, and must be the same."""
    if series.of_quotes:
        quotes = await feed.ticks(series.product, begin, end)
        _fits(series, quotes, wrong_quotes(quotes))
        quotes = quotes.rows(*quotes.ts.searchsorted([begin, end]).tolist())
        # Nobody of us was there when they came: they count as received at once.
        return replace(quotes, received=quotes.ts)
    since = begin - series.tf if begin - series.tf >= first else begin
    bars = await feed.history(series.product, series.tf, since, end)
    _fits(series, bars, wrong_bars(bars))
    return within(bars, since, end)


def _fits(series: Series, batch: Batch, wrong: Mapping[str, Flags]) -> None:
    """Refuse rows that are not what was asked for."""
    clock = batch.open_ts if isinstance(batch, Bars) else batch.ts
    if series_of(batch) != series:
        raise CallFailed("format", f"rows of {series_of(batch)} came as an answer to {series}")
    if (clock[1:] < clock[:-1]).any() or (isinstance(batch, Bars) and (clock[1:] == clock[:-1]).any()):
        raise CallFailed("format", f"the rows of {series} are not in order of time")
    if wrong:
        what, rows = next(iter(wrong.items()))
        at = utc_text(int(clock[int(np.argmax(rows))]))
        raise CallFailed("format", f"{series} at {at}: {what.partition(';')[0]}")


def _told_until(batch: Batch, end: int, now: int) -> int:
    """Until when nothing more is to be expected: what is only just over may come yet."""
    if end <= now - FRESH:
        return end
    if isinstance(batch, Quotes):
        last = int(batch.ts[-1]) + 1 if len(batch) else 0
    else:
        last = int(batch.open_ts[-1]) + batch.tf if len(batch) else 0
    return max(min(end, now - FRESH), min(end, last))


def _rows_between(batch: Batch, since: int, until: int) -> int:
    clock = batch.open_ts if isinstance(batch, Bars) else batch.received
    start, stop = clock.searchsorted([since, until]).tolist()
    return int(stop - start)


def _holes(bars: Bars, begin: int, end: int, calendar: Calendar) -> Iterator[Span]:
    """Stretches of slots in open time without a bar."""
    if end <= begin:
        return
    expected = calendar.open_slots(begin, end, bars.tf)
    lacking = expected[~np.isin(expected, bars.open_ts)]
    breaks = np.flatnonzero(lacking[1:] - lacking[:-1] > bars.tf) + 1
    for stretch in np.split(lacking, breaks):
        if len(stretch):
            yield int(stretch[0]), int(stretch[-1]) + bars.tf
