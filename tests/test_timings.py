"""Every key that is a time changes what happens: each is given two values, and what happens is as long as they say."""

from collections.abc import Callable
from dataclasses import fields
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, get_type_hints

import pytest

from operators.risk.guard import Guard
from operators.risk.terms import Breaker, Errors, Latency
from operators.window import Window
from pipeline.evidence import Evidence, Inquiry, Statement, Terms, Unsent
from pipeline.times import MINUTE, SECOND
from pipeline.trying import NoRecords
from pipeline.values import Ack, Approved, Bars, Forming, Life, Order, Past, Quotes, Ticket
from sinks.executor import Executor
from tests.driven import Given, driven
from tests.guarded import given_by, guard, words
from tests.support import MONDAY, order, quotes, signals

CLOSE = MONDAY + MINUTE
NAME = f"demo-1:EURUSD:1m:{MONDAY}"
EXPIRY = CLOSE + MINUTE
ACK = Ack(NAME, "C-1", CLOSE + 100, EXPIRY, 0.9)
FIVE = 5 * MINUTE


# --- the window ------------------------------------------------------------------------------------------------------


def gathered(*entries: Quotes, **keys: Any) -> Given:
    window = Window(timeframes=("1m",), contexts={MINUTE: 10}, **keys)
    return driven(window, [(int(each.received[0]), each) for each in entries], MONDAY + FIVE)


def final_after(**keys: Any) -> int:
    """How long after its close a bar is final that no further quote ends."""
    given = gathered(quotes("EURUSD", [MONDAY + SECOND], [1.1]), **keys)
    return next(at for at, each in given if isinstance(each, Bars)) - CLOSE


def forms(every: str) -> int:
    """How often a bar is shown while it forms, of a quote a second."""
    ticks = [quotes("EURUSD", [MONDAY + n * SECOND], [1.1 + n / 10_000]) for n in range(60)]
    return sum(isinstance(each, Forming) for _, each in gathered(*ticks, forming=every))


# --- the executor ----------------------------------------------------------------------------------------------------


def executed(*entries: tuple[int, Any], evidence: Evidence | None = None, **keys: Any) -> Given:
    terms = {} if evidence is None else {"demo-1": Terms("practice", evidence)}
    host = SimpleNamespace(ledger=NoRecords(), flow="flow", mode="paper")
    return driven(Executor(terms=terms, **keys), entries, CLOSE + 15 * MINUTE, host)


def ticket(at: int = CLOSE) -> tuple[int, Approved]:
    return at, Approved(Ticket("demo-1", "EURUSD", MINUTE, MONDAY, at, "call", 0.7, 0.9), NAME, Decimal(1))


