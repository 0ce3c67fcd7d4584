"""Files for their owner alone."""

import os
import secrets
import stat
from pathlib import Path

from pipeline.errors import InputError

SHORTEST = 32
"""Letters of a token."""
OTHERS = stat.S_IRWXG | stat.S_IRWXO


def write_private(path: Path, content: bytes) -> None:
    """Put a file there that only its owner can read: whole or not at all, and through no link that stands there."""
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    with os.fdopen(os.open(fresh, flags, 0o600), "wb") as file:
        file.write(content)
    fresh.replace(path)


def kept_token(path: Path) -> str:
    """The token in a file, which is made with a new one when it is not there."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_private(path, secrets.token_hex(32).encode())
    if os.name == "posix" and path.stat().st_mode & OTHERS:
        raise InputError(f"{path} can be read by others; remove it, and a new one is made")
    token = path.read_text(encoding="ascii", errors="replace").strip()
    if len(token) < SHORTEST or not token.isascii():
        raise InputError(f"{path} holds no token of {SHORTEST} letters or more; remove it, and a new one is made")
    return token
