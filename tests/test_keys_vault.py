"""The vault: what it keeps nobody else reads, and what was changed does not open."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import secret
from pipeline.errors import InputError
from pipeline.keys.passphrases import CREDENTIAL, passphrase
from pipeline.keys.vault import CHEAPEST, DEAREST, Vault
from pipeline.secret import VARIABLE, Secret
from tests.support import ROOT

WORDS = "correct horse battery staple"
TOKEN = "pat_9Zk1QqA7canary"  # noqa: S105  # what is looked for


@pytest.fixture(autouse=True)
def given_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The passphrase is in the environment, as a service has it that knows nothing better."""
    monkeypatch.setattr(secret, "_passphrase", [])
    monkeypatch.setenv(VARIABLE, WORDS)
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder = tmp_path / "profiles"
    folder.mkdir(mode=0o700)
    return folder / "logins.vault"


def vault(path: Path) -> Vault:
    return Vault(path, cost=CHEAPEST)


def filled(path: Path) -> Vault:
    made = vault(path)
    made.put("entry-1", {"token": Secret(TOKEN), "password": Secret("pässword")})
    return made


def changed(path: Path, **header: int) -> None:
    table = json.loads(path.read_bytes())
    table["header"].update(header)
    path.write_bytes(json.dumps(table).encode())


def test_what_was_put_in_comes_out_of_another_program(path: Path) -> None:
    filled(path)
    found = vault(path).take("entry-1", ("token", "password"))
    assert {name: each.reveal() for name, each in found.items()} == {"token": TOKEN, "password": "pässword"}


def test_nothing_of_a_secret_or_of_its_name_stands_in_the_file(path: Path) -> None:
    filled(path)
    raw = path.read_bytes()
    for word in (TOKEN, "token", "pässword", "password", "entry-1", WORDS):
        assert word.encode() not in raw


def test_the_file_is_its_owners_alone_and_nothing_else_is_left_beside_it(path: Path) -> None:
    before = os.umask(0)
    try:
        filled(path).put("entry-2", {"token": Secret("another")})
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_two_writings_of_the_same_share_no_nonce(path: Path) -> None:
    made = filled(path)
    first = json.loads(path.read_bytes())
    made.put("entry-1", {"token": Secret(TOKEN), "password": Secret("pässword")})
    second = json.loads(path.read_bytes())
    assert first["header"]["nonce"] != second["header"]["nonce"]
    assert first["sealed"] != second["sealed"]


def test_another_passphrase_opens_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(path)
    monkeypatch.setenv(VARIABLE, WORDS + "s")
    with pytest.raises(
        InputError, match="does not open: the passphrase is another, or the file was changed; try again"
    ):
        vault(path).take("entry-1", ("token",))


def test_a_secret_that_is_not_there_is_said_without_any_other(path: Path) -> None:
    made = filled(path)
    with pytest.raises(InputError, match="has no otp of this login; store it again with `accounts login`"):
        made.take("entry-1", ("otp",))


def test_what_was_dropped_is_gone_and_the_rest_stays(path: Path) -> None:
    made = filled(path)
    made.put("entry-2", {"token": Secret("another")})
    made.drop("entry-1", ("token", "password"))
    assert made.take("entry-2", ("token",))["token"].reveal() == "another"
    with pytest.raises(InputError):
        made.take("entry-1", ("token",))


