"""The window: bars begin and end at epoch boundaries, whatever comes, whenever it comes."""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.window import Window
from pipeline.times import DAY, HOUR, MINUTE, parse_moment
from pipeline.values import CLOSED_BY, Bars, Dropped, Quotes
from tests.driven import Given, bars_of, driven, walk
from tests.support import MONDAY, quotes, same

GRACE = 500
WINDOW = Window(timeframes=("1m", "5m"), grace_ms=GRACE, contexts={MINUTE: 100, 5 * MINUTE: 100})
FRIDAY_CLOSE = parse_moment("2026-01-09T22:00:00Z")
SUNDAY_OPEN = parse_moment("2026-01-11T22:00:00Z")


def at(seconds: float, price: float = 1.1, lag: int = 40, product: str = "EURUSD") -> tuple[int, Quotes]:
    """A quote so many seconds after Monday ten o'clock, at the moment it is received."""
    stamp = MONDAY + round(seconds * 1000)
    return stamp + lag, quotes(product, [stamp], [price], lag)


def each_minute(minutes: Iterable[int], product: str = "EURUSD", begin: int = MONDAY) -> Iterator[tuple[int, Quotes]]:
    for minute in minutes:
        stamp = begin + minute * MINUTE + 1_000
        yield stamp + 40, quotes(product, [stamp], [1.1 + minute / 1000], 40)


def gathered(entries: Iterable[tuple[int, Any]], window: Window = WINDOW, until: int | None = None) -> Given:
    entries = list(entries)
    return driven(
        window, entries, max((moment for moment, _ in entries), default=0) + 2 * MINUTE if until is None else until
    )


def bars_in(given: Given, tf: int = MINUTE) -> list[Bars]:
    return [item for _, item in given if isinstance(item, Bars) and item.tf == tf]


def fresh_in(given: Given, tf: int = MINUTE, column: str = "open_ts") -> list[Any]:
    return [each for bars in bars_in(given, tf) for each in getattr(bars, column)[len(bars) - bars.fresh :].tolist()]


def dropped_in(given: Given) -> Counter[str]:
    counted = Counter[str]()
    for _, item in given:
        if isinstance(item, Dropped):
            counted[item.reason] += item.rows
    return counted


# --- boundaries ------------------------------------------------------------------------------------------------------

EVERY_FIVE_SECONDS = [at(5 * step, 1.1 + step % 7 / 1000) for step in range(12 * 16)]
WHOLE = fresh_in(gathered(EVERY_FIVE_SECONDS))


