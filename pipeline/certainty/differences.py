"""What is not accounted for between the ledger's orders and what a venue lists: a sentence for each thing."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from pipeline.evidence import Dispute, Listed
from pipeline.states import ENDED
from pipeline.times import MINUTE, utc_text
from pipeline.values import Order

GRACE = MINUTE
"""How long after a contract's expiry its end may be told."""
CAUSES: Mapping[str, str] = {
    "not_sent": "which was never sent",
    "rejected": "which the venue said it refused",
    "absent": "of which it was proved that there is none",
}


def of_contract(listed: Listed, order: Order | None) -> Iterator[str]:
    """What is odd about a contract the venue lists, held against the ledger's order of it."""
    if order is None:
        yield f"contract {listed.contract} is in no row of the ledger: {_told(listed)}"
    elif order.origin == "external":
        yield f"contract {listed.contract} was placed by somebody else: {_told(listed)}"
    elif order.state == "ABORT":
        what = CAUSES.get(order.cause, "which came to nothing here")
        yield f"contract {listed.contract} is of order {order.order}, {what}: {_told(listed)}"
    elif order.contract and order.contract != listed.contract:
        whose = f"order {order.order}, which has {order.contract}"
        yield f"contract {listed.contract} is a second one of {whose}: {_told(listed)}"
    else:
        yield from _of_end(order, listed)


def of_order(order: Order, listed: Listed | None, as_of: int) -> Iterator[str]:
    """What is odd about an order of ours that should be among the contracts listed up to a moment."""
    if order.state == "UNKNOWN":
        yield f"order {order.order} is UNKNOWN: nobody knows whether the venue has a contract of it"
    elif listed is None:
        yield f"contract {order.contract} of order {order.order} is not listed by the venue"
    elif listed.result is None and listed.expiry + GRACE < as_of:
        expired = f"contract {listed.contract} of order {order.order} expired at {utc_text(listed.expiry)}"
        if order.state in ENDED:
            yield f"{expired}, is {_end(order.result, order.profit)} here and still open at the venue"
        else:
            yield f"{expired} and its settlement is missing"


def of_balance(difference: Decimal, balance: Decimal) -> Iterator[str]:
    """What the account holds beside what is accounted for."""
    if difference > 0:
        causes = "a deposit, a bonus or a correction"
        yield f"the account holds {balance}, {difference} more than is accounted for: {causes} nobody told of"
    elif difference < 0:
        causes = "a withdrawal, a fee or a correction"
        yield f"the account holds {balance}, {-difference} less than is accounted for: {causes} nobody told of"


def of_dispute(dispute: Dispute) -> str:
    what = f"order {dispute.order}" if dispute.order else f"money of {dispute.account}"
    return f"{what} was {dispute.was} and is {dispute.now} now"


def _of_end(order: Order, listed: Listed) -> Iterator[str]:
    if listed.stake != order.stake:
        yield f"order {order.order} has a stake of {order.stake} here and of {listed.stake} at the venue"
    if listed.result is None:
        return
    ours, theirs = (order.result, order.profit), (listed.result, listed.profit)
    if order.state in ENDED and ours != theirs:
        yield f"order {order.order} is {_end(*ours)} here and {_end(*theirs)} at the venue"
    elif order.state not in ENDED:
        yield f"order {order.order} is {order.state} here and {_end(*theirs)} at the venue"


def _told(listed: Listed) -> str:
    end = "still open" if listed.result is None else _end(listed.result, listed.profit)
    return f"{listed.stake} {listed.direction} {listed.product} at {utc_text(listed.accepted_at)}, {end}"


def _end(result: str | None, profit: Decimal) -> str:
    return f"{result or 'without an end'} {profit:+}"
