"""What trades came to, as it is kept while they end."""

from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.statistics.curves import drawdown, expectancy, streaks
from pipeline.statistics.records import record
from pipeline.telemetry.money import Money
from pipeline.telemetry.readings import Reading
from pipeline.telemetry.slots import OPEN, Slots
from pipeline.telemetry.tallies import Book, Tally
from pipeline.times import DAY, MINUTE
from pipeline.values import Order
from tests.support import MONDAY, SMALL, order, plan_of

PROFITS = {"win": "0.90", "lose": "-1.00", "push": "0"}


def traded(number: int, result: str, slot: int | None = None, **changes: object) -> Order:
    expiry = MONDAY + 2 * MINUTE + MINUTE * (number if slot is None else slot)
    facts = {
        "order": f"demo-1:EURUSD:1m:{number}",
        "bar": expiry - 2 * MINUTE,
        "at": expiry,
        "expiry": expiry,
        "ended_at": expiry,
        "result": result,
        "profit": PROFITS[result],
    }
    return order("SETTLED", **(facts | changes))


def kept(orders: Sequence[Order]) -> Tally:
    book = Book()
    for each in orders:
        book.take(each)
    return book.tally


RESULTS = st.lists(st.sampled_from(("win", "lose", "push")), max_size=60)
TRADES = st.lists(st.tuples(st.sampled_from(("win", "lose")), st.integers(0, 12)), min_size=1, max_size=120)


@given(TRADES)
def test_what_trades_are_worth_is_what_a_report_says_of_all_of_them_at_once(trades: list[tuple[str, int]]) -> None:
    orders = [traded(number, result, slot) for number, (result, slot) in enumerate(trades)]
    whole = record("paper", orders)
    tally = kept(orders)
    assert tally.worth.pairs == whole.worth.pairs
    if whole.worth.pairs:
        assert tally.worth.effective == pytest.approx(whole.worth.n)
    assert str(tally.rate) == str(whole.win_rate)


@given(RESULTS)
def test_the_fall_the_streak_and_the_expectancy_are_those_of_the_statistics(results: list[str]) -> None:
    orders = [traded(number, result) for number, result in enumerate(results)]
    tally = kept(orders)
    profits = [each.profit for each in orders]
    runs = streaks(each.result for each in orders if each.result is not None)
    assert (tally.deepest, tally.profit) == (drawdown(profits), sum(profits))
    assert (tally.streak, tally.most_lost) == (runs.now, runs.losses)
    mean = expectancy(profits, [each.stake for each in orders])
    assert dict(tally.numbers(MONDAY)).get("expectancy") == (None if mean is None else pytest.approx(mean))


def test_a_win_rate_never_stands_without_its_interval_its_break_even_and_its_n() -> None:
    numbers = dict(kept([traded(1, "win"), traded(2, "lose"), traded(3, "push")]).numbers(MONDAY))
    assert (numbers["win_rate"], numbers["decided"], numbers["effective"], numbers["ties"]) == (0.5, 2, 2, 1)
    assert numbers["win_rate_low"] < 0.5 < numbers["win_rate_high"]
    assert numbers["break_even"] == pytest.approx(1 / 1.9)
    nothing = dict(kept([traded(1, "push")]).numbers(MONDAY))
    assert not {"win_rate", "win_rate_low", "break_even", "decided"} & set(nothing)


def test_the_days_profit_begins_anew_at_midnight_and_a_late_word_of_yesterday_does_not_move_it() -> None:
    tomorrow = traded(2, "win", at=MONDAY + DAY)
    late = traded(3, "lose")
    tally = kept([traded(1, "win"), tomorrow, late])
    assert tally.of_day(MONDAY + DAY) == Decimal("0.90")
    assert tally.of_day(MONDAY + 2 * DAY) == 0
    assert tally.profit == Decimal("0.80")


