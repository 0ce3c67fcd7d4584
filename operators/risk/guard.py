"""The gate between signals and money: every bar of every account gets one row, and only what passes every gate is
approved.

Gates that depend on the bar alone are judged for whole columns; the rows they let through are judged one by one at
their own time, in time order with what becomes of the orders, so a block of bars given ahead decides as single bars
do.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from heapq import heappop, heappush
from typing import Annotated, ClassVar, NamedTuple

import numpy as np
from msgspec import Meta
from reactivex import Observable

from operators.risk.book import Book
from operators.risk.feed import FEED_GATES, Feed
from operators.risk.known import PayoutSeries
from pipeline.orders import sending
from pipeline.parts import Derived, Nested, StakeRule, risk
from pipeline.permit import Permit
from pipeline.steps import woken
from pipeline.times import DAY, MINUTE, DurationText, duration, timeframe, timeframe_name
from pipeline.values import (
    Approved,
    Decisions,
    Direction,
    Flags,
    Floats,
    GateRow,
    Health,
    Key,
    Order,
    Past,
    Payouts,
    Quotes,
    Signals,
    Slept,
    Ticket,
)

Share = Annotated[float, Meta(ge=0, le=1)]
BY_COLUMN = ("fault", "ready", "vote", "confidence", "permit")
BY_ROW = (*FEED_GATES, "payout", "unknown", "open", "cool_down", "funds", "daily_loss")
GATES = BY_COLUMN + BY_ROW
TRADED = -1
SETTLING = MINUTE
"""How long after its slot a trade may take to be settled and still be of that day."""
EXPLAINED_WHOLE = 8
"""Batches up to this size (live they are one row) have every gate asked for every row."""


@risk
class Guard:
    """Approves at most one open trade per account, product and timeframe, within what each account may lose.

    In order it asks: no provider failed, features ready, a direction, confidence at or above `threshold` (one number,
    or one per timeframe), inside `permit`, its moment not missed (the machine slept, or was far too late), prices that
    a `health` operator trusts and whose last is no older than `max_quote_age`, payout known and within min_payout …
    max_payout, no order of unknown outcome and no open order on the key, not resting after a loss (cool_down, doubled
    for each further loss in a row up to cool_down_max), stake within the balance, and the day's loss (UTC day) within
    max_daily_loss even if everything open and this stake are lost; a trade that may be settled after midnight draws on
    none of today's gains.
    """

    accounts: Annotated[tuple[str, ...], Meta(min_length=1)]
    stake: Annotated[StakeRule, Nested("stake")]
    max_daily_loss: Decimal
    threshold: Share | dict[str, Share] = 0.1
    min_payout: Share = 0.80
    max_payout: Annotated[float, Meta(gt=0)] = 1.0
    max_quote_age: Annotated[
        DurationText | None,
        Meta(description="how old, by its stamp, a product's last quote may be; no limit when left out"),
    ] = None
    permit: Permit = Permit()
    cool_down: DurationText = "30s"
    cool_down_max: DurationText = "5m"
    balances: Annotated[Mapping[str, Decimal], Derived] = field(default_factory=dict[str, Decimal])
    bar_gates: ClassVar[tuple[str, ...]] = BY_COLUMN

    def __post_init__(self) -> None:
        if not self.max_daily_loss.is_finite() or self.max_daily_loss <= 0:
            raise ValueError(f"max_daily_loss must be above 0, not {self.max_daily_loss}")
        if self.min_payout > self.max_payout:
            raise ValueError(f"min_payout {self.min_payout} is above max_payout {self.max_payout}")
        if isinstance(self.threshold, dict):
            for name in self.threshold:
                timeframe(name)
        if self.max_quote_age is not None:
            duration(self.max_quote_age)

    def __call__(
        self,
        signals: Observable[Signals],
        payouts: Observable[Payouts],
        orders: Observable[Order | Past],
        feed: Observable[Health | Quotes],
        clock: Observable[Slept],
    ) -> Observable[Decisions | Approved]:
        return woken(lambda: Gate(self), "risk", clock, feed, payouts, orders, signals)

    def passes(self, signals: Signals) -> Flags:
        """Which rows get past every gate that judges the bar alone."""
        return ~np.logical_or.reduce([no for _, _, no in Gate(self).columns(signals)])

    def threshold_of(self, tf: int) -> float:
        """The least confidence for a timeframe; one that `threshold` does not name is never traded."""
        if isinstance(self.threshold, dict):
            return self.threshold.get(timeframe_name(tf), float("inf"))
        return self.threshold


Answers = tuple[Floats, float, Flags]
"""One gate's values for a column of bars, what they are held against, and where it says no."""


class Shared(NamedTuple):
    """What every account is answered alike for one bar: by the gates of the bar alone, of the feed, and the payout."""

    bar: tuple[GateRow, ...]
    feed: tuple[GateRow, ...]
    payout: float


