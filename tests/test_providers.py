"""Strategies as pure functions of columns."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from operators.providers.ema_cross import EmaCross
from operators.providers.ema_trend import EmaTrend
from operators.providers.rsi_reversal import RsiReversal
from pipeline.parts import Provider
from pipeline.values import Columns, Floats
from tests.driven import columns_of

NAN = float("nan")
CROSS = EmaCross(fast="fast", slow="slow")
FILTERED = EmaCross(fast="fast", slow="slow", filter="rsi", filter_level=55.0)
TREND = EmaTrend(fast="fast", slow="slow", rsi="rsi")
FADE = RsiReversal(rsi="rsi")
ALL: dict[str, Provider] = {"cross": CROSS, "filtered": FILTERED, "trend": TREND, "fade": FADE}


def said(scores: Iterable[float]) -> list[float | None]:
    """Scores with None for nothing to say."""
    return [None if np.isnan(score) else round(float(score), 6) for score in scores]


# --- ema_cross -------------------------------------------------------------------------------------------------------


def test_a_cross_is_voted_on_its_own_bar_only_in_its_direction() -> None:
    columns = columns_of(fast=[0.9, 0.9, 1.1, 1.2, 0.9, 0.8], slow=[1.0] * 6)
    assert said(CROSS(columns)) == [None, None, 1.0, None, -1.0, None]


def test_touching_is_not_yet_crossing_but_leaving_the_touch_is() -> None:
    columns = columns_of(fast=[0.9, 1.0, 1.1, 1.0, 0.9], slow=[1.0] * 5)
    assert said(CROSS(columns)) == [None, None, 1.0, None, -1.0]


def test_the_first_row_has_nothing_before_it_and_says_nothing() -> None:
    assert said(CROSS(columns_of(fast=[1.1], slow=[1.0]))) == [None]


def test_a_steeper_cross_is_voted_more_strongly_up_to_1_and_never_under_a_tenth() -> None:
    def strength(jump: float) -> float:
        return float(CROSS(columns_of(fast=[1.0, 1.0 + jump], slow=[1.0, 1.0]))[1])

    assert [round(strength(jump), 6) for jump in (1e-9, 3e-5, 6e-5, 1e-4, 5e-4)] == [0.1, 0.3, 0.6, 1.0, 1.0]


@pytest.mark.parametrize(
    ("rsi", "up", "down"), [(55.0, 1.0, None), (54.9, None, None), (45.0, None, -1.0), (45.1, None, None)]
)
def test_a_filter_lets_a_cross_up_through_at_its_level_and_a_cross_down_at_its_mirror(
    rsi: float, up: float | None, down: float | None
) -> None:
    levels = [rsi, rsi]
    assert said(FILTERED(columns_of(fast=[0.9, 1.1], slow=[1.0, 1.0], rsi=levels)))[1] == up
    assert said(FILTERED(columns_of(fast=[1.1, 0.9], slow=[1.0, 1.0], rsi=levels)))[1] == down


# --- ema_trend -------------------------------------------------------------------------------------------------------


def test_a_trend_needs_the_averages_and_the_rsi_to_agree() -> None:
    columns = columns_of(fast=[1.1, 1.1, 0.9, 0.9, 1.0], slow=[1.0] * 5, rsi=[60.0, 40.0, 40.0, 60.0, 60.0])
    assert [score is None for score in said(TREND(columns))] == [False, True, False, True, True]
    assert np.sign(TREND(columns)[[0, 2]]).tolist() == [1.0, -1.0]


def test_the_rsi_must_be_above_its_level_not_at_it() -> None:
    columns = columns_of(fast=[1.1, 1.1, 0.9, 0.9], slow=[1.0] * 4, rsi=[55.0, 55.1, 45.0, 44.9])
    assert [score is not None for score in said(TREND(columns))] == [False, True, False, True]


def test_a_trends_strength_is_seven_tenths_rsi_and_three_tenths_distance() -> None:
    columns = columns_of(fast=[1.0005, 1.001, 1.5], slow=[1.0] * 3, rsi=[75.0, 75.0, 100.0])
    assert said(TREND(columns)) == [0.5, 0.65, 1.0]


# --- rsi_reversal ----------------------------------------------------------------------------------------------------


def test_an_overstretched_market_is_voted_against_the_more_the_further_it_is() -> None:
    columns = columns_of(rsi=[0.0, 15.0, 30.0, 50.0, 70.0, 85.0, 100.0])
    assert said(FADE(columns)) == [1.0, 0.5, None, None, None, -0.5, -1.0]


# --- all -------------------------------------------------------------------------------------------------------------

PRICES = arrays.arrays(np.float64, 24, elements=st.floats(0.5, 2.0) | st.just(NAN))
LEVELS = arrays.arrays(np.float64, 24, elements=st.floats(0, 100) | st.just(NAN))


@pytest.mark.parametrize("name", ALL)
@given(fast=PRICES, slow=PRICES, rsi=LEVELS)
def test_a_score_lies_in_minus_1_to_1_or_is_nothing(name: str, fast: Floats, slow: Floats, rsi: Floats) -> None:
    scores = ALL[name](columns_of(fast=fast, slow=slow, rsi=rsi))
    spoken = scores[np.isfinite(scores)]
    assert (np.abs(spoken) <= 1).all()
    assert not np.isinf(scores).any()


@pytest.mark.parametrize("name", ALL)
@given(fast=PRICES, slow=PRICES, rsi=LEVELS, at=st.integers(1, 24))
def test_a_score_depends_on_nothing_after_it(name: str, fast: Floats, slow: Floats, rsi: Floats, at: int) -> None:
    whole = ALL[name](columns_of(fast=fast, slow=slow, rsi=rsi))
    prefix = ALL[name](columns_of(fast=fast[:at], slow=slow[:at], rsi=rsi[:at]))
    assert prefix.tobytes() == whole[:at].tobytes()


@pytest.mark.parametrize("name", ALL)
@given(fast=PRICES, slow=PRICES, rsi=LEVELS, at=st.integers(2, 23))
def test_a_score_depends_on_no_more_rows_before_it_than_it_says(
    name: str, fast: Floats, slow: Floats, rsi: Floats, at: int
) -> None:
    whole = ALL[name](columns_of(fast=fast, slow=slow, rsi=rsi))
    begin = at - ALL[name].lookback
    short = ALL[name](columns_of(fast=fast[begin:], slow=slow[begin:], rsi=rsi[begin:]))
    assert short[at - begin :].tobytes() == whole[at:].tobytes()


SPEAKS: dict[str, dict[str, list[float]]] = {
    "cross": {"fast": [0.9, 1.1], "slow": [1.0, 1.0], "rsi": [60.0, 60.0]},
    "filtered": {"fast": [0.9, 1.1], "slow": [1.0, 1.0], "rsi": [60.0, 60.0]},
    "trend": {"fast": [1.1, 1.1], "slow": [1.0, 1.0], "rsi": [60.0, 60.0]},
    "fade": {"rsi": [10.0, 10.0]},
}
USES = [(name, column) for name, table in SPEAKS.items() for column in table if (name, column) != ("cross", "rsi")]


@pytest.mark.parametrize(("name", "column"), USES)
def test_where_a_column_is_not_known_it_has_nothing_to_say(name: str, column: str) -> None:
    assert np.isfinite(ALL[name](columns_of(**SPEAKS[name]))[1])
    unknown = SPEAKS[name] | {column: [SPEAKS[name][column][0], NAN]}
    assert np.isnan(ALL[name](columns_of(**unknown))[1])


@pytest.mark.parametrize("name", ALL)
def test_the_mirrored_market_is_voted_in_the_mirror(name: str) -> None:
    random = np.random.default_rng(1)
    fast, slow, rsi = random.uniform(0.9, 1.1, 200), random.uniform(0.9, 1.1, 200), random.uniform(0, 100, 200)
    scores = ALL[name](columns_of(fast=fast, slow=slow, rsi=rsi))
    mirror = ALL[name](columns_of(fast=slow, slow=fast, rsi=100 - rsi))
    assert np.isfinite(scores).sum() > 10
    np.testing.assert_allclose(mirror, -scores, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", ALL)
def test_it_leaves_its_columns_as_they_are(name: str) -> None:
    columns = columns_of(fast=[0.9, 1.1], slow=[1.0, 1.0], rsi=[60.0, 20.0])
    before: dict[str, Any] = {key: column.copy() for key, column in columns.values.items()}
    ALL[name](columns)
    assert all(np.array_equal(column, before[key]) for key, column in columns.values.items())


def test_columns_of_no_rows_give_no_scores() -> None:
    nothing: Columns = columns_of(fast=[], slow=[], rsi=[])
    assert [len(each(nothing)) for each in ALL.values()] == [0, 0, 0, 0]
