"""The keyring: only one that is known to be safe is given anything, and only once it has proved itself."""

from collections.abc import Callable
from threading import Event
from typing import Any

import pytest
from keyring.backend import KeyringBackend
from keyring.backends import chainer, fail, null
from keyring.errors import KeyringLocked

from pipeline.errors import InputError
from pipeline.keys.rings import SERVICE, Ring, judged
from pipeline.secret import Secret
from tests.support import ROOT

WORD = "pat_9Zk1QqA7canary"


class Safe(KeyringBackend):
    """A keyring that gives itself out for the system's."""

    priority: Any = -1  # the library chooses none below 0 by itself

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}
        super().__init__()

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


class Plain(Safe):
    """One that writes what it is given into a file for all to read."""


class Forgetful(Safe):
    """One that takes everything and keeps nothing."""

    def set_password(self, service: str, username: str, password: str) -> None: ...


class Locked(Safe):
    """One whose owner is not there, and which repeats what it was given."""

    def set_password(self, service: str, username: str, password: str) -> None:
        raise KeyringLocked(f"cannot store {password}")


Safe.__module__ = Forgetful.__module__ = Locked.__module__ = "keyring.backends.SecretService"
Plain.__module__ = "keyrings.alt.file"


@pytest.fixture
def chain(monkeypatch: pytest.MonkeyPatch) -> Callable[..., KeyringBackend]:
    def of(*links: KeyringBackend) -> KeyringBackend:
        monkeypatch.setattr(chainer.ChainerBackend, "backends", list(links))
        return chainer.ChainerBackend()

    return of


@pytest.mark.parametrize("backend", [fail.Keyring(), null.Keyring(), Plain()])
def test_a_keyring_that_keeps_nothing_safe_is_refused_with_the_way_out(backend: KeyringBackend) -> None:
    name = f"{type(backend).__module__}.{type(backend).__qualname__}"
    with pytest.raises(InputError) as caught:
        Ring(backend)
    assert str(caught.value) == (
        f"there is no keyring here that keeps a secret safe (found: {name}); "
        "use `--vault`: an encrypted file with a passphrase"
    )


def test_one_whose_name_only_begins_like_a_safe_one_is_refused() -> None:
    class Almost(Safe): ...

    Almost.__module__ = "keyring.backends.SecretServiceButPlain"
    assert judged(Almost()).backend is None


def test_of_a_chain_the_safe_link_is_used_and_the_others_are_given_nothing(
    chain: Callable[..., KeyringBackend],
) -> None:
    plain, safe = Plain(), Safe()
    ring = Ring(chain(plain, safe))
    ring.unlock(ask=False)
    ring.put("entry", {"token": Secret(WORD)})
    assert plain.kept == {}
    assert safe.kept == {(SERVICE, "entry/token"): WORD}
    assert judged(chain(plain, safe)).unsafe == ("keyrings.alt.file.Plain",)


def test_a_chain_within_a_chain_is_taken_apart_too(chain: Callable[..., KeyringBackend]) -> None:
    class Chain(Safe):
        backends = (Plain(), fail.Keyring())

    Chain.__module__ = "keyring.backends.chainer"
    found = judged(chain(Chain()))
    assert (found.backend, found.unsafe) == (None, ("keyrings.alt.file.Plain", "keyring.backends.fail.Keyring"))


def test_a_chain_without_links_is_no_keyring(chain: Callable[..., KeyringBackend]) -> None:
    with pytest.raises(InputError, match=r"\(found: none\)"):
        Ring(chain())


def test_a_keyring_that_does_not_give_back_what_it_is_given_is_refused_before_a_secret_is_lost_to_it() -> None:
    with pytest.raises(InputError, match="does not give back what it is given; use `--vault`"):
        Ring(Forgetful()).unlock(ask=False)


def test_trying_a_keyring_leaves_nothing_in_it() -> None:
    safe = Safe()
    Ring(safe).unlock(ask=False)
    assert safe.kept == {}


def test_what_a_keyring_says_when_it_fails_is_not_repeated() -> None:
    with pytest.raises(InputError) as caught:
        Ring(Locked()).put("entry", {"token": Secret(WORD)})
    assert "does not answer (KeyringLocked); unlock it on this machine's desktop" in str(caught.value)
    assert WORD not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_keyring_that_waits_for_somebody_who_is_not_there_is_not_waited_for() -> None:
    """As one does that asks for its password on a desktop nobody looks at."""

    class Waiting(Safe):
        def set_password(self, service: str, username: str, password: str) -> None:
            Event().wait()

    Waiting.__module__ = Safe.__module__
    with pytest.raises(InputError, match=r"has not answered for 0.05 s; unlock it on this machine's desktop"):
        Ring(Waiting(), patience=0.05).put("entry", {"token": Secret(WORD)})


def test_a_secret_comes_back_and_is_gone_once_it_was_dropped() -> None:
    safe = Safe()
    ring = Ring(safe)
    ring.put("entry", {"token": Secret(WORD), "password": Secret("another")})
    assert ring.take("entry", ("token",))["token"] == Secret(WORD)
    ring.drop("entry", ("token", "password", "otp"))
    assert safe.kept == {}
    with pytest.raises(InputError, match="has no token of this login; store it again with `accounts login`"):
        ring.take("entry", ("token",))


def test_no_keyring_that_writes_into_plain_files_comes_with_the_program() -> None:
    locks = [path.read_text(encoding="utf-8") for path in ROOT.glob("requirements*.txt")]
    assert len(locks) >= 3
    assert [name for lock in locks for name in ("keyrings", "keyring-") if f"\n{name}" in lock.lower()] == []
