"""What the window makes of a market that is not well: silence, torn minutes, mended gaps, revisions, dirty quotes."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.window import Window
from pipeline.candles import gathered, merged
from pipeline.times import HOUR, MINUTE, SECOND
from pipeline.values import VENUE, Bars, Dropped, Forming, Gap, Link, NoData, Noticed, Quotes, Revised
from tests.driven import Given, bars_of, driven, walk
from tests.support import MONDAY, quotes, same

FIVE = 5 * MINUTE
KEPT = {MINUTE: 60, FIVE: 12}
WINDOW = Window(timeframes=("1m", "5m"), contexts=KEPT)
Entries = list[tuple[int, Any]]
FRIDAY = MONDAY + 4 * 24 * HOUR + 12 * HOUR
"""When the week of foreign exchange ends: 17:00 in New York."""
SUNDAY = FRIDAY + 48 * HOUR


def minute_quotes(minute: int, product: str = "BTCUSD") -> Quotes:
    """Four quotes of one minute, by its number."""
    stamps = [MONDAY + minute * MINUTE + second * SECOND for second in (1, 20, 40, 59)]
    return quotes(product, stamps, [1.1 + (minute * 7 + step) % 11 / 1000 for step in range(4)])


def heard(minutes: Iterable[int]) -> Entries:
    return [
        (int(one.received[row]), one.rows(row, row + 1))
        for one in map(minute_quotes, minutes)
        for row in range(len(one))
    ]


def history(minutes: Iterable[int]) -> Bars:
    """The bars that were made of these minutes where nothing was lost, as a source gives them again."""
    wanted = list(minutes)
    lasts = [
        gathered(minute_quotes(minute), MINUTE, 500, int(minute_quotes(minute + 1).received[0])) for minute in wanted
    ]
    made = lasts[0]
    for each in lasts[1:]:
        made = made.followed_by(each)
    return made.rows(0, len(made), 0)


def out(entries: Iterable[tuple[int, Any]], window: Window = WINDOW, until: int = MONDAY + HOUR) -> Given:
    return driven(window, entries, until)


def of_type(given: Given, kind: type[Any]) -> list[Any]:
    return [item for _, item in given if isinstance(item, kind)]


def bars_by_slot(given: Given, tf: int) -> dict[int, Bars]:
    return {int(bars.open_ts[-1]): bars for bars in of_type(given, Bars) if bars.tf == tf}


def sums(given: Given) -> dict[str, int]:
    counted: dict[str, int] = {}
    for item in of_type(given, Dropped):
        counted[item.reason] = counted.get(item.reason, 0) + item.rows
    return counted


# --- silence ---------------------------------------------------------------------------------------------------------


def test_a_silent_minute_is_told_at_its_deadline_and_never_a_price() -> None:
    given = out(heard([0, 1, 3]), until=MONDAY + 4 * MINUTE + 500)
    assert of_type(given, NoData) == [
        NoData("BTCUSD", MINUTE, MONDAY + 2 * MINUTE, 1, "silent", MONDAY + 3 * MINUTE + 500)
    ]
    assert sorted(bars_by_slot(given, MINUTE)) == [MONDAY, MONDAY + MINUTE, MONDAY + 3 * MINUTE]


def test_a_gap_is_told_with_the_first_quote_after_it() -> None:
    given = out(heard([0, 1, 5, 6]), until=MONDAY + 7 * MINUTE)
    after = MONDAY + 5 * MINUTE + SECOND + 40
    assert [(at, item) for at, item in given if isinstance(item, Gap)] == [
        (after, Gap("BTCUSD", MINUTE, MONDAY + 2 * MINUTE, MONDAY + 5 * MINUTE, after))
    ]


def test_a_closed_market_is_neither_silent_nor_a_gap() -> None:
    stamps = [FRIDAY - MINUTE + SECOND, FRIDAY - SECOND, SUNDAY + SECOND, SUNDAY + MINUTE + SECOND]
    entries = [(at + 40, quotes("EURUSD", [at], [1.1])) for at in stamps]
    given = driven(WINDOW, entries, SUNDAY + MINUTE + 2 * SECOND)
    assert of_type(given, NoData) == of_type(given, Gap) == []
    assert len(of_type(given, Bars)[-1]) == 2


def test_prices_of_closed_time_are_dropped_by_name_unless_they_are_kept() -> None:
    entries = [(at + 40, quotes("EURUSD", [at], [1.1])) for at in (FRIDAY - SECOND, FRIDAY, FRIDAY + HOUR)]
    assert sums(driven(WINDOW, entries, FRIDAY + 2 * HOUR)) == {"market closed": 2}
    kept = driven(replace(WINDOW, closed="keep"), entries, FRIDAY + 2 * HOUR)
    assert sums(kept) == {}
    assert len(of_type(kept, Bars)) == 3


# --- repair ----------------------------------------------------------------------------------------------------------

WHOLE = heard(range(20))


@pytest.mark.parametrize("lost", [range(2, 3), range(2, 7), range(4, 5), range(3, 12)])
@pytest.mark.parametrize("patience", [0, 1, 20_000, 58_000])
def test_a_mended_gap_leaves_the_bars_of_a_run_that_was_never_broken(lost: range, patience: int) -> None:
    given = out([*heard([minute for minute in range(20) if minute not in lost]), mend(lost, patience)])
    whole = out(WHOLE)
    for tf in (MINUTE, FIVE):
        after = {slot: bars for slot, bars in bars_by_slot(whole, tf).items() if slot >= MONDAY + lost.stop * MINUTE}
        assert after
        for slot, bars in after.items():
            assert same(bars_by_slot(given, tf)[slot], bars)


def mend(lost: range, patience: int) -> tuple[int, Bars]:
    """The lost minutes as history, so long after the first quote that followed them was received."""
    return MONDAY + lost.stop * MINUTE + SECOND + 40 + patience, history(lost)


def test_a_gap_nobody_mends_cuts_the_run() -> None:
    given = out(heard([0, 1, 2, 4, 5]))
    assert [len(bars) for bars in of_type(given, Bars) if bars.tf == MINUTE] == [1, 2, 3, 1, 2]


def test_mended_too_late_the_run_is_whole_from_then_on() -> None:
    late = MONDAY + 6 * MINUTE + 30 * SECOND
    given = out([*heard(n for n in range(10) if n != 3), (late, history([3]))])
    lengths = [len(bars) for bars in of_type(given, Bars) if bars.tf == MINUTE]
    assert lengths == [1, 2, 3, 1, 2, 7, 8, 9, 10]
    assert of_type(given, Noticed) == [Noticed("BTCUSD", "mended", 1)]


def test_a_bar_made_of_part_of_its_quotes_is_not_given() -> None:
    down, up = MONDAY + 2 * MINUTE + 30 * SECOND, MONDAY + 2 * MINUTE + 50 * SECOND
    links = [(down, Link(("BTCUSD",), up=False, at=down)), (up, Link(("BTCUSD",), up=True, at=up))]
    given = out([*heard(range(5)), *links], until=MONDAY + 5 * MINUTE)
    assert sorted(bars_by_slot(given, MINUTE)) == [MONDAY, MONDAY + MINUTE, MONDAY + 3 * MINUTE]
    torn = of_type(given, NoData)
    assert [(each.open_ts, each.slots, each.reason) for each in torn] == [(MONDAY + 2 * MINUTE, 1, "torn")]
    assert [(gap.since, gap.until) for gap in of_type(given, Gap)] == [(MONDAY + 2 * MINUTE, MONDAY + 3 * MINUTE)]


def test_every_minute_that_an_outage_touches_is_torn_until_it_is_mended() -> None:
    down, up = MONDAY + 2 * MINUTE + 30 * SECOND, MONDAY + 4 * MINUTE + 30 * SECOND
    links = [(down, Link(("BTCUSD",), up=False, at=down)), (up, Link(("BTCUSD",), up=True, at=up))]
    entries = [each for each in heard(range(9)) if not down <= each[0] < up]
    mended = (MONDAY + 5 * MINUTE + 3 * SECOND, history([2, 3, 4]))
    given, whole = out([*entries, *links, mended]), out(heard(range(9)))
    assert MONDAY + 4 * MINUTE not in bars_by_slot(given, MINUTE)
    for slot in (MONDAY + minute * MINUTE for minute in (5, 6, 7)):
        assert same(bars_by_slot(given, MINUTE)[slot], bars_by_slot(whole, MINUTE)[slot])


# --- revision --------------------------------------------------------------------------------------------------------


def revised_bar(bars: Bars, row: int, close: float) -> Bars:
    one = bars.rows(row, row + 1, 1)
    return replace(one, close=np.array([close]), high=np.maximum(one.high, close), low=np.minimum(one.low, close))


def test_a_bar_the_venue_changes_is_a_new_revision_of_it_and_of_the_longer_one() -> None:
    bars = bars_of(walk(1, 12))
    given = out([(MONDAY + HOUR, bars), (MONDAY + HOUR + SECOND, revised_bar(bars, 6, 1.2))], until=MONDAY + 2 * HOUR)
    minute, five = of_type(given, Revised)
    assert (minute.bars.tf, minute.bars.fresh, five.bars.tf, five.bars.fresh) == (MINUTE, 6, FIVE, 1)
    first = len(minute.bars) - minute.bars.fresh
    assert (minute.bars.close[first], minute.bars.revision[first], minute.bars.closed_by[first]) == (1.2, 1, VENUE)
    assert five.bars.high[-1] == minute.bars.high[first]
    assert five.bars.revision[-1] == 1


def test_what_was_given_before_a_revision_stays_as_it_was_given() -> None:
    bars = bars_of(walk(1, 12))
    given = out([(MONDAY + HOUR, bars), (MONDAY + HOUR + SECOND, revised_bar(bars, 6, 1.2))], until=MONDAY + 2 * HOUR)
    assert of_type(given, Bars)[0].close.tolist() == bars.close.tolist()


def test_later_bars_have_the_revision_as_context() -> None:
    bars = bars_of(walk(1, 12))
    later = bars.rows(11, 12, 1)
    entries = [
        (MONDAY + HOUR, bars.rows(0, 11, 11)),
        (MONDAY + HOUR + 1, revised_bar(bars, 6, 1.2)),
        (MONDAY + HOUR + 2, later),
    ]
    assert of_type(out(entries, until=MONDAY + 2 * HOUR), Bars)[-1].close[6] == 1.2


def test_a_bar_given_twice_the_same_is_a_duplicate_and_no_revision() -> None:
    bars = bars_of(walk(1, 12))
    given = out([(MONDAY + HOUR, bars), (MONDAY + HOUR, bars.rows(3, 9, 6))], until=MONDAY + 2 * HOUR)
    assert (sums(given), of_type(given, Revised)) == ({"duplicate": 6}, [])


def test_a_late_bar_fills_its_hole_and_is_given_no_more() -> None:
    bars = bars_of(walk(1, 12))
    hole = bars.chosen(np.arange(12) != 6)
    given = out([(MONDAY + HOUR, hole), (MONDAY + HOUR, bars.rows(6, 7, 1))], until=MONDAY + 2 * HOUR)
    assert of_type(given, Noticed) == [Noticed("BTCUSD", "mended", 1)]
    assert MONDAY + 6 * MINUTE not in [int(ts) for each in of_type(given, Bars) for ts in each.open_ts[-each.fresh :]]


def test_bars_that_cannot_be_are_dropped_by_name() -> None:
    bars = bars_of(walk(1, 4))
    wrong = replace(bars, low=np.array([0.0, np.nan, 2.0, bars.low[3]]))
    assert sums(out([(MONDAY + HOUR, wrong)], until=MONDAY + 2 * HOUR)) == {"a bar that cannot be": 3}


# --- bars of shorter timeframes --------------------------------------------------------------------------------------


@given(cuts=st.sets(st.integers(1, 119)))
@settings(max_examples=30, deadline=None)
def test_minutes_make_the_bars_of_a_window_that_begins_with_longer_ones(cuts: set[int]) -> None:
    bars = bars_of(walk(5, 120))
    edges = [0, *sorted(cuts), 120]
    entries = [(int(bars.final_at[stop - 1]), bars.rows(start, stop, stop - start)) for start, stop in pairwise(edges)]
    given = driven(Window(timeframes=("5m", "15m"), contexts={FIVE: 50, 3 * FIVE: 50}), entries, MONDAY + 3 * HOUR)
    for tf in (FIVE, 3 * FIVE):
        made = [bars for bars in of_type(given, Bars) if bars.tf == tf]
        closes = np.concatenate([each.close[len(each) - each.fresh :] for each in made])
        assert closes.tolist() == merged(bars, tf).close.tolist()


# --- forming bars ----------------------------------------------------------------------------------------------------


def test_a_forming_bar_is_another_thing_and_comes_no_more_often_than_wanted() -> None:
    many = [
        (at + 40, quotes("BTCUSD", [at], [1.1 + step / 10_000]))
        for step, at in enumerate(range(MONDAY, MONDAY + 2 * MINUTE, 100))
    ]
    given = out(many, replace(WINDOW, forming="250ms"), until=MONDAY + 2 * MINUTE)
    forming = [(at, item) for at, item in given if isinstance(item, Forming) and item.tf == MINUTE]
    assert all(later - earlier >= 250 for (earlier, _), (later, _) in pairwise(forming))
    assert len(forming) > 2 * 60 * 3
    finals = [at for at, item in given if isinstance(item, Bars) and item.tf == MINUTE]
    assert all(item.open_ts == MONDAY for at, item in forming if at < finals[0])
    assert all(item.open_ts > MONDAY for at, item in forming if at > finals[0])


def test_forming_longer_bars_begin_with_the_minutes_they_have() -> None:
    given = out(heard(range(3)), replace(WINDOW, forming="1s"), until=MONDAY + 3 * MINUTE)
    last = [item for item in of_type(given, Forming) if item.tf == FIVE][-1]
    whole = merged(history(range(3)), 3 * MINUTE)
    assert (last.open_ts, last.open, last.high, last.low) == (MONDAY, whole.open[0], whole.high[0], whole.low[0])


def test_of_quotes_given_ahead_no_forming_bar_knows_what_has_not_come_yet() -> None:
    ahead = quotes("BTCUSD", range(MONDAY, MONDAY + 3 * MINUTE, 700), walk(3, len(range(0, 3 * MINUTE, 700))))
    given = out([(MONDAY, ahead)], replace(WINDOW, forming="250ms"), until=MONDAY + 3 * MINUTE)
    for at, item in given:
        if isinstance(item, Forming):
            known = ahead.received <= at
            assert item.close == ahead.mid[known][-1]


# --- dirty quotes ----------------------------------------------------------------------------------------------------


def test_a_quote_told_twice_counts_once() -> None:
    one = heard([0, 1])
    given = out([*one[:2], (one[1][0] + 5, one[1][1]), *one[2:]], until=MONDAY + 2 * MINUTE)
    assert sums(given) == {"duplicate": 1}
    assert bars_by_slot(given, MINUTE)[MONDAY].ticks[-1] == 4


def test_a_jump_is_not_believed_until_two_more_confirm_it() -> None:
    prices = [1.1, 1.1, 2.0, 1.1, 2.0, 2.0, 2.01, 2.0]
    entries = [
        (MONDAY + step * SECOND, quotes("BTCUSD", [MONDAY + step * SECOND - 40], [price]))
        for step, price in enumerate(prices, 1)
    ]
    given = out(entries, until=MONDAY + 2 * MINUTE)
    assert sums(given) == {"jump": 3}
    bar = bars_by_slot(given, MINUTE)[MONDAY]
    assert (bar.high[-1], bar.close[-1], bar.ticks[-1]) == (pytest.approx(2.01), pytest.approx(2.0), 5)


@settings(max_examples=60, deadline=None)
@given(order=st.permutations(range(12)))
def test_in_whatever_order_the_quotes_of_a_slot_come_its_bar_is_the_same(order: list[int]) -> None:
    stamps, prices = [MONDAY + 4_000 * step for step in range(12)], walk(8, 12)
    entries = [
        (MONDAY + 50_000 + turn, replace(quotes("BTCUSD", [stamps[row]], [prices[row]]), received=at(50_000 + turn)))
        for turn, row in enumerate(order)
    ]
    for form in (entries, [(MONDAY + 50_000, in_one(entries))]):
        (bar,) = of_type(out(form, until=MONDAY + MINUTE + 500), Bars)
        assert (bar.open[0], bar.close[0]) == pytest.approx((prices[0], prices[-1]))
        assert (bar.high[0], bar.low[0], bar.ticks[0]) == (pytest.approx(max(prices)), pytest.approx(min(prices)), 12)


def at(millis: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.array([MONDAY + millis])


def in_one(entries: Entries) -> Quotes:
    batches: list[Quotes] = [item for _, item in entries]
    columns = (np.concatenate([getattr(each, name) for each in batches]) for name in ("ts", "received", "bid", "ask"))
    return Quotes(batches[0].product, *columns)


def dirty(rows: list[tuple[int, int, float, int]]) -> Iterator[Quotes]:
    """Quotes as bad feeds send them: repeated, out of order, from the future, impossible, late, leaping."""
    now, price, ts = MONDAY, 1.1, MONDAY
    for step, odd, move, lag in rows:
        now += step
        price *= 1 + move
        ts = now - lag if odd else ts
        bid, ask = price - 1e-5, price + 1e-5
        if odd == 2:
            bid = [0.0, -1.0, float("nan"), ask + 1][step % 4]
        yield Quotes("BTCUSD", np.array([ts]), np.array([now]), np.array([bid]), np.array([ask]))


ROWS = st.lists(
    st.tuples(
        st.integers(0, 70_000),
        st.sampled_from([0, 1, 1, 1, 1, 1, 2]),
        st.sampled_from([0.0, 1e-4, -1e-4, 0.4, -0.3]),
        st.sampled_from([-6_000, -100, 20, 30, 400, 900, 3_000, 61_000]),
    ),
    min_size=1,
    max_size=60,
)


@settings(max_examples=150, deadline=None)
@given(rows=ROWS, cuts=st.sets(st.integers(1, 59)))
def test_dirty_quotes_one_by_one_or_given_ahead_in_blocks_make_the_same(
    rows: list[tuple[int, int, float, int]], cuts: set[int]
) -> None:
    singles = [(int(each.received[0]), each) for each in dirty(rows)]
    edges = [0, *sorted(cut for cut in cuts if cut < len(singles)), len(singles)]
    blocks = [(singles[start][0], in_one(singles[start:stop])) for start, stop in pairwise(edges)]
    end = singles[-1][0] + 2 * MINUTE
    apart, together = out(singles, until=end), out(blocks, until=end)
    assert sums(apart) == sums(together)
    assert [told(each) for each in of_type(apart, NoData)] == [told(each) for each in of_type(together, NoData)]
    assert of_type(apart, Gap) == of_type(together, Gap)
    for tf in (MINUTE, FIVE):
        left, right = rows_of(apart, tf), rows_of(together, tf)
        assert left.keys() == right.keys()
        assert all(same(left[slot], right[slot]) for slot in left)
    ticks = sum(int(bar.ticks[0]) for bar in rows_of(apart, MINUTE).values())
    assert ticks + sum(sums(apart).values()) == len(rows)


def told(missing: NoData) -> tuple[int, int, str]:
    return missing.open_ts, missing.slots, missing.reason


def rows_of(given: Given, tf: int) -> dict[int, Bars]:
    return {
        int(bars.open_ts[row]): bars.rows(row, row + 1, 1)
        for bars in of_type(given, Bars)
        if bars.tf == tf
        for row in range(len(bars) - bars.fresh, len(bars))
    }
