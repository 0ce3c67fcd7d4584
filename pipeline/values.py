"""What flows: batches of rows as numpy columns up to the risk gate, single events in event time after it.

Nothing here changes once made. A batch is for one product (and timeframe) and is ordered by time; live it is mostly one
row, in replay thousands. It may be given ahead of its rows' own times, so meaning is always read off the stamps in it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from pipeline.states import Key, Latch, LifeState, OrderState, Result, Scope, Stream, Switched

Floats = NDArray[np.float64]
Stamps = NDArray[np.int64]
Flags = NDArray[np.bool_]
Small = NDArray[np.int8]
Counts = NDArray[np.int32]

Direction = Literal["call", "put"]
Cause = Literal["", "not_sent", "rejected", "absent", "void"]
"""Why an order came to nothing: it was never sent, the venue refused it, it is proved that it never had it, or its
contract was void and the stake came back."""
Origin = Literal["flow", "external"]
"""Who placed it: a flow of ours, or somebody else with the same account."""

NEXT_TICK, DEADLINE, VENUE = 0, 1, 2
CLOSED_BY = ("next tick", "deadline", "venue")


# --- batches ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Quotes:
    """Prices at moments: `ts` is the venue's stamp, `received` ours."""

    product: str
    ts: Stamps
    received: Stamps
    bid: Floats
    ask: Floats

    def __len__(self) -> int:
        return len(self.ts)

    @property
    def mid(self) -> Floats:
        return (self.bid + self.ask) / 2

    def rows(self, start: int, stop: int) -> "Quotes":
        cut = slice(start, stop)
        return Quotes(self.product, self.ts[cut], self.received[cut], self.bid[cut], self.ask[cut])

    def chosen(self, rows: Flags | Stamps) -> "Quotes":
        """Some rows, by a mask or by their numbers."""
        return Quotes(self.product, self.ts[rows], self.received[rows], self.bid[rows], self.ask[rows])


@dataclass(frozen=True, slots=True, eq=False)
class Payouts:
    """What a win pays, as a ratio of the stake, from each moment on until the next."""

    product: str
    ts: Stamps
    ratio: Floats

    def __len__(self) -> int:
        return len(self.ts)


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """Final bars of one unbroken run. The last `fresh` rows are new; the rows before them are context.

    A bar covers [open_ts, open_ts + tf). It became final at `final_at`, closed by the next tick, by the deadline or by
    the venue (`closed_by`), from `ticks` quotes; `revision` counts how often the venue changed it since.
    """

    product: str
    tf: int
    open_ts: Stamps
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    final_at: Stamps
    closed_by: Small
    ticks: Counts
    revision: Counts
    fresh: int

    def __len__(self) -> int:
        return len(self.open_ts)

    @property
    def stream(self) -> Stream:
        return Stream(self.product, self.tf)

    def rows(self, start: int, stop: int, fresh: int) -> "Bars":
        columns = (getattr(self, name)[start:stop] for name in BAR_COLUMNS)
        return Bars(self.product, self.tf, *columns, fresh=fresh)

    def followed_by(self, later: "Bars") -> "Bars":
        """These and later ones, all fresh."""
        columns = (np.concatenate((getattr(self, name), getattr(later, name))) for name in BAR_COLUMNS)
        return Bars(self.product, self.tf, *columns, fresh=len(self) + len(later))

    def chosen(self, rows: Flags | Stamps) -> "Bars":
        """Some rows, by a mask or by their numbers, all fresh."""
        columns = tuple(getattr(self, name)[rows] for name in BAR_COLUMNS)
        return Bars(self.product, self.tf, *columns, fresh=len(columns[0]))


BAR_COLUMNS = ("open_ts", "open", "high", "low", "close", "volume", "final_at", "closed_by", "ticks", "revision")


