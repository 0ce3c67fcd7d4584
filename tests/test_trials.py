"""Every look at a flow's data is counted, and a report says how many there were."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.__main__ import main
from pipeline.trials import UNTRIED, Tries, note_trial, trials_in, tries_in
from tests.support import MONDAY, SMALL, plan_of
from tests.test_report import kept, season

Said = tuple[int, str, str]
PLAN = plan_of()
OTHER = plan_of(SMALL.replace("period = 8", "period = 9"))
SPAN = (MONDAY, MONDAY + 1)


@pytest.fixture
def say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    (tmp_path / "flows.toml").write_text(SMALL, encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    def said(*arguments: str) -> Said:
        code = main(arguments)
        told = capsys.readouterr()
        return code, told.out, told.err

    return said


def test_a_trial_keeps_what_was_tried_on_which_span_and_what_was_found(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    note_trial(path, PLAN, 7, "replay", SPAN, {"demo-1": {"profit": "3.95", "bars": 10}})
    note_trial(path, PLAN, 8, "worth", SPAN, {"ensemble": "main"})
    first, second = trials_in(path)
    assert (first.at, first.what, first.begin, first.end, first.account) == (7, "replay", *SPAN, "demo-1")
    assert first.found == {"profit": "3.95", "bars": 10}
    assert (second.what, second.account, second.found) == ("worth", "", {"ensemble": "main"})
    assert first.config == second.config


def test_a_trial_of_several_accounts_is_one_and_flows_are_counted_once(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    plan = plan_of(SMALL.replace("[venues", '[accounts.demo-2]\nvenue = "practice"\n[venues', 1))
    note_trial(path, plan, 1, "replay", SPAN, {"demo-1": {}, "demo-2": {}})
    note_trial(path, plan, 2, "replay", SPAN, {"demo-1": {}, "demo-2": {}})
    note_trial(path, OTHER, 3, "calibrate", SPAN, {})
    assert len(trials_in(path)) == 5
    assert tries_in(path) == Tries({"calibrate": 1, "replay": 2}, 2)


def test_the_best_of_many_flows_needs_as_many_times_the_evidence() -> None:
    assert UNTRIED.told() == []
    assert Tries({"replay": 3}, 1).told() == ["tried on this data: 3 by `replay`, with one flow"]
    assert Tries({"replay": 3, "worth": 1}, 4).told() == [
        "tried on this data: 3 by `replay` and 1 by `worth`, with 4 flows; of the best of 4, ×80 is evidence enough, "
        "less is luck"
    ]
    assert Tries({"replay": 3}, 4).as_json() == {"by_verb": {"replay": 3}, "flows": 4, "evidence_enough": 80.0}


def test_replays_and_what_providers_are_worth_count_as_trials_of_the_flow(say: Callable[..., Said]) -> None:
    assert say("replay", "--for", "90m")[0] == 0
    assert say("replay", "--for", "90m")[0] == 0
    assert say("worth", "--for", "90m", "--payout", "0.9")[0] == 0
    assert say("calibrate", "--for", "12h")[0] == 0
    assert tries_in(Path("data/ledger.db")) == Tries({"calibrate": 1, "replay": 2, "worth": 1}, 1)
    found = trials_in(Path("data/ledger.db"))[0].found
    assert set(found) == {"bars", "win_rate", "evidence", "profit", "expectancy", "drawdown"}


def test_a_report_says_how_often_the_data_was_tried(say: Callable[..., Said], tmp_path: Path) -> None:
    path = kept(tmp_path, season(), SMALL)
    assert "tried on this data" not in say("report")[1]
    note_trial(path, PLAN, 1, "replay", SPAN, {})
    note_trial(path, OTHER, 2, "replay", SPAN, {})
    assert "tried on this data: 2 by `replay`, with 2 flows; of the best of 2, ×40 is evidence" in say("report")[1]
    assert json.loads(say("report", "--json")[1])["trials"]["by_verb"] == {"replay": 2}


def test_a_replay_is_reported_with_the_trials_of_its_flow(say: Callable[..., Said], tmp_path: Path) -> None:
    say("replay", "--for", "3h", "--out", "results")
    assert "tried on this data: 1 by `replay`, with one flow" in say("report", "--replay", "results")[1]
    for each in (tmp_path / "data").iterdir():
        each.unlink()
    assert say("report", "--replay", "results")[0] == 0
