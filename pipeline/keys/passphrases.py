"""Where the passphrase of a vault comes from: a credential of the service, the environment, a person at a terminal."""

import getpass
import os
import sys
from pathlib import Path

from pipeline.errors import InputError
from pipeline.secret import VARIABLE, Secret, taken_passphrase

CREDENTIAL = "moonlight-vault"
"""The name of a systemd credential."""
SHORTEST = 12
"""Letters of a passphrase that a new vault takes."""


def passphrase(whose: str, *, ask: bool, new: bool = False) -> Secret:
    """The passphrase; a person is asked for it only with `ask`, and only at a terminal. `new`: twice."""
    found = _credential() or taken_passphrase()
    if found is None and ask and at_terminal():
        found = _asked(whose, new=new)
    if found is None:
        where = f"the systemd credential {CREDENTIAL}, the variable {VARIABLE}, or at a terminal"
        raise InputError(f"{whose} is locked and nobody gives its passphrase; give it by {where}")
    if new and len(found.reveal()) < SHORTEST:
        raise InputError(f"the passphrase of a new vault needs {SHORTEST} letters; choose a longer one, say four words")
    return found


def at_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _credential() -> Secret | None:
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    path = Path(folder) / CREDENTIAL if folder else None
    if path is None or not path.is_file():
        return None
    text = path.read_text(encoding="utf-8", errors="replace").removesuffix("\n")
    if not text:
        raise InputError(f"the systemd credential {CREDENTIAL} is empty; put the passphrase into it")
    return Secret(text)


def _asked(whose: str, *, new: bool) -> Secret:
    length = f" ({SHORTEST} letters or more)" if new else ""
    text = getpass.getpass(f"passphrase of {whose}{length}: ", sys.stderr)
    if not text:
        raise InputError("no passphrase was given; nothing was changed")
    if new and getpass.getpass("the same once more: ", sys.stderr) != text:
        raise InputError("the two passphrases differ; nothing was stored")
    return Secret(text)
