"""What a start leaves in the ledger, and that a loop of killed starts ends in one that only looks on."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import InputError
from pipeline.ledger import Ledger
from pipeline.lives import COUNTED, LOOP, begun, config_of, ended, living
from pipeline.times import MINUTE, SECOND
from tests.support import MONDAY, SMALL, plan_of

PLAN = plan_of()
PID = 4711


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
    begun(path, PLAN, PID, MONDAY + 20)
    begun(path, PLAN, PID, MONDAY + 30)
    assert rows(path, "SELECT ended, how FROM lives ORDER BY epoch") == [
        (MONDAY + 1, "asked"),
        (MONDAY + 3, "failed: the market fell down; put it up again"),
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
