"""What a record of trades says as a whole: whose money, how many independent trades, where it stands by luck alone."""

from decimal import Decimal
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.statistics.clusters import slots, worth
from pipeline.statistics.curves import drawdown, expectancy, expectancy_interval, profit_factor
from pipeline.statistics.fan import SHARES, fan
from pipeline.statistics.rates import WinRate
from pipeline.statistics.records import Record, record
from pipeline.statistics.shares import Money
from pipeline.times import MINUTE
from pipeline.values import Order
from tests.support import MONDAY, order

RESULTS = {1: ("win", Decimal("0.85")), -1: ("lose", Decimal(-1)), 0: ("push", Decimal(0))}


def trade(number: int, came: int, *, slot: int | None = None, **changes: Any) -> Order:
    word, profit = RESULTS[came]
    slot = number if slot is None else slot
    facts = {
        "order": f"o{number}",
        "bar": MONDAY + MINUTE * slot,
        "expiry": MONDAY + MINUTE * (slot + 1),
        "result": word,
        "profit": profit,
        "payout": 0.85,
    }
    return order("SETTLED", **(facts | changes))


def drawn(n: int, share: float, seed: int = 1, together: int = 1, same: float = 0.0) -> list[Order]:
    """Trades won by chance, some in one slot; `same` of them follow their slot."""
    draw = np.random.default_rng(seed)
    common = draw.random(n // together + 1) < share
    return [
        trade(
            number,
            1 if (common[number // together] if draw.random() < same else draw.random() < share) else -1,
            slot=number // together,
        )
        for number in range(n)
    ]


def test_paper_replay_demo_and_real_are_never_added() -> None:
    words: tuple[Money, ...] = get_args(Money)
    records: list[Record[Money]] = [record(word, [trade(1, 1)]) for word in words]
    for one in records:
        for other in records:
            if one.money == other.money:
                assert len(one + other) == 2
            else:
                with pytest.raises(ValueError, match=f"{one.money} and {other.money} trades are never added"):
                    _ = one + other


def test_a_type_checker_refuses_their_sum_before() -> None:
    paper, real = record("paper", []), record("real", [])
    with pytest.raises(ValueError, match="paper and real"):
        _ = paper + real  # pyright: ignore[reportOperatorIssue, reportUnknownVariableType]  # the point


def test_two_currencies_are_not_added() -> None:
    with pytest.raises(ValueError, match="rate of exchange"):
        _ = record("paper", [], "USD") + record("paper", [], "EUR")


def test_a_record_holds_what_settled_in_the_order_in_which_it_expired() -> None:
    orders = [
        trade(2, 1),
        trade(1, -1),
        trade(3, 0),
        trade(4, 1, result="canceled"),
        order("UNKNOWN", order="o5"),
        order("ABORT", order="o6"),
    ]
    found = record("paper", orders)
    assert [each.order for each in found.orders] == ["o1", "o2", "o3"]
    assert found.result.tolist() == [-1, 1, 0]
    assert found.win_rate == WinRate(wins=1, losses=1, ties=1, payouts=found.win_rate.payouts)


def test_the_money_of_one_moment_comes_at_once() -> None:
    found = record("paper", [trade(1, -1, slot=5), trade(2, 1, slot=5), trade(3, -1, slot=6)])
    assert found.slot_profits == (Decimal("-0.15"), Decimal(-1))
    assert drawdown(found.slot_profits) == Decimal("1.15")
    assert found.slots.returns.tolist() == pytest.approx([-0.075, -1])
    assert found.slots.trades.tolist() == [2, 1]


def test_trades_that_share_every_fate_are_worth_their_slots() -> None:
    found = worth(np.repeat(np.arange(60), 4), np.repeat(np.arange(60) % 2 == 0, 4))
    assert found.correlation == pytest.approx(1)
    assert found.n == pytest.approx(60)


def test_trades_that_have_nothing_to_do_with_each_other_are_worth_about_their_number() -> None:
    found = record("paper", drawn(2_000, 0.55, together=4)).worth
    assert found.correlation < 0.05
    assert found.n > 1_750


@pytest.mark.parametrize(("together", "same", "worth"), [(4, 0.6**0.5, 357), (10, 0.6**0.5, 156)])
def test_correlation_is_found_in_the_trades_rather_than_assumed(together: int, same: float, worth: int) -> None:
    found = record("paper", drawn(10_000, 0.55, together=together, same=same)).worth
    assert found.correlation == pytest.approx(0.6, abs=0.04)
    assert found.n / 10 == pytest.approx(worth, rel=0.06)


def test_trades_that_hedge_each_other_are_not_worth_more_than_they_are() -> None:
    found = worth(np.repeat(np.arange(40), 2), np.tile([True, False], 40))
    assert found == (80, 0, 40)


def test_a_few_pairs_say_nothing_so_every_slot_is_one_proof() -> None:
    assert worth(np.repeat(np.arange(5), 2), np.tile([True, False], 5)).n == pytest.approx(5)


def test_n_and_n_eff_are_printed_together_once_trades_share_slots() -> None:
    assert "n_eff" not in str(record("paper", drawn(50, 0.5)).win_rate)
    assert ", n=80, n_eff=40, " in str(record("paper", drawn(80, 0.5, together=2, same=1.0)).win_rate)


def test_slots_come_in_order_and_have_stakes() -> None:
    with pytest.raises(ValueError, match="sort them first"):
        slots(np.array([2, 1]), np.ones(2), np.ones(2), np.ones(2))
    with pytest.raises(ValueError, match="stake above 0"):
        slots(np.array([1, 2]), np.zeros(2), np.ones(2), np.ones(2))
    assert len(slots(np.array([], np.int64), np.zeros(0), np.zeros(0), np.zeros(0))) == 0


def test_the_interval_of_the_expectancy_is_the_usual_one_where_every_trade_is_alone() -> None:
    found = record("paper", drawn(200, 0.55))
    interval = expectancy_interval(found.slots)
    mean, error = found.profit.mean(), found.profit.std(ddof=1) / 200**0.5
    assert interval is not None
    assert (interval.low, interval.high) == pytest.approx((mean - 1.972 * error, mean + 1.972 * error), abs=1e-4)
    assert interval.low < (expectancy(found.profits, found.stakes) or 0) < interval.high


def test_trades_that_end_together_widen_the_interval_of_the_expectancy() -> None:
    alone = expectancy_interval(record("paper", drawn(400, 0.55)).slots)
    shared = expectancy_interval(record("paper", drawn(400, 0.55, together=8, same=1.0)).slots)
    assert alone is not None
    assert shared is not None
    assert shared.high - shared.low > 1.8 * (alone.high - alone.low)


def test_there_is_no_interval_of_too_few_slots_or_where_all_went_one_way() -> None:
    assert expectancy_interval(record("paper", drawn(9, 0.5)).slots) is None
    assert expectancy_interval(record("paper", [trade(number, 1) for number in range(50)]).slots) is None


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    truth = 0.55 * 1.85 - 1
    held = 0
    for seed in range(60):
        interval = expectancy_interval(record("paper", drawn(120, 0.55, seed, together=3, same=0.7)).slots)
        assert interval is not None
        held += interval.low <= truth <= interval.high
    assert held >= 52


def test_profit_factor_is_what_was_won_for_each_unit_lost() -> None:
    assert profit_factor([Decimal("0.85"), Decimal(-1), Decimal("0.85"), Decimal(0)]) == pytest.approx(1.7)
    assert profit_factor([Decimal(1)]) is None
    assert profit_factor([]) is None


def test_half_of_the_runs_without_an_edge_are_in_profit_and_being_ahead_proves_nothing() -> None:
    found = fan(record("paper", drawn(500, 0.5)))
    assert found is not None
    assert 1 - found.standing(0.0) == pytest.approx(0.49, abs=0.03)
    assert found.fall(0.5) == pytest.approx(23, abs=1.5)
    assert found.fall(0.95) == pytest.approx(46, abs=3)
    assert np.mean(found.ends) == pytest.approx(0, abs=2)


def test_a_fan_is_the_same_for_the_same_record_and_knows_its_stakes() -> None:
    found, again = fan(record("paper", drawn(60, 0.5)), runs=300), fan(record("paper", drawn(60, 0.6, 9)), runs=300)
    assert found is not None
    assert again is not None
    assert found.bands.tolist() == again.bands.tolist()  # who won is no part of it
    tenfold = fan(record("paper", [trade(number, 1, stake="10.00", profit="8.50") for number in range(60)]), runs=300)
    assert tenfold is not None
    assert tenfold.ends == pytest.approx(found.ends * 10)


def test_trades_that_go_together_make_a_wider_fan() -> None:
    alone = fan(record("paper", drawn(400, 0.55, together=8)), runs=500)
    shared = fan(record("paper", drawn(400, 0.55, together=8, same=1.0)), runs=500)
    assert alone is not None
    assert shared is not None
    assert shared.ends.std() > 2 * alone.ends.std()


@settings(max_examples=15, deadline=None)
@given(st.lists(st.sampled_from([1, -1, 0]), min_size=1, max_size=40), st.integers(1, 4))
def test_a_fan_spreads_in_order_around_every_standing(results: list[int], together: int) -> None:
    found = record("replay", [trade(each, result, slot=each // together) for each, result in enumerate(results)])
    drawn_fan = fan(found, runs=50)
    assert drawn_fan is not None
    assert drawn_fan.bands.shape == (len(SHARES), len(drawn_fan.at))
    assert (np.diff(drawn_fan.bands, axis=0) >= 0).all()
    assert drawn_fan.at[-1] == found.ended[-1]
    assert 0 <= drawn_fan.standing(float(sum(found.profits))) <= 1
    assert (drawn_fan.falls >= 0).all()


def test_a_fan_of_ties_alone_does_not_move() -> None:
    found = fan(record("paper", [trade(1, 0), trade(2, 0)]), runs=20)
    assert found is not None
    assert found.ends.tolist() == [0.0] * 20
    assert found.standing(0.0) == 0.5


def test_there_is_no_fan_without_trades() -> None:
    assert fan(record("paper", [])) is None