def test_a_contract_sold_early_moves_money_and_no_win_rate() -> None:
    sold = traded(1, "win", ended_at=MONDAY + MINUTE, profit="0.20")
    tally = kept([sold])
    assert (tally.profit, tally.rate.n, tally.staked) == (Decimal("0.20"), 0, 0)


def test_slots_of_long_ago_are_closed_and_their_sums_stay() -> None:
    slots = Slots()
    for slot in range(OPEN + 40):
        slots.take(slot, won=True)
        slots.take(slot, won=False)
    assert (slots.sums.n, slots.sums.pairs) == (2 * (OPEN + 40), OPEN + 40)
    slots.take(0, won=True)  # it was closed: this one has nobody it ended with
    slots.take(OPEN + 39, won=True)
    assert slots.sums.pairs == OPEN + 40 + 2


# --- whose -----------------------------------------------------------------------------------------------------------

SEVERAL = SMALL.replace('mode = "paper"', "").replace(
    "[accounts.demo-1]",
    """[accounts.real-1]
venue = "practice"
currency = "EUR"

[accounts.demo-1]""",
)


def told(money: Money, now: int = MONDAY) -> dict[tuple[str, ...], float]:
    numbers: dict[tuple[str, ...], float] = {}
    for reading in money.readings(now):
        assert isinstance(reading, Reading)
        assert isinstance(reading.value, int | float)
        numbers[reading.name.removeprefix("moonlight_"), *reading.labels] = float(reading.value)
    return numbers


def test_accounts_keys_and_kinds_of_money_stand_apart_and_currencies_are_never_added() -> None:
    money = Money(plan_of(SEVERAL))
    money.take(traded(1, "win"))
    money.take(traded(2, "lose", account="real-1", order="real-1:EURUSD:1m:2"))
    money.take(traded(3, "win", product="BTCUSD", tf=5 * MINUTE, order="demo-1:BTCUSD:5m:3"))
    numbers = told(money)
    assert numbers["account_profit", "demo-1", "paper", "USD"] == pytest.approx(1.8)
    assert numbers["account_profit", "real-1", "paper", "EUR"] == -1
    assert (numbers["money_profit", "paper", "USD"], numbers["money_profit", "paper", "EUR"]) == (1.8, -1)
    assert numbers["key_profit", "demo-1", "BTCUSD", "5m"] == pytest.approx(0.9)
    assert numbers["product_profit", "EURUSD", "paper", "USD"] == pytest.approx(0.9)
    assert numbers["timeframe_profit", "1m", "paper", "EUR"] == -1


def test_what_the_ledger_remembers_is_in_the_rates_and_in_no_counter_of_this_life() -> None:
    money = Money(plan_of())
    money.remember(traded(1, "win"))
    money.take(traded(2, "win"))
    numbers = told(money)
    assert numbers["account_decided", "demo-1", "paper", "USD"] == 2
    assert numbers["trades_total", "demo-1", "paper", "USD", "win"] == 1


def test_an_order_told_twice_in_one_state_counts_once_and_one_of_unknown_outcome_is_not_open() -> None:
    money = Money(plan_of())
    for state in ("PREPARE", "SEND", "SEND", "UNKNOWN"):
        money.take(order(state))
    numbers = told(money)
    assert numbers["orders_total", "demo-1", "send"] == 1
    assert (numbers["open_orders", "demo-1"], numbers["unknown_orders", "demo-1"]) == (0, 1)
    money.take(traded(1, "lose", order=order().order))
    assert told(money)["unknown_orders", "demo-1"] == 0


def test_a_void_contract_is_a_trade_without_a_result() -> None:
    money = Money(plan_of())
    money.take(order("CANCELED", result="canceled", cause="void"))
    numbers = told(money)
    assert numbers["trades_total", "demo-1", "paper", "USD", "void"] == 1
    assert numbers["account_profit", "demo-1", "paper", "USD"] == 0
    assert ("account_win_rate", "demo-1", "paper", "USD") not in numbers
