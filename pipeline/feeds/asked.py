"""What of a series was asked of a venue before, so that a download that is run again goes on where it was.

A hole that the venue has itself is remembered as asked for. What is remembered is believed only while the store holds
as many rows of it as then: who removes rows from a store may download them again.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, cast

import msgspec
import numpy as np

from pipeline.archive import files
from pipeline.archive.series import Series
from pipeline.archive.store import Archive
from pipeline.archive.writing import work_of
from pipeline.values import Bars

Span = tuple[int, int]
"""From a moment on, before another."""


class Asked(NamedTuple):
    """A span that was asked for, and how many rows of it the store had afterwards."""

    since: int
    until: int
    rows: int


def asked_of(store: Path, series: Series, venue: str) -> tuple[Asked, ...]:
    """What was asked of a venue and is still there."""
    try:
        known = msgspec.json.decode(_file(store, series).read_bytes(), type=dict[str, list[Asked]])
    except (FileNotFoundError, msgspec.DecodeError):
        return ()
    kept = known.get(venue, [])
    if not kept or series not in Archive(store).series():
        return tuple(each for each in kept if not each.rows)
    times = _times(store, series, min(each.since for each in kept), max(each.until for each in kept))
    return tuple(each for each in kept if _count(times, each.since, each.until) >= each.rows)


def remember(store: Path, series: Series, venue: str, span: Span) -> None:
    """Keep that a span was asked for, once its rows are in the store."""
    before = asked_of(store, series, venue)
    there = series in Archive(store).series()
    since, until = span
    touching = [each for each in before if each.since <= until and each.until >= since]
    since = min((since, *(each.since for each in touching)))
    until = max((until, *(each.until for each in touching)))
    rows = _count(_times(store, series, since, until), since, until) if there else 0
    kept = sorted([*(each for each in before if each not in touching), Asked(since, until, rows)])
    path = _file(store, series)
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write_text(path, json.dumps(_others(path, venue) | {venue: kept}))


def missing(store: Path, series: Series, venue: str, span: Span, least: int) -> list[Span]:
    """What of a span is to be asked for: neither asked before nor stored; spans less than `least` apart are one."""
    since, until = span
    have = [(each.since, each.until) for each in asked_of(store, series, venue)]
    if series in Archive(store).series() and not series.of_quotes:
        have += _stretches(_times(store, series, since, until), series.tf)
    wanted: list[Span] = []
    at = since
    for begin, end in [*sorted(have), (until, until)]:
        if begin > at:
            wanted.append((at, min(begin, until)))
        at = max(at, end)
        if at >= until:
            break
    return list(_near(wanted, least))


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


def _times(store: Path, series: Series, since: int, until: int) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    clocks = [
        each.open_ts if isinstance(each, Bars) else each.received
        for each in Archive(store).batches(series, since, until)
    ]
    return np.concatenate(clocks) if clocks else np.zeros(0, np.int64)


def _stretches(opens: "np.ndarray[tuple[int], np.dtype[np.int64]]", tf: int) -> list[Span]:
    """Stretches of bars without a hole."""
    if not len(opens):
        return []
    breaks = np.flatnonzero(opens[1:] - opens[:-1] > tf)
    firsts = opens[np.concatenate(([0], breaks + 1))].tolist()
    lasts = opens[np.concatenate((breaks, [len(opens) - 1]))].tolist()
    return [(first, last + tf) for first, last in zip(firsts, lasts, strict=True)]


def _count(times: "np.ndarray[tuple[int], np.dtype[np.int64]]", since: int, until: int) -> int:
    start, stop = times.searchsorted([since, until]).tolist()
    return int(stop - start)


def _others(path: Path, venue: str) -> dict[str, object]:
    try:
        known = cast("dict[str, object]", msgspec.json.decode(path.read_bytes(), type=dict[str, list[Asked]]))
    except (FileNotFoundError, msgspec.DecodeError):
        return {}
    return {name: spans for name, spans in known.items() if name != venue}


def _file(store: Path, series: Series) -> Path:
    staged = work_of(store, series)
    return staged.with_name(f"{staged.name}.asked.json")
