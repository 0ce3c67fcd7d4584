"""The life of an order."""

import re
from itertools import product
from typing import get_args

import msgspec
import pytest

from pipeline.evidence import Money
from pipeline.leave import leave_of
from pipeline.orders import MOVES, IllegalMove, answered, moved, prepared, request_of, sent, slot_end
from pipeline.states import ENDED
from pipeline.times import MINUTE
from pipeline.values import Ack, Approved, Arming, Order, OrderState, Reject, Reply, Settlement, Ticket
from tests.support import MONDAY, ROOT, order

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


# --- leave -----------------------------------------------------------------------------------------------------------

ARMING = Arming("A-1", "demo-1", MONDAY, MONDAY + 60_000, "me")


def test_an_order_leaves_only_by_the_leave_of_its_account_and_says_whose_it_was() -> None:
    leave = leave_of("demo-1", "real", ARMING, MONDAY)
    assert leave is not None
    made = sent(order("PREPARE"), leave, MONDAY + 5)
    assert (made.state, made.sent_at, made.arming) == ("SEND", MONDAY + 5, "A-1")
    other = leave_of("demo-2", "practice", None, MONDAY)
    assert other is not None
    with pytest.raises(IllegalMove, match="is of demo-1 and cannot leave by the leave of demo-2"):
        sent(order("PREPARE"), other, MONDAY)


@pytest.mark.parametrize("at", [MONDAY - 1, MONDAY + 60_000])
def test_real_money_has_no_leave_before_or_after_its_arming_nor_by_that_of_another_account(at: int) -> None:
    assert leave_of("demo-1", "real", ARMING, at) is None
    assert leave_of("demo-2", "real", ARMING, MONDAY) is None
    assert leave_of("demo-1", "real", None, MONDAY) is None


@pytest.mark.parametrize("money", ["practice", "demo"])
def test_nobodys_money_needs_no_arming(money: Money) -> None:
    leave = leave_of("demo-1", money, None, MONDAY)
    assert leave is not None
    assert leave.arming == ""


def test_leave_is_given_in_one_place_only() -> None:
    made = re.compile(r"\bLeave\(")
    files = [
        file
        for folder in ("pipeline", "operators", "sinks", "sources", "tui")
        for file in (ROOT / folder).rglob("*.py")
    ]
    assert [file.name for file in files if made.search(file.read_text(encoding="utf-8"))] == ["leave.py"]


def test_an_order_may_be_sent_until_the_slot_after_its_bar_ends_even_where_our_clock_is_behind() -> None:
    bar_ended = order().bar + MINUTE

    assert slot_end(order(wanted_at=bar_ended)) == bar_ended + MINUTE
    assert slot_end(order(wanted_at=bar_ended - 200)) == bar_ended + MINUTE
    assert slot_end(order(wanted_at=bar_ended + MINUTE + 5)) == bar_ended + 2 * MINUTE
