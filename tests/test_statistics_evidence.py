"""What the evidence meter may say, however often one looks. Draws have fixed seeds."""

import math
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.statistics.evidence import Evidence, Retirement, Side, path
from pipeline.values import Floats

ALPHA = 0.05
ENOUGH = math.log(1 / ALPHA)
TRADES = 6_000

returns = st.lists(st.sampled_from([-1.0, -0.4, 0.0, 0.8, 0.85, 0.92]), max_size=60)


class Runs(NamedTuple):
    shown: Floats
    """Which runs ever came to the threshold, as 0 and 1."""
    after: Floats
    """After how many trades those did."""


def played(edge: float, seeds: int, trades: int = TRADES, side: Side = "edge", seed: int = 11) -> Runs:
    """Runs at payouts that change between .80 and .92, looked at after every trade."""
    draw = np.random.default_rng(seed)
    found: list[int] = []
    for _ in range(seeds):
        payout = draw.uniform(0.80, 0.92, trades)
        gain = np.where(draw.random(trades) < 1 / (1 + payout) + edge, payout, -1.0)
        reached = path(gain, payout, side=side) >= ENOUGH
        found.append(int(reached.argmax()) + 1 if reached.any() else 0)
    after = np.array(found, np.float64)
    return Runs((after > 0).astype(np.float64), after[after > 0])


def test_without_an_edge_a_hundred_runs_looked_at_all_the_time_raise_no_more_alarms_than_alpha_allows() -> None:
    """Of 100 runs 5 may on average; 10 or more would come with a chance of 3 % if it were exactly 5."""
    assert played(0.0, 100).shown.sum() < 10


@pytest.mark.parametrize("seed", range(3))
def test_four_points_are_found_in_time(seed: int) -> None:
    runs = played(0.04, 40, seed=seed)
    assert runs.shown.all()
    assert 650 < float(np.median(runs.after)) < 1_350


def test_the_mirror_finds_a_coin_flipper_and_leaves_a_rule_that_breaks_even() -> None:
    assert played(-0.04, 40, side="gone").shown.all()
    assert played(0.0, 100, side="gone").shown.sum() < 10
    assert played(0.03, 40, side="gone").shown.sum() <= 2


@pytest.mark.slow
@pytest.mark.parametrize("side", ["edge", "gone"])
def test_false_alarms_stay_below_alpha_over_thousands_of_runs(side: Side) -> None:
    assert played(0.0, 4_000, side=side).shown.mean() <= ALPHA + 2 * math.sqrt(ALPHA * (1 - ALPHA) / 4_000)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("edge", "found", "median"), [(0.02, 0.76, 2657), (0.03, 0.98, 1596), (0.04, 1.0, 966), (0.06, 1.0, 464)]
)
def test_edges_are_found_as_often_and_as_soon_as_is_known_of_such_meters(
    edge: float, found: float, median: float
) -> None:
    """The published figures were drawn with fractions that are not known; ours must not be worse."""
    runs = played(edge, 1_000)
    assert runs.shown.mean() >= found - 0.02
    assert float(np.median(runs.after)) <= 1.05 * median


@pytest.mark.slow
def test_over_many_runs_without_an_edge_the_mean_of_the_value_stays_one() -> None:
    draw = np.random.default_rng(5)
    values = [math.exp(path(np.where(draw.random(500) < 1 / 1.85, 0.85, -1.0))[-1]) for _ in range(20_000)]
    assert np.mean(values) == pytest.approx(1, abs=0.1)


@settings(max_examples=60)
@given(returns, st.sampled_from(["edge", "gone"]))
def test_slot_by_slot_and_all_at_once_are_the_same(slots: list[float], side: Side) -> None:
    one = Evidence(side)
    for slot in slots:
        one = one.after(slot)
    whole = Evidence(side).over(np.array(slots, np.float64))
    assert one.slots == whole.slots == len(slots)
    assert one.logs == pytest.approx(whole.logs)
    assert one.highest == pytest.approx(whole.highest)
    halves = Evidence(side).over(np.array(slots[:7], np.float64)).over(np.array(slots[7:], np.float64))
    assert halves.logs == pytest.approx(whole.logs)


@given(returns)
def test_a_value_is_never_negative_and_the_highest_never_falls(slots: list[float]) -> None:
    one = Evidence()
    for slot in slots:
        then = one.after(slot)
        assert then.times > 0
        assert then.most_times >= max(one.most_times, then.times) - 1e-9
        one = then