@dataclass(eq=False)
class Batch:
    """Signals whose rows are being decided for every account."""

    signals: Signals
    columns: tuple["Answers", ...]
    rows: dict[str, "Rows"]
    left: int


@dataclass(eq=False)
class Rows:
    """One account's answers so far."""

    verdict: np.ndarray[tuple[int], np.dtype[np.int8]]
    value: Floats
    threshold: Floats
    payout: Floats
    orders: dict[int, Approved] = field(default_factory=dict[int, Approved])
    explained: dict[int, tuple[GateRow, ...]] = field(default_factory=dict[int, tuple[GateRow, ...]])


class Gate:
    """The guard's memory: a book for each account, payouts as of any moment, and rows whose time has not come."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._books = {account: self._book(account) for account in guard.accounts}
        self._payouts: dict[str, PayoutSeries] = {}
        self._feed = Feed(None if guard.max_quote_age is None else duration(guard.max_quote_age))
        self._waiting: list[tuple[int, str, int, int, int, Batch]] = []
        self._unfinished: dict[tuple[str, int], deque[Batch]] = {}
        self._sequence = 0

    @property
    def due(self) -> int | None:
        return self._waiting[0][0] if self._waiting else None

    def take(
        self, item: Signals | Payouts | Order | Past | Health | Quotes | Slept, at: int
    ) -> Iterator[Decisions | Approved]:
        match item:
            case Health() | Quotes() | Slept():
                self._feed.take(item, at)
            case Signals():
                self._screen(item.last(item.fresh))
                yield from self._finished(item.product, item.tf)
            case Payouts():
                self._payouts.setdefault(item.product, PayoutSeries()).extend(item)
            case Order():
                self._fold(item)
            case Past():
                self._restore(item)

    def wake(self, at: int) -> Iterator[Decisions | Approved]:
        """Decisions come before the tickets they approve: an order's intent, once durable, makes them durable too."""
        approved: list[Approved] = []
        while self._waiting and self._waiting[0][0] <= at:
            moment, product, tf, row, _, batch = heappop(self._waiting)
            shared = self._shared(batch, row, moment)
            decided = [self._decide(account, batch, row, moment, shared) for account in self._guard.accounts]
            approved += [each for each in decided if each is not None]
            batch.left -= 1
            yield from self._finished(product, tf)
        yield from approved

    def _book(self, account: str) -> Book:
        balance = self._guard.balances.get(account, Decimal(0))
        return Book(balance, duration(self._guard.cool_down), duration(self._guard.cool_down_max))

    def _fold(self, order: Order) -> None:
        if order.account in self._books:
            self._books[order.account] = self._books[order.account].after(order)

    def _restore(self, past: Past) -> None:
        for account, book in self._books.items():
            self._books[account] = Book(
                book.balance + past.earlier_profit.get(account, Decimal(0)), book.cool_down, book.cool_down_max
            )
        for order in past.orders:
            self._fold(order)

    def _screen(self, signals: Signals) -> None:
        """Judge what columns can judge, and set a date for the rest."""
        columns = tuple(self.columns(signals))
        screened = _screened(columns, len(signals))
        rows = (
            range(len(signals))
            if len(signals) <= EXPLAINED_WHOLE
            else np.flatnonzero(screened.verdict == TRADED).tolist()
        )
        answers = {account: _copied(screened) for account in self._guard.accounts}
        batch = Batch(signals, columns, answers, len(rows))
        self._unfinished.setdefault((signals.product, signals.tf), deque()).append(batch)
        for row in rows:
            self._sequence += 1
            moment = int(signals.final_at[row])
            heappush(self._waiting, (moment, signals.product, signals.tf, row, self._sequence, batch))

    def columns(self, signals: Signals) -> Iterator[Answers]:
        """The answers of each gate of BY_COLUMN."""
        rows = len(signals)
        fault = np.full(rows, float(bool(signals.fault)))
        yield fault, 0.0, fault > 0
        yield signals.ready.astype(np.float64), 1.0, ~signals.ready
        yield signals.score, 0.0, signals.direction == 0
        threshold = self._guard.threshold_of(signals.tf)
        yield signals.confidence, threshold, signals.confidence < threshold
        permitted = self._guard.permit.allows(signals.final_at)
        yield permitted.astype(np.float64), 1.0, ~permitted

    def _shared(self, batch: Batch, row: int, at: int) -> "Shared":
        """What is the same for every account."""
        product = batch.signals.product
        bar = tuple(self._asked(batch, row)) if len(batch.signals) <= EXPLAINED_WHOLE else ()
        return Shared(bar, tuple(self._feed.asked(product, at)), self._payout(product, at))

    def _decide(self, account: str, batch: Batch, row: int, at: int, shared: "Shared") -> Approved | None:
        answers, signals = batch.rows[account], batch.signals
        book, payout = self._books[account], shared.payout
        key = Key(account, signals.product, signals.tf)
        stake = self._guard.stake(book.balance)
        answers.payout[row] = payout
        asked: Iterable[GateRow] = self._asked_of(book, key, at, shared, stake)
        if shared.bar:
            asked = answers.explained[row] = (*shared.bar, *asked)
        for gate in asked:
            if gate.verdict == "no":
                answers.verdict[row] = GATES.index(gate.gate)
                answers.value[row], answers.threshold[row] = gate.value, gate.threshold
                return None
        return self._approve(answers, signals, row, key, at, payout, stake)

    def _asked(self, batch: "Batch", row: int) -> Iterator[GateRow]:
        """The answers of the gates that judge the bar alone."""
        for gate, (value, threshold, no) in zip(BY_COLUMN, batch.columns, strict=True):
            yield GateRow(gate, float(value[row]), threshold, "no" if no[row] else "yes")

    def _asked_of(self, book: Book, key: Key, at: int, shared: "Shared", stake: Decimal) -> Iterator[GateRow]:
        """The answers of the gates that judge the account at this moment."""
        guard, payout = self._guard, shared.payout
        yield from shared.feed
        fits = guard.min_payout <= payout <= guard.max_payout
        yield _gate("payout", payout, guard.max_payout if payout > guard.max_payout else guard.min_payout, fits)
        held, unknown = book.on(key)
        yield _gate("unknown", unknown, 0, unknown == 0)
        yield _gate("open", held, 0, held == 0)
        cooling = book.cooling.get(key)
        rest = max(0, cooling.until - at) / 1000 if cooling else 0.0
        yield _gate("cool_down", rest, 0, rest == 0)
        at_stake = book.at_stake
        free = book.balance - at_stake
        yield _gate("funds", float(free), float(stake), stake > 0 and free >= stake)
        worst = _gains(book, at, key.tf) - at_stake - stake
        yield _gate("daily_loss", float(worst), float(-guard.max_daily_loss), worst >= -guard.max_daily_loss)

    def _approve(
        self, answers: Rows, signals: Signals, row: int, key: Key, at: int, payout: float, stake: Decimal
    ) -> Approved:
        bar = int(signals.open_ts[row])
        direction: Direction = "call" if signals.direction[row] > 0 else "put"
        ticket = Ticket(*key, bar, at, direction, float(signals.score[row]), payout)
        approved = Approved(ticket, f"{key.account}:{key.product}:{timeframe_name(key.tf)}:{bar}", stake)
        answers.orders[row] = approved
        self._fold(sending(approved))
        return approved

    def _payout(self, product: str, at: int) -> float:
        series = self._payouts.get(product)
        return series.at(at) if series else float("nan")

    def _finished(self, product: str, tf: int) -> Iterator[Decisions]:
        """The oldest batches of a stream that have every row decided, in the order they came."""
        batches = self._unfinished[product, tf]
        while batches and batches[0].left == 0:
            batch = batches.popleft()
            for account in self._guard.accounts:
                yield _decisions(account, batch.signals, batch.rows[account])


