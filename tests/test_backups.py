"""A ledger is copied while it is written, looked through, and put back; what was there before is kept."""

import json
import os
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from pipeline.__main__ import main
from pipeline.errors import InputError
from pipeline.ledger import Ledger, LedgerError
from pipeline.ledger.backups import backed_up, backups_in, looked_through, restored
from pipeline.ledger.reading import Reader
from pipeline.locking import locked
from pipeline.times import HOUR, MINUTE
from pipeline.venues.book import Deal
from pipeline.venues.memory import Memory
from tests.support import MONDAY, SMALL, order

Said = tuple[int, str, str]
Say = Callable[..., Said]


def trade(ledger: Ledger, minute: int) -> None:
    assert ledger.intend(order("PREPARE", order=f"o{minute}", bar=MONDAY + minute * MINUTE))


def orders_in(path: Path) -> list[str]:
    reader = Reader(path)
    try:
        return [each.order for each in reader.orders()]
    finally:
        reader.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "flows.toml").write_text(SMALL, encoding="utf-8")
    with Ledger(tmp_path / "data" / "ledger.db") as ledger:
        for minute in range(3):
            trade(ledger, minute)
    return tmp_path


@pytest.fixture
def path(folder: Path) -> Path:
    return folder / "data" / "ledger.db"


