"""What of a series was asked of a venue before, so that a download that is run again goes on where it was.

A hole that the venue has itself is remembered as asked for. What is remembered is believed only while the store holds
as many rows of it as then: who removes rows from a store may download them again.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from pipeline.archive import files
from pipeline.archive.series import Series
from pipeline.archive.store import Archive
from pipeline.archive.writing import work_of
from pipeline.values import Bars, Stamps

Span = tuple[int, int]
"""From a moment on, before another."""
NO_TIMES: Stamps = np.zeros(0, np.int64)


class Asked(NamedTuple):
    """A span that was asked for, and how many rows of it came."""

    since: int
    until: int
    rows: int


class Asking:
    """What of one series a venue was asked for, as long as it is still there."""

    def __init__(self, store: Path, series: Series, venue: str) -> None:
        self._store, self._series, self._venue = store, series, venue
        self._file = _file_of(store, series)
        kept = self._known().get(venue, [])
        times = self._times(min(each.since for each in kept), max(each.until for each in kept)) if kept else NO_TIMES
        self.spans = [each for each in kept if _count(times, each.since, each.until) >= each.rows]

    def missing(self, span: Span, least: int) -> list[Span]:
        """What of a span to ask for: neither asked nor stored before; what is less than `least` apart is one."""
        since, until = span
        have = [(each.since, each.until) for each in self.spans]
        if not self._series.of_quotes:
            have += _stretches(self._times(since, until), self._series.tf)
        wanted: list[Span] = []
        at = since
        for begin, end in [*sorted(have), (until, until)]:
            if begin > at:
                wanted.append((at, min(begin, until)))
            at = max(at, end)
            if at >= until:
                break
        return list(_near(wanted, least))

    def remember(self, span: Span, rows: int) -> None:
        """Keep that a span was asked for and so many rows of it came, once these are in the store."""
        since, until = span
        others = [each for each in self.spans if not (since <= each.since and each.until <= until)]
        before = next((each for each in others if each.until == since), None)
        if before is not None:
            others.remove(before)
            since, rows = before.since, rows + before.rows
        self.spans = sorted([*others, Asked(since, until, rows)])
        self._file.parent.mkdir(parents=True, exist_ok=True)
        files.write_text(self._file, json.dumps(self._known() | {self._venue: self.spans}))

    def _known(self) -> dict[str, list[Asked]]:
        """What was asked of each venue; nothing where that cannot be read any more."""
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=dict[str, list[Asked]])
        except (FileNotFoundError, msgspec.DecodeError):
            return {}

    def _times(self, since: int, until: int) -> Stamps:
        archive = Archive(self._store)
        if self._series not in archive.series():
            return NO_TIMES
        batches = archive.batches(self._series, since, until)
        clocks = [each.open_ts if isinstance(each, Bars) else each.received for each in batches]
        return np.concatenate(clocks) if clocks else NO_TIMES


def _near(spans: Iterable[Span], least: int) -> Iterator[Span]:
    last: Span | None = None
    for begin, end in spans:
        if last is not None and begin - last[1] < least:
            last = last[0], end
            continue
        if last is not None:
            yield last
        last = begin, end
    if last is not None:
        yield last


def _stretches(opens: Stamps, tf: int) -> list[Span]:
    """Stretches of bars without a hole."""
    if not len(opens):
        return []
    breaks = np.flatnonzero(opens[1:] - opens[:-1] > tf)
    firsts = opens[np.concatenate(([0], breaks + 1))].tolist()
    lasts = opens[np.concatenate((breaks, [len(opens) - 1]))].tolist()
    return [(first, last + tf) for first, last in zip(firsts, lasts, strict=True)]


def _count(times: Stamps, since: int, until: int) -> int:
    start, stop = times.searchsorted([since, until]).tolist()
    return int(stop - start)


def _file_of(store: Path, series: Series) -> Path:
    staged = work_of(store, series)
    return staged.with_name(f"{staged.name}.asked.json")
