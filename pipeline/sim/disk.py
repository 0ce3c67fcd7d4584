"""Where simulated engines write: a ledger that outlives them, and a writer whose time is virtual and may be the last.

What is asked for is done in that order, some time later; what was not on disk when a life ended is lost with it.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from pipeline.ledger import Ledger, LedgerError
from pipeline.ledger.tables import opened, remembered
from pipeline.ledger.writers import Work, committed
from pipeline.sim.chance import Draws
from pipeline.sim.lives import Killed, Life
from pipeline.sim.storms import Storm, edgewise
from pipeline.states import ENDED
from pipeline.values import Arming, Latch

T = TypeVar("T")
USUAL_LEAST, USUAL_MOST = 0.0003, 0.003
"""Seconds until what was asked for is on disk."""
LONGEST, RARELY = 4.0, 0.9
"""Seconds that a disk may take when it stalls; one stall in ten takes up to a minute more."""


class Job(NamedTuple):
    """A work that was asked for."""

    work: Work[Any]
    done: Callable[[Any], object] | None
    sends: bool


class Disk:
    """One ledger for all lives."""

    def __init__(self, path: Path, storm: Storm, chance: Draws) -> None:
        self.path, self.storm, self.chance = path, storm, chance
        self.commits = 0
        self.stopping: Callable[[], object] = lambda: None
        """Called when somebody stops everybody while an intent is on its way."""
        self.db = opened(path)
        self.db.execute("PRAGMA synchronous = OFF")  # what a crash leaves is ours to say
        self._reading = remembered(path)

    def ledger(self, life: Life, mode: str, at: int) -> Ledger:
        """The ledger as one life has it."""
        made = self.db.execute("INSERT INTO lives (began, config, mode, pid, how) VALUES (?, '', ?, 1, '')", (at, mode))
        ledger = Ledger(self.path, LifeWriter(self, life), remembered(self.path))
        ledger.own(made.lastrowid or 0)
        return ledger

    def latch(self, latch: Latch) -> None:
        """Written by somebody else."""
        with Ledger(self.path) as ledger:
            ledger.latch(latch)

    def arm(self, arming: Arming) -> None:
        with Ledger(self.path) as ledger:
            ledger.arm(arming, "{}")

    def state_of(self, order: str) -> str | None:
        """The state of an order as it is on disk."""
        row = self._reading.execute('SELECT state FROM orders WHERE "order" = ?', (order,)).fetchone()
        return None if row is None else str(row[0])

    def settled(self, before: int) -> bool:
        """Whether every order that was wanted before a moment has ended."""
        ends = ", ".join(f"'{state}'" for state in sorted(ENDED))
        alive = f"SELECT 1 FROM orders WHERE wanted_at < ? AND state NOT IN ({ends}) LIMIT 1"  # noqa: S608  # our own words
        return self._reading.execute(alive, (before,)).fetchone() is None

    def rows(self, select: str) -> list[Any]:
        return self._reading.execute(select).fetchall()

    def close(self) -> None:
        self._reading.close()
        self.db.close()


class LifeWriter:
    """Writes for one life; once that is over, nothing more."""

    def __init__(self, disk: Disk, life: Life) -> None:
        self.failed: Callable[[LedgerError], object] | None = None
        self._disk, self._life = disk, life
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Job] = deque()
        self._turning = False
        self._failure: LedgerError | None = None

    def write(self, work: Work[T], done: Callable[[T], object] | None = None, *, sends: bool = False) -> None:
        if self._failure is not None and sends:
            raise self._failure
        self._waiting.append(Job(work, done, sends))
        if not self._turning:
            self._turning = True
            self._loop.call_later(self._delay(), self._life.does, self._turn)

    def wait(self) -> None:
        while self._waiting and not self._life.dead:
            self._commit()
        if self._failure is not None:
            raise self._failure

    def close(self) -> None:
        """The file stays."""

    def _delay(self) -> float:
        stalls = self._disk.storm.strikes("stall")
        if stalls is not None:
            return edgewise(stalls, USUAL_MOST, LONGEST) if stalls < RARELY else LONGEST + (stalls - RARELY) * 600
        return self._disk.chance.between(USUAL_LEAST, USUAL_MOST)

    def _turn(self) -> None:
        self._turning = False
        if self._waiting:
            self._commit()

    def _commit(self) -> None:
        """All that waits becomes one transaction; a life may end right before it or right after."""
        disk, jobs = self._disk, list(self._waiting)
        self._waiting.clear()
        if self._failure is None and disk.storm.strikes("disk_full") is not None:
            self._failure = LedgerError(f"the disk is full where the ledger {disk.path} is; nothing more is sent")
            if self.failed is not None:
                self.failed(self._failure)
        if self._failure is not None:
            jobs = [job for job in jobs if not job.sends]
        if any(job.sends for job in jobs) and disk.storm.strikes("latch_at_write") is not None:
            disk.stopping()
        ends = disk.storm.strikes("kill_at_write")
        if ends is not None and ends < 0.5:
            raise Killed
        disk.commits += 1
        given = committed(disk.db, [job.work for job in jobs])
        if ends is not None:
            raise Killed
        for job, each in zip(jobs, given, strict=True):
            if job.done is not None:
                job.done(each)
