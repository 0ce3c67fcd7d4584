"""What some trades came to: a fold that forgets each trade and keeps what is said of all."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal

from pipeline.orders import sold
from pipeline.statistics.rates import ZERO, PayoutMix, WinRate
from pipeline.statistics.records import ended
from pipeline.telemetry.slots import Slots, Sums
from pipeline.times import DAY
from pipeline.values import Order


@dataclass(frozen=True, slots=True)
class Tally:
    """Trades of one kind of money that ended, in the order in which it was known.

    Profits are of all of them; the win rate and what a unit of stake brought are of those that ran to their expiry.
    """

    wins: int = 0
    losses: int = 0
    ties: int = 0
    payouts: PayoutMix = field(default_factory=PayoutMix)
    worth: Sums = field(default_factory=Sums)
    staked: Decimal = ZERO
    returned: Decimal = ZERO
    """What those that ran to their expiry were bought for, and brought."""
    profit: Decimal = ZERO
    high: Decimal = ZERO
    deepest: Decimal = ZERO
    streak: int = 0
    """Wins in a row until now; below 0 losses."""
    most_lost: int = 0
    day: int = 0
    day_profit: Decimal = ZERO

    @property
    def rate(self) -> WinRate:
        return WinRate(
            wins=self.wins, losses=self.losses, ties=self.ties, payouts=self.payouts, effective=self.worth.effective
        )

    @property
    def fallen(self) -> Decimal:
        """By how much the profit lies below its highest."""
        return self.high - self.profit

    def of_day(self, now: int) -> Decimal:
        """The profit of the day, UTC."""
        return self.day_profit if self.day == now // DAY else ZERO

    def moved(self, order: Order) -> "Tally":
        """After the money of one more."""
        profit, day = self.profit + order.profit, order.at // DAY
        high = max(self.high, profit)
        today = order.profit + (self.day_profit if day == self.day else ZERO)
        return replace(
            self,
            profit=profit,
            high=high,
            deepest=max(self.deepest, high - profit),
            day=max(day, self.day),
            day_profit=today if day >= self.day else self.day_profit,
        )

    def decided(self, order: Order, worth: Sums) -> "Tally":
        """After one more that won or lost."""
        won = order.result == "win"
        streak = max(self.streak, 0) + 1 if won else min(self.streak, 0) - 1
        return replace(
            self,
            wins=self.wins + won,
            losses=self.losses + (not won),
            payouts=self.payouts.with_trade(order.stake, order.payout),
            worth=worth,
            streak=streak,
            most_lost=max(self.most_lost, -streak),
        )

    def ran(self, order: Order) -> "Tally":
        """After one more that ran to its expiry."""
        tied = order.result == "push"
        return replace(
            self, ties=self.ties + tied, staked=self.staked + order.stake, returned=self.returned + order.profit
        )

    def numbers(self, now: int) -> Iterator[tuple[str, float]]:
        """By the names of `families.MEASURES`. A win rate never stands without all that belongs to it."""
        yield "profit", float(self.profit)
        yield "profit_day", float(self.of_day(now))
        yield "drawdown", float(self.deepest)
        yield "drawdown_now", float(self.fallen)
        yield "streak", float(self.streak)
        yield "longest_losing_streak", float(self.most_lost)
        yield "ties", float(self.ties)
        if self.staked:
            yield "expectancy", float(self.returned / self.staked)
        rate = self.rate
        share, even = rate.share, rate.break_even
        if share is not None and even is not None:
            yield "win_rate", share
            yield "win_rate_low", rate.interval.low
            yield "win_rate_high", rate.interval.high
            yield "break_even", even
            yield "decided", float(rate.n)
            yield "effective", float(rate.n if rate.effective is None else rate.effective)


class Book:
    """The trades of one account, key or kind of money."""

    def __init__(self) -> None:
        self.tally = Tally()
        """Replaced as a whole: whoever reads it in another thread reads one that adds up."""
        self._slots = Slots()
        self._read: tuple[Tally, int, tuple[tuple[str, float], ...]] | None = None

    def numbers(self, now: int) -> tuple[tuple[str, float], ...]:
        """What is said of the tally, computed once for each trade and day."""
        tally, read = self.tally, self._read
        if read is None or read[0] is not tally or read[1] != now // DAY:
            read = self._read = tally, now // DAY, tuple(tally.numbers(now))
        return read[2]

    def take(self, order: Order) -> None:
        """An order whose contract ended, or was void."""
        tally = self.tally.moved(order)
        if order.state == "SETTLED" and order.stake and not sold(order):
            if order.result in ("win", "lose"):
                self._slots.take(ended(order), won=order.result == "win")
                tally = tally.decided(order, self._slots.sums)
            if order.result in ("win", "lose", "push"):
                tally = tally.ran(order)
        self.tally = tally
