"""The life of an order, as a table that refuses every move it does not name.

The intent is durable before the first byte leaves. What happened to an order is known only from the venue, or from
somebody who signs for it: time alone moves it to UNKNOWN, and only evidence moves it on from there.
"""

from collections.abc import Mapping
from decimal import Decimal
from hashlib import blake2b
from typing import Literal

from msgspec.structs import replace

from pipeline.errors import MoonlightError
from pipeline.evidence import Listed
from pipeline.leave import Leave
from pipeline.times import SECOND, slot_of
from pipeline.values import Ack, Approved, Cause, Order, OrderState, Reject, Result, Settlement

Stage = OrderState | Literal["IDLE"]
"""IDLE is where a key stands that has no order."""

MOVES: Mapping[Stage, frozenset[OrderState]] = {
    "IDLE": frozenset({"PREPARE"}),
    "PREPARE": frozenset({"SEND", "ABORT", "UNKNOWN"}),
    "SEND": frozenset({"SEND_RETRY", "CONFIRM", "SETTLED", "CANCELED", "ABORT", "UNKNOWN"}),
    "SEND_RETRY": frozenset({"SEND", "CONFIRM", "SETTLED", "CANCELED", "ABORT", "UNKNOWN"}),
    "CONFIRM": frozenset({"CONFIRM_RETRY", "SETTLED", "CANCELED"}),
    "CONFIRM_RETRY": frozenset({"SETTLED", "CANCELED", "UNKNOWN_RESULT"}),
    "UNKNOWN": frozenset({"SEND_RETRY", "CONFIRM", "SETTLED", "CANCELED", "ABORT"}),
    "UNKNOWN_RESULT": frozenset({"SETTLED", "CANCELED"}),
    "SETTLED": frozenset(),
    "CANCELED": frozenset(),
    "ABORT": frozenset(),
}

UNANSWERED: frozenset[OrderState] = frozenset({"SEND", "SEND_RETRY", "UNKNOWN"})
"""States in which the venue's first answer is news."""
LEAVING = 10 * SECOND
"""An order that has not left by then does not leave at all: whoever waits has given it up."""
EXTERNAL = "X:"
"""How the names of orders begin that somebody else placed: see `external`."""
NAMED = 20
"""Characters of a request's name."""


class IllegalMove(MoonlightError):
    """An order was told to go where its state does not lead."""


