"""An account's connection: each kind of failure leads to its own state, and nothing is asked more often than it may."""

import asyncio
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.connections.backoff import SOCKET, Backoff
from pipeline.connections.standings import GOOD, LONGEST, MOVES, STRANGE, Course, IllegalMove, Step
from pipeline.connections.troubles import CallFailed
from pipeline.errors import InputError
from pipeline.evidence import Standing, Trouble, TroubleKind, Unsent
from pipeline.times import MINUTE
from pipeline.values import Reject
from tests.scripted import BROKEN, Played, Scripted

KINDS: tuple[TroubleKind, ...] = ("auth", "throttle", "maintenance", "network", "format", "rule")


def failing(kind: TroubleKind, **changes: Any) -> CallFailed:
    return CallFailed(kind, f"a failure of kind {kind}", **changes)


# --- the table --------------------------------------------------------------------------------------------------------

Act = Callable[[Course, int], Step]


def fails(failure: CallFailed) -> Act:
    return lambda course, at: course.failed(failure, at)


def rests(failure: CallFailed) -> Act:
    return lambda course, at: course.rests(failure, at)


def begins(course: Course, _: int) -> Step:
    return course.begins()


def opened(course: Course, at: int) -> Step:
    return course.opened(at)


def refused(course: Course, _: int) -> Step:
    return course.refused("for a reason")


def resumes(course: Course, at: int) -> Step:
    return course.resumes(at)


FAILURES = st.builds(
    CallFailed, st.sampled_from(KINDS), st.just("x"), wait=st.none() | st.floats(0, 1e9), final=st.booleans()
)
ACTS: st.SearchStrategy[Act] = st.one_of(
    st.sampled_from([begins, opened, resumes, refused]), FAILURES.map(fails), FAILURES.map(rests)
)


@given(st.lists(st.tuples(ACTS, st.integers(0, 3 * MINUTE)), max_size=40))
def test_whatever_happens_only_legal_moves_are_made_and_a_refused_account_only_begins_anew(
    acts: list[tuple[Act, int]],
) -> None:
    course, at = Course(Backoff(SOCKET, "demo-1")), 0
    for act, passed in acts:
        at, before = at + passed, course.state
        try:
            step = act(course, at)
        except IllegalMove:
            assert course.state == before
            continue
        assert step.state == course.state
        assert step.state == before or step.state in MOVES[before]
        assert step.wait is None or 0 <= step.wait <= LONGEST
        if step.state == "REFUSED":
            assert step.wait is None
        if before == "REFUSED":
            assert step.state in ("REFUSED", "AUTHENTICATING")


def test_every_move_of_the_table_is_made_by_something() -> None:
    made: set[tuple[str, str]] = set()
    every = [fails(failing(kind)) for kind in KINDS]
    ways: list[list[Act]] = [[begins], [begins, opened], *([begins, each] for each in every)]
    for acts in [[*way, last] for way in ways for last in (opened, refused, *every)] + [[begins, refused, begins]]:
        course = Course(Backoff(SOCKET, "demo-1"))
        for act in acts:
            before = course.state
            act(course, 1)
            made.add((before, course.state))
    assert {(a, b) for a, b in made if a != b} == {(a, b) for a, after in MOVES.items() for b in after}


def test_strange_connections_in_a_row_end_refused_and_a_good_minute_forgives_them() -> None:
    course = Course(Backoff(SOCKET, "demo-1"))
    course.begins()
    states = [course.failed(failing("format"), 0).state for _ in range(STRANGE)]
    assert states == ["RECONNECT"] * STRANGE
    course.opened(0)
    assert course.failed(failing("format"), GOOD).state == "RECONNECT"
    for _ in range(STRANGE - 1):
        course.failed(failing("format"), GOOD)
    assert course.failed(failing("format"), GOOD).state == "REFUSED"


# --- the way of each kind of failure ----------------------------------------------------------------------------------


def test_a_connection_that_opens_is_told_from_its_first_moment_on() -> None:
    played = Played([Scripted()])
    played.play(5)
    assert [state for _, state in played.states()] == ["DISCONNECTED", "AUTHENTICATING", "CONNECTED"]
    assert played.said[0][0] == 0
    assert not played.failures


def test_a_broken_connection_is_tried_again_later_and_later() -> None:
    connector = Scripted()
    connector.opens = [BROKEN] * 9
    played = Played([connector])
    played.play(600)
    waits = [later - before for before, later in pairwise(connector.times("open"))]
    assert all(0.5 * 2**number <= wait <= 0.5 * 2**number + 0.5 for number, wait in enumerate(waits[:6]))
    assert all(29.5 <= wait <= 30.01 for wait in waits[6:])
    assert [state for _, state in played.states()] == ["DISCONNECTED", "AUTHENTICATING", "RECONNECT", "CONNECTED"]