@dataclass(frozen=True, slots=True, eq=False)
class Revised:
    """Bars again, because the venue changed one after it was final: `fresh` rows from the changed one on.

    They are of another type than `Bars`: what was decided stays decided.
    """

    bars: Bars

    def __len__(self) -> int:
        return self.bars.fresh


@dataclass(frozen=True, slots=True, eq=False)
class Health:
    """How trustworthy the prices of a product are, from each moment on until the next.

    `state` indexes `HEALTH`; `lag` is how old a price was when it came (ms), `silence` how long none had come, `limit`
    what the one that decides was held against. The series of the whole feed has no product ("").
    """

    product: str
    ts: Stamps
    state: Small
    lag: Floats
    silence: Floats
    limit: Floats

    def __len__(self) -> int:
        return len(self.ts)


HEALTH = ("live", "quiet", "closed", "slow", "stale", "suspect", "skewed", "recovering", "down")
"""In this order: all is well; the market is open and calm; closed by its calendar; the stream falls behind what
happens; nothing comes though it should; prices that cannot be came in a row; our clock and the venue's are apart; the
connection is back, but not yet every subscription; the connection is broken."""


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Every declared feature of a run of bars, row by row; NaN where a feature is not ready.

    `values` holds the features by name and the bars' own open, high, low, close and volume. The last `fresh` rows are
    new. The `recalled` rows before them, as far as there are any, are to be voted on too: ensembles and calibrators
    look back on what was said of these. The rows before those are what providers look back on.
    """

    product: str
    tf: int
    open_ts: Stamps
    final_at: Stamps
    ready: Flags
    values: Mapping[str, Floats]
    fresh: int
    recalled: int = 0

    def __len__(self) -> int:
        return len(self.open_ts)

    def __getitem__(self, name: str) -> Floats:
        return self.values[name]

    @property
    def voted(self) -> int:
        """How many of the last rows are voted on."""
        return min(len(self), self.fresh + self.recalled)


@dataclass(frozen=True, slots=True, eq=False)
class Votes:
    """One provider's scores in [-1, 1] for the last rows of some columns; NaN where it has nothing to say.

    `expired` says of which rows it would have spoken, had what it was told not been too old by then.
    """

    provider: str
    columns: Columns
    scores: Floats
    fault: str = ""
    expired: Flags | None = None

    def __len__(self) -> int:
        return len(self.scores)

    @property
    def fresh(self) -> int:
        return self.columns.fresh


@dataclass(frozen=True, eq=False)
class Signals:
    """What the providers together say of the last rows of the columns they looked at; the last `fresh` are new.

    `score` is in [-1, 1], its sign is the direction (1 call, -1 put, 0 none), `confidence` its size: how strongly they
    say so, not how probable it is. `votes` keeps each provider's scores; `fault` names providers that failed.
    """

    columns: Columns
    score: Floats
    confidence: Floats
    direction: Small
    votes: Mapping[str, Floats]
    fault: str = ""
    expired: Flags | None = None

    def __len__(self) -> int:
        return len(self.score)

    @property
    def product(self) -> str:
        return self.columns.product

    @property
    def tf(self) -> int:
        return self.columns.tf

    @property
    def stream(self) -> Stream:
        return Stream(self.product, self.tf)

    @property
    def fresh(self) -> int:
        return min(self.columns.fresh, len(self))

    @cached_property
    def open_ts(self) -> Stamps:
        return self.columns.open_ts[self._rows]

    @cached_property
    def final_at(self) -> Stamps:
        return self.columns.final_at[self._rows]

    @cached_property
    def ready(self) -> Flags:
        return self.columns.ready[self._rows]

    @cached_property
    def close(self) -> Floats:
        return self["close"]

    def __getitem__(self, name: str) -> Floats:
        """A column in the rows that are spoken of."""
        return self.columns[name][self._rows]

    def last(self, rows: int) -> "Signals":
        """What is said of the last rows only."""
        if rows == len(self):
            return self
        cut = slice(len(self) - rows, None)
        votes = {name: scores[cut] for name, scores in self.votes.items()}
        expired = None if self.expired is None else self.expired[cut]
        return Signals(
            self.columns, self.score[cut], self.confidence[cut], self.direction[cut], votes, self.fault, expired
        )

    @property
    def _rows(self) -> slice:
        return slice(len(self.columns) - len(self), None)


@dataclass(frozen=True, slots=True, eq=False)
class Calibrated:
    """Signals of new rows, with what a fitted record makes of their scores.

    `probability` is that of the signal's direction to win, `error` its standard error; both NaN where the record does
    not speak: before it was fitted, or of another product. `drifted` says where it no longer fits what came about.
    """

    signals: Signals
    probability: Floats
    error: Floats
    drifted: Flags
    record: str
    """Which record: its name and the day until which it had seen outcomes."""

    def __len__(self) -> int:
        return len(self.signals)


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """What contracts bought as bars became final would have come to, by our own prices: one row for each bar.

    Each is entered `delay` ms after its bar was final and lasts as long as the bar. `entry` and `exit` are NaN where
    there was no price between.
    """

    product: str
    tf: int
    delay: int
    open_ts: Stamps
    at: Stamps
    """When it was known."""
    entry_ts: Stamps
    entry: Floats
    exit_ts: Stamps
    exit: Floats

    def __len__(self) -> int:
        return len(self.open_ts)


@dataclass(frozen=True, slots=True, eq=False)
class Tips:
    """What somebody outside says of a product: a score in [-1, 1], to be acted on from `as_of` until `valid_until`.

    `tf` is the timeframe it is meant for (ms), 0 for any.
    """

    product: str
    as_of: Stamps
    valid_until: Stamps
    tf: Stamps
    score: Floats

    def __len__(self) -> int:
        return len(self.as_of)


class GateRow(NamedTuple):
    """How one gate answered for one bar: its value, what it was held against, and the verdict in a word.

    `word` names what the value is about where a number alone does not say it: the state of a feed.
    """

    gate: str
    value: float
    threshold: float
    verdict: Literal["yes", "no"]
    word: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Decisions:
    """One row for each final bar of one key: traded, or the first gate that said no.

    `verdict` indexes `gates`; -1 means traded. `value` and `threshold` are that gate's. `explained` has every gate's
    answer for each row of a small batch (live a batch is one row); of a block, only the first that said no is known.
    """

    account: str
    product: str
    tf: int
    gates: tuple[str, ...]
    open_ts: Stamps
    at: Stamps
    verdict: Small
    value: Floats
    threshold: Floats
    score: Floats
    direction: Small
    payout: Floats
    orders: Mapping[int, "Approved"]
    explained: Mapping[int, tuple[GateRow, ...]]

    def __len__(self) -> int:
        return len(self.open_ts)

    @property
    def key(self) -> Key:
        return Key(self.account, self.product, self.tf)


# --- events ----------------------------------------------------------------------------------------------------------


class Ticket(Struct, frozen=True):
    """A trade we would like, for the bar that opened at `bar`, wanted at `at`."""

    account: str
    product: str
    tf: int
    bar: int
    at: int
    direction: Direction
    score: float
    payout: float


class Bet(NamedTuple):
    """What a stake is chosen by. What nobody knows is NaN."""

    balance: Decimal
    payout: float
    probability: float
    """That the trade is won, by a fitted record; its standard error is `error`."""
    error: float
    losses: int
    """How many trades of the key were lost in a row."""
    columns: Mapping[str, float]
    """What the bar decided on had in its columns."""


class Approved(Struct, frozen=True):
    """A ticket the risk gate let through, with its stake. Executors take nothing else."""

    ticket: Ticket
    order: str
    stake: Decimal
    features: dict[str, float] = {}
    """The columns it was decided on, as they stood in its bar."""

    @property
    def key(self) -> Key:
        return Key(self.ticket.account, self.ticket.product, self.ticket.tf)


class Ack(Struct, frozen=True, tag=True):
    """The venue took an order: its own name for the contract, when it starts, and the payout it fixed."""

    order: str
    contract: str
    at: int
    expiry: int
    payout: float


class Reject(Struct, frozen=True, tag=True):
    """The venue says it did not take an order."""

    order: str
    reason: str
    at: int


class Settlement(Struct, frozen=True, tag=True):
    """How a contract ended: profit is what the account gained (a loss is negative)."""

    order: str
    result: Result
    profit: Decimal
    entry_ts: int
    entry: float
    exit_ts: int
    exit: float
    at: int


Reply = Ack | Reject | Settlement


class Order(Struct, frozen=True):
    """An approved ticket on its way, with everything known of it so far."""

    order: str
    account: str
    product: str
    tf: int
    bar: int
    direction: Direction
    stake: Decimal
    payout: float
    state: OrderState
    at: int
    reason: str = ""
    contract: str = ""
    expiry: int = 0
    result: Result | None = None
    profit: Decimal = Decimal(0)
    entry_ts: int = 0
    entry: float = 0.0
    exit_ts: int = 0
    exit: float = 0.0
    cause: Cause = ""
    request: str = ""
    """What the venue is told to know it by: the same for the same account, flow, product, timeframe and bar."""
    origin: Origin = "flow"
    arming: str = ""
    """By whose leave real money is staked."""
    wanted_at: int = 0
    """When its bar was decided; then when it was last sent, when the venue's answer was heard, and its end."""
    sent_at: int = 0
    taken_at: int = 0
    ended_at: int = 0

    @property
    def key(self) -> Key:
        return Key(self.account, self.product, self.tf)


