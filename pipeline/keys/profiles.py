"""Profiles: what is known of an account's login that is no secret, a file for each account beside the flow file."""

import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import tomlkit
from msgspec import Meta

from pipeline.errors import InputError
from pipeline.keys.places import own_folder, read_own, write_own

FOLDER = "profiles"
FILE = "profile.toml"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,59}")
Kept = Literal["keyring", "vault"]
HEAD = (
    "What an account logs in with, without its secrets: the keyring or the vault has these.",
    "`accounts` writes it.",
)


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is known of an account's login that is no secret."""

    account: str
    part: str
    """The part of its venue (or source): a login is given to no other."""
    kept: Kept
    entry: Annotated[str, Meta(pattern="^[0-9a-f]{16,64}$")]
    """Under which its secrets are kept; each login that is stored has a new one."""
    stored_at: int
    """When this login was stored, ms UTC: later than the one before."""
    secrets: tuple[str, ...]
    """The names of its secrets."""
    codes: tuple[str, ...] = ()
    """Those of them that are good for once."""
    names: dict[str, str] = {}


def folder_of(base: Path) -> Path:
    return base / FOLDER


def profile_of(base: Path, account: str) -> Profile | None:
    """The profile of an account, or None; `InputError` when there is one that cannot be trusted."""
    path = _path(base, account)
    if not os.path.lexists(path):
        return None
    _refuse_links(base, path)
    try:
        found = msgspec.convert(tomllib.loads(read_own(path).decode("utf-8")), Profile)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise InputError(f"{path} is not TOML; remove it, and store the login again") from None
    except msgspec.ValidationError as wrong:
        what = "has a key that no profile has" if "unknown field" in str(wrong) else "is not as we write it"
        raise InputError(f"{path} {what}; remove it, and store the login again") from None
    if found.account != account:
        mend = "accounts whose names differ in capitals only share a folder: rename one"
        raise InputError(f"{path} is the profile of {found.account!r}; {mend}")
    return found


def profiles(base: Path) -> Iterator[Profile]:
    """Every profile there is, by account; `InputError` at one that cannot be trusted."""
    for path in sorted(folder_of(base).glob(f"*/{FILE}")):
        if (found := profile_of(base, path.parent.name)) is not None:
            yield found


def write_profile(base: Path, profile: Profile) -> None:
    path = _path(base, profile.account)
    own_folder(folder_of(base))
    own_folder(path.parent)
    text = tomlkit.document()
    for line in HEAD:
        text.add(tomlkit.comment(line))
    for key, value in msgspec.to_builtins(profile).items():
        text.add(key, value)
    write_own(path, tomlkit.dumps(text).encode())


def remove_profile(base: Path, account: str) -> None:
    """Forget an account: the file, and its folder where nothing else is in it."""
    path = _path(base, account)
    path.unlink(missing_ok=True)
    if path.parent.is_dir() and not any(path.parent.iterdir()):
        path.parent.rmdir()


def _path(base: Path, account: str) -> Path:
    if not NAME.fullmatch(account):
        mend = "rename it to at most 60 letters, digits, -, _ or ., of A to Z"
        raise InputError(f"account {account!r} can have no login: a folder has its name; {mend}")
    return folder_of(base) / account / FILE


def _refuse_links(base: Path, path: Path) -> None:
    for each in (folder_of(base), path.parent):
        if each.is_symlink():
            raise InputError(f"{each} is a link; put the folder itself there")
