"""Copies of a ledger: made while a flow writes on, looked through before they count, and put back in its place."""

import errno
import os
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from shutil import copyfile
from typing import NamedTuple

from pipeline.durable import move
from pipeline.errors import InputError
from pipeline.ledger.failures import LedgerError
from pipeline.ledger.remembering import last_moment_of
from pipeline.ledger.tables import VERSION

FOLDER = "backups"
"""Beside the ledger; only in it old copies are removed."""
NAMED = "ledger-{}.db"
PAGES = 2_000
"""So many are copied between two words of how far it is."""
BESIDE = ("-wal", "-shm")
"""What SQLite keeps beside a file that is written."""
OF_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS)
"""What a full or damaged disk fails with."""


class NotSound(InputError):
    """A file that was looked through, and is not as it was written."""


class OtherVersion(InputError):
    """A file that is no ledger of a version that is read here."""


class Copy(NamedTuple):
    """A copy that was looked through: its file, its bytes, and what is in it."""

    path: Path
    size: int
    orders: int
    decisions: int


def backed_up(ledger: Path, path: Path, progress: Callable[[float], object] = lambda _: None) -> Copy:
    """Copy a ledger as it stands at one moment, whoever writes on. The copy is there whole and sound, or not at all."""
    if not ledger.exists():
        raise InputError(f"there is no ledger at {ledger}; run the flow first, or name another flow file")
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    try:
        part.unlink(missing_ok=True)
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        _copy(ledger, part, progress)
        copy = looked_through(part)
        move(part, path)
    except NotSound as found:
        raise LedgerError(
            f"the ledger {ledger} is damaged, so no copy of it was kept; put an earlier one in its place with `restore`"
        ) from found
    except OtherVersion as found:
        raise InputError(str(found).replace(str(part), str(ledger))) from found
    except OSError as failure:
        wrong = LedgerError if failure.errno in OF_DISK else InputError
        mend = "make room, or have it elsewhere with --out"
        raise wrong(f"{path} cannot be written ({failure.strerror}), so there is no copy; {mend}") from failure
    finally:
        part.unlink(missing_ok=True)
    return copy._replace(path=path)


def looked_through(path: Path) -> Copy:
    """What is in a copy; an InputError when it is none, or is damaged."""
    try:
        with closing(_reading(path)) as db:
            (version,) = db.execute("PRAGMA user_version").fetchone()
            (found,) = db.execute("PRAGMA quick_check(1)").fetchone()
            if found != "ok":
                raise NotSound(f"{path} is damaged ({' '.join(found.split())}); name another backup")
            if not 0 < version <= VERSION:
                raise OtherVersion(
                    f"{path} is no ledger that this version reads (schema {version}, it knows 1 to {VERSION}); "
                    "name another file"
                )
            counts = [db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("orders", "decisions")]  # noqa: S608
    except sqlite3.DatabaseError as failure:
        raise NotSound(f"{path} is no ledger, or a damaged one ({failure}); name another file") from failure
    return Copy(path, path.stat().st_size, *counts)


def accounts_in(path: Path) -> frozenset[str]:
    """The accounts that a copy has orders or decisions of."""
    with closing(_reading(path)) as db:
        found = db.execute("SELECT account FROM orders UNION SELECT DISTINCT account FROM decisions")
        return frozenset(row[0] for row in found)


def last_moment_in(path: Path) -> int | None:
    """The latest moment that a copy knows of; None while it is empty."""
    with closing(_reading(path)) as db:
        db.row_factory = sqlite3.Row
        return last_moment_of(db)


def backups_in(folder: Path) -> Sequence[Path]:
    """The backups in a folder, the oldest first: they are named by when they were made."""
    return sorted(folder.glob(NAMED.format("*")))


def kept_last(folder: Path, count: int) -> Sequence[Path]:
    """Remove all backups but the last ones; those that were removed."""
    old = backups_in(folder)[:-count]
    for path in old:
        path.unlink()
    return old


def restored(copy: Path, ledger: Path, replaced: Path) -> bool:
    """Put a copy in the place of a ledger that nobody uses; whether there was one, which is kept as `replaced`.

    Killed at any moment, the old ledger or the new one is in its place, and nothing that was written is gone.
    """
    ledger.parent.mkdir(parents=True, exist_ok=True)
    fresh = ledger.with_name(f".{ledger.name}.restored")
    fresh.unlink(missing_ok=True)
    os.close(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        _copy(copy, fresh, lambda _: None)
        looked_through(fresh)
        there = ledger.exists()
        if there and ledger.stat().st_size:  # of an empty file SQLite would throw the log away
            _settle(ledger)
        for ending in BESIDE:  # a log that stays would be taken for one of the new file
            log = Path(f"{ledger}{ending}")
            if log.exists():
                move(log, Path(f"{replaced}{ending}"))
        if there:
            _keep(ledger, replaced)
        move(fresh, ledger)
    finally:
        fresh.unlink(missing_ok=True)
    return there


def _copy(source: Path, target: Path, progress: Callable[[float], object]) -> None:
    """All of a ledger into an empty file, as one file without a log, on disk when this returns."""

    def copied(_: int, remaining: int, total: int) -> None:
        progress(1 - remaining / total if total else 1.0)

    try:
        with closing(_reading(source)) as read, closing(sqlite3.connect(target, isolation_level=None)) as write:
            read.execute("BEGIN")
            read.execute("SELECT count(*) FROM sqlite_master").fetchone()  # from here on it stands still for us
            read.backup(write, pages=PAGES, progress=copied)
            write.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as failure:
        mend = "see whether the disk is full or damaged, and whether both can be used"
        raise LedgerError(f"{source} cannot be copied to {target.parent} ({failure}); {mend}") from failure
    with target.open("rb+") as file:
        os.fsync(file.fileno())


def _settle(ledger: Path) -> None:
    """Have all that is in the log in the file itself, if the file can still be used."""
    try:
        with closing(sqlite3.connect(ledger, isolation_level=None)) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            db.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error:
        return  # it is damaged: it is kept as it is, with its log


def _keep(ledger: Path, replaced: Path) -> None:
    """Give a file a second name, or a copy where the file system has no second names."""
    try:
        replaced.hardlink_to(ledger)
    except OSError:
        copyfile(ledger, replaced)


def _reading(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
