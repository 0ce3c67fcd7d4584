"""What a ledger knows as a file for others: trades, orders, decisions, the equity, and a set to learn from."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

from pipeline.errors import InputError
from pipeline.exporting import dataset, equity
from pipeline.exporting.asking import ENDED, Asked, Selection
from pipeline.exporting.plain import TABLES, plain
from pipeline.exporting.writing import FORMATS, written
from pipeline.ledger.failures import unusable
from pipeline.ledger.tables import PATIENCE, readable
from pipeline.tables import nearest

__all__ = ["FORMATS", "TABLES_FOR_OTHERS", "Asked", "exported"]

PART = 5_000
"""So many rows are held at a time."""
TABLES_FOR_OTHERS: Mapping[str, Callable[[sqlite3.Connection, Asked], Selection]] = {
    **{name: plain(name) for name in TABLES},
    "equity": equity.equity,
    "dataset": dataset.dataset,
}
ROWS = {**{name: table.rows for name, table in TABLES.items()}, "equity": ENDED, "dataset": dataset.ROWS}


def exported(
    ledger: Path,
    what: str,
    path: Path,
    form: str,
    asked: Asked,
    progress: Callable[[float], object] = lambda _: None,
) -> int:
    """Write one of the tables for others to a file, as the ledger stands at one moment; how many rows it has."""
    try:
        with closing(readable(ledger)) as db:
            return _exported(db, what, path, form, asked, progress)
    except sqlite3.Error as failure:
        raise unusable(ledger, failure, PATIENCE) from failure


def _exported(
    db: sqlite3.Connection, what: str, path: Path, form: str, asked: Asked, progress: Callable[[float], object]
) -> int:
    db.execute("BEGIN")
    _refuse_strangers(db, asked.account)
    selected = TABLES_FOR_OTHERS[what](db, asked)
    (about,) = db.execute(f"SELECT count(*) FROM {ROWS[what]}", asked._asdict()).fetchone()  # noqa: S608  # ours
    parts = _parts(selected.rows)
    return written(path, form, selected.columns, parts, lambda rows: progress(min(1.0, rows / (about or 1))))


def _parts(rows: Iterator[Sequence[Any]]) -> Iterator[Sequence[Sequence[Any]]]:
    while part := list(islice(rows, PART)):
        yield part


def _refuse_strangers(db: sqlite3.Connection, account: str | None) -> None:
    if account is None:
        return
    known = {row[0] for row in db.execute("SELECT account FROM accounts UNION SELECT DISTINCT account FROM orders")}
    if account not in known:
        raise InputError(f"the ledger knows no account {account!r}; {nearest(account, sorted(known))}")
