"""Rows of one series put together: each moment once, and what two rows say of one moment told apart. Pure columns."""

from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from pipeline.archive.series import QUOTE_COLUMNS, Batch, Series
from pipeline.values import BAR_COLUMNS, Bars, Flags, Quotes

Columns = dict[str, NDArray[Any]]
"""The rows of one series."""
OnConflict = Literal["fail", "keep", "replace"]

JUDGED = {True: ("bid", "ask"), False: ("open", "high", "low", "close", "volume")}
"""What must be equal for two rows to say the same; how a bar came about does not change what it says."""


@dataclass(frozen=True, slots=True)
class Union:
    """Old rows and new ones in order of time, each moment once."""

    columns: Columns
    added: int
    same: int
    """New rows that say what another one says already."""
    conflicts: int
    first_conflict: tuple[int, dict[str, float], dict[str, float]] | None
    """The moment, and what the row before and the one after it say."""


def columns_of(batch: Batch) -> Columns:
    names = BAR_COLUMNS if isinstance(batch, Bars) else QUOTE_COLUMNS
    return {name: getattr(batch, name) for name in names}


def batch_of(series: Series, columns: Columns) -> Batch:
    if series.of_quotes:
        return Quotes(series.product, *(columns[name] for name in QUOTE_COLUMNS))
    rows = len(columns["open_ts"])
    return Bars(series.product, series.tf, *(columns[name] for name in BAR_COLUMNS), fresh=rows)


def rows_of(columns: Columns, rows: slice | NDArray[Any]) -> Columns:
    return {name: column[rows] for name, column in columns.items()}


def joined(pieces: list[Columns]) -> Columns:
    """Pieces one after another."""
    if len(pieces) == 1:
        return pieces[0]
    return {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]}


def united(series: Series, old: Columns | None, new: Columns, on_conflict: OnConflict) -> Union:
    """The rows of a file with others put in: with `replace` the last row of a moment stays, else the first.

    Bars are about one moment when they open at it, quotes when both their stamps are equal.
    """
    have = 0 if old is None else len(old[series.clock])
    columns = new if old is None else joined([old, new])
    clock = columns[series.clock]
    if not (series.of_quotes or (clock[1:] <= clock[:-1]).any()):
        return Union(columns, len(clock) - have, 0, 0, None)
    order = np.lexsort((columns["ts"], clock)) if series.of_quotes else np.argsort(clock, kind="stable")
    columns = rows_of(columns, order)
    again = _equal(columns, (series.clock, "ts") if series.of_quotes else (series.clock,))
    if not again.any():
        return Union(columns, len(clock) - have, 0, 0, None)
    equal = _equal(columns, JUDGED[series.of_quotes])
    conflict = again & ~equal
    stays = np.append(~again[1:], True) if on_conflict == "replace" else ~again
    return Union(
        rows_of(columns, np.flatnonzero(stays)),
        int(np.count_nonzero(stays)) - have,
        int(np.count_nonzero(again & equal)),
        int(np.count_nonzero(conflict)),
        _told(series, columns, int(conflict.argmax())) if conflict.any() else None,
    )


def _equal(columns: Columns, names: tuple[str, ...]) -> Flags:
    """Whether each row has what the row before it has, bit for bit; the first has not."""
    equal = np.ones(len(columns[names[0]]), np.bool_)
    equal[:1] = False
    for name in names:
        bits = np.ascontiguousarray(columns[name]).view(np.int64)
        equal[1:] &= bits[1:] == bits[:-1]
    return equal


def _told(series: Series, columns: Columns, row: int) -> tuple[int, dict[str, float], dict[str, float]]:
    before, after = (
        {name: cast("float", columns[name][each].item()) for name in JUDGED[series.of_quotes]}
        for each in (row - 1, row)
    )
    return int(columns[series.clock][row]), before, after
