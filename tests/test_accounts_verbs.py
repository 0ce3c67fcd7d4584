"""The verbs of accounts, and doctor on logins: what they ask, store and show, and what they never show."""

import asyncio
import io
import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from keyring.backends import fail

from pipeline import keys, secret
from pipeline.__main__ import main
from pipeline.broker.app import serving
from pipeline.broker.settings import Account, Settings
from pipeline.checking import load
from pipeline.clocks import LoopClock
from pipeline.connections import keeping
from pipeline.engine import Setting, running
from pipeline.evidence import Standing
from pipeline.keys import rings, vault
from pipeline.live import LOCK_FILE, wall
from pipeline.locking import locked
from pipeline.secret import MASK, VARIABLE
from pipeline.trying import NoRecords
from pipeline.values import Past
from tests.support import ROOT, SMALL
from tests.test_keys_ring import Safe

PASSWORD = "cänary-Pass/word+9"  # noqa: S105  # what is looked for
WORDS = "correct horse battery staple"

BANK = '''
"""A venue that lets nobody in but whoever knows the password."""

from collections.abc import Mapping

from reactivex import Observable, never

from pipeline.connections.contract import Connector, Holder, Outside, Warn
from pipeline.connections.troubles import CallFailed
from pipeline.evidence import Trouble
from pipeline.host import Host
from pipeline.parts import venue
from pipeline.permission import Permission
from pipeline.secret import LoginField, Logins
from pipeline.values import Ack, Order, Reject, Settlement


@venue
class Bank:
    """Asks for a name, a password and, of whoever has one, a code."""

    url: str = ""
    login_fields = (
        LoginField("username", "your name at the bank"),
        LoginField("password", "your password", "secret"),
        LoginField("otp", "the code of the moment", "code"),
    )
    permission = Permission("whoever has an account may trade", "https://bank.example/terms")

    def __call__(self, host: Host, orders: Observable[Order]) -> Observable[Ack | Reject | Settlement]:
        return never()

    def connector(self, host: Outside, holder: Holder, logins: Logins, warn: Warn) -> Connector:
        return Teller(host, holder, logins, warn)


class Teller:
    def __init__(self, host, holder, logins, warn):
        self.host, self.holder, self.logins, self.warn = host, holder, logins, warn

    async def open(self):
        login = self.logins.of(self.holder.account)
        password, code = login.secrets["password"].reveal(), login.secrets.get("otp")
        self.warn(Trouble(self.holder.account, "network", f"the first try with {password} was lost", 0))
        if password != "cänary-Pass/word+9":
            raise CallFailed("auth", f"POST /login: 401, the body was password={password}", final=True)
        self.introduction = {
            "account": login.names["username"],
            "money": self.holder.money,
            "balance": f"1000.00 {self.holder.currency}",
            "code": "none" if code is None else f"{len(code.reveal())} digits",
        }

    async def clock(self):
        return self.host.now() + 250

    async def close(self):
        self.holder = None
'''
FLOW = (
    SMALL.replace("block = 64", 'block = 64\nplugins = ["bank.py"]')
    .replace(
        '[accounts.demo-1]\nvenue = "practice"',
        '[accounts.demo-1]\nvenue = "bank"\n[accounts.demo-2]\nvenue = "bank"\n[accounts.paper-1]\nvenue = "practice"',
    )
    .replace("[venues.practice]", '[venues.bank]\nuse = "bank"\n\n[venues.practice]')
)

