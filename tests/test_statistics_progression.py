"""What raising the stake after a loss comes to."""

from decimal import Decimal
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.statistics.progression import CENT, Progression
from pipeline.statistics.shares import break_even

RECOVERING = 1.85 / 0.85
EVEN = break_even(0.85)


def martingale(bankroll: int = 200) -> Progression:
    return Progression(base=Decimal(1), multiplier=RECOVERING, bankroll=Decimal(bankroll), payout=0.85)


@pytest.mark.parametrize(("share", "chance"), [(0.50, 0.95), (EVEN, 0.82), (0.56, 0.71)])
def test_a_stake_that_cannot_be_placed_is_nearly_certain_even_with_an_edge(share: float, chance: float) -> None:
    """The usual figures were drawn by lot; this is exact to the cent, so within a point of them."""
    assert martingale().walk(1_000, share).ruin[-1] == pytest.approx(chance, abs=0.012)


def test_with_an_edge_flat_stakes_end_higher_than_raised_ones_and_are_not_ruined() -> None:
    flat, raised = martingale().flat().walk(1_000, 0.56), martingale().walk(1_000, 0.56)
    assert flat.quantile(0.5) == pytest.approx(236, abs=0.5)
    assert flat.ruin[-1] < 1e-9
    assert raised.quantile(0.5) == pytest.approx(145, abs=2)


def test_the_sentence_has_the_row_of_losses_and_the_chance() -> None:
    assert martingale().sentence() == (
        "7 losses in a row cost 195.81 of 200 and the next stake would be 231.35; "
        "the chance of a stake one cannot place within 1,000 trades is 82 % at break-even, with flat stakes below 1 %; "
        "no row of stakes changes what a trade is worth"
    )


def test_stakes_that_begin_anew_can_outlive_the_bankroll_of_their_row() -> None:
    way = Progression(base=Decimal(1), multiplier=(1, 2, 4), bankroll=Decimal(100), payout=0.85)
    assert way.stakes() == (Decimal("1.00"), Decimal("2.00"), Decimal("4.00"))
    assert way.losses_to_ruin() is None
    assert way.sentence(200).startswith("the chance of a stake")


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from([1.0, 1.5, 2.2, (1.0, 2.0), (1.0, 1.0, 3.0)]),
    st.integers(0, 14),
    st.sampled_from([0.5, 0.8, 0.85, 1.0]),
    st.sampled_from([0.0, 0.3, 0.55, 1.0]),
    st.integers(1, 9),
)
def test_it_is_what_counting_every_way_of_winning_and_losing_gives(
    multiplier: float | tuple[float, ...], bankroll: int, payout: float, share: float, trades: int
) -> None:
    way = Progression(base=Decimal(1), multiplier=multiplier, bankroll=Decimal(bankroll), payout=payout)
    walk = way.walk(trades, share)
    stakes = way.stakes(Decimal(10_000))
    ruined, mean, ends = np.zeros(trades), 0.0, set[float]()
    for ways in product((True, False), repeat=trades):
        chance = float(np.prod([share if won else 1 - share for won in ways]))
        money, losses = Decimal(bankroll), 0
        for trade, won in enumerate(ways):
            stake = stakes[losses % len(stakes)]
            if stake > money:
                ruined[trade] += chance
                break
            money += (stake * Decimal(str(payout))).quantize(CENT) if won else -stake
            losses = 0 if won else losses + 1
        mean += chance * float(money)
        if chance:
            ends.add(float(money))
    assert walk.ruin == pytest.approx(ruined.cumsum())
    assert walk.mean == pytest.approx(mean)
    assert walk.ends.tolist() == pytest.approx(sorted(ends))
    assert walk.safe == 0


@pytest.mark.parametrize("multiplier", [1.0, 1.6, RECOVERING, 3.0])
def test_at_break_even_no_row_of_stakes_brings_anything_on_average(multiplier: float) -> None:
    walk = Progression(base=Decimal(1), multiplier=multiplier, bankroll=Decimal(60), payout=0.85).walk(150)
    assert walk.mean + walk.safe * 1000 == pytest.approx(60, abs=0.15)
    assert walk.chances.sum() + walk.safe == pytest.approx(1)
    assert (np.diff(walk.ruin) >= -1e-15).all()


def test_a_large_bankroll_is_counted_in_coarser_steps_and_says_so() -> None:
    way = Progression(base=Decimal(5), multiplier=2.2, bankroll=Decimal(1000), payout=0.87)
    walk = way.walk(1_000)
    assert 1 < walk.grid <= 50
    assert walk.mean == pytest.approx(1000, rel=0.02)
    assert walk.ruin[-1] == pytest.approx(0.849, abs=3e-3)  # what counting in steps of 8 cents gives


@pytest.mark.parametrize(
    ("base", "multiplier", "bankroll", "payout", "says"),
    [
        ("0", 2.0, "10", 0.85, "at least a cent"),
        ("1", 2.0, "-1", 0.85, "not negative"),
        ("1", 0.5, "10", 0.85, "falls without end"),
        ("1", (), "10", 0.85, "multipliers are numbers"),
        ("1", (1.0, -2.0), "10", 0.85, "multipliers are numbers"),
        ("1", 2.0, "10", -1.0, "a payout is a ratio"),
    ],
)
def test_a_progression_that_cannot_be_says_why(
    base: str, multiplier: float | tuple[float, ...], bankroll: str, payout: float, says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        Progression(base=Decimal(base), multiplier=multiplier, bankroll=Decimal(bankroll), payout=payout)
    with pytest.raises(ValueError, match="at least one trade"):
        martingale().walk(0)
