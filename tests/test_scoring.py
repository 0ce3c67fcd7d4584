"""Scores over rows: what strategies are made of."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from pipeline.scoring import before, crossed, held, highest, lately, lowest, returned, share, spoken, turned
from pipeline.values import Flags, Floats
from tests.provider_cases import said

NAN = float("nan")
VALUES = arrays.arrays(np.float64, st.integers(0, 12), elements=st.sampled_from([-2.0, -1.0, 0.0, 1.0, 2.0, NAN]))
FLAGS = arrays.arrays(np.bool_, st.integers(0, 12))
ROWS = st.integers(1, 14)


def column(*values: float) -> Floats:
    return np.array(values, np.float64)


def flags(*values: int) -> Flags:
    return np.array(values, np.bool_)


def test_a_vote_counts_a_tenth_at_least_and_1_at_most() -> None:
    up, down = flags(1, 1, 1, 0, 0), flags(0, 0, 0, 1, 0)
    assert said(spoken(up, down, column(0.0, 0.5, 7.0, 7.0, 0.5))) == [0.1, 0.5, 1.0, -1.0, None]


def test_what_points_both_ways_or_has_no_strength_says_nothing() -> None:
    assert said(spoken(flags(1, 1), flags(1, 0), column(0.5, NAN))) == [None, None]


def test_a_strength_that_is_negative_never_turns_a_vote_round() -> None:
    assert said(spoken(flags(1, 0), flags(0, 1), column(-0.8, -0.8))) == [0.1, -0.1]


def test_a_share_of_nothing_or_of_less_is_nothing_and_never_a_warning() -> None:
    parts, wholes = column(1.0, 1.0, 1.0, NAN, 1.0, 1e300), column(2.0, 0.0, -1.0, 1.0, NAN, 1e-300)
    assert said(share(parts, wholes)) == [0.5, None, None, None, None, float("inf")]


def test_a_cross_has_touched_or_passed_and_stayed() -> None:
    apart = column(-1, 0, 1, 1, -1, 1, 1)
    assert [each.tolist() for each in crossed(apart)] == [
        [False, False, True, False, False, True, False],
        [False, False, False, False, True, False, False],
    ]
    assert [each.tolist() for each in crossed(apart, 2)] == [
        [False, False, False, True, False, False, True],
        [False] * 7,
    ]


def test_what_was_at_its_limit_or_beyond_returns_once() -> None:
    up, down = returned(column(-2, -1, 0, 0, 1, 0.5, -1, -0.5), 1.0)
    assert up.tolist() == [False, False, True, False, False, False, False, True]
    assert down.tolist() == [False, False, False, False, False, True, False, False]


def test_what_leaps_from_one_limit_beyond_the_other_has_not_returned() -> None:
    assert [each.any() for each in returned(column(-2, 2, -1, 1), 1.0)] == [False, False]


def test_a_turn_has_come_from_the_other_way() -> None:
    up, down, moved = turned(column(3, 1, 2, 2, 1, 4))
    assert up.tolist() == [False, False, True, False, False, True]
    assert down.tolist() == [False] * 6  # a rise that rests for a bar is no turn
    assert said(moved) == [None, 2.0, 1.0, 0.0, 1.0, 3.0]


@settings(max_examples=60)
@given(values=VALUES, rows=ROWS)
def test_before_is_the_row_so_many_rows_before(values: Floats, rows: int) -> None:
    expected = [values[row - rows] if row >= rows else NAN for row in range(len(values))]
    assert said(before(values, rows)) == said(expected)


@settings(max_examples=60)
@given(values=VALUES, rows=ROWS)
def test_extremes_are_of_so_many_rows_all_of_which_are_known(values: Floats, rows: int) -> None:
    windows = [values[row - rows + 1 : row + 1] if row + 1 >= rows else column(NAN) for row in range(len(values))]
    assert said(highest(values, rows)) == said([np.max(window) for window in windows])
    assert said(lowest(values, rows)) == said([np.min(window) for window in windows])


@settings(max_examples=60)
@given(values=FLAGS, rows=ROWS)
def test_what_held_and_what_was_lately_are_of_so_many_rows(values: Flags, rows: int) -> None:
    whole = [row + 1 >= rows for row in range(len(values))]
    spans = [values[max(0, row - rows + 1) : row + 1] for row in range(len(values))]
    assert held(values, rows).tolist() == [bool(span.all()) and full for span, full in zip(spans, whole, strict=True)]
    assert lately(values, rows).tolist() == [bool(span.any()) and full for span, full in zip(spans, whole, strict=True)]


@pytest.mark.parametrize("rows", [1, 3])
def test_columns_are_left_as_they_are(rows: int) -> None:
    values, marks = column(1, 2, 3, 2), flags(1, 1, 0, 1)
    values.flags.writeable = marks.flags.writeable = False
    for act in (before, highest, lowest):
        act(values, rows)
    for act in (held, lately):
        act(marks, rows)
    crossed(values, rows)
    turned(values)
    spoken(marks, ~marks, values)
