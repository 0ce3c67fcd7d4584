"""What `doctor` finds of the machine: its clock, its timers, its file systems, whether it can build."""

import ctypes
import os
import platform
import shutil
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from pipeline.verbs.finding import Finding

COARSE = 0.016
"""Seconds of a timer beyond which deadlines of milliseconds mean little."""
UNSYNCHRONISED = 5
"""What the kernel answers when nothing keeps its clock right (TIME_ERROR)."""
TIMEX = 256
"""Bytes in which its answer fits."""
MOUNTS = Path("/proc/mounts")
DISTANT = frozenset(("nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "ceph", "glusterfs", "afs"))
"""File systems over a network: a lock there holds nobody off, and a sync may be a promise."""
WITHOUT_MODES = frozenset(("vfat", "exfat", "ntfs", "ntfs3", "fuseblk", "drvfs", "9p"))
"""File systems that may keep nobody from reading."""


def of_machine(folder: Path, mounts: Path = MOUNTS) -> Iterator[Finding]:
    """Of everything that is there before any flow is."""
    yield from _compiler()
    yield _synchronised()
    yield _timers()
    yield _cores()
    if folder.is_dir():
        yield from _file_system(folder.resolve(), mounts)


def _compiler() -> Iterator[Finding]:
    if find_spec("tulipy") is not None:  # what has to be built is there
        return
    found = next(filter(None, (shutil.which(name) for name in (os.environ.get("CC", ""), "cc", "gcc", "clang"))), None)
    mend = "tulipy has to be built: on Debian or Ubuntu `sudo apt install build-essential python3-dev`"
    yield Finding("compiler", "ok" if found else "bad", found or "none found", "" if found else mend)


def _synchronised() -> Finding:
    """Whether something keeps the machine's clock right; nobody outside is asked."""
    if sys.platform != "linux":
        return Finding("clock", "note", f"{platform.system()} is not asked", "see that its time is set by the network")
    try:
        answer = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(TIMEX))
    except (OSError, AttributeError):
        return Finding("clock", "note", "the kernel does not say whether it is kept right", "see that something does")
    if answer == UNSYNCHRONISED:
        mend = "a bar that closes late by it is decided late: `sudo timedatectl set-ntp true`, or --online asks venues"
        return Finding("clock", "note", "nothing that the kernel knows of keeps it right", mend)
    return Finding("clock", "ok", "it is kept right, as the kernel says")


def _timers() -> Finding:
    resolution = time.get_clock_info("monotonic").resolution
    if resolution > COARSE:
        return Finding("timers", "note", f"{resolution * 1000:g} ms", "deadlines are only as exact as that")
    return Finding("timers", "ok", f"{resolution * 1e9:g} ns" if resolution < 1e-6 else f"{resolution * 1000:g} ms")


def _cores() -> Finding:
    if os.name != "posix":
        return Finding("core dumps", "note", "Windows decides", "turn off Windows Error Reporting for python.exe")
    return Finding("core dumps", "ok", "a run leaves none, and lets no other program look into it")


def _file_system(folder: Path, mounts: Path) -> Iterator[Finding]:
    kind = kind_of(folder, mounts)
    if kind in DISTANT:
        mend = "put the flow on a disk of this machine: neither locks nor syncs can be relied on over a network"
        yield Finding("file system", "bad", f"{folder} is on {kind}", mend)
    elif kind in WITHOUT_MODES:
        mend = "where it keeps no modes a run is refused: put the flow on a disk of this system's own"
        yield Finding("file system", "note", f"{folder} is on {kind}", mend)
    elif kind:
        yield Finding("file system", "ok", kind)


def kind_of(folder: Path, mounts: Path = MOUNTS) -> str:
    """What a folder's file system is; "" where that is not known."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    found: list[tuple[int, str]] = []
    for line in lines:
        where, kind = line.split()[1:3]
        if folder.is_relative_to(where.replace("\\040", " ")):
            found.append((len(where), kind))
    return max(found, default=(0, ""), key=lambda each: each[0])[1]
