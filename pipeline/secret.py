"""Text that nothing shows: passwords and tokens on their way from where they are kept to where they are needed."""

import os
from collections.abc import Mapping
from typing import Literal, NamedTuple, Protocol, runtime_checkable

MASK = "••••••"
PRACTISED = "practice-"
"""What the passwords and tokens of practice venues begin with: they are no secrets, and are shown."""

VARIABLE = "MOONLIGHT_VAULT_PASSPHRASE"

PASSING = 256
"""So many secrets that last a while are known after they were revealed: of them there are new ones all the time."""

_revealed: dict[str, None] = {}
_passing: dict[str, None] = {}
_passphrase: "list[Secret]" = []


def revealed() -> tuple[str, ...]:
    """Secrets that were revealed since the program began, of those that do not last the latest: what must not stand in
    anything it writes."""
    return (*_revealed, *_passing)


def take_passphrase() -> None:
    """Take the vault's passphrase out of the environment, so that no program that we start inherits it."""
    text = os.environ.pop(VARIABLE, "")
    if text:
        _passphrase[:] = [Secret(text)]


def taken_passphrase() -> "Secret | None":
    """What was in the environment."""
    take_passphrase()
    return _passphrase[0] if _passphrase else None


class Secret:
    """Text that shows as dots wherever it is printed, logged, compared in a message or put into a traceback."""

    __slots__ = ("_passing", "_text")

    def __init__(self, text: str, *, passing: bool = False) -> None:
        """`passing`: it opens something once, or for minutes."""
        self._text = text
        self._passing = passing

    def reveal(self) -> str:
        """The text itself: for the one call that needs it."""
        if not self._passing:
            _revealed[self._text] = None
        elif self._text not in _passing:
            _passing[self._text] = None
            if len(_passing) > PASSING:
                del _passing[next(iter(_passing))]
        return self._text

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> str:
        raise TypeError("a secret is not written down")


class Login(NamedTuple):
    """What an account logs in with: names that may be shown, and secrets that may not."""

    names: Mapping[str, str]
    """Such as `username`, or `account_id`: the venue's own name for the account."""
    secrets: Mapping[str, Secret]
    """Such as `password`, or `token`."""


class Logins(Protocol):
    """Where accounts' logins are kept."""

    def of(self, account: str) -> Login:
        """An account's login; `InputError` with a sentence when there is none, or when it cannot be opened."""
        ...

    def stamp(self, account: str) -> int:
        """Changes when somebody stores another login of the account; 0 while there is none."""
        ...


class LoginField(NamedTuple):
    """One of the things a venue asks of whoever logs in."""

    name: str
    """Under which `Login` has it, as in `username`."""
    what: str
    """As a person is asked for it, as in "your account's id at Deriv, like DOT90004580"."""
    kind: Literal["name", "secret", "code"] = "name"
    """A name may be shown. A secret is kept where nobody can read it. A code is good for once: it is asked for when
    somebody wants to give one, and is among the secrets of a `Login` for `CODE_LASTS` ms after that."""


CODE_LASTS = 90_000


@runtime_checkable
class LoggingIn(Protocol):
    """The part of a venue (or of a source with a key `account`) whose accounts log in: what it asks of them.

    At a practice venue nobody has to be asked: there it gives none.
    """

    @property
    def login_fields(self) -> tuple[LoginField, ...]: ...


class Practised:
    """Logins at a practice venue on this machine, where they guard nothing: everybody knows them."""

    def of(self, account: str) -> Login:
        return Login({"username": account, "account_id": account}, {"password": Secret(f"{PRACTISED}{account}")})

    def stamp(self, account: str) -> int:
        del account
        return 1
