"""A copy of a ledger as it stands, made beside it before its tables change."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from pipeline.durable import move


def copied(path: Path, version: int) -> Path:
    """The copy, named by its version. It is there whole or not at all, and for good when this returns."""
    copy = path.with_name(f"{path.stem}-v{version}{path.suffix}")
    part = copy.with_name(f"{copy.name}.part")
    part.unlink(missing_ok=True)  # of somebody who was killed: only who holds the ledger makes a copy of it
    try:
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(part)) as target:
            source.backup(target)
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        move(part, copy)
    finally:
        part.unlink(missing_ok=True)
    return copy
