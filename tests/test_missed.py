"""Bars that became final while the program was not running have a row, and say how long ago that was."""

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.risk.absence import Absence
from operators.risk.guard import GATES
from pipeline import virtual
from pipeline.__main__ import main
from pipeline.engine import Setting, history_of, running
from pipeline.journal import Journal
from pipeline.ledger import Ledger
from pipeline.times import DAY, HOUR, MINUTE
from pipeline.values import Decisions, Past
from pipeline.verifying import verified
from tests.driven import bars_of
from tests.guarded import given_by, guard, signal, verdicts
from tests.support import MONDAY, SMALL, decided, plan_of

PLAN = plan_of()
MISSED = GATES.index("missed")
FIVE = 5 * MINUTE
BEGIN, LEFT, BACK, END = MONDAY, MONDAY + 32 * MINUTE + 3_210, MONDAY + 2 * HOUR + 91_000, MONDAY + 3 * HOUR


def lived(path: Path, begin: int, end: int, record: Path | None = None) -> dict[Any, Any]:
    """The decisions of a life that begins at any moment, as on a real market; row by row."""
    given: list[tuple[str, Any]] = []

    async def main() -> None:
        with Ledger(path) as records:
            past = records.past(begin)
            journal = None if record is None else Journal(record, PLAN, begin)
            setting = Setting(mode=PLAN.settings.mode, begin=begin, end=end + HOUR)

            def told(node: str, value: Any) -> None:
                given.append((node, value))

            async with running(PLAN, setting, records, past, journal=journal, taps=(told,)) as flow:
                await flow.border.until(end)
                if flow.ended.done():
                    flow.ended.result()
            if journal is not None:
                journal.close()

    virtual.run(lambda _: main())
    return decided(given)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("away")
    (made / "flows.toml").write_text(SMALL, encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def lives(folder: Path) -> tuple[dict[Any, Any], dict[Any, Any], dict[Any, Any]]:
    """A life, one that begins an hour and a half later, and one without an absence."""
    path = folder / "data" / "ledger.db"
    first = lived(path, BEGIN, LEFT)
    second = lived(path, BACK, END, folder / "session")
    return first, second, lived(path.with_name("whole.db"), BEGIN, END)


def test_after_an_absence_every_final_bar_of_every_key_has_one_row(lives: Any) -> None:
    first, second, whole = lives
    assert first.keys() & second.keys() == set()
    assert first.keys() | second.keys() == whole.keys()


def test_what_was_missed_is_what_became_final_meanwhile(lives: Any) -> None:
    _, second, whole = lives
    missed = {key: row for key, row in second.items() if row[0] == MISSED}
    assert missed.keys() == {key for key, row in whole.items() if LEFT < row[4] < BACK}
    assert {(product, tf) for _, product, tf, _ in missed} == {
        (product, tf) for product in ("EURUSD", "BTCUSD") for tf in (MINUTE, FIVE)
    }
    assert all(row[-1] is None and row[-2] == 0 and row[4] == BACK for row in missed.values())
    assert {key: float(row[1]) for key, row in missed.items()} == {key: (BACK - whole[key][4]) / 1000 for key in missed}


@pytest.mark.usefixtures("lives")
def test_a_recorded_session_after_an_absence_is_made_again_link_by_link(folder: Path) -> None:
    verdict = verified(folder / "session", folder)
    assert verdict.difference is None
    assert verdict.links == verdict.same > 500


@pytest.mark.usefixtures("lives")
def test_why_says_that_the_program_was_not_there_and_a_day_with_an_absence_adds_up(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    assert main(["why", "EURUSD", "1m", "11:00"]) == 0
    told = capsys.readouterr().out
    assert "not traded: missed   (score unknown, no direction)" in told
    assert re.search(r"  the program was not running when it became final, 3[67]\d\d s before this row", told)
    assert main(["why", "--day", "2026-01-05"]) == 0
    assert re.search(r"^  missed +\d{3}\b", capsys.readouterr().out, re.MULTILINE)
    assert main(["why", "--gate", "missed", "EURUSD", "5m"]) == 0
    assert [line[:5] for line in capsys.readouterr().out.splitlines()][::17] == ["10:30", "11:55"]


def test_an_absence_changes_no_decision_that_depends_on_the_bar_alone(lives: Any) -> None:
    _, second, whole = lives
    rows = [(key, row) for key, row in second.items() if row[0] != MISSED]
    assert len(rows) > 100
    assert [row[3] for _, row in rows] == [whole[key][3] for key, _ in rows]
    assert [row[5] for _, row in rows] == [whole[key][5] for key, _ in rows]


def test_a_first_start_has_missed_nothing(tmp_path: Path) -> None:
    rows = lived(tmp_path / "ledger.db", BACK, BACK + 5 * MINUTE)
    assert rows
    assert MISSED not in {row[0] for row in rows.values()}


def test_a_market_that_goes_on_where_it_was_left_has_missed_nothing(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    lived(path, BEGIN, LEFT)
    rows = lived(path, LEFT, LEFT + 20 * MINUTE)
    assert rows
    assert MISSED not in {row[0] for row in rows.values()}


def test_a_guard_tells_what_it_missed_for_each_of_its_accounts_by_what_each_had_decided() -> None:
    part = guard(accounts=("demo-1", "demo-2"))
    past = Past((), {}, decided=(("demo-1", "EURUSD", MINUTE, MONDAY + MINUTE), ("other", "EURUSD", MINUTE, MONDAY)))
    now = MONDAY + 5 * MINUTE + 500
    given = given_by(
        part,
        (now, past),
        (now, bars_of([1.1] * 5, product="EURUSD", fresh=0)),
        signal(bar=MONDAY + 5 * MINUTE),
    )
    assert [row for row in verdicts(given) if row[0] == "missed"] == [
        ("missed", 120.5, 0.0),
        ("missed", 60.5, 0.0),
        ("missed", 0.5, 0.0),
    ]
    assert {each.account for _, each in given if isinstance(each, Decisions) and len(each) == 3} == {"demo-1"}
    assert [row[0] for row in verdicts(given, "demo-2")] == ["trade"]


def test_history_that_comes_later_says_nothing_of_what_the_run_itself_had_to_decide() -> None:
    past = Past((), {}, decided=(("demo-1", "EURUSD", MINUTE, MONDAY),))
    begin = MONDAY + 3 * MINUTE
    mended = bars_of([1.1] * 9, product="EURUSD", fresh=0)
    given = given_by(guard(), (begin, past), (MONDAY + 9 * MINUTE, mended), (MONDAY + 10 * MINUTE, mended))
    assert [row[0] for row in verdicts(given)] == ["missed"] * 2


@settings(max_examples=60, deadline=None)
@given(
    last=st.integers(0, 30),
    begins=st.integers(0, 30),
    cuts=st.lists(st.integers(0, 30), max_size=4).map(sorted),
)
def test_however_history_is_cut_each_bar_between_is_told_once(last: int, begins: int, cuts: list[int]) -> None:
    absence = Absence(("demo-1",), GATES)
    at = MONDAY + begins * MINUTE
    absence.begin(Past((), {}, decided=(("demo-1", "BTCUSD", MINUTE, MONDAY + last * MINUTE),)), at)
    whole = bars_of([1.0] * 30)
    parts = [whole.rows(start, stop, 0) for start, stop in zip([0, *cuts], [*cuts, 30], strict=True)]
    rows = [bar for part in parts for each in absence.take(part, at) for bar in each.open_ts.tolist()]
    assert Counter(rows) == Counter(MONDAY + number * MINUTE for number in range(last + 1, begins))


def test_a_source_is_asked_for_what_was_missed_and_for_no_more_than_a_week() -> None:
    usual = history_of(PLAN)
    begin = MONDAY + 30 * DAY

    def asked(bar: int, product: str = "EURUSD", account: str = "demo-1") -> dict[int, int]:
        return history_of(PLAN, Past((), {}, decided=((account, product, MINUTE, bar),)), begin)

    assert asked(begin - HOUR) == usual
    assert asked(begin - DAY) == usual | {MINUTE: DAY // MINUTE}
    assert asked(MONDAY) == usual | {MINUTE: 7 * DAY // MINUTE}
    assert asked(MONDAY, product="GONE") == asked(MONDAY, account="gone") == usual
