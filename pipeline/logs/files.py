"""The files of a log: one that grows, and those that were put aside, of whole lines only and for their owner alone."""

import os
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from pipeline.logs.records import Record, record_of
from pipeline.times import DAY

CURRENT = "moonlight.jsonl"
ASIDE = re.compile(r"moonlight\.(\d{6,})\.jsonl")
"""Put aside under rising numbers; a file never changes its number."""
MINE = 0o600
BLOCK = 64 * 1024
BUSY = (PermissionError,) if os.name == "nt" else ()
"""There a file that somebody reads cannot be put aside: it is with a later line."""


class LogFile:
    """The file that is written to. What it cannot write raises `OSError`, and leaves no half line."""

    def __init__(
        self, folder: Path, *, rotate_bytes: int, keep_files: int, keep_days: int, wall: Callable[[], int]
    ) -> None:
        self._folder, self.path = folder, folder / CURRENT
        self.limit(rotate_bytes=rotate_bytes, keep_files=keep_files, keep_days=keep_days)
        self._wall = wall
        self._file: int | None = None
        self._size = 0
        self._begun = 0
        """When its first record was written, by the machine's clock."""

    def limit(self, *, rotate_bytes: int, keep_files: int, keep_days: int) -> None:
        """How much is kept from now on."""
        self._most, self._files, self._days = rotate_bytes, keep_files, keep_days

    def write(self, lines: Sequence[bytes]) -> None:
        """Add lines, each whole; a full file is put aside before."""
        self._open()
        batch: list[bytes] = []
        size = 0
        for line in lines:
            if self._size + size and self._size + size + len(line) > self._most:
                self._append(b"".join(batch))
                batch, size = [], 0
                self._rotate()
            batch.append(line)
            size += len(line)
        self._append(b"".join(batch))

    def tidy(self) -> None:
        """Put a file aside that is a day old, and remove what is too old or too much."""
        self._open()
        if self._size and self._wall() - self._begun > DAY:
            self._rotate()
        self._thin()

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _open(self) -> None:
        """See to it that the file is open, and that it is the one that has the name."""
        if self._file is not None and self._stands():
            return
        self.close()
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        self._file = os.open(self.path, flags, MINE)
        if hasattr(os, "fchmod"):
            os.fchmod(self._file, MINE)
        self._size = _mended(self._file)
        first = first_of(self.path) if self._size else None
        self._begun = self._wall() if first is None else first.wall

    def _stands(self) -> bool:
        """Whether nobody has taken the file away from under its name."""
        assert self._file is not None, "asked of an open file"
        try:
            return os.path.samestat(os.fstat(self._file), self.path.stat())
        except FileNotFoundError:
            return False

    def _append(self, content: bytes) -> None:
        """All of it or nothing: a disk may take a part, and then no more."""
        assert self._file is not None, "written to when it is open"
        left = memoryview(content)
        try:
            while left:
                left = left[os.write(self._file, left) :]
        except OSError:
            with suppress(OSError):
                os.ftruncate(self._file, self._size)
            raise
        self._size += len(content)

    def _rotate(self) -> None:
        """Put the file aside under the next number, and begin another."""
        self.close()
        last = max((number for number, _ in set_aside(self._folder)), default=0)
        with suppress(*BUSY):
            self.path.rename(self._folder / f"moonlight.{last + 1:06d}.jsonl")
        self._thin()
        self._open()

    def _thin(self) -> None:
        kept = set_aside(self._folder)
        for number, (_, path) in enumerate(reversed(kept)):
            with suppress(FileNotFoundError):
                if number >= self._files or self._wall() - path.stat().st_mtime * 1000 > self._days * DAY:
                    path.unlink()


def set_aside(folder: Path) -> list[tuple[int, Path]]:
    """The files that were put aside, with their numbers, oldest first."""
    if not folder.is_dir():
        return []
    found = ((ASIDE.fullmatch(path.name), path) for path in folder.iterdir())
    return sorted((int(match[1]), path) for match, path in found if match is not None)


def files_of(folder: Path) -> list[Path]:
    """All files there are, oldest first."""
    current = folder / CURRENT
    return [path for _, path in set_aside(folder)] + ([current] if current.is_file() else [])


def first_of(path: Path) -> Record | None:
    """The first record of a file."""
    with path.open("rb") as file:
        return record_of(file.readline(BLOCK))


def last_number(folder: Path) -> int:
    """The number of the last record that was written; 0 where there is none, or none can be read."""
    with suppress(OSError):
        for path in reversed(files_of(folder)):
            with path.open("rb") as file:
                file.seek(max(0, path.stat().st_size - 2 * BLOCK))
                for line in reversed(file.read().splitlines()):
                    record = record_of(line)
                    if record is not None:
                        return record.seq
    return 0


def _mended(file: int) -> int:
    """How long an open file is, once half a line at its end is gone that a killed program left."""
    size = end = os.lseek(file, 0, os.SEEK_END)
    while end:
        begin = max(0, end - BLOCK)
        os.lseek(file, begin, os.SEEK_SET)
        found = os.read(file, end - begin).rfind(b"\n")
        if found >= 0:
            end = begin + found + 1
            break
        end = begin
    if end < size:
        os.ftruncate(file, end)
    return end