def test_a_clock_that_is_set_back_costs_no_account_its_login() -> None:
    course, ran_out = Course(Backoff(SOCKET, "demo-1")), failing("auth")
    course.begins()
    course.opened(100 * MINUTE)
    assert course.failed(ran_out, 200 * MINUTE).state == "REAUTH"
    course.opened(200 * MINUTE)
    assert course.failed(ran_out, 150 * MINUTE).state == "REAUTH"


def test_the_wait_begins_anew_after_a_good_minute_and_not_before() -> None:
    hasty, steady = Scripted(), Scripted()
    hasty.follows = [(1.0, BROKEN)] * 8
    steady.follows = [(61.0, BROKEN)] * 8
    Played([hasty]).play(900)
    Played([steady]).play(900)
    hasty_waits = [later - before - 1 for before, later in pairwise(hasty.times("open"))]
    steady_waits = [later - before - 61 for before, later in pairwise(steady.times("open"))]
    assert hasty_waits[-1] >= 29.5
    assert all(wait <= 1 for wait in steady_waits)


def test_a_wrong_password_costs_one_attempt_until_somebody_stores_another_login() -> None:
    connector = Scripted()
    connector.opens = [failing("auth", final=True)]
    played = Played([connector])
    played.play(3600, (1800, lambda: played.logins.stamps.update({"demo-1": 2})))
    assert len(connector.times("open")) == 2
    assert 1800 <= connector.times("open")[1] <= 1806
    assert [state for _, state in played.states()][-3:] == ["REFUSED", "AUTHENTICATING", "CONNECTED"]
    refused = next(each for each in played.of(Standing) if each.state == "REFUSED")
    assert "accounts login demo-1" in refused.reason


def test_a_login_that_ran_out_is_made_anew_once() -> None:
    connector = Scripted()
    connector.follows = [(10.0, failing("auth"))]
    played = Played([connector])
    played.play(100)
    assert [state for _, state in played.states()][2:] == ["CONNECTED", "REAUTH", "CONNECTED"]
    assert connector.times("open") == [0, 10]


@pytest.mark.parametrize("accepts", [True, False], ids=["the login is taken again", "the login is refused"])
def test_a_login_that_is_turned_down_again_is_refused_and_left_alone(accepts: bool) -> None:
    """A venue may take the login and refuse all that follows: that is a loop as well."""
    connector = Scripted()
    connector.follows = [(10.0, failing("auth"))] * 50
    connector.opens = [None] * 50 if accepts else [None, *[failing("auth")] * 50]
    played = Played([connector])
    played.play(3600)
    assert len(connector.times("open")) == 2
    assert played.states()[-1][1] == "REFUSED"


def test_maintenance_is_asked_after_by_backoff_and_ends_connected() -> None:
    connector = Scripted()
    connector.opens = [failing("maintenance")] * 4
    played = Played([connector])
    played.play(60)
    assert [state for _, state in played.states()] == ["DISCONNECTED", "AUTHENTICATING", "READ_ONLY", "CONNECTED"]
    assert len(connector.times("open")) == 5


def test_who_is_told_to_wait_waits_so_long_and_no_longer_than_a_quarter_of_an_hour() -> None:
    connector = Scripted()
    connector.opens = [failing("throttle", wait=120.0), failing("throttle", wait=10**9)]
    Played([connector]).play(3600)
    first, second, third = connector.times("open")
    assert 120 <= second - first <= 121
    assert 900 <= third - second <= 901


def test_an_account_that_is_not_what_the_flow_says_is_refused_at_once() -> None:
    connector = Scripted()
    connector.opens = [CallFailed("rule", "the account is real and the flow says demo", final=True)]
    played = Played([connector])
    played.play(600)
    assert len(connector.times("open")) == 1
    assert played.states()[-1][1] == "REFUSED"


def test_no_login_stored_is_refused_with_its_sentence() -> None:
    connector = Scripted()
    connector.opens = [InputError("there is no login of demo-1; run accounts add demo-1")]
    played = Played([connector])
    played.play(600)
    assert len(connector.times("open")) == 1
    assert "accounts add demo-1" in played.of(Standing)[-1].reason


def test_a_profile_that_cannot_be_read_is_refused_and_tried_again_once_it_is_mended() -> None:
    connector = Scripted()
    connector.opens = [InputError("profiles/demo-1 may be read by others; chmod 700 it")]
    played, readable = Played([connector]), [False]

    def stamp(account: str) -> int:
        del account
        if not readable[0]:
            raise InputError("profiles/demo-1 may be read by others; chmod 700 it")
        return 1

    played.logins.stamp = stamp
    played.play(600, (300.0, lambda: readable.__setitem__(0, True)))
    assert len(connector.times("open")) == 2
    assert [state for _, state in played.states()][-3:] == ["REFUSED", "AUTHENTICATING", "CONNECTED"]


def test_while_it_is_let_go_of_a_connection_is_told_to_be_broken() -> None:
    connector = Scripted()
    connector.follows = [(1.0, BROKEN)]
    connector.closing = 3.0
    played = Played([connector])
    played.play(20, (2.0, played.send()))
    assert (1.0, "RECONNECT") in played.states()
    assert played.of(Unsent)[0].reason.startswith("demo-1 is RECONNECT")
    assert 4.5 <= connector.times("open")[1] <= 5.0


