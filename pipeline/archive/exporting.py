"""Rows of a store as a file for others: CSV, Parquet or JSONL, whole or not there."""

# pyarrow comes without types:
# pyright: reportMissingTypeStubs=false

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import msgspec
import numpy as np
import pyarrow
import pyarrow.csv
import pyarrow.parquet

from pipeline.archive.merging import Columns, columns_of
from pipeline.archive.opening import ENDINGS
from pipeline.archive.series import Batch
from pipeline.archive.walls import added
from pipeline.durable import fresh
from pipeline.errors import InputError
from pipeline.times import HOUR, MINUTE
from pipeline.values import Stamps

pa: Any = pyarrow
pacsv: Any = pyarrow.csv
pq: Any = pyarrow.parquet

STAMPS = ("open_ts", "ts", "received", "final_at")


def exported(batches: Iterator[Batch], path: Path, timezone: str | None = None) -> int:
    """Write rows to a file; times are ms since 1970, or with a time zone ISO text in it. How many rows there were."""
    kind = ENDINGS.get(path.suffix.lower())
    if kind is None:
        raise InputError(f"{path} is neither .csv nor .parquet nor .jsonl; name a file of one of these kinds")
    rows = 0
    with fresh(path) as file:
        write: Callable[[Columns], None] | None = None
        closing: list[Any] = []
        for batch in batches:
            columns = columns_of(batch)
            if timezone is not None:
                columns = {name: _texts(each, timezone) if name in STAMPS else each for name, each in columns.items()}
            if write is None:
                write = (
                    _json_lines(file) if kind == "jsonl" else _tables(file, columns, closing, parquet=kind == "parquet")
                )
            write(columns)
            rows += len(batch)
        for each in closing:
            each.close()
    return rows


def _tables(file: IO[bytes], first: Columns, closing: list[Any], *, parquet: bool) -> Callable[[Columns], None]:
    schema = _table(first).schema
    writer = pq.ParquetWriter(file, schema, compression="zstd") if parquet else pacsv.CSVWriter(file, schema)
    closing.append(writer)
    return lambda columns: writer.write_table(_table(columns))


def _table(columns: Columns) -> Any:
    return pa.table({name: pa.array(column) for name, column in columns.items()})


def _json_lines(file: IO[bytes]) -> Callable[[Columns], None]:
    encoder = msgspec.json.Encoder()

    def write(columns: Columns) -> None:
        rows = zip(*(column.tolist() for column in columns.values()), strict=True)
        file.write(encoder.encode_lines(dict(zip(columns, row, strict=True)) for row in rows))

    return write


def _texts(moments: Stamps, zone: str) -> Any:
    """`2026-01-05T10:00:00.000+02:00`."""
    ahead = added(moments, zone)
    walls = np.datetime_as_string((moments + ahead).astype("datetime64[ms]"))
    offsets, which = np.unique(ahead, return_inverse=True)
    return np.char.add(walls, np.array([_offset(each) for each in offsets.tolist()])[which])


def _offset(ahead: int) -> str:
    hours, rest = divmod(abs(ahead), HOUR)
    return f"{'-' if ahead < 0 else '+'}{hours:02d}:{rest // MINUTE:02d}"
