"""A file as blocks of rows: columns by name, as they stand in it, and the number of each row."""

# pyarrow comes without types:
# pyright: reportMissingTypeStubs=false

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, cast

import msgspec
import numpy as np
import pyarrow
import pyarrow.compute
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from pipeline.archive.opening import PIECE, Opened, pieces
from pipeline.values import Flags

pa: Any = pyarrow
pc: Any = pyarrow.compute
pacsv: Any = pyarrow.csv
pq: Any = pyarrow.parquet

ROWS = 250_000
"""At most so many rows of a Parquet file are read at a time."""
NO_COLUMNS = "it has too few or too many columns; mend or leave out the row"
NO_JSON = "it is no JSON object on a line; mend or leave out the row"


@dataclass(frozen=True, slots=True)
class Block:
    """Rows of a file, one after another; the first row below a header is row 1."""

    first: int
    count: int
    columns: Mapping[str, Any]
    torn: Mapping[str, Sequence[int]] = field(default_factory=dict[str, Sequence[int]])
    """Rows that are none, by what is wrong with them."""
    blank: Sequence[int] = ()
    """Lines that are none."""

    def numbers(self) -> NDArray[np.int64]:
        """The number of each row."""
        left_out = np.array([*self.blank, *(row for rows in self.torn.values() for row in rows)], np.int64)
        is_row = np.ones(self.count + len(left_out), np.bool_)
        is_row[left_out - self.first] = False
        return np.flatnonzero(is_row) + self.first


def csv_blocks(
    opened: Opened, delimiter: str, names: Sequence[str], wanted: Sequence[str], skipped: int, size: int = PIECE
) -> Iterator[Block]:
    """A text file of columns with the given names, all as text; `skipped` lines stand before the first row."""
    for piece in pieces(opened.file, size):
        text, line = piece.text, piece.line
        while line < skipped and text:
            line, text = line + 1, text[text.index(b"\n") + 1 :]
        if text:
            yield _csv_block(text, line - skipped + 1, delimiter, names, wanted)


def _csv_block(text: bytes, first: int, delimiter: str, names: Sequence[str], wanted: Sequence[str]) -> Block:
    torn: list[int] = []

    def tear(row: Any) -> str:
        # A line of blanks is no row, and no mistake.
        if row.text.strip():
            torn.append(row.number)
        else:
            blank.append(row.number)
        return "skip"

    blank: list[int] = []
    table = pacsv.read_csv(
        io.BytesIO(text),
        pacsv.ReadOptions(use_threads=False, column_names=list(names), block_size=len(text) + 1),
        pacsv.ParseOptions(delimiter=delimiter, invalid_row_handler=tear, ignore_empty_lines=False),
        pacsv.ConvertOptions(
            column_types=dict.fromkeys(wanted, pa.string()), include_columns=list(wanted), check_utf8=False
        ),
    )
    filled = _filled(table)
    if not filled.all():
        kept = Block(1, int(table.num_rows), {}, {"": torn}, blank).numbers()
        blank += kept[~filled].tolist()
        table = table.filter(pa.array(filled))
    columns = {name: table.column(name).combine_chunks() for name in wanted}
    before = first - 1
    return Block(
        first,
        int(table.num_rows),
        columns,
        {NO_COLUMNS: [number + before for number in torn]},
        [number + before for number in blank],
    )


def _filled(table: Any) -> Flags:
    """Which rows have anything in them: an empty line has not."""
    filled = np.zeros(table.num_rows, np.bool_)
    for column in table.columns:
        filled |= np.asarray(pc.not_equal(column, ""))
        if filled.all():
            break
    return filled


def json_blocks(opened: Opened, wanted: Sequence[str], size: int = PIECE) -> Iterator[Block]:
    """A file of one JSON object a line."""
    decode = msgspec.json.Decoder(dict[str, Any]).decode
    for piece in pieces(opened.file, size):
        found: list[dict[str, Any]] = []
        torn: list[int] = []
        blank: list[int] = []
        for number, line in enumerate(piece.text.splitlines(), start=piece.line + 1):
            try:
                found.append(decode(line))
            except msgspec.DecodeError:
                (torn if line.strip() else blank).append(number)
        columns = {name: _array([row.get(name) for row in found]) for name in wanted}
        yield Block(piece.line + 1, len(found), columns, {NO_JSON: torn}, blank)


def parquet_blocks(opened: Opened, wanted: Sequence[str], most: int | None = ROWS) -> Iterator[Block]:
    """A Parquet file; with `most` None all of it at once."""
    # Mapped and unbuffered, no more of a large row group is read than is asked for.
    file = pq.ParquetFile(opened.path, memory_map=True, pre_buffer=False)
    if most is None:
        table = file.read(columns=list(wanted))
        yield Block(1, int(table.num_rows), {name: table.column(name) for name in wanted})
        return
    first = 1
    for batch in file.iter_batches(batch_size=most, columns=list(wanted), use_threads=False):
        yield Block(first, int(batch.num_rows), {name: batch.column(name) for name in wanted})
        first += batch.num_rows


def parquet_names(opened: Opened) -> tuple[str, ...]:
    return tuple(pq.ParquetFile(opened.path).schema_arrow.names)


def json_names(opened: Opened, size: int) -> tuple[str, ...]:
    """The keys of the first objects."""
    names: dict[str, None] = {}
    for piece in islice(pieces(opened.file, size), 1):
        for line in piece.text.splitlines():
            try:
                names |= dict.fromkeys(msgspec.json.decode(line, type=dict[str, Any]))
            except msgspec.DecodeError:
                continue
    return tuple(names)


def _array(values: list[Any]) -> Any:
    """Numbers when all are, else texts."""
    kinds: set[type[Any]] = {type(value) for value in values if value is not None}
    if kinds <= {int, float}:
        try:
            return pa.array(values, pa.int64() if kinds == {int} else pa.float64())
        except (pa.ArrowInvalid, OverflowError):
            return pa.array([None if value is None else str(value) for value in values], pa.string())
    return pa.array([None if value is None else str(cast("object", value)) for value in values], pa.string())
