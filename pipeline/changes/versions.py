"""The texts of a flow that its ledger remembers: each that an engine ran, the newest first."""

from contextlib import closing
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from pipeline.ledger.tables import remembered

LOOKED_AT = 200
"""So many of the newest are looked at; one that another code ran too is there twice."""
KNOWN = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'configs'"
TEXTS = "SELECT at, flow FROM configs ORDER BY at DESC, rowid DESC LIMIT ?"


class Version(NamedTuple):
    """A text that ran, and since when by the machine's clock (ms) it is known."""

    hash: str
    at: int
    text: str


def hash_of(text: str) -> str:
    """The name of a flow as it is written."""
    return blake2b(text.encode(), digest_size=16).hexdigest()


def versions(path: Path, most: int) -> tuple[Version, ...]:
    """By the ledger at a path; none where no life left its flow."""
    if not path.exists():
        return ()
    with closing(remembered(path)) as db:
        if db.execute(KNOWN).fetchone() is None:  # a ledger of an earlier version, which no life has opened since
            return ()
        rows = db.execute(TEXTS, (LOOKED_AT,)).fetchall()
    found: dict[str, Version] = {}
    for at, text in rows:
        name = hash_of(text)
        found.setdefault(name, Version(name, at, text))
    return tuple(found.values())[:most]
