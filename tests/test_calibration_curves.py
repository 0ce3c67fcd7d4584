"""Curves from the size of a score to a probability: they find what is true, say how sure they are, and never fall."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipeline.calibration.curves import LEAST_LEVEL, MANY, Choice, Levels, Odds, fitted, name_of
from pipeline.values import Floats

METHODS: tuple[Choice, ...] = ("auto", "platt", "beta", "isotonic")


def logistic(x: Floats) -> Floats:
    return 1 / (1 + np.exp(-x))


def drawn(p: Floats, seed: int = 1) -> Floats:
    """Outcomes of these probabilities."""
    return (np.random.default_rng(seed).random(len(p)) < p).astype(np.float64)


def sizes(rows: int, seed: int = 2) -> Floats:
    return np.random.default_rng(seed).uniform(0, 1, rows)


GRID = np.linspace(0.05, 0.95, 19)


@pytest.mark.parametrize("method", METHODS)
def test_a_logistic_truth_is_found(method: Choice) -> None:
    size = sizes(60_000)
    p, _ = fitted(method, size, drawn(logistic(0.9 * size - 0.1))).at(GRID)
    assert np.abs(p - logistic(0.9 * GRID - 0.1)).max() < 0.03


def test_the_coefficients_of_a_logistic_truth_lie_within_what_the_fit_says_of_itself() -> None:
    size = sizes(20_000)
    curve = fitted("platt", size, drawn(logistic(0.9 * size - 0.1)))
    assert not isinstance(curve, Levels)
    apart = np.array(curve.coefficients) - (0.9, -0.1)
    assert (np.abs(apart) < 3 * np.sqrt(np.diag(np.array(curve.covariance)))).all()


def test_a_truth_that_bends_is_found_by_a_beta_curve_and_not_by_a_logistic_one() -> None:
    size = sizes(60_000)
    truth = logistic(0.8 * np.log(GRID) - 0.4 * np.log1p(-GRID) + 0.6)
    won = drawn(logistic(0.8 * np.log(size) - 0.4 * np.log1p(-size) + 0.6))
    bent, _ = fitted("beta", size, won).at(GRID)
    plain, _ = fitted("platt", size, won).at(GRID)
    assert np.abs(bent - truth).max() < 0.01
    assert np.abs(plain - truth).max() > 0.05


def test_a_truth_with_a_step_is_found_by_an_isotonic_curve() -> None:
    size = sizes(40_000)
    p, _ = fitted("isotonic", size, drawn(np.where(size < 0.4, 0.5, 0.6))).at(np.array([0.1, 0.35, 0.45, 0.9]))
    assert p == pytest.approx([0.5, 0.5, 0.6, 0.6], abs=0.02)


@pytest.mark.parametrize("method", ["platt", "beta"])
def test_standard_errors_are_how_far_fits_of_other_samples_lie_apart(method: Choice) -> None:
    at = np.array([0.2, 0.5, 0.8])
    fits: list[Odds] = []
    for seed in range(150):
        size = sizes(600, seed)
        fits.append(fitted(method, size, drawn(logistic(0.8 * size), 1000 + seed)).at(at))
    spread = np.std([p for p, _ in fits], axis=0)
    assert np.mean([error for _, error in fits], axis=0) == pytest.approx(spread, rel=0.25)


def test_the_standard_error_of_a_level_is_that_of_a_share() -> None:
    size = np.full(400, 0.5)
    _, error = fitted("isotonic", size, np.repeat([1.0, 0.0], 200)).at(np.array([0.5]))
    assert error[0] == pytest.approx(np.sqrt(0.25 / 400), rel=0.01)


@settings(max_examples=60, deadline=None)
@given(
    size=arrays(np.float64, st.integers(100, 300), elements=st.floats(0, 1).map(lambda x: round(x, 2))),
    seed=st.integers(0, 2**16),
    slope=st.sampled_from([-3.0, 0.0, 3.0, 50.0]),
)
def test_no_curve_ever_falls_or_leaves_0_to_1_whatever_it_is_fitted_to(size: Floats, seed: int, slope: float) -> None:
    won = drawn(logistic(slope * (size - 0.5)), seed)
    for method in METHODS:
        p, error = fitted(method, size, won).at(np.linspace(0, 1, 101))
        assert (np.diff(p) >= -1e-12).all()
        assert p.min() >= 0
        assert p.max() <= 1
        assert np.isfinite(error).all()
        assert (error >= 0).all()


def test_a_score_that_is_the_less_right_the_stronger_it_is_makes_a_level_curve() -> None:
    size = sizes(5_000)
    won = drawn(1 - 0.8 * size)
    for method in METHODS:
        p, _ = fitted(method, size, won).at(GRID)
        assert p == pytest.approx(np.full(len(GRID), won.mean()), abs=0.02)


def test_what_never_failed_is_not_certain() -> None:
    size = sizes(200)
    for method in ("platt", "beta"):
        p, _ = fitted(method, size, np.ones(200)).at(np.array([0.5]))
        assert 0.98 < p[0] < 1
    _, error = fitted("isotonic", size, np.ones(200)).at(np.array([0.5]))
    assert error[0] > 0


def test_a_few_lucky_outcomes_at_the_end_make_no_level_of_their_own() -> None:
    size = sizes(3_000)
    won = np.where(size > 0.995, 1.0, drawn(np.full(3_000, 0.5)))
    curve = fitted("isotonic", size, won)
    assert isinstance(curve, Levels)
    assert min(curve.outcomes) >= LEAST_LEVEL
    assert sum(curve.outcomes) == 3_000
    assert curve.share[-1] < 0.7


def test_auto_lets_many_outcomes_speak_for_themselves_and_takes_a_smooth_curve_for_few() -> None:
    size = sizes(MANY)
    won = drawn(logistic(size))
    assert name_of(fitted("auto", size, won)) == "isotonic"
    assert name_of(fitted("auto", size[:-1], won[:-1])) in ("platt", "beta")
    bent = drawn(logistic(1.5 * np.log(size) + 3))
    assert name_of(fitted("auto", size[:-1], bent[:-1])) == "beta"
