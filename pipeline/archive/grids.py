"""The first lines of a text as cells: what parts the columns, how many there are, and whether they have names."""

import csv
import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from pipeline.archive.layout import DELIMITERS
from pipeline.errors import InputError

LINES = 400
"""So many lines are looked at."""
NUMBER = re.compile(r"[+-]?(\d+[.,]?\d*|[.,]\d+)([eE][+-]?\d+)?")
LIKE_A_DATE = re.compile(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}.*|\d{8}[ T]\d{2}.*|\d\d:\d\d.*")
MOST = 0.6
FEWEST_COLUMNS = 3


class Grid(NamedTuple):
    """The first rows of a text file as cells."""

    delimiter: str
    skipped: int
    names: tuple[str, ...]
    header: bool
    rows: list[list[str]]


def grid_of(path: Path, lines: Sequence[str]) -> Grid:
    """Lines as cells: parted by what parts most of them into the same number of columns."""
    numbered = [(number, line) for number, line in enumerate(lines[:LINES]) if line.strip()]
    for delimiter in DELIMITERS:
        rows = list(csv.reader((line for _, line in numbered), delimiter=delimiter))
        width = _width(rows)
        if width < FEWEST_COLUMNS:
            continue
        begin = next(number for number, row in enumerate(rows) if len(row) == width)
        header = _are_names(rows[begin])
        body = [row for row in rows[begin + header :] if len(row) == width]
        named = [cell.strip() for cell in rows[begin]] if header else [str(number + 1) for number in range(width)]
        if len(set(named)) < width:
            raise InputError(f"{path} has two columns of one name ({', '.join(named)}); name each once")
        skipped = numbered[begin][0] + header
        return Grid(delimiter, skipped, tuple(named), header, body)
    raise InputError(f"{path} is not what its name says (no rows of three columns or more); give a file of rows")


def _width(rows: Sequence[Sequence[str]]) -> int:
    """How many columns there are: as many as names above values of the same number; without such, as most rows have."""
    for names, values in pairwise(rows):
        if len(names) == len(values) >= FEWEST_COLUMNS and _are_names(names) and not _are_names(values):
            return len(names)
    ((width, times),) = Counter(map(len, rows)).most_common(1) or [(0, 0)]
    if times >= MOST * len(rows):
        return width
    return len(next((row for row in rows if len(row) >= FEWEST_COLUMNS and _are_names(row)), ()))


def _are_names(row: Sequence[str]) -> bool:
    return not any(is_value(cell.strip()) for cell in row)


def is_value(cell: str) -> bool:
    return bool(NUMBER.fullmatch(cell) or LIKE_A_DATE.fullmatch(cell))
