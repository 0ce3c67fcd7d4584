"""Files that are at their place whole or not at all, and there for good."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def fresh(path: Path) -> Generator[IO[bytes]]:
    """A file that takes its place, or another's, once all of it is written and on disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unready = path.with_name(f".{path.name}.new")
    try:
        with unready.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        move(unready, path)
    finally:
        unready.unlink(missing_ok=True)


def move(source: Path, target: Path) -> None:
    """Put a file in another's place, for good when this returns."""
    os.replace(source, target)  # noqa: PTH105  # the call itself is the promise
    settle(target.parent)


def settle(folder: Path) -> None:
    """Have the names in a folder on disk. Windows knows no such thing and needs none."""
    if os.name == "nt":
        return
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
