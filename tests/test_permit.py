"""When trading is allowed."""

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.permit import Permit, Window
from pipeline.times import HOUR, MINUTE, parse_moment


def allows(permit: Permit, *moments: str) -> list[bool]:
    return permit.allows(np.array([parse_moment(moment) for moment in moments], np.int64)).tolist()


def test_without_limits_everything_is_allowed() -> None:
    assert allows(Permit(), "2026-01-05T00:00:00Z", "2026-01-10T23:59:59.999Z") == [True, True]


def test_the_first_minute_is_in_and_the_last_is_out() -> None:
    permit = Permit(hours="07:00-20:30")
    moments = [f"2026-01-05T{time}Z" for time in ("06:59:59.999", "07:00:00", "20:29:59.999", "20:30:00")]
    assert allows(permit, *moments) == [False, True, True, False]


def test_a_span_to_24_00_has_the_days_last_minute() -> None:
    permit = Permit(hours="22:00-24:00")
    assert allows(permit, "2026-01-05T23:59:59.999Z", "2026-01-06T00:00:00Z") == [True, False]


def test_a_span_over_midnight_goes_on_into_the_next_day() -> None:
    permit = Permit(hours="22:00-06:00")
    moments = ["05T21:59:59", "05T22:00:00", "06T00:00:00", "06T05:59:59", "06T06:00:00"]
    assert allows(permit, *(f"2026-01-{moment}Z" for moment in moments)) == [False, True, True, True, False]


def test_a_night_is_of_the_weekday_on_which_it_began() -> None:
    permit = Permit(hours="22:00-06:00", weekdays=("fri",))
    moments = {
        "thursday night": "2026-01-09T05:00:00Z",
        "friday evening": "2026-01-09T23:00:00Z",
        "friday night": "2026-01-10T05:00:00Z",
        "saturday evening": "2026-01-10T23:00:00Z",
    }
    assert dict(zip(moments, allows(permit, *moments.values()), strict=True)) == {
        "thursday night": False,
        "friday evening": True,
        "friday night": True,
        "saturday evening": False,
    }


def test_weekdays_are_those_of_its_own_zone() -> None:
    sunday_in_utc_monday_in_tokyo = "2026-01-04T16:00:00Z"
    assert allows(Permit(weekdays=("mon",)), sunday_in_utc_monday_in_tokyo) == [False]
    assert allows(Permit(weekdays=("mon",), timezone="Asia/Tokyo"), sunday_in_utc_monday_in_tokyo) == [True]


@pytest.mark.parametrize(
    ("zone", "day", "opens", "closes"),
    [
        ("Europe/London", "2026-03-28", "08:00", "16:30"),
        ("Europe/London", "2026-03-29", "07:00", "15:30"),
        ("Europe/London", "2026-10-24", "07:00", "15:30"),
        ("Europe/London", "2026-10-25", "08:00", "16:30"),
        ("America/New_York", "2026-03-07", "13:00", "21:30"),
        ("America/New_York", "2026-03-08", "12:00", "20:30"),
        ("America/New_York", "2026-10-31", "12:00", "20:30"),
        ("America/New_York", "2026-11-01", "13:00", "21:30"),
    ],
)
def test_hours_follow_the_clocks_of_their_zone_on_the_days_they_change(
    zone: str, day: str, opens: str, closes: str
) -> None:
    permit = Permit(hours="08:00-16:30", timezone=zone)
    begin, end = (parse_moment(f"{day}T{time}:00Z") for time in (opens, closes))
    edges = np.array([begin - 1, begin, end - 1, end], np.int64)
    assert permit.allows(edges).tolist() == [False, True, True, False]


def test_an_hour_that_a_zone_leaves_out_is_not_missed_and_one_it_has_twice_is_allowed_twice() -> None:
    permit = Permit(hours="01:00-02:00", timezone="Europe/London")
    spring, autumn = parse_moment("2026-03-29T00:00:00Z"), parse_moment("2026-10-25T00:00:00Z")
    hours = np.arange(4) * HOUR
    assert permit.allows(spring + hours).tolist() == [False, False, False, False]
    assert permit.allows(autumn + hours).tolist() == [True, True, False, False]


