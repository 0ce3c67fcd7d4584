"""The files of a store: columns in Parquet, written so that a killed program leaves the old file or the new one."""

# pyarrow comes without types:
# pyright: reportMissingTypeStubs=false

import os
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet

from pipeline.archive.merging import Columns
from pipeline.archive.series import Series
from pipeline.durable import fresh
from pipeline.errors import InputError

pa: Any = pyarrow
pq: Any = pyarrow.parquet

ALIKE = ["closed_by", "ticks", "revision"]
"""Columns that mostly say the same."""


def read(series: Series, path: Path) -> Columns:
    try:
        table = pq.ParquetFile(path).read(columns=list(series.columns), use_threads=False)
        return {name: table.column(name).to_numpy() for name in series.columns}
    except (pa.ArrowException, KeyError) as failure:
        reason = str(failure).splitlines()[0]
        raise InputError(
            f"{path} is no file of {series} that this program wrote ({reason}); remove it and import its rows again"
        ) from failure


def write(path: Path, columns: Columns) -> None:
    """Write a new file, on disk when this returns."""
    kinds = {name: pa.array(column) for name, column in columns.items()}
    with path.open("wb") as file:
        pq.write_table(pa.table(kinds), file, compression="zstd", use_dictionary=[*ALIKE])
        file.flush()
        os.fsync(file.fileno())


def write_text(path: Path, text: str) -> None:
    """Write a small file whole or not at all."""
    with fresh(path) as file:
        file.write(text.encode())


def size(path: Path) -> tuple[int, int]:
    """How many rows and how many bytes a file has."""
    return int(pq.read_metadata(path).num_rows), path.stat().st_size