@settings(max_examples=60, deadline=None)
@given(kept=st.lists(st.booleans(), min_size=len(EVERY_FIVE_SECONDS), max_size=len(EVERY_FIVE_SECONDS)))
def test_whatever_outage_no_boundary_moves(kept: list[bool]) -> None:
    heard = [entry for entry, wanted in zip(EVERY_FIVE_SECONDS, kept, strict=True) if wanted]
    made = gathered(heard, until=MONDAY + HOUR)
    expected = Counter(int(item.ts[0]) // MINUTE * MINUTE for _, item in heard)
    assert dict(zip(fresh_in(made), fresh_in(made, column="ticks"), strict=True)) == expected
    assert set(expected) <= set(WHOLE)
    fives = range(MONDAY, MONDAY + HOUR, 5 * MINUTE)
    assert fresh_in(made, 5 * MINUTE) == [
        five for five in fives if set(range(five, five + 5 * MINUTE, MINUTE)) <= set(expected)
    ]


@pytest.mark.parametrize("begin", [0, 13, 59.999, 60, 61])
def test_boundaries_are_the_epochs_not_the_first_quotes(begin: float) -> None:
    opened = fresh_in(gathered([at(begin + 7 * step) for step in range(40)]))
    assert opened
    assert all(slot % MINUTE == 0 for slot in opened)


def test_a_bar_is_what_its_quotes_were() -> None:
    (bar,) = bars_in(gathered([at(1, 1.13), at(20, 1.15), at(40, 1.12), at(59.999, 1.14)]))
    assert (bar.open[0], bar.high[0], bar.low[0], bar.close[0]) == pytest.approx((1.13, 1.15, 1.12, 1.14))
    assert (bar.ticks[0], bar.volume[0], bar.revision[0]) == (4, 4.0, 0)


# --- when a bar is final ---------------------------------------------------------------------------------------------


def test_a_bar_is_final_with_the_next_tick_and_says_so() -> None:
    given = gathered([at(10), at(60.1)], until=MONDAY + MINUTE + 200)
    (bar,) = bars_in(given)
    assert given == [(MONDAY + MINUTE + 140, bar)]
    assert (int(bar.final_at[0]), CLOSED_BY[bar.closed_by[0]]) == (MONDAY + MINUTE + 140, "next tick")


def test_without_a_next_tick_it_is_final_at_the_deadline_and_says_so() -> None:
    given = gathered([at(10)], until=MONDAY + MINUTE + GRACE)
    (bar,) = bars_in(given)
    assert given == [(MONDAY + MINUTE + GRACE, bar)]
    assert (int(bar.final_at[0]), CLOSED_BY[bar.closed_by[0]]) == (MONDAY + MINUTE + GRACE, "deadline")


def test_before_its_deadline_a_bar_is_not_given() -> None:
    assert gathered([at(10)], until=MONDAY + MINUTE + GRACE - 1) == []


def test_a_next_tick_received_at_the_very_deadline_finds_the_bar_ended_by_it() -> None:
    (bar, _) = bars_in(gathered([at(10), at(60.1, lag=400)]))
    assert (int(bar.final_at[0]), CLOSED_BY[bar.closed_by[0]]) == (MONDAY + MINUTE + GRACE, "deadline")


def test_a_quote_received_just_before_the_deadline_belongs_to_its_bar() -> None:
    given = gathered([at(10), at(59, lag=1_499)])
    assert (fresh_in(given, column="ticks"), dropped_in(given)) == ([2], {})


def test_a_quote_received_at_the_very_deadline_is_late() -> None:
    given = gathered([at(10), at(59, lag=1_500)])
    assert (fresh_in(given, column="ticks"), dropped_in(given)) == ([1], {"late": 1})


def test_a_quote_of_an_ended_slot_is_late_even_within_its_grace() -> None:
    given = gathered([at(10), at(60.1), at(59.9, lag=300)])
    assert (fresh_in(given, column="ticks"), dropped_in(given)) == ([1, 1], {"late": 1})


def test_the_deadline_of_one_product_is_not_anothers() -> None:
    given = gathered([at(10), at(10, product="BTCUSD"), at(60.1, product="BTCUSD")], until=MONDAY + MINUTE + GRACE)
    assert [(moment, item.product) for moment, item in given] == [
        (MONDAY + MINUTE + 140, "BTCUSD"),
        (MONDAY + MINUTE + GRACE, "EURUSD"),
    ]


# --- what is not taken -----------------------------------------------------------------------------------------------

NAN = float("nan")
UNFIT = {
    "NaN bid": (NAN, 1.1, "not a number"),
    "NaN ask": (1.1, NAN, "not a number"),
    "zero": (0.0, 1.1, "not above zero"),
    "negative": (-1.1, 1.1, "not above zero"),
    "crossed": (1.2, 1.1, "crossed"),
    "endless": (1.1, float("inf"), "not a number"),
}


@pytest.mark.parametrize(("bid", "ask", "reason"), UNFIT.values(), ids=UNFIT)
def test_a_price_that_cannot_be_is_dropped_by_name(bid: float, ask: float, reason: str) -> None:
    moment = MONDAY + 20_000
    wrong = Quotes("EURUSD", np.array([moment]), np.array([moment]), np.array([bid]), np.array([ask]))
    given = gathered([at(10), (moment, wrong)])
    assert (fresh_in(given, column="ticks"), dropped_in(given)) == ([1], {reason: 1})


@pytest.mark.parametrize(("ahead", "taken"), [(5_000, 2), (5_001, 1)])
def test_a_quote_stamped_more_than_five_seconds_ahead_of_its_arrival_is_not_of_our_time(ahead: int, taken: int) -> None:
    assert sum(fresh_in(gathered([at(10), at(20, lag=-ahead)]), column="ticks")) == taken


@settings(max_examples=50, deadline=None)
@given(
    stamps=st.lists(
        st.tuples(st.integers(0, 7 * MINUTE), st.integers(-6_000, 3_000), st.sampled_from([1.1, 1.2, NAN, 0.0])),
        max_size=40,
    )
)
def test_every_quote_is_in_a_bar_or_dropped_by_name(stamps: list[tuple[int, int, float]]) -> None:
    entries = [(MONDAY + ts + lag, quotes("EURUSD", [MONDAY + ts], [price], lag)) for ts, lag, price in stamps]
    given = gathered(entries, until=MONDAY + HOUR)
    assert sum(fresh_in(given, column="ticks")) + sum(dropped_in(given).values()) == len(stamps)
    opened = fresh_in(given)
    assert opened == sorted(set(opened))


def test_bars_of_a_timeframe_it_does_not_build_on_are_dropped_by_name() -> None:
    given = gathered([(MONDAY, bars_of([1.1, 1.2], tf=5 * MINUTE))])
    assert dropped_in(given) == {"bars of another timeframe than 1m": 2}


# --- longer bars -----------------------------------------------------------------------------------------------------


def test_five_minutes_are_made_of_five_whole_ones() -> None:
    given = gathered(each_minute(range(5)))
    (five,) = bars_in(given, 5 * MINUTE)
    assert (five.open[0], five.high[0], five.low[0], five.close[0]) == pytest.approx((1.1, 1.104, 1.1, 1.104))
    assert (int(five.open_ts[0]), int(five.ticks[0]), five.volume[0]) == (MONDAY, 5, 5.0)
    assert five.final_at[0] == fresh_in(given, column="final_at")[-1]


@pytest.mark.parametrize("missing", range(5))
def test_with_any_of_its_minutes_silent_a_longer_bar_is_not_given(missing: int) -> None:
    heard = [minute for minute in range(10) if minute != missing]
    assert fresh_in(gathered(each_minute(heard)), 5 * MINUTE) == [MONDAY + 5 * MINUTE]


@pytest.mark.parametrize("late_by", [1, 4])
def test_begun_in_the_middle_of_a_slot_its_longer_bar_is_not_given(late_by: int) -> None:
    assert fresh_in(gathered(each_minute(range(late_by, 10))), 5 * MINUTE) == [MONDAY + 5 * MINUTE]


def test_a_day_is_made_of_its_minutes_however_many_they_are() -> None:
    window = Window(timeframes=("1m", "1d"), grace_ms=GRACE, contexts={MINUTE: 61, DAY: 61})
    monday = MONDAY // DAY * DAY
    given = gathered(each_minute(range(3 * 1440), "BTCUSD", monday), window)
    assert fresh_in(given, DAY) == [monday, monday + DAY, monday + 2 * DAY]


# --- runs ------------------------------------------------------------------------------------------------------------


def test_a_silent_minute_cuts_the_run() -> None:
    made = bars_in(gathered(each_minute([0, 1, 2, 4, 5])))
    assert [len(bars) for bars in made] == [1, 2, 3, 1, 2]
    assert fresh_in(gathered(each_minute([0, 1, 2, 4, 5]))) == [MONDAY + minute * MINUTE for minute in (0, 1, 2, 4, 5)]


def test_a_weekend_by_calendar_does_not_cut_the_run() -> None:
    friday = each_minute(range(-3, 0), begin=FRIDAY_CLOSE)
    sunday = each_minute(range(3), begin=SUNDAY_OPEN)
    assert [len(bars) for bars in bars_in(gathered([*friday, *sunday]))] == [1, 2, 3, 4, 5, 6]


def test_for_a_market_that_never_closes_the_same_hole_cuts_the_run() -> None:
    friday = each_minute(range(-3, 0), "BTCUSD", FRIDAY_CLOSE)
    sunday = each_minute(range(3), "BTCUSD", SUNDAY_OPEN)
    assert [len(bars) for bars in bars_in(gathered([*friday, *sunday]))] == [1, 2, 3, 1, 2, 3]


def test_no_more_context_is_given_than_wanted() -> None:
    made = bars_in(gathered(each_minute(range(30)), Window(timeframes=("1m",), contexts={MINUTE: 7})))
    assert [len(bars) for bars in made[:10]] == [1, 2, 3, 4, 5, 6, 7, 8, 8, 8]


def test_history_is_context_only() -> None:
    past = bars_of(walk(1, 20), fresh=0)
    begin = MONDAY + 20 * MINUTE
    given = gathered([(begin, past), *each_minute(range(2), "BTCUSD", begin)])
    assert [(len(bars), bars.fresh) for bars in bars_in(given)] == [(21, 1), (22, 1)]


def test_a_quote_of_a_slot_that_history_has_is_late() -> None:
    begin = MONDAY + 20 * MINUTE
    past = bars_of(walk(1, 20), fresh=0)
    given = gathered([(begin, past), (begin + 100, quotes("BTCUSD", [begin - 100], [1.1], 200))])
    assert (bars_in(given), dropped_in(given)) == ([], {"late": 1})


def test_bars_given_twice_are_passed_on_once() -> None:
    made = bars_of(walk(2, 10))
    given = gathered([(MONDAY + HOUR, made), (MONDAY + HOUR, made.rows(5, 10, 5))])
    assert fresh_in(given) == made.open_ts.tolist()
    assert fresh_in(given, 5 * MINUTE) == [MONDAY, MONDAY + 5 * MINUTE]


# --- however it is cut -----------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(
    silent=st.sets(st.integers(0, 39), max_size=8),
    cuts=st.sets(st.integers(1, 119)),
    product=st.sampled_from(["EURUSD", "BTCUSD"]),
)
def test_one_row_at_a_time_or_many_at_once_the_same_bars(silent: set[int], cuts: set[int], product: str) -> None:
    heard = [MONDAY + minute * MINUTE for minute in range(40) if minute not in silent]
    stamps = [minute + second * 1000 for minute in heard for second in (1, 30, 59)]
    many = quotes(product, stamps, walk(3, len(stamps)))
    edges = [0, *sorted(cut for cut in cuts if cut < len(many)), len(many)]
    blocks = [many.rows(start, stop) for start, stop in pairwise(edges)]
    rows = [many.rows(row, row + 1) for row in range(len(many))]
    single = gathered(((int(row.received[0]), row) for row in rows), until=MONDAY + HOUR)
    whole = gathered(((int(block.received[0]), block) for block in blocks), until=MONDAY + HOUR)
    for tf in (MINUTE, 5 * MINUTE):
        assert rows_in(whole, tf).keys() == rows_in(single, tf).keys()
        assert all(same(rows_in(whole, tf)[slot], bar) for slot, bar in rows_in(single, tf).items())


