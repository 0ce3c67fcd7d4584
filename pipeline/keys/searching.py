"""Secrets that lie in files in the clear, found by how they are called and how they look. What is found is not said."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from pipeline.keys.profiles import FILE, FOLDER
from pipeline.secret import PRACTISED

LONGEST = 1 << 20
"""Bytes of a file that is looked through."""
CALLED = re.compile(
    r"(?:^|[\s,{\[.])[\"']?(?P<key>[\w.-]*(?:token|passw(?:or)?d|passphrase|secret|api[_-]?key|private[_-]?key|otp|totp))[\"']?"
    r"\s*[=:]\s*[\"']?(?P<value>[^\s\"',}\]#]{6,})",
    re.IGNORECASE,
)
LOOKING = re.compile(
    r"\b(?:pat_[A-Za-z0-9]{12,}|ory_[ar]t_[\w.-]{12,}|eyJ[\w-]{10,}\.[\w-]{10,})|-----BEGIN [A-Z ]*PRIVATE KEY"
)
NAME = re.compile(r"^\s*(?P<key>[\w-]+)\s*=\s*\"(?P<value>[A-Za-z0-9_+/=.-]{24,})\"")
HARMLESS = re.compile(rf"{PRACTISED}|[$%<]|\.\.\.|…|x{{4,}}", re.IGNORECASE)
"""What stands where a secret would, and is none: a practice venue's, a variable, a placeholder."""


class Found(NamedTuple):
    """A place where a secret seems to lie in the clear."""

    path: Path
    line: int
    key: str


def in_the_clear(folder: Path) -> Iterator[Found]:
    """Looks through the flow files of a folder, its .env files and its profiles; not through anything else."""
    for path in sorted({*folder.glob("*.toml"), *folder.glob(".env*"), *folder.glob("*.env")}):
        yield from _looked_through(path, CALLED)
    for path in sorted((folder / FOLDER).glob("*/*")):
        yield from _looked_through(path, NAME if path.name == FILE else CALLED)


def _looked_through(path: Path, called: re.Pattern[str]) -> Iterator[Found]:
    if path.is_symlink() or not path.is_file() or path.stat().st_size > LONGEST or not os.access(path, os.R_OK):
        return
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        match = called.search(line)
        if match is not None and match["key"] != "entry" and not HARMLESS.match(match["value"]):
            yield Found(path, number, match["key"])
        elif LOOKING.search(line):
            yield Found(path, number, "something that looks like a token")
