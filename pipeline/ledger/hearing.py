"""What others write into a ledger beside the engine: stops, switches, armings, verdicts and requests of verbs."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pipeline.evidence import Request, Verdict
from pipeline.ledger.rows import (
    SELECT_ARMING,
    SELECT_LATCH,
    SELECT_SWITCHED,
    SELECT_VERDICT,
    arming_of,
    latch_of,
    switched_of,
    verdict_of,
)
from pipeline.values import Arming, Latch, Switched

Heard = Latch | Switched | Arming | Verdict | Request
TABLES: Mapping[str, tuple[str, Callable[[Sequence[Any]], Heard]]] = {
    "latches": (SELECT_LATCH, latch_of),
    "switches": (SELECT_SWITCHED, switched_of),
    "verdicts": (SELECT_VERDICT, verdict_of),
    "armings": (SELECT_ARMING, arming_of),
    "requests": ('SELECT seq, what, account, at, by, "order" FROM requests', lambda row: Request(*row[1:])),
}
"""Their rows in the order in which they are told: a stop before all else."""
UNSURE = "('PREPARE', 'SEND', 'SEND_RETRY', 'UNKNOWN', 'UNKNOWN_RESULT')"
PENDING = f'{SELECT_VERDICT} WHERE "order" IN (SELECT "order" FROM orders WHERE state IN {UNSURE}) ORDER BY seq'  # noqa: S608  # our own names


class Hearing:
    """Tells what is new in the tables that others write. What was written here is no news."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._changed = 0
        self._seen: dict[str, int] = {}
        self._ours: set[tuple[str, int]] = set()
        self._pending: list[Verdict] = []
        self.begin()

    def begin(self) -> None:
        """All that is there is known from here on, but verdicts that came while nothing ran."""
        self._changed = self._changes()
        self._seen = {
            table: self._db.execute(f"SELECT coalesce(max(seq), 0) FROM {table}").fetchone()[0]  # noqa: S608  # our own names
            for table in TABLES
        }
        self._pending = [verdict_of(row) for row in self._db.execute(PENDING)]

    def ours(self, table: str, number: int) -> None:
        """A row that was written here."""
        self._ours.add((table, number))

    def news(self) -> Sequence[Heard]:
        """What others wrote since this was asked before, in order."""
        pending, self._pending = self._pending, []
        changes = self._changes()
        if changes == self._changed:
            return pending
        self._changed = changes
        return [*pending, *(value for table in TABLES for value in self._new(table))]

    def _new(self, table: str) -> list[Heard]:
        select, made = TABLES[table]
        rows = self._db.execute(f"{select} WHERE seq > ? ORDER BY seq", (self._seen[table],)).fetchall()
        if not rows:
            return []
        self._seen[table] = rows[-1][0]
        theirs = [row for row in rows if (table, row[0]) not in self._ours]
        self._ours.difference_update((table, row[0]) for row in rows)
        return [made(row) for row in theirs]

    def _changes(self) -> int:
        """A number that is another one once somebody else has written."""
        number: int = self._db.execute("PRAGMA data_version").fetchone()[0]
        return number
