"""Writing into a store: nothing is seen before all of it is.

New rows are merged with those of the store into files beside it. When all are there, a list of them is written: from
then on the import holds, and whoever comes next finishes what a killed one began. Without the list, what lies there is
thrown away.
"""

import json
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

from pipeline.archive import files
from pipeline.archive.merging import Columns, OnConflict, columns_of, joined, rows_of, united
from pipeline.archive.series import PART, Batch, Series, series_of, stretches
from pipeline.durable import move, settle
from pipeline.errors import InputError
from pipeline.locking import locked
from pipeline.times import duration, utc_text

WORK = "work"
"""The folder of what is not yet, or not, rows."""
MARK = "complete.json"
AT_ONCE = 500_000
"""So many new rows are kept in memory before they are merged into files."""


@dataclass(slots=True)
class Tally:
    """What became of rows that were to be written."""

    added: int = 0
    same: int = 0
    conflicts: int = 0
    first_conflict: str = ""


class Writer:
    """Rows on their way into one series."""

    def __init__(self, series: Series, final: Path, staged: Path, on_conflict: OnConflict) -> None:
        self.tally = Tally()
        self.most_held = 0
        """The most rows that waited in memory at a time."""
        self._series = series
        self._on_conflict: OnConflict = on_conflict
        self._final, self._staged = final, staged
        self._waiting: dict[str, list[Columns]] = {}
        self._held = 0
        self._touched: set[str] = set()

    def add(self, batch: Batch) -> None:
        """Take rows, in any order."""
        if series_of(batch) != self._series:
            raise InputError(f"rows of {series_of(batch)} were given for {self._series}; write each by itself")
        columns = columns_of(batch)
        clock = columns[self._series.clock]
        if (clock[1:] < clock[:-1]).any():
            order = clock.argsort(kind="stable")
            columns, clock = rows_of(columns, order), clock[order]
        for part, start, stop in stretches(self._series, clock):
            self._waiting.setdefault(part, []).append(rows_of(columns, slice(start, stop)))
        self._held += len(clock)
        self.most_held = max(self.most_held, self._held)
        if self._held >= AT_ONCE:
            newest = max(self._waiting)
            self._merge([part for part in self._waiting if part != newest] or [newest])

    def commit(self) -> None:
        """Make all that was added part of the store."""
        self._merge(list(self._waiting))
        changed = sorted(part for part in self._touched if (self._staged / f"{part}.parquet").exists())
        if changed:
            settle(self._staged)
            files.write_text(self._staged / MARK, json.dumps(changed))
            finish(self._final, self._staged)

    def _merge(self, parts: list[str]) -> None:
        for part in sorted(parts):
            new = joined(self._waiting.pop(part))
            self._held -= len(new[self._series.clock])
            staged, final = self._staged / f"{part}.parquet", self._final / part / PART
            before = next((path for path in (staged, final) if path.exists()), None)
            union = united(
                self._series, None if before is None else files.read(self._series, before), new, self._on_conflict
            )
            self._count(union.added, union.same, union.conflicts, union.first_conflict)
            if union.added or (union.conflicts and self._on_conflict == "replace"):
                files.write(staged, union.columns)
                self._touched.add(part)

    def _count(
        self, added: int, same: int, conflicts: int, first: tuple[int, dict[str, float], dict[str, float]] | None
    ) -> None:
        tally = self.tally
        tally.added, tally.same, tally.conflicts = tally.added + added, tally.same + same, tally.conflicts + conflicts
        if first is None or tally.first_conflict:
            return
        at, before, after = first
        tally.first_conflict = f"{self._series} at {utc_text(at)} has {_values(before, after)}"
        if self._on_conflict == "fail":
            raise InputError(
                f"{tally.first_conflict}: one moment, two values; "
                "--on-conflict keep leaves the one that came first, --on-conflict replace takes the later"
            )


@contextmanager
def writing(store: Path, series: Series, on_conflict: OnConflict = "fail") -> Generator[Writer]:
    """A writer for the block's rows; they are in the store when the block ends, and none is when it fails."""
    final, staged = store / series.folder, work_of(store, series)
    with locked(_lock(staged)) as ours:
        if not ours:
            raise InputError(
                f"{series} in {store} is being written by another import; run this one when that has ended"
            )
        recover(store, series)
        staged.mkdir(parents=True, exist_ok=True)
        try:
            writer = Writer(series, final, staged, on_conflict)
            yield writer
            writer.commit()
        finally:
            recover(store, series)


def mended(store: Path) -> None:
    """Finish what killed imports had completed; leave alone those that still run."""
    for mark in sorted(store.glob(f"{WORK}/*/{MARK}")):
        product, _, timeframe = unquote(mark.parent.name).rpartition(" ")
        with locked(_lock(mark.parent)) as ours:
            if ours:
                recover(store, Series(product, 0 if timeframe == "quotes" else duration(timeframe)))


def work_of(store: Path, series: Series) -> Path:
    return store / WORK / quote(f"{series.product} {series.timeframe}", safe="")


def report_of(staged: Path) -> Path:
    """Where what an audit found is kept; other programs that read the rows' folders do not come across it."""
    return staged.with_name(f"{staged.name}.audit.json")


def recover(store: Path, series: Series) -> None:
    """Under the lock: no trace of an import is left, it happened or it did not."""
    staged = work_of(store, series)
    if (staged / MARK).exists():
        finish(store / series.folder, staged)
    elif staged.exists():
        shutil.rmtree(staged)


def finish(final: Path, staged: Path) -> None:
    """Put every file of the list in its place; those that are gone from here are there already."""
    report_of(staged).unlink(missing_ok=True)
    for part in json.loads((staged / MARK).read_text(encoding="utf-8")):
        source, target = staged / f"{part}.parquet", final / part / PART
        if source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            settle(final)
            move(source, target)
    for folder in (final.parent, final.parent.parent, staged.parent.parent):
        settle(folder)
    (staged / MARK).unlink()
    shutil.rmtree(staged)


def _lock(staged: Path) -> Path:
    return staged.with_name(f"{staged.name}.lock")


def _values(before: dict[str, float], after: dict[str, float]) -> str:
    """What differs."""
    told = (f"{name} {before[name]:.10g} and {after[name]:.10g}" for name in before if before[name] != after[name])
    return ", ".join(told)
