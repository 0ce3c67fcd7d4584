"""What scores of forecasts and isotonic fits may claim."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.statistics.calibration import brier, log_loss, murphy, pav
from pipeline.statistics.reliability import area, calibration_error, reliability
from pipeline.values import Floats

probabilities = st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.6, 0.9, 1.0])
forecasts = st.lists(st.tuples(probabilities, st.booleans(), st.integers(1, 5)), min_size=1, max_size=40)


def columns(rows: list[tuple[float, bool, int]]) -> tuple[Floats, Floats, Floats]:
    x, y, w = np.array(rows, float).T
    return x, y, w


def test_neighbours_that_fall_are_pooled() -> None:
    fit = pav(np.array([1.0, 2, 3, 4]), np.array([1.0, 3, 2, 4]))
    assert fit.low.tolist() == [1, 2, 4]
    assert fit.high.tolist() == [1, 3, 4]
    assert fit.value.tolist() == [1, 2.5, 4]
    assert fit.weight.tolist() == [1, 2, 1]


def test_a_late_fall_pools_backwards_through_levels_that_rose() -> None:
    fit = pav(np.arange(5.0), np.array([1.0, 2, 3, 4, -10]))
    assert fit.value.tolist() == [0.0]
    assert fit.weight.tolist() == [5.0]


def test_rows_of_one_score_are_one_and_weights_count() -> None:
    fit = pav(np.array([0.5, 0.5, 0.7]), np.array([1.0, 0.0, 1.0]), np.array([3.0, 1.0, 2.0]))
    assert fit.value.tolist() == [0.75, 1.0]


def test_between_levels_the_fit_is_a_straight_line_and_beyond_them_flat() -> None:
    fit = pav(np.array([1.0, 2, 3, 4]), np.array([0.0, 0, 1, 1]))
    assert fit.at(np.array([0.0, 1.5, 2.5, 3.5, 9.0])).tolist() == [0, 0, 0.5, 1, 1]


@settings(max_examples=60)
@given(forecasts)
def test_a_fit_never_falls_keeps_the_mean_and_no_level_can_be_split_for_the_better(
    rows: list[tuple[float, bool, int]],
) -> None:
    x, y, w = columns(rows)
    fit = pav(x, y, w)
    assert (np.diff(fit.value) > 0).all()
    assert np.average(fit.value, weights=fit.weight) == pytest.approx(np.average(y, weights=w))
    for low, high, value in zip(fit.low, fit.high, fit.value, strict=True):
        for split in x[(x > low) & (x <= high)]:
            left, right = (x >= low) & (x < split), (x >= split) & (x <= high)
            assert np.average(y[left], weights=w[left]) >= value - 1e-12
            assert np.average(y[right], weights=w[right]) <= value + 1e-12


@settings(max_examples=40)
@given(forecasts)
def test_the_order_of_rows_does_not_matter(rows: list[tuple[float, bool, int]]) -> None:
    turned = rows[::-1]
    assert pav(*columns(turned)).value == pytest.approx(pav(*columns(rows)).value)


def test_scores_of_forecasts_by_hand() -> None:
    p, y = np.array([0.8, 0.3]), np.array([1.0, 0.0])
    assert brier(p, y) == pytest.approx((0.04 + 0.09) / 2)
    assert log_loss(p, y) == pytest.approx(-(np.log(0.8) + np.log(0.7)) / 2)
    assert brier(np.full(4, 0.5), np.array([1.0, 0, 0, 1])) == 0.25
    assert brier(p, y, np.array([3.0, 1.0])) == pytest.approx((3 * 0.04 + 0.09) / 4)


def test_a_certain_forecast_that_was_wrong_costs_much_but_not_infinitely_much() -> None:
    assert 30 < log_loss(np.array([0.0]), np.array([1.0])) < 40
    assert log_loss(np.array([1.0]), np.array([1.0])) == pytest.approx(0, abs=1e-12)


@settings(max_examples=60)
@given(forecasts)
def test_the_parts_of_a_brier_score_add_up_and_none_is_negative(rows: list[tuple[float, bool, int]]) -> None:
    p, y, w = columns(rows)
    parts = murphy(p, y, w)
    assert parts.score == pytest.approx(brier(p, y, w))
    assert min(parts) >= -1e-12


def test_a_forecast_that_says_the_base_rate_is_reliable_and_knows_nothing() -> None:
    y = np.array([1.0, 0, 0, 0])
    parts = murphy(np.full(4, 0.25), y)
    assert parts == pytest.approx((0, 0, 0.1875))


@pytest.mark.parametrize(
    ("p", "y", "says"),
    [
        ([1.2], [1.0], "between 0 and 1"),
        ([0.5], [0.5], "an outcome is 1"),
        ([0.5, 0.5], [1.0], "2 forecasts, 1 outcomes"),
        ([np.nan], [1.0], "known values"),
        ([], [], "no forecasts"),
    ],
)
def test_what_cannot_be_scored_says_why(p: list[float], y: list[float], says: str) -> None:
    for score in (brier, log_loss, murphy):
        with pytest.raises(ValueError, match=says):
            score(np.array(p), np.array(y))


def test_a_fit_of_nothing_or_of_weightless_rows_is_refused() -> None:
    with pytest.raises(ValueError, match="no rows"):
        pav(np.array([]), np.array([]))
    with pytest.raises(ValueError, match="a weight above 0"):
        pav(np.array([1.0]), np.array([1.0]), np.array([0.0]))


def stretched(rows: int, by: float = 1.0) -> tuple[Floats, Floats]:
    """Forecasts whose distance from one half is `by` times what is right, and what happened."""
    draw = np.random.default_rng(2)
    right = draw.uniform(0.35, 0.65, rows)
    return np.clip(0.5 + (right - 0.5) * by, 0, 1), (draw.random(rows) < right).astype(np.float64)


def test_right_forecasts_lie_where_right_forecasts_would() -> None:
    diagram = reliability(*stretched(1_500), rounds=60)
    assert diagram.outside < 0.3
    assert diagram.parts.score == pytest.approx(diagram.score)
    assert (diagram.bar_low <= diagram.happened).all()
    assert (diagram.happened <= diagram.bar_high).all()
    assert diagram.rows.sum() == 1_500
    assert np.average(diagram.happened, weights=diagram.rows) == pytest.approx(stretched(1_500)[1].mean())


def test_overconfident_forecasts_lie_outside_and_their_reliability_says_so() -> None:
    right, wrong = (reliability(*stretched(1_500, by), rounds=60) for by in (1.0, 3.0))
    assert wrong.outside > 0.5
    assert wrong.parts.reliability > 3 * right.parts.reliability
    assert wrong.score > 0.25  # worse than always saying the base rate
    assert wrong.parts.resolution == pytest.approx(right.parts.resolution, abs=1e-3)  # it knows as much


def test_a_diagram_is_the_same_whenever_it_is_asked_for() -> None:
    one, other = (reliability(*stretched(200), rounds=20) for _ in range(2))
    assert one.low.tolist() == other.low.tolist()


def test_calibration_error_is_the_mean_distance_of_said_and_happened() -> None:
    p = np.repeat([0.2, 0.8], 10)
    y = np.concatenate((np.repeat([1.0, 0.0], [4, 6]), np.repeat([1.0, 0.0], [8, 2])))
    assert calibration_error(p, y, bins=2) == pytest.approx(0.1)
    assert calibration_error(p, y, bins=1) == pytest.approx(0.1)
    assert calibration_error(np.full(4, 0.5), np.array([1.0, 0, 1, 0])) == 0
    with pytest.raises(ValueError, match="at least one bin"):
        calibration_error(p, y, bins=0)


def test_the_area_counts_pairs_told_apart_and_half_of_the_ties() -> None:
    p, y = np.array([0.1, 0.4, 0.4, 0.8]), np.array([0.0, 0.0, 1.0, 1.0])
    assert area(p, y) == pytest.approx((2 + 1.5) / 4)
    assert area(p, 1 - y) == pytest.approx(0.5 / 4)
    assert area(np.full(4, 0.5), y) == 0.5
    assert area(p, np.ones(4)) is None


@settings(max_examples=40)
@given(forecasts)
def test_the_area_is_what_comparing_every_pair_gives(rows: list[tuple[float, bool, int]]) -> None:
    p, y, _ = columns(rows)
    pairs = [(a > b) + (a == b) / 2 for a in p[y == 1] for b in p[y == 0]]
    assert area(p, y) == (pytest.approx(np.mean(pairs)) if pairs else None)
