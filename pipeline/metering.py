"""How each account fares, as numbers for a chart: measured at the end of each minute in which an order moved.

They are of the orders of one life of the flow. A number stands until the next of its name.
"""

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import get_args

import numpy as np

from pipeline.evidence import Called, Measured, Offered, Standing, StandingState, Trouble, TroubleKind
from pipeline.orders import sold
from pipeline.states import ENDED, UNSURE
from pipeline.statistics.rates import PayoutMix, WinRate
from pipeline.times import MINUTE
from pipeline.values import Order, OrderState, Payouts

ANSWERS = 500
"""Of so many of the last answers it is told how long they took."""
STATES: tuple[OrderState, ...] = get_args(OrderState)


class Meters:
    """The accounts of a flow, and which of them had an order that moved since they were last measured."""

    def __init__(self) -> None:
        self._accounts: dict[str, Account] = {}
        self._moved: set[str] = set()
        self.due: int | None = None

    def take(self, order: Order, at: int) -> None:
        self._accounts.setdefault(order.account, Account()).take(order)
        self._measure_by(order.account, at)

    def tell(self, told: Standing | Trouble | Called, at: int) -> None:
        """How an account stands with its venue, what went wrong between them, and how much was asked in a minute."""
        whose = told.whose if isinstance(told, Trouble) else told.account
        account = self._accounts.setdefault(whose, Account())
        match told:
            case Standing():
                account.standing = told.state
            case Trouble():
                account.troubles[told.kind] += 1
            case Called():
                account.called = told
        self._measure_by(whose, at)

    def _measure_by(self, whose: str, at: int) -> None:
        self._moved.add(whose)
        if self.due is None:
            self.due = (at // MINUTE + 1) * MINUTE

    def measure(self, at: int) -> Iterator[Measured]:
        """What has changed by a moment, if it is due."""
        if self.due is None or at < self.due:
            return
        moment, self.due = self.due, None
        for name in sorted(self._moved):
            changed = self._accounts[name].changed()
            if changed:
                yield Measured(name, moment, changed)
        self._moved.clear()


@dataclass(eq=False)
class Account:
    """What is known of one account's orders."""

    alive: dict[str, Order] = field(default_factory=dict[str, Order])
    ended: Counter[OrderState] = field(default_factory=Counter[OrderState])
    results: Counter[str] = field(default_factory=Counter[str])
    payouts: PayoutMix = field(default_factory=PayoutMix)
    profit: Decimal = Decimal(0)
    troubles: Counter[TroubleKind] = field(default_factory=Counter[TroubleKind])
    standing: StandingState | None = None
    called: Called | None = None
    answers: deque[int] = field(default_factory=lambda: deque[int](maxlen=ANSWERS))
    told: dict[str, float] = field(default_factory=dict[str, float])

    def take(self, order: Order) -> None:
        before = self.alive.pop(order.order, None)
        if before is not None and order.taken_at and not before.taken_at and order.sent_at:
            self.answers.append(order.taken_at - order.sent_at)
        if order.state not in ENDED:
            self.alive[order.order] = order
            return
        self.ended[order.state] += 1
        self.profit += order.profit
        if order.state == "SETTLED" and order.result is not None and not sold(order):
            self.results[order.result] += 1
            if order.result in ("win", "lose"):
                self.payouts = self.payouts.with_trade(order.stake, order.payout)

    def changed(self) -> dict[str, float]:
        """The numbers that are others than they were when this was asked before; 0 at first."""
        now = dict(self._numbers())
        changed = {name: value for name, value in now.items() if self.told.get(name, 0.0) != value}
        self.told |= now
        return changed

    def _numbers(self) -> Iterator[tuple[str, float]]:
        states = Counter(order.state for order in self.alive.values())
        for state in STATES:
            yield f"orders_{state.lower()}", float(states[state] + self.ended[state])
        unknown = sum(states[state] for state in UNSURE)
        yield "unknown", float(unknown)
        yield "open", float(len(self.alive) - unknown)
        yield "profit", float(self.profit)
        yield from self._rate()
        for kind, count in sorted(self.troubles.items()):
            yield f"troubles_{kind}", float(count)
        if self.standing is not None:
            yield "connected", float(self.standing == "CONNECTED")
        if self.called is not None:
            yield "requests_a_minute", float(self.called.calls)
            yield "requests_failed", float(self.called.failed)
            yield "call_ms_mean", self.called.millis
        if self.answers:
            median, most = np.quantile(self.answers, (0.5, 0.95)).tolist()
            yield "answer_ms_p50", median
            yield "answer_ms_p95", most

    def _rate(self) -> Iterator[tuple[str, float]]:
        """The win rate with all without which it means nothing."""
        wins, losses, ties = (self.results[word] for word in ("win", "lose", "push"))
        yield from (("won", float(wins)), ("lost", float(losses)), ("ties", float(ties)))
        rate = WinRate(wins=wins, losses=losses, ties=ties, payouts=self.payouts)
        if rate.share is not None and rate.break_even is not None:
            yield "win_rate", rate.share
            yield "win_rate_low", rate.interval.low
            yield "win_rate_high", rate.interval.high
            yield "break_even", rate.break_even


class Offers:
    """What venues pay for each product: only what is another ratio than before."""

    def __init__(self) -> None:
        self._ratios: dict[str, float] = {}
        self._rows: list[tuple[str, int, float]] = []

    def take(self, payouts: Payouts) -> None:
        known = np.isfinite(payouts.ratio)
        ts, ratio = payouts.ts[known], payouts.ratio[known]
        if not len(ratio):
            return
        before = self._ratios.get(payouts.product, np.nan)
        # The first is unlike what is not known: not a number.
        for row in np.flatnonzero(np.diff(ratio, prepend=before) != 0).tolist():
            self._rows.append((payouts.product, int(ts[row]), float(ratio[row])))
        self._ratios[payouts.product] = float(ratio[-1])

    def given(self) -> Iterator[Offered]:
        """What has changed since this was asked before."""
        if self._rows:
            rows, self._rows = tuple(self._rows), []
            yield Offered(rows)
