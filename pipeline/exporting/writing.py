"""Rows into a file, a part at a time: CSV, Parquet or JSON lines; whole or not there."""

# pyarrow comes without types:
# pyright: reportMissingTypeStubs=false

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import IO, Any, Protocol

import msgspec
import pyarrow
import pyarrow.parquet

from pipeline.durable import fresh
from pipeline.errors import InputError
from pipeline.exporting.columns import PLACES, TEXTS, TYPED, TYPES, Column, Kind

pa: Any = pyarrow
pq: Any = pyarrow.parquet

Row = Sequence[Any]


def writable(path: Path, *, force: bool) -> None:
    """Refuse a place where no table may be written: a folder, or a file that is there, but for a table and by force."""
    if path.is_dir():
        raise InputError(f"{path} is a folder; name a file in it with --out")
    if not path.exists():
        return
    if path.suffix.lower().removeprefix(".") not in FORMATS:
        raise InputError(f"{path} is there and no table of ours; name another file with --out")
    if not force:
        raise InputError(f"{path} exists already; name another file with --out, or write over it with --force")


class Writer(Protocol):
    """A file of one format that is being written."""

    def write(self, rows: Sequence[Row]) -> None: ...
    def close(self) -> None: ...


class Csv:
    """A head line, then one for each row; what is not known is empty."""

    def __init__(self, file: IO[bytes], columns: Sequence[Column]) -> None:
        self._file, self._tell = file, _teller(TEXTS, columns)
        self._write([[column.name for column in columns]])

    def write(self, rows: Sequence[Row]) -> None:
        self._write([self._tell(row) for row in rows])

    def close(self) -> None: ...

    def _write(self, rows: Sequence[Row]) -> None:
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\n").writerows(rows)
        self._file.write(text.getvalue().encode())


class JsonLines:
    """One JSON object a line; what is not known is null."""

    def __init__(self, file: IO[bytes], columns: Sequence[Column]) -> None:
        self._file, self._tell = file, _teller(TEXTS, columns)
        self._names = [column.name for column in columns]
        self._encoder = msgspec.json.Encoder()

    def write(self, rows: Sequence[Row]) -> None:
        self._file.write(
            self._encoder.encode_lines(dict(zip(self._names, self._tell(row), strict=True)) for row in rows)
        )

    def close(self) -> None: ...


class Parquet:
    """Typed columns, a row group for each part."""

    def __init__(self, file: IO[bytes], columns: Sequence[Column]) -> None:
        self._tell = _teller(TYPED, columns)
        self._schema = pa.schema([pa.field(column.name, TYPES[column.kind]) for column in columns])
        self._writer = pq.ParquetWriter(file, self._schema, compression="zstd")

    def write(self, rows: Sequence[Row]) -> None:
        told = [self._tell(row) for row in rows]
        try:
            arrays = [pa.array([row[number] for row in told], kind) for number, kind in enumerate(self._schema.types)]
        except pa.ArrowInvalid as failure:
            raise InputError(
                f"an amount does not fit a decimal of {PLACES} places ({failure}); export to csv or jsonl"
            ) from failure
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))

    def close(self) -> None:
        self._writer.close()


FORMATS: Mapping[str, Callable[[IO[bytes], Sequence[Column]], Writer]] = {
    "csv": Csv,
    "parquet": Parquet,
    "jsonl": JsonLines,
}


def written(
    path: Path,
    form: str,
    columns: Sequence[Column],
    parts: Iterator[Sequence[Row]],
    progress: Callable[[int], object],
) -> int:
    """Write parts of rows to a file; how many rows there were. `progress` is told how many are written."""
    rows = 0
    with fresh(path) as file:
        writer = FORMATS[form](file, columns)
        with closing(writer):
            for part in parts:
                writer.write(part)
                rows += len(part)
                progress(rows)
    return rows


def _teller(how: Mapping[Kind, Callable[[Any], Any]], columns: Sequence[Column]) -> Callable[[Row], list[Any]]:
    """How a row of these columns is told."""
    told = [(number, how[column.kind]) for number, column in enumerate(columns) if column.kind in how]

    def tell(row: Row) -> list[Any]:
        values = list(row)
        for number, make in told:
            if values[number] is not None:
                values[number] = make(values[number])
        return values

    return tell
