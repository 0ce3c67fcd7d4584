"""The verb `alerts`: what it lists and tries, how secrets are stored, and what nobody is ever shown."""

import io
import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from keyring.backends import fail

from pipeline import secret
from pipeline.__main__ import main
from pipeline.alerting import secrets
from pipeline.alerting.codes import CODES
from pipeline.alerting.settings import Alerting
from pipeline.engine import LEDGER_FILE
from pipeline.keys import rings, vault
from pipeline.ledger import Ledger
from pipeline.secret import VARIABLE
from pipeline.values import Latch
from tests.support import MONDAY, ROOT
from tests.test_alerts_desk import Hook
from tests.test_cli import FLOW

ADDRESS = "c4nAry-T0ken+9-of-alerts"
"""Stands in the address, and must stand nowhere else."""
WORDS = "correct horse battery staple"
Said = tuple[int, str, str]
Say = Callable[..., Said]


@pytest.fixture
def hook() -> Iterator[Hook]:
    with Hook() as hook:
        threading.Thread(target=hook.serve_forever, daemon=True).start()
        yield hook
        hook.shutdown()


@pytest.fixture
def folder(tmp_path: Path, hook: Hook, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    text = f"""{FLOW}
[alerts.phone]
use = "webhook"
url = "{{secret}}"
secret = "phone-address"
codes = ["KILL_SWITCH", "LATCH"]

[alerts.alive]
use = "heartbeat"
path = "alive.json"
"""
    (tmp_path / "flows.toml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(secret, "_passphrase", [])
    monkeypatch.setattr(secret, "_revealed", {})
    monkeypatch.setattr(vault.Vault.__init__, "__defaults__", (vault.CHEAPEST,))
    monkeypatch.setenv(VARIABLE, WORDS)
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    monkeypatch.setattr("keyring.get_keyring", fail.Keyring)  # never that of whoever runs the tests
    monkeypatch.setattr(secrets, "_secrets", cache(secrets.AlertSecrets))
    yield tmp_path
    vault.vault_of.cache_clear()
    rings.ring_of.cache_clear()


@pytest.fixture
def say(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Say:
    del folder

    def run(*arguments: str, typed: str = "") -> Said:
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        try:
            code = main(arguments)
        except SystemExit as ended:
            code = int(ended.code or 0)
        said = capsys.readouterr()
        assert ADDRESS not in said.out + said.err
        return code, said.out, said.err

    return run


def stored(say: Say, hook: Hook) -> Said:
    return say("alerts", "secret", "phone-address", "--vault", "--stdin", typed=f"{hook.url}/{ADDRESS}\n")


def test_a_secret_is_stored_used_and_forgotten_and_is_in_no_file(say: Say, hook: Hook, folder: Path) -> None:
    assert stored(say, hook) == (
        0,
        "phone-address: it is in the vault profiles/logins.vault; try it with `alerts test`\n",
        "",
    )
    assert say("alerts", "test") == (0, "phone: taken\nalive: taken\n", "")
    hook.waits_for("TEST")
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 3
    assert all(ADDRESS.encode() not in path.read_bytes() for path in files)
    assert say("alerts", "secret", "phone-address", "--remove") == (0, "phone-address: forgotten\n", "")
    code, _, error = say("alerts", "secret", "phone-address", "--remove")
    assert (code, error) == (2, "there is no secret 'phone-address' to forget\n")


def test_a_way_that_fails_fails_the_test_and_says_how_to_mend_it(say: Say) -> None:
    code, out, error = say("alerts", "test", "--json")
    assert (code, error) == (1, "")
    assert json.loads(out) == [
        {
            "route": "phone",
            "taken": False,
            "why": "there is no secret 'phone-address'; store it with `alerts secret phone-address`",
        },
        {"route": "alive", "taken": True, "why": ""},
    ]
    assert say("alerts", "test", "--route", "alive")[0] == 0
    assert say("alerts", "test", "--route", "fone") == (2, "", "there is no [alerts.fone]; did you mean 'phone'?\n")


def test_the_list_shows_the_ways_and_what_holds_by_the_ledger(say: Say, folder: Path) -> None:
    nothing = say("alerts")[1].splitlines()
    assert nothing == [
        "phone: webhook, medium and graver, only KILL_SWITCH, LATCH; its secret is missing: "
        "`alerts secret phone-address`",
        "alive: heartbeat, a sign of life",
        "nothing holds now, by the ledger",
    ]
    with Ledger(folder / "data" / LEDGER_FILE) as ledger:
        ledger.latch(Latch("demo-1", True, MONDAY, "it looks wrong", "ada"))
    assert say("alerts", "list", "flows.toml")[1].splitlines()[2:] == [
        "what holds now, by the ledger:",
        "  ✖ KILL_SWITCH demo-1 is stopped, ada: it looks wrong",
    ]
    (held,) = json.loads(say("alerts", "list", "--json")[1])["holding"]
    assert (held["code"], held["severity"], held["subject"]) == ("KILL_SWITCH", "critical", "demo-1")


def test_an_environment_variable_comes_before_what_is_stored_and_is_taken_out_of_the_environment(
    say: Say, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOONLIGHT_ALERT_PHONE_ADDRESS", f"{hook.url}/{ADDRESS}")
    assert say("alerts", "test", "--route", "phone")[0] == 0
    hook.waits_for("TEST")
    assert "MOONLIGHT_ALERT_PHONE_ADDRESS" not in os.environ


@pytest.mark.parametrize(
    ("arguments", "typed", "why"),
    [
        (("a b",), "x\n", "a secret's name is letters, digits, - and _; the secret itself is asked for"),
        (("tgram://123:abc/1",), "x\n", "a secret's name is letters, digits, - and _; the secret itself is asked for"),
        (("phone",), "", "nothing was given; nothing was stored"),
        (("phone",), "one\ntwo\n", "there is more than one line; a secret is one line"),
        (("phone",), "a\tb\n", "has some that nobody types; copy it again"),
    ],
)
def test_what_is_no_secret_is_not_stored(
    say: Say, folder: Path, arguments: tuple[str, ...], typed: str, why: str
) -> None:
    code, out, error = say("alerts", "secret", *arguments, "--vault", "--stdin", typed=typed)
    assert (code, out) == (2, "")
    assert why in error
    assert not list((folder / "profiles").glob("alerts.*"))


def test_no_account_is_given_the_secret_of_a_way_out_nor_shown_as_one(say: Say, hook: Hook) -> None:
    stored(say, hook)
    code, out, _ = say("accounts", "list", "--json")
    assert code == 0
    assert [row["account"] for row in json.loads(out)] == ["demo-1"]


def test_a_secret_behind_an_option_is_refused(say: Say) -> None:
    code, _, error = say("alerts", "secret", "phone", "--token", ADDRESS)
    assert code == 2
    assert "--token is not taken" in error


# --- the page ---------------------------------------------------------------------------------------------------------


def test_the_page_has_every_code_with_its_severity_and_meaning_and_no_other() -> None:
    page = (ROOT / "docs" / "alerts.md").read_text(encoding="utf-8")
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| `") and "`" in line]
    told = {row[0].strip("`"): (row[1], row[2]) for row in rows if row[0].strip("`").isupper()}
    assert told == {name: (code.severity, code.meaning) for name, code in CODES.items()}


def test_the_page_has_every_setting_with_its_default() -> None:
    page = (ROOT / "docs" / "alerts.md").read_text(encoding="utf-8")
    settings = Alerting()
    for key in ("patience", "silence", "quiet"):
        assert f'{key} = "{getattr(settings, key)}"' in page
    assert f"daily_loss_near = {settings.daily_loss_near}" in page
    assert f"least_disk_mb = {settings.least_disk_mb}" in page
