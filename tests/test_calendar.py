"""Weeks per product: what is open when, on the clocks of a zone."""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from pipeline.calendar import Calendars, Claim, always, calendar, calendar_of, foreign_exchange, kept
from pipeline.exchanges import BUILT_IN
from pipeline.hours import DAY_MINUTES, WEEK_MINUTES, Closure, Hours
from pipeline.hours_text import spans_of, week_text
from pipeline.opening import Calendar
from pipeline.times import DAY, HOUR, MINUTE, SECOND, parse_moment, slot_of, utc_text
from pipeline.values import Stamps
from pipeline.walltime import wall_clock

NEW_YORK = ZoneInfo("America/New_York")
FX, ALWAYS = foreign_exchange(), always()
MOMENTS = st.integers(parse_moment("2007-01-01"), parse_moment("2045-01-01"))
ZONES = {
    "America/New_York": 32,
    "America/Chicago": 32,
    "Europe/London": 32,
    "Europe/Berlin": 32,
    "Australia/Sydney": 32,
    "Pacific/Auckland": 32,
    "Asia/Jerusalem": 32,
    "America/Santiago": 32,
    "America/Sao_Paulo": 0,
    "Asia/Tokyo": 0,
}
"""How often their clocks are moved from 2020 to 2035."""


def on(*moments: str) -> list[int]:
    return [parse_moment(moment) for moment in moments]


def told(moments: Stamps) -> list[str]:
    return [utc_text(each)[:16] for each in moments.tolist()]


def custom(
    zone: str,
    *sessions: str,
    breaks: tuple[str, ...] = (),
    day_begins: int = 0,
    closures: tuple[Closure, ...] = (),
) -> Calendar:
    spans = tuple(span for text in sessions for span in spans_of(text))
    pauses = tuple(span for text in breaks for span in spans_of(text, every_day=True))
    return kept("mine", Hours(zone=zone, sessions=spans, breaks=pauses, day_begins=day_begins, closures=closures))


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
    with pytest.raises(
        ValueError, match="there is no calendar 'nyse'; use one of fx, metals, fxcm, us_equities, always"
    ):
        calendar("nyse")


@pytest.mark.parametrize("name", [name for name in BUILT_IN if name != "always"])
def test_outside_of_the_years_it_has_a_market_counts_as_closed_for_a_reason_nobody_knows(name: str) -> None:
    weeks = calendar(name)
    before, after = on("1969-06-04T15:00:00Z", "2101-06-01T15:00:00Z")
    assert [weeks.is_open(ts) for ts in (before, after)] == [False, False]
    assert [weeks.state(ts).reason for ts in (before, after)] == ["unknown", "unknown"]
    assert (weeks.state(after).next_open, weeks.state(after).next_close) == (None, None)
    with pytest.raises(ValueError, match=f"the {name} calendar ends with the year 2100"):
        weeks.next_open(after)
    assert datetime.fromtimestamp(int(weeks.edges[1]) / 1000, UTC).year == 1970
    last = datetime.fromtimestamp(int(weeks.edges[-1]) / 1000, UTC)
    assert last.date() == date(2100, 12, 31)


def test_what_never_closes_is_open_at_the_ends_of_time() -> None:
    state = ALWAYS.state(parse_moment("2400-01-01"))
    assert (state.is_open, state.next_open, state.next_close, state.seconds_to_close) == (True, None, None, None)
    assert ALWAYS.is_open(-(2**62))


# --- clocks that are moved -------------------------------------------------------------------------------------------


def changes(zone: str, first: int = 2020, last: int = 2035) -> Iterator[tuple[date, int]]:
    """The days on which clocks are moved, and by how many hours that makes the day shorter or longer."""
    clock, day = ZoneInfo(zone), date(first, 1, 1)
    while day <= date(last, 12, 31):
        begin, end = (datetime.combine(each, time(12), clock) for each in (day - timedelta(days=1), day))
        longer = (end.timestamp() - begin.timestamp()) / 3600 - 24
        if longer:
            yield day, round(longer)
        day += timedelta(days=1)


