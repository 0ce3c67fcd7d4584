"""Approved tickets become orders: recorded before they are sent, followed until evidence has ended them."""

from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given as supposing
from hypothesis import settings
from hypothesis import strategies as st
from msgspec.structs import replace

from pipeline.evidence import (
    Dispute,
    Evidence,
    Inquiry,
    Lost,
    Reconciled,
    Request,
    Statement,
    Terms,
    Unsent,
    Verdict,
    Written,
)
from pipeline.ledger import Ledger
from pipeline.ledger.reading import Reader
from pipeline.states import ENDED
from pipeline.times import DAY, MINUTE, SECOND
from pipeline.trying import NoRecords
from pipeline.values import Ack, Approved, Arming, Latch, Leaving, Order, Past, Reject, Settlement, Slept, Ticket
from sinks.executor import Executor
from tests.adversary import FATES, LATENCY, MANNER, REAL, SENT, Broker, Fate, Session, alive, passes
from tests.driven import Given, driven
from tests.support import MONDAY, order

NAME = f"demo-1:EURUSD:1m:{MONDAY}"
HALF = MONDAY + MINUTE // 2
"""A session that begins here asks at every half minute."""
EXECUTOR = Executor(entry_cutoff_seconds=5, answer_seconds=10, settle_seconds=30)
EXPIRY = SENT + MINUTE + 120
ACK = Ack(NAME, "C-1", SENT + 120, EXPIRY, 0.9)
REJECT = Reject(NAME, "no price", SENT + 120)
ECHOES = Evidence(lists=True, echoes=True)
ONCE = Evidence(lists=True, echoes=True, once=True)


def ticket(at: int = SENT, bar: int = MONDAY, tf: int = MINUTE, product: str = "EURUSD") -> Approved:
    name = NAME if bar == MONDAY and tf == MINUTE and product == "EURUSD" else f"demo-1:{product}:{tf}:{bar}"
    return Approved(Ticket("demo-1", product, tf, bar, at, "call", 0.7, 0.9), name, order().stake)


def approved(at: int = SENT, bar: int = MONDAY, tf: int = MINUTE) -> tuple[int, Approved]:
    return at, ticket(at, bar, tf)


def settled(at: int, result: Any = "win", profit: str = "0.90") -> tuple[int, Settlement]:
    return at, Settlement(NAME, result, Decimal(profit), SENT, 1.1, EXPIRY, 1.2, at)


def executed(*entries: tuple[int, Any], records: Any = None, until: int = SENT + 20 * MINUTE) -> Given:
    """What an executor gives at a venue that lists nothing. Of its host it needs the ledger alone."""
    return driven(EXECUTOR, entries, until, SimpleNamespace(ledger=records or NoRecords(), flow="flow", mode="paper"))


def states(given: Given) -> list[tuple[int, str]]:
    """States with the moment they were told, in ms after the order was sent; that it was prepared goes without."""
    return [(at - SENT, item.state) for at, item in given if isinstance(item, Order) and item.state != "PREPARE"]


def traded(*fates: Fate, evidence: Evidence = REAL, until: int = SENT + 10 * MINUTE, **broker: Any) -> Session:
    """A session with one ticket, whose sendings have these fates."""
    session = Session(Broker(evidence, list(fates), **broker)).begin(at=HALF)
    session.at(SENT, ticket())
    return session.until(until)


# --- the way of an order ---------------------------------------------------------------------------------------------


def test_an_order_is_prepared_sent_acknowledged_and_settled() -> None:
    given = executed(approved(), (SENT + 120, ACK), settled(EXPIRY + 200))
    assert [item.state for _, item in given] == ["PREPARE", "SEND", "CONFIRM", "SETTLED"]
    assert states(given) == [(0, "SEND"), (120, "CONFIRM"), (60_320, "SETTLED")]
    assert (given[-1][1].result, given[-1][1].contract) == ("win", "C-1")


def test_an_order_says_when_it_was_wanted_sent_taken_and_ended() -> None:
    entries = [(SENT + 40, ticket()), (SENT + 170, replace(ACK, at=SENT + 160)), settled(EXPIRY + 200)]
    last = executed(*entries)[-1][1]
    assert (last.wanted_at, last.sent_at, last.taken_at, last.entry_ts, last.ended_at) == (
        SENT, SENT + 40, SENT + 170, SENT, EXPIRY + 200,
    )  # fmt: skip


def test_a_rejected_order_ends() -> None:
    assert states(executed(approved(), (SENT + 120, REJECT))) == [(0, "SEND"), (120, "ABORT")]


def test_a_contract_that_was_void_is_canceled_and_not_lost() -> None:
    last = executed(approved(), (SENT + 120, ACK), settled(EXPIRY + 200, "canceled", "0"))[-1][1]
    assert (last.state, last.cause, last.profit) == ("CANCELED", "void", 0)


@pytest.mark.parametrize(("late", "reason"), [(60, "its slot ended 0 s ago"), (75, "its slot ended 15 s ago")])
def test_a_ticket_that_comes_after_its_slot_is_not_sent_in_the_next(late: int, reason: str) -> None:
    ((_, refused),) = executed((SENT + late * SECOND, ticket()))
    assert (refused.state, refused.cause, refused.reason) == ("ABORT", "not_sent", reason)
    assert refused.at == SENT + late * SECOND


