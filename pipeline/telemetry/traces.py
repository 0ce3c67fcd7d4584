"""A traded bar as a trace: what became of it is a span each, and its order's name is on all of them."""

from collections.abc import Iterator
from hashlib import blake2b

from pipeline.telemetry.otlp import Span
from pipeline.telemetry.stages import Way
from pipeline.times import timeframe_name, utc_text
from pipeline.values import Order

PARTS = ("quote_to_bar", "bar_to_decision", "decision_to_intent", "intent_to_send", "send_to_answer", "contract")
"""The stages of a way (`stages.STAGES`), and the contract from the answer to its known end."""


def trace_of(life: str, order: str) -> str:
    """The trace of an order in one life of a flow: 32 hexadecimal digits, always the same."""
    return _named(life, order, size=16)


def spans_of(way: Way, life: str, ahead: float) -> Iterator[Span]:
    """The trace of a way, whole first. `ahead` is what its moments lack to be ms UTC."""
    order = way.order
    if order is None:
        return
    trace, root = trace_of(life, order.order), _named(life, order.order, "trade", size=8)
    begun = way.heard or way.final
    failed = f"{order.state.lower()}: {order.reason}" if order.state == "ABORT" else ""
    facts = _facts(order)
    yield Span(trace, root, "", "trade", begun + ahead, way.ended + ahead, facts, failed)
    moments = (way.heard, way.final, way.decided, way.durable, way.sent, way.answered, way.ended)
    named = {"moonlight.order": order.order}
    for name, since, until in zip(PARTS, moments, moments[1:], strict=False):
        if since and until:
            span = _named(life, order.order, name, size=8)
            yield Span(trace, span, root, name, since + ahead, until + ahead, named)


def _facts(order: Order) -> dict[str, str]:
    return {
        "moonlight.order": order.order,
        "moonlight.account": order.account,
        "moonlight.product": order.product,
        "moonlight.timeframe": timeframe_name(order.tf),
        "moonlight.bar": utc_text(order.bar),
        "moonlight.direction": order.direction,
        "moonlight.stake": str(order.stake),
        "moonlight.state": order.state,
        "moonlight.result": order.result or "",
        "moonlight.profit": str(order.profit),
    }


def _named(*of: str, size: int) -> str:
    return blake2b("\0".join(of).encode(), digest_size=size).hexdigest()