Said = tuple[int, str, str]
Say = Callable[..., Said]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "flows.toml").write_text(FLOW, encoding="utf-8")
    (tmp_path / "bank.py").write_text(BANK, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(secret, "_passphrase", [])
    monkeypatch.setattr(secret, "_revealed", {})
    monkeypatch.setattr(vault.Vault.__init__, "__defaults__", (vault.CHEAPEST,))
    monkeypatch.setenv(VARIABLE, WORDS)
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    monkeypatch.setattr("keyring.get_keyring", fail.Keyring)  # never that of whoever runs the tests
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
        assert PASSWORD not in said.out + said.err
        return code, said.out, said.err

    return run


def add(say: Say, account: str = "demo-1", username: str = "ada", *more: str) -> Said:
    asked = ("accounts", "add", account, "--vault", "--name", f"username={username}", "--stdin", *more)
    return say(*asked, typed=f"{PASSWORD}\n")


def test_a_login_is_stored_from_the_standard_input_and_tried(say: Say, folder: Path) -> None:
    said = (
        "demo-1: its login is in the vault profiles/logins.vault; try it with `accounts test demo-1`\n"
        "on whose word one may trade there: whoever has an account may trade (https://bank.example/terms)\n"
    )
    assert add(say) == (0, said, "")
    code, out, error = say("accounts", "test", "demo-1")
    assert (code, error) == (0, f"network: the first try with {MASK} was lost\n")
    assert out.splitlines() == [
        "demo-1 was let in at bank",
        "  account     …",
        "  money       practice",
        "  balance     1000.00 USD",
        "  code        none",
        "  clock       +250 ms from ours",
        "  permission  whoever has an account may trade (https://bank.example/terms)",
    ]
    assert all(PASSWORD.encode() not in path.read_bytes() for path in (folder / "profiles").rglob("*.*"))


def test_a_refused_login_is_a_sentence_without_the_secret_that_the_venue_repeated(say: Say) -> None:
    say("accounts", "add", "demo-1", "--vault", "--name", "username=ada", "--stdin", typed="another password\n")
    code, out, error = say("accounts", "test", "demo-1")
    assert (code, out) == (1, "")
    assert error.splitlines()[-1] == f"demo-1 was not let in at bank: POST /login: 401, the body was password={MASK}"
    assert "another password" not in error


def test_the_list_shows_what_opens_and_ids_in_part_only(say: Say) -> None:
    add(say, username="ada.lovelace")
    _, out, _ = say("accounts", "list", "--json")
    rows = {row["account"]: row for row in json.loads(out)}
    first = rows["demo-1"]
    assert (first["venue"], first["login"], first["kept"], first["opens"]) == (
        "bank",
        {"username": "ad…ce"},
        "vault",
        "yes",
    )
    assert first["stored_at"] > 0
    assert rows["demo-2"]["opens"] == "no: `accounts add demo-2` stores one"
    assert rows["paper-1"]["opens"] == "needs none"
    code, out, _ = say("accounts", "list")
    assert code == 0
    assert out.splitlines()[0].split() == ["account", "at", "money", "login", "kept", "in", "stored", "opens"]


def test_a_vault_whose_passphrase_nobody_gives_is_locked_and_asks_nobody(
    say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(say)
    forget_all(monkeypatch)
    code, out, _ = say("accounts", "list", "--json")
    assert code == 0
    assert "is locked and nobody gives its passphrase" in json.loads(out)[0]["opens"]
    code, _, error = say("accounts", "test", "demo-1")
    assert code == 2
    assert error.endswith("the variable MOONLIGHT_VAULT_PASSPHRASE, or at a terminal\n")


def forget_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a program that has just begun, to which nobody gave a passphrase."""
    vault.vault_of.cache_clear()
    keys._known.cache_clear()  # pyright: ignore[reportPrivateUsage]
    monkeypatch.setattr(secret, "_passphrase", [])
    monkeypatch.delenv(VARIABLE, raising=False)


def test_without_a_safe_keyring_nothing_is_stored_and_the_vault_is_named(say: Say, folder: Path) -> None:
    code, out, error = say("accounts", "add", "demo-1", "--name", "username=ada", "--stdin", typed=f"{PASSWORD}\n")
    assert (code, out) == (2, "")
    assert error.startswith("there is no keyring here that keeps a secret safe (found: keyring.backends.fail.Keyring)")
    assert error.endswith("use `--vault`: an encrypted file with a passphrase\n")
    assert not (folder / "profiles").exists()


def test_with_a_safe_keyring_the_secret_is_there_and_in_no_file(
    say: Say, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    safe = Safe()
    monkeypatch.setattr("keyring.get_keyring", lambda: safe)
    code, out, _ = say("accounts", "add", "demo-1", "--name", "username=ada", "--stdin", typed=f"{PASSWORD}\n")
    assert (code, out.startswith("demo-1: its login is in the keyring of the system;")) == (0, True)
    assert list(safe.kept.values()) == [PASSWORD]
    assert {path.name for path in (folder / "profiles").rglob("*")} == {".lock", "demo-1", "profile.toml"}
    assert say("accounts", "test", "demo-1")[0] == 0
    assert say("accounts", "remove", "demo-1", "--yes")[0] == 0
    assert safe.kept == {}


@pytest.mark.parametrize("option", ["--password", "--token", "--secret", "--passphrase", "--api-key"])
@pytest.mark.parametrize("verb", ["add", "login", "test"])
def test_a_secret_in_a_command_is_refused_and_not_repeated(say: Say, verb: str, option: str) -> None:
    code, out, error = say("accounts", verb, "demo-1", option, PASSWORD)
    assert (code, out) == (2, "")
    assert f"{option} is not taken: the shell's history and other programs see what is part of a command" in error


def test_a_code_in_a_command_is_refused_and_not_repeated(say: Say) -> None:
    code, _, error = say("accounts", "login", "demo-1", "--otp", "123456")
    assert code == 2
    assert "a code behind --otp is not taken" in error
    assert "123456" not in error


def test_a_secret_given_as_a_name_is_refused_and_not_repeated(say: Say) -> None:
    code, _, error = say("accounts", "add", "demo-1", "--vault", "--name", f"password={PASSWORD}", "--stdin")
    assert (code, error) == (2, "password is a secret and no part of a command; leave it out and you are asked\n")


@pytest.mark.parametrize(
    ("arguments", "typed", "said"),
    [
        (("add", "demo-9", "--vault"), "", "there is no account 'demo-9'; did you mean 'demo-2'?"),
        (("add", "paper-1", "--vault"), "", "paper-1 is at practice, where nobody logs in; there is nothing to store"),
        (
            ("add", "demo-1", "--vault"),
            "",
            "there is no terminal to ask at; give the secrets with --stdin, a line each",
        ),
        (("add", "demo-1", "--vault", "--stdin"), "x\n", "bank needs username (your name at the bank); give it with"),
        (("add", "demo-1", "--vault", "--stdin", "--name", "user=x"), "", "--name takes KEY=TEXT; bank knows username"),
        (
            ("add", "demo-1", "--vault", "--stdin", "--name", "username=a"),
            "",
            "no password was given; nothing was stored",
        ),
        (
            ("add", "demo-1", "--vault", "--stdin", "--name", "username=a"),
            "a\x07b\n",
            "password is longer than 4096 letters",
        ),
        (
            ("add", "demo-1", "--vault", "--stdin", "--name", "username=a"),
            "x\ny\n",
            "there are more lines than secrets",
        ),
        (("login", "demo-1", "--stdin"), "x\n", "demo-1 has no login yet; store one with `accounts add demo-1`"),
        (("test", "demo-1"), "", "account demo-1 has no login; store one with `accounts add demo-1`"),
        (("test", "paper-1"), "", "nobody is let in at practice, so there is nothing to try; `run` the flow"),
        (("remove", "demo-1"), "", "account demo-1 has no login; `accounts list` shows who has one"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_with_the_way_out(
    say: Say, arguments: tuple[str, ...], typed: str, said: str
) -> None:
    code, out, error = say("accounts", *arguments, typed=typed)
    assert (code, out) == (2, "")
    assert said in error
    assert len(error.splitlines()) == 1


def test_an_account_that_has_a_login_is_not_given_one_by_mistake(say: Say) -> None:
    add(say)
    code, _, error = add(say)
    assert (code, error) == (2, "demo-1 has a login already; store another with `accounts login demo-1`\n")


def test_two_accounts_of_a_flow_cannot_log_in_as_one(say: Say) -> None:
    add(say)
    code, _, error = add(say, "demo-2")
    assert (code, error) == (2, "demo-1 logs in with that already; every account needs a login of its own\n")
    assert add(say, "demo-2", "bob")[0] == 0


def test_another_login_keeps_the_names_and_takes_the_place_of_the_old_one(say: Say) -> None:
    add(say)
    code, out, _ = say("accounts", "login", "demo-1", "--stdin", typed="another password\n")
    assert (code, out) == (
        0,
        "demo-1: its new login is in the vault profiles/logins.vault; try it with `accounts test demo-1`\n",
    )
    assert say("accounts", "test", "demo-1")[0] == 1


def test_a_code_alone_is_added_to_the_login_there_is(say: Say) -> None:
    add(say)
    assert say("accounts", "login", "demo-1", "--otp", "--stdin", typed="123456\n") == (
        0,
        "demo-1: the code is there for 90 s\n",
        "",
    )
    assert "  code        6 digits" in say("accounts", "test", "demo-1")[1].splitlines()


def test_a_code_for_one_try_is_stored_nowhere(say: Say) -> None:
    add(say)
    assert (
        "  code        4 digits"
        in say("accounts", "test", "demo-1", "--otp", "--stdin", typed="1234\n")[1].splitlines()
    )
    assert "  code        none" in say("accounts", "test", "demo-1")[1].splitlines()


def test_a_login_is_removed_for_good_once_somebody_says_yes(say: Say, folder: Path) -> None:
    add(say)
    code, _, error = say("accounts", "remove", "demo-1")
    assert (code, error) == (2, "there is no terminal to ask at; say --yes if it is to be forgotten for good\n")
    assert say("accounts", "remove", "demo-1", "--yes") == (
        0,
        "demo-1: its login is forgotten; at the venue nothing changed\n",
        "",
    )
    assert not (folder / "profiles" / "demo-1").exists()


def test_whatever_is_wrong_with_the_flow_file_a_login_can_be_removed(say: Say, folder: Path) -> None:
    add(say)
    (folder / "flows.toml").write_text("[operators.bars]\nuse = 3\n")
    assert say("accounts", "remove", "demo-1", "--yes")[0] == 0
    assert not (folder / "profiles" / "demo-1").exists()


def test_beside_an_engine_the_verbs_say_what_it_does_about_it(say: Say, folder: Path) -> None:
    (folder / "data").mkdir()
    with locked(folder / "data" / LOCK_FILE, 0o600):
        assert "an engine runs on this flow: it tries the login within seconds\n" in add(say)[1]
        said = "an engine runs on this flow and stays connected until it ends; `kill` stops its orders\n"
        assert said in say("accounts", "remove", "demo-1", "--yes")[1]


def test_at_a_terminal_the_secret_is_asked_for_and_not_shown(folder: Path) -> None:
    ours, theirs = pty.openpty()
    environment = os.environ | {"PYTHONPATH": str(ROOT), VARIABLE: WORDS}
    code = "import sys, pipeline.keys.vault as v; v.Vault.__init__.__defaults__ = (v.CHEAPEST,)\n"
    code += "from pipeline.__main__ import main; sys.exit(main(['accounts', 'add', 'demo-1', '--vault']))"
    try:
        with subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=folder,
            env=environment,
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=theirs,
            start_new_session=True,
        ) as asked:
            shown = heard(ours, b"your name at the bank: ")
            os.write(ours, b"ada\n")
            shown += heard(ours, b"your password (not shown): ")
            os.write(ours, f"{PASSWORD}\n".encode())
            out, _ = asked.communicate(timeout=60)
            os.set_blocking(ours, False)
            shown += os.read(ours, 65536)
    finally:
        os.close(ours)
        os.close(theirs)
    assert asked.returncode == 0
    assert out.startswith(b"demo-1: its login is in the vault")
    assert PASSWORD.encode() not in shown + out


def heard(terminal: int, words: bytes) -> bytes:
    shown = b""
    while words not in shown:
        shown += os.read(terminal, 4096)
    return shown


# --- at venues that answer -------------------------------------------------------------------------------------------


VENUES = {
    "deriv": 'use = "deriv"\nurl = "URL"\napp_id = "12345"',
    "http": 'use = "http"\nurl = "URL/v1"\npermission_page = "https://broker.example/terms"\n'
    'jurisdiction = "whoever has an account may trade"',
}
NAMED = {"deriv": "account_id", "http": "username"}


@pytest.mark.parametrize("use", VENUES)
@pytest.mark.parametrize("practice", [False, True])
def test_at_a_venue_that_answers_it_shows_whose_money_it_is_and_that_it_may_trade(
    say: Say, folder: Path, use: str, practice: bool
) -> None:
    """The practice venue's server takes our word for who we are; what we do with a login is the same."""

    async def tried() -> tuple[Said, Said]:
        async with serving(Settings(port=0, memory="", accounts={"demo-1": Account()}), wall=wall) as served:
            table = VENUES[use].replace("URL", served.url) + ("\npractice = true" if practice else "")
            text = FLOW.replace('use = "bank"', table).replace('venue = "bank"', 'venue = "bank"\nmoney = "demo"')
            text = text.replace('money = "demo"', 'money = "practice"') if practice else text
            (folder / "flows.toml").write_text(text, encoding="utf-8")
            given = ("--vault", "--name", f"{NAMED[use]}=demo-1", "--stdin")
            stored = await asyncio.to_thread(say, "accounts", "add", "demo-1", *given, typed="practice-demo-1\n")
            return stored, await asyncio.to_thread(say, "accounts", "test", "demo-1", "--json")

    stored, (code, out, error) = asyncio.run(tried())
    assert stored[0] == (2 if practice else 0)
    assert (code, error) == (0, "")
    facts = json.loads(out)
    assert facts["account"] == ("demo-1" if practice else "de…-1")
    assert facts["money"] == "demo"
    assert "10000" in facts["balance"]
    assert abs(int(facts["clock"].split()[0])) < 5_000


# --- what a run says -------------------------------------------------------------------------------------------------


def test_a_run_says_which_login_does_not_open_and_goes_on(say: Say) -> None:
    add(say)
    code, _, error = say("run", "--for", "100ms")
    assert code == 0
    assert error == "account demo-2 has no login; store one with `accounts add demo-2`\n"


# --- doctor ----------------------------------------------------------------------------------------------------------


def findings(say: Say) -> list[dict[str, Any]]:
    return json.loads(say("doctor", "--json")[1])


def of(say: Say, what: str) -> list[tuple[str, str, str]]:
    return [(each["state"], each["found"], each["mend"]) for each in findings(say) if each["what"] == what]


def test_doctor_says_which_logins_open_and_on_whose_word_one_may_trade(say: Say) -> None:
    add(say)
    assert of(say, "login") == [
        ("ok", "demo-1's opens", ""),
        ("note", "demo-2 has none", "`accounts add demo-2` stores one"),
    ]
    assert ("ok", "bank: whoever has an account may trade (https://bank.example/terms)", "") in of(say, "permission")
    assert of(say, "vault") == [("ok", "profiles/logins.vault is whole and ours alone", "")]
    assert of(say, "profiles") == [("ok", "profiles/ is ours alone", "")]
    assert "how far bank's is from ours is not known here" in [found for _, found, _ in of(say, "clock")]
    assert of(say, "secrets") == [("ok", "none in the clear in flow files, .env files and profiles", "")]


def test_doctor_names_what_is_open_to_others_and_what_was_damaged(say: Say, folder: Path) -> None:
    add(say)
    (folder / "profiles" / "demo-1").chmod(0o755)
    (folder / "profiles" / "logins.vault").write_bytes(b"{}")
    assert of(say, "profiles")[0][0] == "bad"
    assert "is open to others (mode 755)" in of(say, "profiles")[0][1]
    assert "is no vault of ours, or is damaged" in of(say, "vault")[0][1]
    assert say("doctor")[0] == 1


@pytest.mark.parametrize(
    ("file", "line", "found"),
    [
        (".env", f'BROKER_PASSWORD="{PASSWORD}"', ".env:2 has BROKER_PASSWORD in the clear"),
        ("other.toml", f'token = "{PASSWORD}"', "other.toml:2 has token in the clear"),
        ("other.toml", f'bank = {{ api_key = "{PASSWORD}" }}', "other.toml:2 has api_key in the clear"),
        ("other.toml", f'# password = "{PASSWORD}"', "other.toml:2 has password in the clear"),
        (
            "other.toml",
            'note = "pat_9Zk1QqA7canary99"',
            "other.toml:2 has something that looks like a token in the clear",
        ),
        ("profiles/demo-1/notes.txt", f"password: {PASSWORD}", "profiles/demo-1/notes.txt:2 has password in the clear"),
        (
            "profiles/demo-1/profile.toml",
            'username = "9Zk1QqA7c9Zk1QqA7c9Zk1QqA7c"',
            "profiles/demo-1/profile.toml:2 has username in the clear",
        ),
    ],
)
def test_doctor_finds_a_secret_that_lies_in_a_file_and_does_not_say_it(
    say: Say, folder: Path, file: str, line: str, found: str
) -> None:
    (folder / "profiles" / "demo-1").mkdir(parents=True, mode=0o700)
    (folder / file).write_text(f"# a file\n{line}\n", encoding="utf-8")
    assert ("bad", found) in [each[:2] for each in of(say, "secrets")]
    assert "9Zk1QqA7" not in say("doctor")[1]


@pytest.mark.parametrize(
    "line",
    ['token = "practice-demo-1"', 'password = "$PASSWORD"', 'api_key = "<yours>"', "stake = 1", 'memory = "broker.db"'],
)
def test_doctor_takes_no_placeholder_for_a_secret(say: Say, folder: Path, line: str) -> None:
    (folder / "other.toml").write_text(line, encoding="utf-8")
    assert [each[0] for each in of(say, "secrets")] == ["ok"]


def test_doctor_says_when_a_repository_does_not_pass_over_profiles(say: Say, folder: Path) -> None:
    add(say)
    (folder / ".git").mkdir()
    assert ("bad", "a repository here does not pass over them", "add profiles/ to .gitignore") in of(say, "profiles")
    (folder / ".gitignore").write_text("data/\nprofiles/\n", encoding="utf-8")
    assert of(say, "profiles") == [("ok", "profiles/ is ours alone", "")]


def test_init_has_a_repository_pass_over_what_is_nobody_elses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".gitignore").write_text("data/\n*.log", encoding="utf-8")
    assert main(["init", str(tmp_path)]) == 0
    assert (tmp_path / ".gitignore").read_text(encoding="utf-8") == "data/\n*.log\nprofiles/\n"
    assert main(["init", str(tmp_path / "new")]) == 0
    assert (tmp_path / "new" / ".gitignore").read_text(encoding="utf-8") == "data/\nprofiles/\n"
    capsys.readouterr()


def test_a_login_moves_into_a_vault_though_the_keyring_it_was_in_is_gone(say: Say, folder: Path) -> None:
    """As when the folder is taken to a machine without a desktop."""
    add(say)
    profile = folder / "profiles" / "demo-1" / "profile.toml"
    profile.write_text(profile.read_text(encoding="utf-8").replace('"vault"', '"keyring"'), encoding="utf-8")
    code, _, error = say("accounts", "login", "demo-1", "--vault", "--stdin", typed=f"{PASSWORD}\n")
    assert code == 2
    assert error.startswith(
        "the new login is stored, but the secrets of before could not be taken away: there is no key"
    )
    assert say("accounts", "test", "demo-1")[0] == 0


# --- while a flow runs -----------------------------------------------------------------------------------------------


def test_a_flow_that_was_not_let_in_is_once_another_login_is_stored(
    say: Say, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "LOOKING", 0.05)
    stands: list[str] = []
    changed = asyncio.Event()

    def told(node: str, value: Any) -> None:
        del node
        if isinstance(value, Standing):
            stands.append(value.state)
            changed.set()

    async def until(state: str) -> None:
        async with asyncio.timeout(30):
            while stands[-1:] != [state]:
                changed.clear()
                await changed.wait()

    async def lived() -> None:
        async with serving(Settings(port=0, memory="", accounts={"demo-1": Account()}), wall=wall) as served:
            table = VENUES["deriv"].replace("URL", served.url)
            text = FLOW.replace('use = "bank"', table).replace('venue = "bank"', 'venue = "bank"\nmoney = "demo"')
            text = text.replace('[accounts.demo-2]\nvenue = "bank"\nmoney = "demo"\n', "")
            (folder / "flows.toml").write_text(text, encoding="utf-8")
            given = ("--vault", "--name", "account_id=demo-1", "--stdin")
            await asyncio.to_thread(say, "accounts", "add", "demo-1", *given, typed="practice-nobody\n")
            begin = wall()
            clock = LoopClock(asyncio.get_running_loop(), begin)
            setting = Setting(mode="paper", begin=begin, clock=clock, outside=("venue",))
            plan = load(folder / "flows.toml")
            async with running(plan, setting, NoRecords(), Past((), {}), taps=(told,)):
                await until("REFUSED")
                await asyncio.to_thread(say, "accounts", "login", "demo-1", "--stdin", typed="practice-demo-1\n")
                await until("CONNECTED")

    asyncio.run(lived())
    assert stands[0] == "DISCONNECTED"
    assert stands.count("REFUSED") == 1