@settings(max_examples=50)
@given(
    moments=st.lists(st.integers(parse_moment("2025-01-01"), parse_moment("2027-01-01")), max_size=20),
    zone=st.sampled_from(["Europe/London", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"]),
)
def test_a_column_is_judged_as_its_moments_are_one_by_one(moments: list[int], zone: str) -> None:
    permit = Permit(hours="21:15-04:45", weekdays=("mon", "wed"), timezone=zone)
    column = np.array(moments, np.int64)
    singles = [bool(permit.allows(np.array([moment]))[0]) for moment in moments]
    assert permit.allows(column).tolist() == singles


def test_a_day_has_as_many_allowed_minutes_as_the_span_says() -> None:
    day = parse_moment("2026-01-05") + np.arange(24 * 60) * MINUTE
    assert int(Permit(hours="07:00-20:30").allows(day).sum()) == 13 * 60 + 30
    assert int(Permit(hours="20:30-07:00").allows(day).sum()) == 10 * 60 + 30


@pytest.mark.parametrize("hours", ["7-20", "07:00", "24:00-07:00", "07:00-24:30", "07:60-08:00", "07:00 - 08:00", ""])
def test_hours_that_are_no_span_are_refused_in_a_sentence(hours: str) -> None:
    with pytest.raises(ValueError, match="is not a span of a day; write it like 07:00-20:30"):
        Permit(hours=hours)


def test_a_zone_nobody_knows_is_refused_in_a_sentence() -> None:
    with pytest.raises(ValueError, match="timezone 'Mars/Olympus' is not known"):
        Permit(timezone="Mars/Olympus")


# --- several windows, sessions, and spans without trading -------------------------------------------------------------


def test_of_several_windows_one_is_enough() -> None:
    permit = Permit(windows=(Window(hours="08:00-09:00"), Window(hours="20:00-21:00", weekdays=("tue",))))
    moments = ["05T08:30:00", "05T20:30:00", "06T20:30:00", "06T12:00:00"]
    assert allows(permit, *(f"2026-01-{moment}Z" for moment in moments)) == [True, False, True, False]


def test_windows_lie_within_the_hours_beside_them() -> None:
    permit = Permit(hours="08:30-24:00", windows=(Window(hours="08:00-09:00"),))
    moments = ["2026-01-05T08:29:59Z", "2026-01-05T08:30:00Z", "2026-01-05T09:00:00Z"]
    assert allows(permit, *moments) == [False, True, False]


@pytest.mark.parametrize(
    ("session", "opens", "closes"),
    [
        ("london", "2026-01-05T08:00:00Z", "2026-01-05T16:30:00Z"),
        ("london", "2026-07-06T07:00:00Z", "2026-07-06T15:30:00Z"),
        ("new_york", "2026-01-05T13:00:00Z", "2026-01-05T21:55:00Z"),
        ("tokyo", "2026-01-04T23:00:00Z", "2026-01-05T07:00:00Z"),
    ],
)
def test_a_session_has_the_hours_of_its_city(session: str, opens: str, closes: str) -> None:
    begin, end = parse_moment(opens), parse_moment(closes)
    edges = np.array([begin - 1, begin, end - 1, end], np.int64)
    assert Permit(session=session).allows(edges).tolist() == [False, True, True, False]


def test_weekdays_cut_a_session() -> None:
    permit = Permit(session="london", weekdays=("tue", "sat"))
    days = ["2026-01-05", "2026-01-06", "2026-01-10"]
    assert allows(permit, *(f"{day}T10:00:00Z" for day in days)) == [False, True, False]


def test_a_day_is_blacked_out_from_midnight_to_midnight_of_its_zone() -> None:
    permit = Permit(timezone="Europe/London", blackouts=("2026-03-29",))
    edges = ["2026-03-28T23:59:59.999Z", "2026-03-29T00:00:00Z", "2026-03-29T22:59:59.999Z", "2026-03-29T23:00:00Z"]
    assert allows(permit, *edges) == [True, False, False, True]


def test_days_are_blacked_out_with_the_last_of_them_and_moments_up_to_it() -> None:
    permit = Permit(blackouts=("2026-12-24/2026-12-26", "2026-01-09T13:25/2026-01-09T13:40"))
    days = ["2026-12-23T23:59:59Z", "2026-12-24T00:00:00Z", "2026-12-26T23:59:59Z", "2026-12-27T00:00:00Z"]
    assert allows(permit, *days) == [True, False, False, True]
    minutes = ["2026-01-09T13:24:59Z", "2026-01-09T13:25:00Z", "2026-01-09T13:39:59Z", "2026-01-09T13:40:00Z"]
    assert allows(permit, *minutes) == [True, False, False, True]


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"session": "paris"}, "session 'paris' is not known; write one of tokyo, london, new_york"),
        ({"session": "london", "hours": "08:00-09:00"}, "session london has its own hours and zone"),
        ({"session": "london", "timezone": "Asia/Tokyo"}, "session london has its own hours and zone"),
        ({"blackouts": ("tomorrow",)}, "blackouts has 'tomorrow'; write 2026-12-25 or"),
        ({"blackouts": ("2026-13-01",)}, "blackouts has '2026-13-01'; write 2026-12-25 or"),
        ({"blackouts": ("2026-01-09/2026-01-08",)}, "which ends before it begins"),
        ({"blackouts": ("2026-01-09T10:00/2026-01-09T10:00",)}, "which ends before it begins"),
        ({"blackouts": ("2026-01-09T10:00",)}, "which ends before it begins"),
    ],
)
def test_a_permit_that_cannot_be_is_refused_in_a_sentence(keys: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)):
        Permit(**keys)
