"""Sections on the way of orders: how long each stage takes, and what has not ended."""

from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np

from pipeline.reporting.said import Section
from pipeline.reporting.subjects import Subject
from pipeline.states import ENDED, UNSURE
from pipeline.times import local_text, timeframe_name
from pipeline.values import Order

SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
NOT_ENDED = "not_ended"
MOST = 8
"""So many orders that have not ended are named; the others are counted."""


class Stage(NamedTuple):
    """One part of an order's way, from a stamp to the next; no time where one of them is missing."""

    name: str
    said: str
    begin: Callable[[Order], int]
    end: Callable[[Order], int]

    def took(self, orders: Iterable[Order]) -> list[int]:
        stamps = ((self.begin(order), self.end(order)) for order in orders)
        return [end - begin for begin, end in stamps if begin and end]


def _final(order: Order) -> int:
    return order.bar + order.tf


STAGES = (
    Stage("decided", "bar to decision", _final, attrgetter("wanted_at")),
    Stage("sent", "to sending", attrgetter("wanted_at"), attrgetter("sent_at")),
    Stage("answered", "to the answer", attrgetter("sent_at"), attrgetter("taken_at")),
    Stage("entered", "sending to entry tick", attrgetter("sent_at"), attrgetter("entry_ts")),
    Stage("ended", "expiry to known end", attrgetter("expiry"), attrgetter("ended_at")),
)


def stages(of: Subject) -> Section | None:
    """For each account by itself: each has its own line to its venue."""
    by_account: dict[str, list[Order]] = {}
    for order in of.orders:
        if order.origin == "flow":
            by_account.setdefault(order.account, []).append(order)
    facts = {account: found for account, some in sorted(by_account.items()) if (found := _latencies(some))}
    if not facts:
        return None
    said = "; ".join(
        f"{f'{account}: ' if len(facts) > 1 else ''}{', '.join(_said(name, each) for name, each in found.items())}"
        for account, found in facts.items()
    )
    return Section("stages", "stages", f"ms at 50/95/99 %: {said}", facts)


def unended(of: Subject) -> Section | None:
    """Orders that have not ended; those of which nobody knows what became of them come first."""
    waiting = [order for order in of.orders if order.state not in ENDED]
    if not waiting:
        return None
    waiting.sort(key=lambda order: (order.state not in UNSURE, order.at, order.order))
    unsure = sum(order.state in UNSURE for order in waiting)
    named = [_waiting(order, of) for order in waiting[:MOST]]
    left = [f"and {len(waiting) - MOST:,} more"] if len(waiting) > MOST else []
    counts = f"{len(waiting) - unsure:,} open, {unsure:,} unknown"
    facts = {
        "open": len(waiting) - unsure,
        "unknown": unsure,
        "orders": [
            {"order": order.order, "state": order.state, "at": order.at, "reason": order.reason} for order in waiting
        ],
    }
    return Section(NOT_ENDED, "not ended", f"{counts}: {'; '.join([*named, *left])}", facts)


def _latencies(orders: Iterable[Order]) -> dict[str, dict[str, Any]]:
    """Of each stage that any of the orders went through: its quantiles in ms, and of how many."""
    took = {stage.name: stage.took(orders) for stage in STAGES}
    return {
        name: {"n": len(some)} | dict(zip(SHARES, np.quantile(some, list(SHARES.values())).tolist(), strict=True))
        for name, some in took.items()
        if some
    }


def _said(name: str, found: dict[str, Any]) -> str:
    words = next(stage.said for stage in STAGES if stage.name == name)
    return f"{words} {'/'.join(f'{found[share]:,.0f}' for share in SHARES)}"


def _waiting(order: Order, of: Subject) -> str:
    since = local_text(order.at, of.zone, "%Y-%m-%d %H:%M:%S")
    key = f"{order.account} {order.product} {timeframe_name(order.tf)} {order.direction} {order.stake}"
    return f"{key} {order.state} since {since}{f' ({order.reason})' if order.reason else ''}"
