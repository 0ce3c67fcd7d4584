"""Logins: stored whole or not at all, one for each account, and told of by nothing but their names."""

import stat
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline import secret
from pipeline.errors import InputError
from pipeline.keys import logins_of
from pipeline.keys.keeping import Keys, forget, keep
from pipeline.keys.profiles import profile_of, profiles
from pipeline.keys.vault import CHEAPEST, Vault, vault_of
from pipeline.locking import locked
from pipeline.secret import CODE_LASTS, VARIABLE, Login, Secret

TOKEN = "pat_9Zk1QqA7canary"  # noqa: S105  # what is looked for


@pytest.fixture(autouse=True)
def a_vault_that_opens_quickly(monkeypatch: pytest.MonkeyPatch, base: Path) -> Iterator[None]:
    """A vault whose key is made cheaply, known to the program as the vault of the folder."""
    monkeypatch.setattr(secret, "_passphrase", [])
    monkeypatch.setenv(VARIABLE, "correct horse battery staple")
    quick = Vault(base / "profiles" / "logins.vault", CHEAPEST)
    vault_of.cache_clear()
    monkeypatch.setattr("pipeline.keys.vault.vault_of", lambda folder: quick)  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
    yield
    vault_of.cache_clear()


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return tmp_path


def login(name: str = "DOT1", token: str = TOKEN) -> Login:
    return Login({"account_id": name}, {"token": Secret(token)})


def kept(base: Path, account: str = "demo-1", name: str = "DOT1", token: str = TOKEN) -> None:
    keep(base, account, "deriv", "vault", login(name, token))


def test_a_login_comes_back_as_it_was_stored(base: Path) -> None:
    kept(base)
    assert Keys(base).of("demo-1") == login()
    assert logins_of(base).of("demo-1") == login()


def test_the_profile_says_names_and_no_secret_and_is_its_owners_alone(base: Path) -> None:
    kept(base)
    path = base / "profiles" / "demo-1" / "profile.toml"
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    assert (table["account"], table["kept"], table["secrets"]) == ("demo-1", "vault", ["token"])
    assert table["names"] == {"account_id": "DOT1"}
    assert TOKEN not in path.read_text(encoding="utf-8")
    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in (base / "profiles").rglob("*")}
    assert modes == {"demo-1": 0o700, "profile.toml": 0o600, "logins.vault": 0o600, ".lock": 0o600}
    assert stat.S_IMODE((base / "profiles").stat().st_mode) == 0o700


def test_an_account_without_a_login_says_how_to_store_one(base: Path) -> None:
    assert Keys(base).stamp("demo-1") == 0
    with pytest.raises(InputError, match="account demo-1 has no login; store one with `accounts add demo-1`"):
        Keys(base).of("demo-1")


def test_another_login_changes_the_stamp_and_is_what_is_given_from_then_on(base: Path) -> None:
    keys = Keys(base)
    kept(base)
    first = keys.stamp("demo-1")
    assert keys.of("demo-1").secrets["token"].reveal() == TOKEN
    kept(base, token="another token")  # noqa: S106
    assert keys.stamp("demo-1") > first
    assert keys.of("demo-1").secrets["token"].reveal() == "another token"


def test_a_login_is_given_to_no_other_part_than_it_was_stored_for(base: Path) -> None:
    kept(base)
    assert logins_of(base, "deriv").of("demo-1") == login()
    with pytest.raises(InputError, match="the login of demo-1 is for deriv, and it is at http now; store another with"):
        logins_of(base, "http").of("demo-1")


def test_of_a_login_that_was_replaced_nothing_is_left(base: Path) -> None:
    kept(base)
    before = profile_of(base, "demo-1")
    kept(base, token="another token")  # noqa: S106
    assert before is not None
    with pytest.raises(InputError):
        Vault(base / "profiles" / "logins.vault").take(before.entry, ("token",))


def test_a_code_is_handed_out_for_a_minute_and_a_half(base: Path) -> None:
    given = Login({"username": "ada"}, {"password": Secret("a password"), "otp": Secret("123456")})
    stored = keep(base, "demo-1", "http", "vault", given, codes=("otp",)).stored_at
    now = stored
    keys = Keys(base, now=lambda: now)
    assert set(keys.of("demo-1").secrets) == {"password", "otp"}
    now = stored + CODE_LASTS
    assert set(keys.of("demo-1").secrets) == {"password"}


def test_two_accounts_cannot_have_one_login(base: Path) -> None:
    kept(base)
    with pytest.raises(InputError, match="demo-1 logs in with that already; every account needs a login of its own"):
        kept(base, "demo-2")
    kept(base, "demo-2", name="DOT2")
    assert [each.account for each in profiles(base)] == ["demo-1", "demo-2"]


