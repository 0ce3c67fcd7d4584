"""How often history is looked for, by how long no price has come."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.fxcm.cadence import Cadence, Rhythm, rest
from pipeline.times import MINUTE

M1, M5 = MINUTE, 5 * MINUTE


def cadence(rhythm: Rhythm | None = None) -> Cadence:
    return Cadence((M5, M1), rhythm or Rhythm(poll=4.0))


def at(silence: float | None, *, is_open: bool = True, rhythm: Rhythm | None = None) -> tuple[float, float]:
    made = cadence(rhythm)
    made.judge(silence, is_open=is_open)
    return made.seconds(M1), made.seconds(M5)


def test_d13_while_prices_come_it_looks_as_often_as_it_is_told_to() -> None:
    assert at(0) == at(30) == (4.0, 4.0)


def test_d13_the_longer_timeframe_is_stretched_first_and_the_shortest_last() -> None:
    found = [at(silence) for silence in (31, 53, 76, 98, 120)]
    assert found == [(4.0, 7.0), (4.0, 10.0), (7.0, 10.0), (10.0, 10.0), (10.0, 10.0)]


def test_d13_a_pace_stays_within_its_bounds() -> None:
    assert at(0, rhythm=Rhythm(poll=0.5)) == (2.0, 2.0)
    assert at(500, rhythm=Rhythm(poll=15.0)) == (20.0, 20.0)
    assert at(500, rhythm=Rhythm(poll=15.0, most=30.0)) == (30.0, 30.0)
    assert at(0, rhythm=Rhythm(poll=1.0, least=0.5)) == (1.0, 1.0)


@given(st.floats(0.1, 60), st.floats(0, 1000))
@settings(max_examples=60, deadline=None)
def test_d13_no_silence_makes_a_pace_shorter_and_none_leaves_the_bounds(poll: float, silence: float) -> None:
    now, later = (at(each, rhythm=Rhythm(poll=poll)) for each in (silence, silence + 10))
    assert all(2.0 <= first <= second <= 20.0 for first, second in zip(now, later, strict=True))
    assert now[0] <= now[1], "the shortest is never stretched more than the longer"


def test_d13_in_a_closed_market_without_prices_nothing_is_asked_for_until_they_return() -> None:
    made = cadence()
    made.judge(119, is_open=False)
    assert not made.paused, "the last bars before the close are waited for"
    made.judge(120, is_open=False)
    assert made.paused
    made.judge(0, is_open=False)
    assert not made.paused, "prices outside the calendar's hours count"
    assert made.seconds(M1) == 4.0


def test_a_silent_open_market_is_looked_at_less_often_but_never_left_alone() -> None:
    made = cadence()
    made.judge(10_000, is_open=True)
    assert made.idle
    assert not made.paused


def test_d14_prices_that_are_idle_lengthen_the_wait_and_prices_that_are_back_shorten_it() -> None:
    made = cadence()
    made.judge(300, is_open=True)
    long = made.seconds(M1)
    made.judge(0, is_open=True)
    assert made.seconds(M1) < long


def test_every_change_is_a_sentence_and_stands_in_the_pace() -> None:
    made = cadence()
    assert made.judge(1, is_open=True) == (
        "1m history is looked for every 4 s: prices come",
        "5m history is looked for every 4 s: prices come",
    )
    assert made.judge(2, is_open=True) == ()
    assert made.judge(40, is_open=True) == ("5m history is looked for every 7 s: no price came for 30 s",)
    made.due(M1, 17)
    assert made.pace["1m"].next_at == 17
    assert (made.pace["5m"].seconds, made.pace["5m"].reason) == (7.0, "no price came for 30 s")
    made.judge(None, is_open=False)
    assert made.pace["1m"].next_at == 0
    assert made.pace["1m"].reason == "the market is closed and no price comes"


def test_when_prices_count_as_live_and_as_idle_is_configurable() -> None:
    quick = Rhythm(poll=4.0, live=2.0, idle=6.0)
    assert at(2, rhythm=quick) == (4.0, 4.0)
    assert at(6, rhythm=quick) == (10.0, 10.0)
    assert at(6, rhythm=Rhythm(poll=4.0, live=2.0, idle=6.0, stretch=1.5)) == (6.0, 6.0)


def test_one_timeframe_alone_is_the_shortest() -> None:
    made = Cadence((M5,), Rhythm(poll=4.0))
    made.judge(40, is_open=True)
    assert made.seconds(M5) == 4.0


@pytest.mark.parametrize("wanted", [None, 0, -5, 1.5])
def test_d32_the_rest_of_an_idle_source_is_never_below_a_poll(wanted: float | None) -> None:
    assert rest(4.0, wanted) == 4.0
    assert rest(4.0, 30.0) == 30.0
