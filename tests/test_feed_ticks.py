"""Ticks and bars as a feed publishes them: what is final when, what is never made up, and what is told beside a bar."""

import json
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.window import Window
from pipeline.calendar import calendar
from pipeline.publishing.geometry import KEPT, Shape, Spread, Spreads, shape, shapes
from pipeline.times import HOUR, MINUTE, parse_moment, utc_text
from pipeline.values import DEADLINE, NEXT_TICK, Bars, Dropped, Forming, Link, NoData, Quotes
from tests.driven import Given, bars_of, driven, walk
from tests.support import MONDAY, SMALL, plan_of

GRACE = 500
FIVE = 5 * MINUTE
WINDOW = Window(timeframes=("1m", "5m"), grace_ms=GRACE, contexts={MINUTE: 30, FIVE: 30})
SHOWING = Window(timeframes=("1m", "5m"), grace_ms=GRACE, contexts={MINUTE: 30, FIVE: 30}, forming="250ms")


def tick(seconds: float, price: float = 1.1, lag: int = 40, spread: float = 0.00002) -> tuple[int, Quotes]:
    stamp = np.array([MONDAY + round(seconds * 1000)])
    bid, ask = np.array([price - spread / 2]), np.array([price + spread / 2])
    return int(stamp[0]) + lag, Quotes("BTCUSD", stamp, stamp + lag, bid, ask)


def gathered(entries: Iterable[tuple[int, Any]], window: Window = WINDOW, until: float = 600) -> Given:
    return driven(window, list(entries), MONDAY + round(until * 1000))


def finals(made: Given, tf: int = MINUTE) -> list[tuple[int, int, int, int]]:
    """When each bar was given, which it is, when it was final and of how many ticks."""
    return [
        (moment - MONDAY, opened - MONDAY, final_at - MONDAY, ticks)
        for moment, bars in made
        if isinstance(bars, Bars) and bars.tf == tf
        for opened, final_at, ticks in list(
            zip(bars.open_ts.tolist(), bars.final_at.tolist(), bars.ticks.tolist(), strict=True)
        )[-bars.fresh :]
    ]


def dropped(made: Given) -> Counter[str]:
    counted = Counter[str]()
    for _, each in made:
        if isinstance(each, Dropped):
            counted[each.reason] += each.rows
    return counted


# --- ticks of the future ---------------------------------------------------------------------------------------------


def test_d10_a_tick_more_than_five_seconds_ahead_is_dropped_by_name_and_opens_no_bar() -> None:
    made = gathered([tick(10), tick(65.001, lag=-5_001), tick(120.1)], SHOWING)
    assert dropped(made) == {"from the future": 1}
    assert [row[1] for row in finals(made)] == [0, 2 * MINUTE]
    assert not [each for _, each in made if isinstance(each, Forming) and each.at < each.open_ts]


def test_d10_a_tick_a_little_ahead_waits_for_its_minute_and_ends_none_before_its_close() -> None:
    made = gathered([tick(10), tick(61, lag=-3_000), tick(59, lag=0), tick(62, lag=-3_500)], SHOWING, until=62)
    assert finals(made) == [(MINUTE, 0, MINUTE, 1)]
    shown = [(each.at - MONDAY, each.open_ts - MONDAY) for _, each in made if isinstance(each, Forming)]
    assert all(moment >= opened for moment, opened in shown)
    assert shown[-1][1] == 0 or shown[-1][0] >= MINUTE
    assert dropped(made) == {"late": 1}


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(200, 40_000), st.integers(-4_500, 450)), min_size=2, max_size=40),
    st.sets(st.integers(1, 39), max_size=5),
)
def test_d10_with_a_clock_behind_the_venues_no_bar_is_final_early_however_the_ticks_come(
    steps: list[tuple[int, int]], cuts: set[int]
) -> None:
    ts = MONDAY + np.cumsum(np.array([step for step, _ in steps], np.int64))
    received = np.maximum.accumulate(ts + np.array([lag for _, lag in steps]))
    price = np.array(walk(5, len(ts)))
    batch = Quotes("BTCUSD", ts, received, price, price)
    until = int(received[-1]) + 3 * MINUTE
    edges = [0, *sorted(cut for cut in cuts if cut < len(ts)), len(ts)]
    alone = driven(WINDOW, [(int(received[row]), batch.rows(row, row + 1)) for row in range(len(ts))], until)
    ahead = driven(WINDOW, [(MONDAY, batch.rows(start, stop)) for start, stop in pairwise(edges)], until)
    for tf in (MINUTE, FIVE):
        assert [row[1:] for row in finals(alone, tf)] == [row[1:] for row in finals(ahead, tf)]
        assert all(given_at >= final_at >= opened + tf for given_at, opened, final_at, _ in finals(alone, tf))
    assert dropped(alone) == dropped(ahead)


