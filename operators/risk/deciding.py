"""How a guard decides: gates of the bar for whole columns, gates of the moment row by row at each row's own time.

Rows are judged in time order with what becomes of the orders, so a block of bars given ahead decides as single bars do.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal
from functools import cached_property
from heapq import heappop, heappush
from math import isfinite
from typing import NamedTuple

import numpy as np

from operators.risk.absence import Absence
from operators.risk.by_bar import BY_BAR, Answers, BarGate, Said
from operators.risk.by_moment import BY_MOMENT, Case, MomentGate
from operators.risk.feed import Feed
from operators.risk.known import PayoutSeries
from operators.risk.lifetimes import Passing
from operators.risk.memory import Memory, Terms
from operators.risk.results import NOTHING
from operators.risk.skipping import Skipping
from pipeline.calendar import Calendars
from pipeline.evidence import Standing
from pipeline.orders import prepared
from pipeline.parts import StakeRule
from pipeline.stretch import PRICES
from pipeline.times import timeframe_name
from pipeline.values import (
    Approved,
    Bars,
    Bet,
    Calibrated,
    Decisions,
    Direction,
    Floats,
    GateRow,
    Health,
    Held,
    Key,
    Latch,
    Life,
    Order,
    Past,
    Payouts,
    Quotes,
    Signals,
    Slept,
    Switched,
    Ticket,
)

Heard = (
    Signals | Calibrated | Payouts | Order | Past | Latch | Switched | Held | Standing | Health | Quotes | Bars | Slept
)
GATES = BY_BAR + BY_MOMENT
TRADED = -1
EXPLAINED_WHOLE = 8
"""Batches up to this size (live they are one row) have every gate asked for every row."""
CENT = Decimal("0.01")
NAN = float("nan")


class Manner(NamedTuple):
    """What a guard has decided by: its gates in their order, its stake, and what its memory must know."""

    by_bar: Sequence[BarGate]
    by_moment: Sequence[MomentGate]
    stake: StakeRule
    terms: Terms
    max_quote_age: int | None
    calendars: Calendars = Calendars()


@dataclass(eq=False)
class Rows:
    """One account's answers so far."""

    verdict: np.ndarray[tuple[int], np.dtype[np.int8]]
    value: Floats
    threshold: Floats
    payout: Floats
    orders: dict[int, Approved] = field(default_factory=dict[int, Approved])
    explained: dict[int, tuple[GateRow, ...]] = field(default_factory=dict[int, tuple[GateRow, ...]])


@dataclass(eq=False)
class Batch:
    """Signals whose rows are being decided for every account."""

    said: Said
    gates: Sequence[BarGate]
    columns: tuple[Answers, ...]
    rows: dict[str, Rows]
    left: int

    @property
    def signals(self) -> Signals:
        return self.said.signals


class RowColumns(Mapping[str, float]):
    """One row of the columns that signals are of."""

    def __init__(self, signals: Signals, row: int) -> None:
        self._values = signals.columns.values
        self._row = len(signals.columns) - len(signals) + row

    def __getitem__(self, name: str) -> float:
        return self._values[name].item(self._row)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    @cached_property
    def features(self) -> dict[str, float]:
        """Those that are no prices and have a number."""
        known = ((name, column.item(self._row)) for name, column in self._values.items() if name not in PRICES)
        return {name: value for name, value in known if isfinite(value)}


class Shared(NamedTuple):
    """What every account is answered alike for one bar."""

    bar: tuple[GateRow, ...]
    feed: tuple[GateRow, ...]
    payout: float
    probability: float
    error: float
    columns: RowColumns


