"""What the numbers of the report and the console may claim."""

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.statistics.curves import Streaks, drawdown, expectancy, streaks
from pipeline.statistics.rates import PayoutMix, WinRate, win_rate
from pipeline.statistics.shares import Interval, break_even, effective_n, wilson
from pipeline.values import Order, Result

MIX = PayoutMix.of([(Decimal(1), 0.85)])
counts = st.integers(0, 100_000)
money = st.decimals("-1000", "1000", places=2)


@pytest.mark.parametrize(
    ("payout", "percent"),
    [
        (0.70, 58.82),
        (0.75, 57.14),
        (0.80, 55.56),
        (0.82, 54.95),
        (0.85, 54.05),
        (0.87, 53.48),
        (0.90, 52.63),
        (0.92, 52.08),
        (0.95, 51.28),
    ],
)
def test_break_even_of_the_usual_payouts(payout: float, percent: float) -> None:
    assert round(break_even(payout) * 100, 2) == percent


@pytest.mark.parametrize("payout", [-0.1, math.nan, math.inf])
def test_a_payout_that_cannot_be_is_refused(payout: float) -> None:
    with pytest.raises(ValueError, match="a payout is a ratio"):
        break_even(payout)


@pytest.mark.parametrize(
    ("share", "n", "low", "high"),
    [
        (0.60, 20, 38.7, 78.1),
        (0.60, 50, 46.2, 72.4),
        (0.60, 100, 50.2, 69.1),
        (0.60, 200, 53.1, 66.5),
        (0.60, 500, 55.6, 64.2),
        (0.60, 1000, 56.9, 63.0),
        (0.56, 200, 49.1, 62.7),
        (0.56, 500, 51.6, 60.3),
        (0.56, 1000, 52.9, 59.0),
        (0.56, 2000, 53.8, 58.2),
        (0.56, 5000, 54.6, 57.4),
    ],
)
def test_the_interval_is_wilsons(share: float, n: int, low: float, high: float) -> None:
    interval = wilson(share * n, n)
    assert (round(interval.low * 100, 1), round(interval.high * 100, 1)) == (low, high)


@given(counts, counts, st.floats(0.5, 0.999))
def test_an_interval_lies_in_0_to_1_and_contains_the_rate(wins: int, losses: int, level: float) -> None:
    n = wins + losses
    interval = wilson(wins, n, level)
    assert 0 <= interval.low <= (wins / n if n else 0.5) <= interval.high <= 1


@given(st.floats(0, 1), st.floats(1e-300, 1e300), st.floats(1.01, 1e6))
def test_more_trades_never_widen_an_interval(share: float, n: float, more: float) -> None:
    few, many = wilson(min(share * n, n), n), wilson(min(share * n * more, n * more), n * more)
    assert many.high - many.low <= few.high - few.low + 1e-12
    assert not math.isnan(few.high - few.low)


def test_of_no_trades_the_interval_is_everything() -> None:
    assert wilson(0, 0) == Interval(0.0, 1.0, 0.95)


@pytest.mark.parametrize(("wins", "n"), [(2, 1), (-1, 5), (math.nan, 5), (1, math.nan), (1, math.inf)])
def test_wins_that_cannot_be_are_refused(wins: float, n: float) -> None:
    with pytest.raises(ValueError, match="there cannot be"):
        wilson(wins, n)


@pytest.mark.parametrize("level", [0, 1, -1, math.nan, 1 - 1e-17])
def test_a_level_that_cannot_be_is_refused(level: float) -> None:
    with pytest.raises(ValueError, match="confidence level"):
        wilson(1, 2, level)


