"""What follows from how an account stands with its venue: the gate, the numbers, the word."""

from datetime import UTC

import pytest

from pipeline.evidence import Standing, StandingState, Trouble
from pipeline.metering import Meters
from pipeline.remarks import remark
from pipeline.times import MINUTE, SECOND
from pipeline.values import Decisions
from tests.guarded import FINAL, TRADED, given_by, guard, signal, words
from tests.support import MONDAY

HERE = frozenset({"demo-1"})


def standing(state: StandingState, at: int = MONDAY, reason: str = "", account: str = "demo-1") -> tuple[int, Standing]:
    return at, Standing(account, state, at, reason)


@pytest.mark.parametrize("state", ["DISCONNECTED", "AUTHENTICATING", "REAUTH", "RECONNECT", "READ_ONLY", "REFUSED"])
def test_an_account_that_is_not_connected_is_not_traded(state: StandingState) -> None:
    part = guard(connected=HERE)

    assert words(given_by(part, standing(state), signal())) == ["connection"]


def test_connected_it_is_and_as_soon_as_it_is_not_it_is_not() -> None:
    part = guard(connected=HERE, cool_down="1ms", cool_down_max="1ms")
    again = signal(bar=FINAL)

    assert words(given_by(part, standing("CONNECTED"), signal())) == [TRADED]
    lost = standing("RECONNECT", FINAL - 1, "the connection broke")
    assert words(given_by(part, standing("CONNECTED"), lost, signal())) == ["connection"]
    back = standing("CONNECTED", FINAL + SECOND)
    assert words(given_by(part, standing("CONNECTED"), lost, signal(), back, again)) == ["connection", TRADED]


def test_before_anything_was_told_nothing_is_traded() -> None:
    assert words(given_by(guard(connected=HERE), signal())) == ["connection"]


def test_how_another_account_stands_says_nothing_of_this_one() -> None:
    part = guard(connected=frozenset({"demo-1", "demo-2"}), accounts=("demo-1", "demo-2"))
    made = given_by(part, standing("CONNECTED"), standing("REFUSED", account="demo-2"), signal())

    assert words(made, "demo-1") == [TRADED]
    assert words(made, "demo-2") == ["connection"]


def test_the_row_says_in_words_how_it_stood() -> None:
    made = given_by(guard(connected=HERE), standing("READ_ONLY", reason="maintenance until noon"), signal())
    (decisions,) = (each for _, each in made if isinstance(each, Decisions))

    answers = {each.gate: each for each in decisions.explained[0]}
    assert answers["connection"].word == "READ_ONLY: maintenance until noon"


def test_accounts_without_a_network_between_have_no_such_gate() -> None:
    made = given_by(guard(), signal())
    (decisions,) = (each for _, each in made if isinstance(each, Decisions))

    assert "connection" not in {each.gate for each in decisions.explained[0]}
    assert words(made) == [TRADED]


def test_troubles_are_counted_by_kind_and_account_and_so_is_being_connected() -> None:
    meters = Meters()
    meters.tell(Trouble("demo-1", "network", "reset", MONDAY), MONDAY)
    meters.tell(Trouble("demo-1", "network", "reset", MONDAY), MONDAY)
    meters.tell(Trouble("demo-2", "auth", "HTTP 401", MONDAY), MONDAY)
    meters.tell(Standing("demo-1", "CONNECTED", MONDAY), MONDAY)

    first, second = meters.measure(MONDAY + MINUTE)
    assert (first.account, first.values["troubles_network"], first.values["connected"]) == ("demo-1", 2.0, 1.0)
    assert (second.account, second.values["troubles_auth"]) == ("demo-2", 1.0)
    assert "connected" not in second.values

    meters.tell(Standing("demo-1", "RECONNECT", MONDAY), MONDAY + MINUTE)
    (again,) = meters.measure(MONDAY + 2 * MINUTE)
    assert again.values == {"connected": 0.0}


def test_what_a_person_must_mend_is_said_so() -> None:
    refused = remark(Standing("demo-1", "REFUSED", MONDAY, "the token was taken back"), UTC)

    assert refused is not None
    assert refused[0] == "warning"
    assert "the token was taken back; nothing is tried again before somebody mends it" in refused[1]
    assert remark(Standing("demo-1", "CONNECTED", MONDAY), UTC) == ("info", "demo-1 is CONNECTED")
    assert remark(Trouble("demo-1", "throttle", "HTTP 429", MONDAY), UTC) == ("warning", "demo-1: HTTP 429 (throttle)")
