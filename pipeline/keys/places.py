"""Files of secrets and of what belongs to them: for their owner alone, through no link, whole or not there."""

import os
import secrets
import stat
from pathlib import Path

from pipeline.durable import move
from pipeline.errors import InputError
from pipeline.private import OTHERS

LARGEST = 1 << 20
"""Bytes of a file that is read at all."""
POSIX = os.name == "posix"


def read_own(path: Path) -> bytes:
    """What is in a file that is ours alone; `InputError` when anybody else could read or change it."""
    refuse_shared(path.parent, folder=True)
    refuse_shared(path)
    try:
        opened = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        with os.fdopen(opened, "rb") as file:
            _refuse(path, os.fstat(opened), folder=False)
            content = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise
    except OSError as failure:
        raise InputError(f"{path} cannot be read ({failure.strerror}); mend that, or store the login anew") from None
    if len(content) > LARGEST:
        raise InputError(f"{path} is longer than anything we write; move it away, and store the login anew")
    return content


def write_own(path: Path, content: bytes) -> None:
    """Put a file of ours there, on disk when this returns; whatever stood there is replaced, a link not followed."""
    own_folder(path.parent)
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    try:
        with os.fdopen(os.open(fresh, flags, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        move(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)


def own_folder(path: Path) -> None:
    """Make a folder that only we can look into; one of ours that others could is closed to them."""
    path.mkdir(mode=0o700, exist_ok=True)
    found = path.lstat()
    if POSIX and stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and found.st_mode & OTHERS:
        path.chmod(0o700)
    refuse_shared(path, folder=True)


def refuse_shared(path: Path, *, folder: bool = False) -> None:
    """`InputError` unless a file (or a folder) is one, is ours, and is open to nobody else."""
    _refuse(path, path.lstat(), folder=folder)


def _refuse(path: Path, found: os.stat_result, *, folder: bool) -> None:
    if stat.S_ISLNK(found.st_mode):
        raise InputError(f"{path} is a link; put the {'folder' if folder else 'file'} itself there")
    if not (stat.S_ISDIR if folder else stat.S_ISREG)(found.st_mode):
        raise InputError(f"{path} is no {'folder' if folder else 'file'}; move it away, and store the login anew")
    if not POSIX:
        return
    if found.st_uid != os.geteuid():
        raise InputError(f"{path} belongs to somebody else; run this as its owner, or store the login anew")
    if found.st_mode & OTHERS:
        mode = stat.S_IMODE(found.st_mode)
        mend = f"chmod {'700' if folder else '600'} {path}"
        raise InputError(f"{path} is open to others (mode {mode:03o}); close it with `{mend}`")