def test_two_accounts_that_have_only_a_secret_cannot_share_it(base: Path) -> None:
    keep(base, "demo-1", "bare", "vault", Login({}, {"token": Secret(TOKEN)}))
    with pytest.raises(InputError, match="demo-1 logs in with that already"):
        keep(base, "demo-2", "bare", "vault", Login({}, {"token": Secret(TOKEN)}))
    keep(base, "demo-2", "bare", "vault", Login({}, {"token": Secret("another")}))


def test_the_same_account_may_store_the_same_login_again(base: Path) -> None:
    kept(base)
    kept(base)
    assert Keys(base).of("demo-1") == login()


def test_a_login_that_was_forgotten_is_gone_and_the_others_stay(base: Path) -> None:
    kept(base)
    kept(base, "demo-2", name="DOT2")
    forget(base, "demo-1")
    assert not (base / "profiles" / "demo-1").exists()
    assert Keys(base).stamp("demo-1") == 0
    assert Keys(base).of("demo-2") == login("DOT2")
    with pytest.raises(InputError, match="account demo-1 has no login"):
        forget(base, "demo-1")


def test_a_login_can_be_forgotten_though_its_vault_is_gone(base: Path) -> None:
    kept(base)
    (base / "profiles" / "logins.vault").unlink()
    with pytest.raises(InputError, match="the login is forgotten, but the secrets of before could not be taken away"):
        forget(base, "demo-1")
    assert Keys(base).stamp("demo-1") == 0


def test_whoever_stores_at_the_same_time_is_asked_to_try_again(base: Path) -> None:
    kept(base)
    with locked(base / "profiles" / ".lock"), pytest.raises(InputError, match="is changing the logins"):
        kept(base)


def test_nothing_is_stored_where_the_vault_does_not_open(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE)
    with pytest.raises(InputError, match="nobody gives its passphrase"):
        kept(base)
    assert profile_of(base, "demo-1") is None


# --- profiles that cannot be trusted ---------------------------------------------------------------------------------


def test_a_profile_that_others_can_read_is_refused_with_the_command_that_closes_it(base: Path) -> None:
    kept(base)
    path = base / "profiles" / "demo-1" / "profile.toml"
    path.chmod(0o644)
    with pytest.raises(InputError, match=r"is open to others \(mode 644\); close it with `chmod 600 "):
        Keys(base).of("demo-1")
    assert Keys(base).stamp("demo-1") == 0


@pytest.mark.parametrize("part", ["profiles", "profiles/demo-1", "profiles/demo-1/profile.toml"])
def test_a_link_on_the_way_to_a_profile_is_refused(
    base: Path, tmp_path_factory: pytest.TempPathFactory, part: str
) -> None:
    kept(base)
    elsewhere = (base / part).rename(tmp_path_factory.mktemp("elsewhere") / "moved")
    (base / part).symlink_to(elsewhere)
    with pytest.raises(InputError, match="is a link; put the"):
        Keys(base).of("demo-1")
    with pytest.raises(InputError, match="is a link; put the"):
        kept(base)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('token = "pat_9Zk1QqA7canary"', "has a key that no profile has; remove it, and store the login again"),
        ("entry = 12", "is not TOML"),
        ("= pat_9Zk1QqA7canary", "is not TOML; remove it, and store the login again"),
    ],
)
def test_a_profile_that_somebody_wrote_into_is_refused_without_saying_what(base: Path, line: str, said: str) -> None:
    kept(base)
    path = base / "profiles" / "demo-1" / "profile.toml"
    path.write_text(f"{line}\n{path.read_text(encoding='utf-8')}", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        Keys(base).of("demo-1")
    assert said in str(caught.value)
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize("field", ['kept = "vault"', "stored_at = "])
def test_a_profile_with_another_value_than_we_write_is_refused_without_saying_it(base: Path, field: str) -> None:
    kept(base)
    path = base / "profiles" / "demo-1" / "profile.toml"
    lines = path.read_text(encoding="utf-8").splitlines()
    changed = [f'{line.split(" = ")[0]} = "{TOKEN}"' if line.startswith(field) else line for line in lines]
    assert changed != lines
    path.write_text("\n".join(changed), encoding="utf-8")
    with pytest.raises(InputError, match="is not as we write it; remove it, and store the login again") as caught:
        Keys(base).of("demo-1")
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize("account", ["../escape", "a/b", ".hidden", "", "ünï", "x" * 61, "a b"])
def test_a_name_that_is_no_name_of_a_folder_can_have_no_login(base: Path, account: str) -> None:
    with pytest.raises(InputError, match="can have no login: a folder has its name; rename it"):
        kept(base, account)


def test_a_profile_in_the_folder_of_another_account_is_refused(base: Path) -> None:
    kept(base)
    (base / "profiles" / "demo-1").rename(base / "profiles" / "demo-2")
    with pytest.raises(InputError, match="is the profile of 'demo-1'; accounts whose names differ in capitals only"):
        Keys(base).of("demo-2")
