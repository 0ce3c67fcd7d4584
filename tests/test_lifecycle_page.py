"""The page of lives says what the code does: its tables, its order, its times."""

import re
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pipeline.__main__ import main
from pipeline.connections.standings import MOVES as CONNECTIONS
from pipeline.engine import LEDGER_FILE
from pipeline.ledger import Ledger
from pipeline.lifecycle import MOVES as KEYS
from pipeline.live import LOCK_FILE
from pipeline.locking import locked
from pipeline.orders import MOVES as ORDERS
from pipeline.times import MINUTE
from pipeline.values import Order
from pipeline.view import ENGINE_FILE
from tests.support import MONDAY, ROOT, SMALL
from tests.test_starting import played
from tests.test_timings import TIMES

PAGE = (ROOT / "docs" / "lifecycle.md").read_text(encoding="utf-8")


def table_of(heading: str) -> dict[str, set[str]]:
    """The moves in the table under a heading."""
    _, rest = PAGE.split(f"## {heading}\n", 1)
    rows = [row.split("|") for row in rest.split("\n## ", 1)[0].splitlines() if row.startswith("| `")]
    return {row[1].strip(" `"): set(re.findall(r"`(\w+)`", row[3])) for row in rows}


@pytest.mark.parametrize(("heading", "moves"), [("A key", KEYS), ("An order", ORDERS), ("A connection", CONNECTIONS)])
def test_the_tables_of_the_page_are_those_of_the_code(heading: str, moves: Mapping[Any, frozenset[Any]]) -> None:
    assert table_of(heading) == {state: set(to) for state, to in moves.items()}


def test_every_time_on_the_page_is_tried() -> None:
    _, table = PAGE.split("## Times that may be written\n", 1)
    rows = [row.split("|")[1] for row in table.splitlines() if row.startswith("| `")]
    named = {key for row in rows for key in re.findall(r"`([\w.]+)`", row)} - {"window", "executor", "guard"}
    assert named == {
        key.split(" ")[1] if key.startswith(("window", "executor", "guard")) else key.replace(" ", ".") for key in TIMES
    }


# --- from the file to the first trade --------------------------------------------------------------------------------


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], int]:
    """Run a flow as its user does, for a moment, in the folder of the test."""
    monkeypatch.chdir(tmp_path)

    def ran(text: str) -> int:
        (tmp_path / "flows.toml").write_text(text, encoding="utf-8")
        return main(("run", "--for", "1ms", "--json"))

    return ran


def test_with_a_mistake_in_the_file_nothing_is_made(run: Callable[[str], int], tmp_path: Path) -> None:
    assert run(SMALL.replace('use = "guard"', 'use = "gard"')) == 2
    assert [each.name for each in tmp_path.iterdir()] == ["flows.toml"]


def test_a_second_engine_ends_before_it_has_touched_anything(run: Callable[[str], int], tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with locked(tmp_path / "data" / LOCK_FILE, 0o600):
        assert run(SMALL) == 2
    assert [each.name for each in (tmp_path / "data").iterdir()] == [LOCK_FILE]


def test_a_damaged_ledger_ends_a_start_before_anybody_may_attach(run: Callable[[str], int], tmp_path: Path) -> None:
    path = tmp_path / "data" / LEDGER_FILE
    with Ledger(path):
        pass
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode = DELETE")
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + bytes(4096) + whole[8192:])
    assert run(SMALL) != 0
    assert not (tmp_path / "data" / ENGINE_FILE).exists()


def test_what_is_remembered_comes_before_prices_and_a_key_runs_before_it_is_traded(tmp_path: Path) -> None:
    given = played(tmp_path / "ledger.db", MONDAY, MONDAY + MINUTE)
    names = [f"Order {value.state}" if isinstance(value, Order) else type(value).__name__ for _, value in given]
    steps = ("Past", "Life", "Bars", "Columns", "Votes", "Signals", "Decisions", "Approved")
    sent = ("Order PREPARE", "Order SEND", "Order CONFIRM")
    first = [names.index(each) for each in (*steps, *sent)]
    assert first == sorted(first)
    assert names.index("Past") < names.index("Quotes")
    running = next(number for number, (_, value) in enumerate(given) if getattr(value, "state", "") == "RUNNING")
    assert running < names.index("Approved")
