"""What the gate remembers of an account, folded from what becomes of its orders."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.risk.book import Book
from operators.risk.days import days_of
from pipeline.times import DAY, MINUTE, SECOND
from pipeline.values import Key, Order
from tests.support import MONDAY, order

STEPS = (30 * SECOND, 60 * SECOND, 120 * SECOND, 240 * SECOND, 300 * SECOND)
KEY = Key("demo-1", "EURUSD", MINUTE)


def rest(at: int, losses: int) -> int:
    return at + STEPS[min(losses, len(STEPS)) - 1]


def folded(*orders: Order, zone: str = "UTC") -> Book:
    book = Book(Decimal(100), days_of(zone), rest)
    for each in orders:
        book.take(each)
    return book


def ended(result: str, profit: str, at: int = MONDAY, **changes: Any) -> Order:
    return order("SETTLED", result=result, profit=profit, at=at, **changes)


def lost(at: int = MONDAY, **changes: Any) -> Order:
    return ended("lose", "-1", at, **changes)


# --- open orders -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "alive"), [("SEND", 1), ("CONFIRM", 1), ("UNKNOWN", 1), ("ABORT", 0), ("CANCELED", 0)]
)
def test_an_order_counts_until_it_has_ended(state: str, alive: int) -> None:
    book = folded(order("SEND"), order(state))
    assert book.on(KEY) == (alive, int(state == "UNKNOWN"))
    assert book.at_stake == alive
    assert book.balance == 100


def test_what_is_known_twice_counts_once() -> None:
    book = folded(order("CONFIRM"), order("CONFIRM"), order("CONFIRM", order="other", stake="2.50"))
    assert (book.on(KEY), book.at_stake) == ((2, 0), Decimal("3.50"))


def test_a_settled_order_is_money_and_no_longer_at_stake() -> None:
    book = folded(order("CONFIRM"), ended("win", "0.90"))
    assert (book.balance, book.at_stake, book.on(KEY)) == (Decimal("100.90"), 0, (0, 0))


def test_one_keys_orders_are_not_anothers() -> None:
    book = folded(order("CONFIRM"))
    assert book.on(Key("demo-1", "EURUSD", 5 * MINUTE)) == (0, 0)
    assert book.on(Key("demo-1", "BTCUSD", MINUTE)) == (0, 0)


# --- resting after losses --------------------------------------------------------------------------------------------


def test_each_loss_in_a_row_rests_longer_up_to_the_longest() -> None:
    rests = list[int]()
    for number in range(1, 8):
        last = MONDAY + number * DAY // 100
        book = folded(*(lost(MONDAY + each * DAY // 100, order=f"{each}") for each in range(1, number + 1)))
        rests.append(book.rests_until(KEY) - last)
        assert book.losses(KEY, last) == number
    assert rests == [30_000, 60_000, 120_000, 240_000, 300_000, 300_000, 300_000]


def test_a_win_ends_the_streak_but_not_the_rest() -> None:
    told = [lost(order="a"), lost(order="b"), ended("win", "0.9", MONDAY + 1, order="c")]
    book = folded(*told)
    assert (book.losses(KEY, MONDAY + 1), book.rests_until(KEY)) == (0, MONDAY + 60 * SECOND)
    again = folded(*told, lost(MONDAY + 2, order="d"))
    assert (again.losses(KEY, MONDAY + 2), again.rests_until(KEY)) == (1, MONDAY + 60 * SECOND)


@pytest.mark.parametrize("result", ["push", "canceled", "abort"])
def test_what_is_neither_won_nor_lost_leaves_the_streak(result: str) -> None:
    book = folded(lost(order="a"), ended(result, "0", MONDAY + 5, order="b"))
    assert (book.losses(KEY, MONDAY + 5), book.rests_until(KEY)) == (1, MONDAY + 30 * SECOND)


def test_keys_rest_apart() -> None:
    other = Key("demo-1", "BTCUSD", MINUTE)
    book = folded(lost(), lost(order="b", product="BTCUSD"), lost(order="c", product="BTCUSD"))
    assert (book.losses(KEY, MONDAY), book.losses(other, MONDAY)) == (1, 2)
    assert book.losses(Key("demo-1", "XAUUSD", MINUTE), MONDAY) == 0
    assert book.rests_until(Key("demo-1", "XAUUSD", MINUTE)) == 0


def test_after_a_thousand_losses_the_rest_is_still_the_longest_and_a_hundred_are_counted() -> None:
    book = folded(*(lost(MONDAY + number, order=f"{number}") for number in range(1_000)))
    assert (book.losses(KEY, MONDAY + 999), book.rests_until(KEY)) == (100, MONDAY + 999 + 300 * SECOND)


@pytest.mark.parametrize(("days", "losses"), [(30, 1), (29, 2)])
def test_losses_of_more_than_a_month_ago_are_forgotten(days: int, losses: int) -> None:
    book = folded(lost(MONDAY, order="a"), lost(MONDAY + days * DAY, order="b"))
    assert book.losses(KEY, MONDAY + days * DAY) == losses
    assert book.rests_until(KEY) == MONDAY + days * DAY + STEPS[losses - 1]


# --- the day ---------------------------------------------------------------------------------------------------------

MIDNIGHT = MONDAY // DAY * DAY + DAY


def test_the_day_turns_at_midnight() -> None:
    before = [lost(MIDNIGHT - 1, order="a"), lost(MIDNIGHT - 1, order="b")]
    book = folded(*before)
    assert (book.profit_on(MIDNIGHT // DAY - 1), book.profit_on(MIDNIGHT // DAY)) == (-2, 0)
    after = folded(*before, lost(MIDNIGHT, order="c"))
    assert (after.profit_on(MIDNIGHT // DAY), after.balance) == (-1, 97)


def test_the_day_turns_at_the_midnight_of_its_zone() -> None:
    there = days_of("Europe/Istanbul")
    book = folded(lost(MIDNIGHT - 3 * 60 * MINUTE - 1), lost(MIDNIGHT - 3 * 60 * MINUTE), zone="Europe/Istanbul")
    assert (book.profit_on(there.of(MIDNIGHT)), book.balance) == (-1, 98)


def test_what_settled_yesterday_but_is_told_today_is_not_todays() -> None:
    book = folded(lost(MIDNIGHT), lost(MIDNIGHT - 1))
    assert (book.profit_on(MIDNIGHT // DAY), book.balance) == (-1, 98)


ORDERS = st.lists(
    st.tuples(st.sampled_from(["win", "lose", "push"]), st.integers(0, 40 * DAY), st.integers(0, 2)), max_size=30
)
PROFITS = {"win": "0.87", "lose": "-1.00", "push": "0"}
FRAMES = (MINUTE, 5 * MINUTE, 15 * MINUTE)


def orders_of(facts: list[tuple[str, int, int]]) -> list[Order]:
    return [
        ended(result, PROFITS[result], MONDAY + at, order=f"{number}", tf=FRAMES[tf])
        for number, (result, at, tf) in enumerate(facts)
    ]


@settings(max_examples=60)
@given(ORDERS)
def test_the_balance_is_what_it_began_with_and_all_profits(facts: list[tuple[str, int, int]]) -> None:
    orders = orders_of(facts)
    book = folded(*orders)
    assert book.balance == 100 + sum(each.profit for each in orders)
    last = max((each.at // DAY for each in orders), default=0)
    assert book.profit_on(last) == sum(each.profit for each in orders if each.at // DAY == last)
    assert book.at_stake == 0


@settings(max_examples=60)
@given(ORDERS, st.randoms(use_true_random=False))
def test_in_whatever_order_results_are_told_the_book_is_the_same(
    facts: list[tuple[str, int, int]], shuffled: Any
) -> None:
    orders = orders_of(facts)
    mixed = list(orders)
    shuffled.shuffle(mixed)
    now = MONDAY + 40 * DAY
    told, other = folded(*sorted(orders, key=lambda each: (each.at, each.order))), folded(*mixed)
    for tf in FRAMES:
        key = KEY._replace(tf=tf)
        assert told.losses(key, now) == other.losses(key, now)
        assert max(now, told.rests_until(key)) == max(now, other.rests_until(key))
    assert told.balance == other.balance
    assert told.profit_on(now // DAY) == other.profit_on(now // DAY)
