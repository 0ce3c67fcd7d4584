"""Simulated worlds: what must hold holds in a storm, a seed says everything, and what fails is made small and kept."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bench.defects import DEFECTS, seeded
from bench.storms import caught_by
from pipeline.checking import load
from pipeline.errors import InputError, PlanError
from pipeline.sim.campaign import Flow, Summary, one, outcomes
from pipeline.sim.chance import Draws
from pipeline.sim.saving import saved, stormed
from pipeline.sim.storms import KINDS, Storm, Strike, edgewise, kinds_of
from pipeline.sim.witness import DECIDED, FOREIGN, INTENT, PROMISES, RECONCILED
from pipeline.sim.world import Outcome, Terms
from pipeline.sim.worlds import flow_of
from pipeline.times import HOUR
from pipeline.verbs.sim import register
from tests.support import ROOT, plan_of

ALL = Terms(minutes=30, kinds=tuple(KINDS))
CALM = Terms(minutes=15)
HASHES = """
import sys
from bench.storms import PARTS
from pipeline.sim.campaign import Flow, one
from pipeline.sim.storms import KINDS
from pipeline.sim.world import Terms
for seed in (3, 4):
    print(one(Flow(), Terms(seed=seed, minutes=20, kinds=tuple(KINDS))).hash)