def told(given: Given, state: str) -> list[int]:
    """When an order became that, in seconds after the bar was decided."""
    return [(at - CLOSE) // SECOND for at, each in given if isinstance(each, Order) and each.state == state]


def sent_with_ten_seconds_left(cutoff: int) -> int:
    return len(told(executed(ticket(CLOSE + 50 * SECOND), entry_cutoff_seconds=cutoff), "SEND"))


def unknown_after(seconds: int) -> int:
    return told(executed(ticket(), answer_seconds=seconds), "UNKNOWN")[0]


def overdue_after(seconds: int) -> int:
    """How long after its expiry a contract's end is asked for."""
    return told(executed(ticket(), (CLOSE + 100, ACK), settle_seconds=seconds), "CONFIRM_RETRY")[0] - 60


def given_up_after(seconds: int) -> int:
    """How long an end that is asked for counts as unknown only."""
    given = executed(ticket(), (CLOSE + 100, ACK), settle_seconds=30, unknown_seconds=seconds)
    return told(given, "UNKNOWN_RESULT")[0] - 60 - 30


def tried_again_after(millis: int) -> int:
    """How long after an order did not leave it is sent once more (ms)."""
    given = executed(ticket(), (CLOSE + 50, Unsent(NAME, "no connection", CLOSE + 50)), retry_ms=millis)
    return [at for at, each in given if isinstance(each, Order) and each.state == "SEND"][-1] - CLOSE - 50


def sendings(retries: int) -> int:
    moments = [CLOSE + n * 2 * SECOND + 50 for n in range(9)]
    never = [(at, Unsent(NAME, "no connection", at)) for at in moments]
    return len(told(executed(ticket(), *never, retries=retries, retry_ms=1), "SEND"))


def inquiries(*entries: tuple[int, Any], **keys: Any) -> list[int]:
    """When a venue that lists what it has is asked, in seconds after the start."""
    given = executed((MONDAY, Past((), {})), *entries, evidence=Evidence(lists=True), **keys)
    return [(at - MONDAY) // SECOND for at, each in given if isinstance(each, Inquiry)]


def asked_again_after(seconds: int) -> int:
    """How long after the venue could not say what it has it is asked anew."""
    cannot = Statement("demo-1", 1, 0, MONDAY, MONDAY, fault="503 maintenance")
    first, second, *_ = inquiries((MONDAY, cannot), ask_seconds=seconds)
    return second - first


def asked_when_quiet_after(seconds: int) -> int:
    answer = Statement("demo-1", 1, 0, MONDAY, MONDAY)
    first, second, *_ = inquiries((MONDAY, answer), reconcile_seconds=seconds)
    return second - first


# --- the guard -------------------------------------------------------------------------------------------------------


def lasting(word: str, *entries: tuple[int, Any], **keys: Any) -> int:
    """For how many seconds after CLOSE a guard says this of bars that come every second."""
    every = [(CLOSE + n * SECOND, signals(tf=SECOND, bar=CLOSE + (n - 1) * SECOND)) for n in range(1, 400)]
    given = given_by(guard(**keys), *entries, *every)
    return words(given).count(word)


def lost(at: int = CLOSE, name: str = "x") -> tuple[int, Order]:
    return at, order("SETTLED", order=name, result="lose", profit="-1.00", at=at, tf=SECOND)


def rest_after_a_loss(rest: str) -> int:
    return lasting("cool_down", lost(), cool_down=rest)


def rest_at_the_most(most: str) -> int:
    losses = [lost(CLOSE, name) for name in "abcdef"]
    return lasting("cool_down", *losses, cool_down="30s", cool_down_max=most)


def pause(**keys: Any) -> int:
    """For how many seconds a key pauses after its second order in a row that was refused."""
    before = Past((), {}, lives=(Life("demo-1", "EURUSD", SECOND, "RUNNING", CLOSE, "", 1, 0, 1),))
    refused = order("ABORT", order="b", cause="rejected", at=CLOSE, tf=SECOND)
    given = given_by(guard(errors=Errors(most=1, **keys)), (CLOSE, before), (CLOSE, refused))
    _, paused, over = [each for _, each in given if isinstance(each, Life)]
    assert (paused.state, over.state) == ("PAUSED", "INIT")
    return (over.at - paused.at) // SECOND


def stormy(breaker: Breaker, apart: int = 1) -> int:
    """For how many seconds nothing is traded after two orders that went wrong."""
    moments = [CLOSE + n * apart * SECOND for n in range(2)]
    wrong = [(at, order("ABORT", order=str(at), cause="rejected", at=at, tf=1)) for at in moments]
    return lasting("breaker", *wrong, breaker=breaker, errors=Errors(most=99))


def slow(latency: Latency) -> int:
    """For how many seconds an answer that took two seconds counts."""
    sent = (CLOSE - 2 * SECOND, order("SEND", order="a", at=CLOSE - 2 * SECOND, tf=1))
    answered = (CLOSE, order("ABORT", order="a", cause="rejected", at=CLOSE, tf=1))
    return lasting("latency", sent, answered, latency=latency)


def old_quotes(age: str) -> int:
    """How many bars of the first minute find a last quote that is young enough."""
    every = [(CLOSE + n * SECOND, signals(tf=SECOND, bar=CLOSE + (n - 1) * SECOND)) for n in range(1, 61)]
    given = given_by(guard(max_quote_age=age), (CLOSE, quotes("EURUSD", [CLOSE], [1.1], 0)), *every)
    return 60 - words(given).count("feed")


TIMES: dict[str, tuple[Callable[[Any], int], dict[Any, int]]] = {
    "window grace_ms": (lambda millis: final_after(grace_ms=millis), {0: 0, 500: 500, 2_000: 2_000}),
    "window jitter_ms": (lambda millis: final_after(grace_ms=500, jitter_ms=millis), {0: 500, 5_000: 4_729}),
    "window forming": (forms, {"1s": 60, "10s": 7}),
    "executor entry_cutoff_seconds": (sent_with_ten_seconds_left, {5: 1, 10: 1, 11: 0}),
    "executor answer_seconds": (unknown_after, {3: 3, 10: 10}),
    "executor settle_seconds": (overdue_after, {30: 30, 90: 90}),
    "executor unknown_seconds": (given_up_after, {60: 60, 600: 600}),
    "executor retry_ms": (tried_again_after, {250: 250, 900: 900}),
    "executor retries": (sendings, {0: 1, 3: 4}),
    "executor ask_seconds": (asked_again_after, {5: 5, 20: 20}),
    "executor reconcile_seconds": (asked_when_quiet_after, {60: 60, 200: 200}),
    "guard cool_down": (rest_after_a_loss, {"30s": 29, "2m": 119}),
    "guard cool_down_max": (rest_at_the_most, {"1m": 59, "5m": 299}),
    "guard max_quote_age": (old_quotes, {"2s": 2, "30s": 30}),
    "errors rest": (lambda rest: pause(rest=rest), {"30s": 60, "2m": 240}),
    "errors longest": (lambda longest: pause(rest="30s", longest=longest), {"45s": 45, "1h": 60}),
    "breaker within": (lambda within: stormy(Breaker(errors=2, within=within), apart=20), {"10s": 0, "1m": 380}),
    "breaker rest": (lambda rest: stormy(Breaker(errors=2, rest=rest)), {"1m": 60, "2m": 120}),
    "latency max": (lambda most: slow(Latency(max=most, within="30s")), {"1s": 29, "3s": 0}),
    "latency within": (lambda within: slow(Latency(max="1s", within=within)), {"30s": 29, "1m": 59}),
}


@pytest.mark.parametrize(("key", "value"), [(key, value) for key, (_, values) in TIMES.items() for value in values])
def test_a_time_that_is_written_is_the_time_that_passes(key: str, value: Any) -> None:
    happens, lengths = TIMES[key]
    assert happens(value) == lengths[value]


def test_every_key_of_these_parts_that_is_a_time_is_tried() -> None:
    parts = {"window": Window, "executor": Executor, "guard": Guard, "errors": Errors, "breaker": Breaker}
    named: set[str] = set()
    for name, part in (parts | {"latency": Latency}).items():
        hints = get_type_hints(part, include_extras=True)
        for each in fields(part):
            timed = "a duration such as" in repr(hints[each.name]) or each.name.endswith(("_ms", "_seconds"))
            named |= {f"{name} {each.name}"} if timed else set()
    assert named - set(TIMES) == set()
    assert set(TIMES) - named == {"executor retries", "guard cool_down"}
