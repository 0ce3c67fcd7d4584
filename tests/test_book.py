"""What the gate remembers of an account, folded from what becomes of its orders."""

from decimal import Decimal
from functools import reduce
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.risk.book import Book, Cooling
from pipeline.times import DAY, MINUTE, SECOND
from pipeline.values import Key, Order
from tests.support import MONDAY, order

REST, LONGEST = 30 * SECOND, 5 * MINUTE
EMPTY = Book(Decimal(100), REST, LONGEST)
KEY = Key("demo-1", "EURUSD", MINUTE)


def folded(*orders: Order, book: Book = EMPTY) -> Book:
    return reduce(Book.after, orders, book)


def ended(result: str, profit: str, at: int = MONDAY, **changes: Any) -> Order:
    return order("SETTLED", result=result, profit=profit, at=at, **changes)


def lost(at: int = MONDAY, **changes: Any) -> Order:
    return ended("lose", "-1", at, **changes)


# --- open orders -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "alive"), [("SENDING", 1), ("OPEN", 1), ("UNKNOWN", 1), ("REJECTED", 0), ("NOT_SENT", 0)]
)
def test_an_order_counts_until_it_has_ended(state: str, alive: int) -> None:
    book = folded(order("SENDING"), order(state))
    assert book.on(KEY) == (alive, int(state == "UNKNOWN"))
    assert book.at_stake == alive
    assert book.balance == 100


def test_what_is_known_twice_counts_once() -> None:
    book = folded(order("OPEN"), order("OPEN"), order("OPEN", order="other", stake="2.50"))
    assert (book.on(KEY), book.at_stake) == ((2, 0), Decimal("3.50"))


def test_a_settled_order_is_money_and_no_longer_at_stake() -> None:
    book = folded(order("OPEN"), ended("win", "0.90"))
    assert (book.balance, book.at_stake, book.on(KEY)) == (Decimal("100.90"), 0, (0, 0))


def test_one_keys_orders_are_not_anothers() -> None:
    book = folded(order("OPEN"))
    assert book.on(Key("demo-1", "EURUSD", 5 * MINUTE)) == (0, 0)
    assert book.on(Key("demo-1", "BTCUSD", MINUTE)) == (0, 0)


# --- resting after losses --------------------------------------------------------------------------------------------


def test_each_loss_in_a_row_doubles_the_rest_up_to_the_longest() -> None:
    book, rests = EMPTY, list[int]()
    for number in range(7):
        book = book.after(lost(MONDAY + number * DAY // 100))
        rests.append(book.cooling[KEY].until - MONDAY - number * DAY // 100)
    assert rests == [30_000, 60_000, 120_000, 240_000, 300_000, 300_000, 300_000]


def test_a_win_ends_the_streak_but_not_the_rest() -> None:
    book = folded(lost(), lost(), ended("win", "0.9", MONDAY + 1))
    assert book.cooling[KEY] == Cooling(0, MONDAY + 2 * REST)
    assert book.after(lost(MONDAY + 2)).cooling[KEY] == Cooling(1, MONDAY + 2 + REST)


@pytest.mark.parametrize("result", ["push", "canceled", "abort"])
def test_what_is_neither_won_nor_lost_leaves_the_streak(result: str) -> None:
    book = folded(lost(), ended(result, "0", MONDAY + 5))
    assert book.cooling[KEY] == Cooling(1, MONDAY + REST)


def test_keys_rest_apart() -> None:
    book = folded(lost(), lost(order="other", product="BTCUSD"))
    assert {key.product: cooling.losses for key, cooling in book.cooling.items()} == {"EURUSD": 1, "BTCUSD": 1}


def test_after_a_thousand_losses_the_rest_is_still_the_longest() -> None:
    assert folded(*[lost()] * 1_000).cooling[KEY] == Cooling(1_000, MONDAY + LONGEST)


# --- the day ---------------------------------------------------------------------------------------------------------

MIDNIGHT = MONDAY // DAY * DAY + DAY


def test_the_day_turns_at_midnight_utc() -> None:
    before = folded(lost(MIDNIGHT - 1), lost(MIDNIGHT - 1))
    assert before.profit_on(MIDNIGHT // DAY - 1) == -2
    assert before.profit_on(MIDNIGHT // DAY) == 0
    after = before.after(lost(MIDNIGHT))
    assert (after.profit_on(MIDNIGHT // DAY), after.balance) == (-1, 97)


def test_what_settled_yesterday_but_is_told_today_is_not_todays() -> None:
    book = folded(lost(MIDNIGHT), lost(MIDNIGHT - 1))
    assert (book.profit_on(MIDNIGHT // DAY), book.balance) == (-1, 98)


ORDERS = st.lists(
    st.tuples(st.sampled_from(["win", "lose", "push"]), st.integers(0, 3 * DAY), st.integers(0, 2)), max_size=30
)


@given(ORDERS)
def test_the_balance_is_what_it_began_with_and_all_profits(facts: list[tuple[str, int, int]]) -> None:
    profits = {"win": "0.87", "lose": "-1.00", "push": "0"}
    orders = [
        ended(result, profits[result], MONDAY + at, order=f"{number}", tf=[MINUTE, 5 * MINUTE, 15 * MINUTE][tf])
        for number, (result, at, tf) in enumerate(sorted(facts, key=lambda fact: fact[1]))
    ]
    book = folded(*orders)
    assert book.balance == 100 + sum(each.profit for each in orders)
    last = max((each.at // DAY for each in orders), default=0)
    assert book.profit_on(last) == sum(each.profit for each in orders if each.at // DAY == last)
    assert book.at_stake == 0