def rows_in(given: Given, tf: int) -> dict[int, Bars]:
    """Each fresh bar as a batch of its own."""
    return {
        int(bars.open_ts[row]): bars.rows(row, row + 1, 1)
        for bars in bars_in(given, tf)
        for row in range(len(bars) - bars.fresh, len(bars))
    }


def test_what_was_given_stays_true_while_more_comes() -> None:
    given = gathered(each_minute(range(3_000), "BTCUSD"), Window(timeframes=("1m",), contexts={MINUTE: 50}))
    for number, bars in enumerate(bars_in(given)):
        assert bars.open_ts[-1] == MONDAY + number * MINUTE
        assert (np.diff(bars.open_ts) == MINUTE).all()
        assert len(bars) == min(number + 1, 51)


# --- the table -------------------------------------------------------------------------------------------------------


def test_timeframes_that_are_no_multiples_of_the_shortest_are_refused_in_a_sentence() -> None:
    with pytest.raises(ValueError, match="are not all multiples of the shortest, 2m"):
        Window(timeframes=("2m", "5m"))


def test_a_timeframe_that_does_not_divide_a_day_is_refused_in_a_sentence() -> None:
    with pytest.raises(ValueError, match="'7m' does not divide a day into whole slots"):
        Window(timeframes=("7m",))
