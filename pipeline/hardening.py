"""What a run sees to before it touches anything: nobody reads its memory, its files are its owner's, and it can write.

Each refusal is one sentence with the command that mends it.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from pipeline.errors import InputError
from pipeline.keys.profiles import folder_of
from pipeline.keys.shield import shielded
from pipeline.keys.vault import VAULT_FILE
from pipeline.plan import Plan
from pipeline.private import OTHERS

POSIX = os.name == "posix"
OWN_FILES = ("ledger.db", "ledger.db-wal", "ledger.db-shm", "engine.token", "engine.lock", "feed.db")
"""Files of a flow's folder that nobody else may read or change."""


def harden() -> None:
    """No core file, no other program of this user's that looks into the memory, and files for their owner alone."""
    if POSIX:
        os.umask(OTHERS)
    shielded()


def refuse_unsafe(plan: Plan) -> None:
    """`InputError` unless the flow's folder can be written and what is in it is ours alone."""
    refuse_unwritable(plan.folder)
    for path in own_files(plan):
        if (what := amiss(path)) is not None:
            raise InputError(what)


def own_files(plan: Plan) -> Iterator[Path]:
    """The files of a flow that nobody else may read or change, whether they are there or not."""
    yield from (plan.folder / name for name in OWN_FILES)
    yield folder_of(plan.base) / VAULT_FILE


def amiss(path: Path) -> str | None:
    """Why a file is not for its owner alone, and how to mend it; None when it is, or is not there."""
    try:
        found = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    if stat.S_ISLNK(found.st_mode):
        return f"{path} is a link; put the file itself there"
    if not stat.S_ISREG(found.st_mode):
        return f"{path} is no file; move it away"
    if not POSIX:
        return None
    if found.st_uid != os.geteuid():
        return f"{path} belongs to user {found.st_uid}, and this runs as user {os.geteuid()}; {_take(path)}"
    if found.st_mode & OTHERS:
        return f"{path} is open to others (mode {stat.S_IMODE(found.st_mode):03o}); close it with `chmod 600 {path}`"
    return None


def refuse_unwritable(folder: Path) -> None:
    """`InputError` with the path, the user and the command, when a flow's folder cannot be made or written."""
    nearest = next(each for each in (folder, *folder.parents) if each.exists())
    if not nearest.is_dir():
        raise InputError(f"{nearest} is no folder, and the flow keeps its files in {folder}; move it away")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise InputError(unwritable(nearest, folder))


def unwritable(nearest: Path, folder: Path) -> str:
    """Why nothing can be written there, and how to mend it."""
    where = f"{folder} cannot be written" if nearest == folder else f"{folder} cannot be made in {nearest}"
    if not POSIX:
        return f"{where}; give this user the right to write there, or name another folder as `data`"
    if _read_only(nearest):
        return f"{where}: it is mounted read-only; mount a folder there that can be written"
    owner = nearest.stat().st_uid
    whose = f"it belongs to user {owner}, and this runs as user {os.geteuid()}"
    if owner == os.geteuid():
        return f"{where}: its mode is {stat.S_IMODE(nearest.stat().st_mode):03o}; run `chmod u+rwx {nearest}`"
    return f"{where}: {whose}; {_take(nearest)}"


def _take(path: Path) -> str:
    return f"run `sudo chown -R {os.geteuid()}:{os.getegid()} {path}`, or run this as its owner"


def _read_only(folder: Path) -> bool:
    return bool(os.statvfs(folder).f_flag & os.ST_RDONLY)
