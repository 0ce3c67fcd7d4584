"""Whether a venue settles as the prices say: how many contracts are not explained, and whom those cost."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pipeline.evidence import Audited
from pipeline.gains import profit_of
from pipeline.states import ENDED
from pipeline.statistics.shares import Interval, wilson
from pipeline.values import Order

CONTRACTS = ENDED - {"ABORT"}
"""Orders that had a contract, which is over."""


@dataclass(frozen=True, slots=True)
class Fairness:
    """Counts of audited contracts, and what the unexplained ones cost."""

    explained: int = 0
    unseen: int = 0
    against: int = 0
    """Unexplained, and the venue's prices are worse for the account than ours."""
    favour: int = 0
    """Unexplained, and they are better."""
    neither: int = 0
    cost: Decimal = Decimal(0)
    """What all unexplained ones cost the account together."""
    unaudited: int = 0
    """Ended, and nobody held them against our ticks: not yet, or they are of before there were audits."""

    @property
    def unexplained(self) -> int:
        return self.against + self.favour + self.neither

    @property
    def judged(self) -> int:
        return self.explained + self.unexplained

    @property
    def share(self) -> Interval:
        """Where the share of contracts that are not explained may lie."""
        return wilson(self.unexplained, self.judged)

    @property
    def by_luck(self) -> float:
        """The chance that so many or more of the sided ones go against the account when mistakes have no side."""
        sided = self.against + self.favour
        return sum(math.comb(sided, count) for count in range(self.against, sided + 1)) / 2**sided

    def __str__(self) -> str:
        if not self.unaudited:
            return self._judgement()
        have = "has" if self.unaudited == 1 else "have"
        return f"{self._judgement()}; {self.unaudited:,} more {have} no audit"

    def _judgement(self) -> str:
        if not self.judged:
            return f"no settlement could be held against our ticks ({self.unseen:,} unseen)"
        unseen = f"; {self.unseen:,} more were not seen by our ticks" if self.unseen else ""
        if not self.unexplained:
            most = f"of such settlements at the most {self.share.high * 100:.2g} % are not, at 95 %"
            return f"all {self.judged:,} settlements are explained by our ticks ({most}){unseen}"
        shares = f"{self.unexplained / self.judged * 100:.2g} %, {self.share.low * 100:.2g}–{self.share.high * 100:.2g}"
        are = "is" if self.unexplained == 1 else "are"
        what = f"{self.unexplained:,} of {self.judged:,} settlements {are} not explained"
        return f"{what} by our ticks ({shares}){self._sides()}{unseen}"

    def _sides(self) -> str:
        sided = self.against + self.favour
        if not sided:
            return "; they have no side"
        whom = f"{self.against:,} are against you and {self.favour:,} in your favour"
        if not self.favour:
            whom = ("it is", "both are", f"all {sided:,} are")[min(sided, 3) - 1] + " against you"
        paid = f"they cost {self.cost:,}" if self.cost >= 0 else f"they paid you {-self.cost:,}"
        return f"; {whom}, as luck would have it in {_chance(self.by_luck)}; {paid}"


def fairness(audits: Iterable[Audited], orders: Mapping[str, Order]) -> Fairness:
    """Of audits whose orders are known, and how many of these orders ended without one."""
    audited: set[str] = set()
    counts = {"explained": 0, "unseen": 0, "against": 0, "favour": 0, "neither": 0}
    total = Decimal(0)
    for each in audits:
        order = orders.get(each.order)
        if order is None:
            continue
        audited.add(each.order)
        if each.verdict != "unexplained":
            counts[each.verdict] += 1
            continue
        total += cost_of(each, order)
        worse = worse_by(each, order)
        counts["against" if worse > 0 else "favour" if worse < 0 else "neither"] += 1
    unaudited = sum(each.state in CONTRACTS and name not in audited for name, each in orders.items())
    return Fairness(**counts, cost=total, unaudited=unaudited)


def cost_of(audited: Audited, order: Order) -> Decimal:
    """What the account would have more by our prices."""
    if audited.result is None:
        return Decimal(0)
    return profit_of(audited.result, order.stake, order.payout) - order.profit


def worse_by(audited: Audited, order: Order) -> float:
    """How much worse for the account the venue's prices are than ours; money where there are not two prices each."""
    if not (order.entry_ts and order.exit_ts and audited.entry_ts and audited.exit_ts):
        return float(cost_of(audited, order))
    ours, theirs = audited.exit - audited.entry, order.exit - order.entry
    return (ours - theirs) * (1 if order.direction == "call" else -1)


def facts(found: Fairness) -> dict[str, Any]:
    names = ("explained", "unexplained", "unseen", "unaudited", "against", "favour", "neither")
    share = found.share
    return {
        **{name: getattr(found, name) for name in names},
        "cost": str(found.cost),
        "share": {"low": share.low, "high": share.high, "level": share.level},
        "by_luck": found.by_luck,
        "text": str(found),
    }


def _chance(chance: float) -> str:
    return f"{chance * 100:.2g} % of cases" if chance >= 0.0001 else "less than 0.01 % of cases"