"""


def world(seed: int, terms: Terms = ALL, flow: Flow | None = None) -> Outcome:
    return one(flow or Flow(), replace(terms, seed=seed))


SEEDS = [
    1,
    *(pytest.param(first, marks=pytest.mark.slow) for first in range(26, 201, 25)),
]
"""The first of each 25; all go the same ways, and tracing storms takes three times their time."""


@pytest.mark.parametrize("first", SEEDS)
def test_in_two_hundred_storms_all_holds_that_must(first: int) -> None:
    summary = Summary()
    for outcome in outcomes([Flow()], replace(ALL, minutes=15), range(first, first + 25), jobs=1, register=register):
        summary.add(outcome, 15)
    assert [(each.seed, each.violations) for each in summary.failing] == []
    assert {*PROMISES} - {FOREIGN} <= set(summary.checked)
    assert len(summary.struck) > len(KINDS) * 2 // 3


@pytest.mark.parametrize(("seed", "minutes"), [(109, 72)])
def test_a_seed_that_once_showed_a_mistake_holds(seed: int, minutes: int) -> None:
    assert world(seed, replace(ALL, minutes=minutes)).violations == ()


def test_without_a_storm_nothing_strikes_and_orders_are_sent() -> None:
    outcome = world(1, CALM)
    assert outcome.violations == ()
    assert (outcome.struck, outcome.counts["lives"]) == ((), 1)
    assert outcome.counts["sends"] > 10
    assert outcome.checked[RECONCILED] == outcome.counts["sends"]


@pytest.mark.no_cover  # as above
@pytest.mark.parametrize(
    ("seed", "minutes"), [(1, 30), *(pytest.param(*each, marks=pytest.mark.slow) for each in ((2, 70), (3, 130)))]
)
def test_quotes_given_by_the_hour_change_nothing_of_what_must_hold(seed: int, minutes: int) -> None:
    outcome = world(seed, replace(ALL, minutes=minutes, per_minute=2, block=HOUR, wild=0.5), Flow(keys=36))
    assert outcome.violations == ()
    assert outcome.checked[DECIDED] > 80


def test_a_kill_ends_a_life_and_a_new_one_goes_on() -> None:
    kills = tuple(Strike("kill", minute) for minute in (3, 7))
    outcome = world(1, replace(CALM, only=kills))
    assert outcome.struck == kills
    assert outcome.counts["lives"] == 3
    assert outcome.violations == ()


def test_the_same_seed_is_the_same_world_in_any_process() -> None:
    def hashes(seed: str) -> str:
        environment = {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", HASHES]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout

    first = hashes("1")
    assert hashes("2") == first
    assert len(set(first.split())) == 2


def test_faults_that_are_named_strike_as_they_did_by_chance() -> None:
    by_chance = world(3)
    by_name = world(3, replace(ALL, kinds=(), only=by_chance.struck))
    assert by_name.struck == by_chance.struck
    assert by_name.hash == by_chance.hash


def test_a_fault_that_is_left_out_changes_no_draw_of_another() -> None:
    storm, other = Storm(7, tuple(KINDS)), Storm(7, tuple(KINDS))
    for _ in range(50):
        other.strikes("kill")
    asked = [storm.strikes("lost_ack") for _ in range(200)]
    assert asked == [other.strikes("lost_ack") for _ in range(200)]


def test_sizes_are_drawn_close_to_the_edges_as_often_as_between() -> None:
    draws = Draws(1, "sizes")
    sizes = [edgewise(draws.draw(), 10, 20) for _ in range(2000)]
    assert all(10 <= size <= 20 for size in sizes)
    near = sum(size < 10.1 or size > 19.9 for size in sizes)
    assert 0.4 < near / len(sizes) < 0.6


def test_a_storm_is_named_by_kinds_by_what_they_strike_at_or_all_at_once() -> None:
    assert kinds_of("all") == tuple(KINDS)
    assert kinds_of("none") == ()
    assert kinds_of("kill, replies")[:2] == ("kill", "lost_ack")
    with pytest.raises(InputError, match="there is no storm 'kil'; did you mean 'kill'"):
        kinds_of("kil")


@pytest.mark.parametrize("keys", [0, 7, 13, 100_000])
def test_keys_that_cannot_be_shared_out_are_refused(keys: int) -> None:
    with pytest.raises(InputError, match=f"--keys {keys} cannot be made; write a multiple of 12"):
        flow_of(keys, "2026-01-05T00:00:00Z")


@pytest.mark.no_cover  # as above
def test_the_flow_in_this_folder_lives_through_a_storm() -> None:
    plan = load(ROOT / "flows.toml")
    flow = Flow(text=plan.source.text, file=plan.file, base=str(plan.base))
    outcome = world(2, replace(ALL, minutes=12), flow)
    assert outcome.violations == ()
    assert outcome.struck


# --- what fails is kept ----------------------------------------------------------------------------------------------


def test_a_failing_world_is_made_smaller_and_fails_again_as_a_test(tmp_path: Path) -> None:
    path = tmp_path / "small.toml"
    with seeded("lost_is_not_sent"):
        failing = next(each for each in map(world, range(1, 9)) if not each.sound)
        smaller = saved(Flow(), replace(ALL, seed=failing.seed), failing, path)
        assert len(smaller.only or ()) <= max(2, len(failing.struck) // 8)
        assert smaller.minutes < ALL.minutes
        plan = load(path)
        (test,) = plan.tests
        assert stormed(plan, test).differences[0].split(":")[0] in test.name
    assert stormed(plan, test).passed


@pytest.mark.parametrize(
    ("storm", "said"),
    [
        ("storm.minutes = 3", "storm"),
        ("storm = { seed = 1, minutes = 0 }", "minutes"),
        ('storm = { seed = 1, minutes = 3, ahead = "soon" }', "ahead"),
        ("storm = { seed = 1, minutes = 3, faults = { kil = [1] } }", "there is no storm 'kil'; did you mean 'kill'"),
        ('frame = "1s"', "says nothing"),
    ],
)
def test_a_storm_of_a_test_is_checked_like_all_else(storm: str, said: str) -> None:
    text = flow_of(12, "2026-01-05T00:00:00Z") + f'\n[[test]]\nname = "a storm"\n{storm}\n'
    with pytest.raises(PlanError, match=r"storm|says nothing") as refused:
        plan_of(text)
    assert said in str(refused.value)


# --- what a simulation is worth --------------------------------------------------------------------------------------

AT_ONCE = (
    "resend_on_timeout",
    "resend_on_503",
    "lost_is_not_sent",
    "no_intent",
    "sent_while_written",
    "settled_twice",
    "answered_twice_is_two",
    "short_sight",
    "never_asked",
    "one_of_many",
)
"""Defects that few seeds are enough for; the others take `python -m bench.storms`."""


@pytest.mark.no_cover  # as above
@pytest.mark.parametrize("name", AT_ONCE)
def test_a_defect_of_the_protocol_is_caught(name: str) -> None:
    caught, what = caught_by(name, range(1, 13), minutes=30)
    assert caught is not None
    assert what


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(DEFECTS) - set(AT_ONCE)))
def test_a_rare_defect_is_caught_within_120_seeds(name: str) -> None:
    caught, _ = caught_by(name, range(1, 121))
    assert caught is not None


# --- the verb --------------------------------------------------------------------------------------------------------


def asked(*arguments: str) -> int:
    from pipeline.__main__ import main  # noqa: PLC0415  # the whole command line

    return main(["sim", *arguments])


def test_the_verb_tells_what_was_checked_how_often_and_the_hash(capsys: pytest.CaptureFixture[str]) -> None:
    assert asked("--days", "0.01", "--seeds", "2") == 0
    told = capsys.readouterr().out
    assert "2 worlds, 0.02 simulated days" in told
    assert INTENT in told
    assert asked("--days", "0.01", "--seeds", "2", "--jobs", "2") == 0
    assert _hash(capsys.readouterr().out) == _hash(told)


def test_a_large_world_is_shared_out_by_account_and_holds_what_it_must(capsys: pytest.CaptureFixture[str]) -> None:
    assert asked("--days", "0.03", "--keys", "72", "--jobs", "2") == 0
    assert "2 worlds, 0.03 simulated days" in capsys.readouterr().out


def test_a_world_that_fails_ends_with_1_and_a_file_that_is_told_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "failed.toml"
    with seeded("no_intent"):
        assert asked("--days", "0.01", "--storm", "none", "--save", str(path)) == 1
    told = capsys.readouterr()
    assert f"{INTENT}: " in told.out
    assert f"python -m pipeline test {path}" in told.err
    assert 'name = "' in path.read_text(encoding="utf-8")


def _hash(told: str) -> str:
    return next(line for line in told.splitlines() if "hash" in line)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--days", "0"), "--days 0 is less than a minute"),
        (("--days", "nan"), "--days nan is too long; write 366 or less"),
        (("--days", "1e9"), "--days 1e+09 is too long; write 366 or less"),
        (("--seed", "-1"), "--seed -1 is below 0; write a number from 0 on"),
        (("--storm", ""), "--storm '': a name is empty; write all, none, or names"),
        (("--storm", "none,kill"), "--storm 'none,kill': 'none' stands alone; write all, none, or names"),
        (("--keys", "12", "flows.toml"), "--keys is of a flow that is made here"),
        (("--save", __file__), "exists already; name a new file with --save"),
        (("--seeds", "0"), "--seeds 0 is too few"),
        (("--jobs", "0"), "--jobs 0 is too few"),
        (("--keys", "5"), "--keys 5 cannot be made"),
        (("--storm", "rain"), "there is no storm 'rain'"),
    ],
)
def test_what_cannot_be_simulated_ends_with_2_and_a_sentence(
    arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert asked(*arguments) == 2
    assert said in capsys.readouterr().err
