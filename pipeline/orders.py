"""The life of an order, as a table that refuses every move it does not name.

SENDING is durable before the first byte leaves. What happened to an order is known only from the venue: time alone
moves it to UNKNOWN, and only evidence moves it on from there.
"""

from collections.abc import Mapping
from decimal import Decimal

from msgspec.structs import replace

from pipeline.errors import MoonlightError
from pipeline.values import Ack, Approved, Order, OrderState, Reject, Settlement

MOVES: Mapping[OrderState, frozenset[OrderState]] = {
    "SENDING": frozenset({"OPEN", "REJECTED", "NOT_SENT", "UNKNOWN", "SETTLED"}),
    "OPEN": frozenset({"SETTLED", "UNKNOWN"}),
    "UNKNOWN": frozenset({"OPEN", "REJECTED", "SETTLED"}),
    "SETTLED": frozenset(),
    "REJECTED": frozenset(),
    "NOT_SENT": frozenset(),
}


class IllegalMove(MoonlightError):
    """An order was told to go where its state does not lead."""


def sending(approved: Approved) -> Order:
    """An approved ticket as an order on its way."""
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
        state="SENDING",
        at=ticket.at,
    )


def moved(order: Order, state: OrderState, at: int, reason: str = "") -> Order:
    if state not in MOVES[order.state]:
        raise IllegalMove(f"order {order.order} is {order.state} and cannot become {state}")
    return replace(order, state=state, at=at, reason=reason)


def answered(order: Order, reply: Ack | Reject | Settlement) -> Order | None:
    """The order after a venue's reply; None when the reply says nothing new: a duplicate, or one that came too late."""
    match reply:
        case Ack() if order.state in ("SENDING", "UNKNOWN"):
            opened = moved(order, "OPEN", reply.at)
            return replace(opened, contract=reply.contract, expiry=reply.expiry, payout=reply.payout)
        case Reject() if order.state in ("SENDING", "UNKNOWN"):
            return moved(order, "REJECTED", reply.at, reply.reason)
        case Settlement() if order.state in ("SENDING", "OPEN", "UNKNOWN"):
            return replace(
                moved(order, "SETTLED", reply.at),
                result=reply.result,
                profit=Decimal(reply.profit),
                entry_ts=reply.entry_ts,
                entry=reply.entry,
                exit_ts=reply.exit_ts,
                exit=reply.exit,
            )
        case _:
            return None