class Held(Struct, frozen=True):
    """A change of the flow waits for what some keys have open, or waits no more: they trade nothing new meanwhile."""

    scope: Scope
    on: bool
    at: int
    why: str


class Life(Struct, frozen=True):
    """What became of a key's life at a moment, and why."""

    account: str
    product: str
    tf: int
    state: LifeState
    at: int
    why: str = ""
    errors: int = 0
    """How many came in a row until then."""
    until: int = 0
    """When a PAUSED one goes on; 0: nobody knows."""
    orders: int = 0
    """How many of the errors were orders that went wrong."""

    @property
    def key(self) -> Key:
        return Key(self.account, self.product, self.tf)


class Arming(Struct, frozen=True):
    """Somebody allowed an account to trade with real money until a moment. With `until` at `at` it is withdrawn."""

    arming: str
    account: str
    at: int
    until: int
    by: str
    reason: str = ""


class Certificate(Struct, frozen=True):
    """Whether everything is accounted for: intents, contracts at the venue and rows of the ledger, and the balance.

    `closing` is `opening` and all that is known to have happened between, to the cent, or `unexplained` says what is
    not: a sentence for each thing.
    """

    account: str
    since: int
    as_of: int
    """Both on the venue's clock."""
    at: int
    intents: int
    contracts: int
    opening: Decimal
    profit: Decimal
    """Of contracts that ended between."""
    cash: Decimal
    """Money that came or went without a contract."""
    stakes: Decimal
    """By how much the stakes of open contracts grew."""
    closing: Decimal | None
    """None where the venue does not say what the account holds."""
    unexplained: tuple[str, ...] = ()
    gained: Decimal = Decimal(0)
    """All profits there ever were, all cash that ever came or went, and the stakes of the contracts open then: the
    next certificate begins with these."""
    moved: Decimal = Decimal(0)
    held: Decimal = Decimal(0)

    @property
    def sound(self) -> bool:
        return not self.unexplained