def request_of(flow: str, account: str, product: str, tf: int, bar: int) -> str:
    """The name under which a venue hears of an order: always the same for the same bar of the same key of a flow."""
    named = "\0".join((flow, account, product, str(tf), str(bar)))
    return blake2b(named.encode(), digest_size=NAMED // 2).hexdigest()


def slot_end(order: Order) -> int:
    """Until when an order may be sent: the end of the slot it was wanted in.

    That is the one after its bar's at the earliest: where our clock is behind the venue's, a bar is final by its quotes
    before we think that it has ended.
    """
    return max(slot_of(order.wanted_at, order.tf), order.bar + order.tf) + order.tf


def leaves_by(order: Order, within: int = LEAVING, speed: float = 1.0) -> int:
    """Until when an order may leave that was sent: it may wait for its turn, but not into another slot.

    Where a clock goes faster than time passes a second that passes is none too late.
    """
    return min(order.sent_at + int(within * speed), slot_end(order) + int((speed - 1) * SECOND))


def prepared(approved: Approved, flow: str = "") -> Order:
    """An approved ticket as an order whose intent is to be written."""
    ticket = approved.ticket
    return Order(
        order=approved.order,
        account=ticket.account,
        product=ticket.product,
        tf=ticket.tf,
        bar=ticket.bar,
        direction=ticket.direction,
        stake=approved.stake,
        payout=ticket.payout,
        state="PREPARE",
        at=ticket.at,
        request=request_of(flow, ticket.account, ticket.product, ticket.tf, ticket.bar),
        wanted_at=ticket.at,
    )


def moved(order: Order, state: OrderState, at: int, reason: str = "", cause: Cause = "") -> Order:
    if state not in MOVES[order.state]:
        raise IllegalMove(f"order {order.order} is {order.state} and cannot become {state}")
    ended = at if not MOVES[state] else order.ended_at
    return replace(order, state=state, at=at, reason=reason, cause=cause, ended_at=ended)


def judged(order: Order, result: Result, profit: Decimal, at: int, reason: str) -> Order:
    """An order whose end somebody signs for."""
    void = result == "canceled"
    made = moved(order, "CANCELED" if void else "SETTLED", at, reason, "void" if void else "")
    return replace(made, result=result, profit=profit)


def unsent(order: Order, at: int, reason: str) -> Order:
    """An order that will not be sent, or certainly was not."""
    return moved(order, "ABORT", at, reason, "not_sent")


def sent(order: Order, leave: Leave, at: int) -> Order:
    """An order that leaves now, by somebody's leave."""
    if leave.account != order.account:
        raise IllegalMove(f"order {order.order} is of {order.account} and cannot leave by the leave of {leave.account}")
    return replace(moved(order, "SEND", at), sent_at=at, arming=leave.arming)


def answered(order: Order, reply: Ack | Reject | Settlement, heard: int) -> Order | None:
    """The order after a venue's reply; None when the reply says nothing new: a duplicate, or one that came too late."""
    match reply:
        case Ack() if order.state in UNANSWERED:
            opened = moved(order, "CONFIRM", reply.at)
            return replace(opened, contract=reply.contract, expiry=reply.expiry, payout=reply.payout, taken_at=heard)
        case Reject() if order.state in UNANSWERED:
            return replace(moved(order, "ABORT", reply.at, reply.reason, "rejected"), taken_at=heard)
        case Settlement() if "SETTLED" in MOVES[order.state]:
            return ended(order, reply, heard)
        case _:
            return None


def ended(order: Order, end: Settlement, heard: int = 0) -> Order:
    """The order at the end of its contract: settled, or canceled when the contract was void."""
    void = end.result in ("canceled", "abort")
    moved_on = moved(order, "CANCELED" if void else "SETTLED", end.at, cause="void" if void else "")
    return replace(
        moved_on,
        result=end.result,
        profit=end.profit,
        entry_ts=end.entry_ts,
        entry=end.entry,
        exit_ts=end.exit_ts,
        exit=end.exit,
        taken_at=order.taken_at or heard,
    )


def sold(order: Order) -> bool:
    """Whether its contract ended before its expiry: by a second at least, as clocks may differ by less."""
    return 0 < order.ended_at <= order.expiry - SECOND


def external(account: str, contract: str) -> str:
    """The name of an order that somebody else placed. Two venues may have a contract of the same number."""
    return f"{EXTERNAL}{account}:{contract}"


def adopted(account: str, listed: Listed, heard: int) -> Order:
    """A contract of an account that no order of ours accounts for: somebody else's, as one that the venue has."""
    return Order(
        order=external(account, listed.contract),
        account=account,
        product=listed.product,
        tf=listed.tf,
        bar=slot_of(listed.accepted_at, listed.tf) if listed.tf > 0 else listed.accepted_at,
        direction=listed.direction,
        stake=listed.stake,
        payout=listed.payout,
        state="CONFIRM",
        at=listed.accepted_at,
        contract=listed.contract,
        expiry=listed.expiry,
        origin="external",
        wanted_at=listed.accepted_at,
        sent_at=listed.accepted_at,
        taken_at=heard,
    )


def offered(order: Order, ack: Ack) -> Listed:
    """The contract that a venue's answer to an order speaks of, as it would list it."""
    terms = order.product, order.tf, order.direction, order.stake, ack.payout
    return Listed(ack.contract, order.request, *terms, ack.at, ack.expiry)


def end_of(listed: Listed, name: str) -> Settlement | None:
    """How a contract ended, as it is listed; None while it has not."""
    if listed.result is None:
        return None
    prices = listed.entry_ts, listed.entry, listed.exit_ts, listed.exit
    return Settlement(name, listed.result, listed.profit, *prices, listed.closed_at or listed.expiry)
