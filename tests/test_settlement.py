"""The rules of fixed-time contracts, and the prices they are applied to."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.candles import from_columns
from pipeline.gains import profit_of
from pipeline.settlement import FEW_ROWS, Contract, PayoutPath, Price, PricePath, Tie, result_of, settled
from pipeline.times import MINUTE
from pipeline.values import Bars, Direction, Payouts, Quotes, Result

T = 1_767_600_000_000
"""The opening of some minute."""

Tick = tuple[int, float]


def quotes(*ticks: Tick, product: str = "EURUSD", lag: int = 0) -> Quotes:
    ts = np.array([tick[0] for tick in ticks], np.int64)
    price = np.array([tick[1] for tick in ticks], np.float64)
    return Quotes(product, ts, ts + lag, price, price)


def bars(*rows: tuple[int, float, float], tf: int = MINUTE, fresh: int | None = None) -> Bars:
    """Bars of (open_ts, open, close)."""
    open_ts = np.array([row[0] for row in rows], np.int64)
    open_, close = np.array([row[1:] for row in rows], np.float64).reshape(-1, 2).T
    high, low = np.maximum(open_, close), np.minimum(open_, close)
    made = from_columns("EURUSD", tf, open_ts, open_, high, low, close, np.ones(len(rows)))
    return made if fresh is None else made.rows(0, len(rows), fresh)


def path_of(*batches: Quotes | Bars) -> PricePath:
    path = PricePath()
    for batch in batches:
        path.append(batch)
    return path


def contract(accepted_at: int, expiry: int, direction: Direction = "call", payout: float = 0.87) -> Contract:
    return Contract("o1", "EURUSD", direction, Decimal("1.00"), payout, accepted_at, expiry)


# --- rules -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("direction", "entry", "exit_", "tie", "result"),
    [
        ("call", 1.0, 1.1, "push", "win"),
        ("call", 1.1, 1.0, "push", "lose"),
        ("put", 1.1, 1.0, "push", "win"),
        ("put", 1.0, 1.1, "push", "lose"),
        ("call", 1.0, 1.0, "push", "push"),
        ("put", 1.0, 1.0, "push", "push"),
        ("call", 1.0, 1.0, "lose", "lose"),
        ("put", 1.0, 1.0, "lose", "lose"),
    ],
)
def test_a_call_wins_higher_a_put_lower_and_equal_is_what_the_tie_rule_says(
    direction: Direction, entry: float, exit_: float, tie: Tie, result: Result
) -> None:
    assert result_of(direction, entry, exit_, tie) == result


@pytest.mark.parametrize(
    ("stake", "payout", "profit"),
    [
        ("1.00", 0.87, "0.87"),
        ("1.50", 0.85, "1.28"),
        ("0.50", 0.85, "0.42"),
        ("0.35", 0.9, "0.32"),
        ("100", 0.1, "10.00"),
    ],
)
def test_a_win_gains_stake_times_payout_with_half_cents_to_the_even_cent(
    stake: str, payout: float, profit: str
) -> None:
    assert profit_of("win", Decimal(stake), payout) == Decimal(profit)


def test_a_loss_costs_the_stake_and_a_push_nothing() -> None:
    assert profit_of("lose", Decimal("2.50"), 0.87) == Decimal("-2.50")
    assert profit_of("push", Decimal("2.50"), 0.87) == 0
    assert profit_of("canceled", Decimal("2.50"), 0.87) == 0


def test_entry_is_strictly_after_acceptance_and_exit_at_or_before_expiry() -> None:
    path = path_of(quotes((T, 1.0), (T + 100, 1.1), (T + 200, 1.2), (T + 900, 1.3), (T + 1000, 1.4), (T + 1001, 0.1)))
    end = settled(contract(T + 100, T + 1000), path, T + 1200, "push")
    assert (end.entry_ts, end.entry, end.exit_ts, end.exit) == (T + 200, 1.2, T + 1000, 1.4)
    assert (end.result, end.profit, end.at) == ("win", Decimal("0.87"), T + 1200)


def test_of_several_ticks_at_expiry_the_last_one_counts() -> None:
    path = path_of(quotes((T + 1, 1.0), (T + 10, 2.0), (T + 10, 0.5), (T + 11, 3.0)))
    assert settled(contract(T, T + 10), path, T + 10, "push").exit == 0.5


def test_a_single_tick_in_a_contract_is_its_entry_and_its_exit() -> None:
    end = settled(contract(T, T + 100), path_of(quotes((T, 2.0), (T + 50, 1.0), (T + 101, 3.0))), T + 100, "lose")
    assert (end.result, end.entry_ts, end.exit_ts) == ("lose", T + 50, T + 50)


@pytest.mark.parametrize("ticks", [[(T, 1.0), (T + 101, 2.0)], [(T, 1.0)], [(T + 101, 2.0)], []])
def test_without_a_tick_between_acceptance_and_expiry_a_contract_is_void(ticks: list[Tick]) -> None:
    end = settled(contract(T, T + 100), path_of(quotes(*ticks)), T + 300, "lose")
    assert (end.result, end.profit, end.entry_ts, end.exit_ts) == ("canceled", 0, 0, 0)


def test_what_is_received_later_does_not_change_what_was_known() -> None:
    path = path_of(quotes((T + 10, 1.0), (T + 20, 2.0), lag=5))
    assert path.exit("EURUSD", T + 99, known_before=T + 25) == Price(T + 10, 1.0)
    assert path.exit("EURUSD", T + 99, known_before=T + 26) == Price(T + 20, 2.0)
    assert path.exit("EURUSD", T + 99, known_before=T + 15) is None


# --- bars ------------------------------------------------------------------------------------------------------------

THREE = bars((T, 1.0, 1.1), (T + MINUTE, 1.2, 1.3), (T + 2 * MINUTE, 1.4, 1.5))


def test_from_bars_entry_is_the_open_of_the_bar_of_acceptance_and_exit_the_last_close_by_expiry() -> None:
    end = settled(contract(T + 120, T + MINUTE + 120), path_of(THREE), 0, "push")
    assert (end.entry_ts, end.entry, end.exit_ts, end.exit) == (T, 1.0, T + MINUTE, 1.1)
    later = settled(contract(T + MINUTE, T + 3 * MINUTE), path_of(THREE), 0, "push")
    assert (later.entry, later.exit) == (1.2, 1.5)


def test_from_bars_a_contract_within_one_bar_is_void() -> None:
    assert settled(contract(T + 1, T + MINUTE - 1), path_of(THREE), 0, "push").result == "canceled"


def test_from_bars_acceptance_in_a_silent_minute_enters_at_the_next_opening() -> None:
    path = path_of(bars((T, 1.0, 1.1), (T + 2 * MINUTE, 1.4, 1.5)))
    assert path.entry("EURUSD", T + MINUTE + 5) == Price(T + 2 * MINUTE, 1.4)


def test_context_rows_of_bars_are_no_prices() -> None:
    path = path_of(bars((T, 1.0, 1.1), (T + MINUTE, 1.2, 1.3), fresh=1))
    assert path.entry("EURUSD", T) == Price(T + MINUTE, 1.2)
    assert path_of(bars((T, 1.0, 1.1), fresh=0)).entry("EURUSD", 0) is None


def test_quotes_win_over_bars_whichever_came_first() -> None:
    tick = quotes((T + 5, 9.0))
    assert path_of(THREE, tick).entry("EURUSD", T) == Price(T + 5, 9.0)
    assert path_of(tick, THREE).exit("EURUSD", T + MINUTE) == Price(T + 5, 9.0)


def test_the_finest_bars_win_whichever_came_first() -> None:
    coarse = bars((T, 7.0, 8.0), tf=5 * MINUTE)
    for path in (path_of(coarse, THREE), path_of(THREE, coarse)):
        assert path.exit("EURUSD", T + 5 * MINUTE) == Price(T + 3 * MINUTE, 1.5)


def test_a_bar_given_again_changes_nothing() -> None:
    path = path_of(THREE, bars((T + MINUTE, 5.0, 6.0), (T + 3 * MINUTE, 1.6, 1.7)))
    assert path.exit("EURUSD", T + 2 * MINUTE) == Price(T + 2 * MINUTE, 1.3)
    assert len(path) == 4


# --- the path --------------------------------------------------------------------------------------------------------

ticks_anyhow = st.lists(
    st.tuples(
        st.integers(T, T + 60),
        st.integers(0, 60),
        st.one_of(st.floats(1, 2), st.just(float("nan")), st.just(float("inf"))),
    ),
    max_size=30,
)


@given(ticks_anyhow, st.lists(st.integers(0, 30), max_size=5))
def test_a_path_is_the_same_however_its_rows_are_cut_into_batches(
    rows: list[tuple[int, int, float]], cuts: Sequence[int]
) -> None:
    ts, lag, price = (np.array(column) for column in zip(*rows, strict=True)) if rows else (np.zeros(0),) * 3
    all_rows = Quotes("EURUSD", ts.astype(np.int64), (ts + lag).astype(np.int64), price, price)
    edges = [0, *sorted(cut for cut in cuts if cut < len(rows)), len(rows)]
    whole, single = path_of(all_rows), path_of(*(all_rows.rows(row, row + 1) for row in range(len(rows))))
    parts = path_of(*(all_rows.rows(*edge) for edge in pairwise(edges)))
    for moment in range(T - 1, T + 62):
        for known in range(T, T + 122, 7):
            answers = {path.exit("EURUSD", moment, known) for path in (whole, single, parts)}
            assert len(answers) == 1
        assert len({path.entry("EURUSD", moment) for path in (whole, single, parts)}) == 1
        assert len({path.complete_at("EURUSD", moment) for path in (whole, single, parts)}) == 1


def test_late_rows_and_rows_that_are_no_price_are_left_out() -> None:
    path = path_of(quotes((T + 10, 1.0), (T + 5, 2.0), (T + 20, float("nan"))), quotes((T + 9, 3.0)))
    assert len(path) == 1
    assert path.exit("EURUSD", T + 99) == Price(T + 10, 1.0)


def test_a_path_forgets_what_nobody_may_ask_about_and_keeps_the_price_of_that_moment() -> None:
    needed = T + 10 * FEW_ROWS
    path = PricePath(lambda product: needed)
    for start in range(0, 20 * FEW_ROWS, 4096):
        ts = T + np.arange(start, start + 4096, dtype=np.int64)
        path.append(Quotes("EURUSD", ts, ts, ts.astype(np.float64), ts.astype(np.float64)))
    assert len(path) < 12 * FEW_ROWS
    assert path.exit("EURUSD", needed) == Price(needed, float(needed))
    assert path.exit("EURUSD", needed - 1) == Price(needed - 1, float(needed - 1))
    assert path.exit("EURUSD", needed - 2) is None


def test_a_path_of_bars_forgets_its_openings_with_its_closes() -> None:
    rows = 2 * FEW_ROWS
    needed = T + (rows - 10) * MINUTE
    path = PricePath(lambda product: needed)
    open_ts = T + MINUTE * np.arange(rows, dtype=np.int64)
    price = np.arange(rows, dtype=np.float64)
    path.append(from_columns("EURUSD", MINUTE, open_ts, price, price, price, price, price))
    assert len(path) < 20
    assert path.entry("EURUSD", needed + 5) == Price(needed, float(rows - 10))


# --- payouts ---------------------------------------------------------------------------------------------------------


def test_a_payout_is_in_force_from_its_moment_until_the_next() -> None:
    path = PayoutPath()
    path.append(Payouts("EURUSD", np.array([T, T + 10], np.int64), np.array([0.8, 0.9])))
    assert [path.at("EURUSD", T + after) for after in (-1, 0, 9, 10, 99)] == [None, 0.8, 0.8, 0.9, 0.9]
    assert path.at("XAUUSD", T) is None


@pytest.mark.parametrize("nothing", [0.0, float("nan")])
def test_a_payout_of_nothing_ends_the_one_before(nothing: float) -> None:
    path = PayoutPath()
    path.append(Payouts("EURUSD", np.array([T, T + 10, T + 20], np.int64), np.array([0.8, nothing, 0.7])))
    assert [path.at("EURUSD", T + after) for after in (5, 15, 25)] == [0.8, None, 0.7]
