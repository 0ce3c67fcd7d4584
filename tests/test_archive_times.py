"""Times as files write them: every hour of every change of the clocks, and shapes that are no time."""

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.archive.moments import EpochUnit, Moments, Timing, of_numbers, of_texts, unit_of
from pipeline.archive.walls import fixed, is_zone, meant
from pipeline.times import DAY, HOUR, MINUTE, parse_moment
from pipeline.values import Stamps

ZONES = (
    *(
        "America/New_York",
        "Europe/London",
        "Europe/Athens",
        "Europe/Istanbul",
        "Australia/Sydney",
        "Australia/Lord_Howe",
    ),
    *("America/Sao_Paulo", "Africa/Casablanca", "Asia/Tehran", "Pacific/Apia"),
)
"""Among them: half an hour of summer time, a whole day skipped, Ramadan, changes at midnight, rules that ended."""


def read(texts: list[str], **how: Any) -> Moments:
    letters = "".join(texts).encode()
    begins = np.cumsum([0, *(len(text.encode()) for text in texts)])
    return of_texts(begins, np.frombuffer(letters, np.uint8), Timing(**how), "time")


@cache
def changes(zone: str) -> list[int]:
    """The moments at which a zone's clocks were moved from 2009 to 2016, looked for hour by hour."""
    clock = ZoneInfo(zone)
    begin, end = parse_moment("2009-01-01"), parse_moment("2017-01-01")
    offsets = [datetime.fromtimestamp(at / 1000, clock).utcoffset() for at in range(begin, end, HOUR)]
    return [begin + number * HOUR for number in range(1, len(offsets)) if offsets[number] != offsets[number - 1]]


def around(zone: str) -> Stamps:
    """Every quarter of an hour from a day before each change to a day after it."""
    return np.unique([at for change in changes(zone) for at in range(change - DAY, change + DAY, 15 * MINUTE)])


def on_the_wall(moments: Stamps, zone: str) -> Stamps:
    """As the standard library says."""
    clock = ZoneInfo(zone)
    there = [datetime.fromtimestamp(at / 1000, clock).replace(tzinfo=UTC) for at in moments.tolist()]
    return np.array([int(each.timestamp()) * 1000 for each in there])


@pytest.mark.parametrize("zone", ZONES)
def test_every_moment_of_every_change_is_written_on_a_wall_and_read_back_unchanged(zone: str) -> None:
    moments = around(zone)
    wall = on_the_wall(moments, zone)
    first, second = (meant(wall, zone, which) for which in ("first", "second"))
    assert not first.skipped.any()
    assert ((first.moments == moments) | (second.moments == moments)).all()
    twice = meant(wall, zone, "refuse").twice
    assert (first.moments[~twice] == moments[~twice]).all()
    assert (first.moments[twice] < second.moments[twice]).all()
    assert (on_the_wall(first.moments, zone) == wall).all()


@pytest.mark.parametrize("zone", ZONES)
def test_what_clocks_skip_means_no_moment(zone: str) -> None:
    wall = around(zone)  # read as wall times: no clock is a day from UTC, so what a change skips is among them
    told = meant(wall, zone, "first")
    assert ((on_the_wall(told.moments, zone) == wall) == ~told.skipped).all()
    assert told.skipped.any()


@given(st.sampled_from(ZONES), st.integers(parse_moment("1975-01-01"), parse_moment("2090-01-01")))
@settings(max_examples=200, deadline=None)
def test_text_in_a_zone_is_the_moment_it_says(zone: str, at: int) -> None:
    there = datetime.fromtimestamp(at / 1000, ZoneInfo(zone)).replace(microsecond=at % 1000 * 1000)
    ambiguous = "second" if there.fold else "first"
    plain = there.replace(tzinfo=None).isoformat(" ", "milliseconds")
    assert read([plain], zone=zone, ambiguous=ambiguous).ts.tolist() == [at]
    if (there.utcoffset() or timedelta()) % timedelta(minutes=1) == timedelta():
        assert read([there.isoformat()], zone="Asia/Tokyo").ts.tolist() == [at]


