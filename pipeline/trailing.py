"""Numbers over the rows before each row, the same whatever the array begins with before these."""

import numpy as np
from numpy.typing import NDArray

from pipeline.values import Columns, Flags, Floats, Small, Stamps

Whole = NDArray[np.int64]


def moved(columns: Columns, rows: int) -> Small:
    """Of the last `rows` rows: whether a contract of one bar, bought as the bar was final, would have ended higher (1),
    lower (-1) or level (0), judged by closes; 0 where that is not known yet or the market was closed in between."""
    begin = len(columns) - rows
    close, open_ts = columns["close"][begin:], columns.open_ts[begin:]
    found = np.zeros(rows, np.int8)
    follows = np.diff(open_ts) == columns.tf
    found[:-1] = np.where(follows, np.sign(np.diff(close)), 0)
    return found


def counted(what: Flags, since: Stamps | Whole) -> Whole:
    """For each row, in how many of the rows from `since` on, up to the one before it, something was so."""
    total = np.zeros(len(what) + 1, np.int64)
    np.cumsum(what, out=total[1:])
    made: Whole = total[np.arange(len(what))] - total[since]
    return made


def window(rows: int, length: int) -> Whole:
    """For each row, the first of the `length` rows before it."""
    return np.maximum(np.arange(rows) - length, 0)


def faded(column: Floats, share: float, length: int, before: float) -> Floats:
    """An exponential average that looks back on `length` rows only; rows before the first count as `before`.

    The same sum in the same order for each row, so that it does not matter where the column begins.
    """
    padded = np.concatenate((np.full(length - 1, before), column))
    made: Floats = np.zeros(len(column))
    weight, whole = share, 1 - (1 - share) ** length
    for back in range(length):
        made += weight / whole * padded[length - 1 - back : len(padded) - back]
        weight *= 1 - share
    return made


def typical(column: Floats, length: int) -> Floats:
    """The root of the mean square of a column's values other than 0 in the `length` rows before each; 0 without any."""
    spoken = counted(column != 0, window(len(column), length))
    return np.sqrt(_sums(column * column, length) / np.maximum(spoken, 1))


def _sums(column: Floats, length: int) -> Floats:
    """The sum of the `length` rows before each row.

    Sums of 1, 2, 4 … rows are put together, each row's in the same way: a running total would depend on where the
    column begins.
    """
    rows = len(column)
    power = np.concatenate((np.zeros(length), column))
    made: Floats = np.zeros(rows)
    end, stride = length - 1, 1
    for bit in range(length.bit_length()):
        if length >> bit & 1:
            made += power[end : end + rows]
            end -= stride
        power[stride:] = power[stride:] + power[:-stride]
        stride *= 2
    return made