@pytest.mark.parametrize("zone", ZONES)
def test_sessions_keep_to_the_wall_whenever_clocks_are_moved(zone: str) -> None:
    weeks, clock, moved = custom(zone, "Mon-Sun 09:30-16:00"), ZoneInfo(zone), list(changes(zone))
    assert len(moved) == ZONES[zone]
    for day, longer in moved:
        noon = int(datetime.combine(day, time(12), clock).timestamp()) * SECOND
        first = int(weeks.edges.searchsorted(noon)) - 3
        edges = weeks.edges[first : first + 6].tolist()
        shown = [datetime.fromtimestamp(each / 1000, clock) for each in edges]
        assert [f"{each:%H:%M}" for each in shown] == ["09:30", "16:00"] * 3
        assert [each.date() - day for each in shown[::2]] == [timedelta(days=number) for number in (-1, 0, 1)]
        assert (edges[2] - edges[0], edges[4] - edges[2]) == ((24 + longer) * HOUR, DAY)
        assert (edges[3] - edges[1], edges[5] - edges[3]) == ((24 + longer) * HOUR, DAY)


@pytest.mark.parametrize("zone", ZONES)
def test_a_day_has_23_or_25_hours_when_clocks_are_moved_and_no_slot_comes_twice(zone: str) -> None:
    weeks, clock = custom(zone, "Mon-Sun 00:00-24:00", closures=(Closure(date(1999, 1, 1)),)), ZoneInfo(zone)
    for day, longer in changes(zone):
        begin = int(datetime.combine(day - timedelta(days=2), time(12), clock).timestamp()) * SECOND
        slots = weeks.open_slots(begin, begin + 4 * DAY, 15 * MINUTE)
        assert slots.tolist() == list(range(slot_of(begin, 15 * MINUTE), begin + 4 * DAY, 15 * MINUTE))
        days, quarters = np.unique(weeks.trading_days(slots), return_counts=True)
        lengths = dict(zip(days.tolist(), (quarters / 4).tolist(), strict=True))
        for each in (day - timedelta(days=1), day, day + timedelta(days=1)):
            midnights = [datetime.combine(each + timedelta(days=number), time(), clock) for number in (0, 1)]
            took = (midnights[1].timestamp() - midnights[0].timestamp()) / 3600
            assert lengths[each.toordinal() - date(1970, 1, 1).toordinal()] == took, each
        assert 24 + longer in lengths.values()


