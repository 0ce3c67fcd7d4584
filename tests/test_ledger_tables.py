"""The ledger's file from one version to the next."""

import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pipeline.__main__ import main
from pipeline.checking import load
from pipeline.errors import InputError
from pipeline.ledger import Ledger
from pipeline.ledger.reading import Reader
from pipeline.ledger.tables import ORDERS_AND_DECISIONS, VERSION
from pipeline.replaying import replayed
from pipeline.times import HOUR
from tests.support import MONDAY, ROOT, SMALL

TABLES = "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY name"
KEPT = ("orders", "order_events", "decisions")
STATE = '"state"'
BEFORE = """CASE state WHEN 'SEND' THEN 'SENDING' WHEN 'CONFIRM' THEN 'OPEN' WHEN 'ABORT' THEN
  CASE cause WHEN 'rejected' THEN 'REJECTED' ELSE 'NOT_SENT' END WHEN 'CANCELED' THEN 'SETTLED' ELSE state END"""
AFTER = {"SENDING": "SEND", "OPEN": "CONFIRM", "REJECTED": "ABORT", "NOT_SENT": "ABORT"}


@pytest.fixture(scope="module")
def hour(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A flow that has run for an hour, and its ledger."""
    folder = tmp_path_factory.mktemp("hour")
    (folder / "flows.toml").write_text(SMALL, encoding="utf-8")
    with Ledger(folder / "data" / "ledger.db") as ledger:
        replayed(load(folder / "flows.toml"), MONDAY, MONDAY + HOUR, ledger, block=0)
    return folder


@pytest.fixture
def folder(hour: Path, tmp_path: Path) -> Path:
    """One's own."""
    return shutil.copytree(hour, tmp_path, dirs_exist_ok=True)


def contents(path: Path) -> dict[str, list[Any]]:
    """All rows as they stand."""
    with closing(sqlite3.connect(path)) as db:
        return {table: db.execute(f"SELECT * FROM {table}").fetchall() for table in KEPT}  # noqa: S608  # our own names


def made_old(path: Path) -> None:
    """The same file as the first version of the program would have left it.

    It had fewer states under other names, fewer columns, and its gates had no word.
    """
    old = path.with_name("old.db")
    with closing(sqlite3.connect(old)) as db:
        db.executescript(f"{ORDERS_AND_DECISIONS} PRAGMA user_version = 1; PRAGMA journal_mode = WAL;")
        db.execute("ATTACH ? AS new", (str(path),))
        columns = ", ".join(f'"{row[1]}"' for row in db.execute("PRAGMA main.table_info(orders)"))
        db.execute(f"INSERT INTO orders SELECT {columns.replace(STATE, BEFORE)} FROM new.orders")  # noqa: S608
        columns_of_events = 'seq, "order", account, at, "state", reason'
        db.execute(
            f"INSERT INTO order_events SELECT {columns_of_events.replace(STATE, BEFORE)} FROM new.order_events"  # noqa: S608
            " WHERE state <> 'PREPARE'"
        )
        db.execute("INSERT INTO decisions SELECT * FROM new.decisions")
        db.execute("UPDATE decisions SET gates = replace(gates, ',\"\"]', ']')")
        db.commit()
    for each in (path, *path.parent.glob(f"{path.name}-*")):
        each.unlink()
    old.rename(path)


def version_of(path: Path) -> int:
    with closing(sqlite3.connect(path)) as db:
        return int(db.execute("PRAGMA user_version").fetchone()[0])


def test_a_ledger_of_the_first_version_is_brought_along_with_everything_in_it(folder: Path) -> None:
    path = folder / "data" / "ledger.db"
    made_old(path)
    kept = contents(path)
    assert len(kept["orders"]) > 3
    assert len(kept["decisions"]) > 100
    with pytest.raises(InputError, match=rf"a ledger of version 1, this one reads {VERSION}; run the flow once"):
        Reader(path)
    with Ledger(path) as ledger:
        past = ledger.past(MONDAY + HOUR)
    assert version_of(path) == VERSION
    renewed = contents(path)
    assert renewed["decisions"] == kept["decisions"]
    for table, state in (("orders", 8), ("order_events", 4)):
        before = [(*row[:state], AFTER.get(row[state], row[state]), *row[state + 1 :]) for row in kept[table]]
        assert [row[: len(before[0])] for row in renewed[table]] == before
    assert len(past.orders) == len(kept["orders"])
    new = folder / "new.db"
    Ledger(new).close()
    with closing(sqlite3.connect(path)) as old, closing(sqlite3.connect(new)) as fresh:
        assert old.execute(TABLES).fetchall() == fresh.execute(TABLES).fetchall()


def test_why_answers_of_bars_from_before_outcomes_were_kept(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / "data" / "ledger.db"
    made_old(path)
    Ledger(path).close()
    monkeypatch.chdir(folder)
    assert main(["why", "EURUSD", "1m", "10:30"]) == 0
    assert capsys.readouterr().out.count("✔") > 5
    assert main(["why", "--day", "2026-01-05"]) == 0
    out = capsys.readouterr().out
    assert "each has its row: it adds up" in out
    assert "not known yet" in out


def test_a_flow_goes_on_with_a_ledger_brought_along_and_settles_the_bars_decided_last(folder: Path) -> None:
    path = folder / "data" / "ledger.db"
    made_old(path)
    with Ledger(path) as ledger:
        begin = (ledger.last_moment() or 0) + 1
        past = ledger.past(begin)
        assert len(past.awaited) > 3
        replayed(load(folder / "flows.toml"), begin, begin + HOUR, ledger, past=past)
    with closing(Reader(path)) as reader:
        outcomes = {(row["product"], row["tf"], row["bar"]): row["entry"] for row in reader.outcomes()}
    awaited = [(each.product, each.tf, each.bar) for each in past.awaited]
    assert set(awaited) <= set(outcomes)
    assert all(outcomes[each] is not None for each in awaited)


def test_a_database_of_something_else_does_not_become_a_ledger(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE letters (something TEXT)")
        db.commit()
    with pytest.raises(InputError, match=r"is a database of something else \(it has letters\); name another folder"):
        Ledger(path)
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT name FROM sqlite_master").fetchall() == [("letters",)]


def test_a_ledger_that_cannot_be_brought_along_stays_as_it_was(folder: Path) -> None:
    path = folder / "data" / "ledger.db"
    made_old(path)
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE latches (something TEXT)")
        db.commit()
    kept = contents(path)
    with pytest.raises(InputError, match=r"cannot be used as a ledger .*latches already exists"):
        Ledger(path)
    assert version_of(path) == 1
    assert contents(path) == kept
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT count(*) FROM sqlite_master WHERE name = 'outcomes'").fetchone() == (0,)


def test_of_several_that_open_a_new_ledger_at_once_each_finds_it_whole(tmp_path: Path) -> None:
    path, failed = tmp_path / "ledger.db", list[Exception]()

    def opens() -> None:
        try:
            Ledger(path).close()
        except InputError as failure:
            failed.append(failure)

    threads = [threading.Thread(target=opens) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert failed == []
    assert version_of(path) == VERSION


def test_before_its_tables_change_a_ledger_is_copied_beside_itself(folder: Path) -> None:
    path = folder / "data" / "ledger.db"
    made_old(path)
    kept = contents(path)
    Ledger(path).close()
    copy = path.with_name("ledger-v1.db")
    assert version_of(copy) == 1
    assert contents(copy) == kept
    assert not list(path.parent.glob("*.part"))
    written = copy.stat().st_mtime_ns
    Ledger(path).close()
    assert copy.stat().st_mtime_ns == written


KILLED = """
import os, signal, sqlite3, sys
from pathlib import Path
from pipeline.ledger import Ledger

left = int(sys.argv[2])

def count(statement):
    global left
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)

def watched(*named, **how):
    db = connect(*named, **how)
    db.set_trace_callback(count)
    return db

connect, sqlite3.connect = sqlite3.connect, watched
Ledger(Path(sys.argv[1])).close()
"""


@pytest.mark.parametrize("statement", [9, 10, 12, 20, 30, 45])
def test_a_ledger_whose_renewal_is_killed_is_the_old_one_and_is_renewed_next_time(folder: Path, statement: int) -> None:
    path = folder / "data" / "ledger.db"
    made_old(path)
    kept = contents(path)
    command = [sys.executable, "-c", KILLED, str(path), str(statement)]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == -signal.SIGKILL
    assert version_of(path) == 1
    assert contents(path) == kept
    with Ledger(path) as ledger:
        assert len(ledger.past(MONDAY + HOUR).orders) == len(kept["orders"])
    assert version_of(path) == VERSION
    assert not list(path.parent.glob("*.part"))
