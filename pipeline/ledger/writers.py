"""Who writes for a ledger: what is asked for first is on disk first, and told once it is there for good.

A work is a function on the connection. It is done whole or not at all, and it names no transaction: a writer may put
several works into one.
"""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol, TypeVar

from pipeline.ledger.failures import FAILURES, LedgerError, why_not

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]


class Writer(Protocol):
    """Who asks is one thread; `done` is called on it, in the order of the works, at once or later.

    Once something could not be written every call raises the same LedgerError: what failed is not tried again.
    """

    failed: Callable[[LedgerError], object] | None
    """Told of a failure when nobody waits for it."""

    def write(self, work: Work[T], done: Callable[[T], object] | None = None, *, sends: bool = False) -> None:
        """Ask for a work; `done` hears what it gave. Waits while too much is asked for already.

        `sends` says that an order is sent once it is done. On a full disk such works are let go first.
        """
        ...

    def wait(self) -> None:
        """Return when all that was asked is on disk and everybody has been told."""
        ...

    def close(self) -> None:
        """Write what was asked, then let the file go."""
        ...


class InlineWriter:
    """Writes at once, on the thread of whoever asks: for verbs, tests and replays."""

    def __init__(self, db: sqlite3.Connection, path: Path) -> None:
        self.failed: Callable[[LedgerError], object] | None = None
        self._db, self._path = db, path
        self._patience = patience_of(db)

    def write(self, work: Work[T], done: Callable[[T], object] | None = None, *, sends: bool = False) -> None:
        try:
            (given,) = committed(self._db, [work])
        except FAILURES as failure:
            raise why_not(self._path, failure, self._patience) from failure
        if done is not None:
            done(given)

    def wait(self) -> None:
        """All is written."""

    def close(self) -> None:
        self._db.close()


def committed(db: sqlite3.Connection, works: Sequence[Work[Any]]) -> list[Any]:
    """What each work gave, once all of them are on disk for good; if one of them fails, none of them is."""
    db.execute("BEGIN IMMEDIATE")
    try:
        given = [work(db) for work in works]
        db.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):  # some failures have ended the transaction already
            db.execute("ROLLBACK")
        raise
    return given


def patience_of(db: sqlite3.Connection) -> int:
    """How long (ms) a connection waits for another one's transaction."""
    patience: int = db.execute("PRAGMA busy_timeout").fetchone()[0]
    return patience