@pytest.fixture
def say(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    monkeypatch.chdir(folder)

    def said(*arguments: str) -> Said:
        code = main(arguments)
        told = capsys.readouterr()
        return code, told.out, told.err

    return said


# --- copies ----------------------------------------------------------------------------------------------------------


def test_a_copy_has_what_is_on_disk_though_the_ledger_is_open_and_its_log_is_long(path: Path, tmp_path: Path) -> None:
    with Ledger(path) as ledger:
        trade(ledger, 3)
        copy = backed_up(path, tmp_path / "copy.db")
        trade(ledger, 4)
    assert (copy.path, copy.orders) == (tmp_path / "copy.db", 4)
    assert orders_in(copy.path) == ["o0", "o1", "o2", "o3"]
    assert len(orders_in(path)) == 5


def test_a_copy_made_while_others_write_is_of_one_moment(path: Path, tmp_path: Path) -> None:
    """Somebody writes between any two steps of the copy: it does not begin anew, and has nothing of it."""
    with Ledger(path) as ledger:
        for minute in range(3, 200):
            trade(ledger, minute)
        written = iter(range(200, 400))
        steps: list[float] = []

        def between(done: float) -> None:
            steps.append(done)
            trade(ledger, next(written))

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("pipeline.ledger.backups.PAGES", 2)
            copy = backed_up(path, tmp_path / "copy.db", between)
    assert len(steps) > 10
    assert steps == sorted(steps)
    assert copy.orders == 200


def test_a_copy_is_one_file_for_its_owner_alone(path: Path, tmp_path: Path) -> None:
    made = tmp_path / "kept"
    backed_up(path, made / "copy.db")
    assert [each.name for each in made.iterdir()] == ["copy.db"]
    assert os.name == "nt" or (made / "copy.db").stat().st_mode & 0o777 == 0o600


def test_a_damaged_ledger_gives_no_copy(path: Path, tmp_path: Path) -> None:
    damage(path)
    with pytest.raises(LedgerError, match=r"is damaged, so no copy of it was kept; .* with `restore`|cannot be copied"):
        backed_up(path, tmp_path / "copies" / "copy.db")
    assert list((tmp_path / "copies").iterdir()) == []


def test_a_backup_of_a_damaged_ledger_ends_as_every_verb_that_fails_and_names_no_file_of_its_own(
    say: Say, path: Path, tmp_path: Path
) -> None:
    damage(path)
    code, out, error = say("backup", "--out", "mine.db")
    assert (code, out, ".part" in error) == (1, "", False)
    assert str(path) in error
    assert [each.name for each in tmp_path.glob("*mine*")] == []


def test_a_ledger_of_a_newer_version_is_named_when_it_is_not_copied(path: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(InputError) as told:
        backed_up(path, tmp_path / "copy.db")
    assert str(told.value).startswith(f"{path} is no ledger that this version reads (schema 99")


def damage(path: Path) -> None:
    """Overwrite every page but the first with noise."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode = DELETE")
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xa5" * (len(whole) - 4096))


# --- the verbs -------------------------------------------------------------------------------------------------------


def test_a_backup_goes_beside_the_ledger_and_the_last_ones_stay(say: Say, folder: Path) -> None:
    told = [say("backup", "--keep", "3") for _ in range(4)]
    assert [(code, error) for code, _, error in told] == [(0, "")] * 4
    names, out = [out.split(":")[0] for _, out, _ in told], told[-1][1]
    sentence = r".*ledger-\d{8}T\d{6}\.\d{6}Z\.db: 3 orders, 0 decisions, [\d.]+ MB, looked through and sound\n"
    assert re.match(sentence, out)
    assert out.splitlines()[1:] == [f"removed {names[0]}"]
    assert [str(each) for each in backups_in(folder / "data" / "backups")] == names[1:]


def test_a_backup_may_go_anywhere_but_over_nothing(say: Say, tmp_path: Path) -> None:
    code, out, _ = say("backup", "--out", "mine.db", "--json")
    assert (code, json.loads(out)["orders"], json.loads(out)["removed"]) == (0, 3, [])
    assert say("backup", "--out", "mine.db") == (2, "", "mine.db exists already; name a new file with --out\n")


def test_a_restored_ledger_is_as_it_was_and_the_replaced_one_is_kept(say: Say, path: Path) -> None:
    say("backup", "--out", "mine.db")
    with Ledger(path) as ledger:
        trade(ledger, 3)
    code, out, error = say("restore", "mine.db", "--json")
    assert (code, error) == (0, "")
    assert orders_in(path) == ["o0", "o1", "o2"]
    assert orders_in(Path(json.loads(out)["replaced"])) == ["o0", "o1", "o2", "o3"]
    with Ledger(path) as ledger:
        trade(ledger, 9)
    assert len(orders_in(path)) == 4
    assert sorted(each.name for each in path.parent.glob("*.restored")) == []


def test_a_damaged_ledger_can_be_replaced_and_is_kept_as_it_is(say: Say, path: Path) -> None:
    say("backup", "--out", "mine.db")
    damage(path)
    spoiled = path.read_bytes()
    code, out, _ = say("restore", "mine.db")
    assert code == 0
    assert "what was traded since the backup is asked of the venue" in out
    assert orders_in(path) == ["o0", "o1", "o2"]
    (kept,) = path.parent.glob("ledger-replaced-*.db")
    assert kept.read_bytes() == spoiled


def test_a_log_of_the_replaced_ledger_is_not_taken_for_one_of_the_new(path: Path, tmp_path: Path) -> None:
    """The old file is left by somebody killed: its log lies beside it, and cannot be put into it."""
    copy = backed_up(path, tmp_path / "copy.db").path
    damage(path)
    log = Path(f"{path}-wal")
    log.write_bytes(b"\x37\x7f\x06\x82" + bytes(5000))
    replaced = tmp_path / "replaced.db"
    assert restored(copy, path, replaced)
    assert orders_in(path) == ["o0", "o1", "o2"]
    assert replaced.exists()


def test_a_ledger_that_was_emptied_can_be_replaced_and_its_log_is_kept(say: Say, path: Path) -> None:
    say("backup", "--out", "mine.db")
    path.write_bytes(b"")
    Path(f"{path}-wal").write_bytes(b"what was written last")
    assert "put a backup in its place (`restore`)" in say("kill")[2]
    code, out, _ = say("restore", "mine.db", "--json")
    assert code == 0
    assert Path(f"{json.loads(out)['replaced']}-wal").read_bytes() == b"what was written last"
    assert orders_in(path) == ["o0", "o1", "o2"]


def test_where_no_ledger_is_a_backup_is_put_there(say: Say, path: Path) -> None:
    say("backup", "--out", "mine.db")
    path.unlink()
    code, out, _ = say("restore", "mine.db", "--json")
    assert (code, json.loads(out)["replaced"]) == (0, None)
    assert len(orders_in(path)) == 3


def test_while_an_engine_runs_nothing_is_replaced(say: Say, path: Path) -> None:
    say("backup", "--out", "mine.db")
    before = path.read_bytes()
    with locked(path.with_name("engine.lock")) as ours:
        assert ours
        code, _, error = say("restore", "mine.db")
    assert (code, error) == (2, f"an engine runs on {path.parent}; end it first, then restore\n")
    assert path.read_bytes() == before


def test_a_simulated_market_is_not_taken_back_behind_what_its_venue_remembers(say: Say, folder: Path) -> None:
    remembering = SMALL.replace("payout = 0.9\n", 'payout = 0.9\nmemory = "broker.db"\n')
    (folder / "flows.toml").write_text(remembering, encoding="utf-8")
    say("backup", "--out", "mine.db")
    assert "the simulated market goes on from 2026-01-05T10:0" in say("restore", "mine.db")[1]
    book = folder / "data" / "broker.db"
    remembered(book, MONDAY)
    assert say("restore", "mine.db")[0] == 0
    remembered(book, MONDAY + HOUR)
    before = (folder / "data" / "ledger.db").read_bytes()
    code, out, error = say("restore", "mine.db")
    assert (code, out, error.count("\n")) == (2, "", 1)
    assert error.startswith(
        f"the memory of venues.practice in {folder / 'data'} has contracts until 2026-01-05T11:00:00.000Z: "
    )
    assert error.endswith("; move the memory's file away, or restore all the same with --force\n")
    assert (folder / "data" / "ledger.db").read_bytes() == before
    assert say("restore", "mine.db", "--force")[0] == 0
    book.unlink()
    assert say("restore", "mine.db")[0] == 0


def test_a_memory_that_is_none_is_told_when_a_backup_is_put_back(say: Say, folder: Path) -> None:
    remembering = SMALL.replace("payout = 0.9\n", 'payout = 0.9\nmemory = "broker.db"\n')
    (folder / "flows.toml").write_text(remembering, encoding="utf-8")
    say("backup", "--out", "mine.db")
    (folder / "data" / "broker.db").write_text("no database at all, but long enough to look at" * 9, encoding="utf-8")
    code, _, error = say("restore", "mine.db")
    assert (code, "cannot be used as a venue's memory" in error) == (2, True)


def remembered(path: Path, at: int) -> None:
    """A venue's book with one more contract, taken at a moment."""
    memory = Memory.opened(path)
    memory.keep(Deal(f"C-{at}", "o", "r", "demo-1", "EURUSD", MINUTE, "call", Decimal("1.00"), 0.9, at, at + MINUTE))
    memory.close()


def test_restore_alone_says_which_backups_there_are(say: Say) -> None:
    assert "there is no backup in " in say("restore")[1]
    made = [say("backup")[1].split(":")[0] for _ in range(2)]
    assert [line.split()[0] for line in say("restore")[1].splitlines()] == made


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("restore", "gone.db"), "there is no file gone.db; `restore` alone says which backups there are"),
        (("restore", "flows.toml"), "flows.toml is no ledger, or a damaged one (file is not a database); name another"),
        (("restore", "data/ledger.db"), "data/ledger.db is the ledger itself; name a backup of it"),
        (("backup", "--keep", "0"), "--keep must be 1 or more"),
        (("backup", "--keep", "3", "--out", "x.db"), "--keep is of copies without --out; leave one of them out"),
    ],
)
def test_a_mistake_is_one_sentence(say: Say, arguments: tuple[str, ...], sentence: str) -> None:
    code, out, error = say(*arguments)
    assert (code, out, error.count("\n")) == (2, "", 1)
    assert error.startswith(sentence)


def test_a_backup_of_another_flow_is_refused(say: Say, folder: Path) -> None:
    with Ledger(folder / "other.db") as other:
        other.intend(order("PREPARE", account="somebody"))
    code, _, error = say("restore", "other.db")
    assert code == 2
    assert error.startswith("other.db is of other accounts (somebody) than flows.toml has; name a backup of this flow")


def test_a_file_of_a_newer_version_is_no_ledger_for_this_one(path: Path, tmp_path: Path) -> None:
    copy = backed_up(path, tmp_path / "copy.db").path
    with closing(sqlite3.connect(copy)) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(InputError, match="no ledger that this version reads"):
        looked_through(copy)
