"""Old rows that are only to be looked at can go; orders and what makes them certain stay."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pipeline.__main__ import main
from pipeline.errors import MoonlightError
from pipeline.ledger import Ledger
from pipeline.ledger.pruning import TABLES, pruned, to_prune
from pipeline.ledger.tables import opened
from pipeline.lives import begun
from pipeline.replaying import replayed
from pipeline.times import DAY, HOUR, MINUTE
from pipeline.trials import note_trial
from pipeline.values import Latch, Past
from tests.support import MONDAY, SMALL, plan_of

Say = Callable[..., tuple[int, str, str]]
LONG = MONDAY + 3 * DAY
STAY = ("orders", "order_events", "latches", "lives", "configs", "accounts")
PLAN = plan_of(SMALL)


def rows(path: Path, asked: str, *values: Any) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute(asked, values).fetchall()


def sizes(path: Path) -> dict[str, int]:
    return {table: len(rows(path, f"SELECT * FROM {table}")) for table in (*TABLES, *STAY)}  # noqa: S608


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two hours of a flow, and one hour three days later."""
    path = tmp_path_factory.mktemp("flow") / "ledger.db"
    begun(path, PLAN, 1, MONDAY)
    with Ledger(path) as ledger:
        ledger.latch(Latch("", True, MONDAY, "too wild", "kill"))
        ledger.latch(Latch("", False, MONDAY + 1, "calm again", "resume"))
        for begin, end in ((MONDAY, MONDAY + 2 * HOUR), (LONG, LONG + HOUR)):
            replayed(PLAN, begin, end, ledger, past=Past((), {}))
    with closing(sqlite3.connect(path)) as db, db:
        paid = [("EURUSD", MONDAY, 0.9), ("EURUSD", MONDAY + HOUR, 0.8), ("EURUSD", LONG, 0.7), ("BTCUSD", LONG, 0.6)]
        db.executemany("INSERT OR REPLACE INTO payouts VALUES (?, ?, ?)", paid)
        measured = [(MONDAY + minute * MINUTE, "demo-1", "open", 1.0) for minute in (1, 2)]
        db.executemany("INSERT OR REPLACE INTO metrics VALUES (?, ?, ?, ?)", [*measured, (LONG, "demo-1", "open", 2.0)])
    return path


@pytest.fixture
def path(filled: Path, tmp_path: Path) -> Path:
    (tmp_path / "flows.toml").write_text(SMALL, encoding="utf-8")
    made = tmp_path / "data" / "ledger.db"
    made.parent.mkdir()
    with closing(sqlite3.connect(filled)) as source, closing(sqlite3.connect(made)) as target:
        source.backup(target)
    return made


@pytest.fixture
def say(path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    monkeypatch.chdir(path.parent.parent)

    def said(*arguments: str) -> tuple[int, str, str]:
        code = main(["prune", *arguments])
        told = capsys.readouterr()
        return code, told.out, told.err

    return said


def test_what_is_older_goes_and_what_makes_orders_certain_stays(path: Path) -> None:
    before, counts = sizes(path), to_prune(path, LONG)
    assert sizes(path) == before
    assert pruned(path, LONG) == counts
    after = sizes(path)
    assert {table: after[table] for table in STAY} == {table: before[table] for table in STAY}
    assert {table: before[table] - after[table] for table in TABLES} == counts
    assert all(counts[table] for table in TABLES)
    assert rows(path, "SELECT count(*) FROM decisions WHERE bar < ?", LONG) == [(0,)]
    assert rows(path, "SELECT count(*) FROM outcomes WHERE bar < ?", LONG) == [(0,)]
    kept = 'SELECT count(*) FROM order_features WHERE "order" IN (SELECT "order" FROM orders WHERE bar < ?)'
    assert rows(path, kept, LONG) == [(0,)]
    assert before["orders"] > 10


def test_the_payout_that_was_in_force_stays(path: Path) -> None:
    pruned(path, LONG - HOUR)
    assert rows(path, "SELECT product, ratio FROM payouts WHERE product = 'EURUSD' ORDER BY ts") == [
        ("EURUSD", 0.8),
        ("EURUSD", 0.7),
    ]


def test_the_last_decision_of_each_key_stays_so_that_a_start_goes_on_from_it(path: Path) -> None:
    with Ledger(path) as ledger:
        before = ledger.past(LONG + DAY)
    pruned(path, LONG + 30 * DAY)
    with Ledger(path) as ledger:
        after = ledger.past(LONG + DAY)
    keys = rows(path, "SELECT account, product, tf FROM decisions")
    assert len(keys) == len(set(keys)) == 4
    assert (after.orders, after.decided, after.latches) == (before.orders, before.decided, before.latches)


def test_it_goes_in_batches_and_says_how_far_it_is(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.ledger.pruning.BATCH", 50)
    shown: list[int] = []
    turns: list[int] = []
    counts = pruned(path, LONG, shown.append, lambda: turns.append(len(shown)))
    assert len(shown) > 8
    assert turns == list(range(1, len(shown) + 1))  # after each, others may write
    assert shown == sorted(shown)
    assert shown[-1] == sum(counts.values())
    assert to_prune(path, LONG) == dict.fromkeys(TABLES, 0)


def test_a_dry_run_says_what_would_go_and_touches_nothing(say: Say, path: Path) -> None:
    before = sizes(path)
    code, out, _ = say("--before", "2d", "--dry-run", "--json")
    counts = json.loads(out)["rows"]
    assert (code, counts) == (0, to_prune(path, json.loads(out)["before"]))
    assert (
        f"would go: {counts['decisions']:,} decisions, {counts['outcomes']:,} outcomes,"
        in say("--before", "2d", "--dry-run")[1]
    )
    assert sizes(path) == before
    code, out, _ = say("--before", "2d", "--json")
    assert (code, json.loads(out)["rows"]) == (0, counts)
    assert say("--before", "2d")[1].count("went: nothing") == 1


@pytest.mark.parametrize(
    ("moment", "sentence"),
    [
        ("1h", "--before 1h is less than a day before the last row (2026-01-08T"),
        ("soon", "'soon' is not a moment; write it like 2026-01-05T08:00:00Z, or how far back, like 400d"),
        ("2027-01-01", "--before 2027-01-01 is less than a day before the last row"),
    ],
)
def test_a_moment_that_will_not_do_is_one_sentence(say: Say, path: Path, moment: str, sentence: str) -> None:
    before = sizes(path)
    code, out, error = say("--before", moment)
    assert (code, out, error.count("\n")) == (2, "", 1)
    assert error.startswith(sentence)
    assert sizes(path) == before


def test_beside_a_ledger_that_is_being_written_it_waits_its_turn(path: Path) -> None:
    with Ledger(path) as ledger:
        pruned(path, LONG)
        ledger.latch(Latch("", True, LONG, "again", "kill"))
        assert ledger.past(LONG).latches


def test_a_ledger_that_is_kept_locked_is_told_in_a_sentence(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opened, "__defaults__", (10,))  # milliseconds
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(MoonlightError, match=r"another program has kept the ledger .* locked for"):
            pruned(path, LONG)
        with pytest.raises(MoonlightError, match=r"another program has kept the ledger .* locked for"):
            note_trial(path, PLAN, 1, "replay", (MONDAY, LONG), {})
