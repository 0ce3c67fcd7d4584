"""Weeks per product."""

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.calendar import Calendar, always, calendar, calendar_of, foreign_exchange
from pipeline.times import DAY, HOUR, MINUTE, parse_moment, slot_of

NEW_YORK = ZoneInfo("America/New_York")
FX, ALWAYS = foreign_exchange(), always()
MOMENTS = st.integers(parse_moment("2007-01-01"), parse_moment("2045-01-01"))


def open_by_the_clock_on_the_wall(ts: int) -> bool:
    there = datetime.fromtimestamp(ts / 1000, NEW_YORK)
    match there.weekday():
        case 4:
            return there.hour < 17
        case 5:
            return False
        case 6:
            return there.hour >= 17
        case _:
            return True


@given(MOMENTS)
def test_the_foreign_exchange_is_open_when_the_clocks_of_new_york_say_so(ts: int) -> None:
    assert FX.is_open(ts) == open_by_the_clock_on_the_wall(ts)


@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        ("2026-03-01T22:00:00Z", "2026-03-06T22:00:00Z"),
        ("2026-03-08T21:00:00Z", "2026-03-13T21:00:00Z"),
        ("2026-10-25T21:00:00Z", "2026-10-30T21:00:00Z"),
        ("2026-11-01T22:00:00Z", "2026-11-06T22:00:00Z"),
    ],
)
def test_a_week_around_a_change_of_clocks_opens_and_closes_at_17_in_new_york(opening: str, closing: str) -> None:
    opens, closes = parse_moment(opening), parse_moment(closing)
    assert [FX.is_open(ts) for ts in (opens - 1, opens, closes - 1, closes)] == [False, True, True, False]
    assert FX.next_open(opens - DAY) == opens
    assert FX.next_open(opens + 1) == opens + 1


@given(st.lists(MOMENTS, max_size=50), st.sampled_from([FX, ALWAYS]))
def test_many_moments_at_once_get_the_answer_each_gets_alone(moments: list[int], weeks: Calendar) -> None:
    mask = weeks.open_mask(np.array(moments, np.int64))
    assert mask.tolist() == [weeks.is_open(ts) for ts in moments]


@given(MOMENTS, st.sampled_from([MINUTE, 15 * MINUTE, HOUR, 4 * HOUR, DAY]))
def test_open_slots_are_those_with_an_open_minute(start: int, tf: int) -> None:
    first = slot_of(start - 1, tf) + tf
    slots = np.arange(first, start + 9 * DAY, tf, dtype=np.int64)
    minutes = np.arange(first, first + len(slots) * tf, MINUTE, dtype=np.int64)
    is_open = FX.open_mask(minutes).reshape(len(slots), tf // MINUTE).any(axis=1)
    assert FX.open_slots(start, start + 9 * DAY, tf).tolist() == slots[is_open].tolist()


@given(MOMENTS, st.integers(1, 400), st.sampled_from([MINUTE, HOUR, 4 * HOUR]))
def test_a_hole_is_closed_when_none_of_its_slots_is_open(ts: int, slots: int, tf: int) -> None:
    before = slot_of(ts, tf)
    after = before + slots * tf
    assert FX.holes_closed(before, after, tf) == (len(FX.open_slots(before + tf, after, tf)) == 0)


def test_a_weekend_is_no_hole_but_a_minute_missing_before_it_is() -> None:
    last, first = parse_moment("2026-01-09T21:59:00Z"), parse_moment("2026-01-11T22:00:00Z")
    assert FX.holes_closed(last, first, MINUTE)
    assert not FX.holes_closed(last - MINUTE, first, MINUTE)
    assert not ALWAYS.holes_closed(last, first, MINUTE)


@pytest.mark.parametrize(
    ("product", "name"),
    [
        *[(product, "fx") for product in ("EURUSD", "EUR/USD", "frxXAUUSD", "usdjpy", "USDTRY", "GOLD")],
        *[(product, "always") for product in ("BTCUSD", "ETH-USD", "cryBTCUSD", "EURUSD_otc", "R_100", "SOMETHING")],
    ],
)
def test_a_product_keeps_the_week_its_name_says(product: str, name: str) -> None:
    assert calendar_of(product).name == name


def test_an_unknown_calendar_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(ValueError, match="there is no calendar 'nyse'; use one of fx, metals, fxcm, us_equities, always"):
        calendar("nyse")


def test_nobody_knows_when_a_market_opens_after_the_last_year() -> None:
    with pytest.raises(ValueError, match="the fx calendar ends with the year 2100"):
        FX.next_open(parse_moment("2101-06-01"))
