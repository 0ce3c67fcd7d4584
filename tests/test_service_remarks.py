"""What the log says of a feed and its publisher: changes, once each, and never a heartbeat."""

from datetime import UTC
from typing import Any

import pytest
from msgspec.structs import replace

from pipeline.evidence import Trouble
from pipeline.remarks import Remarks, Told
from pipeline.service import FeedReport, LaneReport, Pace, Pressure, Quota, Serving, SessionState, Universe
from pipeline.times import HOUR, MINUTE, SECOND
from tests.service_sample import diagnosis, report
from tests.support import MONDAY

BARE = replace(report(), pace={}, quota=None)
"""A source of which only its session is told."""


def said(*values: Any) -> list[Told]:
    remarks = Remarks(UTC)
    return [told for told in map(remarks.of, values) if told is not None]


def texts(*values: Any) -> list[str]:
    return [told.text for told in said(*values)]


def in_state(session: SessionState, **changes: Any) -> FeedReport:
    return replace(BARE, session=session, **changes)


def test_that_prices_come_for_the_first_time_is_a_line_that_everybody_sees() -> None:
    told = said(in_state("connecting"), in_state("connected"), in_state("streaming"))
    assert [each.text for each in told] == [
        "sources.fxcm: connects",
        "sources.fxcm: is connected, no price came yet",
        "sources.fxcm: the stream of prices is active (subscription 1, practice)",
    ]
    assert [each.over for each in told] == [False, False, True]


def test_a_lost_session_and_its_return_are_told_once_each_however_many_reports_come() -> None:
    lost = in_state("reconnecting", last_error="the session ended", backoff_seconds=5.0)
    told = said(BARE, lost, replace(lost, backoff_seconds=3.0), lost, replace(BARE, subscriptions=2), BARE)
    assert [(each.level, each.text) for each in told[1:]] == [
        (
            "warning",
            "sources.fxcm: has lost its session and connects again: the session ended; tries again in 5 s",
        ),
        ("info", "sources.fxcm: prices come again (subscription 2)"),
    ]
    assert told[-1].over


def test_why_a_session_broke_is_not_said_twice_when_it_was_told_as_a_trouble() -> None:
    lost = in_state("reconnecting", last_error="the session ended")
    told = texts(BARE, Trouble("sources.fxcm", "network", "the session ended", MONDAY), lost)
    assert told[1:] == [
        "sources.fxcm: the session ended (network)",
        "sources.fxcm: has lost its session and connects again",
    ]


def test_each_change_of_pace_is_told_with_its_reason_and_an_unchanged_one_is_not() -> None:
    def paced(minutes: float, fives: float, reason: str) -> FeedReport:
        return replace(BARE, pace={"1m": Pace(minutes, reason, 0), "5m": Pace(fives, reason, 0)})

    told = texts(paced(5, 20, "prices come"), paced(5, 40, "no price for 30 s"), paced(5, 40, "no price for 30 s"))
    assert told[0].endswith(
        "history of 1m is asked for every 5 s: prices come; history of 5m is asked for every 20 s: prices come"
    )
    assert told[1:] == ["sources.fxcm: history of 5m is asked for every 40 s (was 20 s): no price for 30 s"]


def test_that_calls_are_put_off_is_a_warning_once_and_so_is_that_they_are_not_any_more() -> None:
    quota = Quota(28, 30, 90, 600, "reserve", throttled=True, reason="priority_reserve", next_slot_seconds=12.0)
    full = replace(BARE, quota=quota)
    told = said(
        BARE, full, replace(full, quota=replace(quota, minute=29)), replace(BARE, quota=replace(quota, throttled=False))
    )
    assert [(each.level, each.over, each.text) for each in told[1:]] == [
        (
            "warning",
            False,
            "sources.fxcm: calls for history are put off: 28 of 30 a minute, 90 of 600 an hour (priority_reserve), "
            "the next in 12 s",
        ),
        ("info", True, "sources.fxcm: calls for history are put off no more"),
    ]


def test_history_that_is_not_ready_says_nothing_of_the_market() -> None:
    told = texts(BARE, replace(BARE, history_ready=False), replace(BARE, history_ready=False), BARE)
    assert told[1:] == [
        "sources.fxcm: history is not ready; that says nothing of the market",
        "sources.fxcm: history is ready again",
    ]


def test_of_a_publisher_each_state_is_told_with_the_one_before_and_no_heartbeat_is() -> None:
    steady = diagnosis()
    away = replace(steady, state="DISCONNECTED", note="backoff 30s", at=MONDAY + 30 * SECOND)
    beats = [replace(steady, at=MONDAY + beat * SECOND, last_heartbeat_at=MONDAY + beat * SECOND) for beat in range(5)]
    told = said(*beats, away, replace(away, at=MONDAY + MINUTE), steady)
    assert [(each.level, each.text) for each in told] == [
        ("info", "sinks.redis: publishing is STREAM; the market is open"),
        ("warning", "sinks.redis: publishing is DISCONNECTED, was STREAM: backoff 30s"),
        ("info", "sinks.redis: publishing is STREAM, was DISCONNECTED"),
    ]
    assert told[-1].over


