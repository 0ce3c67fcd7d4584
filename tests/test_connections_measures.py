"""How long to wait, how far clocks are apart, and what calls cost: the small measures that connections share."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.connections.backoff import FEED, HTTP, REDIS, SOCKET, WORKER, Backoff, Profile, feed, worker
from pipeline.connections.counts import Counts
from pipeline.connections.offset import Offset
from pipeline.times import HOUR, MINUTE

PROFILES = (HTTP, SOCKET, REDIS, FEED, WORKER, feed(1.0), feed(60.0), feed(900.0), worker(2.0, 5))


@given(st.sampled_from(PROFILES), st.text(max_size=8), st.integers(1, 200))
def test_each_wait_is_longer_by_the_factor_with_something_added_and_never_beyond_the_cap(
    profile: Profile, name: str, failures: int
) -> None:
    backoff = Backoff(profile, name)
    for number in range(failures):
        bare = profile.base * profile.factor ** min(number, 60)
        wait = backoff.failed()
        if profile.tries is not None and number >= profile.tries:
            assert wait is None
        else:
            assert wait is not None
            assert wait <= profile.cap
            assert min(bare, profile.cap - profile.jitter, profile.cap) <= wait or wait == profile.cap
            assert wait <= bare + profile.jitter


def test_the_profiles_are_those_that_are_written_down() -> None:
    assert (HTTP.base, HTTP.factor, HTTP.tries, HTTP.jitter) == (0.25, 2.0, 5, 0.1)
    assert (SOCKET.base, SOCKET.cap, REDIS.base, REDIS.cap) == (0.5, 30.0, 1.0, 60.0)
    assert [feed(poll).base for poll in (1.0, 60.0)] == [5.0, 60.0]
    assert [feed(poll).cap for poll in (1.0, 900.0)] == [300.0, 900.0]


def test_what_works_again_begins_anew_and_what_may_be_tried_no_more_says_so() -> None:
    backoff = Backoff(HTTP, "candles")
    assert backoff.remaining == 5
    for _ in range(4):
        backoff.failed()
    assert backoff.remaining == 1
    backoff.good()
    wait = backoff.failed()
    assert wait is not None
    assert 0.25 <= wait <= 0.35
    assert Backoff(SOCKET, "x").remaining is None


def test_two_names_wait_differently_and_one_name_always_the_same() -> None:
    first, again, other = (Backoff(SOCKET, name) for name in ("demo-1", "demo-1", "demo-2"))
    waits = [[each.failed() for _ in range(9)] for each in (first, again, other)]
    assert waits[0] == waits[1] != waits[2]
    assert all(one != two for one, two in zip(waits[0], waits[2], strict=True))


@given(
    st.integers(-HOUR, HOUR),
    st.lists(st.tuples(st.integers(0, 2000), st.floats(0, 1)), min_size=1, max_size=30),
)
def test_the_offset_is_within_its_doubt_of_the_truth(truth: int, probes: list[tuple[int, float]]) -> None:
    """However the way there and back share the time: the least doubtful looks bound it."""
    offset, now = Offset(), 10_000_000
    assert (offset.known, offset.ms) == (False, 0)
    for trip, there in probes:
        offset.asked(now + round(trip * there) + truth, now, now + trip)
        now += trip + 1000
    assert offset.known
    assert abs(offset.ms - truth) <= 2 * offset.doubt + 2
    assert not offset.apart(abs(truth) + offset.doubt + 2)


def test_a_clock_that_was_set_is_known_by_the_next_look() -> None:
    offset = Offset()
    for n in range(9):
        offset.asked(1000 * n + 110, 1000 * n, 1000 * n + 20)
    offset.asked(13_610, 10_000, 10_020)
    assert offset.ms == 3600
    assert offset.apart(500)
    offset.asked(11_110, 11_000, 11_020)
    assert not offset.apart(500)


def test_one_slow_answer_does_not_move_the_offset() -> None:
    offset = Offset()
    for n in range(8):
        offset.asked(1000 * n + 110, 1000 * n, 1000 * n + 20)
    offset.asked(12_900, 9000, 13_000)
    assert offset.ms == 100
    offset.asked(99_999, 10_000, 16_000)
    assert offset.ms == 100


def test_clocks_are_apart_only_when_that_is_certain() -> None:
    offset = Offset()
    offset.asked(1_700, 1000, 1020)
    assert offset.ms == 690
    assert offset.apart(500)
    assert not offset.apart(700)
    dated = Offset()
    dated.dated(2_000, 1000, 1020)
    assert (dated.ms, dated.doubt) == (1490, 510)
    assert not dated.apart(1000)
    assert dated.apart(900)


def test_clocks_that_come_apart_are_told_once_and_again_only_after_they_agreed() -> None:
    offset, told = Offset(probes=1), list[bool]()
    for ahead in (0, 900, 950, 0, 10, -900):
        offset.asked(1000 + ahead, 990, 1010)
        told.append(offset.parted(500))
    assert told == [False, True, False, False, False, True]


def test_a_clock_that_was_set_is_known_after_half_of_the_looks() -> None:
    offset = Offset(probes=9)
    for n in range(9):
        offset.asked(n * 1000 + 10, n * 1000, n * 1000 + 20)
    for n in range(9, 14):
        offset.asked(n * 1000 + 5010, n * 1000, n * 1000 + 20)
    assert offset.ms == 5000


def test_calls_are_counted_by_minute_and_kind_with_their_failures_and_durations() -> None:
    now = [10 * MINUTE]
    counts = Counts(lambda: now[0])
    for n in range(100):
        counts.add("quote", n + 1.0, "network" if n < 2 else None)
    now[0] += MINUTE
    counts.add("quote", 5.0, "throttle")
    counts.add("buy", 20.0)
    assert [(row.call, row.minute // MINUTE, row.calls) for row in counts.rows()] == [
        ("quote", 10, 100),
        ("quote", 11, 1),
        ("buy", 11, 1),
    ]
    buy, quote = counts.totals()
    assert (buy.calls, quote.calls, quote.failures) == (1, 101, {"network": 2, "throttle": 1})
    assert quote.mean_ms == pytest.approx(5055 / 101)
    assert quote.p95_ms == pytest.approx(95, rel=0.06)
    assert counts.lines()[0].startswith("buy: 1 call, mean 20 ms, p95 2")
    assert counts.lines()[1].startswith("quote: 101 calls, 3 failed (2 network, 1 throttle), mean 50 ms, p95 9")


def test_only_the_last_hour_is_kept() -> None:
    now = [0]
    counts = Counts(lambda: now[0])
    for minute in range(100):
        now[0] = minute * MINUTE
        counts.add("quote", 1.0)
    assert [row.minute // MINUTE for row in counts.rows()] == list(range(40, 100))
