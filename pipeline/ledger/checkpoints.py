"""When what is in the log beside the ledger goes into the ledger itself, so that the log stays short."""

import sqlite3
from pathlib import Path

IDLE = 1 << 20
"""Bytes of the log from which a quiet moment is used."""
BUSY = 16 << 20
"""Bytes from which it is done whoever waits."""
STEP = 1 << 20
"""How many more bytes must come before it is tried again, when a reader was in the way."""


class Checkpoints:
    """Looks at the length of the log after each transaction. Only one connection at a time may do that."""

    def __init__(self, path: Path) -> None:
        self._log = Path(f"{path}-wal")
        self._more = 0

    def look(self, db: sqlite3.Connection, *, idle: bool) -> None:
        length = self._length()
        if length < (IDLE if idle else BUSY) or length < self._more:
            return
        (patience,) = db.execute("PRAGMA busy_timeout").fetchone()
        db.execute("PRAGMA busy_timeout = 0")  # a reader may take its time; it is tried again later
        try:
            held_up, *_ = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            db.execute(f"PRAGMA busy_timeout = {patience}")
        self._more = length + STEP if held_up else 0

    def _length(self) -> int:
        try:
            return self._log.stat().st_size
        except FileNotFoundError:
            return 0
