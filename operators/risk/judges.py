"""What the limits say: how far each is from where it stops, and whether it has been reached for good."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from operators.risk.days import Days
from operators.risk.limits import DAY_BASE, Limit
from operators.risk.results import MEMORY, NOTHING, Rests, Results
from pipeline.times import duration


class Standing(NamedTuple):
    """What one limit looks at, of an account, of a key or of all accounts together."""

    results: Results
    rests: Rests
    balance: Decimal
    at_stake: Decimal
    open: int
    released: int | None
    """When a stop was last released: what a release by hand lets go is counted anew from there."""


class Bounds(NamedTuple):
    """What a limit's value is, what it is held against, and whether that fits."""

    value: Decimal | int | float
    threshold: Decimal | int | float
    fits: bool


@dataclass(frozen=True, slots=True)
class Judge(ABC):
    """One limit, as it is asked. `full` says whether nothing more would fit if another trade went as the last did."""

    limit: Limit
    days: Days

    @abstractmethod
    def asked(self, standing: Standing, at: int, ends: int, stake: Decimal) -> Bounds:
        """Of a trade at a moment that may be settled at another."""

    @abstractmethod
    def full(self, standing: Standing, at: int, stake: Decimal) -> bool: ...

    def since(self, standing: Standing, at: int) -> int:
        """The first moment whose results count."""
        span = self.limit.span
        base = self.days.begin(at) if span is None else at - span + 1
        return base if not self.limit.by_hand or standing.released is None else max(base, standing.released + 1)

    def size(self, then: Decimal) -> Decimal:
        """How much it is, when `then` was the balance at its base."""
        limit = self.limit
        return limit.amount if limit.amount is not None else Decimal(str(limit.share)) * then


class Loss(Judge):
    """What the results come to, if everything open and this stake are lost.

    Gains that will count no more when the trade is settled are not drawn on: the day's not by one that ends tomorrow.
    """

    __slots__ = ()

    def asked(self, standing: Standing, at: int, ends: int, stake: Decimal) -> Bounds:
        since, span = self.since(standing, at), self.limit.span
        plain = standing.results.tally(since).profit
        size = self.size(standing.balance - plain)
        if span is not None:
            left = standing.results.tally(since, ends - span + 1).least
        else:
            left = plain if ends < self.days.end(at) else min(plain, NOTHING)
        worst = left - standing.at_stake - stake
        return Bounds(worst, -size, worst >= -size)

    def full(self, standing: Standing, at: int, stake: Decimal) -> bool:
        result = standing.results.tally(self.since(standing, at)).profit
        return result - stake < -self.size(standing.balance - result)


class Drawdown(Judge):
    """How far the results have fallen from their highest, if everything open and this stake are lost."""

    __slots__ = ()

    def asked(self, standing: Standing, at: int, ends: int, stake: Decimal) -> Bounds:
        fall = standing.results.tally(self.since(standing, at)).fall
        size, worst = self.size(standing.balance + fall), -fall - standing.at_stake - stake
        return Bounds(worst, -size, worst >= -size)

    def full(self, standing: Standing, at: int, stake: Decimal) -> bool:
        fall = standing.results.tally(self.since(standing, at)).fall
        return fall + stake > self.size(standing.balance + fall)


class Target(Judge):
    """What has been gained."""

    __slots__ = ()

    def asked(self, standing: Standing, at: int, ends: int, stake: Decimal) -> Bounds:
        gained = standing.results.tally(self.since(standing, at)).profit
        size = self.size(standing.balance - gained)
        return Bounds(gained, size, gained < size)

    def full(self, standing: Standing, at: int, stake: Decimal) -> bool:
        return not self.asked(standing, at, at, stake).fits


class Trades(Judge):
    """How many trades there were, with those that are open and this one."""

    __slots__ = ()

    def asked(self, standing: Standing, at: int, ends: int, stake: Decimal) -> Bounds:
        made = standing.results.tally(self.since(standing, at)).trades + standing.open
        return Bounds(made + 1, self.count, made < self.count)

    def full(self, standing: Standing, at: int, stake: Decimal) -> bool:
        return standing.results.tally(self.since(standing, at)).trades >= self.count

    @property
    def count(self) -> int:
        assert self.limit.count is not None, "checked when made"
        return self.limit.count


class Streak(Judge):
    """How many trades in a row were lost; unless released by hand, for how many seconds it still rests."""

    __slots__ = ()

    def asked(self, standing: Standing, at: int, ends: int, stake: Decimal) -> Bounds:
        if self.limit.by_hand:
            return Bounds(self._lost(standing, at), self._count, not self.full(standing, at, stake))
        left = max(0, standing.rests.until - at) / 1000
        return Bounds(left, 0, left == 0)

    def full(self, standing: Standing, at: int, stake: Decimal) -> bool:
        return self._lost(standing, at) >= self._count

    def rest(self, at: int, losses: int) -> int:
        """Until when to rest after a loss at a moment, the how manieth in a row it is."""
        if losses < self._count:
            return at
        return self.days.end(at) if self.limit.release in ("", DAY_BASE) else at + duration(self.limit.release)

    def _lost(self, standing: Standing, at: int) -> int:
        since = at - MEMORY + 1
        return standing.results.losses(since if standing.released is None else max(since, standing.released + 1))

    @property
    def _count(self) -> int:
        assert self.limit.count is not None, "checked when made"
        return self.limit.count


KINDS: dict[str, type[Judge]] = {
    "streak": Streak,
    "target": Target,
    "trades": Trades,
    "loss": Loss,
    "drawdown": Drawdown,
}