class Deciding:
    """A guard at work: its memory, payouts as of any moment, and rows whose time has not come."""

    def __init__(self, manner: Manner) -> None:
        self._manner = manner
        self._numbers = {gate.name: GATES.index(gate.name) for gate in (*manner.by_bar, *manner.by_moment)}
        self._memory = Memory(manner.terms)
        self._accounts = tuple(manner.terms.balances)
        self._payouts: dict[str, PayoutSeries] = {}
        self._feed = Feed(manner.max_quote_age)
        self._absence = Absence(self._accounts, GATES)
        self._skipping = Skipping(self._accounts, GATES, self._feed, manner.calendars)
        self._waiting: list[tuple[int, str, int, int, int, Batch]] = []
        self._unfinished: dict[tuple[str, int], deque[Batch]] = {}
        self._sequence = 0

    def take_over(self, was: object, others: Sequence[object]) -> None:
        """Go on where the guard stands in whose place it is; of accounts that `others` had, where they stand.

        Bars that were given are decided by what held then.
        """
        known = [each for each in (was, *others) if isinstance(each, Deciding)]
        self._memory.take_over([each._memory for each in known])
        if isinstance(was, Deciding):
            self._payouts = was._payouts
            self._feed.take_over(was._feed)
            self._absence.take_over(was._absence)
            self._skipping.take_over(was._skipping)
            self._waiting, self._unfinished, self._sequence = was._waiting, was._unfinished, was._sequence
            return
        for each in known[:1]:
            self._feed.know(each._feed)
            self._skipping.take_over(each._skipping)

    @property
    def due(self) -> int | None:
        lives = self._memory.lives.due
        if not self._waiting:
            return lives
        return self._waiting[0][0] if lives is None else min(self._waiting[0][0], lives)

    def take(self, item: Heard, at: int) -> Iterator[Decisions | Approved | Latch | Life]:
        match item:
            case Health() | Quotes() | Slept():
                self._feed.take(item, at)
            case Signals() | Calibrated():
                said = Said.of(item)
                yield from self._skipping.before(said.signals, at)
                self._screen(said)
                yield from self._finished(said.signals.product, said.signals.tf)
            case Payouts():
                self._payouts.setdefault(item.product, PayoutSeries()).extend(item)
            case Order() | Latch() | Standing() | Switched() | Held():
                yield from self._memory.take(item, at)
            case Bars():
                yield from self._absence.take(item, at)
            case Past():
                self._absence.begin(item, at)
                yield from self._memory.restore(item, at)

    def wake(self, at: int) -> Iterator[Decisions | Approved | Life]:
        """Decisions come before the tickets they approve: an order's intent, once durable, makes them durable too."""
        approved: list[Approved] = []
        while self._waiting and self._waiting[0][0] <= at:
            moment, product, tf, row, _, batch = heappop(self._waiting)
            yield from self._memory.lives.advance(moment)
            shared = self._shared(batch, row, moment)
            decided = [self._decide(account, batch, row, moment, shared) for account in self._of(batch)]
            approved += [each for each in decided if each is not None]
            batch.left -= 1
            yield from self._finished(product, tf)
        yield from self._memory.lives.advance(at)
        yield from approved

    def _screen(self, said: Said) -> None:
        """Judge what columns can judge, and set a date for the rest."""
        signals = said.signals
        columns = tuple(gate(said) for gate in self._manner.by_bar)
        screened = self._screened(columns, len(signals))
        rows = (
            range(len(signals))
            if len(signals) <= EXPLAINED_WHOLE
            else np.flatnonzero(screened.verdict == TRADED).tolist()
        )
        answers = {account: _copied(screened) for account in self._accounts}
        batch = Batch(said, self._manner.by_bar, columns, answers, len(rows))
        self._unfinished.setdefault((signals.product, signals.tf), deque()).append(batch)
        for row in rows:
            self._sequence += 1
            moment = int(signals.final_at[row])
            heappush(self._waiting, (moment, signals.product, signals.tf, row, self._sequence, batch))
        for passing in _passings(signals):
            self._memory.lives.expect(passing)

    def _screened(self, columns: tuple[Answers, ...], rows: int) -> Rows:
        """The first gate of the bar that says no, for each row."""
        value, threshold, payout = (np.full(rows, np.nan) for _ in range(3))
        found = Rows(np.full(rows, TRADED, np.int8), value, threshold, payout)
        for gate, answers in zip(reversed(self._manner.by_bar), reversed(columns), strict=True):
            found.verdict[answers.no] = self._numbers[gate.name]
            np.copyto(found.value, answers.value, where=answers.no)
            np.copyto(found.threshold, answers.threshold, where=answers.no)
        return found

    def _shared(self, batch: Batch, row: int, at: int) -> Shared:
        signals, sure = batch.said
        explained = tuple(self._explained(batch, row)) if len(signals) <= EXPLAINED_WHOLE else ()
        series = self._payouts.get(signals.product)
        payout = series.at(at) if series is not None else NAN
        probability = error = NAN
        if sure is not None and not sure.drifted[row]:
            probability, error = float(sure.probability[row]), float(sure.error[row])
        closed = int(signals.open_ts[row]) + signals.tf
        feed = tuple(self._feed.asked(signals.product, at, closed, signals.tf))
        return Shared(explained, feed, payout, probability, error, RowColumns(signals, row))

    def _explained(self, batch: Batch, row: int) -> Iterator[GateRow]:
        """The answers of the gates that judge the bar alone."""
        for gate, answers in zip(batch.gates, batch.columns, strict=True):
            verdict = "no" if answers.no[row] else "yes"
            word = batch.signals.fault if gate.name == "fault" else ""
            yield GateRow(gate.name, float(answers.value[row]), answers.held_against(row), verdict, word)

    def _decide(self, account: str, batch: Batch, row: int, at: int, shared: Shared) -> Approved | None:
        answers, signals = batch.rows[account], batch.signals
        answers.payout[row] = shared.payout
        case = self._case(account, signals, row, at, shared)
        asked: Iterable[GateRow] = (gate(case) for gate in self._manner.by_moment)
        if shared.bar:
            asked = answers.explained[row] = (*shared.bar, *asked)
        for gate in asked:
            if gate.verdict == "no":
                answers.verdict[row] = self._numbers[gate.gate]
                answers.value[row], answers.threshold[row] = gate.value, gate.threshold
                return None
        assert self._memory.lives.of(case.key).state == "RUNNING", "a key that does not run is not traded"
        approved = answers.orders[row] = _approved(case, signals, row, shared.columns.features)
        self._memory.follow(prepared(approved))
        return approved

    def _case(self, account: str, signals: Signals, row: int, at: int, shared: Shared) -> Case:
        key = Key(account, signals.product, signals.tf)
        book = self._memory.books[account]

        def staked() -> Decimal:
            losses = book.losses(key, at)
            return self._staked(
                Bet(book.balance, shared.payout, shared.probability, shared.error, losses, shared.columns)
            )

        return Case(
            key=key,
            bar=int(signals.open_ts[row]),
            at=at,
            payout=shared.payout,
            probability=shared.probability,
            error=shared.error,
            staked=staked,
            book=book,
            memory=self._memory,
            feed=shared.feed,
        )

    def _staked(self, bet: Bet) -> Decimal:
        """What the stake rule says, in whole cents; nothing where it says nothing that could be staked."""
        try:
            stake = self._manner.stake(bet)
            return stake.quantize(CENT, ROUND_DOWN) if stake.is_finite() and stake > 0 else NOTHING
        except ArithmeticError:
            return NOTHING

    def _of(self, batch: Batch) -> list[str]:
        """Whose rows a batch has: of an account that came or went since it was given there are none."""
        return [account for account in self._accounts if account in batch.rows]

    def _finished(self, product: str, tf: int) -> Iterator[Decisions]:
        """The oldest batches of a stream that have every row decided, in the order they came."""
        batches = self._unfinished[product, tf]
        while batches and batches[0].left == 0:
            batch = batches.popleft()
            for account in self._of(batch):
                yield _decisions(account, batch.signals, batch.rows[account])


def _passings(signals: Signals) -> Iterator[Passing]:
    """What its bars say of the lives of a stream's keys: those that failed each, else the first and the first ready."""
    ready = signals.ready
    rows = set(range(len(signals) if signals.fault else min(1, len(signals))))
    if ready.any():
        rows.add(int(ready.argmax()))
    for row in sorted(rows):
        yield Passing(int(signals.final_at[row]), signals.product, signals.tf, signals.fault, bool(ready[row]))


def _approved(case: Case, signals: Signals, row: int, features: dict[str, float]) -> Approved:
    key = case.key
    direction: Direction = "call" if signals.direction[row] > 0 else "put"
    ticket = Ticket(*key, case.bar, case.at, direction, float(signals.score[row]), case.payout)
    return Approved(ticket, f"{key.account}:{key.product}:{timeframe_name(key.tf)}:{case.bar}", case.stake, features)


def _copied(rows: Rows) -> Rows:
    return Rows(rows.verdict.copy(), rows.value.copy(), rows.threshold.copy(), rows.payout.copy())


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
