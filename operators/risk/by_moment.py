"""The gates that judge an account at the moment a trade would be made. What is not known is a no."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from math import isfinite, sqrt
from typing import Protocol

from operators.risk.book import Book
from operators.risk.days import Days
from operators.risk.judges import Bounds, Judge
from operators.risk.lifetimes import CALM
from operators.risk.memory import Memory
from operators.risk.results import NOTHING
from operators.risk.terms import Margin, OpenPer, Together
from pipeline.times import MINUTE
from pipeline.values import GateRow, Key, Order

SETTLING = MINUTE
"""How long after its slot a trade may take to be settled and still be of that day."""


@dataclass(eq=False)
class Case:
    """One bar of one account, at its moment, with all that is known then."""

    key: Key
    bar: int
    at: int
    payout: float
    probability: float
    error: float
    staked: Callable[[], Decimal]
    book: Book
    memory: Memory
    feed: tuple[GateRow, ...]

    @cached_property
    def stake(self) -> Decimal:
        """Asked of the stake rule by the first gate that weighs it."""
        return self.staked()

    @property
    def ends(self) -> int:
        """By when the trade may be settled."""
        return self.at + self.key.tf + SETTLING


class MomentGate(Protocol):
    """One gate."""

    @property
    def name(self) -> str: ...
    def __call__(self, case: Case) -> GateRow: ...


def answer(name: str, value: float, threshold: float, fits: bool, word: str = "") -> GateRow:
    return GateRow(name, float(value), float(threshold), "yes" if fits else "no", word)


class Killed:
    """A stop holds that somebody must release, or nobody knows what the account has."""

    name: str = "killed"

    def __call__(self, case: Case) -> GateRow:
        if case.key.account in case.memory.unsound:
            return answer(self.name, 1, 0, fits=False, word="an amount that is none was told of this account")
        latch = case.memory.latches.holding(case.key.account)
        return answer(self.name, latch is not None, 0, latch is None, "" if latch is None else latch.reason)


class Stopped:
    """The key is stopped, rests after errors, or waits for a change of the flow."""

    name: str = "stopped"

    def __call__(self, case: Case) -> GateRow:
        life = case.memory.lives.of(case.key)
        calm = life.state in CALM
        word = "" if life.state == "RUNNING" else f"{life.state}: {life.why}"
        return answer(self.name, not calm, 0, fits=calm, word=word)


@dataclass(frozen=True)
class Told:
    """What the feed was found to be, the same for every account."""

    name: str
    place: int

    def __call__(self, case: Case) -> GateRow:
        return case.feed[self.place]


class Connected:
    """The account is logged in at its venue, and the venue takes orders."""

    name: str = "connection"

    def __call__(self, case: Case) -> GateRow:
        standing = case.memory.standings.get(case.key.account)
        if standing is None:
            return answer(self.name, 0, 1, fits=False, word="not connected yet")
        word = f"{standing.state}: {standing.reason}" if standing.reason else standing.state
        return answer(self.name, standing.state == "CONNECTED", 1, standing.state == "CONNECTED", word)


@dataclass(frozen=True)
class Slow:
    """Answers to orders take too long: it goes on when the slow ones are old enough."""

    most: int

    name: str = "latency"

    def __call__(self, case: Case) -> GateRow:
        seconds = case.memory.lines[case.key.account].latency(case.at) / 1000
        return answer(self.name, seconds, self.most / 1000, seconds <= self.most / 1000)


class Broken:
    """Too many orders went wrong: for how many seconds it still rests."""

    name: str = "breaker"

    def __call__(self, case: Case) -> GateRow:
        left = max(0, case.memory.lines[case.key.account].until - case.at) / 1000
        return answer(self.name, left, 0, left == 0)


@dataclass(frozen=True)
class Payout:
    """What a win pays, unknown or out of its bounds."""

    least: float
    most: float

    name: str = "payout"

    def __call__(self, case: Case) -> GateRow:
        payout = case.payout
        return answer(
            self.name, payout, self.most if payout > self.most else self.least, self.least <= payout <= self.most
        )


@dataclass(frozen=True)
class Expected:
    """What is to be expected of the trade for each unit of the stake, less the margin, is not above nothing."""

    margin: Margin

    name: str = "ev"

    def __call__(self, case: Case) -> GateRow:
        doubt = self.margin.se * case.error + self.margin.flat
        gain = case.probability * (1 + case.payout) - 1 - doubt
        return answer(self.name, gain, 0, isfinite(gain) and gain > 0)


class Unknown:
    """An order of the key whose outcome nobody knows."""

    name: str = "unknown"

    def __call__(self, case: Case) -> GateRow:
        _, unknown = case.book.on(case.key)
        return answer(self.name, unknown, 0, unknown == 0)


class Open:
    """An open trade of the key."""

    name: str = "open"

    def __call__(self, case: Case) -> GateRow:
        held, _ = case.book.on(case.key)
        return answer(self.name, held, 0, held == 0)


@dataclass(frozen=True)
class Crowd:
    """Too many open trades of some kind."""

    name: str
    most: int

    def __call__(self, case: Case) -> GateRow:
        held = sum(1 for _ in self._among(case))
        return answer(self.name, held + 1, self.most, held < self.most)

    def _among(self, case: Case) -> Iterator[Order]:
        mine = case.book.alive.values()
        match self.name:
            case "open_all":
                yield from case.memory.open_orders()
            case "open_product":
                yield from (order for order in mine if order.product == case.key.product)
            case "open_slot":
                slot = expiry(case.bar, case.key.tf)
                yield from (order for order in mine if expiry(order.bar, order.tf) == slot)
            case _:
                yield from mine


class Resting:
    """The key rests after a loss, for so many seconds."""

    name: str = "cool_down"

    def __call__(self, case: Case) -> GateRow:
        rest = max(0, case.book.rests_until(case.key) - case.at) / 1000
        return answer(self.name, rest, 0, rest == 0)


class Stake:
    """The stake rule puts nothing on this trade."""

    name: str = "stake"

    def __call__(self, case: Case) -> GateRow:
        return answer(self.name, float(case.stake), 0, case.stake > 0)


class Funds:
    """The stake does not lie within what is left of the balance."""

    name: str = "funds"

    def __call__(self, case: Case) -> GateRow:
        free = case.book.balance - case.book.at_stake
        return answer(self.name, float(free), float(case.stake), free >= case.stake)


@dataclass(frozen=True)
class DailyLoss:
    """The day's result, should everything open and this stake be lost.

    What ends tomorrow draws on none of today's gains.
    """

    most: Decimal
    days: Days

    name: str = "daily_loss"

    def __call__(self, case: Case) -> GateRow:
        gains = case.book.profit_on(self.days.of(case.at))
        if case.ends >= self.days.end(case.at):
            gains = min(gains, NOTHING)
        worst = gains - case.book.at_stake - case.stake
        return answer(self.name, float(worst), float(-self.most), worst >= -self.most)


@dataclass(frozen=True)
class Limits:
    """The limits of one kind: the first that says no, else the last."""

    name: str
    judges: tuple[tuple[int, Judge], ...]

    def __call__(self, case: Case) -> GateRow:
        for number, judge in self.judges:
            bounds = self._asked(number, judge, case)
            if not bounds.fits or (number, judge) == self.judges[-1]:
                word = f"{judge.limit.base}, {judge.limit.scope}"
                return answer(self.name, float(bounds.value), float(bounds.threshold), bounds.fits, word)
        raise AssertionError("a kind without a limit has no gate")

    def _asked(self, number: int, judge: Judge, case: Case) -> Bounds:
        standing = case.memory.standing(number, judge, case.key)
        return judge.asked(standing, case.at, case.ends, case.stake)


@dataclass(frozen=True)
class Exposure:
    """What would be at stake as one, on products that move together, with the expiry of this trade."""

    together: Together

    name: str = "together"

    def __call__(self, case: Case) -> GateRow:
        groups = self.together.of(case.key.product)
        heaviest = max((self._weight(products, case) for _, products in groups), default=NOTHING)
        most = self.together.max_at_stake
        return answer(self.name, sqrt(heaviest), float(most), heaviest <= most * most)

    def _weight(self, products: frozenset[str], case: Case) -> Decimal:
        slot = expiry(case.bar, case.key.tf)
        stakes = {case.key.product: case.stake}
        for order in case.book.alive.values():
            if order.product in products and expiry(order.bar, order.tf) == slot:
                stakes[order.product] = stakes.get(order.product, NOTHING) + order.stake
        return self.together.weight(list(stakes.values()))


def expiry(bar: int, tf: int) -> int:
    """When a contract on a bar ends, by its slot: bought as the bar ends, it lasts as long as the bar did."""
    return bar + 2 * tf


def crowds(per: OpenPer) -> Iterator[Crowd]:
    """The gates of open trades that are asked for."""
    for kind in ("account", "product", "slot", "all"):
        most: int | None = getattr(per, kind)
        if most is not None:
            yield Crowd(f"open_{kind}", most)


BY_MOMENT = (
    *("killed", "stopped", "missed", "overrun", "feed", "connection", "latency", "breaker", "payout", "ev"),
    *("unknown", "open", "open_account", "open_product", "open_slot", "open_all", "cool_down", "streak", "target"),
    *("trades", "stake", "funds", "daily_loss", "loss", "drawdown", "together"),
)
"""Their names, in the order in which they are asked."""
