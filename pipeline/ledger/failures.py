"""Why a ledger cannot be written, in a sentence that says what to do about it."""

import sqlite3
from pathlib import Path

from pipeline.errors import InputError, MoonlightError

FAILURES = (sqlite3.Error, OverflowError)
"""What a statement can fail with; the second is a number that no column holds."""
FULL = "SQLITE_FULL"
BUSY = ("SQLITE_BUSY", "SQLITE_LOCKED")
CLOSED = ("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH")
DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB")
DISK = "SQLITE_IOERR"


class LedgerError(MoonlightError):
    """The ledger could not be written: nothing may be sent any more."""


class NoLedger(InputError):
    """What is in the ledger's place is none, or none that this program could write."""


def name_of(failure: sqlite3.Error | OverflowError) -> str:
    """What SQLite calls it; "" where the failure is Python's own."""
    return str(getattr(failure, "sqlite_errorname", ""))


def why_not(path: Path, failure: sqlite3.Error | OverflowError, patience: int) -> LedgerError:
    """A failed write of the ledger at `path` in a sentence; `patience` is how long (ms) another writer was waited for.

    After a disk did not take what was written nobody knows what is on it, and a second try could be told that all is
    well: nothing that failed is tried again.
    """
    name = name_of(failure)
    if name == FULL:
        said = f"the disk is full where the ledger {path} is; nothing more is sent; make room and start again"
    elif name.startswith(BUSY):
        waited = f"{patience / 1000:g} s"
        said = f"another program has kept the ledger {path} locked for {waited}; nothing more is sent; end it first"
    elif name.startswith(CLOSED):
        said = f"the ledger {path} cannot be written, its file or folder lets nobody; nothing more is sent"
        said += "; give yourself the right to write there and start again"
    elif name.startswith(DAMAGED):
        said = f"the ledger {path} is damaged ({failure}); nothing more is sent; {restoring(path)}"
    elif name.startswith(DISK):
        said = f"the disk did not take what was written to the ledger {path} ({failure}); nothing more is sent"
        said += "; look after the disk before you start again"
    else:
        said = f"the ledger {path} cannot be written ({failure}); nothing more is sent"
    return LedgerError(said)


def unusable(path: Path, failure: OSError | sqlite3.Error, patience: int) -> MoonlightError:
    """Why a file cannot be opened as a ledger at all."""
    name = name_of(failure) if isinstance(failure, sqlite3.Error) else ""
    if name == FULL:
        return LedgerError(f"the disk is full where the ledger {path} is; make room and start again")
    if name.startswith(DISK):
        return LedgerError(
            f"the disk does not do what the ledger {path} needs ({failure}); see whether it is full, make room and "
            "start again; leave the ledger where it is"
        )
    if name.startswith(BUSY):
        return LedgerError(
            f"another program has kept the ledger {path} locked for {patience / 1000:g} s; end it and start again"
        )
    if name.startswith(CLOSED) or isinstance(failure, OSError):
        return LedgerError(
            f"the ledger {path} cannot be written ({failure}); give yourself the right to write the file and its folder"
        )
    if name.startswith("SQLITE_CORRUPT"):
        return damaged(path, str(failure))
    return NoLedger(f"{path} cannot be used as a ledger ({failure}); move it away or name another folder")


def damaged(path: Path, how: str) -> LedgerError:
    return LedgerError(f"the ledger {path} is damaged ({' '.join(how.split())}); {restoring(path)}")


def emptied(path: Path, left: Path) -> LedgerError:
    how = f"the ledger {path} is empty, but {left} is of an earlier life: its stops and armings would be forgotten"
    return LedgerError(f"{how}; {restoring(path)}")


def restoring(path: Path) -> str:
    """What to do about a file that is damaged."""
    return f"put a backup in its place (`restore`), or move {path.name} away; then `reconcile` with the venue"
