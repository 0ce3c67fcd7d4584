"""Approved tickets become orders: recorded before they are sent, followed until they end."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.ledger import Ledger
from pipeline.ledger.reading import Reader
from pipeline.times import MINUTE, SECOND
from pipeline.trying import NoRecords
from pipeline.values import Ack, Approved, Order, Past, Reject, Settlement, Ticket
from sinks.executor import Executor
from tests.driven import Given, driven
from tests.support import MONDAY, order

SENT = MONDAY + MINUTE
NAME = f"demo-1:EURUSD:1m:{MONDAY}"
EXECUTOR = Executor(entry_cutoff_seconds=5, answer_seconds=10, settle_seconds=30)
EXPIRY = SENT + MINUTE + 120
ACK = Ack(NAME, "C-1", SENT + 120, EXPIRY, 0.9)
REJECT = Reject(NAME, "no price", SENT + 120)


def approved(at: int = SENT, bar: int = MONDAY, tf: int = MINUTE) -> tuple[int, Approved]:
    ticket = Ticket("demo-1", "EURUSD", tf, bar, at, "call", 0.7, 0.9)
    name = NAME if bar == MONDAY and tf == MINUTE else f"demo-1:EURUSD:{tf}:{bar}"
    return at, Approved(ticket, name, order().stake)


def settled(at: int, result: Any = "win", profit: str = "0.90") -> tuple[int, Settlement]:
    return at, Settlement(NAME, result, order(profit=profit).profit, SENT, 1.1, EXPIRY, 1.2, at)


def executed(*entries: tuple[int, Any], records: Any = None, until: int = SENT + 10 * MINUTE) -> Given:
    """What an executor gives. Of its host it needs the ledger alone."""
    return driven(EXECUTOR, entries, until, SimpleNamespace(ledger=records or NoRecords()))


def states(given: Given) -> list[tuple[int, str]]:
    """States with the moment they were told, in ms after the order was sent."""
    return [(at - SENT, item.state) for at, item in given]


def test_an_order_is_sent_acknowledged_and_settled() -> None:
    given = executed(approved(), (SENT + 120, ACK), settled(EXPIRY + 200))
    assert states(given) == [(0, "SEND"), (120, "CONFIRM"), (60_320, "SETTLED")]
    assert (given[-1][1].result, given[-1][1].contract) == ("win", "C-1")


def test_a_rejected_order_ends() -> None:
    assert states(executed(approved(), (SENT + 120, REJECT))) == [(0, "SEND"), (120, "ABORT")]


@pytest.mark.parametrize(("late", "reason"), [(60, "its slot ended 0 s ago"), (75, "its slot ended 15 s ago")])
def test_a_ticket_that_comes_after_its_slot_is_not_sent_in_the_next(late: int, reason: str) -> None:
    _, ticket = approved()
    ((_, refused),) = executed((SENT + late * SECOND, ticket))
    assert (refused.state, refused.reason, refused.at) == ("ABORT", reason, SENT + late * SECOND)


# --- exactly once ----------------------------------------------------------------------------------------------------


def test_the_intent_is_in_the_ledger_before_the_order_is_given_to_anybody(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    seen: list[tuple[str, Order | None]] = []

    class Looking:
        """A ledger, and what another process reads in it whenever the executor has written."""

        def intend(self, sent: Order) -> bool:
            seen.append(("before", found(path)))
            written = ledger.intend(sent)
            seen.append(("after", found(path)))
            return written

    with Ledger(path) as ledger:
        ((_, given),) = executed(approved(), records=Looking(), until=SENT)
    assert given.state == "SEND"
    assert seen == [("before", None), ("after", given)]


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
    ((_, refused),) = second
    assert (refused.state, refused.reason) == ("ABORT", "an order for this bar was already sent")


@pytest.mark.parametrize(("left", "state"), [(5_000, "SEND"), (4_999, "ABORT")])
def test_too_late_in_its_slot_an_order_is_not_sent_and_leaves_no_intent(tmp_path: Path, left: int, state: str) -> None:
    with Ledger(tmp_path / "ledger.db") as ledger:
        ((_, given),) = executed(approved(at=SENT + MINUTE - left), records=ledger, until=SENT + MINUTE - left)
    assert given.state == state
    assert (found(tmp_path / "ledger.db") is None) == (state == "ABORT")
    assert state == "SEND" or given.reason == "only 4.999 s left in the slot"


def test_at_the_very_opening_of_a_slot_the_whole_slot_is_left() -> None:
    assert states(executed(approved(at=SENT), until=SENT)) == [(0, "SEND")]


# --- what is not heard -----------------------------------------------------------------------------------------------


def test_without_an_answer_in_time_the_outcome_is_unknown() -> None:
    given = executed(approved())
    assert states(given) == [(0, "SEND"), (10_000, "UNKNOWN")]
    assert given[-1][1].reason == "no answer from the venue in time"


def test_an_answer_at_the_very_deadline_is_in_time() -> None:
    assert states(executed(approved(), (SENT + 10_000, ACK), until=SENT + 11_000)) == [(0, "SEND"), (10_000, "CONFIRM")]


def test_a_late_acknowledgement_ends_the_doubt() -> None:
    given = executed(approved(), (SENT + 15_000, ACK), settled(EXPIRY + 200))
    assert [state for _, state in states(given)] == ["SEND", "UNKNOWN", "CONFIRM", "SETTLED"]
    assert given[2][1].reason == ""


def test_a_late_rejection_ends_the_doubt() -> None:
    given = executed(approved(), (SENT + 15_000, REJECT))
    assert [state for _, state in states(given)] == ["SEND", "UNKNOWN", "ABORT"]


def test_a_settlement_ends_the_doubt_even_without_an_acknowledgement() -> None:
    given = executed(approved(), settled(EXPIRY + 200))
    assert [state for _, state in states(given)] == ["SEND", "UNKNOWN", "SETTLED"]


def test_without_a_settlement_in_time_the_outcome_is_unknown_and_a_late_one_still_counts() -> None:
    given = executed(approved(), (SENT + 120, ACK), settled(EXPIRY + 90 * SECOND))
    assert states(given) == [
        (0, "SEND"),
        (120, "CONFIRM"),
        (EXPIRY + 30_000 - SENT, "UNKNOWN"),
        (EXPIRY + 90_000 - SENT, "SETTLED"),
    ]
    assert given[2][1].reason == "no settlement from the venue in time"


def test_time_alone_never_ends_an_unknown_order() -> None:
    given = executed(approved(), until=SENT + 1_000 * MINUTE)
    assert [state for _, state in states(given)] == ["SEND", "UNKNOWN"]


def test_replies_that_come_twice_or_too_late_or_of_nothing_we_know_are_swallowed() -> None:
    stranger = Ack("demo-1:EURUSD:1m:0", "C-9", SENT, EXPIRY, 0.9)
    entries = [
        approved(),
        (SENT + 1, stranger),
        (SENT + 120, ACK),
        (SENT + 121, ACK),
        (SENT + 122, REJECT),
        settled(EXPIRY + 200),
        settled(EXPIRY + 201, "lose", "-1.00"),
        (EXPIRY + 202, ACK),
    ]
    assert [state for _, state in states(executed(*entries))] == ["SEND", "CONFIRM", "SETTLED"]


# --- resuming --------------------------------------------------------------------------------------------------------


def test_an_order_that_was_being_sent_when_the_program_ended_is_unknown() -> None:
    given = executed((SENT, Past((order("SEND", order=NAME),), {})))
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
    assert states(executed((SENT, Past((overdue,), {})))) == [(0, "CONFIRM"), (0, "UNKNOWN")]


def test_an_unknown_order_of_an_earlier_run_can_still_be_settled() -> None:
    given = executed((SENT, Past((order("SEND", order=NAME),), {})), settled(SENT + 5 * MINUTE))
    assert [state for _, state in states(given)] == ["UNKNOWN", "SETTLED"]


def test_several_orders_are_followed_side_by_side() -> None:
    given = executed(approved(), approved(tf=5 * MINUTE), (SENT + 120, ACK), settled(EXPIRY + 200))
    by_order = {item.tf: item.state for _, item in given}
    assert by_order == {MINUTE: "SETTLED", 5 * MINUTE: "UNKNOWN"}