@pytest.mark.parametrize("side", ["edge", "gone"])
@pytest.mark.parametrize("payout", [0.5, 0.85, 1.0, 4.0, 30.0])
def test_at_break_even_one_slot_more_is_not_expected_to_change_the_value(side: Side, payout: float) -> None:
    """Exactly so, whatever the payout: win and loss weighed by their chances come to the value before."""
    before = Evidence(side).over(np.array([0.8, -1.0, 0.8]))
    won = 1 / (1 + payout)
    expected = won * before.after(payout, payout).times + (1 - won) * before.after(-1.0, payout).times
    assert expected == pytest.approx(before.times)


def test_a_tie_changes_nothing() -> None:
    before = Evidence().over(np.array([0.85, -1.0]))
    assert before.after(0.0).times == pytest.approx(before.times)


def test_a_claim_above_break_even_is_harder_to_beat_and_easier_to_lose() -> None:
    gained = np.array([0.85, 0.85, -1.0, 0.85] * 50)
    assert Evidence(claim=0.1).over(gained).times < Evidence().over(gained).times
    assert Evidence("gone", claim=0.1).over(gained).times > Evidence("gone").over(gained).times


def test_what_the_meter_says() -> None:
    meter = Evidence().over(np.array([0.85] * 15))
    assert str(meter).startswith("a sceptic betting against break-even would have multiplied his money by 2.")
    assert str(meter).endswith("enough is 20)")
    assert not meter.shown
    assert Evidence().over(np.array([0.85] * 60)).shown
    assert str(Evidence()).startswith("a sceptic betting against break-even would have multiplied his money by 1 ")


def test_a_thousand_wins_are_more_than_a_number_can_say() -> None:
    meter = Evidence().over(np.full(100_000, 0.85))
    assert math.isfinite(meter.times)
    assert "over a million" in str(meter)


def test_evidence_once_given_is_not_taken_back() -> None:
    meter = Evidence().over(np.array([0.85] * 60)).over(np.full(300, -1.0))
    assert meter.times < 1
    assert meter.shown


def test_a_good_past_does_not_hold_the_alarm_back() -> None:
    """Two thousand trades at +6 points, then none: the mirror that began with the record is lost, the alarm is not."""
    draw = np.random.default_rng(3)
    good = np.where(draw.random(2_000) < 1 / 1.85 + 0.06, 0.85, -1.0)
    bad = np.where(draw.random(1_500) < 1 / 1.85 - 0.06, 0.85, -1.0)
    alarm = Retirement()
    for gain in good.tolist():
        alarm = alarm.after(gain)
    assert not alarm.raised
    for gain in bad.tolist():
        alarm = alarm.after(gain)
        if alarm.raised:
            break
    assert alarm.raised
    assert alarm.slots < 3_500
    assert not Evidence("gone").over(np.concatenate((good, bad))).shown


def test_at_break_even_the_alarm_stays_away_for_its_patience_on_average() -> None:
    draw = np.random.default_rng(8)
    waited: list[int] = []
    for _ in range(30):
        alarm = Retirement(patience=60)
        while not alarm.raised and alarm.slots < 1_000:
            alarm = alarm.after(0.85 if draw.random() < 1 / 1.85 else -1.0)
        waited.append(alarm.slots)
    assert np.mean(waited) >= 60


@settings(max_examples=40)
@given(returns)
def test_the_alarm_slot_by_slot_is_the_sum_of_mirrors_that_began_at_each_slot(slots: list[float]) -> None:
    alarm = Retirement()
    for slot in slots:
        alarm = alarm.after(slot)
    mirrors = [Evidence("gone").over(np.array(slots[begin:], np.float64)).times for begin in range(len(slots))]
    assert alarm.value == pytest.approx(sum(mirrors))
    assert Retirement().over(np.array(slots, np.float64)).value == pytest.approx(alarm.value)


@pytest.mark.parametrize("gain", [-1.5, math.nan, math.inf])
def test_a_return_that_cannot_be_is_refused(gain: float) -> None:
    with pytest.raises(ValueError, match="at least -1 per stake"):
        Evidence().after(gain)


def test_a_return_far_above_its_payout_is_refused_by_the_mirror() -> None:
    with pytest.raises(ValueError, match="no more than its payout"):
        Evidence("gone").after(9.0, 0.85)


@pytest.mark.parametrize("alpha", [0, 1, math.nan])
def test_an_alpha_that_cannot_be_is_refused(alpha: float) -> None:
    with pytest.raises(ValueError, match="chance of a false alarm"):
        Evidence(alpha=alpha)
    with pytest.raises(ValueError, match="claimed return"):
        Evidence(claim=2)
    with pytest.raises(ValueError, match="patience"):
        Retirement(patience=0)