# --- when a bar ends -------------------------------------------------------------------------------------------------


def test_d37_the_tick_on_the_boundary_ends_the_minute_and_opens_the_next() -> None:
    made = gathered([tick(10), tick(60, lag=0), tick(119.999, lag=0), tick(120, lag=0)], until=120)
    assert finals(made) == [(MINUTE, 0, MINUTE, 1), (2 * MINUTE, MINUTE, 2 * MINUTE, 2)]
    assert [bars.closed_by[-1] for _, bars in made if isinstance(bars, Bars)] == [NEXT_TICK, NEXT_TICK]


def test_d37_without_a_next_tick_the_clock_ends_the_minute() -> None:
    made = gathered([tick(10)], until=61)
    (bar,) = [each for _, each in made if isinstance(each, Bars)]
    assert (finals(made), bar.closed_by[-1]) == ([(MINUTE + GRACE, 0, MINUTE + GRACE, 1)], DEADLINE)


def test_d37_a_minute_without_a_tick_gets_no_price_however_short_it_is() -> None:
    made = gathered([tick(10), tick(70), tick(190), tick(250)], until=310)
    assert [row[1] // MINUTE for row in finals(made)] == [0, 1, 3, 4]
    silent = [(each.open_ts - MONDAY, each.slots, each.reason) for _, each in made if isinstance(each, NoData)]
    assert silent[0] == (2 * MINUTE, 1, "silent")
    assert finals(made, FIVE) == []


def test_d37_five_minutes_are_five_whole_ones_with_their_ticks_together() -> None:
    ticks = [tick(60 * minute + second, 1.1 + minute / 100) for minute in range(5) for second in range(minute + 1)]
    made = gathered([*ticks, tick(300.1)], until=301)
    (five,) = [each for _, each in made if isinstance(each, Bars) and each.tf == FIVE]
    assert (five.ticks[0], five.volume[0]) == (15, 15.0)
    assert (five.open[0], five.close[0]) == (pytest.approx(1.1), pytest.approx(1.14))


def test_d37_a_tick_of_an_earlier_minute_is_ignored_and_counted() -> None:
    made = gathered([tick(10), tick(61), tick(50, 9.0, lag=11_100), tick(62)], until=130)
    assert dropped(made) == {"late": 1}
    assert [row[3] for row in finals(made)] == [1, 2]


def test_a_tick_that_comes_after_the_clock_ended_its_minute_makes_no_second_bar_of_it() -> None:
    made = gathered([tick(10), tick(59.9, lag=GRACE + 100), tick(60.5), tick(119), tick(121)], until=122)
    assert [row[1:] for row in finals(made)] == [(0, MINUTE + GRACE, 1), (MINUTE, 2 * MINUTE + GRACE, 2)]
    assert dropped(made) == {"late": 1}


def test_after_the_clock_ended_a_minute_the_next_ones_still_miss_nothing() -> None:
    made = gathered([tick(10), tick(130), tick(190)], until=191)
    assert [row[1] // MINUTE for row in finals(made)] == [0, 2]
    assert [each.open_ts - MONDAY for _, each in made if isinstance(each, NoData)] == [MINUTE]


def test_five_minutes_that_began_before_the_first_tick_are_not_given_as_whole() -> None:
    made = gathered([tick(120 + 5 * step) for step in range(100)], until=620)
    assert [row[1] // MINUTE for row in finals(made)] == [2, 3, 4, 5, 6, 7, 8, 9]
    assert [row[1] // MINUTE for row in finals(made, FIVE)] == [5]


def test_d38_live_bars_come_at_most_four_times_a_second() -> None:
    made = gathered([tick(second, 1.1) for second in np.arange(1, 31, 0.02)], SHOWING, until=31)
    for tf in (MINUTE, FIVE):
        moments = [moment for moment, each in made if isinstance(each, Forming) and each.tf == tf]
        assert 110 <= len(moments) <= 121
        assert min(np.diff(moments)) >= 250


def test_of_a_slot_that_becomes_no_bar_nothing_is_shown_while_it_lasts() -> None:
    """Who follows would take what was shown last for the whole of it."""
    began = [(MONDAY + 20_000, Link(("BTCUSD",), up=up, at=MONDAY + 20_000 * up)) for up in (False, True)]
    ticks = [tick(second, 1.1) for second in range(21, 659)]
    made = gathered([*began, *ticks], SHOWING, until=660)
    shown = {(each.tf, each.open_ts - MONDAY) for _, each in made if isinstance(each, Forming)}
    final = {(tf, opened) for tf in (MINUTE, FIVE) for _, opened, _, _ in finals(made, tf)}
    assert final == {(MINUTE, slot * MINUTE) for slot in range(1, 10)} | {(FIVE, FIVE)}
    assert shown == final | {(MINUTE, 10 * MINUTE), (FIVE, 10 * MINUTE)}


# --- the week --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "opens"),
    [("2026-01-10T12:00:00Z", "2026-01-11T23:00"), ("2026-07-11T12:00:00Z", "2026-07-12T22:00")],
)
def test_d30_the_week_begins_at_23_utc_in_winter_and_at_22_utc_in_summer(at: str, opens: str) -> None:
    assert utc_text(calendar("fxcm").next_open(parse_moment(at)))[:16] == opens


def test_d30_the_hour_of_maintenance_is_closed() -> None:
    week, begin = calendar("fxcm"), parse_moment("2026-01-06T22:00:00Z")
    assert [week.is_open(each) for each in (begin - 1, begin, begin + HOUR - 1, begin + HOUR)] == [
        True,
        False,
        False,
        True,
    ]


def test_d30_holidays_of_ones_own_are_written_in_the_flow_or_in_a_json_file(tmp_path: Path) -> None:
    (tmp_path / "days.json").write_text(json.dumps(["2026-01-06"]), encoding="utf-8")
    own = """
        [calendars.gold]
        products = ["EURUSD"]
        like = "fxcm"
        holidays_file = "days.json"
        holidays = ["2026-01-08", { date = "2026-01-09", closes = "13:00" }]
        """
    week = plan_of(SMALL + dedent(own), tmp_path).calendars.of("EURUSD")
    opens = [week.next_open(parse_moment(at)) for at in ("2026-01-05T22:30:00Z", "2026-01-07T22:30:00Z")]
    assert [utc_text(each)[:16] for each in opens] == ["2026-01-06T23:00", "2026-01-08T23:00"]
    assert [week.is_open(parse_moment(f"2026-01-09T{at}:00Z")) for at in ("17:59", "18:00")] == [True, False]


# --- what is told beside a bar ---------------------------------------------------------------------------------------


def test_d37_a_bars_shape_is_its_range_its_body_and_its_wicks() -> None:
    bars = Bars(
        "XAUUSD",
        MINUTE,
        np.array([0, MINUTE]),
        *(np.array(column) for column in ([10.0, 12.0], [13.0, 12.5], [9.0, 10.5], [12.0, 11.0], [1.0, 1.0])),
        final_at=np.array([MINUTE, 2 * MINUTE]),
        closed_by=np.zeros(2, np.int8),
        ticks=np.ones(2, np.int32),
        revision=np.zeros(2, np.int32),
        fresh=2,
    )
    assert shapes(bars) == (Shape(4.0, 2.0, 1.0, 1.0), Shape(2.0, 1.0, 0.5, 0.5))
    live = Forming("XAUUSD", MINUTE, 0, 10.0, 13.0, 9.0, 12.0, 1.0, 30_000)
    assert shape(live) == Shape(4.0, 2.0, 1.0, 1.0)


@pytest.mark.parametrize(
    ("low", "high", "size"), [(70883.12, 70919.02, 35.9), (1.1001, 1.1003, 0.0002), (0.00001234, 0.00001239, 5e-8)]
)
def test_sizes_are_told_without_the_noise_of_a_subtraction(low: float, high: float, size: float) -> None:
    assert shape(Forming("X", MINUTE, 0, low, high, low, high, 1.0, 1)).bar_range == size
    spreads = Spreads((MINUTE,))
    spreads.take(Quotes("X", np.array([0]), np.array([0]), np.array([low]), np.array([high])))
    assert spreads.of("X", MINUTE, 0) == Spread(size, size, 1)


@given(st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_range_is_body_and_wicks_together_and_none_is_below_zero(seed: int) -> None:
    for each in shapes(bars_of(walk(seed, 20))):
        assert min(each) >= 0
        assert each.bar_range == pytest.approx(each.body_size + each.upper_wick + each.lower_wick, abs=1e-11)


def test_d37_the_spread_of_a_bar_is_that_of_its_ticks_and_of_a_longer_one_that_of_all_its_parts() -> None:
    spreads = Spreads((MINUTE, FIVE))
    for second, spread in ((0, 0.0002), (30, 0.0004), (61, 0.0006), (290, 0.0008)):
        spreads.take(tick(second, spread=spread)[1])
    assert spreads.of("BTCUSD", MINUTE, MONDAY) == Spread(0.0003, 0.0004, 2)
    assert spreads.of("BTCUSD", MINUTE, MONDAY + MINUTE) == Spread(0.0006, 0.0006, 1)
    assert spreads.of("BTCUSD", FIVE, MONDAY) == Spread(0.0005, 0.0008, 4)
    assert spreads.of("BTCUSD", MINUTE, MONDAY + 2 * MINUTE) is None
    assert spreads.of("EURUSD", MINUTE, MONDAY) is None


def test_of_a_bar_that_began_before_the_first_tick_no_spread_is_known() -> None:
    spreads = Spreads((MINUTE, FIVE))
    spreads.take(tick(130)[1])
    assert spreads.of("BTCUSD", FIVE, MONDAY) is None
    assert spreads.of("BTCUSD", MINUTE, MONDAY + 2 * MINUTE) == Spread(0.00002, 0.00002, 1)


def test_ticks_that_cannot_be_have_no_part_in_a_spread() -> None:
    spreads = Spreads((MINUTE,))
    good, crossed, future = tick(1)[1], tick(2, spread=-0.5)[1], tick(3, lag=-6_000)[1]
    for each in (good, crossed, future):
        spreads.take(each)
    assert spreads.of("BTCUSD", MINUTE, MONDAY) == Spread(0.00002, 0.00002, 1)


def test_nothing_is_kept_of_slots_that_are_long_over() -> None:
    spreads = Spreads((MINUTE, FIVE))
    for minute in range(200):
        spreads.take(tick(60 * minute)[1])
    known = [minute for minute in range(200) if spreads.of("BTCUSD", MINUTE, MONDAY + minute * MINUTE)]
    assert known == list(range(200 - KEPT, 200))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 12_000), st.integers(0, 9)), min_size=1, max_size=60), st.integers(1, 20))
def test_ticks_one_by_one_or_in_blocks_have_the_same_spreads(steps: list[tuple[int, int]], size: int) -> None:
    ts = MONDAY + np.cumsum(np.array([step for step, _ in steps], np.int64))
    wide = np.array([spread for _, spread in steps]) / 10_000
    batch = Quotes("BTCUSD", ts, ts + 40, 1.1 - wide, np.full(len(ts), 1.1))
    alone, blocks = Spreads((MINUTE, FIVE)), Spreads((MINUTE, FIVE))
    for row in range(len(ts)):
        alone.take(batch.rows(row, row + 1))
    for start in range(0, len(ts), size):
        blocks.take(batch.rows(start, start + size))
    for tf in (MINUTE, FIVE):
        for slot in range(MONDAY, int(ts[-1]) + 1, tf):
            assert alone.of("BTCUSD", tf, slot) == blocks.of("BTCUSD", tf, slot)
