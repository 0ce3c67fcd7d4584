"""In which state publishing is, and that it follows from what was heard alone."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.publishing.silence import Ticks
from pipeline.publishing.thresholds import Thresholds
from pipeline.times import HOUR, MINUTE, SECOND
from pipeline.values import Link
from tests.pulses import FRIDAY_CLOSE, MONDAY, SATURDAY, SUNDAY_OPEN, Driven, bars, quote

# --- the four states -------------------------------------------------------------------------------------------------


def test_nothing_is_reached_before_something_came() -> None:
    driven = Driven()
    assert driven.state == "DISCONNECTED"
    assert driven.look().facts.turn.reason == "no source was reached yet"


def test_a_source_without_a_word_of_its_connection_streams_with_its_first_price() -> None:
    driven = Driven()
    assert driven.tick(seconds=1)
    assert driven.state == "STREAM"


def test_a_source_that_gives_bars_and_no_prices_streams_by_them_and_its_price_is_well() -> None:
    driven = Driven()
    driven.after(60).bar()
    picture = driven.look(seconds=59)
    assert (picture.facts.turn.state, picture.price, picture.ohlcv) == ("STREAM", "ok", "ok")
    picture = driven.look(seconds=61)
    assert (picture.facts.turn.state, picture.price, picture.ohlcv) == ("RECOVERING", "down", "delayed")
    assert picture.facts.turn.reason == "no bar came for 120 s"


def test_a_link_that_breaks_disconnects_at_once_and_recovers_until_something_new_comes() -> None:
    driven = Driven()
    driven.link(up=True)
    driven.tick(seconds=1)
    assert driven.link(up=False, seconds=0.2)
    assert driven.state == "DISCONNECTED"
    assert driven.look().facts.turn.reason == "the connection that brings EURUSD broke"
    assert driven.link(up=True, seconds=70)
    assert driven.state == "RECOVERING"
    driven.pulse.given(bars("EURUSD", MONDAY - 10 * MINUTE, count=9, fresh=0), driven.now)
    assert driven.state == "RECOVERING"
    assert driven.tick(seconds=3)
    assert driven.state == "STREAM"
    assert [(turn.state, turn.since - MONDAY) for turn in driven.pulse.taken()] == [
        ("RECOVERING", 0),
        ("STREAM", 1000),
        ("DISCONNECTED", 1200),
        ("RECOVERING", 71_200),
        ("STREAM", 74_200),
    ]
    assert driven.pulse.taken() == ()


def test_a_link_that_breaks_for_one_of_several_products_is_told_by_its_silence_alone() -> None:
    driven = Driven("EURUSD", "XAUUSD")
    driven.tick("XAUUSD")
    driven.tick("EURUSD")
    driven.pulse.linked(Link(("EURUSD",), up=False, at=driven.now), driven.now)
    assert driven.look(seconds=5).facts.turn.state == "STREAM"
    driven.pulse.linked(Link(("XAUUSD",), up=False, at=driven.now), driven.now)
    assert driven.state == "DISCONNECTED"


def test_a_login_that_is_made_anew_is_recovering_until_the_first_price_or_new_bar() -> None:
    for proof in (Driven.tick, Driven.bar):
        driven = Driven()
        driven.report(session="connecting")
        assert driven.state == "DISCONNECTED"
        driven.report(seconds=2, session="connected")
        assert driven.state == "RECOVERING"
        driven.after(60)
        proof(driven)
        assert driven.state == "STREAM"
        driven.report(seconds=1, session="reconnecting", last_error="session lost")
        assert driven.look().facts.turn[::2] == ("DISCONNECTED", "session lost")
        driven.report(seconds=5, session="connected")
        assert driven.state == "RECOVERING"
        driven.after(60)
        proof(driven)
        assert driven.state == "STREAM"


def test_prices_that_stay_away_for_a_minute_of_open_market_are_recovering_from_that_minute_on() -> None:
    driven = Driven()
    driven.tick(seconds=1)
    spoke = driven.now
    assert driven.look(seconds=59.999).facts.turn.state == "STREAM"
    picture = driven.look(seconds=30)
    assert picture.facts.turn == ("RECOVERING", spoke + MINUTE, "no price came for 60 s")
    driven.tick(seconds=1)
    assert driven.state == "STREAM"


def test_one_product_that_is_quiet_changes_nothing_while_another_speaks() -> None:
    driven = Driven("EURUSD", "USDNOK")
    driven.tick("USDNOK", seconds=1)
    for _ in range(20):
        driven.tick("EURUSD", seconds=5)
    picture = driven.look()
    assert (picture.facts.turn.state, picture.price, picture.facts.quiet) == ("STREAM", "ok", ("USDNOK",))
    assert picture.tick_silence_seconds == 0


def test_a_history_service_that_is_not_ready_says_nothing_of_the_market_or_the_connection() -> None:
    driven = Driven().ticking(30)
    driven.report(
        seconds=1,
        history_ready=False,
        backoff_seconds=30.0,
        last_error="not ready",
        last_error_at=driven.now,
        not_ready=3,
    )
    driven.ticking(11)
    picture = driven.look(seconds=11)
    assert (picture.facts.turn.state, picture.market, picture.price) == ("STREAM", "open", "ok")


def test_a_call_for_history_that_failed_disconnects_only_when_no_price_is_alive_and_a_good_one_ends_it() -> None:
    driven = Driven().ticking(5)
    driven.trouble("network", "history: no answer", seconds=0.5)
    assert driven.state == "STREAM"
    assert driven.look(seconds=9).facts.turn.state == "STREAM"
    driven.trouble("network", "history: no answer", seconds=0.1)
    assert driven.look(seconds=1).facts.turn[::2] == ("DISCONNECTED", "history: no answer")
    driven.report(seconds=1, history_calls=9)
    assert driven.state == "STREAM"
    driven.trouble("format", "a row makes no sense")
    assert driven.look(seconds=20).facts.turn.state == "STREAM"


def test_a_failure_that_prices_proved_wrong_is_not_remembered_in_the_next_silence() -> None:
    driven = Driven().ticking(5)
    driven.trouble(seconds=0.5)
    driven.ticking(2)
    assert driven.look(seconds=40).facts.turn.state == "STREAM"


def test_closed_market_is_idle_after_a_minute_of_silence_and_at_once_for_who_starts_in_it() -> None:
    driven = Driven(begins=FRIDAY_CLOSE - 10 * SECOND)
    driven.ticking(9)
    picture = driven.look(seconds=2)
    assert (picture.facts.turn.state, picture.market) == ("STREAM", "open")
    picture = driven.look(seconds=57)
    assert (picture.facts.turn.state, picture.market, picture.process) == ("STREAM", "closed", "idle")
    picture = driven.look(seconds=1)
    assert picture.facts.turn == ("IDLE", driven.now, "weekend (2d)")
    weekend = Driven(begins=SATURDAY)
    weekend.report(session="connected")
    assert weekend.state == "IDLE"


def test_a_source_that_is_not_reached_in_closed_market_is_idle_unless_it_needs_a_person() -> None:
    driven = Driven(begins=SATURDAY)
    driven.report(session="reconnecting", last_error="the host is away")
    assert driven.look().facts.turn[::2] == ("IDLE", "weekend (2d)")
    driven.report(session="off", last_error="the login was refused")
    picture = driven.look()
    assert picture.facts.turn[::2] == ("DISCONNECTED", "the login was refused")
    assert (picture.process, picture.note.text) == ("error", "FXCM off: the login was refused")


def test_the_opening_is_recovering_until_the_first_price() -> None:
    driven = Driven(begins=SUNDAY_OPEN - MINUTE)
    driven.report(session="connected")
    assert driven.state == "IDLE"
    picture = driven.look(seconds=61)
    assert (picture.market, picture.price, picture.facts.turn.state) == ("open", "down", "RECOVERING")
    assert driven.tick(seconds=2)
    picture = driven.look()
    assert (picture.market, picture.price, picture.facts.turn.state) == ("open", "ok", "STREAM")


def test_of_two_sources_one_that_is_reached_is_enough() -> None:
    driven = Driven("EURUSD", "BTCUSD")
    driven.report(session="streaming")
    driven.pulse.reported(driven.reported(whose="sources.other", session="reconnecting"), driven.now)
    driven.ticking(3)
    assert driven.state == "STREAM"
    report = driven.look().facts.report
    assert report is not None
    assert report.whose == "sources.other"


# --- thresholds ------------------------------------------------------------------------------------------------------


MOVED: dict[str, tuple[int, Callable[[Driven], bool]]] = {
    "quotes_lost": (40 * SECOND, lambda driven: driven.look(seconds=41).facts.turn.state == "RECOVERING"),
    "tick_stale": (12 * SECOND, lambda driven: driven.look(seconds=13).price == "stale"),
    "idle_after": (12 * SECOND, lambda driven: driven.look(seconds=13).process == "idle"),
    "tick_live": (2 * SECOND, lambda driven: driven.trouble(seconds=1) or driven.look(seconds=2).process == "error"),
    "bars_delayed": (2 * SECOND, lambda driven: driven.ticking(124).look().ohlcv == "delayed"),
    "bars_down": (61 * SECOND, lambda driven: driven.ticking(183).look().ohlcv == "down"),
}


@pytest.mark.parametrize("key", MOVED)
def test_each_threshold_moves_what_it_is_named_after(key: str) -> None:
    value, moved = MOVED[key]
    usual, other = Driven(), Driven(limits=Thresholds(**{key: value}))
    for driven in (usual, other):
        driven.tick()
    assert (moved(usual), moved(other)) == (False, True)


def test_the_thresholds_of_closed_market_move_idle_and_preopen() -> None:
    limits = Thresholds(closed_idle=90 * SECOND, preopen=MINUTE)
    driven = Driven(begins=FRIDAY_CLOSE - 10 * SECOND, limits=limits).ticking(5)
    assert driven.look(seconds=80).facts.turn.state == "STREAM"
    assert driven.look(seconds=10).facts.turn.state == "IDLE"
    early = Driven(begins=SUNDAY_OPEN - 2 * MINUTE), Driven(begins=SUNDAY_OPEN - 2 * MINUTE, limits=limits)
    assert [driven.look().doing for driven in early] == ["preopen", "closed"]
    assert early[1].look(seconds=60).doing == "preopen"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"tick_live": 40 * SECOND}, "do not grow"),
        ({"tick_live": 0}, "do not grow"),
        ({"quotes_lost": 20 * SECOND}, "do not grow"),
        ({"bars_delayed": 200 * SECOND}, "bars_down the longer one"),
        ({"closed_idle": 0}, "more than nothing"),
    ],
)
def test_thresholds_that_make_no_sense_are_refused_with_what_to_do(wrong: dict[str, int], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Thresholds(**wrong)


# --- a function of what came before ----------------------------------------------------------------------------------

EVENTS = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 400, 2_500, 9_999, 10_000, 31_000, 61_000, 200_000]),
        st.sampled_from(["tick", "other", "bar", "past", "up", "down", "lost", "back", "failed", "throttled"]),
        st.lists(st.integers(0, 999), max_size=3),
    ),
    max_size=25,
)


def happens(driven: Driven, what: str) -> None:
    match what:
        case "tick" | "other":
            driven.tick("EURUSD" if what == "tick" else "BTCUSD")
        case "bar" | "past":
            driven.bar(fresh=what == "bar")
        case "up" | "down":
            driven.link(what == "up")
        case "lost":
            driven.report(session="reconnecting", last_error="lost")
        case "back":
            driven.report(session="connected")
        case "failed":
            driven.trouble()
        case _:
            driven.trouble("throttle")


@settings(max_examples=30, deadline=None)
@given(EVENTS, st.sampled_from([MONDAY, SATURDAY, FRIDAY_CLOSE - 90 * SECOND, SUNDAY_OPEN - 90 * SECOND]))
def test_the_state_and_since_when_do_not_depend_on_how_often_somebody_looked(
    events: list[tuple[int, str, list[int]]], begins: int
) -> None:
    seldom, often = (Driven("EURUSD", begins=begins) for _ in range(2))
    for wait, what, looks in events:
        start = often.now
        for share in sorted(looks):
            often.now = start + wait * share // 1000
            often.look()
        often.now = start
        for driven in (seldom, often):
            driven.after(wait / SECOND)
            happens(driven, what)
    ends = [driven.after(400).look() for driven in (seldom, often)]
    assert ends[0] == ends[1]
    assert seldom.pulse.taken() == often.pulse.taken()
    assert ends[0].facts.turn == (seldom.pulse.states.now)


@settings(max_examples=30, deadline=None)
@given(EVENTS)
def test_who_looks_whenever_it_is_due_and_when_something_came_misses_no_change(
    events: list[tuple[int, str, list[int]]],
) -> None:
    driven = Driven("EURUSD")
    looked = {driven.now}
    driven.look()
    for wait, what, _ in events:
        until = driven.now + wait
        while driven.pulse.due <= until:
            driven.now = driven.pulse.due
            driven.look()
            looked.add(driven.now)
        driven.now = until
        happens(driven, what)
        looked.add(driven.now)
    assert {turn.since for turn in driven.pulse.taken()} <= looked


# --- silence ---------------------------------------------------------------------------------------------------------

PRICES = st.sampled_from([1.1, 1.2, float("nan"), float("inf"), 0.0, -1.0])
ROWS = st.lists(st.tuples(st.integers(0, 30_000), PRICES, st.booleans()), min_size=1, max_size=12)


@settings(max_examples=40, deadline=None)
@given(ROWS)
def test_one_price_at_a_time_and_a_block_of_them_leave_the_same_last_price_and_counts(
    rows: list[tuple[int, float, bool]],
) -> None:
    ordered = sorted(rows, key=lambda row: row[0])
    parts = [quote("EURUSD", MONDAY + at, price) for at, price, _ in ordered]
    one, many = Ticks(10 * SECOND), Ticks(10 * SECOND)
    for part in parts:
        one.heard(part)
    columns = ([getattr(part, name)[0] for part in parts] for name in ("ts", "received", "bid", "ask"))
    many.heard(type(parts[0])("EURUSD", *(np.array(column) for column in columns)))
    assert one.of("EURUSD") == many.of("EURUSD")
    assert (one.errors, one.at, one.heard_at) == (many.errors, many.at, many.heard_at)


def test_a_stamp_of_the_future_counts_as_heard_now_and_an_old_one_as_old() -> None:
    ticks = Ticks(10 * SECOND)
    ticks.heard(quote("EURUSD", MONDAY + 9000, received=MONDAY))
    assert ticks.silence(MONDAY) == 0
    friday = Driven(begins=SATURDAY)
    friday.pulse.quotes(quote("EURUSD", FRIDAY_CLOSE - SECOND, received=SATURDAY), SATURDAY)
    assert friday.look().market == "closed"


def test_a_price_older_than_the_last_of_its_product_is_counted_and_passed_over() -> None:
    ticks = Ticks(10 * SECOND)
    ticks.heard(quote("EURUSD", MONDAY, 1.2))
    assert not ticks.heard(quote("EURUSD", MONDAY - 1, 1.3))
    assert ticks.late == 1
    tick = ticks.of("EURUSD")
    assert tick is not None
    assert tick.bid == 1.2


@pytest.mark.parametrize("stamped", [0, -HOUR])
def test_after_the_clock_was_set_back_prices_are_taken_as_they_come(stamped: int) -> None:
    """By an hour; whether the venue's stamps stay right or it is the venue's clock that was wrong as well."""
    ticks = Ticks(10 * SECOND)
    ticks.heard(quote("EURUSD", MONDAY, 1.1))
    back = MONDAY - HOUR + SECOND
    ticks.heard(quote("EURUSD", MONDAY + SECOND + stamped, 1.2, back))
    tick = ticks.of("EURUSD")
    assert tick is not None
    assert (tick.bid, tick.at, ticks.late) == (1.2, back, 0)
    assert ticks.silence(back + MINUTE) == MINUTE


def test_prices_that_were_held_back_are_no_clock_that_was_set_back() -> None:
    ticks = Ticks(10 * SECOND)
    ticks.heard(quote("EURUSD", MONDAY + MINUTE))
    ticks.heard(quote("XAUUSD", MONDAY))
    assert ticks.silence(MONDAY + MINUTE) == 0
    ticks.heard(quote("EURUSD", MONDAY, received=MONDAY + MINUTE))
    assert ticks.late == 1