class Move(Struct, frozen=True):
    """What became of an order at a moment."""

    order: str
    account: str
    state: OrderState
    at: int
    cause: Cause = ""


class Awaited(Struct, frozen=True):
    """A bar that was decided, of which nobody knows yet what it would have paid."""

    product: str
    tf: int
    bar: int
    final_at: int


class Past(Struct, frozen=True):
    """What the ledger knew when the flow began: the orders of late and all that have not ended."""

    orders: tuple[Order, ...]
    earlier_profit: dict[str, Decimal]
    """What each account had gained before these orders."""
    latches: tuple[Latch, ...] = ()
    """Those that hold."""
    released: dict[str, int] = {}
    """When each scope was last released: what is counted until somebody releases it is counted anew from there."""
    moves: tuple[Move, ...] = ()
    """What became of orders in the last days, in order: how long answers took, and what went wrong."""
    awaited: tuple[Awaited, ...] = ()
    """The bars decided last whose outcome is not known."""
    reconciled: dict[str, int] = {}
    """Up to when what the venue lists for each account is accounted for."""
    armings: tuple[Arming, ...] = ()
    """The last one of each account."""
    certificates: tuple[Certificate, ...] = ()
    """The last one of each account."""
    decided: tuple[tuple[str, str, int, int], ...] = ()
    """The last bar that was decided of each account, product and timeframe."""
    cash: tuple[tuple[str, str, int, Decimal], ...] = ()
    """All money that came or went without a contract: account, reference, moment, amount."""
    unaudited: tuple[str, ...] = ()
    """Those of the orders whose contract has ended and was not held against our own prices before the program ended."""
    switched: tuple[Switched, ...] = ()
    """Who started and stopped keys, as far as it still says something of one, in order."""
    lives: tuple[Life, ...] = ()
    """The last one of each key."""


