"""Weights that add up to 1, none above a cap."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.simplex import capped

WANTED = st.integers(1, 8).flatmap(
    lambda count: st.tuples(
        st.lists(st.floats(-5, 5), min_size=count, max_size=count), st.floats(1 / count, 1.0, exclude_min=False)
    )
)


def made(wanted: list[float], cap: float) -> np.ndarray:
    return capped(np.array(wanted)[:, None], cap)[:, 0]


@given(WANTED)
def test_they_add_up_to_1_and_none_is_below_0_or_above_the_cap(case: tuple[list[float], float]) -> None:
    wanted, cap = case
    weights = made(wanted, cap)
    assert weights.sum() == pytest.approx(1, abs=1e-9)
    assert (weights >= 0).all()
    assert (weights <= cap).all()


@given(WANTED, st.integers(0, 2**16))
def test_no_other_such_weights_are_nearer_to_what_was_wanted(case: tuple[list[float], float], seed: int) -> None:
    wanted, cap = np.array(case[0]), case[1]
    weights = made(case[0], cap)
    random = np.random.default_rng(seed)
    for _ in range(20):
        other = random.dirichlet(np.ones(len(wanted)))
        other = other if (other <= cap).all() else np.full(len(wanted), 1 / len(wanted))
        assert np.linalg.norm(weights - wanted) <= np.linalg.norm(other - wanted) + 1e-9


@given(WANTED, st.randoms(use_true_random=False))
def test_the_order_of_the_weights_does_not_matter(case: tuple[list[float], float], random: object) -> None:
    wanted, cap = case
    order = list(range(len(wanted)))
    random.shuffle(order)  # type: ignore[attr-defined]  # hypothesis gives a `random.Random`
    turned = made([wanted[each] for each in order], cap)
    assert turned == pytest.approx(made(wanted, cap)[order], abs=1e-9)


def test_a_weight_at_the_cap_stays_there_where_rescaling_would_lift_it_over() -> None:
    assert made([0.7, 0.2, 0.1], 0.4).tolist() == pytest.approx([0.4, 0.35, 0.25])


def test_columns_are_projected_each_by_itself() -> None:
    wanted = np.random.default_rng(7).normal(size=(5, 40))
    together = capped(wanted, 0.3)
    alone = np.column_stack([capped(wanted[:, row : row + 1], 0.3)[:, 0] for row in range(40)])
    assert (together == alone).all()


def test_a_cap_that_leaves_too_little_is_refused() -> None:
    with pytest.raises(ValueError, match=r"2 weights of at most 0\.4 cannot add up to 1"):
        made([0.5, 0.5], 0.4)