def test_a_market_that_closes_is_told_with_when_it_opens() -> None:
    closed = replace(diagnosis(), market="closed", price="down", state="IDLE", next_open=MONDAY + HOUR)
    assert texts(diagnosis(), closed)[1:] == [
        "sinks.redis: publishing is IDLE, was STREAM; the market is closed until 2026-01-05 11:00:00"
    ]


def test_in_an_open_market_prices_and_bars_that_stay_away_are_warned_of_until_they_come() -> None:
    late = replace(diagnosis(), price="stale", ohlcv="delayed")
    told = said(diagnosis(), late, late, diagnosis())
    assert [(each.level, each.text) for each in told[1:]] == [
        ("warning", "sinks.redis: prices are stale; bars are delayed"),
        ("info", "sinks.redis: prices come; bars come in time"),
    ]


def test_that_redis_is_lost_and_back_is_told_once_each() -> None:
    lost = replace(diagnosis(), redis="backoff", redis_backoff_seconds=2.0)
    told = said(diagnosis(), lost, replace(lost, redis_backoff_seconds=4.0), lost, diagnosis())
    assert [(each.level, each.over, each.text) for each in told[1:]] == [
        ("warning", False, "sinks.redis: Redis is not reached: final bars wait, it is tried again in 2 s"),
        ("info", True, "sinks.redis: Redis is reached again"),
    ]


def test_why_redis_is_lost_is_not_said_twice() -> None:
    lost = replace(diagnosis(), redis="backoff")
    told = texts(diagnosis(), Trouble("sinks.redis", "network", "Redis is not reached: refused", MONDAY), lost)
    assert told[1:] == [
        "sinks.redis: Redis is not reached: refused (network)",
        "sinks.redis: final bars wait, it is tried again at once",
    ]


def test_a_publisher_that_begins_is_not_amiss_before_it_reached_anything() -> None:
    [first] = said(replace(diagnosis(), state="DISCONNECTED", market="unknown", note="no source was reached yet"))
    assert (first.level, first.text) == ("info", "sinks.redis: publishing is DISCONNECTED: no source was reached yet")


def test_a_lane_that_drops_is_told_when_that_begins_and_not_while_it_goes_on() -> None:
    def lanes(dropped: int) -> Any:
        return replace(diagnosis(), lanes=(LaneReport("heartbeat", "running", 0, 200, 9, 9, 0, dropped),))

    told = texts(*map(lanes, (0, 3, 7, 9, 9, 12)))
    assert told[1:] == ["sinks.redis: lane heartbeat was full: 3 dropped"] * 2


def test_bars_on_disk_are_told_when_the_first_goes_there_and_when_the_last_is_out() -> None:
    def lanes(spilled: int) -> Any:
        return replace(diagnosis(), lanes=(LaneReport("ohlcv", "running", 0, 200, 9, 9, 0, 0, spilled=spilled),))

    assert texts(*map(lanes, (0, 2, 5, 1, 0)))[1:] == [
        "sinks.redis: lane ohlcv is full: final bars wait on disk (2)",
        "sinks.redis: lane ohlcv: all that waited on disk is published",
    ]
    [begun] = said(lanes(3))
    assert (begun.level, begun.text.split("; ")[-1]) == ("info", "lane ohlcv: final bars of before wait on disk (3)")


def test_pressure_is_told_when_it_begins_and_when_it_ends() -> None:
    told = said(*(Pressure(full, MONDAY) for full in (False, True, True, False)))
    assert [(each.level, each.over) for each in told] == [("warning", False), ("info", True)]


@pytest.mark.parametrize(
    ("targets", "until", "text"),
    [
        ((("XAUUSD", MINUTE),), MONDAY + HOUR, "only XAUUSD 1m published until 2026-01-05 11:00:00: night"),
        ((), 0, "all bars are published: night"),
        (tuple((f"P{each}", MINUTE) for each in range(10)), 0, "P7 1m and 2 more published: night"),
    ],
)
def test_who_chose_which_bars_are_published_is_told(targets: Any, until: int, text: str) -> None:
    assert texts(Universe(targets, until, "night", MONDAY))[0].endswith(text)


def test_where_the_metrics_are_is_told() -> None:
    [told] = said(Serving("metrics", "numbers for Prometheus", "http://127.0.0.1:9464/metrics", MONDAY))
    assert (told.text, told.over) == ("metrics: numbers for Prometheus at http://127.0.0.1:9464/metrics", True)
