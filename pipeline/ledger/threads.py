"""One thread that writes for a running flow: what waits when it turns round becomes one transaction."""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Condition, Thread
from typing import Any, NamedTuple, TypeVar

from pipeline.ledger.ballast import Ballast
from pipeline.ledger.checkpoints import Checkpoints
from pipeline.ledger.failures import FAILURES, FULL, LedgerError, name_of, why_not
from pipeline.ledger.writers import Work, committed, patience_of

T = TypeVar("T")
AT_MOST = 4096
"""So many works may wait; whoever asks for one more waits for room."""
QUIET = 1.0
"""Seconds without a work after which the log is looked after."""


class Job(NamedTuple):
    """A work that was asked for."""

    work: Work[Any]
    done: Callable[[Any], object] | None
    sends: bool


class ThreadWriter:
    """Owns the one connection that writes. The event loop goes on meanwhile, and is told what is on disk.

    A full disk: the ballast is given up, works that an order waits for are let go, the others are written, and the
    failure is told. Any other failure ends the thread.
    """

    def __init__(
        self,
        db: sqlite3.Connection,
        path: Path,
        loop: asyncio.AbstractEventLoop,
        ballast: Ballast | None = None,
        at_most: int = AT_MOST,
    ) -> None:
        self.failed: Callable[[LedgerError], object] | None = None
        self._db, self._path, self._loop, self._ballast, self._at_most = db, path, loop, ballast, at_most
        self._patience = patience_of(db)
        self._checkpoints = Checkpoints(path)
        self._turn = Condition()
        self._waiting: deque[Job] = deque()
        self._told: deque[tuple[Callable[[Any], object], Any]] = deque()
        self._asked = self._written = 0
        self._failure: LedgerError | None = None
        self._full = self._closing = self._over = False
        self._quiet = True
        self._thread = Thread(target=self._whole, name="ledger", daemon=True)
        self._thread.start()

    # --- on the thread of whoever asks -------------------------------------------------------------------------------

    def write(self, work: Work[T], done: Callable[[T], object] | None = None, *, sends: bool = False) -> None:
        with self._turn:
            self._turn.wait_for(lambda: self._over or len(self._waiting) < self._at_most)
            if self._failure is not None and (sends or self._over):
                raise self._failure
            assert not self._closing, "nothing is asked of a writer that was closed"
            self._waiting.append(Job(work, done, sends))
            self._asked += 1
            self._turn.notify_all()

    @property
    def waiting(self) -> int:
        """How many works wait for the next transaction."""
        return len(self._waiting)

    def wait(self) -> None:
        with self._turn:
            asked = self._asked
            self._turn.wait_for(lambda: self._over or self._written >= asked)
            failure = self._failure
        self._tell()
        if failure is not None:
            raise failure

    def close(self) -> None:
        with self._turn:
            self._closing = True
            self._turn.notify_all()
        self._thread.join()
        try:
            self._tell()
        finally:
            self._db.close()
        if self._failure is not None:
            raise self._failure

    def _tell(self) -> None:
        while self._told:
            done, given = self._told.popleft()
            done(given)

    def _tell_failure(self) -> None:
        if self.failed is not None and self._failure is not None:
            self.failed(self._failure)

    # --- on its own --------------------------------------------------------------------------------------------------

    def _whole(self) -> None:
        whole = False
        try:
            while (jobs := self._next()) is not None:
                if jobs:
                    self._write(jobs)
                self._shorten(idle=not jobs)
            whole = True
        except FAILURES as failure:
            self._fail(why_not(self._path, failure, self._patience))
        except LedgerError as failure:
            self._fail(failure)
        finally:
            if not whole:
                mistake = f"what writes the ledger {self._path} ended on a mistake of its own; nothing more is sent"
                self._fail(LedgerError(mistake))
            with self._turn:
                self._over = True
                self._turn.notify_all()

    def _next(self) -> list[Job] | None:
        """All that waits, which is nothing after a quiet second; None when nothing more is to come."""
        with self._turn:
            if not self._turn.wait_for(lambda: self._waiting or self._closing, None if self._quiet else QUIET):
                self._quiet = True
                return []
            self._quiet = False
            if not self._waiting:
                return None
            jobs = list(self._waiting)
            self._waiting.clear()
            self._turn.notify_all()
            return jobs

    def _write(self, jobs: list[Job]) -> None:
        kept = [job for job in jobs if not (self._full and job.sends)]
        try:
            given = committed(self._db, [job.work for job in kept])
        except sqlite3.Error as failure:
            self._make_room(failure)
            self._write(jobs)
            return
        self._told.extend((job.done, each) for job, each in zip(kept, given, strict=True) if job.done is not None)
        with self._turn:
            self._written += len(jobs)
            self._turn.notify_all()
        self._call(self._tell)

    def _shorten(self, *, idle: bool) -> None:
        """Put the log into the file when it is time; on a full disk the room is for what is told of orders."""
        if self._full:
            return
        try:
            self._checkpoints.look(self._db, idle=idle)
        except sqlite3.Error as failure:
            self._make_room(failure)

    def _make_room(self, failure: sqlite3.Error) -> None:
        """Give up the ballast when that helps; any other failure is the end."""
        if name_of(failure) != FULL or self._ballast is None or not self._ballast.drop():
            raise failure
        self._full = True
        self._fail(why_not(self._path, failure, self._patience))

    def _fail(self, failure: LedgerError) -> None:
        with self._turn:
            if self._failure is not None:
                return
            self._failure = failure
        self._call(self._tell_failure)

    def _call(self, what: Callable[[], object]) -> None:
        with suppress(RuntimeError):  # the loop has ended: whoever closes is told
            self._loop.call_soon_threadsafe(what)
