"""What a flow may ask of a venue, against what the venue answers."""

import math

from hypothesis import given
from hypothesis import strategies as st

from pipeline.budgeting import Excess, Share, excesses
from pipeline.connections.contract import Limit, Need

TRADING = Limit("trading", frozenset({"proposal", "buy"}), 360, 14_400, reserve=60)


def share(*needs: Need, limit: Limit = TRADING) -> Share:
    return Share("venues.deriv", "demo-1", limit, needs)


def orders(per_minute: float, per_hour: float | None = None) -> Need:
    return Need("buy", per_minute, "orders", "order", _fewer, "demo-1", per_hour)


def _fewer(times: float) -> str:
    return f"open_per, {times:.3f} times fewer"


def _every(times: float) -> str:
    return f'payout_every = "{math.ceil(round(60 * times, 6))}s"'


def payouts(per_minute: float) -> Need:
    return Need("proposal", per_minute, "payouts", "quote", _every)


def found(*needs: Need, limit: Limit = TRADING) -> list[Excess]:
    return list(excesses([share(*needs, limit=limit)]))


def test_what_fits_is_no_problem_and_its_share_is_told() -> None:
    assert not found(orders(100, 6000), payouts(120))
    text = share(orders(90, 5400), payouts(90)).text()
    assert text == ("[venues.deriv] demo-1 trading: at most 180 of 360 a minute (50%), 10800 of 14400 an hour (75%)")


def test_what_does_not_fit_is_told_with_all_that_makes_it_and_the_cheapest_change() -> None:
    (excess,) = found(orders(200), payouts(240))

    assert excess.text() == (
        "it may ask 440 times a minute for `trading` of demo-1, where the venue answers 360: "
        "240 for payouts, 200 for orders"
    )
    assert excess.cheapest() == 'payout_every = "90s"'


def test_prices_are_given_up_before_orders_and_orders_where_nothing_else_is_enough() -> None:
    (excess,) = found(orders(400), payouts(20))

    assert excess.cheapest() == "open_per, 1.176 times fewer"


def test_where_no_single_change_is_enough_it_says_with_what_to_begin() -> None:
    fixed = Need("buy", 500, "what cannot be less", "order")
    (excess,) = found(fixed, payouts(20))

    assert excess.cheapest() == (
        "no single change is enough: begin with what cannot be less, "
        "or divide products and timeframes among more accounts"
    )


def test_calls_that_one_change_makes_fewer_count_together() -> None:
    both = (Need("proposal", 200, "questions", "result", _every), Need("buy", 200, "questions", "result", _every))
    (excess,) = found(*both, limit=TRADING._replace(reserve=0))

    assert excess.text().endswith("where the venue answers 360: 400 for questions")
    assert excess.cheapest() == 'payout_every = "67s"'


def test_what_is_kept_for_orders_nothing_else_may_take() -> None:
    minutes = TRADING._replace(per_hour=None)
    (excess,) = found(payouts(310), limit=minutes)

    assert "300" not in excess.text()
    assert "360, 60 of them kept for orders" in excess.text()
    assert excess.cheapest() == 'payout_every = "62s"'
    assert not found(payouts(300), limit=minutes)


def test_an_hour_has_a_limit_of_its_own() -> None:
    (excess,) = found(orders(300, 15_000))

    assert excess.hourly
    assert "it may ask 15000 times an hour" in excess.text()
    assert not found(orders(300, 14_400))


@given(st.lists(st.floats(0.1, 500), min_size=1, max_size=5))
def test_the_change_that_is_named_is_enough(sizes: list[float]) -> None:
    limit = Limit("quotes", frozenset(), 400)
    needs = [Need("ticks", size, f"no. {number}", "quote", str) for number, size in enumerate(sizes)]
    for excess in found(*needs, limit=limit):
        change = excess.cheapest()
        if change.startswith("no single"):
            assert max(sizes) <= sum(sizes) - 400
        else:
            smaller = max(sizes) / float(change)
            assert sum(sizes) - max(sizes) + smaller <= 400 * (1 + 1e-9)
