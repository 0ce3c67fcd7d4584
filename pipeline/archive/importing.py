"""Files into a store: all of their rows or, when one cannot be, none."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.archive.merging import OnConflict
from pipeline.archive.reading import Reading
from pipeline.archive.series import Batch, Series
from pipeline.archive.writing import Tally, writing
from pipeline.errors import InputError
from pipeline.values import Bars

Progress = Callable[[float, int], None]
"""Told how much of all files is read, 0 to 1, and how many rows that was."""


@dataclass(slots=True)
class Imported:
    """What an import read, and what became of it."""

    series: Series
    rows: int = 0
    first: int | None = None
    last: int | None = None
    backwards: int = 0
    """Rows whose time lies before that of the row above them."""
    skipped: Counter[str] = field(default_factory=Counter[str])
    tally: Tally = field(default_factory=Tally)


def series_of(readings: Sequence[Reading]) -> Series:
    """The one series that all of the files are rows of."""
    kinds = {reading.layout.quotes for reading in readings}
    if len(kinds) > 1:
        raise InputError("some of these files hold bars, others quotes; import each kind by itself")
    reading = readings[0]
    return Series(reading.product, 0 if reading.layout.quotes else reading.declared.tf or 0)


def imported(
    readings: Sequence[Reading], store: Path, on_conflict: OnConflict, progress: Progress = lambda _, __: None
) -> Imported:
    result = Imported(series_of(readings))
    with writing(store, result.series, on_conflict) as writer:
        for batch in _read(readings, result, progress):
            writer.add(batch)
        result.tally = writer.tally
    return result


def tried(readings: Sequence[Reading], progress: Progress = lambda _, __: None) -> Imported:
    """Read without writing."""
    result = Imported(series_of(readings))
    for _ in _read(readings, result, progress):
        pass
    return result


def _read(readings: Sequence[Reading], result: Imported, progress: Progress) -> Iterator[Batch]:
    for number, reading in enumerate(readings):
        before = None
        for batch in reading.batches():
            clock = batch.open_ts if isinstance(batch, Bars) else batch.received
            first, last = int(clock.min()), int(clock.max())
            result.rows += len(batch)
            result.first = first if result.first is None else min(result.first, first)
            result.last = last if result.last is None else max(result.last, last)
            result.backwards += int((clock[1:] < clock[:-1]).sum()) + (before is not None and int(clock[0]) < before)
            before = int(clock[-1])
            yield batch
            progress((number + reading.done()) / len(readings), result.rows)
        result.skipped += reading.skipped
    progress(1.0, result.rows)
