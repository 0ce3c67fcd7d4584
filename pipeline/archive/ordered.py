"""A file whose rows are given as they stand: each after the one before it, and how far it reaches."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn, cast

from pipeline.archive.blocks import ROWS, Block
from pipeline.archive.cells import times_of
from pipeline.archive.layout import Layout, Role, blocks, times_only
from pipeline.archive.merging import batch_of, columns_of, joined
from pipeline.archive.opening import PACKED, WIDE, Opened, opened
from pipeline.archive.reading import Reading, told
from pipeline.archive.series import Batch, series_of
from pipeline.errors import InputError
from pipeline.times import utc_text
from pipeline.values import Bars

TAIL = 4096
"""The last line of a text begins within so many bytes of its end."""


def all_bars(reading: Reading) -> Bars:
    """All bars of a file as one batch."""
    batches = list(in_order(reading, None))
    if not batches:
        raise InputError(f"{reading.path} holds no bars; give a file with at least one")
    if len(batches) == 1:
        return cast("Bars", batches[0])
    return cast("Bars", batch_of(series_of(batches[0]), joined([columns_of(each) for each in batches])))


def in_order(reading: Reading, most: int | None = ROWS) -> Iterator[Batch]:
    """The rows of a file, refused where one does not come after the one before: quotes may come at one moment."""
    row, last = 0, -(2**62)
    for batch in reading.batches(most):
        bars = isinstance(batch, Bars)
        ts = batch.open_ts if bars else batch.received
        if int(ts[0]) < last + bars:
            _unordered(reading.path, row, int(ts[0]), bars=bars)
        wrong = ts[1:] <= ts[:-1] if bars else ts[1:] < ts[:-1]
        if wrong.any():
            place = int(wrong.argmax()) + 1
            _unordered(reading.path, row + place, int(ts[place]), bars=bars)
        row, last = row + len(ts), int(ts[-1])
        yield batch


def within(batches: Iterator[Batch], since: int, until: int) -> Iterator[Batch]:
    """The rows of a span of time; those after it are not read."""
    for batch in batches:
        bars = isinstance(batch, Bars)
        clock = batch.open_ts if bars else batch.received
        start, stop = clock.searchsorted([since, until]).tolist()
        if stop > start:
            yield batch.rows(start, stop, stop - start) if bars else batch.rows(start, stop)
        if stop < len(batch):
            return


def reach(reading: Reading) -> tuple[int, int]:
    """The times of the first row and of the last, as they stand in the file."""
    layout = times_only(reading.layout)
    role: Role = "received" if "received" in layout.columns else "time"
    with told(reading.path):
        times = [times_of(block, layout, role) for block in _ends(reading, layout) if block.count]
    if not times or any(flags.any() for each in times for flags in each.wrong.values()):
        for _ in reading.batches():
            pass
        raise InputError(f"{reading.path} holds no rows; give a file with at least one")
    return int(times[0].ts[0]), int(times[-1].ts[-1])


def _ends(reading: Reading, layout: Layout) -> Iterator[Block]:
    """The first rows and the last; of a file that cannot be entered from its end, all."""
    with opened(reading.path) as file:
        plain = file.kind != "parquet" and reading.path.suffix.lower() not in PACKED
        if plain and file.raw.read(2) not in WIDE:
            file.raw.seek(0)
            yield from blocks(Opened(file.path, file.kind, _first_and_last(file, layout), file.raw, 0), layout)
            return
    with opened(reading.path) as file:
        yield from blocks(file, layout, None)


def _first_and_last(file: Opened, layout: Layout) -> io.BytesIO:
    """A text of as many lines before its rows, the first row and the last."""
    lines = [file.raw.readline() for _ in range(layout.skipped + 1)]
    begin = file.raw.tell()
    file.raw.seek(max(begin, file.raw.seek(0, io.SEEK_END) - TAIL))
    rest = file.raw.read().splitlines()
    last = next((line for line in reversed(rest) if line.strip()), b"")
    return io.BytesIO(b"".join(lines).rstrip() + b"\n" + last)


def _unordered(path: Path, row: int, ts: int, *, bars: bool) -> NoReturn:
    what = (
        "the bar does not open after the one before it; sort the file and keep each bar once"
        if bars
        else "the quote came before the one above it; sort the file, or import it and use `replay`"
    )
    raise InputError(f"{path}, row {row + 1}: ({utc_text(ts)}) {what}")
