"""A venue of our own: it takes every order at the prices of the day and settles it from them."""

import re
from collections.abc import Mapping
from dataclasses import field, replace
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta
from reactivex import Observable

from pipeline.evidence import Closing, Declined, Evidence, Inquiry, Lost, Statement, Struck, Unsent
from pipeline.host import Host
from pipeline.parts import Derived, venue
from pipeline.permission import Permission
from pipeline.settlement import Tie
from pipeline.times import HOUR
from pipeline.values import Ack, Bars, Order, Past, Payouts, Quotes, Reject, Settlement
from pipeline.venues.desk import served
from pipeline.venues.faults import Storm, Strike, wrong_with
from pipeline.venues.house import House
from pipeline.venues.memory import Memory, known_until
from pipeline.venues.rules import Rules
from pipeline.venues.selling import EarlyClose

Ratio = Annotated[float, Meta(gt=0, le=10)]
Wait = Annotated[int, Meta(ge=0, le=3_600_000)]
OWN_FILE = re.compile(r"[\w-]{1,60}\.db")
LEDGER_FILE = "ledger.db"


@venue
class Practice:
    """Takes orders without money and settles them by the fixed-time rules from the prices it is given.

    `payout` is a fixed ratio, or "market" for the ratio the source gave when the order was sent. An order is accepted
    `latency_ms` after it was sent, up to `latency_jitter_ms` more as drawn from `latency_seed`, and its settlement is
    told `settle_delay_ms` after it expired; questions for a statement take as long, the first of an account no time.
    `evidence` says what it can prove of an order: make it weaker to try a flow against a broker that can prove less.
    `faults` make it and the wire to it fail: a list of strikes, or rates with a seed. With `memory`, a file in the
    flow's folder, it keeps its own book as a broker does; without one it goes by the ledger after a restart. A replay
    has no memory. With `early_close` it takes contracts back before their expiry.
    """

    payout: Annotated[
        Ratio | Literal["market"], Meta(description="what a win pays for each unit of stake: 0.87 is 87 %")
    ] = "market"
    latency_ms: Annotated[Wait, Meta(description="from an order's sending to its acceptance")] = 120
    latency_jitter_ms: Annotated[Wait, Meta(description="up to so much longer, drawn for each order and question")] = 0
    latency_seed: Annotated[int, Meta(ge=0, description="what that is drawn from")] = 0
    settle_delay_ms: Annotated[Wait, Meta(description="from a contract's expiry until its end is told")] = 200
    tie: Annotated[Tie, Meta(description="whether the stake comes back when exit equals entry")] = "push"
    min_stake: Annotated[Decimal, Meta(description="orders below it are rejected")] = Decimal("0.35")
    max_stake: Annotated[Decimal, Meta(description="orders above it are rejected")] = Decimal(50_000)
    evidence: Annotated[Evidence, Meta(description="what it can prove of an order")] = Evidence(
        lists=True, echoes=True, once=True
    )
    faults: Annotated[
        Storm | tuple[Strike, ...], Meta(description="what goes wrong: a list of strikes, or rates with a seed")
    ] = ()
    memory: Annotated[str, Meta(description="the file of its own book, in the flow's folder; none when left out")] = ""
    early_close: Annotated[
        EarlyClose | None, Meta(description="by what it takes contracts back before their expiry; not when left out")
    ] = None
    balances: Annotated[Mapping[str, Decimal], Derived] = field(default_factory=dict[str, Decimal])

    @property
    def permission(self) -> Permission:
        return Permission("the practice venue: nobody's money, nobody's permission needed", rehearsal=True)

    def __post_init__(self) -> None:
        if self.min_stake > self.max_stake:
            raise ValueError(f"min_stake {self.min_stake} is above max_stake {self.max_stake}; no order could be taken")
        # No order comes to life before it is accepted; and what is taken back is for `early_close` to say.
        slowest, closes = self.latency_ms + self.latency_jitter_ms, self.early_close is not None
        late_ms = max(self.evidence.late_ms, slowest)
        if slowest > HOUR:
            raise ValueError("latency_ms and latency_jitter_ms are more than an hour together; write less")
        if self.evidence.closes and not closes:
            raise ValueError("evidence says closes, and there is no early_close; write early_close = {}")
        if (late_ms, closes) != (self.evidence.late_ms, self.evidence.closes):
            object.__setattr__(self, "evidence", replace(self.evidence, late_ms=late_ms, closes=closes))
        if wrong := wrong_with(self.faults, slowest, self.evidence.late_ms, self.balances):
            raise ValueError(wrong)
        if self.memory and (self.memory == LEDGER_FILE or not OWN_FILE.fullmatch(self.memory)):
            raise ValueError(f'memory is {self.memory!r}; write the name of a file of its own, like "broker.db"')

    def __call__(
        self,
        host: Host,
        orders: Observable[Order | Inquiry | Closing],
        prices: Observable[Quotes | Bars],
        payouts: Observable[Payouts],
        past: Observable[Past],
    ) -> Observable[Ack | Reject | Unsent | Lost | Declined | Settlement | Statement | Struck | Payouts]:
        return served(host, lambda: self.house(host), orders, prices, payouts, past)

    def remembers_until(self, folder: Path) -> int | None:
        """The latest moment of a contract in its own book, a file in the flow's folder; None without one."""
        return known_until(folder / self.memory) if self.memory else None

    def house(self, host: Host) -> House:
        """The venue itself: as it was left, when it has a memory."""
        rules = Rules(
            None if self.payout == "market" else self.payout,
            self.latency_ms,
            self.settle_delay_ms,
            self.tie,
            self.min_stake,
            self.max_stake,
            self.evidence,
            self.early_close,
            latency_jitter_ms=self.latency_jitter_ms,
            latency_seed=self.latency_seed,
        )
        if not self.memory or host.mode == "replay":
            return House(rules, self.balances, self.faults, began=host.now())
        memory = Memory.opened(host.folder / self.memory)
        book, new = memory.book()
        now = host.now()
        return House(rules, self.balances, self.faults, began=memory.began(now), now=now, book=book, remembers=not new)
