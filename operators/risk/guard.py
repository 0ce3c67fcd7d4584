"""The gate between signals and money: every bar of every account gets one row, and only what passes every gate is
approved."""

from collections.abc import Iterator, Mapping
from dataclasses import field
from decimal import Decimal
from typing import Annotated, ClassVar

import numpy as np
from msgspec import Meta
from reactivex import Observable

from operators.risk import rules
from operators.risk.by_bar import (
    BY_BAR,
    BarGate,
    Confidence,
    Fault,
    Hours,
    Measured,
    Odds,
    Ready,
    Said,
    StaleSignal,
    Vote,
    Wild,
)
from operators.risk.by_moment import (
    Broken,
    Connected,
    DailyLoss,
    Expected,
    Exposure,
    Funds,
    Killed,
    Limits,
    MomentGate,
    Open,
    Payout,
    Resting,
    Slow,
    Stake,
    Stopped,
    Told,
    Unknown,
    crowds,
)
from operators.risk.days import days_of
from operators.risk.deciding import EXPLAINED_WHOLE, GATES, Deciding, Manner
from operators.risk.feed import FEED_GATES
from operators.risk.judges import KINDS, Judge
from operators.risk.limits import Limit
from operators.risk.line import Storm
from operators.risk.memory import Terms
from operators.risk.terms import (
    Breaker,
    Caution,
    Errors,
    Latency,
    Margin,
    NotNegative,
    OpenPer,
    Together,
    UnitShare,
    Volatility,
    within_a_day,
)
from pipeline.calendar import Calendars
from pipeline.evidence import Standing
from pipeline.parts import Derived, Nested, Ruinous, StakeRule, risk
from pipeline.permit import Permit
from pipeline.steps import woken
from pipeline.times import DurationText, duration, timeframe
from pipeline.values import (
    Approved,
    Bars,
    Calibrated,
    Decisions,
    Flags,
    Health,
    Held,
    Latch,
    Life,
    Order,
    Past,
    Payouts,
    Quotes,
    Signals,
    Slept,
    Switched,
)
from pipeline.walltime import zone_names

__all__ = ["EXPLAINED_WHOLE", "GATES", "Guard"]


