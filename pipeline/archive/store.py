"""What a store holds, read part by part: a year of quotes is never in memory at once."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, cast

from pipeline.archive import files
from pipeline.archive.merging import Columns, batch_of, rows_of
from pipeline.archive.series import PART, PART_NAME, Batch, Series, bounds, found
from pipeline.archive.writing import mended
from pipeline.errors import InputError
from pipeline.tables import nearest
from pipeline.values import Bars, Quotes

STORE = "data/store"
"""Where a store is unless somebody says otherwise."""
ALWAYS = (-(2**62), 2**62)


class Facts(NamedTuple):
    """How much there is of a series, and from when until when."""

    rows: int
    first: int
    end: int
    bytes: int


class Archive:
    """The bars and quotes in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def series(self) -> tuple[Series, ...]:
        mended(self.folder)
        return tuple(found(self.folder))

    def needs(self, series: Series) -> None:
        """Refuse a series that the store does not hold."""
        known = self.series()
        if series not in known:
            fix = nearest(str(series), map(str, known)) if known else "fill it with `data import`"
            raise InputError(f"the store {self.folder} holds no {_named(series)}; {fix}")

    def facts(self, series: Series) -> Facts:
        parts = self._parts(series)
        sizes = [files.size(path) for path in parts]
        first, last = (int(files.read(series, parts[each])[series.clock][each]) for each in (0, -1))
        end = last + max(series.tf, 1)
        return Facts(sum(rows for rows, _ in sizes), first, end, sum(size for _, size in sizes))

    def span(self, series: Series) -> tuple[int, int]:
        """From the first row's time until all rows have come."""
        parts = self._parts(series)
        first, last = files.read(series, parts[0]), files.read(series, parts[-1])
        end = int(last["received"][-1]) + 1 if series.of_quotes else int(last["final_at"][-1])
        return int(first[series.clock][0]), end

    def batches(self, series: Series, since: int = ALWAYS[0], until: int = ALWAYS[1]) -> Iterator[Batch]:
        """Rows whose own time is in [since, until), a file at a time, in order."""
        for path in self._parts(series, since, until):
            yield batch_of(series, _within(files.read(series, path), series.clock, since, until))

    def bars(self, product: str, tf: int, since: int = ALWAYS[0], until: int = ALWAYS[1]) -> Iterator[Bars]:
        return cast("Iterator[Bars]", self.batches(Series(product, tf), since, until))

    def quotes(self, product: str, since: int = ALWAYS[0], until: int = ALWAYS[1]) -> Iterator[Quotes]:
        return cast("Iterator[Quotes]", self.batches(Series(product), since, until))

    def _parts(self, series: Series, since: int = ALWAYS[0], until: int = ALWAYS[1]) -> list[Path]:
        """The files that may have rows of a span, in order of time."""
        self.needs(series)
        names = sorted(each.name for each in (self.folder / series.folder).iterdir() if PART_NAME.fullmatch(each.name))
        spans = ((name, *bounds(name)) for name in names)
        return [
            self.folder / series.folder / name / PART for name, begin, end in spans if begin < until and end > since
        ]


def _within(columns: Columns, clock: str, since: int, until: int) -> Columns:
    start, stop = columns[clock].searchsorted([since, until]).tolist()
    return rows_of(columns, slice(start, stop))


def _named(series: Series) -> str:
    return f"quotes of {series.product}" if series.of_quotes else f"{series.timeframe} bars of {series.product}"
