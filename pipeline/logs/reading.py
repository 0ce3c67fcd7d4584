"""The files of a log, read: the last records of a kind, or new ones as they come, whoever writes or wrote them.

Half a line at a file's end is still being written, or never was: it is not read. A file is known again by its first
line, whatever its name has become.
"""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

from pipeline.logs.files import CURRENT, files_of, set_aside
from pipeline.logs.records import Choice, Record, record_of


def last_records(folder: Path, choice: Choice, most: int | None = None) -> list[Record]:
    """The last records that are asked for, oldest first; without `most` all of them."""
    found: list[Record] = []
    for path in reversed(files_of(folder)):
        with suppress(FileNotFoundError):  # removed as too old meanwhile
            found[:0] = [each for each in _records(path) if choice.takes(each)]
        if most is not None and len(found) >= most:
            return found[len(found) - most :]
    return found


class Following:
    """What is written from now on, over files that are put aside and engines that start anew."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[bytes, int] = {}
        """How much of each file was read, by its first line."""
        self._aside = -1
        """The last number of those put aside that were looked at."""
        for path in files_of(folder):
            with suppress(FileNotFoundError), path.open("rb") as file:
                first = file.readline()
                self._read[first] = sum(len(line) for line in (first, *file) if line.endswith(b"\n"))
        self._aside = self._last_aside()

    def news(self) -> Iterator[Record]:
        """What has come since this was asked before."""
        try:
            file = (self._folder / CURRENT).open("rb")
        except FileNotFoundError:
            yield from self._older(b"")
            return
        with file:
            first = file.readline()
            # Whatever was put aside before this file began is in the folder by now.
            if first not in self._read or self._last_aside() != self._aside:
                yield from self._older(first)
            yield from self._rest(first, file)

    def _older(self, current: bytes) -> Iterator[Record]:
        """What was not read yet of the files put aside; those that are gone are forgotten."""
        known = {current}
        for number, path in set_aside(self._folder):
            self._aside = number
            with suppress(FileNotFoundError), path.open("rb") as file:
                first = file.readline()
                known.add(first)
                yield from self._rest(first, file)
        self._read = {first: size for first, size in self._read.items() if first in known}

    def _rest(self, first: bytes, file: IO[bytes]) -> Iterator[Record]:
        if not first.endswith(b"\n"):
            return
        file.seek(self._read.get(first, 0))
        for line in file:
            if not line.endswith(b"\n"):
                break
            self._read[first] = self._read.get(first, 0) + len(line)
            record = record_of(line)
            if record is not None:
                yield record

    def _last_aside(self) -> int:
        return max((number for number, _ in set_aside(self._folder)), default=-1)


def _records(path: Path) -> Iterator[Record]:
    with path.open("rb") as file:
        for line in file:
            record = record_of(line) if line.endswith(b"\n") else None
            if record is not None:
                yield record
