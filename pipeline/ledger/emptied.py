"""A ledger that has lost all it held, told apart from one that was never written."""

from pathlib import Path

LEFT = ("{name}-wal", "{stem}.ballast", "{stem}-v*.db", "backups/{stem}-*.db")
"""What stands beside a ledger once it was written: its log, its ballast, copies of it."""


def left_by_earlier(path: Path) -> Path | None:
    """What an earlier life left beside a ledger of 0 bytes; None when there is nothing, or the ledger is another."""
    if not path.is_file() or path.stat().st_size > 0:
        return None
    patterns = (each.format(name=path.name, stem=path.stem) for each in LEFT)
    found = (each for pattern in patterns for each in path.parent.glob(pattern) if each.stat().st_size > 0)
    return min(found, default=None)
