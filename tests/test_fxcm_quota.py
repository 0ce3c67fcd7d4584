"""How many calls for history are made, and when a login is tried in a closed market."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.connections.backoff import Backoff, Profile, feed
from pipeline.connections.troubles import CallFailed
from pipeline.fxcm.polling import Setback
from pipeline.fxcm.probe import FAR, NEAR, next_try
from pipeline.fxcm.quota import Allowance, Calls, Denied
from pipeline.times import HOUR, MINUTE, SECOND
from tests.support import MONDAY

M1, M5 = MINUTE, 5 * MINUTE
NETWORK = CallFailed("network", "it was not reached")


def asked(calls: Calls, *moments: int, product: str = "EURUSD", tf: int = M1) -> list[Denied | None]:
    return [calls.ask(MONDAY + at, product, tf) for at in moments]


def test_d17_the_third_call_of_a_minute_waits_until_the_first_is_a_minute_old() -> None:
    calls = Calls(Allowance(per_minute=2, spacing={}, reserve=1.0))
    assert asked(calls, 0, 10 * SECOND) == [None, None]
    (denied,) = asked(calls, 15 * SECOND)
    assert denied == Denied("minute_quota", 45.0)
    report = calls.report(MONDAY + 15 * SECOND)
    assert (report.state, report.reason, report.throttled) == ("critical", "minute_quota", True)
    assert (report.minute, report.next_slot_seconds) == (2, 45.0)
    assert asked(calls, 60 * SECOND) == [None]


def test_d17_an_hour_has_its_own_limit() -> None:
    calls = Calls(Allowance(per_minute=60, per_hour=2, spacing={}, reserve=1.0))
    assert asked(calls, 0, 10 * MINUTE) == [None, None]
    assert asked(calls, 20 * MINUTE) == [Denied("hour_quota", 40 * 60.0)]
    assert asked(calls, HOUR) == [None]


def test_d17_one_stream_is_spaced_only_above_the_load_and_that_is_no_lack_of_calls() -> None:
    calls = Calls(Allowance(per_minute=10, load=0.45, spacing={M1: 5 * SECOND}))
    assert asked(calls, 0, 1, 2, 3, 4) == [None] * 5, "below the load nothing is spaced"
    assert asked(calls, 1_004) == [Denied("min_interval", 4.0)]
    assert calls.state(MONDAY + 1_004) == "ok"
    assert asked(calls, 1_005, product="BTCUSD") == [None], "another stream is another matter"
    assert asked(calls, 5_004) == [None]


def test_d17_thresholds_are_configurable() -> None:
    strict, loose = (Calls(Allowance(per_minute=10, warn=warn, reserve=1.0, critical=0.9)) for warn in (0.2, 0.8))
    for calls in (strict, loose):
        assert asked(calls, 0, 0, 0, tf=M5) == [None] * 3
    assert (strict.state(MONDAY), loose.state(MONDAY)) == ("warn", "ok")
    early = Calls(Allowance(per_minute=10, reserve=1.0, critical=0.3, spacing={}))
    asked(early, 0, 0, 0)
    assert early.state(MONDAY) == "critical"
    dense = Calls(Allowance(per_minute=10, load=0.1, spacing={M1: 5 * SECOND}))
    assert [each and each.reason for each in asked(dense, 0, 1)] == [None, "min_interval"]


def test_d17_products_with_priority_use_what_is_kept_for_them_and_are_not_spaced() -> None:
    calls = Calls(Allowance(per_minute=10, reserve=0.7, first={"XAUUSD"}, spacing={M1: 5 * SECOND}))
    assert asked(calls, *range(7), product="XAUUSD") == [None] * 7, "it is asked for within its spacing"
    (denied,) = asked(calls, 10, product="EURUSD")
    assert denied is not None
    assert denied.reason == "priority_reserve"
    assert denied.wait_seconds == pytest.approx(59.99)
    assert asked(calls, 11, 12, 13, product="XAUUSD") == [None] * 3
    assert [each and each.reason for each in asked(calls, 14, product="XAUUSD")] == ["minute_quota"], "nobody has more"


def test_d17_one_timeframe_of_a_product_can_have_priority() -> None:
    calls = Calls(Allowance(per_minute=10, reserve=0.0, first={"XAUUSD:1m"}))
    assert asked(calls, 0, product="XAUUSD", tf=M1) == [None]
    assert [each and each.reason for each in asked(calls, 1, product="XAUUSD", tf=M5)] == ["priority_reserve"]


def test_d17_a_recent_refusal_makes_calls_count_as_scarce_for_a_minute() -> None:
    calls = Calls(Allowance(per_minute=100, per_hour=10, reserve=0.1, warn=0.9, critical=0.95, spacing={}))
    assert asked(calls, 0) == [None]
    assert calls.state(MONDAY) == "ok"
    asked(calls, 1_000)
    assert calls.state(MONDAY + 1_000) == "reserve"
    assert calls.report(MONDAY + 60_999).throttled
    assert calls.state(MONDAY + 61_000) == "ok"
    assert not calls.report(MONDAY + 61_000).throttled


def test_d17_what_was_left_out_is_counted_by_product_and_timeframe() -> None:
    calls = Calls(Allowance(per_minute=1, reserve=1.0))
    asked(calls, 0, 1, 2)
    asked(calls, 3, product="XAUUSD", tf=M5)
    report = calls.report(MONDAY + 3)
    assert report.skipped == {"EURUSD:1m": 2, "XAUUSD:5m": 1}
    assert report.throttled_total == 3


@given(st.lists(st.integers(0, 20_000), max_size=60), st.integers(1, 8), st.integers(8, 20))
@settings(max_examples=60, deadline=None)
def test_no_minute_and_no_hour_ever_has_more_calls_than_it_may(gaps: list[int], minute: int, hour: int) -> None:
    calls = Calls(Allowance(per_minute=minute, per_hour=hour, reserve=1.0))
    now, made = MONDAY, list[int]()
    for gap in gaps:
        now += gap
        denied = calls.ask(now, "EURUSD", M1)
        if denied is None:
            made.append(now)
        else:
            assert denied.wait_seconds > 0
        for span, most in ((MINUTE, minute), (HOUR, hour)):
            assert sum(at > now - span for at in made) <= most


def test_a_call_may_be_made_when_the_refusal_said_it_may() -> None:
    calls = Calls(Allowance(per_minute=3, reserve=1.0, spacing={}))
    asked(calls, 0, 500, 900)
    (denied,) = asked(calls, 7_000)
    assert denied is not None
    assert asked(calls, 7_000 + round(denied.wait_seconds * SECOND)) == [None]


def test_a_clock_that_is_set_back_takes_the_calls_with_it() -> None:
    calls = Calls(Allowance(per_minute=2, reserve=1.0, spacing={}))
    asked(calls, HOUR, HOUR)
    (denied,) = asked(calls, 0)
    assert denied == Denied("minute_quota", 60.0), "not an hour"
    assert asked(calls, MINUTE) == [None]


def test_d06_a_backoff_counts_down_grows_to_its_cap_and_is_over_with_a_success() -> None:
    setback = Setback(Backoff(Profile(2.0, factor=1.5, cap=5.0, jitter=0.0), "fxcm"))
    setback.failed(MONDAY, NETWORK)
    assert [setback.remaining(MONDAY + at) for at in (0, 500, 1_999, 2_000)] == [2.0, 1.5, 0.001, 0.0]
    waits = list[float]()
    for _ in range(3):
        setback.failed(MONDAY, NETWORK)
        waits.append(setback.remaining(MONDAY))
    assert waits == [3.0, 4.5, 5.0]
    setback.good()
    assert setback.remaining(MONDAY) == 0
    setback.failed(MONDAY, NETWORK)
    assert setback.remaining(MONDAY) == 2.0


def test_d42_a_backoff_begins_with_a_poll_but_never_below_five_seconds() -> None:
    assert [feed(each).base for each in (-3.0, 0.0, 2.0, 7.5)] == [5.0, 5.0, 5.0, 7.5]
    assert feed(2.0).factor >= 1
    backoff = Backoff(feed(20.0), "fxcm")
    assert max(backoff.failed() or 0.0 for _ in range(12)) <= 300.0


def test_a_venue_that_says_how_long_to_wait_is_waited_for() -> None:
    setback = Setback(Backoff(feed(5), "fxcm"))
    setback.failed(MONDAY, CallFailed("throttle", "too much", wait=90.0))
    assert setback.remaining(MONDAY) == 90.0


def test_d40_far_from_the_open_a_login_is_tried_every_fifteen_minutes() -> None:
    for left in (2 * HOUR, 48 * HOUR, FAR + 1):
        assert next_try(MONDAY, MONDAY + left) - MONDAY >= 15 * MINUTE
    assert next_try(MONDAY, None) - MONDAY >= 15 * MINUTE


def test_d40_near_the_open_it_is_tried_every_one_to_ten_seconds() -> None:
    for left in range(2 * SECOND, MINUTE, SECOND):
        assert SECOND <= next_try(MONDAY, MONDAY + left) - MONDAY <= NEAR


@given(st.integers(1, 3 * 24 * HOUR))
@settings(max_examples=100, deadline=None)
def test_d40_a_try_is_never_past_the_open_and_the_open_is_reached(left: int) -> None:
    opens, now, tries = MONDAY + left, MONDAY, 0
    while now < opens:
        at = next_try(now, opens)
        assert now < at <= opens
        now, tries = at, tries + 1
    assert now == opens
    assert tries <= left // FAR + 60
    assert next_try(opens, opens) == opens + SECOND
