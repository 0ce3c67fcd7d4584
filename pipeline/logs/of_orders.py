"""What there is to say of decisions, of orders on their way, and of what venues answer to them."""

from collections.abc import Iterator, Mapping
from datetime import tzinfo

from pipeline.evidence import Declined, Lost, Unsent, Written
from pipeline.logs.records import Fact, LogLevel, Said
from pipeline.orders import sold
from pipeline.times import local_text, timeframe_name
from pipeline.values import Ack, Approved, Decisions, Order, OrderState, Reject, Settlement

SIDES = {1: "call", -1: "put", 0: "no direction"}
LEVELS: Mapping[OrderState, LogLevel] = {
    "PREPARE": "debug",
    "SEND": "info",
    "SEND_RETRY": "warning",
    "CONFIRM": "info",
    "CONFIRM_RETRY": "warning",
    "SETTLED": "info",
    "CANCELED": "warning",
    "ABORT": "warning",
    "UNKNOWN": "warning",
    "UNKNOWN_RESULT": "warning",
}


def decided(node: str, decisions: Decisions, row: int, approved: Approved) -> Said:
    """A bar that is traded."""
    ticket = approved.ticket
    return Said(
        "info",
        node,
        f"decided: {ticket.direction} {approved.stake} · {_key(decisions)}"
        f" · score {ticket.score:+.2f}, payout {ticket.payout:.2f}",
        approved.order,
        {"verdict": "trade", "direction": ticket.direction, "stake": str(approved.stake), **_scored(decisions, row)},
        int(decisions.at[row]),
    )


def refused(node: str, decisions: Decisions, row: int) -> Said:
    """A bar that is not, by the first gate that said no."""
    gate = decisions.gates[int(decisions.verdict[row])]
    value, threshold = float(decisions.value[row]), float(decisions.threshold[row])
    bar = int(decisions.open_ts[row])
    return Said(
        "debug",
        node,
        f"not traded: {gate} {value:.4g} against {threshold:.4g} · {_key(decisions)}",
        f"{decisions.account}:{decisions.product}:{timeframe_name(decisions.tf)}:{bar}",
        {"verdict": gate, "value": value, "threshold": threshold, **_scored(decisions, row)},
        int(decisions.at[row]),
    )


def of_order(node: str, order: Order, zone: tzinfo) -> Said:
    """What became of an order."""
    facts: dict[str, Fact] = {
        "state": order.state,
        "account": order.account,
        "product": order.product,
        "timeframe": timeframe_name(order.tf),
        "direction": order.direction,
        "stake": str(order.stake),
    }
    if order.contract:
        facts |= {"contract": order.contract, "payout": order.payout, "expiry": order.expiry}
    if order.result is not None:
        facts |= {"result": order.result, "profit": str(order.profit), "entry": order.entry, "exit": order.exit}
    if order.cause:
        facts["cause"] = order.cause
    what = f"{order.direction} {order.stake} · {order.product} {timeframe_name(order.tf)} {order.account}"
    reason = f" · {order.reason}" if order.reason else ""
    said = f"{_became(order, zone)} · {what}{reason}"
    return Said(LEVELS[order.state], node, said, order.order, facts, order.at)


def of_reply(node: str, reply: Ack | Reject | Settlement | Unsent | Lost | Declined | Written) -> Iterator[Said]:
    """What a venue says of an order, or the ledger, before anybody has made anything of it."""
    at = 0 if isinstance(reply, Written) else reply.at
    match reply:
        case Ack():
            said = f"the venue took it as contract {reply.contract}, payout {reply.payout:.2f}"
        case Reject():
            said = f"the venue did not take it: {reply.reason}"
        case Settlement():
            said = f"the venue says {reply.result} {reply.profit:+}, entry {reply.entry:g}, exit {reply.exit:g}"
        case Unsent():
            said = f"no byte of it left: {reply.reason}"
        case Lost():
            said = f"no answer will come any more: {reply.reason}"
        case Declined():
            said = f"the venue does not take it back: {reply.reason}"
        case Written():
            said = "its intent is on disk" if reply.fresh else "there is an intent for its bar already, which stands"
    yield Said("debug", node, said, reply.order, at=at)


def _became(order: Order, zone: tzinfo) -> str:
    match order.state:
        case "PREPARE":
            return "its intent is being written"
        case "SEND":
            return "sent"
        case "SEND_RETRY":
            return "did not arrive, and is sent once more"
        case "CONFIRM":
            return f"acknowledged: contract {order.contract} until {local_text(order.expiry, zone, '%H:%M:%S')}"
        case "CONFIRM_RETRY":
            return "its end is overdue, and asked for"
        case "SETTLED":
            early = " before its expiry" if sold(order) else ""
            return f"settled: {order.result} {order.profit:+}{early}"
        case "CANCELED":
            return "canceled: the stake came back"
        case "ABORT":
            return f"came to nothing ({order.cause.replace('_', ' ') or 'not sent'})"
        case "UNKNOWN":
            return "UNKNOWN: nobody knows whether the venue has it"
        case "UNKNOWN_RESULT":
            return "UNKNOWN RESULT: nobody knows how its contract ended"


def _key(decisions: Decisions) -> str:
    return f"{decisions.product} {timeframe_name(decisions.tf)} {decisions.account}"


def _scored(decisions: Decisions, row: int) -> dict[str, Fact]:
    return {
        "score": float(decisions.score[row]),
        "payout": float(decisions.payout[row]),
        "bar": int(decisions.open_ts[row]),
    }
