"""Secrets of the ways out: an address with a token in it, a key to sign with. They never stand in a flow file.

One comes from a credential of the service, from the environment, or from where logins are kept: the keyring of the
system or the vault. What was in the environment is taken out of it, so that no program that we start inherits it.
"""

import asyncio
import os
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from pipeline.alerting.route import Confiding
from pipeline.errors import InputError
from pipeline.keys.keeping import Keys, keep
from pipeline.keys.profiles import Kept, profile_of
from pipeline.plan import Plan
from pipeline.secret import Login, Secret

PART = "alerts"
"""What the profiles of these secrets are for: no account is given them."""
FIELD = "secret"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
VARIABLE = "MOONLIGHT_ALERT_"
CREDENTIAL = "moonlight-alert-"


class AlertSecrets:
    """Those of the flows in one folder. Each is read once, and again after a way out has failed."""

    def __init__(self, base: Path) -> None:
        self._base = base
        self._keys = Keys(base, PART)
        self._given = _taken()
        self._known: dict[str, Secret] = {}

    def unlock(self, names: Iterable[str]) -> Iterator[str]:
        """Read them before they are needed, asking for a passphrase where somebody can be asked; what is amiss."""
        for name in names:
            try:
                if profile_of(self._base, entry_of(name)) is not None and self._outer(name) is None:
                    self._keys.unlock(entry_of(name))
                self._known[name] = self._read(name)
            except InputError as failure:
                yield str(failure)

    def has(self, name: str) -> bool:
        """Whether there is one, as far as can be told without opening anything."""
        try:
            return self._outer(name) is not None or profile_of(self._base, entry_of(name)) is not None
        except InputError:
            return False

    async def of(self, name: str) -> Secret:
        """A secret; the loop does not wait for where it is kept."""
        if name not in self._known:
            self._known[name] = await asyncio.to_thread(self._read, name)
        return self._known[name]

    def forget(self, names: Iterable[str]) -> None:
        """Read these again when they are asked for: somebody may have stored others."""
        for name in names:
            self._known.pop(name, None)

    def _read(self, name: str) -> Secret:
        outer = self._outer(name)
        if outer is not None:
            return outer
        if profile_of(self._base, entry_of(name)) is None:
            raise InputError(f"there is no secret {name!r}; store it with `alerts secret {name}`")
        try:
            return self._keys.of(entry_of(name)).secrets[FIELD]
        except KeyError:
            raise InputError(f"the secret {name!r} is not there; store it again with `alerts secret {name}`") from None

    def _outer(self, name: str) -> Secret | None:
        folder = os.environ.get("CREDENTIALS_DIRECTORY")
        path = Path(folder) / f"{CREDENTIAL}{name}" if folder else None
        if path is not None and path.is_file():
            return Secret(path.read_text(encoding="utf-8", errors="replace").removesuffix("\n"))
        return self._given.get(variable_of(name))


@cache
def _secrets(base: Path) -> AlertSecrets:
    return AlertSecrets(base)


def secrets_of(base: Path) -> AlertSecrets:
    """One for the whole program, so that nothing is asked for twice."""
    return _secrets(base.resolve())


def unlock_secrets(plan: Plan) -> Iterator[str]:
    """Read what a flow's ways out need before it begins; what is amiss, a sentence each."""
    yield from secrets_of(plan.base).unlock(names_of(plan))


def store(base: Path, name: str, secret: Secret, kept: Kept) -> None:
    """Keep a secret in another's place, or the first."""
    keep(base, entry_of(name), PART, kept, Login({"name": name}, {FIELD: secret}))


def names_of(plan: Plan) -> tuple[str, ...]:
    """The names of all secrets that a flow's ways out need, each once."""
    routes = (route for route in plan.alerts.values() if isinstance(route, Confiding))
    return tuple(dict.fromkeys(name for route in routes for name in route.confidences))


def entry_of(name: str) -> str:
    """Under which profile it is kept: accounts have names of their own."""
    return f"{PART}.{name}"


def variable_of(name: str) -> str:
    return VARIABLE + name.upper().replace("-", "_")


def check_name(key: str, name: str) -> None:
    """`ValueError` for what is no name: most likely it is the secret itself."""
    if not NAME.fullmatch(name):
        mend = "store the secret with `alerts secret NAME`, and write its name here"
        raise ValueError(f"{key} takes the name of a secret: letters, digits, - and _; {mend}")


def _taken() -> dict[str, Secret]:
    names = [name for name in os.environ if name.startswith(VARIABLE)]
    return {name: Secret(os.environ.pop(name)) for name in names}
