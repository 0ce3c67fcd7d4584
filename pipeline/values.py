"""What flows: batches of rows as numpy columns up to the risk gate, single events in event time after it.

Nothing here changes once made. A batch is for one product (and timeframe) and is ordered by time; live it is mostly one
row, in replay thousands. It may be given ahead of its rows' own times, so meaning is always read off the stamps in it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, NamedTuple

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Stamps = NDArray[np.int64]
Flags = NDArray[np.bool_]
Small = NDArray[np.int8]
Counts = NDArray[np.int32]

Direction = Literal["call", "put"]
Result = Literal["win", "lose", "push", "canceled", "abort"]

NEXT_TICK, DEADLINE, VENUE = 0, 1, 2
CLOSED_BY = ("next tick", "deadline", "venue")


class Stream(NamedTuple):
    """Whose bars: one product in one timeframe (ms)."""

    product: str
    tf: int


class Key(NamedTuple):
    """Whose trades: one account on one stream."""

    account: str
    product: str
    tf: int


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
    new.
    """

    product: str
    tf: int
    open_ts: Stamps
    final_at: Stamps
    ready: Flags
    values: Mapping[str, Floats]
    fresh: int

    def __len__(self) -> int:
        return len(self.open_ts)

    def __getitem__(self, name: str) -> Floats:
        return self.values[name]


@dataclass(frozen=True, slots=True, eq=False)
class Votes:
    """One provider's scores in [-1, 1] for the new rows of some columns; NaN where it has nothing to say."""

    provider: str
    columns: Columns
    scores: Floats
    fault: str = ""

    def __len__(self) -> int:
        return len(self.scores)


@dataclass(frozen=True, slots=True, eq=False)
class Signals:
    """What the providers together say of each new bar.

    `score` is in [-1, 1], its sign is the direction (1 call, -1 put, 0 none), `confidence` its size, `probability`
    what an uncalibrated logistic makes of it. `votes` keeps each provider's scores; `fault` names providers that
    failed.
    """

    product: str
    tf: int
    open_ts: Stamps
    final_at: Stamps
    close: Floats
    ready: Flags
    score: Floats
    confidence: Floats
    probability: Floats
    direction: Small
    votes: Mapping[str, Floats]
    fault: str = ""

    def __len__(self) -> int:
        return len(self.open_ts)

    @property
    def stream(self) -> Stream:
        return Stream(self.product, self.tf)


class GateRow(NamedTuple):
    """How one gate answered for one bar: its value, what it was held against, and the verdict in a word."""

    gate: str
    value: float
    threshold: float
    verdict: Literal["yes", "no"]


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


class Approved(Struct, frozen=True):
    """A ticket the risk gate let through, with its stake. Executors take nothing else."""

    ticket: Ticket
    order: str
    stake: Decimal

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

OrderState = Literal["SENDING", "OPEN", "SETTLED", "REJECTED", "NOT_SENT", "UNKNOWN"]
ENDED: frozenset[OrderState] = frozenset({"SETTLED", "REJECTED", "NOT_SENT"})


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

    @property
    def key(self) -> Key:
        return Key(self.account, self.product, self.tf)


class Past(Struct, frozen=True):
    """What the ledger knew when the flow began: the orders of late and all that have not ended."""

    orders: tuple[Order, ...]
    earlier_profit: dict[str, Decimal]
    """What each account had gained before these orders."""


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


class Slept(Struct, frozen=True):
    """Nothing ran from `since` to `until`: the machine slept or stood still, or its clock was set by that much.

    What was planned for a moment between them is done too late.
    """

    since: int
    until: int


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