@risk
class Guard:
    """Approves at most one open trade per account, product and timeframe, within what each account may lose.

    docs/risk.md has every gate, limit and stake in order. What is not known, not a number or too old is a no.
    """

    accounts: Annotated[tuple[str, ...], Meta(min_length=1)]
    stake: Annotated[StakeRule, Nested("stake")]
    max_daily_loss: Annotated[
        Decimal, Meta(description="what a day may cost an account at the most, with all that is open lost")
    ]
    threshold: Annotated[
        UnitShare | dict[str, UnitShare],
        Meta(description="the least confidence; one number, or one for each timeframe that is to be traded"),
    ] = 0.1
    caution: Annotated[
        Caution | None, Meta(description="raises the threshold by kappa for each unit of a column above 0")
    ] = None
    margin: Annotated[
        NotNegative | Margin | None,
        Meta(
            description="trade only what is to be expected to gain: by so many standard errors of its probability to "
            "win, or { se = 1.0, flat = 0.01 }; needs a calibrator before the guard; not asked when left out"
        ),
    ] = None
    min_payout: Annotated[UnitShare, Meta(description="what a win must pay at the least")] = 0.80
    max_payout: Annotated[float, Meta(gt=0, description="what a win may pay at the most")] = 1.0
    volatility: Annotated[
        Volatility | None, Meta(description="bounds of a column, outside of which nothing is traded")
    ] = None
    permit: Permit = Permit()
    max_quote_age: Annotated[
        DurationText | None,
        Meta(description="how old, by its stamp, a product's last quote may be; no limit when left out"),
    ] = None
    latency: Annotated[Latency | None, Meta(description="how long answers to orders may take")] = None
    breaker: Annotated[Breaker | None, Meta(description="a rest after orders that went wrong")] = None
    errors: Annotated[
        Errors, Meta(description='after how many errors in a row a key rests, and how long: { most = 3, rest = "30s" }')
    ] = Errors()
    open_per: Annotated[OpenPer, Meta(description="how many trades may be open at once")] = OpenPer()
    together: Annotated[
        Together | None, Meta(description="what may be at stake at once on products that move together")
    ] = None
    cool_down: Annotated[
        str | tuple[str, ...],  # patterns in a union make msgspec 0.22 free what it still uses
        Meta(
            description="how long a key rests after a loss: doubled for each further one in a row, or a list of rests"
        ),
    ] = "30s"
    cool_down_max: Annotated[DurationText, Meta(description="the longest that doubling leads to")] = "5m"
    limits: Annotated[
        tuple[Limit, ...], Meta(description="what an account, a key or all of them may lose or gain")
    ] = ()
    day: Annotated[str, Meta(description="the zone at whose midnight a day begins")] = "UTC"
    balances: Annotated[Mapping[str, Decimal], Derived] = field(default_factory=dict[str, Decimal])
    connected: Annotated[frozenset[str], Derived] = frozenset()
    """Those of all accounts that have a connection to their venue which may break."""
    products: Annotated[tuple[str, ...], Derived] = ()
    slots: Annotated[tuple[int, ...], Derived] = ()
    """The timeframes (ms) of the flow's bars."""
    calendars: Annotated[Calendars, Derived] = Calendars()
    bar_gates: ClassVar[tuple[str, ...]] = BY_BAR
    takes_over: ClassVar[bool] = True
    """Another guard in its place goes on with what it remembers of its accounts."""

    def __post_init__(self) -> None:
        if not self.max_daily_loss.is_finite() or self.max_daily_loss <= 0:
            raise ValueError(f"max_daily_loss must be above 0, not {self.max_daily_loss}")
        if self.min_payout > self.max_payout:
            raise ValueError(f"min_payout {self.min_payout} is above max_payout {self.max_payout}")
        if isinstance(self.threshold, dict):
            if not self.threshold:
                raise ValueError(
                    'threshold names no timeframe, so nothing is traded; write { "1m" = 0.35 }, or a number'
                )
            for name in self.threshold:
                timeframe(name)
        if self.max_quote_age is not None:
            duration(self.max_quote_age)
        if not self.cool_down:
            raise ValueError('cool_down is empty; write a rest such as "30s", or a list of them')
        for rest in self._given_rests:
            within_a_day("cool_down", rest)
        within_a_day("cool_down_max", self.cool_down_max)
        if self.day not in zone_names():
            raise ValueError(f"day {self.day!r} is no zone; write one like Europe/Istanbul or UTC")
        for ruin in self._ruins():
            if isinstance(self.stake, Ruinous) and not self.stake.i_accept_ruin:
                raise ValueError(f"stake is raised after losses: {ruin}; use fixed, or add i_accept_ruin = true to it")

    def __call__(
        self,
        signals: Observable[Signals | Calibrated],
        payouts: Observable[Payouts],
        orders: Observable[Order | Past | Latch | Switched | Held | Standing],
        feed: Observable[Health | Quotes],
        history: Observable[Bars],
        clock: Observable[Slept],
    ) -> Observable[Decisions | Approved | Latch | Life]:
        return woken(lambda: Deciding(self.manner()), "risk", clock, feed, history, payouts, orders, signals)

    def passes(self, signals: Signals | Calibrated) -> Flags:
        """Which new rows get past every gate that judges the bar alone."""
        said = Said.of(signals)
        return ~np.logical_or.reduce([gate(said).no for gate in self._by_bar()])

    def rules(self) -> list[str]:
        """What stops an account or a key, and when it goes on again: a sentence each."""
        who, everybody = rules.all_of(self.accounts), rules.all_of(self.accounts, "")
        told = [rules.daily_loss(who, self.max_daily_loss, self.day)]
        told += [rules.limit(self.accounts, each, self.day) for each in self.limits]
        told.append(rules.resting(everybody, self._rests))
        told.append(rules.pausing(everybody, self.errors))
        told += rules.crowding(who, everybody, self.open_per)
        told += [rules.holding_together(who, self.together)] if self.together is not None else []
        told += [rules.breaking(who, self.breaker)] if self.breaker is not None else []
        told += [rules.answering(who, self.latency)] if self.latency is not None else []
        return told

    def stamps(self) -> list[str]:
        """What whoever reads of this guard's trades must know before all else."""
        return [f"stakes are raised after losses, which was accepted: {ruin}" for ruin in self._ruins()]

    def _ruins(self) -> Iterator[str]:
        """How a stake that is raised after losses ends, for the poorest of its accounts."""
        known = [self.balances[name] for name in self.accounts if name in self.balances]
        if known and isinstance(self.stake, Ruinous):
            yield self.stake.ruin(min(known), self.min_payout)

    def manner(self) -> Manner:
        """What it decides by."""
        age = None if self.max_quote_age is None else duration(self.max_quote_age)
        gates = tuple(self._by_bar()), tuple(self._by_moment())
        return Manner(*gates, self.stake, self._terms(), age, self.calendars)

    def _by_bar(self) -> Iterator[BarGate]:
        """The gates of the bar, in the order in which they are asked."""
        yield Fault()
        yield Ready()
        yield StaleSignal()
        yield Vote()
        yield self._confidence()
        if (margin := self._margin) is not None:
            yield Measured()
            yield Odds(margin, self.max_payout)
        if self.volatility is not None:
            yield Wild(self.volatility)
        yield Hours(self.permit)

    def _by_moment(self) -> Iterator[MomentGate]:
        """The gates of the moment, in the order in which they are asked."""
        yield Killed()
        yield Stopped()
        yield from (Told(name, place) for place, name in enumerate(FEED_GATES))
        if not self.connected.isdisjoint(self.accounts):
            yield Connected()
        if self.latency is not None:
            yield Slow(duration(self.latency.max))
        if self.breaker is not None:
            yield Broken()
        yield Payout(self.min_payout, self.max_payout)
        if (margin := self._margin) is not None:
            yield Expected(margin)
        yield Unknown()
        yield Open()
        yield from crowds(self.open_per)
        yield Resting()
        yield from self._limits("streak", "target", "trades")
        yield Stake()
        yield Funds()
        yield DailyLoss(self.max_daily_loss, days_of(self.day))
        yield from self._limits("loss", "drawdown")
        if self.together is not None:
            yield Exposure(self.together)

    def _limits(self, *kinds: str) -> Iterator[MomentGate]:
        for kind in kinds:
            judges = tuple((number, judge) for number, judge in enumerate(self._judges()) if judge.limit.what == kind)
            if judges:
                yield Limits(kind, judges)

    def _judges(self) -> tuple[Judge, ...]:
        return tuple(KINDS[limit.what](limit, days_of(self.day)) for limit in self.limits)

    @property
    def _margin(self) -> Margin | None:
        return Margin(se=self.margin) if isinstance(self.margin, float | int) else self.margin

    @property
    def _given_rests(self) -> tuple[str, ...]:
        return (self.cool_down,) if isinstance(self.cool_down, str) else self.cool_down

    @property
    def _rests(self) -> tuple[int, ...]:
        """How long to rest (ms) after the first, second … loss in a row, and after every further one."""
        if not isinstance(self.cool_down, str):
            return tuple(duration(rest) for rest in self.cool_down)
        longest = duration(self.cool_down_max)
        rests = [min(duration(self.cool_down), longest)]
        while rests[-1] < longest:
            rests.append(min(2 * rests[-1], longest))
        return tuple(rests)

    def _confidence(self) -> Confidence:
        """A timeframe that `threshold` does not name is never traded."""
        if isinstance(self.threshold, dict):
            return Confidence(
                {timeframe(name): each for name, each in self.threshold.items()}, float("inf"), self.caution
            )
        return Confidence({}, self.threshold, self.caution)

    def _terms(self) -> Terms:
        breaker = self.breaker
        storm = breaker and Storm(breaker.errors, duration(breaker.within), duration(breaker.rest))
        return Terms(
            balances={account: self.balances.get(account, Decimal(0)) for account in self.accounts},
            days=days_of(self.day),
            rests=self._rests,
            judges=self._judges(),
            reasons=tuple(rules.limit(self.accounts, limit, self.day) for limit in self.limits),
            storm=storm,
            answers_within=None if self.latency is None else duration(self.latency.within),
            follows_others=self.open_per.all is not None,
            streams=tuple((product, tf) for product in self.products for tf in self.slots),
            connected=self.connected,
            patience=self.errors.patience,
        )
