"""Which rows of a ledger are asked for, and how they are read: as they stand at one moment, a few at a time."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, cast

from sqlite_utils import Database

from pipeline.exporting.columns import Column

ALWAYS = (-(2**62), 2**62)

OF_ACCOUNT = "(:account IS NULL OR account = :account)"
BEGAN = "CASE wanted_at WHEN 0 THEN at ELSE wanted_at END"
ENDS = "CASE ended_at WHEN 0 THEN at ELSE ended_at END"
ENDED = f"orders WHERE state IN ('SETTLED', 'CANCELED') AND {OF_ACCOUNT}"
"""Orders whose contract has ended."""


class Asked(NamedTuple):
    """Rows of a span of time, and of one account if not of all."""

    begin: int = ALWAYS[0]
    end: int = ALWAYS[1]
    account: str | None = None


class Selection(NamedTuple):
    """A table for others: each row has a value for each column."""

    columns: Sequence[Column]
    rows: Iterator[Sequence[Any]]


def rows_of(db: sqlite3.Connection, query: str, asked: Asked) -> Iterator[Mapping[str, Any]]:
    """The rows of a query that names what is asked for as `:begin`, `:end` and `:account`."""
    found = Database(db, execute_plugins=False).query(query, asked._asdict())  # type: ignore[reportUnknownMemberType]  # a plain dict there
    return cast("Iterator[Mapping[str, Any]]", found)
