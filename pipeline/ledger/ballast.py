"""A file that takes up room beside the ledger, to be given up when the disk is full."""

import errno
import os
from pathlib import Path

from pipeline.ledger.failures import LedgerError

SIZE = 4 << 20
"""Bytes: room for how some hundreds of orders ended."""


class Ballast:
    """Room on the disk of a ledger that nothing else takes, for what must still be written when all else is full."""

    def __init__(self, ledger: Path, size: int = SIZE) -> None:
        self._path = ledger.with_suffix(".ballast")
        self._size = size

    def take(self) -> None:
        """Take the room, unless it is taken. Zeros are written, for a file system gives no room for a promise."""
        try:
            if self._path.exists() and self._path.stat().st_size == self._size:
                return
            with self._path.open("wb") as file:
                file.write(bytes(self._size))
                file.flush()
                os.fsync(file.fileno())
        except OSError as failure:
            self._path.unlink(missing_ok=True)
            needed = f"{self._size / (1 << 20):g} MiB must be free beside the ledger"
            if failure.errno == errno.ENOSPC:
                raise LedgerError(
                    f"the disk of {self._path.parent} is full: {needed}; make room and start again"
                ) from None
            raise LedgerError(f"{self._path} cannot be written ({failure.strerror}), and {needed}") from failure

    def drop(self) -> bool:
        """Give the room up; False when that was done before."""
        try:
            self._path.unlink()
        except OSError:
            return False
        return True
