"""Letting old rows go that are only to look at: decisions, outcomes, columns of orders, metrics, payouts, lives.

Orders and all that became of them, stops, armings, verdicts, cash and certificates are never removed. Of each key the
last decision and the last word on its life stay: a start goes on from them. Of each product the payout stays that was
in force.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.ledger.failures import unusable
from pipeline.ledger.remembering import last_moment_of
from pipeline.ledger.tables import PATIENCE, opened, readable
from pipeline.ledger.turns import give_way

BATCH = 5_000
"""So many rows go in one transaction: whoever writes beside waits no longer than for these."""
LEAST = 200
"""A transaction of fewer rows costs as much as one of so many."""


class Old(NamedTuple):
    """Some rows of a table in a row of its primary key, up to a moment: they can be counted, and let go bit by bit."""

    table: str
    key: tuple[str, ...]
    values: tuple[Any, ...]
    by: str
    """The column that is the moment."""
    before: int
    """The first moment that stays."""

    @property
    def where(self) -> str:
        return " AND ".join((*(f"{name} = ?" for name in self.key), f"{self.by} < ?"))


def last_moment(ledger: Path) -> int | None:
    """The latest moment of the flow that its ledger knows of."""
    with closing(readable(ledger)) as db:
        return last_moment_of(db)


def to_prune(ledger: Path, before: int) -> dict[str, int]:
    """How many rows of each table would go."""
    with closing(readable(ledger)) as db:
        db.execute("BEGIN")
        counts: dict[str, int] = dict.fromkeys(TABLES, 0)
        for old in _old(db, before):
            query = f"SELECT count(*) FROM {old.table} WHERE {old.where}"  # noqa: S608  # our own names
            counts[old.table] += db.execute(query, (*old.values, old.before)).fetchone()[0]
        counts["order_features"] = db.execute(f"SELECT count(*) FROM {OF_ORDERS}", (before,)).fetchone()[0]  # noqa: S608
    return counts


def pruned(
    ledger: Path,
    before: int,
    progress: Callable[[int], object] = lambda _: None,
    turn: Callable[[], object] = give_way,
) -> dict[str, int]:
    """Let them go; how many of each table went. `progress` is told how many rows have gone so far.

    After each batch it is others' `turn` to write: an engine that is kept waiting for too long ends.
    """
    counts: dict[str, int] = dict.fromkeys(TABLES, 0)
    cost = 0

    def went(table: str, rows: int) -> int:
        nonlocal cost
        counts[table] += rows
        progress(sum(counts.values()))
        cost += max(rows, LEAST)
        if cost >= BATCH:
            turn()
            cost = 0
        return rows

    try:
        with closing(opened(ledger)) as db:
            for old in _old(db, before):
                while went(old.table, _let_go(db, old)) == BATCH:
                    pass
            while went("order_features", _let_columns_go(db, before)):
                pass
    except sqlite3.Error as failure:
        raise unusable(ledger, failure, PATIENCE) from failure
    return counts


TABLES = ("decisions", "outcomes", "order_features", "metrics", "payouts", "key_lives")
OF_ORDERS = 'order_features WHERE "order" IN (SELECT "order" FROM orders WHERE bar < ?)'
NEXT_KEY = """
SELECT account, product, tf FROM decisions WHERE (account, product, tf) > (?, ?, ?)
ORDER BY account, product, tf LIMIT 1
"""
NEXT_LIFE = NEXT_KEY.replace("decisions", "key_lives")
NEXT_STREAM = "SELECT product, tf FROM outcomes WHERE (product, tf) > (?, ?) ORDER BY product, tf LIMIT 1"
NEXT_PRODUCT = "SELECT product FROM payouts WHERE product > ? ORDER BY product LIMIT 1"


def _old(db: sqlite3.Connection, before: int) -> Iterator[Old]:
    for account, product, tf in _each(db, NEXT_KEY, ("", "", 0)):
        last = "SELECT max(bar) FROM decisions WHERE account = ? AND product = ? AND tf = ?"
        (newest,) = db.execute(last, (account, product, tf)).fetchone()
        yield Old("decisions", ("account", "product", "tf"), (account, product, tf), "bar", min(before, newest))
    for product, tf in _each(db, NEXT_STREAM, ("", 0)):
        yield Old("outcomes", ("product", "tf"), (product, tf), "bar", before)
    yield Old("metrics", (), (), "at", before)
    for (product,) in _each(db, NEXT_PRODUCT, ("",)):
        in_force = "SELECT max(ts) FROM payouts WHERE product = ? AND ts <= ?"
        (ts,) = db.execute(in_force, (product, before)).fetchone()
        yield Old("payouts", ("product",), (product,), "ts", before if ts is None else ts)
    for key in _each(db, NEXT_LIFE, ("", "", 0)):
        last = "SELECT max(at) FROM key_lives WHERE account = ? AND product = ? AND tf = ?"
        (newest,) = db.execute(last, key).fetchone()
        yield Old("key_lives", ("account", "product", "tf"), key, "at", min(before, newest))


def _each(db: sqlite3.Connection, following: str, begin: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    """Every key, found by the one before: quicker than looking at every row."""
    key = db.execute(following, begin).fetchone()
    while key is not None:
        yield tuple(key)
        key = db.execute(following, tuple(key)).fetchone()


def _let_go(db: sqlite3.Connection, old: Old) -> int:
    """Let the oldest of these rows go; how many there were, a batch at the most."""
    named = ", ".join((*old.key, "at, account, name" if old.table == "metrics" else old.by))
    rows = f"SELECT {named} FROM {old.table} WHERE {old.where} ORDER BY {old.by} LIMIT {BATCH}"  # noqa: S608  # ours
    with db:
        db.execute("BEGIN IMMEDIATE")
        gone = db.execute(
            f"DELETE FROM {old.table} WHERE ({named}) IN ({rows})",  # noqa: S608  # our own names
            (*old.values, old.before),
        )
    return gone.rowcount


def _let_columns_go(db: sqlite3.Connection, before: int) -> int:
    with db:
        db.execute("BEGIN IMMEDIATE")
        some = f'SELECT DISTINCT "order" FROM {OF_ORDERS} LIMIT 500'  # noqa: S608  # our own names
        gone = db.execute(f'DELETE FROM order_features WHERE "order" IN ({some})', (before,))  # noqa: S608
    return gone.rowcount
