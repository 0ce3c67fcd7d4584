"""What a start leaves in the ledger, and that a loop of killed starts ends in one that only looks on."""

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pipeline.checking import load
from pipeline.errors import InputError
from pipeline.ledger import Ledger
from pipeline.live import wall
from pipeline.lives import COUNTED, LOOP, STOPPED_FOR, begun, config_of, ended, living
from pipeline.times import MINUTE, SECOND
from tests.support import MONDAY, ROOT, SMALL, plan_of

PLAN = plan_of()
PID = 4711
FAST = SMALL.replace("start = ", "speed = 900\nstart = ")


def rows(path: Path, asked: str, *values: Any) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute(asked, values).fetchall()


def killed(path: Path, at: int) -> bool:
    """A start that never says how it ended; whether it was the last of a loop."""
    return begun(path, PLAN, PID, at).looping


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "ledger.db"


def test_a_start_leaves_the_accounts_the_flow_its_limits_and_its_life(path: Path) -> None:
    life = begun(path, PLAN, PID, MONDAY)
    assert rows(path, "SELECT * FROM accounts") == [("demo-1", "practice", "USD", "practice", "100.00", MONDAY)]
    assert rows(path, "SELECT config, at, file, flow FROM configs") == [(config_of(PLAN), MONDAY, "flows.toml", SMALL)]
    told = rows(path, "SELECT rule FROM limits WHERE config = ? AND guard = 'risk.main' ORDER BY number", life.config)
    assert [rule for (rule,) in told] == PLAN.by_id["risk.main"].instance.rules()
    assert rows(path, "SELECT * FROM lives") == [(1, MONDAY, None, life.config, "paper", PID, "")]


def test_a_second_start_of_the_same_flow_adds_only_a_life(path: Path) -> None:
    ended(path, begun(path, PLAN, PID, MONDAY), MONDAY + 1, "asked")
    begun(path, PLAN, PID, MONDAY + MINUTE)
    assert len(rows(path, "SELECT * FROM configs")) == len(rows(path, "SELECT * FROM accounts")) == 1
    assert len(rows(path, "SELECT * FROM lives")) == 2
    assert rows(path, "SELECT since FROM accounts") == [(MONDAY,)]


def test_another_text_is_another_config_with_limits_of_its_own(path: Path) -> None:
    begun(path, PLAN, PID, MONDAY)
    other = plan_of(SMALL.replace('max_daily_loss = "20.00"', 'max_daily_loss = "10.00"'))
    begun(path, other, PID, MONDAY + MINUTE)
    assert config_of(other) != config_of(PLAN)
    assert len(rows(path, "SELECT DISTINCT config FROM limits")) == 2


def test_a_life_says_how_it_ended(path: Path) -> None:
    clock = iter(range(MONDAY, MONDAY + 10))
    with living(path, PLAN, PID, lambda: next(clock)):
        pass
    with pytest.raises(InputError), living(path, PLAN, PID, lambda: next(clock)):
        raise InputError("the market fell down; put it up again")
    with pytest.raises(KeyboardInterrupt), living(path, PLAN, PID, lambda: next(clock)):
        raise KeyboardInterrupt
    begun(path, PLAN, PID, MONDAY + 20)
    begun(path, PLAN, PID, MONDAY + 30)
    assert rows(path, "SELECT ended, how FROM lives ORDER BY epoch") == [
        (MONDAY + 1, "asked"),
        (MONDAY + 3, "failed: the market fell down; put it up again"),
        (MONDAY + 5, "failed: KeyboardInterrupt"),
        (None, "killed"),
        (None, ""),
    ]


def test_what_ended_a_life_is_not_hidden_by_a_ledger_that_is_gone(path: Path) -> None:
    def lost() -> None:
        with living(path, PLAN, PID, lambda: MONDAY):
            path.unlink()
            path.mkdir()
            raise InputError("the market fell down; put it up again")

    with pytest.raises(InputError, match="the market fell down") as told:
        lost()
    assert "nor could the ledger be told of it" in told.value.__notes__[0]


def test_after_five_kills_in_five_minutes_the_next_life_only_looks_on(path: Path) -> None:
    assert [killed(path, MONDAY + number * MINUTE) for number in range(LOOP)] == [False] * LOOP
    life = begun(path, PLAN, PID, MONDAY + 4 * MINUTE + 59 * SECOND)
    assert life.looping
    stop = life.stop(MONDAY)
    assert (stop.scope, stop.on, stop.reason) == ("", True, "restarted 5 times in 5 minutes")
    with Ledger(path) as ledger:
        ledger.latch(stop)
        assert ledger.past(MONDAY).latches == (stop,)


def test_five_kills_over_a_longer_time_are_no_loop(path: Path) -> None:
    assert not any(killed(path, MONDAY + number * 76 * SECOND) for number in range(20))


def test_starts_that_ended_by_themselves_are_no_loop(path: Path) -> None:
    for number in range(2 * LOOP):
        life = begun(path, PLAN, PID, MONDAY + number * SECOND)
        assert not life.looping
        ended(path, life, MONDAY + number * SECOND + 1, "asked")


def test_a_loop_that_was_stopped_for_once_is_not_counted_again(path: Path) -> None:
    assert [killed(path, MONDAY + number) for number in range(LOOP + 1)] == [*[False] * LOOP, True]
    assert [killed(path, MONDAY + 10 + number) for number in range(LOOP)] == [*[False] * (LOOP - 1), True]
    assert len(rows(path, "SELECT 1 FROM lives WHERE how = ?", COUNTED)) == 2 * LOOP


def test_a_program_that_was_killed_five_times_starts_stopped_and_says_so(tmp_path: Path) -> None:
    """The real one: nothing is traded, its life ends as asked, and `resume` lets it go on."""
    (tmp_path / "flows.toml").write_text(FAST, encoding="utf-8")
    path = tmp_path / "data" / "ledger.db"
    for _ in range(LOOP):
        begun(path, load(tmp_path / "flows.toml"), PID, wall())
    ran = subprocess.run(
        [sys.executable, "-m", "pipeline", "run", "--for", "2s", "--json"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    lines = [json.loads(line) for line in ran.stdout.splitlines()]
    assert {line["verdict"] for line in lines if line["what"] == "decision"} <= {"killed", "ready", "vote", "missed"}
    assert rows(path, "SELECT how FROM lives ORDER BY epoch") == [(COUNTED,)] * LOOP + [("asked",)]
    assert rows(path, 'SELECT scope, "on", reason, by FROM latches') == [("", 1, STOPPED_FOR, "run")]
    assert not rows(path, "SELECT * FROM orders")
