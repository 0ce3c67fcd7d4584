"""The keyring of the system, when it is one that encrypts: by name, never whatever happens to be installed.

A keyring may be a chain of several, and some write what they are given into a plain file: so the chain is taken apart,
and the first link that is known to be safe is used by itself.
"""

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from typing import NamedTuple, Protocol, TypeVar, cast

import keyring
from keyring.errors import KeyringError

from pipeline.errors import InputError
from pipeline.secret import Secret

T = TypeVar("T")

SAFE = (
    "keyring.backends.SecretService",
    "keyring.backends.kwallet",
    "keyring.backends.libsecret",
    "keyring.backends.macOS",
    "keyring.backends.Windows",
)
"""Modules whose keyrings keep secrets where only their owner can open them."""
SERVICE = "moonlight"
PATIENCE = 20.0
"""Seconds in which it answers: somebody may have to unlock it first."""
INSTEAD = "use `--vault`: an encrypted file with a passphrase"


class Backend(Protocol):
    """A keyring of the library."""

    def get_password(self, service: str, username: str) -> str | None: ...
    def set_password(self, service: str, username: str, password: str) -> None: ...
    def delete_password(self, service: str, username: str) -> None: ...


class Judged(NamedTuple):
    """What the keyring of a machine is worth."""

    backend: Backend | None
    """The one to use; None when none is safe."""
    name: str
    unsafe: tuple[str, ...]
    """Others that stand beside it and would take secrets without keeping them safe."""


def judged(backend: object | None = None) -> Judged:
    """Which of the keyrings that are installed may be used."""
    links = list(_links(keyring.get_keyring() if backend is None else backend))
    unsafe = tuple(_name(each) for each in links if not _safe(each))
    for each in links:
        if _safe(each):
            return Judged(cast("Backend", each), _name(each), unsafe)
    return Judged(None, ", ".join(unsafe) or "none", unsafe)


class Ring:
    """Logins in the keyring of the system: an item for each secret."""

    def __init__(self, backend: object | None = None, patience: float = PATIENCE) -> None:
        found = judged(backend)
        if found.backend is None:
            raise InputError(f"there is no keyring here that keeps a secret safe (found: {found.name}); {INSTEAD}")
        self.name = found.name
        self._backend = found.backend
        self._patience = patience

    def unlock(self, *, ask: bool) -> None:
        """Try it with a word that means nothing: whether it gives back what it was given."""
        del ask
        user, word = f"canary-{secrets.token_hex(8)}", secrets.token_hex(16)
        self._set(user, word)
        found = self._get(user)
        if found is not None:
            self._delete(user)
        if found != word:
            raise InputError(f"the keyring {self.name} does not give back what it is given; {INSTEAD}")

    def take(self, entry: str, names: Iterable[str]) -> dict[str, Secret]:
        found: dict[str, Secret] = {}
        for name in names:
            text = self._get(_user(entry, name))
            if text is None:
                raise InputError(f"the keyring has no {name} of this login; store it again with `accounts login`")
            found[name] = Secret(text)
        return found

    def put(self, entry: str, named: Mapping[str, Secret]) -> None:
        for name, secret in named.items():
            self._set(_user(entry, name), secret.reveal())

    def drop(self, entry: str, names: Iterable[str]) -> None:
        for name in names:
            if self._get(_user(entry, name)) is not None:
                self._delete(_user(entry, name))

    def _get(self, user: str) -> str | None:
        return self._asked(lambda: self._backend.get_password(SERVICE, user))

    def _set(self, user: str, text: str) -> None:
        self._asked(lambda: self._backend.set_password(SERVICE, user, text))

    def _delete(self, user: str) -> None:
        self._asked(lambda: self._backend.delete_password(SERVICE, user))

    def _asked(self, ask: Callable[[], T]) -> T:
        """The keyring's answer; one that waits for somebody who is not there is not waited for.

        When it fails, nothing is said of what it says itself: it may have been given a secret.
        """
        answer = Future[T]()
        Thread(target=lambda: _answered(answer, ask), daemon=True).start()
        mend = f"unlock it on this machine's desktop and try again, or {INSTEAD}"
        try:
            return answer.result(self._patience)
        except TimeoutError:
            what = f"the keyring {self.name} has not answered for {self._patience:g} s"
        except _failures() as failure:
            what = f"the keyring {self.name} does not answer ({type(failure).__name__})"
        raise InputError(f"{what}; {mend}") from None


def _answered(answer: Future[T], ask: Callable[[], T]) -> None:
    try:
        answer.set_result(ask())
    except BaseException as failure:  # noqa: BLE001  # told to whoever asked, in their own thread
        answer.set_exception(failure)


@cache
def ring_of(folder: Path) -> Ring:
    del folder  # one for all
    return Ring()


@cache
def _failures() -> tuple[type[Exception], ...]:
    """What the keyrings raise: the library's own errors, and those of what it stands on that come through."""
    known: list[type[Exception]] = [KeyringError, RuntimeError, OSError]
    for module, error in (("secretstorage", "SecretStorageException"), ("jeepney.wrappers", "DBusErrorResponse")):
        if find_spec(module.partition(".")[0]) is not None:
            known.append(getattr(import_module(module), error))
    return tuple(known)


def _links(backend: object) -> Iterator[object]:
    """The keyrings of a chain, and of chains in it; of a single one, itself."""
    if type(backend).__module__ == "keyring.backends.chainer":
        for each in cast("Iterable[object]", getattr(backend, "backends", ())):
            yield from _links(each)
    else:
        yield backend


def _safe(backend: object) -> bool:
    module = type(backend).__module__
    return any(module == known or module.startswith(f"{known}.") for known in SAFE)


def _name(backend: object) -> str:
    return f"{type(backend).__module__}.{type(backend).__qualname__}"


def _user(entry: str, name: str) -> str:
    return f"{entry}/{name}"
