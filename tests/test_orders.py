"""The life of an order."""

from itertools import product
from typing import get_args

import msgspec
import pytest

from pipeline.orders import MOVES, IllegalMove, answered, moved, prepared, request_of
from pipeline.values import ENDED, Ack, Approved, Order, OrderState, Reject, Reply, Settlement, Ticket
from tests.support import MONDAY, order

STATES: tuple[OrderState, ...] = get_args(OrderState)
NAME = order().order
HEARD = MONDAY + 150
ACK = Ack(NAME, "C-1", MONDAY + 120, MONDAY + 60_120, 0.85)
REJECT = Reject(NAME, "no price", MONDAY + 120)
SETTLEMENT = msgspec.convert(
    {
        "type": "Settlement",
        "order": NAME,
        "result": "win",
        "profit": "0.85",
        "entry_ts": MONDAY + 130,
        "entry": 1.1,
        "exit_ts": MONDAY + 60_100,
        "exit": 1.2,
        "at": MONDAY + 60_300,
    },
    Settlement,
)

LEGAL: set[tuple[OrderState, OrderState]] = {
    ("PREPARE", "SEND"),
    ("PREPARE", "ABORT"),
    ("PREPARE", "UNKNOWN"),
    ("SEND", "SEND_RETRY"),
    ("SEND", "CONFIRM"),
    ("SEND", "SETTLED"),
    ("SEND", "CANCELED"),
    ("SEND", "ABORT"),
    ("SEND", "UNKNOWN"),
    ("SEND_RETRY", "SEND"),
    ("SEND_RETRY", "CONFIRM"),
    ("SEND_RETRY", "SETTLED"),
    ("SEND_RETRY", "CANCELED"),
    ("SEND_RETRY", "ABORT"),
    ("SEND_RETRY", "UNKNOWN"),
    ("CONFIRM", "CONFIRM_RETRY"),
    ("CONFIRM", "SETTLED"),
    ("CONFIRM", "CANCELED"),
    ("CONFIRM_RETRY", "SETTLED"),
    ("CONFIRM_RETRY", "CANCELED"),
    ("CONFIRM_RETRY", "UNKNOWN_RESULT"),
    ("UNKNOWN", "SEND_RETRY"),
    ("UNKNOWN", "CONFIRM"),
    ("UNKNOWN", "SETTLED"),
    ("UNKNOWN", "CANCELED"),
    ("UNKNOWN", "ABORT"),
    ("UNKNOWN_RESULT", "SETTLED"),
    ("UNKNOWN_RESULT", "CANCELED"),
}


@pytest.mark.parametrize(("before", "after"), sorted(LEGAL))
def test_a_move_in_the_table_is_made_and_says_when_and_why(before: OrderState, after: OrderState) -> None:
    made = moved(order(before), after, MONDAY + 7, "because")
    assert (made.state, made.at, made.reason) == (after, MONDAY + 7, "because")


@pytest.mark.parametrize(("before", "after"), sorted(set(product(STATES, STATES)) - LEGAL))
def test_every_other_move_is_refused(before: OrderState, after: OrderState) -> None:
    with pytest.raises(IllegalMove, match=f"order {NAME} is {before} and cannot become {after}"):
        moved(order(before), after, MONDAY)


def test_what_has_ended_is_what_leads_nowhere() -> None:
    assert {state for state in STATES if not MOVES[state]} == ENDED


def test_only_a_settlement_or_time_ends_what_is_open() -> None:
    """A rejection can not take back what was accepted."""
    assert answered(order("CONFIRM"), REJECT, HEARD) is None


@pytest.mark.parametrize("state", ["SEND", "UNKNOWN"])
def test_an_acknowledged_order_is_open_at_the_venues_terms(state: OrderState) -> None:
    made = answered(order(state, reason="no answer"), ACK, HEARD)
    assert made is not None
    assert (made.state, made.contract, made.expiry, made.payout, made.at) == (
        "CONFIRM",
        "C-1",
        ACK.expiry,
        0.85,
        ACK.at,
    )
    assert made.reason == ""


@pytest.mark.parametrize("state", ["SEND", "UNKNOWN"])
def test_a_rejected_order_says_why(state: OrderState) -> None:
    made = answered(order(state), REJECT, HEARD)
    assert made is not None
    assert (made.state, made.reason) == ("ABORT", "no price")


@pytest.mark.parametrize("state", ["SEND", "CONFIRM", "UNKNOWN"])
def test_a_settlement_is_evidence_whatever_was_heard_before(state: OrderState) -> None:
    made = answered(order(state), SETTLEMENT, HEARD)
    assert made is not None
    facts = ("result", "profit", "entry_ts", "entry", "exit_ts", "exit", "at")
    assert made.state == "SETTLED"
    assert [getattr(made, fact) for fact in facts] == [getattr(SETTLEMENT, fact) for fact in facts]


SWALLOWED: list[tuple[OrderState, Reply]] = [
    *(("CONFIRM", reply) for reply in (ACK, REJECT)),
    *((state, reply) for state in sorted(ENDED) for reply in (ACK, REJECT, SETTLEMENT)),
]


@pytest.mark.parametrize(("state", "reply"), SWALLOWED, ids=lambda each: getattr(each, "__class__", type).__name__)
def test_a_duplicate_or_late_reply_says_nothing_new(state: OrderState, reply: Reply) -> None:
    assert answered(order(state), reply, HEARD) is None


def test_an_order_on_its_way_says_what_was_approved() -> None:
    ticket = Ticket("demo-1", "EURUSD", 60_000, MONDAY, MONDAY + 60_000, "put", -0.7, 0.9)
    approved = Approved(ticket, NAME, order().stake)
    made: Order = prepared(approved, "demo")
    facts = {"direction": "put", "payout": 0.9, "at": MONDAY + 60_000, "wanted_at": MONDAY + 60_000}
    assert made == order("PREPARE", request=request_of("demo", *approved.key, MONDAY), **facts)
    assert made.key == approved.key