def test_an_engine_that_opened_it_reads_what_is_stored_later(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(path)
    engine = vault(path)
    engine.take("entry-1", ("token",))
    vault(path).put("entry-2", {"token": Secret("stored later")})
    monkeypatch.setattr(secret, "_passphrase", [])
    assert engine.take("entry-2", ("token",))["token"].reveal() == "stored later"


# --- what was changed ------------------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(data=st.data())
def test_no_bit_of_the_file_can_be_flipped_unnoticed(tmp_path_factory: pytest.TempPathFactory, data: Any) -> None:
    os.environ[VARIABLE] = WORDS
    folder = tmp_path_factory.mktemp("flipped")
    folder.chmod(0o700)
    path = folder / "logins.vault"
    made = filled(path)
    raw = bytearray(path.read_bytes())
    bit = data.draw(st.integers(0, len(raw) * 8 - 1))
    raw[bit // 8] ^= 1 << bit % 8
    path.write_bytes(bytes(raw))
    said = found = ""
    try:
        found = made.take("entry-1", ("token",))["token"].reveal()
    except InputError as failure:
        said = str(failure)
    # Of base64 the last letter has bits that mean nothing: then nothing was changed.
    assert bool(said) != (found == TOKEN)
    assert TOKEN not in said


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("n", 2),
        ("n", CHEAPEST // 2),
        ("n", DEAREST * 2),
        ("n", 2**24),
        ("n", CHEAPEST + 1),
        ("r", 1),
        ("p", 64),
        ("vault", 2),
    ],
)
def test_neither_a_cheap_key_nor_a_bomb_is_made(path: Path, key: str, value: int) -> None:
    filled(path)
    changed(path, **{key: value})
    with pytest.raises(InputError, match="asks for a key to be made in a way we do not"):
        vault(path).take("entry-1", ("token",))


def test_a_header_that_was_changed_within_its_bounds_does_not_open(path: Path) -> None:
    filled(path)
    changed(path, n=CHEAPEST * 2)
    with pytest.raises(InputError, match="does not open"):
        vault(path).take("entry-1", ("token",))


@pytest.mark.parametrize("raw", [b"", b"{}", b"\x00" * 100, b'{"header": 1, "sealed": ""}', b"[" * 5000])
def test_what_is_no_vault_is_said_to_be_none(path: Path, raw: bytes) -> None:
    path.write_bytes(raw)
    path.chmod(0o600)
    with pytest.raises(InputError, match="is no vault of ours, or is damaged; put a copy of it back"):
        vault(path).take("entry-1", ("token",))


def test_a_vault_that_is_gone_says_so(path: Path) -> None:
    with pytest.raises(InputError, match="is gone; put a copy of it back, or store the logins again"):
        vault(path).take("entry-1", ("token",))


def test_a_vault_of_any_length_is_not_read_whole(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 30)
    path.chmod(0o600)
    with pytest.raises(InputError, match="is longer than anything we write"):
        vault(path).take("entry-1", ("token",))


# --- whose file it is ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o606, 0o620])
def test_a_vault_that_others_can_open_is_refused_with_the_command_that_closes_it(path: Path, mode: int) -> None:
    filled(path)
    path.chmod(mode)
    with pytest.raises(InputError, match=rf"is open to others \(mode {mode:o}\); close it with `chmod 600 "):
        vault(path).take("entry-1", ("token",))


def test_a_folder_that_others_can_look_into_is_refused(path: Path) -> None:
    filled(path)
    path.parent.chmod(0o755)
    with pytest.raises(InputError, match=r"is open to others \(mode 755\); close it with `chmod 700 "):
        vault(path).take("entry-1", ("token",))


def test_a_link_is_not_followed(path: Path, tmp_path: Path) -> None:
    filled(path)
    elsewhere = path.rename(tmp_path / "elsewhere")
    path.symlink_to(elsewhere)
    with pytest.raises(InputError, match="is a link; put the file itself there"):
        vault(path).take("entry-1", ("token",))


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can give a file away")
def test_a_vault_of_somebody_else_is_refused(path: Path) -> None:
    filled(path)
    os.chown(path, 12345, 12345)
    with pytest.raises(InputError, match="belongs to somebody else"):
        vault(path).take("entry-1", ("token",))


# --- the passphrase --------------------------------------------------------------------------------------------------


def test_the_passphrase_is_not_left_in_the_environment() -> None:
    assert passphrase("it", ask=False) == Secret(WORDS)
    assert VARIABLE not in os.environ
    assert passphrase("it", ask=False) == Secret(WORDS)


def test_a_credential_of_the_service_goes_before_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / CREDENTIAL).write_text("of the service\n", encoding="utf-8")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert passphrase("it", ask=False) == Secret("of the service")
    (tmp_path / CREDENTIAL).write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="the systemd credential moonlight-vault is empty"):
        passphrase("it", ask=False)


def test_without_a_terminal_nobody_is_asked_and_the_ways_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE)
    with pytest.raises(InputError) as caught:
        passphrase("the vault x", ask=True)
    assert str(caught.value) == (
        "the vault x is locked and nobody gives its passphrase; give it by the systemd credential moonlight-vault, "
        "the variable MOONLIGHT_VAULT_PASSPHRASE, or at a terminal"
    )


def test_a_new_vault_takes_no_short_passphrase(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "hunter2")
    with pytest.raises(InputError, match="needs 12 letters; choose a longer one"):
        vault(path).put("entry-1", {"token": Secret(TOKEN)})
    assert not path.exists()


def test_a_vault_costs_a_guesser_what_it_should() -> None:
    """The cost that is used when none is said, in a process of its own: 128 MiB for each guess."""
    code = (
        "import resource, pathlib, tempfile\n"
        "from pipeline.keys.vault import Vault\n"
        "from pipeline.secret import Secret\n"
        "folder = pathlib.Path(tempfile.mkdtemp())\n"
        "Vault(folder / 'logins.vault').put('e', {'token': Secret('t')})\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT), VARIABLE: WORDS}
    ended = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert int(ended.stdout) > 128 * 1024
