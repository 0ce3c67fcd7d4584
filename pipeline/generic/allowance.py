"""How often a broker may be asked, as a flow file says it, and what a flow asks of it in its busiest minute."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from math import ceil
from typing import Annotated, Literal

from msgspec import Meta

from pipeline.connections.contract import Busy, Limit, Need
from pipeline.times import MINUTE, SECOND

Call = Literal[
    "capabilities",
    "login",
    "ping",
    "account",
    "entries",
    "order",
    "contract",
    "orders",
    "cancel",
    "payout",
    "quote",
    "candles",
    "ticks",
]
"""The kinds of calls of the endpoint contract."""
PER_MINUTE = Annotated[int, Meta(ge=1, le=100_000)]


@dataclass(frozen=True, kw_only=True)
class Allowance:
    """So many calls of some kinds in a minute and in an hour, for each account or for this machine."""

    per_minute: PER_MINUTE
    calls: tuple[Call, ...] = ()
    """Empty: every kind that no other allowance names."""
    per_hour: PER_MINUTE | None = None
    reserve: Annotated[int, Meta(ge=0)] = 0
    scope: Literal["account", "address"] = "account"

    def __post_init__(self) -> None:
        if self.reserve >= self.per_minute:
            raise ValueError(f"reserve {self.reserve} leaves nothing of {self.per_minute} a minute; make it smaller")
        if self.per_hour is not None and self.per_hour < self.per_minute:
            raise ValueError(f"per_hour {self.per_hour} is less than {self.per_minute} a minute; swap them")

    def limit(self) -> Limit:
        return Limit(
            " + ".join(self.calls) or "requests",
            frozenset(self.calls),
            self.per_minute,
            self.per_hour,
            reserve=self.reserve,
            scope=self.scope,
        )


USUAL = (Allowance(per_minute=60, reserve=10),)
"""What is asked of a broker that says nothing: one call a second."""


def wrong_with(allowances: tuple[Allowance, ...]) -> str:
    """Why several allowances do not go together; "" when they do."""
    named = [call for each in allowances for call in each.calls]
    if twice := sorted({call for call in named if named.count(call) > 1}):
        return f"rates name {twice[0]} twice; each kind of call belongs to one of them"
    if sum(not each.calls for each in allowances) > 1:
        return "rates have two without calls; name the calls of one of them"
    return ""


def venue_needs(busy: Busy, *, streams: bool, poll_ms: int, payout_ms: int) -> Iterator[Need]:
    """What a flow's accounts ask of their broker."""
    for account, orders in sorted(busy.orders.items()):
        an_hour = float(busy.orders_an_hour[account])
        yield Need("order", orders, f"orders of {account}", "order", account=account, per_hour=an_hour)
        asked, asked_an_hour = busy.questions.get(account, 0.0), busy.questions_an_hour.get(account, 0.0)
        for call in ("orders", "entries"):
            what = f"questions of {account}'s executor"
            yield Need(call, asked, what, "result", account=account, per_hour=asked_an_hour)
        if not streams:
            what = f"ends of contracts, every {poll_ms / SECOND:g} s"
            yield Need("orders", MINUTE / poll_ms, what, "result", partial(_polled, poll_ms), account)
        yield Need("ping", 1, "how far the broker's clock is from ours", "quote", account=account)
    if busy.orders:
        pairs = len(busy.products) * len(busy.timeframes)
        what = f"payouts of {pairs} products and durations, every {payout_ms / SECOND:g} s"
        # One account asks for all of them.
        yield Need("payout", pairs * MINUTE / payout_ms, what, "quote", partial(_paid, payout_ms), min(busy.orders))


def source_needs(products: int, *, streams: bool, poll_ms: int) -> Iterator[Need]:
    """What a source of prices asks."""
    if not streams:
        what = f"quotes of {products} products, every {poll_ms / SECOND:g} s"
        yield Need("quote", products * MINUTE / poll_ms, what, "quote", partial(_polled, poll_ms))


def _polled(poll_ms: int, times: float) -> str:
    return f"poll_seconds = {ceil(round(poll_ms * times / SECOND, 6))}"


def _paid(payout_ms: int, times: float) -> str:
    return f'payout_every = "{ceil(round(payout_ms * times / SECOND, 6))}s"'
