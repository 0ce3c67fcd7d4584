"""What a service of Windows has instead of a terminal: a file for what it says."""

import os
import sys
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Self, TextIO, cast

from pipeline.errors import InputError
from pipeline.masking import Masking, masked
from pipeline.operations.described import service_of
from pipeline.operations.windows import Line, hosted
from pipeline.plan import Plan

LOG_FILE = "service.log"
LONGEST = 16 << 20
"""Bytes of it; then it is put aside, and one that was there before goes."""


def hosting(plan: Plan, name: str, line: Line, run: Callable[[], int]) -> int:
    """Run as a service, with what the run says in a file of the flow's folder."""
    with Log(plan.folder / LOG_FILE) as log, Path(os.devnull).open(encoding="utf-8") as nothing:
        before = sys.stdin, sys.stdout, sys.stderr
        said = cast("TextIO", Masking(cast("TextIO", log)))
        sys.stdin, sys.stdout, sys.stderr = nothing, said, said
        try:
            return hosted(name, line, service_of(plan, name).leaves_within, run)
        finally:
            sys.stdin, sys.stdout, sys.stderr = before


class Log:
    """A text file that grows to a length, and is then begun anew with the one before beside it."""

    def __init__(self, path: Path, longest: int = LONGEST) -> None:
        self._path, self._longest = path, longest
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = path.open("a", encoding="utf-8")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, text: str) -> int:
        if self._file.tell() + len(text) > self._longest:
            self._file.close()
            self._path.replace(self._path.with_suffix(".log.1"))
            self._file = self._path.open("a", encoding="utf-8")
        self._file.write(text)
        if text.endswith("\n"):
            self._file.flush()
        return len(text)

    def flush(self) -> None:
        self._file.flush()

    def isatty(self) -> bool:
        return False


def last_lines(path: Path, lines: int) -> list[str]:
    """The last of what it said."""
    if not path.is_file():
        raise InputError(f"there is no {path}: the service has not run yet; start it with `service start`")
    with path.open(encoding="utf-8", errors="replace") as file:
        return [masked(line.rstrip("\n")) for line in deque(file, maxlen=lines)]