EIGHT = parse_moment("2026-01-05T08:00:00Z")


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-01-05T08:00:00Z", EIGHT),
        ("2026-01-05T08:00:00.123Z", EIGHT + 123),
        ("2026-01-05T08:00:00.123456+00:00", EIGHT + 123),
        ("2026-01-05 08:00:00,5", EIGHT + 500),
        ("2026-01-05 10:30:00+02:30", EIGHT),
        ("2026-01-05 03:00:00-0500", EIGHT),
        ("2026-01-05 08:00", EIGHT),
        ("2026-01-05 8:00", EIGHT),
        ("2026/1/5 08:00:00", EIGHT),
        ("2026-01-05", EIGHT - 8 * HOUR),
        ("2026.01.05 08:00", EIGHT),
        ("20260105 080000", EIGHT),
        ("20260105 080000123", EIGHT + 123),
        ("20260105080000", EIGHT),
        ("20260105T080000Z", EIGHT),
        ("202601050800", EIGHT),
        ("20260105 08:00:00", EIGHT),
        ("05.01.2026 10:00:00.000 GMT+0200", EIGHT),
        ("05.01.2026 08:00:00.123", EIGHT + 123),
        ("05/01/2026 08:00", EIGHT),
    ],
)
def test_a_time_is_read_in_whatever_shape(text: str, at: int) -> None:
    moments = read([text])
    assert moments.sound().all(), moments.wrong
    assert moments.ts.tolist() == [at]


@pytest.mark.parametrize(
    "text",
    [
        *("", "yesterday", "2026-02-29 08:00", "2026-13-01", "2026-00-10", "2026-01-00", "2026-01-05 24:00"),
        *("2026-01-05 08:60", "2026-01-05T08:00:61Z", "08:00", "2026-01-05 08", "32.01.2026", "2026-01-05 08:00 EST"),
        "2026–01–05",
    ],
)
def test_what_no_calendar_or_clock_has_is_no_time(text: str) -> None:
    moments = read(["2026-01-05 08:00", text])
    assert moments.sound().tolist() == [True, False]
    (what,) = (what for what, wrong in moments.wrong.items() if wrong.any())
    assert what == "time is no time; write ms or s since 1970, or text like 2026-01-05T08:00:00Z"


def test_times_of_many_shapes_stand_in_one_column() -> None:
    texts = ["2026-01-05T08:00:00Z", "20260105 080000", "05.01.2026 08:00", "x", "2026-01-05T08:00:00.000Z"] * 3
    moments = read(texts)
    assert moments.sound().tolist() == [True, True, True, False, True] * 3
    assert set(moments.ts[moments.sound()].tolist()) == {EIGHT}


@pytest.mark.parametrize(("dates", "month"), [("dmy", 2), ("mdy", 3)])
def test_the_month_stands_where_its_owner_says(dates: str, month: int) -> None:
    at = int(read(["03/02/2026 00:00"], dates=dates).ts[0])
    assert datetime.fromtimestamp(at / 1000, UTC).month == month


def test_the_hour_that_is_skipped_and_the_one_that_comes_twice_are_told() -> None:
    texts = ["2024-03-31 03:30", "2024-10-27 03:30", "2024-10-27 04:30"]
    told = {what: wrong.tolist() for what, wrong in read(texts, zone="Europe/Athens").wrong.items() if wrong.any()}
    assert told == {
        "time does not exist in Europe/Athens, clocks skipped it; is the time zone right?": [True, False, False],
        "time is twice in Europe/Athens; say which is meant with ambiguous first or second": [False, True, False],
    }


@pytest.mark.parametrize(("unit", "parts"), [("s", 1000), ("ms", 1), ("us", 1 / 1000), ("ns", 1 / 1_000_000)])
def test_the_unit_of_numbers_is_seen_from_their_size(unit: EpochUnit, parts: float) -> None:
    values = np.array([EIGHT, EIGHT + 60_000], np.int64)
    written = values // 1000 if unit == "s" else values * round(1 / parts)
    assert unit_of(written) == unit
    assert of_numbers(written, unit, "ts").ts.tolist() == values.tolist()


def test_a_number_in_another_unit_or_in_1970_is_told() -> None:
    moments = of_numbers(np.array([1767600000, 1767600060000, 0, 60]), "s", "ts")
    assert {what.partition(";")[0]: wrong.tolist() for what, wrong in moments.wrong.items()} == {
        "ts is in 1970, as of a stamp that was never set": [False, False, True, True],
        "ts is not in s like the first ones": [False, True, False, False],
    }


def test_new_york_without_summer_time_is_five_hours_behind_all_year() -> None:
    texts = ["2024-01-02 17:00", "2024-07-02 17:00"]
    assert read(texts, zone=fixed(-5)).ts.tolist() == [
        parse_moment("2024-01-02T22:00:00Z"),
        parse_moment("2024-07-02T22:00:00Z"),
    ]


def test_a_zone_is_one_that_the_system_knows() -> None:
    assert [is_zone(name) for name in ("UTC", "EET", "Europe/Istanbul", "Mars/Base", "", "../etc")] == [True] * 3 + [
        False
    ] * 3
