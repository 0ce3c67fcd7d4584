"""A flow file as text: read within limits, parsed, and every key's place in it.

The meaning comes from tomllib; places come from a scan of our own, made first. The scan also keeps tomllib from text
that would cost it seconds and gigabytes (one key of 20,000 parts does), and remembers what tomllib forgets: which
bracket is open, and where a key stood before. Lines and columns count from 1, columns in characters.
"""

import os
import stat
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pipeline.errors import PlanError, Problem
from pipeline.toml_scan import KeyPath, Lines, Place, Scan, Spot
from pipeline.toml_wreck import Wreck

LONGEST = 1024 * 1024
"""Bytes of a file."""


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A flow file that is TOML: its text (without byte order mark), what it says, and where."""

    file: str
    text: str
    data: dict[str, Any]
    at: "Positions"

    def place(self, path: KeyPath) -> Place:
        """Where the key stands; of a key that is not there, the nearest one around it."""
        return self.at.key(path)

    def value_place(self, path: KeyPath) -> Place:
        """Where its value begins; of a table, its header."""
        return self.at.value(path)


class Positions:
    """Where each key and each element stands."""

    def __init__(self, lines: Lines, root: Spot) -> None:
        self._lines = lines
        self._root = root

    def key(self, path: KeyPath) -> Place:
        return self._lines.place(self._nearest(path).key)

    def value(self, path: KeyPath) -> Place:
        return self._lines.place(self._nearest(path).value)

    def paths(self) -> Iterator[KeyPath]:
        """Every path of the file, outer ones first."""
        yield from self._root.paths(())

    def _nearest(self, path: KeyPath) -> Spot:
        spot = self._root
        for step in path:
            if spot.inner is None or step not in spot.inner:
                return spot
            spot = spot.inner[step]
        return spot


# --- reading ---------------------------------------------------------------------------------------------------------


def read(path: Path) -> Source:
    """The flow file at `path`; a `PlanError` says what is wrong with it. At most `LONGEST` bytes are ever read."""
    file = str(path)
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise PlanError.single(file, *_no_file(path))
        with path.open("rb") as stream:
            raw = stream.read(LONGEST + 1)
            size = os.fstat(stream.fileno()).st_size
    except OSError as error:
        raise PlanError.single(file, *_unreadable(path, error)) from None
    if len(raw) > LONGEST:
        raise _too_long(file, max(size, len(raw)))
    return parse(_decoded(raw, file), file)


def parse(text: str, file: str) -> Source:
    """The flow that `text` is; `file` is the name its problems are told under."""
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > LONGEST:
        raise _too_long(file, size)
    text = text.removeprefix("\ufeff")
    scan = Scan(text, file)
    scan.run()
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PlanError(file, (Wreck(scan, str(error)).problem(),)) from None
    return Source(file, text, data, Positions(scan.lines, scan.root))


def _no_file(path: Path) -> tuple[str, str]:
    if not path.is_dir():
        return "this is no regular file", "name a flow file on disk"
    inside = sorted(file.name for file in path.glob("*.toml"))
    return "this is a folder", f"name a file in it: {path / inside[0]}" if inside else "name a flow file"


def _unreadable(path: Path, error: OSError) -> tuple[str, str]:
    if isinstance(error, FileNotFoundError):
        return _missing(path)
    if isinstance(error, PermissionError):
        return "we may not read this file", f"give us the right to (chmod u+r {path}), or run as its owner"
    return f"the file cannot be read ({error.strerror})", "mend the path, or the disk it is on"


def _missing(path: Path) -> tuple[str, str]:
    if not path.parent.is_dir():
        return "there is no such file", f"there is no folder {path.parent} either: mend the path"
    near = get_close_matches(path.name, sorted(file.name for file in path.parent.glob("*.toml")), n=1)
    if near:
        return "there is no such file", f"did you mean {path.with_name(near[0])}?"
    return "there is no such file", "name one that is, or make one with `init`"


def _too_long(file: str, size: int) -> PlanError:
    what = f"the file has {size:,} bytes, and a flow has at most {LONGEST:,}"
    return PlanError.single(file, what, "keep data in files of its own, or split the flow")


def _decoded(raw: bytes, file: str) -> str:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise PlanError.single(file, "this is UTF-16 text", "save the file as UTF-8")
    if (zero := raw.find(b"\0")) >= 0:
        raise _bad_byte(
            raw, zero, f"this is no text: the byte at offset {zero} is zero", "name a flow file, in TOML", file
        )
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        what = f"the byte at offset {error.start} (0x{raw[error.start]:02x}) is not UTF-8"
        raise _bad_byte(raw, error.start, what, "save the file as UTF-8", file) from None


def _bad_byte(raw: bytes, at: int, what: str, fix: str, file: str) -> PlanError:
    before = raw[:at]
    column = len(before[before.rfind(b"\n") + 1 :].decode(errors="replace")) + 1
    return PlanError(file, (Problem("", what, fix, before.count(b"\n") + 1, column),))
