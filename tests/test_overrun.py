"""A program that was busy, a machine that stood still: each bar skipped for it has a row, and none is traded late."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from operators.risk.feed import AT_ONCE
from operators.risk.guard import GATES
from pipeline import virtual
from pipeline.__main__ import main
from pipeline.engine import Setting, running
from pipeline.journal import Journal
from pipeline.ledger import Ledger
from pipeline.times import MINUTE, SECOND, parse_moment
from pipeline.values import Approved, Decisions, Payouts, Slept, Standstill
from pipeline.verifying import verified
from tests.guarded import TRADED, given_by, guard, signal, words
from tests.support import MONDAY, ROOT, SMALL, plan_of, quotes, signals

ONE = SMALL.replace('timeframes = ["1m", "5m"]', 'timeframes = ["1m"]')


def rows(given: list[Any]) -> dict[int, str]:
    """The verdict of each minute after Monday ten o'clock."""
    found: dict[int, str] = {}
    for each in given:
        if isinstance(each, Decisions) and each.tf == MINUTE and each.product == "EURUSD":
            for bar, verdict in zip(each.open_ts.tolist(), each.verdict.tolist(), strict=True):
                assert bar not in found, "a bar has one row"
                found[(bar - MONDAY) // MINUTE] = GATES[verdict] if verdict >= 0 else TRADED
    return found


def lived(path: Path, millis: int, cause: Standstill, record: Path | None = None) -> list[Any]:
    """A flow whose prices come every ten seconds, and which does nothing for a while from 3:10 on."""
    given: list[Any] = []
    plan = plan_of(ONE)

    def told(_: str, value: Any) -> None:
        given.append(value)

    async def main() -> None:
        with Ledger(path / "ledger.db") as ledger:
            journal = None if record is None else Journal(record, plan, MONDAY)
            setting = Setting(mode="paper", begin=MONDAY, outside=())
            past = ledger.past(MONDAY)
            async with running(plan, setting, ledger, past, journal=journal, taps=(told,)) as flow:
                flow.standstill = lambda: cause
                flow.enter("venues.practice", Payouts("EURUSD", np.array([MONDAY]), np.array([0.9])))
                for second in range(1, 600, 10):
                    at = MONDAY + second * SECOND
                    if flow.border.now() > at:
                        continue
                    await flow.border.until(at)
                    flow.enter("sources.market", quotes("EURUSD", [at], [1.1 + second % 7 / 1000], 0))
                    if second == 191:
                        flow.border.clock.step(millis)
            if journal is not None:
                journal.close()

    virtual.run(lambda _: main())
    return given


@pytest.mark.parametrize(("cause", "verdict"), [("blocked", "overrun"), ("slept", "missed")])
def test_a_program_busy_for_130_seconds_leaves_a_row_for_each_minute_and_says_why(
    tmp_path: Path, cause: Standstill, verdict: str
) -> None:
    found = rows(lived(tmp_path, 130 * SECOND, cause))
    assert list(found) == sorted(found)
    assert set(found) == set(range(max(found) + 1))
    assert max(found) >= 8
    assert found[4] == verdict
    assert found[3] in (verdict, "ready", "vote", "confidence")


def test_an_hour_of_it_is_a_row_for_each_minute() -> None:
    past_it = MONDAY + 62 * MINUTE
    slept = Slept(MONDAY + 70 * SECOND, past_it, "blocked")
    given = given_by(guard(), signal(), (past_it, slept), signal(bar=MONDAY + 62 * MINUTE))
    assert Counter(words(given)) == {TRADED: 1, "overrun": 61, "open": 1}
    late = next(each for _, each in given if isinstance(each, Decisions) and len(each) > 1)
    assert late.value.tolist() == [60.0 * minute for minute in range(60, -1, -1)]
    assert late.orders == {}


def test_a_session_in_which_the_program_was_busy_is_made_again_alike(tmp_path: Path) -> None:
    lived(tmp_path, 130 * SECOND, "blocked", tmp_path / "session")
    assert verified(tmp_path / "session", ROOT).difference is None


def test_bars_that_come_all_at_once_after_it_are_overrun_not_a_burst_of_trades() -> None:
    over = MONDAY + 4 * MINUTE
    slept = Slept(MONDAY + 61 * SECOND, over, "blocked")
    late = [(over, signals(bar=MONDAY + number * MINUTE, at=over)) for number in range(4)]
    given = given_by(guard(), (over, slept), *late)
    assert words(given) == ["overrun", "overrun", "overrun", TRADED]
    assert len([each for _, each in given if isinstance(each, Approved)]) == 1


@pytest.mark.parametrize(("late", "verdict"), [(AT_ONCE - 1, TRADED), (AT_ONCE, "overrun")])
def test_a_bar_that_ended_just_before_it_was_over_is_not_late(late: int, verdict: str) -> None:
    over = MONDAY + MINUTE + late
    slept = Slept(MONDAY + 30 * SECOND, over, "blocked")
    assert words(given_by(guard(), (over, slept), (over, signals(at=over)))) == [verdict]


def test_a_hole_of_the_market_alone_is_nobodys_overrun() -> None:
    assert words(given_by(guard(), signal(), signal(bar=MONDAY + 5 * MINUTE))) == [TRADED, "open"]


def test_of_a_weekend_slept_through_only_the_open_minutes_have_rows() -> None:
    friday, monday = parse_moment("2026-01-09T21:59:00Z"), parse_moment("2026-01-11T22:10:00Z")
    slept = Slept(friday + 90 * SECOND, monday + MINUTE, "slept")
    given = given_by(guard(), signal(bar=friday), (monday + MINUTE, slept), signal(bar=monday))
    assert Counter(words(given)) == {TRADED: 1, "missed": 10, "open": 1}


def test_why_says_that_the_program_was_busy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flows.toml").write_text(ONE, encoding="utf-8")
    lived(tmp_path / "data", 130 * SECOND, "blocked")
    assert main(("why", "EURUSD", "1m", "2026-01-05T10:04:00Z")) == 0
    told = capsys.readouterr().out
    assert "not traded: overrun" in told
    assert "the program was busy when it became final, 21 s before this row" in told