def test_a_connection_that_cannot_be_let_go_of_is_left() -> None:
    connector = Scripted()
    connector.follows = [(1.0, BROKEN)]
    connector.closing = 1e9
    played = Played([connector])

    def unheld() -> None:
        connector.closed, connector.closing = True, 0.0

    played.play(20, (5.9, unheld))
    assert played.states()[-1][1] == "CONNECTED"
    assert any("did not close" in what for _, what in played.troubles())


def test_an_opening_that_hangs_is_given_up_and_tried_again() -> None:
    connector = Scripted()
    connector.opens = [1e9]
    played = Played([connector])
    played.play(120)
    assert connector.times("open")[1] == pytest.approx(60.5, abs=0.5)
    assert played.states()[-1][1] == "CONNECTED"


def test_a_mistake_of_a_connector_refuses_its_account_and_no_other_and_tells_no_text_of_it() -> None:
    broken, well = Scripted("demo-1"), Scripted("demo-2")
    broken.follows = [(5.0, KeyError("canary"))]
    played = Played([broken, well])
    played.play(600)
    assert played.states("demo-1")[-1][1] == "REFUSED"
    assert played.states("demo-2")[-1][1] == "CONNECTED"
    assert len(broken.times("open")) == 1
    assert not played.failures
    assert "KeyError" in str(played.said)
    assert "canary" not in str(played.said)


def test_a_connection_that_is_called_off_from_within_is_made_anew() -> None:
    connector = Scripted()
    connector.follows = [(5.0, asyncio.CancelledError())]
    played = Played([connector])
    played.play(60)
    assert [state for _, state in played.states()][2:] == ["CONNECTED", "RECONNECT", "CONNECTED"]


def test_a_mistake_while_it_opens_refuses_the_account_until_another_login_is_stored() -> None:
    connector = Scripted()
    connector.opens = [KeyError("canary")]
    played = Played([connector])
    played.play(600, (300.0, lambda: played.logins.stamps.update({"demo-1": 2})))
    assert 300 <= connector.times("open")[1] <= 305
    assert [state for _, state in played.states()][-3:] == ["REFUSED", "AUTHENTICATING", "CONNECTED"]
    assert connector.closed
    assert "canary" not in str(played.said)


@pytest.mark.parametrize(
    ("act", "states"),
    [
        (failing("auth"), ["READ_ONLY", "REAUTH", "CONNECTED"]),
        (failing("network"), ["READ_ONLY", "CONNECTED"]),
        (KeyError("canary"), ["READ_ONLY", "REFUSED"]),
    ],
    ids=["auth", "network", "mistake"],
)
def test_what_a_venue_in_maintenance_answers_about_its_clock_drives_the_account_too(
    act: CallFailed | KeyError, states: list[str]
) -> None:
    connector = Scripted()
    connector.places = [failing("maintenance")]
    connector.clocks = [act]
    played = Played([connector])
    played.play(30, (1.0, played.send()))
    assert [state for _, state in played.states()][3:] == states


def test_the_same_trouble_is_told_once_a_minute_with_how_often_it_came() -> None:
    connector = Scripted()
    connector.follows = [(0.0, BROKEN)] * 200
    connector.opens = [None] * 200
    played = Played([connector])
    played.play(55)
    assert played.troubles() == [("network", str(BROKEN))]
    again = Played([connector])
    again.play(185)
    assert len(again.troubles()) == 3
    assert "more within a minute" in again.troubles()[1][1]
    assert "more within 2 minutes" in again.troubles()[2][1]


def test_of_many_different_troubles_some_are_told_and_the_others_counted() -> None:
    connector = Scripted()
    connector.places = [CallFailed("rule", f"reason {number}", fate="refused") for number in range(100)]
    played = Played([connector])
    played.play(70, *[(1 + number / 10, played.send(f"o-{number}")) for number in range(100)])
    assert len([what for _, what in played.troubles() if what.startswith("reason")]) == 30
    assert "70 other troubles within a minute are not told one by one" in [what for _, what in played.troubles()]
    assert len(played.of(Reject)) == 100


def test_what_goes_on_for_a_night_is_told_less_and_less_often_and_anew_once_it_was_quiet() -> None:
    connector = Scripted()
    connector.opens = [BROKEN] * 970
    played = Played([connector])
    played.play(10 * 3600)
    told = [at for at, each in played.said if isinstance(each, Trouble)]
    assert len(told) <= 16
    assert "60 minutes" in played.troubles()[-1][1]
    assert played.states()[-1][1] == "CONNECTED"


def test_a_venue_whose_clock_goes_faster_is_tried_again_as_its_clock_says() -> None:
    connector = Scripted()
    connector.opens = [BROKEN] * 3
    played = Played([connector], speed=60.0)
    played.play(1)
    assert played.states()[-1][1] == "CONNECTED"
    assert connector.times("open")[-1] < 0.2