@pytest.mark.parametrize(("together", "correlation", "worth"), [(4, 0.6, 357), (10, 0.6, 156), (2, 0.9, 526)])
def test_a_thousand_trades_in_shared_slots_are_worth_fewer(together: int, correlation: float, worth: int) -> None:
    assert round(effective_n([together] * (1000 // together), correlation)) == worth


def test_trades_alone_in_their_slots_are_worth_their_number() -> None:
    assert effective_n([1] * 40, 0.9) == 40
    assert effective_n([3, 5, 4], 0.0) == 12
    assert effective_n([], 0.6) == 0


def test_the_break_even_of_mixed_payouts_is_weighted_by_stake() -> None:
    mix = PayoutMix.of([(Decimal(3), 0.80), (Decimal(1), 0.92)])
    assert mix.payout == pytest.approx(0.83)
    assert mix.break_even == pytest.approx(1 / 1.83)


def test_a_mix_of_no_trades_has_no_break_even() -> None:
    assert PayoutMix().break_even is None


@given(st.lists(st.tuples(st.decimals("0.01", "1000", places=2), st.floats(0.5, 1.5)), min_size=1))
def test_the_break_even_of_a_mix_lies_between_those_of_its_payouts(trades: list[tuple[Decimal, float]]) -> None:
    ends = sorted(break_even(payout) for _, payout in trades)
    mixed = PayoutMix.of(trades).break_even
    assert mixed is not None
    assert ends[0] - 1e-12 <= mixed <= ends[-1] + 1e-12


def test_a_win_rate_is_printed_with_interval_break_even_count_and_ties() -> None:
    rate = WinRate(wins=297, losses=223, ties=7, payouts=PayoutMix.of([(Decimal(1), 0.8416)]))
    assert str(rate) == "57.1 % (52.8\N{EN DASH}61.3) vs break-even 54.3 %, n=520, ties 7"


def test_trades_that_hang_together_widen_the_interval_and_are_said() -> None:
    rate = WinRate(wins=297, losses=223, ties=7, payouts=PayoutMix.of([(Decimal(1), 0.8416)]), effective=301)
    assert str(rate) == "57.1 % (51.5\N{EN DASH}62.6) vs break-even 54.3 %, n=520, n_eff=301, ties 7"


def test_without_decided_trades_there_is_no_number() -> None:
    assert str(WinRate(wins=0, losses=0, payouts=PayoutMix())) == "no decided trades yet"
    assert str(WinRate(wins=0, losses=0, ties=2, payouts=PayoutMix())) == "no decided trades yet, ties 2"
    assert WinRate(wins=0, losses=0, payouts=PayoutMix()).share is None


def test_a_win_rate_cannot_be_made_without_its_payouts() -> None:
    with pytest.raises(TypeError, match="payouts"):
        WinRate(wins=3, losses=2)  # pyright: ignore[reportCallIssue]  # that it is missing is the point
    with pytest.raises(ValueError, match="need the payouts"):
        WinRate(wins=3, losses=2, payouts=PayoutMix())


def test_a_win_rate_cannot_be_printed_as_a_bare_number() -> None:
    rate = WinRate(wins=3, losses=2, payouts=MIX)
    with pytest.raises(TypeError):
        format(rate, ".1%")
    with pytest.raises(TypeError):
        float(rate)  # pyright: ignore[reportArgumentType]  # that it cannot is the point


@pytest.mark.parametrize("effective", [0, -1, 5.5, math.nan])
def test_an_effective_number_that_cannot_be_is_refused(effective: float) -> None:
    with pytest.raises(ValueError, match="independent"):
        WinRate(wins=3, losses=2, payouts=MIX, effective=effective)


@given(counts, counts, counts, st.floats(0.001, 1))
def test_no_win_rate_prints_nan(wins: int, losses: int, ties: int, worth: float) -> None:
    n = wins + losses
    rate = WinRate(wins=wins, losses=losses, ties=ties, payouts=MIX, effective=n * worth if n else None)
    assert "nan" not in str(rate).replace("n_eff", "")
    assert 0 <= rate.interval.low <= rate.interval.high <= 1


def test_the_win_rate_of_orders_counts_decided_ones_and_weighs_their_payouts() -> None:
    orders = [order("win", 0.80), order("lose", 0.90), order("push", 0.10), order("canceled", 0.10), order(None, 0.10)]
    rate = win_rate(orders)
    assert (rate.wins, rate.losses, rate.ties) == (1, 1, 1)
    assert rate.break_even == pytest.approx(break_even(0.85))


def order(result: Result | None, payout: float) -> Order:
    state = "CONFIRM" if result is None else "SETTLED"
    return Order("o", "demo", "EURUSD", 60_000, 0, "call", Decimal(1), payout, state, 0, result=result)


def test_expectancy_is_profit_per_unit_staked() -> None:
    assert expectancy([Decimal("0.85"), Decimal(-2)], [Decimal(1), Decimal(2)]) == pytest.approx(-1.15 / 3)
    assert expectancy([], []) is None
    with pytest.raises(ValueError, match="2 profits, 1 stakes"):
        expectancy([Decimal(1), Decimal(1)], [Decimal(1)])


def test_drawdown_is_the_deepest_fall_from_a_high() -> None:
    assert drawdown(Decimal(step) for step in (-1, 4, -3, 2, -5, 9)) == Decimal(6)
    assert drawdown([]) == 0
    assert drawdown([Decimal("0.87")] * 3) == 0


@given(st.lists(money))
def test_drawdown_is_that_of_the_worst_stretch(profits: list[Decimal]) -> None:
    stretches = [sum(profits[i:j], Decimal(0)) for i in range(len(profits)) for j in range(i, len(profits) + 1)]
    assert drawdown(profits) == -min(stretches, default=Decimal(0))


def test_money_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="NaN is not an amount"):
        drawdown([Decimal("NaN")])
    with pytest.raises(ValueError, match="Infinity is not an amount"):
        expectancy([Decimal("Infinity")], [Decimal(1)])
    with pytest.raises(ValueError, match="negative or unknown"):
        PayoutMix(Decimal("NaN"))


def test_a_tie_neither_lengthens_nor_ends_a_streak() -> None:
    assert streaks(["win", "win", "push", "win", "lose", "canceled", "lose", "win"]) == Streaks(3, 2, 1)
    assert streaks(["win", "lose", "lose", "push"]).now == -2
    assert streaks([]) == Streaks(0, 0, 0)