def _gains(book: Book, at: int, tf: int) -> Decimal:
    """The day's profit that a trade begun now may draw on: what ends tomorrow draws on none of today's gains."""
    today = book.profit_on(at // DAY)
    return today if (at + tf + SETTLING) // DAY == at // DAY else min(today, Decimal(0))


def _gate(name: str, value: float, threshold: float, fits: bool) -> GateRow:
    return GateRow(name, float(value), float(threshold), "yes" if fits else "no")


def _copied(rows: Rows) -> Rows:
    return Rows(rows.verdict.copy(), rows.value.copy(), rows.threshold.copy(), rows.payout.copy())


def _screened(columns: tuple[Answers, ...], rows: int) -> Rows:
    """The first gate of BY_COLUMN that says no, for each row."""
    found = Rows(np.full(rows, TRADED, np.int8), np.full(rows, np.nan), np.full(rows, np.nan), np.full(rows, np.nan))
    for gate, (value, threshold, no) in reversed(list(enumerate(columns))):
        found.verdict[no] = gate
        np.copyto(found.value, value, where=no)
        found.threshold[no] = threshold
    return found


def _decisions(account: str, signals: Signals, rows: Rows) -> Decisions:
    return Decisions(
        account=account,
        product=signals.product,
        tf=signals.tf,
        gates=GATES,
        open_ts=signals.open_ts,
        at=signals.final_at,
        verdict=rows.verdict,
        value=rows.value,
        threshold=rows.threshold,
        score=signals.score,
        direction=signals.direction,
        payout=rows.payout,
        orders=rows.orders,
        explained=rows.explained,
    )