@pytest.mark.parametrize(
    "zone",
    [
        *("Africa/Casablanca", "Africa/Cairo", "Africa/Monrovia", "America/Boa_Vista", "America/Caracas", "Asia/Gaza"),
        *("Asia/Kathmandu", "Asia/Pyongyang", "Australia/Lord_Howe", "Pacific/Apia", "Pacific/Kwajalein"),
    ],
)
def test_clocks_that_were_moved_oddly_are_known_to_the_hour(zone: str) -> None:
    moments = np.arange(parse_moment("1970-01-01"), parse_moment("2101-01-01"), 3 * DAY + 5 * HOUR, dtype=np.int64)
    clock = ZoneInfo(zone)
    there = [datetime.fromtimestamp(each // 1000, clock).replace(tzinfo=UTC) for each in moments.tolist()]
    assert wall_clock(zone).wall(moments).tolist() == [
        round(each.timestamp()) * SECOND + ts % SECOND for each, ts in zip(there, moments.tolist(), strict=True)
    ]


@pytest.mark.parametrize(
    ("session", "opens", "closes"),
    [
        ("Sun 01:30-04:00", "2026-03-08T06:30Z", "2026-03-08T08:00Z"),
        ("Sun 02:30-04:00", "2026-03-08T07:00Z", "2026-03-08T08:00Z"),
        ("Sun 01:00-02:30", "2026-03-08T06:00Z", "2026-03-08T07:00Z"),
    ],
)
def test_a_time_that_the_clocks_skip_is_the_moment_they_jump(session: str, opens: str, closes: str) -> None:
    weeks = custom("America/New_York", session)
    begin = parse_moment("2026-03-08T00:00:00Z")
    first = int(weeks.edges.searchsorted(begin))
    assert weeks.edges[first : first + 2].tolist() == on(opens, closes)


def test_a_session_that_the_clocks_skip_whole_is_left_out_that_day() -> None:
    weeks = custom("America/New_York", "Sun 02:10-02:50")
    days = on("2026-03-01", "2026-03-08", "2026-03-15")
    assert [len(weeks.open_slots(day, day + DAY, MINUTE)) for day in days] == [40, 0, 40]


@pytest.mark.parametrize(
    ("session", "opens", "closes"),
    [
        ("Sun 01:30-04:00", "2026-11-01T05:30Z", "2026-11-01T09:00Z"),
        ("Sun 00:30-01:30", "2026-11-01T04:30Z", "2026-11-01T05:30Z"),
        ("Sun 01:15-01:45", "2026-11-01T05:15Z", "2026-11-01T05:45Z"),
        ("Sun 02:00-03:00", "2026-11-01T07:00Z", "2026-11-01T08:00Z"),
    ],
)
def test_a_time_that_comes_twice_counts_the_first_time(session: str, opens: str, closes: str) -> None:
    weeks = custom("America/New_York", session)
    begin = parse_moment("2026-11-01T00:00:00Z")
    first = int(weeks.edges.searchsorted(begin))
    assert weeks.edges[first : first + 2].tolist() == on(opens, closes)
    assert int(weeks.edges[first + 2]) > begin + 6 * DAY


def test_a_day_that_a_zone_left_out_is_no_day() -> None:
    samoa = custom("Pacific/Apia", "Mon-Sun 10:00-11:00")
    begin = parse_moment("2011-12-29T12:00:00Z")
    first = int(samoa.edges.searchsorted(begin))
    there = [datetime.fromtimestamp(each / 1000, ZoneInfo("Pacific/Apia")) for each in samoa.edges[first:][:4].tolist()]
    assert [f"{each:%d %H:%M}" for each in there] == ["29 10:00", "29 11:00", "31 10:00", "31 11:00"]


# --- against a slow one ----------------------------------------------------------------------------------------------


class Slow:
    """Looks at every minute of some days, with nothing but `zoneinfo`."""

    def __init__(self, hours: Hours, begin: int, days: int) -> None:
        clock = ZoneInfo(hours.zone)
        margin = 5 * DAY
        self._minutes = range(begin - margin, begin + days * DAY + margin, MINUTE)
        self._shown: list[datetime] = []
        for ts in self._minutes:
            there = datetime.fromtimestamp(ts / 1000, clock).replace(tzinfo=None)
            # The clocks have shown a time once they have shown a later one.
            self._shown.append(max(there, self._shown[-1]) if self._shown else there)
        self._hours = hours

    def open_minutes(self, begin: int, days: int) -> set[int]:
        start = self._shown[0].date()
        open_: set[int] = set()
        first_monday = start - timedelta(days=start.weekday() + 7)
        for week in range(6):
            monday = datetime.combine(first_monday + timedelta(weeks=week), time())
            for span in self._hours.sessions:
                open_ |= self._between(*(monday + timedelta(minutes=each) for each in span))
        for week in range(6):
            monday = datetime.combine(first_monday + timedelta(weeks=week), time())
            for span in self._hours.breaks:
                open_ -= self._between(*(monday + timedelta(minutes=each) for each in span))
        for closure in self._hours.closures:
            open_ -= self._closed(closure)
        return {ts for ts in open_ if begin <= ts < begin + days * DAY}

    def _closed(self, closure: Closure) -> set[int]:
        begins = self._hours.day_begins
        eve = datetime.combine(closure.day - timedelta(days=1 if begins else 0), time()) + timedelta(minutes=begins)
        end = eve + timedelta(days=1)

        def at(minutes: int) -> datetime:
            same_day = datetime.combine(closure.day, time()) + timedelta(minutes=minutes)
            return same_day if same_day <= end else same_day - timedelta(days=1)

        if closure.whole:
            return self._between(eve, end)
        late = self._between(eve, at(closure.opens)) if closure.opens is not None else set[int]()
        early = self._between(at(closure.closes), end) if closure.closes is not None else set[int]()
        return late | early

    def _between(self, begin: datetime, end: datetime) -> set[int]:
        return set(self._minutes[bisect_left(self._shown, begin) : bisect_left(self._shown, end)])


@cache
def moved_days() -> list[tuple[str, date]]:
    return [(zone, day) for zone in ZONES for day, _ in changes(zone)]


@st.composite
def markets(draw: st.DrawFn) -> tuple[Hours, date]:
    """Hours of any shape in one of the zones, and a day, mostly one on which its clocks are moved."""
    zone, day = draw(st.sampled_from(moved_days()))
    if draw(st.integers(0, 3)) == 0:
        zone, day = draw(st.sampled_from(sorted(ZONES))), draw(st.dates(date(2020, 1, 1), date(2035, 12, 31)))
    minutes = st.integers(0, WEEK_MINUTES - 1).map(lambda each: each // 5 * 5)
    spans = st.tuples(minutes, st.integers(1, 3 * DAY_MINUTES)).map(lambda each: (each[0], each[0] + each[1]))
    pauses = st.tuples(minutes, st.integers(1, 300)).map(lambda each: (each[0], each[0] + each[1]))
    begins = draw(st.sampled_from([0, 0, 17 * 60, 18 * 60 + 30]))
    times = st.integers(begins + 1, begins + DAY_MINUTES - 1).map(lambda each: each % DAY_MINUTES)
    closures = st.builds(
        Closure,
        st.integers(-3, 3).map(lambda each: day + timedelta(days=each)),
        st.one_of(st.none(), times),
        st.one_of(st.none(), times),
    )
    return (
        Hours(
            zone=zone,
            sessions=tuple(draw(st.lists(spans, min_size=1, max_size=4))),
            breaks=tuple(draw(st.lists(pauses, max_size=3))),
            closures=tuple(draw(st.lists(closures, max_size=2))),
            day_begins=begins,
        ),
        day,
    )


@settings(max_examples=20, deadline=None)
@given(markets())
def test_every_minute_is_open_when_a_slow_look_at_the_clocks_says_so(market: tuple[Hours, date]) -> None:
    hours, day = market
    assume(all(each.whole or hours.opening(each) < hours.closing(each) for each in hours.closures))
    begin = int(datetime.combine(day - timedelta(days=2), time(), UTC).timestamp()) * SECOND
    minutes = np.arange(begin, begin + 5 * DAY, MINUTE, dtype=np.int64)
    weeks = Calendar("any", hours)
    assert (np.diff(weeks.edges) > 0).all()
    assert set(minutes[weeks.open_mask(minutes)].tolist()) == Slow(hours, begin, 5).open_minutes(begin, 5)


@settings(max_examples=60, deadline=None)
@given(markets(), st.sampled_from([(15, 1), (60, 1), (60, 5), (240, 15), (1440, 5), (1440, 60)]))
def test_the_open_parts_of_a_slot_are_those_with_an_open_minute(
    market: tuple[Hours, date], spans: tuple[int, int]
) -> None:
    hours, day = market
    tf, base = (each * MINUTE for each in spans)
    weeks = Calendar("any", hours)
    begin = (day.toordinal() - date(1970, 1, 1).toordinal() - 4) * DAY
    slots = np.arange(begin, begin + 8 * DAY, tf, dtype=np.int64)
    minutes = np.arange(begin, begin + 8 * DAY, MINUTE, dtype=np.int64)
    is_open = weeks.open_mask(minutes).reshape(len(slots), tf // base, base // MINUTE).any(axis=2).sum(axis=1)
    assert weeks.open_parts(slots, tf, base).tolist() == is_open.tolist()
    assert weeks.open_parts(slots[3:4], tf, base).tolist() == is_open[3:4].tolist()


@settings(max_examples=60, deadline=None)
@given(markets(), st.integers(0, 6 * 1440))
def test_a_state_leads_to_the_next_one(market: tuple[Hours, date], minute: int) -> None:
    hours, day = market
    weeks = Calendar("any", hours)
    at = (day.toordinal() - date(1970, 1, 1).toordinal() - 3) * DAY + minute * MINUTE
    state = weeks.state(at)
    assert state.is_open == weeks.is_open(at) == (state.reason is None)
    if weeks.never_closes:
        return
    assert state.next_open is not None
    assert state.next_close is not None
    assert (state.next_close < state.next_open) == state.is_open
    assert (weeks.is_open(state.next_open - 1), weeks.is_open(state.next_open)) == (False, True)
    assert (weeks.is_open(state.next_close - 1), weeks.is_open(state.next_close)) == (True, False)
    assert state.seconds_to_open == (state.next_open - at) / 1000
    assert state.seconds_to_close == (state.next_close - at) / 1000


# --- the built-in ones -----------------------------------------------------------------------------------------------


def test_the_foreign_exchange_opens_and_closes_at_17_in_new_york_every_week_there_is() -> None:
    sundays = [date(1969, 12, 28) + timedelta(weeks=week) for week in range(6836)]
    days = [day for sunday in sundays for day in (sunday, sunday + timedelta(days=5))]
    assert FX.edges.tolist() == [int(datetime.combine(day, time(17), NEW_YORK).timestamp()) * SECOND for day in days]


@pytest.mark.parametrize(
    ("name", "at", "opens"),
    [
        ("fxcm", "2026-01-10T12:00:00Z", "2026-01-11T23:00"),
        ("fxcm", "2026-07-11T12:00:00Z", "2026-07-12T22:00"),
        ("metals", "2026-01-10T12:00:00Z", "2026-01-11T23:00"),
        ("metals", "2026-07-11T12:00:00Z", "2026-07-12T22:00"),
        ("fx", "2026-01-10T12:00:00Z", "2026-01-11T22:00"),
        ("fx", "2026-07-11T12:00:00Z", "2026-07-12T21:00"),
        ("us_equities", "2026-01-10T12:00:00Z", "2026-01-12T14:30"),
        ("us_equities", "2026-07-11T12:00:00Z", "2026-07-13T13:30"),
    ],
)
def test_the_next_opening_keeps_the_winter_and_the_summer_of_new_york(name: str, at: str, opens: str) -> None:
    assert utc_text(calendar(name).next_open(parse_moment(at)))[:16] == opens


@pytest.mark.parametrize("name", ["fxcm", "metals"])
def test_the_hour_of_maintenance_is_closed_every_day(name: str) -> None:
    weeks = calendar(name)
    for day, hour in (("2026-01-06", 22), ("2026-07-07", 21)):
        begin = parse_moment(f"{day}T{hour}:00:00Z")
        assert [weeks.is_open(ts) for ts in (begin - 1, begin, begin + HOUR - 1, begin + HOUR)] == [
            True,
            False,
            False,
            True,
        ]
        state = weeks.state(begin + 10 * MINUTE)
        assert (state.reason, state.seconds_to_open, state.next_open) == ("break", 50 * 60, begin + HOUR)


def test_the_week_of_fxcm_ends_five_minutes_early() -> None:
    weeks = calendar("fxcm")
    (close,) = on("2026-01-09T21:55:00Z")
    assert [weeks.is_open(ts) for ts in (close - 1, close)] == [True, False]
    assert weeks.state(close).reason == "weekend"


CLOSED_BY_NYSE = {
    2020: "01-01 01-20 02-17 04-10 05-25 07-03 09-07 11-26 12-25",
    2021: "01-01 01-18 02-15 04-02 05-31 07-05 09-06 11-25 12-24",
    2022: "01-17 02-21 04-15 05-30 06-20 07-04 09-05 11-24 12-26",
    2023: "01-02 01-16 02-20 04-07 05-29 06-19 07-04 09-04 11-23 12-25",
    2024: "01-01 01-15 02-19 03-29 05-27 06-19 07-04 09-02 11-28 12-25",
    2025: "01-01 01-09 01-20 02-17 04-18 05-26 06-19 07-04 09-01 11-27 12-25",
    2026: "01-01 01-19 02-16 04-03 05-25 06-19 07-03 09-07 11-26 12-25",
    2027: "01-01 01-18 02-15 03-26 05-31 06-18 07-05 09-06 11-25 12-24",
    2028: "01-17 02-21 04-14 05-29 06-19 07-04 09-04 11-23 12-25",
    2029: "01-01 01-15 02-19 03-30 05-28 06-19 07-04 09-03 11-22 12-25",
    2030: "01-01 01-21 02-18 04-19 05-27 06-19 07-04 09-02 11-28 12-25",
}
CLOSED_EARLY_BY_NYSE = {
    2020: "11-27 12-24",
    2021: "11-26",
    2022: "11-25",
    2023: "07-03 11-24",
    2024: "07-03 11-29 12-24",
    2025: "07-03 11-28 12-24",
    2026: "11-27 12-24",
    2027: "11-26",
    2028: "07-03 11-24",
    2029: "07-03 11-23 12-24",
    2030: "07-03 11-29 12-24",
}


@pytest.mark.parametrize("year", CLOSED_BY_NYSE)
def test_new_york_trades_on_the_days_and_for_the_hours_its_exchange_has_published(year: int) -> None:
    closed, early = (
        {date.fromisoformat(f"{year}-{day}") for day in table[year].split()}
        for table in (CLOSED_BY_NYSE, CLOSED_EARLY_BY_NYSE)
    )
    weeks, day = calendar("us_equities"), date(year, 1, 1)
    while day.year == year:
        midnight = int(datetime.combine(day, time(), NEW_YORK).timestamp()) * SECOND
        noon = int(datetime.combine(day, time(12), NEW_YORK).timestamp()) * SECOND
        edges = weeks.edges[slice(*weeks.edges.searchsorted((midnight, noon + 12 * HOUR)).tolist())]
        hours = [datetime.fromtimestamp(each / 1000, NEW_YORK).strftime("%H:%M") for each in edges.tolist()]
        trades = day.weekday() < 5 and day not in closed
        assert hours == (["09:30", "13:00" if day in early else "16:00"] if trades else []), day
        day += timedelta(days=1)


def test_names_and_rules_of_the_built_in_ones_are_told_as_one_would_write_them() -> None:
    assert {name: week_text(hours()) for name, hours in BUILT_IN.items()} == {
        "fx": ["Sun 17:00 - Fri 17:00"],
        "metals": ["Sun-Thu 18:00-17:00"],
        "fxcm": ["Sun-Wed 18:00-17:00", "Thu 18:00-16:55"],
        "us_equities": ["Mon-Fri 09:30-16:00"],
        "always": ["always open"],
    }


@given(st.lists(st.integers(0, 6), min_size=1, max_size=7, unique=True), st.integers(0, 1439), st.integers(1, 1440))
@example([0], 600, 1440)
@example([0, 1, 2, 3, 4, 5, 6], 0, 1439)
def test_a_week_that_is_told_is_the_week_one_gets_by_writing_it(days: list[int], at: int, length: int) -> None:
    sessions = tuple((day * DAY_MINUTES + at, day * DAY_MINUTES + at + length) for day in days)
    week = Hours(zone="UTC", sessions=sessions)
    texts = week_text(week)
    if texts != ["always open"]:
        again = Hours(zone="UTC", sessions=tuple(span for text in texts for span in spans_of(text)))
        assert again.open_week() == week.open_week(), texts


# --- what a market is doing ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "at", "reason", "trading_day"),
    [
        ("us_equities", "2026-11-25T20:59:59Z", None, "2026-11-25"),
        ("us_equities", "2026-11-25T21:00:00Z", "overnight", "2026-11-27"),
        ("us_equities", "2026-11-26T15:00:00Z", "holiday", "2026-11-27"),
        ("us_equities", "2026-11-27T17:59:59Z", None, "2026-11-27"),
        ("us_equities", "2026-11-27T18:00:00Z", "holiday", "2026-11-30"),
        ("us_equities", "2026-11-28T15:00:00Z", "weekend", "2026-11-30"),
        ("us_equities", "2026-11-24T12:00:00Z", "overnight", "2026-11-24"),
        ("us_equities", "2026-01-19T13:00:00Z", "holiday", "2026-01-20"),
        ("fx", "2026-11-22T21:59:59Z", "weekend", "2026-11-23"),
        ("fx", "2026-11-22T22:00:00Z", None, "2026-11-23"),
        ("fx", "2026-11-23T21:59:59Z", None, "2026-11-23"),
        ("fx", "2026-11-23T22:00:00Z", None, "2026-11-24"),
        ("metals", "2026-11-23T22:30:00Z", "break", "2026-11-24"),
        ("fxcm", "2026-11-27T21:57:00Z", "weekend", "2026-11-30"),
        ("always", "2026-11-28T12:00:00Z", None, "2026-11-28"),
    ],
)
def test_closed_is_a_state_with_a_reason(name: str, at: str, reason: str | None, trading_day: str) -> None:
    weeks = calendar(name)
    assert weeks.state(parse_moment(at)).reason == reason
    assert weeks.trading_day(parse_moment(at)).isoformat() == trading_day


def test_a_pause_at_noon_is_a_break_whether_it_is_written_as_one_or_as_two_sessions() -> None:
    written = custom("Asia/Tokyo", "Mon-Fri 09:00-15:30", breaks=("11:30-12:30",))
    apart = custom("Asia/Tokyo", "Mon-Fri 09:00-11:30", "Mon-Fri 12:30-15:30")
    assert written.edges.tolist() == apart.edges.tolist()
    noon, night = on("2026-11-24T12:00:00+09:00", "2026-11-24T20:00:00+09:00")
    assert [weeks.state(ts).reason for weeks in (written, apart) for ts in (noon, night)] == ["break", "overnight"] * 2


def test_cities_are_at_work_by_their_own_clocks_and_only_while_the_market_is_open() -> None:
    moments = {
        "2026-01-06T00:30:00Z": ("Tokyo",),
        "2026-01-06T12:30:00Z": ("London",),
        "2026-07-07T12:30:00Z": ("London", "New York"),
        "2026-01-06T16:15:00Z": ("London", "New York"),
        "2026-01-06T20:00:00Z": ("New York",),
        "2026-01-06T21:56:00Z": (),
        "2026-01-10T12:30:00Z": (),
    }
    assert {at: FX.session_of(parse_moment(at)) for at in moments} == moments
    assert ALWAYS.session_of(parse_moment("2026-01-10T12:30:00Z")) == (), "nobody works on a Saturday"


def test_two_weeks_a_year_new_york_has_moved_its_clocks_and_london_has_not() -> None:
    (at,) = on("2026-03-10T12:30:00Z")
    assert [FX.session_of(at + weeks * 7 * DAY) for weeks in (-1, 0, 2, 3)] == [
        ("London",),
        ("London", "New York"),
        ("London", "New York"),
        ("London", "New York"),
    ]
    (early,) = on("2026-03-10T07:30:00Z")
    assert [FX.session_of(early + weeks * 7 * DAY) for weeks in (0, 3)] == [(), ("London",)]


def test_trading_days_of_many_moments_are_those_of_each() -> None:
    moments = np.arange(parse_moment("2026-03-01"), parse_moment("2026-03-20"), 7 * HOUR + 13 * MINUTE, dtype=np.int64)
    weeks = calendar("metals")
    days = [date(1970, 1, 1) + timedelta(days=each) for each in weeks.trading_days(moments).tolist()]
    assert days == [weeks.trading_day(ts) for ts in moments.tolist()]
    assert sorted(set(days)) == [day for day in sorted(set(days)) if day.weekday() < 5]


# --- sessions over midnight, holidays --------------------------------------------------------------------------------


def test_a_session_over_midnight_is_one_session() -> None:
    weeks = custom("America/Chicago", "Mon-Thu 17:00-02:00")
    begin = int(weeks.edges.searchsorted(parse_moment("2026-01-05")))
    assert told(weeks.edges[begin : begin + 4]) == [
        "2026-01-05T23:00",
        "2026-01-06T08:00",
        "2026-01-06T23:00",
        "2026-01-07T08:00",
    ]


def test_a_session_from_the_last_hour_of_the_week_into_the_next_week_is_one_session() -> None:
    weeks = custom("UTC", "Sun 23:00 - Mon 01:00")
    (monday,) = on("2026-01-05")
    begin = int(weeks.edges.searchsorted(monday)) - 1
    assert told(weeks.edges[begin : begin + 2]) == ["2026-01-04T23:00", "2026-01-05T01:00"]


def test_a_holiday_of_a_market_whose_day_begins_in_the_evening_runs_from_the_eve() -> None:
    christmas = (Closure(date(2026, 12, 25), name="Christmas"), Closure(date(2026, 12, 24), closes=13 * 60))
    weeks = kept("mine", replace(BUILT_IN["metals"](), closures=christmas))
    begin = int(weeks.edges.searchsorted(parse_moment("2026-12-23T22:30:00Z")))
    assert told(weeks.edges[begin : begin + 4]) == [
        "2026-12-23T23:00",
        "2026-12-24T18:00",
        "2026-12-27T23:00",
        "2026-12-28T22:00",
    ]
    assert weeks.state(parse_moment("2026-12-25T15:00:00Z")).reason == "holiday"
    assert weeks.state(parse_moment("2026-12-24T19:00:00Z")).reason == "holiday"
    assert weeks.state(parse_moment("2026-12-26T15:00:00Z")).reason == "weekend"
    assert [each.name for each in weeks.closures_from(parse_moment("2026-12-25T15:00:00Z"))] == ["Christmas"]
    assert list(weeks.closures_from(parse_moment("2026-12-25T22:00:00Z"))) == []


def test_a_holiday_inside_a_week_is_closed_time_and_no_hole() -> None:
    weeks = custom("UTC", "Mon-Fri 08:00-20:00", closures=(Closure(date(2026, 1, 7)),))
    last, first = on("2026-01-06T19:59:00Z", "2026-01-08T08:00:00Z")
    assert weeks.holes_closed(last, first, MINUTE)
    assert weeks.open_parts(np.array(on("2026-01-06", "2026-01-07", "2026-01-08")), DAY, HOUR).tolist() == [12, 0, 12]
    assert custom("UTC", "Mon-Fri 08:00-20:00").open_parts(np.array(on("2026-01-07")), DAY, HOUR).tolist() == [12]


def test_a_late_opening_and_an_early_close_leave_the_hours_between() -> None:
    weeks = custom("UTC", "Mon-Fri 08:00-20:00", closures=(Closure(date(2026, 1, 7), opens=10 * 60, closes=13 * 60),))
    first, last = on("2026-01-07", "2026-01-08")
    slots = weeks.open_slots(first, last, HOUR)
    assert told(slots) == ["2026-01-07T10:00", "2026-01-07T11:00", "2026-01-07T12:00"]


# --- whose calendar --------------------------------------------------------------------------------------------------


def test_of_calendars_that_claim_a_product_the_closest_is_its() -> None:
    week = BUILT_IN["us_equities"]()
    claims = {
        "all": ("*",),
        "gold": ("XAU*",),
        "gold in dollars": ("XAUUSD*",),
        "one": ("eurusd",),
        "raw": ("frxEURUSD",),
        "over the counter": ("*_otc",),
    }
    calendars = Calendars(tuple(Claim(name, products, week) for name, products in claims.items()))
    keeps = {
        "XAUEUR": "gold",
        "frxXAUEUR": "gold",
        "XAUUSD": "gold in dollars",
        "EURUSD": "one",
        "EUR/USD": "one",
        "frxEURUSD": "raw",
        "GBPUSD_otc": "over the counter",
        "R_100": "all",
    }
    assert {product: calendars.of(product).name for product in keeps} == keeps


def test_where_no_calendar_is_written_a_product_keeps_what_its_name_says() -> None:
    assert Calendars().of("EURUSD") is FX
    assert Calendars((Claim("gold", ("XAU*",), BUILT_IN["metals"]()),)).of("frxEURUSD") is FX
    assert Calendars((Claim("gold", ("XAU*",), BUILT_IN["metals"]()),)) == Calendars(
        (Claim("gold", ("XAU*",), BUILT_IN["metals"]()),)
    )


# --- speed -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_mask_of_moments_in_order_is_that_of_moments_in_none(name: str) -> None:
    moments = np.sort(np.random.default_rng(7).integers(0, parse_moment("2101-06-01"), 200_000))
    shuffled = np.random.default_rng(8).permutation(len(moments))
    weeks = calendar(name)
    assert np.array_equal(weeks.open_mask(moments)[shuffled], weeks.open_mask(moments[shuffled]))
    few = moments[100_000:100_400]
    assert np.array_equal(weeks.open_mask(few), weeks.open_mask(moments)[100_000:100_400])
