"""Ledgers as older versions left them."""

import sqlite3
from contextlib import closing
from pathlib import Path

from pipeline.ledger.tables import STEPS


def of_version_2(path: Path) -> None:
    """One of the second version, with an order that is open."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA synchronous = EXTRA")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("BEGIN IMMEDIATE")
        for step in STEPS[:2]:
            for statement in filter(str.strip, step.split(";")):
                db.execute(statement)
        db.execute("PRAGMA user_version = 2")
        row = ("o", "demo-1", "EURUSD", 60000, 0, "call", "1.00", 0.9, "OPEN", 60000, "", "C-1", 180000, None, "0")
        values = ", ".join("?" * 19)
        db.execute(f"INSERT INTO orders VALUES ({values})", (*row, 0, 0.0, 0, 0.0))  # noqa: S608  # our own
        db.execute("INSERT INTO order_events VALUES (1, 'o', 'demo-1', 60000, 'OPEN', '')")
        db.execute("COMMIT")