def test_a_refusal_of_an_order_of_an_earlier_run_counts_only_where_nothing_was_sent_twice() -> None:
    for evidence, state in ((Evidence(once=True), "ABORT"), (ONCE, "UNKNOWN")):
        session = Session(Broker(evidence, answers=False)).begin(Past((order("SEND", order=NAME),), {}), SENT)
        session.at(SENT + 50, REJECT)
        assert session.until(SENT + 50).last(NAME).state == state


def test_several_orders_are_followed_side_by_side() -> None:
    given = executed(approved(), approved(tf=5 * MINUTE), (SENT + 120, ACK), settled(EXPIRY + 200))
    by_order = {item.tf: item.state for _, item in given}
    assert by_order == {MINUTE: "SETTLED", 5 * MINUTE: "UNKNOWN"}


# --- the intent ------------------------------------------------------------------------------------------------------


def test_the_intent_is_in_the_ledger_before_the_order_is_given_to_anybody(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    seen: list[tuple[str, Order | None]] = []

    class Looking:
        """A ledger, and what another process reads in it whenever the executor has written."""

        def intend(self, sent: Order) -> bool | None:
            seen.append(("before", found(path)))
            written = ledger.intend(sent)
            seen.append(("after", found(path)))
            return written

    with Ledger(path) as ledger:
        (_, prepared), (_, sent) = executed(approved(), records=Looking(), until=SENT)
    assert (prepared.state, sent.state) == ("PREPARE", "SEND")
    assert seen == [("before", None), ("after", prepared)]


def found(path: Path) -> Order | None:
    reader = Reader(path)
    try:
        return reader.order(NAME)
    finally:
        reader.close()


def test_a_second_intent_for_one_bar_is_not_sent(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.db") as ledger:
        first = executed(approved(), (SENT + 120, REJECT), records=ledger)
        second = executed(approved(), records=ledger)
    assert states(first) == [(0, "SEND"), (120, "ABORT")]
    refused = second[-1][1]
    assert (refused.state, refused.reason) == ("ABORT", "an order for this bar was already sent")
    assert "SEND" not in [item.state for _, item in second]


@pytest.mark.parametrize(("left", "state"), [(5_000, "SEND"), (4_999, "ABORT")])
def test_too_late_in_its_slot_an_order_is_not_sent_and_leaves_no_intent(tmp_path: Path, left: int, state: str) -> None:
    with Ledger(tmp_path / "ledger.db") as ledger:
        late = SENT + MINUTE - left
        given = executed(approved(at=late), records=ledger, until=late)[-1][1]
    assert given.state == state
    assert (found(tmp_path / "ledger.db") is None) == (state == "ABORT")
    assert state == "SEND" or given.reason == "only 4.999 s left in the slot"


def test_at_the_very_opening_of_a_slot_the_whole_slot_is_left() -> None:
    assert states(executed(approved(at=SENT), until=SENT)) == [(0, "SEND")]


class Slow:
    """Records that say later that an intent is on disk."""

    def intend(self, _: Order) -> None:
        return None


def test_an_order_waits_until_its_intent_is_on_disk() -> None:
    given = executed(approved(), (SENT + 300, Written(NAME, fresh=True)), records=Slow(), until=SENT + 300)
    assert [(at - SENT, item.state) for at, item in given] == [(0, "PREPARE"), (300, "SEND")]
    assert given[-1][1].sent_at == SENT + 300


def test_an_intent_that_is_on_disk_too_late_is_not_sent() -> None:
    late = SENT + 56 * SECOND
    given = executed(approved(), (late, Written(NAME, fresh=True)), records=Slow())
    assert states(given) == [(56_000, "ABORT")]
    assert given[-1][1].reason == "only 4 s left in the slot"


def test_an_intent_that_is_never_said_to_be_on_disk_is_not_sent() -> None:
    given = executed(approved(), (SENT + 2 * MINUTE, Written(NAME, fresh=True)), records=Slow())
    assert states(given) == [(60_000, "ABORT")]
    assert given[-1][1].reason == "its intent was not on disk in time"


def test_a_bar_whose_intent_was_there_before_is_not_sent() -> None:
    given = executed(approved(), (SENT + 300, Written(NAME, fresh=False)), records=Slow())
    assert states(given) == [(300, "ABORT")]


def test_a_bar_approved_twice_makes_one_order_and_tells_how_it_stands() -> None:
    given = executed(approved(), (SENT + 120, ACK), (SENT + 130, ticket()), until=SENT + 200)
    assert [item.state for _, item in given] == ["PREPARE", "SEND", "CONFIRM", "CONFIRM"]
    again = executed(approved(), (SENT + 120, REJECT), (SENT + 130, ticket()), until=SENT + 200)
    assert [item.state for _, item in again] == ["PREPARE", "SEND", "ABORT", "ABORT"]


# --- what forbids sending --------------------------------------------------------------------------------------------

FORBIDDING: list[tuple[Any, str]] = [
    (Leaving(SENT + 1), "the program is about to end"),
    (Latch("", True, SENT + 1, "enough", "kill"), "a stop holds: enough (kill)"),
    (Latch("demo-1", True, SENT + 1, "enough", "kill"), "a stop holds: enough (kill)"),
]


@pytest.mark.parametrize(("item", "reason"), FORBIDDING)
def test_what_comes_between_the_intent_and_the_sending_stops_it(item: Any, reason: str) -> None:
    written = (SENT + 2, Written(NAME, fresh=True))
    given = executed(approved(), (SENT + 1, item), written, records=Slow())
    assert states(given) == [(2, "ABORT")]
    assert (given[-1][1].cause, given[-1][1].reason) == ("not_sent", reason)


@pytest.mark.parametrize(
    "item", [Latch("demo-2", True, SENT, "enough", "kill"), Latch("", False, SENT, "go on", "resume")]
)
def test_a_stop_of_another_account_or_a_release_stops_nothing(item: Latch) -> None:
    entries = [(SENT - 2, Latch("", True, SENT, "enough", "kill")), (SENT - 1, Latch("", False, SENT, "go", "resume"))]
    assert states(executed(*entries, (SENT, item), approved(), until=SENT)) == [(0, "SEND")]


def test_a_stop_that_a_guard_sets_holds_for_what_it_approved_before() -> None:
    session = Session(records=Slow()).begin()
    session.at(SENT, ticket())
    session.at(SENT, Latch("demo-1", True, SENT, "the day's loss", "daily_loss"))
    session.at(SENT + 5, Written(NAME, fresh=True))
    assert session.until(SENT + 5).last(NAME).reason == "a stop holds: the day's loss (daily_loss)"


def test_a_stop_of_an_earlier_run_still_holds() -> None:
    past = Past((), {}, latches=(Latch("", True, MONDAY, "enough", "kill"),))
    assert states(executed((MONDAY, past), approved())) == [(0, "ABORT")]


ARMED = Arming("A-1", "demo-1", SENT - 60, SENT + 30 * SECOND, "me")


def real(*entries: tuple[int, Any], armings: tuple[Arming, ...] = (), records: Any = None) -> Session:
    session = Session(terms={"demo-1": Terms("real", Evidence())}, records=records)
    session.begin(Past((), {}, armings=armings))
    for at, item in entries:
        session.at(at, item)
    return session.until(SENT + MINUTE)


def test_real_money_is_staked_only_while_armed_and_says_by_whose_leave() -> None:
    refused = real((SENT, ticket())).last(NAME)
    assert (refused.state, refused.cause) == ("ABORT", "not_sent")
    assert refused.reason == "it plays with real money and is not armed; `arm demo-1` does that"
    for armed in (real((SENT, ticket()), armings=(ARMED,)), real((SENT - 1, ARMED), (SENT, ticket()))):
        assert [each.arming for each in armed.of(Order) if each.state == "SEND"] == ["A-1"]


@pytest.mark.parametrize(
    "arming",
    [replace(ARMED, until=SENT), replace(ARMED, at=SENT + 1), replace(ARMED, until=ARMED.at)],
    ids=["over", "not yet", "withdrawn"],
)
def test_an_arming_that_does_not_hold_now_is_no_leave(arming: Arming) -> None:
    assert "SEND" not in real((SENT, ticket()), armings=(arming,)).states()


def test_an_arming_that_ends_between_the_intent_and_the_sending_is_no_leave() -> None:
    withdrawn = replace(ARMED, until=SENT + 1)
    session = real((SENT, ticket()), (SENT + 2, Written(NAME, fresh=True)), armings=(withdrawn,), records=Slow())
    assert session.states(NAME) == ["PREPARE", "ABORT"]


def test_an_account_that_is_not_its_own_is_not_sent_for() -> None:
    session = Session(terms={"demo-2": Terms("practice", Evidence())}).begin()
    session.at(SENT, ticket())
    assert session.until(SENT).states() == ["ABORT"]


# --- what certainly did not leave ------------------------------------------------------------------------------------


def test_what_did_not_leave_is_tried_again_after_a_wait_that_doubles() -> None:
    session = traded("unsent", "unsent", "taken", until=SENT + 2 * SECOND)
    assert session.states(NAME) == ["PREPARE", "SEND", "SEND_RETRY", "SEND", "SEND_RETRY", "SEND", "CONFIRM"]
    assert [at - SENT for at, each in session.told if isinstance(each, Order) and each.state == "SEND"] == [0, 250, 750]
    assert session.last(NAME).sent_at == SENT + 750


def test_after_so_many_tries_it_is_given_up() -> None:
    never: list[Fate] = ["unsent"] * 9
    session = traded(*never)
    last = session.last(NAME)
    assert (last.state, last.cause, last.reason) == ("ABORT", "not_sent", "no connection; tried 4 times")
    assert session.broker.sendings == 4


def test_where_no_time_is_left_it_is_not_tried_again() -> None:
    session = Session(Broker(fates=["unsent"])).begin()
    at = SENT + MINUTE - MANNER.cutoff - 100
    session.at(at, ticket())
    last = session.until(SENT + 5 * MINUTE).last(NAME)
    assert (last.state, last.reason) == ("ABORT", "no connection; no time is left to try again")


def test_a_stop_also_stops_what_was_to_be_tried_again() -> None:
    session = Session(Broker(fates=["unsent"])).begin()
    session.at(SENT, ticket())
    session.at(SENT + 100, Latch("", True, SENT + 100, "enough", "kill"))
    assert session.until(SENT + MINUTE).states(NAME) == ["PREPARE", "SEND", "SEND_RETRY", "ABORT"]


def test_leaving_gives_up_at_once_what_was_to_be_tried_again() -> None:
    session = Session(Broker(fates=["unsent"])).begin()
    session.at(SENT, ticket())
    session.at(SENT + 100, Leaving(SENT + 100))
    session.until(SENT + 100)
    assert session.states(NAME)[-1] == "ABORT"


def test_told_twice_that_the_first_try_did_not_leave_says_nothing_of_the_second() -> None:
    session = Session(Broker(fates=["unsent", "lost_request"])).begin()
    session.at(SENT, ticket())
    session.at(SENT + 300, Unsent(NAME, "no connection", SENT))
    assert session.until(SENT + SECOND).states(NAME) == ["PREPARE", "SEND", "SEND_RETRY", "SEND"]


# --- what is not heard -----------------------------------------------------------------------------------------------


def test_without_an_answer_in_time_the_outcome_is_unknown() -> None:
    given = executed(approved())
    assert states(given) == [(0, "SEND"), (10_000, "UNKNOWN")]
    assert given[-1][1].reason == "no answer from the venue in time"


def test_an_answer_that_was_lost_leaves_the_outcome_unknown_at_once() -> None:
    given = executed(approved(), (SENT + 50, Lost(NAME, "reset by peer", SENT + 50)))
    assert states(given) == [(0, "SEND"), (50, "UNKNOWN")]
    assert given[-1][1].reason == "reset by peer"


def test_an_answer_at_the_very_deadline_is_in_time() -> None:
    assert states(executed(approved(), (SENT + 10_000, ACK), until=SENT + 11_000)) == [(0, "SEND"), (10_000, "CONFIRM")]


def test_a_late_acknowledgement_ends_the_doubt() -> None:
    given = executed(approved(), (SENT + 15_000, ACK), settled(EXPIRY + 200))
    assert [state for _, state in states(given)] == ["SEND", "UNKNOWN", "CONFIRM", "SETTLED"]
    assert given[3][1].reason == ""


def test_a_late_rejection_ends_the_doubt() -> None:
    given = executed(approved(), (SENT + 15_000, REJECT))
    assert [state for _, state in states(given)] == ["SEND", "UNKNOWN", "ABORT"]


def test_a_settlement_ends_the_doubt_even_without_an_acknowledgement() -> None:
    given = executed(approved(), settled(EXPIRY + 200))
    assert [state for _, state in states(given)] == ["SEND", "UNKNOWN", "SETTLED"]
    assert given[-1][1].taken_at == EXPIRY + 200


def test_a_settlement_that_overtakes_its_acknowledgement_counts_and_the_acknowledgement_says_nothing_new() -> None:
    given = executed(approved(), settled(SENT + 100), (SENT + 120, ACK))
    assert [state for _, state in states(given)] == ["SEND", "SETTLED"]
    assert [item for _, item in given if isinstance(item, Dispute)] == []


def test_time_alone_never_ends_an_unknown_order() -> None:
    given = executed(approved(), until=SENT + 1_000 * MINUTE)
    assert [state for _, state in states(given)] == ["SEND", "UNKNOWN"]


def test_an_end_that_is_not_told_is_asked_for_and_then_unknown_and_a_late_one_still_counts() -> None:
    given = executed(approved(), (SENT + 120, ACK), settled(EXPIRY + 15 * MINUTE))
    assert states(given) == [
        (0, "SEND"),
        (120, "CONFIRM"),
        (EXPIRY + 30_000 - SENT, "CONFIRM_RETRY"),
        (EXPIRY + 630_000 - SENT, "UNKNOWN_RESULT"),
        (EXPIRY + 900_000 - SENT, "SETTLED"),
    ]


def test_replies_that_come_twice_or_of_nothing_we_know_are_swallowed() -> None:
    stranger = Ack("demo-1:EURUSD:1m:0", "C-9", SENT, EXPIRY, 0.9)
    entries = [
        approved(),
        (SENT + 1, stranger),
        (SENT + 120, ACK),
        (SENT + 121, ACK),
        settled(EXPIRY + 200),
        settled(EXPIRY + 201),
        (EXPIRY + 202, ACK),
    ]
    assert [item.state for _, item in executed(*entries)] == ["PREPARE", "SEND", "CONFIRM", "SETTLED"]


# --- contradictions --------------------------------------------------------------------------------------------------


def disputes(given: Given) -> list[tuple[str, str]]:
    return [(item.was, item.now) for _, item in given if isinstance(item, Dispute)]


def test_a_settlement_that_becomes_another_is_disputed_and_changes_nothing() -> None:
    entries = [approved(), (SENT + 120, ACK), settled(EXPIRY + 200), settled(EXPIRY + 900, "lose", "-1.00")]
    given = executed(*entries, settled(EXPIRY + 901, "lose", "-1.00"))
    assert disputes(given) == [("ended: win 0.90", "ended: lose -1.00")]
    assert [state for _, state in states(given)] == ["SEND", "CONFIRM", "SETTLED"]


def test_a_taken_order_that_is_refused_afterwards_is_disputed() -> None:
    given = executed(approved(), (SENT + 120, ACK), (SENT + 122, REJECT), until=SENT + SECOND)
    assert disputes(given) == [("CONFIRM contract C-1", "refused: no price")]


def test_a_refused_order_that_is_taken_afterwards_is_disputed_and_its_contract_counts() -> None:
    given = executed(approved(), (SENT + 120, REJECT), (SENT + 500, ACK), until=SENT + SECOND)
    assert disputes(given) == [("ABORT rejected", "contract C-1, call 1.00")]
    adopted = given[-1][1]
    assert (adopted.order, adopted.origin, adopted.state, adopted.expiry) == (
        "X:demo-1:C-1",
        "external",
        "CONFIRM",
        EXPIRY,
    )


def test_a_second_contract_for_one_order_is_disputed_and_counts() -> None:
    given = executed(approved(), (SENT + 120, ACK), (SENT + 500, replace(ACK, contract="C-2")), until=SENT + SECOND)
    assert disputes(given) == [("CONFIRM contract C-1", "contract C-2, call 1.00")]
    assert given[-1][1].order == "X:demo-1:C-2"


def test_a_contract_that_two_orders_are_said_to_have_stays_where_it_is() -> None:
    other = replace(ACK, order=f"demo-1:EURUSD:{5 * MINUTE}:{MONDAY}")
    given = executed(approved(), approved(tf=5 * MINUTE), (SENT + 120, ACK), (SENT + 121, other), until=SENT + 200)
    assert disputes(given) == [("SEND", f"contract C-1, which is known as {NAME}")]


# --- resuming --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["PREPARE", "SEND", "SEND_RETRY"])
def test_an_order_that_was_being_sent_when_the_program_ended_is_unknown(state: str) -> None:
    given = executed((SENT, Past((order(state, order=NAME),), {})))
    assert states(given) == [(0, "UNKNOWN")]
    assert given[0][1].reason == "the program ended while it was being sent"


def test_open_and_unknown_orders_are_kept_as_they_are_and_ended_ones_are_left_alone() -> None:
    open_ = order("CONFIRM", order="a", expiry=SENT + MINUTE)
    unknown = order("UNKNOWN", order="b")
    ended = order("SETTLED", order="c", result="win")
    given = executed((SENT, Past((open_, unknown, ended), {})), until=SENT)
    assert [item for _, item in given] == [open_, unknown]


def test_a_kept_order_is_followed_like_any_other() -> None:
    kept = order("CONFIRM", order=NAME, expiry=EXPIRY)
    assert states(executed((SENT, Past((kept,), {})), settled(EXPIRY + 200))) == [(0, "CONFIRM"), (60_320, "SETTLED")]
    overdue = order("CONFIRM", order=NAME, expiry=SENT - MINUTE)
    assert states(executed((SENT, Past((overdue,), {})), until=SENT)) == [(0, "CONFIRM"), (0, "CONFIRM_RETRY")]


def test_an_unknown_order_of_an_earlier_run_can_still_be_settled() -> None:
    given = executed((SENT, Past((order("SEND", order=NAME),), {})), settled(SENT + 5 * MINUTE))
    assert [state for _, state in states(given)] == ["UNKNOWN", "SETTLED"]


# --- verdicts --------------------------------------------------------------------------------------------------------


def verdict(outcome: Any, profit: str = "0", at: int = SENT + MINUTE) -> tuple[int, Verdict]:
    return at, Verdict(NAME, outcome, Decimal(profit), at, "ada", "the statement of the day")


def test_a_verdict_ends_what_nobody_knows_and_says_whose_it_is() -> None:
    absent = executed(approved(), verdict("absent"))[-1][1]
    assert (absent.state, absent.cause, absent.reason) == ("ABORT", "absent", "ada: the statement of the day")
    won = executed(approved(), verdict("win", "0.90"))[-1][1]
    assert (won.state, won.result, won.profit, won.ended_at) == ("SETTLED", "win", Decimal("0.90"), SENT + MINUTE)
    void = executed(approved(), verdict("canceled"))[-1][1]
    assert (void.state, void.cause) == ("CANCELED", "void")
    overdue = [approved(), (SENT + 120, ACK), verdict("lose", "-1.00", SENT + 15 * MINUTE)]
    assert executed(*overdue)[-1][1].result == "lose"


def test_a_verdict_of_what_is_known_changes_nothing_and_is_disputed() -> None:
    entries = [approved(), (SENT + 120, ACK), verdict("absent", at=SENT + 30 * SECOND), settled(EXPIRY + 200)]
    given = executed(*entries)
    assert [state for _, state in states(given)] == ["SEND", "CONFIRM", "SETTLED"]
    assert disputes(given) == [("CONFIRM contract C-1", "absent, says ada: the statement of the day")]


# --- reconciling -----------------------------------------------------------------------------------------------------


def test_nothing_is_sent_before_it_is_known_what_the_venue_holds() -> None:
    session = Session().begin(at=SENT - 100)
    session.at(SENT, ticket())
    refused = session.until(SENT + MINUTE).last(NAME)
    assert (refused.state, refused.reason) == ("ABORT", "the venue has not yet said what it holds of the account")
    assert traded().last(NAME).state == "SETTLED"


def test_a_venue_that_cannot_say_is_asked_again_and_its_account_waits() -> None:
    session = Session(Broker(answers=False)).begin()
    session.at(SENT, ticket())
    refused = session.until(SENT + SECOND).last(NAME)
    assert refused.reason == "the venue has not yet said what it holds of the account: no answer in time"
    assert [each.number for each in session.of(Inquiry)] == list(range(1, 8))
    session.at(SENT + 2 * SECOND, Statement("demo-1", 7, 0, SENT, SENT, fault="503 maintenance"))
    session.at(SENT + 3 * SECOND, ticket(product="GBPUSD"))
    assert session.until(SENT + 3 * SECOND).of(Order)[-1].reason.endswith("of the account: 503 maintenance")


def test_the_trouble_of_one_account_stops_no_other() -> None:
    both = {name: Terms("practice", REAL) for name in ("demo-1", "demo-2")}
    session = Session(terms=both).begin()
    answer = session.broker.answer

    def only_second(asked: Inquiry, at: int) -> Any:
        return answer(asked, at) if asked.account == "demo-2" else ()

    session.broker.answer = only_second  # type: ignore[method-assign]  # this venue knows one of the two
    for account in both:
        asked = ticket().ticket
        session.at(SENT, Approved(replace(asked, account=account), f"{account}:1", order().stake))
    session.until(SENT + 2 * MINUTE)
    assert session.states("demo-1:1") == ["ABORT"]
    assert session.states("demo-2:1") == ["PREPARE", "SEND", "CONFIRM", "SETTLED"]


def test_when_all_is_quiet_a_venue_is_asked_once_a_minute_and_a_replay_asks_nothing() -> None:
    quiet = Session().begin().until(MONDAY + 5 * MINUTE)
    assert passes(quiet.told) == 5
    replay = Session(mode="replay", manner=MANNER._replace(reconcile=0)).begin()
    assert passes(replay.until(MONDAY + 5 * DAY).told) == 1


def test_what_is_accounted_for_is_not_asked_for_again() -> None:
    session = Session().begin(Past((), {}, reconciled={"demo-1": MONDAY - DAY})).until(MONDAY + 2 * MINUTE)
    assert [each.since for each in session.of(Inquiry)][:2] == [MONDAY - DAY - MINUTE, MONDAY - MINUTE]
    assert session.of(Reconciled)[0] == Reconciled("demo-1", MONDAY, MONDAY + LATENCY)


def test_a_lost_acknowledgement_is_found_in_the_listing() -> None:
    for evidence in (REAL, ECHOES):
        session = traded("lost_ack", evidence=evidence)
        assert session.states(NAME) == ["PREPARE", "SEND", "UNKNOWN", "CONFIRM", "SETTLED"]
        last = session.last(NAME)
        assert (last.contract, last.result, last.expiry) == ("C-1", "win", SENT + LATENCY + MINUTE)
        assert last.taken_at == SENT + 10_000 + LATENCY
        assert last.ended_at == last.expiry + 200


def test_an_end_that_is_not_told_is_asked_for_by_the_contracts_name() -> None:
    early = Session(Broker(settles=False), manner=MANNER._replace(reconcile=3_600_000)).begin()
    early.at(SENT, ticket())
    assert early.until(SENT + 3 * MINUTE).states(NAME) == ["PREPARE", "SEND", "CONFIRM", "CONFIRM_RETRY", "SETTLED"]
    assert [each.contract for each in early.of(Inquiry)] == ["", "C-1"]


def test_an_order_that_never_arrived_is_absent_after_two_listings_that_had_to_name_it() -> None:
    session = traded("lost_request")
    absent = session.last(NAME)
    assert session.states(NAME) == ["PREPARE", "SEND", "UNKNOWN", "ABORT"]
    assert (absent.cause, absent.reason) == ("absent", "no listing of the venue names it")
    assert absent.at == SENT + 20_000 + 2 * LATENCY + LATENCY


def test_an_order_that_may_still_come_to_life_is_not_absent() -> None:
    slow = Evidence(lists=True, late_ms=30_000)
    session = traded("late", evidence=slow)
    assert session.states(NAME) == ["PREPARE", "SEND", "UNKNOWN", "CONFIRM", "SETTLED"]
    behind = Session(Broker(fates=["lost_request"], stale=40_000)).begin()
    behind.at(SENT, ticket())
    assert behind.until(SENT + 50 * SECOND).states(NAME)[-1] == "UNKNOWN"
    assert behind.until(SENT + 2 * MINUTE).states(NAME)[-1] == "ABORT"


def test_a_venue_whose_clock_is_ahead_proves_nothing_of_what_is_still_to_come() -> None:
    ahead = Session(Broker(Evidence(lists=True, late_ms=60_000), ["lost_request"], stale=-DAY)).begin(at=HALF)
    ahead.at(SENT, ticket())
    assert ahead.until(SENT + 70 * SECOND).states(NAME)[-1] == "UNKNOWN"
    assert ahead.until(SENT + 2 * MINUTE).states(NAME)[-1] == "ABORT"
    assert all(each.until <= SENT + 2 * MINUTE for each in ahead.of(Reconciled))


def test_one_listing_told_twice_is_one() -> None:
    session = Session(Broker(fates=["lost_request"])).begin()
    session.at(SENT, ticket())
    frozen = session.broker.answer

    def as_before(asked: Inquiry, at: int) -> Any:
        return [(when, replace(each, as_of=min(each.as_of, SENT + 15 * SECOND))) for when, each in frozen(asked, at)]

    session.broker.answer = as_before  # type: ignore[method-assign]  # the same listing again and again
    assert session.until(SENT + 5 * MINUTE).states(NAME)[-1] == "UNKNOWN"


def test_a_venue_that_takes_an_order_once_is_sent_it_again_when_it_does_not_list_it() -> None:
    session = traded("lost_request", "taken", evidence=ONCE)
    assert session.states(NAME) == [
        "PREPARE", "SEND", "UNKNOWN", "SEND_RETRY", "SEND", "CONFIRM", "SETTLED",
    ]  # fmt: skip
    assert len(session.broker.contracts) == 1
    assert "SEND_RETRY" not in traded("lost_request", evidence=ECHOES).states()


def test_after_the_cut_off_not_even_that_venue_is_sent_it_again() -> None:
    session = Session(Broker(ONCE, ["lost_request"])).begin()
    session.at(SENT + 50 * SECOND, ticket())
    assert session.until(SENT + 5 * MINUTE).states(NAME) == ["PREPARE", "SEND", "UNKNOWN", "ABORT"]


def test_what_becomes_of_a_second_sending_does_not_prove_that_the_first_never_arrived() -> None:
    """The first comes to life after it was asked for; the second is refused for another reason."""
    for second in ("refused", "unsent"):
        session = traded("late", second, evidence=Evidence(lists=True, echoes=True, once=True, late_ms=20_000))
        assert session.states(NAME)[:6] == ["PREPARE", "SEND", "UNKNOWN", "SEND_RETRY", "SEND", "UNKNOWN"]
        assert session.last(NAME).state == "SETTLED"
        assert session.of(Dispute) == []


def test_a_contract_of_somebody_else_is_adopted_and_followed() -> None:
    session = Session(Broker(ECHOES)).begin()
    session.broker.open(order(product="XAUUSD"), MONDAY + 10_000, request=False)
    session.until(MONDAY + 3 * MINUTE)
    external = session.of(Order)
    assert [(each.order, each.state, each.origin) for each in external] == [
        ("X:demo-1:C-1", "CONFIRM", "external"),
        ("X:demo-1:C-1", "CONFIRM_RETRY", "external"),
        ("X:demo-1:C-1", "SETTLED", "external"),
    ]
    assert (external[-1].profit, external[-1].key) == (Decimal("0.90"), ("demo-1", "XAUUSD", MINUTE))


def test_what_ended_before_the_first_run_is_not_adopted() -> None:
    session = Session().begin()
    session.broker.open(order(), MONDAY - 3 * MINUTE)
    session.broker.open(order(), MONDAY - MINUTE - 201)
    assert session.until(MONDAY + 5 * MINUTE).of(Order) == []


def test_a_contract_that_is_proved_not_to_be_and_is_listed_after_all_is_disputed_and_counts() -> None:
    for evidence in (REAL, ECHOES):
        session = traded("lost_request", until=SENT + 30 * SECOND, evidence=evidence)
        assert session.last(NAME).cause == "absent"
        session.broker.open(session.last(NAME), SENT + 5 * SECOND)
        session.until(SENT + 5 * MINUTE)
        assert [(each.was, each.now) for each in session.of(Dispute)] == [("ABORT absent", "contract C-1, call 1.00")]
        assert session.states("X:demo-1:C-1") == ["CONFIRM", "SETTLED"]
        assert session.last(NAME).state == "ABORT"


def test_an_order_that_could_be_of_two_contracts_stays_unknown_and_is_disputed_once() -> None:
    session = Session(Broker(fates=["lost_ack"])).begin(at=HALF)
    session.at(SENT, ticket())
    session.broker.open(order(), SENT + 2_000)
    session.until(SENT + 5 * MINUTE)
    assert session.states() == ["PREPARE", "SEND", "UNKNOWN"]
    assert [each.now for each in session.of(Dispute)] == [
        f"contract C-{number} is of {NAME} or of nobody here" for number in (1, 2)
    ]


def test_an_order_that_could_not_be_told_from_one_without_an_answer_is_not_sent() -> None:
    later = replace(ticket(SENT + MINUTE, MONDAY + MINUTE), order="second")
    for evidence, state in ((Evidence(), "ABORT"), (Evidence(echoes=True), "SEND")):
        session = Session(Broker(evidence, ["lost_request"])).begin()
        session.at(SENT, ticket())
        session.at(SENT + MINUTE, later)
        session.until(SENT + MINUTE)
        assert session.last("second").state == state
    assert session.last(NAME).state == "UNKNOWN"


def test_with_so_many_unknown_orders_nothing_more_is_sent() -> None:
    session = Session(Broker(Evidence(), ["lost_request", "lost_request"])).begin()
    for number, product in enumerate(("EURUSD", "GBPUSD", "XAUUSD")):
        session.at(SENT + number * 11 * SECOND, ticket(SENT, product=product))
    session.until(SENT + MINUTE)
    last = session.of(Order)[-1]
    assert [each.state for each in alive(session.told)] == ["UNKNOWN", "UNKNOWN"]
    assert last.reason == "nobody knows what became of 2 orders of the account; `reconcile` tells more"


def test_after_a_sleep_nothing_is_sent_until_the_account_is_reconciled() -> None:
    session = Session().begin()
    session.at(SENT - 50, Slept(SENT - MINUTE, SENT - 50))
    session.at(SENT, ticket())
    session.at(SENT + SECOND, ticket(SENT, product="GBPUSD"))
    session.until(SENT + 5 * SECOND)
    assert [(each.product, each.state) for each in session.of(Order)] == [
        ("EURUSD", "ABORT"),
        ("GBPUSD", "PREPARE"),
        ("GBPUSD", "SEND"),
        ("GBPUSD", "CONFIRM"),
    ]


def test_a_program_that_was_only_busy_asks_what_the_account_holds_and_sends_meanwhile() -> None:
    session = Session().begin()
    session.until(SENT - 100)
    asked = len(session.of(Inquiry))
    session.at(SENT - 50, Slept(SENT - MINUTE, SENT - 50, "blocked"))
    session.at(SENT, ticket())
    session.until(SENT + 5 * SECOND)
    assert session.states(NAME) == ["PREPARE", "SEND", "CONFIRM"]
    assert len(session.of(Inquiry)) > asked


def test_an_answer_to_an_earlier_question_tells_of_contracts_but_not_of_what_is_not_there() -> None:
    session = traded("lost_request", until=SENT + 10 * SECOND)
    asked = session.of(Inquiry)[-1]
    empty = Statement("demo-1", asked.number - 1, 0, SENT + MINUTE, SENT + MINUTE)
    for each in range(2):
        session.at(SENT + 10_010 + each, replace(empty, as_of=SENT + MINUTE + each))
    assert session.until(SENT + 10_100).states(NAME)[-1] == "UNKNOWN"
    found = session.broker.contracts[session.broker.open(session.last(NAME), SENT + 500)]
    session.at(SENT + 10_101, replace(empty, contracts=(found,)))
    assert session.until(SENT + 10_101).states(NAME)[-1] == "CONFIRM"


def test_a_listing_that_begins_later_than_asked_proves_nothing() -> None:
    session = Session().begin()
    whole = session.broker.answer

    def shorter(asked: Inquiry, at: int) -> Any:
        return [(when, replace(each, since=each.since + 1)) for when, each in whole(asked, at)]

    session.broker.answer = shorter  # type: ignore[method-assign]  # this venue forgets early
    session.at(SENT, ticket())
    assert session.until(SENT).last(NAME).reason.endswith("it lists less than it was asked for")


def test_a_taken_contract_that_is_not_listed_any_more_is_disputed_once() -> None:
    session = traded("taken", until=SENT + SECOND, settles=False)
    session.broker.contracts.clear()
    session.until(SENT + 15 * MINUTE)
    assert [(each.was, each.now) for each in session.of(Dispute)] == [
        ("CONFIRM contract C-1", "contract C-1 is not listed")
    ]
    assert session.states(NAME)[-2:] == ["CONFIRM_RETRY", "UNKNOWN_RESULT"]


def test_who_asks_for_a_pass_gets_one_at_once() -> None:
    session = Session().begin().until(MONDAY + SECOND)
    session.at(MONDAY + 2 * SECOND, Request("reconcile", "demo-1", MONDAY, "me"))
    session.at(MONDAY + 3 * SECOND, Request("reconcile", "", MONDAY, "me"))
    session.at(MONDAY + 4 * SECOND, Request("reconcile", "nobody", MONDAY, "me"))
    assert passes(session.until(MONDAY + 10 * SECOND).told) == 3


def test_after_a_restart_what_was_being_sent_is_found_or_proved_absent() -> None:
    for there in (True, False):
        session = Session(Broker(ECHOES))
        was = order("PREPARE", order=NAME, request="r1", wanted_at=SENT)
        if there:
            session.broker.open(was, SENT + 300)
        session.begin(Past((was,), {}, reconciled={"demo-1": SENT - 1}), SENT + 20_000)
        session.until(SENT + 5 * MINUTE)
        assert session.states(NAME) == (["UNKNOWN", "CONFIRM", "SETTLED"] if there else ["UNKNOWN", "ABORT"])


def test_ended_orders_of_an_earlier_run_are_known_again_in_a_listing() -> None:
    done = order("SETTLED", order=NAME, contract="C-1", result="win", profit="0.90", ended_at=SENT + MINUTE)
    session = Session()
    session.broker.open(order(), SENT)
    session.begin(Past((done,), {}, reconciled={"demo-1": SENT}), SENT + 2 * MINUTE).until(SENT + 5 * MINUTE)
    assert session.told
    assert session.of(Order) == []
    assert session.of(Dispute) == []


# --- never twice -----------------------------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@supposing(
    fates=st.lists(st.sampled_from(FATES), max_size=12),
    evidence=st.builds(
        Evidence, lists=st.booleans(), echoes=st.booleans(), once=st.booleans(), late_ms=st.sampled_from([0, 8_000])
    ),
    stale=st.sampled_from([0, 700, 20_000]),
    settles=st.booleans(),
    restart=st.sampled_from([0, 1, 130, 9_999, 10_130, 15_500]),
)
def test_whatever_a_venue_does_no_intent_has_two_contracts_and_what_is_there_is_known(
    fates: list[Fate], evidence: Evidence, stale: int, *, settles: bool, restart: int
) -> None:
    broker = Broker(evidence, fates, settles, stale=stale)
    session = Session(broker).begin()
    products = ("EURUSD", "GBPUSD", "XAUUSD", "BTCUSD")
    for number, product in enumerate(products):
        session.at(SENT + number * MINUTE, ticket(SENT + number * MINUTE, MONDAY + number * MINUTE, product=product))
    if restart:
        killed = SENT + 2 * MINUTE + restart
        session.until(killed)
        last = {each.order: each for each in session.of(Order)}
        session = Session(broker)
        session.begin(Past(tuple(last.values()), {}), killed + 1)
        session.at(SENT + 3 * MINUTE, ticket(SENT + 3 * MINUTE, MONDAY + 3 * MINUTE, product="BTCUSD"))
    session.until(SENT + 40 * MINUTE)
    for contracts in broker.intents.values():
        assert len(contracts) <= 1
    again = [each.reason for each in session.of(Order) if each.state == "SEND_RETRY"]
    assert evidence.once or set(again) <= {"no connection"}
    assert session.states().count("SEND") <= len(products) + len(again)
    ours = {each.order: each for each in session.of(Order)}
    for each in ours.values():
        contracts = broker.intents.get(each.request, [])
        if each.state == "ABORT":
            assert not contracts
        elif contracts and evidence.lists:
            assert each.state in ENDED
        if evidence.lists:
            assert each.state in ENDED
    assert session.of(Dispute) == []
