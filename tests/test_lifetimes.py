"""The life of a key: what starts, stops and pauses it, and that nothing of one key befalls another."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.risk.guard import Guard
from operators.risk.lifetimes import Patience
from operators.risk.terms import Errors
from pipeline.evidence import Standing
from pipeline.lifecycle import MOVES, IllegalMove, deciding, in_force, moved
from pipeline.times import HOUR, MINUTE, SECOND
from pipeline.values import Approved, Decisions, Held, Key, Life, LifeState, Order, Past, Scope, Signals, Switched
from tests.driven import Given
from tests.guarded import PAYS, TRADED, given_by, guard, payouts, words
from tests.support import MONDAY, order, signals, signals_of

KEY = Key("demo-1", "EURUSD", MINUTE)
GOLD = payouts((0, 0.9), product="XAUUSD")
Entry = tuple[int, Any]


def lives(given: Given, key: Key = KEY) -> list[tuple[int, str]]:
    """When a key became what, in minutes after Monday ten o'clock."""
    told = [(each.at, each.state) for _, each in given if isinstance(each, Life) and each.key == key]
    changes = [each for number, each in enumerate(told) if not number or each[1] != told[number - 1][1]]
    return [((at - MONDAY) // SECOND, state) for at, state in changes]


def last(given: Given, key: Key = KEY) -> Life:
    return [each for _, each in given if isinstance(each, Life) and each.key == key][-1]


def bar(number: int, *, fault: str = "", product: str = "EURUSD", direction: int = 1) -> Entry:
    made = signals(bar=MONDAY + number * MINUTE, product=product, direction=direction)
    return int(made.final_at[0]), replace(made, fault=fault) if fault else made


def failed(*numbers: int, product: str = "EURUSD") -> list[Entry]:
    return [bar(number, fault="trend: ValueError", product=product) for number in numbers]


def switched(seconds: float, *scope: Any, on: bool = False, only: bool = False) -> Entry:
    at = MONDAY + round(seconds * SECOND)
    return at, Switched(Scope(*scope), on, at, "by hand", "stop", only)


def became(state: str, number: int, **changes: Any) -> Order:
    """What became of the order of a bar two seconds after it was decided."""
    facts = {"bar": MONDAY + number * MINUTE, "at": MONDAY + (number + 1) * MINUTE + 2 * SECOND}
    name = f"demo-1:EURUSD:1m:{facts['bar']}"
    return order(state, order=name, **(facts | changes))


def heard(state: str, number: int, **changes: Any) -> Entry:
    made = became(state, number, **changes)
    return made.at, made


def refused(*numbers: int) -> list[Entry]:
    return [heard("ABORT", number, cause="rejected", reason="no") for number in numbers]


# --- a key begins ----------------------------------------------------------------------------------------------------


def test_a_key_runs_from_its_first_ready_bar_on_and_that_bar_is_traded() -> None:
    made = signals()
    unready = replace(made, columns=replace(made.columns, ready=~made.columns.ready))
    given = given_by(guard(), (int(made.final_at[0]), unready), bar(1))
    assert words(given) == ["ready", TRADED]
    assert lives(given) == [(120, "RUNNING")]


def test_a_key_of_an_account_with_a_connection_runs_once_that_is_there() -> None:
    part = guard(connected=frozenset({"demo-1"}))
    connected = Standing("demo-1", "CONNECTED", MONDAY + 90 * SECOND)
    given = given_by(part, bar(0), (connected.at, connected), bar(1))
    assert words(given) == ["connection", TRADED]
    assert lives(given) == [(90, "RUNNING")]


def test_at_a_start_every_key_of_the_flow_says_what_it_is() -> None:
    part = guard(products=("EURUSD", "XAUUSD"), slots=(MINUTE,))
    past = Past((), {}, switched=(switched(-60, "", "XAUUSD")[1],))
    given = given_by(part, (MONDAY, past))
    assert {each.key: each.state for _, each in given} == {KEY: "INIT", KEY._replace(product="XAUUSD"): "STOPPED"}


# --- switches --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scope", "holds"),
    [
        ((), True),
        (("demo-1",), True),
        (("", "EURUSD"), True),
        (("", "", MINUTE), True),
        (("demo-1", "EURUSD", MINUTE), True),
        (("demo-2",), False),
        (("", "XAUUSD"), False),
        (("", "", 5 * MINUTE), False),
    ],
)
def test_a_stop_is_of_an_account_a_product_a_timeframe_or_of_all(scope: tuple[Any, ...], holds: bool) -> None:
    given = given_by(guard(), bar(0, direction=0), switched(70, *scope), bar(1))
    assert words(given) == ["vote", "stopped" if holds else TRADED]


def test_a_stopped_key_has_a_row_for_each_bar_which_says_why_and_trades_again_when_it_is_started() -> None:
    given = given_by(guard(), switched(0), bar(0), bar(1), switched(125, on=True), bar(2))
    assert words(given) == ["stopped", "stopped", TRADED]
    row = next(each for _, each in given if isinstance(each, Decisions))
    (gate,) = [each for each in row.explained[0] if each.gate == "stopped"]
    assert gate.word == "STOPPED: by hand (stop)"
    assert [state for _, state in lives(given)] == ["RUNNING"]


def test_what_is_open_runs_to_its_end_and_the_key_is_stopping_until_then() -> None:
    settled = heard("SETTLED", 0, at=MONDAY + 121 * SECOND, result="win", profit="0.90")
    given = given_by(guard(), bar(0), heard("CONFIRM", 0), switched(70), settled)
    assert lives(given) == [(60, "RUNNING"), (70, "STOPPING"), (121, "STOPPED")]


def test_the_newest_that_says_something_of_a_key_decides() -> None:
    says = [switched(1), switched(2, "", "EURUSD", on=True), switched(3, "demo-2")]
    in_order = in_force(each for _, each in says)
    newest = deciding(in_order, KEY)
    assert newest is not None
    assert newest.says(KEY) is True
    assert deciding(in_order, KEY._replace(account="demo-2")) == says[2][1]
    assert in_force((*in_order, switched(4, on=True)[1])) == (switched(4, on=True)[1],)


def test_with_only_some_keys_are_started_and_all_others_stopped() -> None:
    only = switched(1, "", "EURUSD", MINUTE, on=True, only=True)
    given = given_by(guard(), GOLD, only, bar(0), bar(0, product="XAUUSD"))
    assert words(given) == [TRADED, "stopped"]


@given(
    st.lists(st.tuples(*(st.sampled_from(each) for each in (("", "a"), ("", "p", "q"), (0, 1)))), max_size=8), st.data()
)
def test_what_is_left_in_force_decides_as_all_that_was_switched_does(
    scopes: list[tuple[str, str, int]], data: st.DataObject
) -> None:
    every = [
        Switched(Scope(*each), data.draw(st.booleans()), number, "", "", data.draw(st.booleans()))
        for number, each in enumerate(scopes)
    ]
    for key in (Key(a, p, t) for a in ("a", "b") for p in ("p", "q") for t in (1, 2)):
        assert deciding(in_force(every), key) == deciding(every, key)


def test_keys_that_a_change_waits_for_trade_nothing_new_and_begin_anew_after_it() -> None:
    waits = Held(Scope("", "EURUSD"), True, MONDAY + 70 * SECOND, "a change of the flow waits for an order")
    done = Held(Scope("", "EURUSD"), False, MONDAY + 130 * SECOND, "")
    given = given_by(guard(), bar(0, direction=0), (waits.at, waits), bar(1), (done.at, done), bar(2))
    assert words(given) == ["vote", "stopped", TRADED]
    assert lives(given) == [(60, "RUNNING"), (70, "RELOAD"), (130, "INIT"), (180, "RUNNING")]


# --- errors in a row -------------------------------------------------------------------------------------------------


def test_three_bars_that_fail_in_a_row_pause_a_key_and_it_goes_on_by_itself() -> None:
    given = given_by(guard(), *failed(0, 1, 2), bar(3))
    assert words(given) == ["fault", "fault", "fault", TRADED]
    assert lives(given) == [(60, "RUNNING"), (180, "PAUSED"), (210, "RUNNING")]
    assert last(given).errors == 0


def test_a_bar_that_does_not_fail_ends_the_row() -> None:
    given = given_by(guard(), *failed(0, 1), bar(2, direction=0), *failed(3, 4))
    assert "PAUSED" not in [state for _, state in lives(given)]


@pytest.mark.parametrize(("errors", "lasts"), [(3, 30), (4, 60), (5, 120), (9, 1920), (10, 3600), (5000, 3600)])
def test_each_further_error_in_a_row_doubles_the_pause_up_to_the_longest(errors: int, lasts: int) -> None:
    assert Errors().patience == Patience(3, 30 * SECOND, HOUR)
    assert Errors().patience.lasts(errors) == lasts * SECOND


def test_while_it_pauses_its_bars_are_not_traded_and_do_not_count() -> None:
    part = guard(errors=Errors(most=1, rest="3m"))
    given = given_by(part, *failed(0), bar(1), *failed(2), bar(3), bar(4))
    assert words(given) == ["fault", "stopped", "fault", TRADED, "open"]
    assert lives(given) == [(60, "PAUSED"), (240, "RUNNING")]


def test_orders_that_the_venue_refuses_count_whatever_bars_come_between() -> None:
    quiet = [bar(number, direction=0) for number in (1, 3)]
    given = given_by(guard(), bar(0), bar(2), bar(4), *quiet, *refused(0, 2, 4), bar(5))
    assert lives(given) == [(60, "RUNNING"), (302, "PAUSED"), (332, "RUNNING")]
    assert last(given).errors == 3
    assert last(given).orders == 3


def test_an_order_that_is_taken_ends_the_row_and_one_that_never_left_is_no_error() -> None:
    unsent = [heard("ABORT", number, cause="not_sent", reason="no time left") for number in (0, 2, 4)]
    assert lives(given_by(guard(), bar(0), bar(2), bar(4), *unsent)) == [(60, "RUNNING")]
    taken = heard("SETTLED", 2, result="win", profit="0.90")
    given = given_by(guard(), *(bar(n) for n in (0, 1, 2, 3, 4)), *refused(0, 1, 3, 4), taken)
    assert "PAUSED" not in [state for _, state in lives(given)]


def test_an_order_of_unknown_outcome_counts_once() -> None:
    part = guard(errors=Errors(most=2))
    same = [heard("UNKNOWN", 0, at=MONDAY + 70 * SECOND), heard("UNKNOWN", 0, at=MONDAY + 80 * SECOND)]
    absent = heard("ABORT", 0, at=MONDAY + 90 * SECOND, cause="rejected")
    given = given_by(part, bar(0), *same, absent)
    assert last(given).errors == 1


def test_the_errors_of_one_key_pause_no_other() -> None:
    part = guard(accounts=("demo-1", "demo-2"), errors=Errors(most=1))
    given = given_by(part, GOLD, bar(0), *refused(0), *failed(0, product="XAUUSD"), bar(1))
    assert [state for _, state in lives(given)] == ["RUNNING", "PAUSED", "RUNNING"]
    assert lives(given, KEY._replace(account="demo-2")) == [(60, "RUNNING")]
    assert words(given, "demo-2")[0] == TRADED


def test_a_start_goes_on_with_the_pause_and_the_count_of_the_life_before() -> None:
    paused = Life(*KEY, "PAUSED", MONDAY - MINUTE, "3 errors in a row", 3, MONDAY + 90 * SECOND, 3)
    given = given_by(guard(), (MONDAY, Past((), {}, lives=(paused,))), bar(0), bar(1), *refused(1))
    assert words(given) == ["stopped", TRADED]
    assert lives(given) == [(0, "PAUSED"), (90, "RUNNING"), (122, "PAUSED"), (182, "RUNNING")]


def test_a_block_of_bars_lives_as_single_bars_do() -> None:
    def played(entries: Iterable[Entry]) -> list[tuple[int, str]]:
        return lives(given_by(guard(), *entries, *refused(0), switched(130), switched(190, on=True)))

    single = [bar(number) for number in range(12)]
    made = [each for _, each in single if isinstance(each, Signals)]
    bars = np.array([int(each.open_ts[0]) for each in made])
    block = signals_of(bars, bars + MINUTE)
    assert played(single) == played([(MONDAY, block)])


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"rest": "2h"}, "rest 2h is more than longest 1h; write a shorter rest"),
        ({"rest": "a while"}, "rest 'a while'"),
        ({"longest": "2d"}, "longest 2d is no time of up to a day"),
    ],
)
def test_a_pause_that_is_none_is_refused(keys: dict[str, str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Errors(**keys)  # pyright: ignore[reportArgumentType]  # what a file could say


# --- the table of moves ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("was", "to"), [("RUNNING", "INIT"), ("RELOAD", "RUNNING"), ("STOPPED", "STOPPED")])
def test_a_move_that_the_table_does_not_name_is_a_mistake_of_the_program(was: LifeState, to: LifeState) -> None:
    with pytest.raises(IllegalMove, match=f"a key is {was} and cannot become {to}"):
        moved(was, to)


def happenings() -> st.SearchStrategy[Entry]:
    """Anything that can befall keys, at any moment of some minutes."""
    numbers = st.integers(0, 9)
    scopes = st.tuples(
        st.sampled_from(("", "demo-1", "demo-2")), st.sampled_from(("", "EURUSD")), st.sampled_from((0, MINUTE))
    )
    moments = st.integers(0, 600)
    states = st.sampled_from(("CONFIRM", "UNKNOWN", "ABORT", "SETTLED", "UNKNOWN_RESULT"))

    def of_order(number: int, state: str, after: int) -> Entry:
        result = {"result": "win", "profit": "0.90"} if state == "SETTLED" else {}
        return heard(state, number, at=MONDAY + (number + 1) * MINUTE + after * SECOND, cause="rejected", **result)

    def of_hold(at: int, on: bool, scope: tuple[str, str, int]) -> Entry:
        return MONDAY + at * SECOND, Held(Scope(*scope), on, MONDAY + at * SECOND, "a change")

    def of_bar(number: int, fails: bool) -> Entry:
        return bar(number, fault="it failed" if fails else "")

    def of_switch(at: int, scope: tuple[str, str, int], on: bool, only: bool) -> Entry:
        return switched(at, *scope, on=on, only=only)

    return st.one_of(
        st.builds(of_bar, numbers, st.booleans()),
        st.builds(of_switch, moments, scopes, st.booleans(), st.booleans()),
        st.builds(of_hold, moments, st.booleans(), scopes),
        st.builds(of_order, numbers, states, st.integers(1, 200)),
    )


@settings(max_examples=60, deadline=None)
@given(st.lists(happenings(), max_size=25))
def test_whatever_happens_no_move_is_illegal_and_only_a_running_key_is_traded(entries: list[Entry]) -> None:
    part: Guard = guard(accounts=("demo-1", "demo-2"), errors=Errors(most=2, rest="20s"))
    states: dict[Key, LifeState] = {}
    given = given_by(part, *{(at, str(each)): (at, each) for at, each in entries}.values(), pays=(PAYS,))
    for _, each in given:
        if isinstance(each, Life):
            was = states.get(each.key)
            assert was is None or was == each.state or each.state in MOVES[was]
            states[each.key] = each.state
        if isinstance(each, Approved):
            assert states[each.key] == "RUNNING"
