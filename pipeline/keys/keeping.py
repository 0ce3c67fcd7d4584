"""Logins as they are kept: read for whoever connects, stored, replaced and removed whole or not at all."""

import secrets
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from pipeline.errors import InputError
from pipeline.keys.places import own_folder
from pipeline.keys.profiles import Kept, Profile, folder_of, profile_of, profiles, remove_profile, write_profile
from pipeline.keys.shield import shielded
from pipeline.live import wall
from pipeline.locking import locked
from pipeline.secret import CODE_LASTS, Login, Secret

STORES: Mapping[Kept, tuple[str, str]] = {"keyring": ("rings", "ring_of"), "vault": ("vault", "vault_of")}
"""Modules that are imported once they are needed: a flow of practice accounts waits for neither."""
LOCK_FILE = ".lock"


class Store(Protocol):
    """A place that keeps secrets."""

    def unlock(self, *, ask: bool) -> None:
        """Make sure that it takes and gives; `ask`: somebody at a terminal may be asked for its passphrase."""
        ...

    def take(self, entry: str, names: Iterable[str]) -> dict[str, Secret]: ...
    def put(self, entry: str, named: Mapping[str, Secret]) -> None: ...
    def drop(self, entry: str, names: Iterable[str]) -> None: ...


def store_of(base: Path, kept: Kept) -> Store:
    """A place of secrets; from here on nobody looks into this program."""
    shielded()
    module, name = STORES[kept]
    return cast("Store", getattr(import_module(f"pipeline.keys.{module}"), name)(folder_of(base)))


class Keys:
    """The logins of a folder's flows. Nobody is asked for anything but by `unlock`: what is locked is `InputError`."""

    def __init__(self, base: Path, part: str = "", now: Callable[[], int] = wall) -> None:
        self._base = base
        self._part = part
        self._now = now
        self._opened: dict[str, tuple[Profile, Login]] = {}

    def of(self, account: str) -> Login:
        profile = self._profile(account)
        known = self._opened.get(account)
        if known is None or known[0] != profile:
            found = store_of(self._base, profile.kept).take(profile.entry, profile.secrets)
            known = self._opened[account] = profile, Login(profile.names, found)
        login = known[1]
        if not profile.codes or self._now() - profile.stored_at < CODE_LASTS:
            return login
        return Login(login.names, {name: each for name, each in login.secrets.items() if name not in profile.codes})

    def stamp(self, account: str) -> int:
        try:
            profile = profile_of(self._base, account)
        except InputError:  # `of` says what is wrong with it
            return 0
        return profile.stored_at if profile is not None else 0

    def unlock(self, account: str) -> None:
        """Open an account's login before it is needed, asking for a passphrase where somebody can be asked."""
        profile = self._profile(account)
        if profile.kept == "vault":
            store_of(self._base, profile.kept).unlock(ask=True)
        self.of(account)

    def _profile(self, account: str) -> Profile:
        profile = profile_of(self._base, account)
        if profile is None:
            raise InputError(f"account {account} has no login; store one with `accounts add {account}`")
        if self._part not in ("", profile.part):
            mend = f"store another with `accounts login {account}`"
            raise InputError(f"the login of {account} is for {profile.part}, and it is at {self._part} now; {mend}")
        return profile


def keep(base: Path, account: str, part: str, kept: Kept, login: Login, codes: tuple[str, ...] = ()) -> Profile:
    """Keep a login in the other's place, or the first: there is the old one or the new one, never half of each."""
    with _alone(base):
        before = profile_of(base, account)
        store = store_of(base, kept)
        store.unlock(ask=True)
        _refuse_same(base, account, part, login)
        profile = Profile(
            account=account,
            part=part,
            kept=kept,
            entry=secrets.token_hex(16),
            stored_at=max(wall(), before.stored_at + 1 if before is not None else 0),
            secrets=tuple(login.secrets),
            codes=codes,
            names=dict(login.names),
        )
        store.put(profile.entry, login.secrets)
        write_profile(base, profile)
        if before is not None:
            _drop(base, before, "the new login is stored")
    return profile


def forget(base: Path, account: str) -> Profile:
    """Forget an account's login. The profile goes first: what is left should the rest fail opens nothing."""
    with _alone(base):
        profile = profile_of(base, account)
        if profile is None:
            raise InputError(f"account {account} has no login; `accounts list` shows who has one")
        remove_profile(base, account)
        _drop(base, profile, "the login is forgotten")
    return profile


def _drop(base: Path, profile: Profile, done: str) -> None:
    try:
        store = store_of(base, profile.kept)
        store.unlock(ask=True)
        store.drop(profile.entry, profile.secrets)
    except InputError as failure:
        raise InputError(f"{done}, but the secrets of before could not be taken away: {failure}") from None


def _refuse_same(base: Path, account: str, part: str, login: Login) -> None:
    """One login is one account's: two that share a session are cut off by each other, and share one limit."""
    for other in profiles(base):
        if other.account == account or other.part != part:
            continue
        if (other.names, dict(login.names)) == ({}, {}):
            same = store_of(base, other.kept).take(other.entry, other.secrets) == dict(login.secrets)
        else:
            same = other.names == dict(login.names)
        if same:
            raise InputError(f"{other.account} logs in with that already; every account needs a login of its own")


@contextmanager
def _alone(base: Path) -> Generator[None]:
    own_folder(folder_of(base))
    with locked(folder_of(base) / LOCK_FILE, 0o600) as ours:
        if not ours:
            raise InputError(f"somebody else is changing the logins of {base} right now; try again")
        yield
