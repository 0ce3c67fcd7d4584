"""Where a simulated engine writes: a ledger that outlives it, and the moments at which writing ends a life."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from pipeline.evidence import Noted
from pipeline.ledger import Ledger, LedgerError
from pipeline.sim.lives import Killed
from pipeline.sim.storms import Storm
from pipeline.values import Decisions, Latch, Order, Outcomes, Past

T = TypeVar("T")


class Disk:
    """One ledger for all lives; `records` are those of one."""

    def __init__(self, path: Path, storm: Storm) -> None:
        self.storm = storm
        self.writes = 0
        self._path = path
        self.ledger = Ledger(path)
        self._reading = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)

    def records(self) -> "LifeRecords":
        return LifeRecords(self)

    def past(self, at: int) -> Past:
        return self.ledger.past(at)

    def latch(self, latch: Latch) -> None:
        """Written by somebody else."""
        self.ledger.latch(latch)

    def state_of(self, order: str) -> str | None:
        """The state of an order as it is on disk."""
        row = self._reading.execute('SELECT state FROM orders WHERE "order" = ?', (order,)).fetchone()
        return None if row is None else str(row[0])

    def rows(self, select: str) -> list[tuple[object, ...]]:
        return self._reading.execute(select).fetchall()

    def written(self, write: Callable[[Ledger], T]) -> T:
        """One write, which may be the last thing a life does, or not be possible."""
        self.writes += 1
        if self.storm.strikes("disk_full") is not None:
            raise LedgerError(f"the ledger {self._path} cannot be written (disk full); nothing more is sent")
        ends = self.storm.strikes("kill_at_write")
        if ends is not None and ends < 0.5:
            raise Killed
        result = write(self.ledger)
        if ends is not None:
            raise Killed
        return result

    def close(self) -> None:
        self.ledger.commit()
        self._reading.close()
        self.ledger.close()


class LifeRecords:
    """What one life writes; once it is over it writes nothing."""

    def __init__(self, disk: Disk) -> None:
        self.over = False
        self._disk = disk
        self._decided: list[Decisions] = []
        self._outcomes: list[Outcomes] = []

    def intend(self, order: Order) -> bool | None:
        if self.over:
            return None
        self._kept()
        return self._disk.written(lambda ledger: ledger.intend(order))

    def follow(self, order: Order) -> None:
        if not self.over:
            self._kept()
            self._disk.written(lambda ledger: ledger.follow(order))

    def decide(self, decisions: Decisions) -> None:
        self._decided.append(decisions)

    def outcome(self, outcomes: Outcomes) -> None:
        self._outcomes.append(outcomes)

    def latch(self, latch: Latch) -> None:
        if not self.over:
            self._kept()
            self._disk.written(lambda ledger: ledger.latch(latch))

    def note(self, noted: Noted) -> None:
        if not self.over:
            self._kept()
            self._disk.written(lambda ledger: ledger.note(noted))

    def commit(self) -> None:
        if not self.over and (self._decided or self._outcomes):
            self._kept()
            self._disk.written(lambda ledger: ledger.commit())

    def _kept(self) -> None:
        """What was decided goes with the next write."""
        decided, outcomes = self._decided, self._outcomes
        self._decided, self._outcomes = [], []

        def hand_over(ledger: Ledger) -> None:
            for each in decided:
                ledger.decide(each)
            for each in outcomes:
                ledger.outcome(each)

        if decided or outcomes:
            hand_over(self._disk.ledger)