class Dropped(Struct, frozen=True):
    """Rows a node let go, and why. The flow counts them; nothing is lost without a name."""

    product: str
    reason: str
    rows: int


class Noticed(Struct, frozen=True):
    """Rows that were taken although something is odd about them, and what."""

    product: str
    what: str
    rows: int


class Forming(Struct, frozen=True):
    """A bar that is not final, as it stands at a moment: to be looked at, never to be decided on."""

    product: str
    tf: int
    open_ts: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    at: int


class NoData(Struct, frozen=True):
    """Slots of open market that have no bar: nothing came (`silent`), or not all of it did (`torn`)."""

    product: str
    tf: int
    open_ts: int
    slots: int
    reason: Literal["silent", "torn"]
    at: int


class Gap(Struct, frozen=True):
    """Bars of the slots from `since` on, before `until`, are missing: a source that can gives them as history."""

    product: str
    tf: int
    since: int
    until: int
    at: int


class Link(Struct, frozen=True):
    """The connection that brings the prices of these products broke, or is there again."""

    products: tuple[str, ...]
    up: bool
    at: int
    beginning: bool = False
    """Nothing broke: it is of the time before the first price, of which nobody has the prices."""


Standstill = Literal["slept", "stepped", "blocked", "changed"]
"""Why nothing ran: the machine slept or the program was stopped, its clock was set, the program itself was busy, or
the flow was changed and its prices were away."""


class Leaving(Struct, frozen=True):
    """The program is about to end: nothing new is sent from here on."""

    at: int


class Slept(Struct, frozen=True):
    """Nothing ran from `since` to `until`: the machine slept or stood still, or its clock was set by that much.

    What was planned for a moment between them is done too late.
    """

    since: int
    until: int
    cause: Standstill = "slept"


class Stalled(Struct, frozen=True):
    """The event loop did not come round for so long (ms) although it should have, and why."""

    millis: int
    cause: Standstill
    what: str = ""
    """Who kept it busy, where that was seen."""


class Repaint(Struct, frozen=True):
    """A decision that would have been another, had the venue given the bar at first as it did later."""

    account: str
    product: str
    tf: int
    bar: int
    revised: int
    """The bar that the venue changed, by its opening: this one or one before it."""
    was: str
    now: str
    at: int


class Fault(Struct, frozen=True):
    """A node raised: which, when, and what. `fatal` when the flow ends with it."""

    node: str
    at: int
    what: str
    fatal: bool = False
