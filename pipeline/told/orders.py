"""Orders, and the decisions they came from."""

from typing import Literal

from msgspec import Struct

from pipeline.states import OrderState

NOT_ENDED = "NOT_ENDED"
"""As a status: every one in which an order may still come to something."""
Status = Literal["", OrderState, "NOT_ENDED"]


class OrderRow(Struct, frozen=True):
    """One order as it stands. Money is text, as the account would write it."""

    order: str
    account: str
    product: str
    timeframe: str
    bar: int
    direction: Literal["call", "put"]
    stake: str
    payout: float
    status: str
    at: int
    began: int
    reason: str
    cause: str
    contract: str
    expiry: int
    result: str
    profit: str
    entry: float | None
    exit: float | None
    request: str = ""
    """The name by which its venue knows it; ""."""
    origin: str = "flow"
    """external: somebody else placed it."""
    sent_at: int = 0
    taken_at: int = 0
    """When the venue's answer was heard."""
    entry_at: int = 0
    exit_at: int = 0
    """Of the ticks it entered and left at."""
    ended_at: int = 0
    seen_entry: float | None = None
    """While it runs: the first price that this engine saw after its acceptance. What counts, the venue tells later."""


class Counted(Struct, frozen=True):
    """An account's orders by what became of them, and the sum of what ended."""

    account: str
    won: int = 0
    lost: int = 0
    even: int = 0
    void: int = 0
    """Canceled: the stake came back."""
    none: int = 0
    """There is no contract: not sent, refused or proved absent."""
    running: int = 0
    unknown: int = 0
    profit: str = "0"


class Audit(Struct, frozen=True):
    """How a contract ended by our own prices: `explained`, `unexplained`, or `unseen` where they do not reach."""

    at: int
    verdict: str
    result: str | None
    entry_at: int | None
    entry: float | None
    exit_at: int | None
    exit: float | None
    reason: str


class Contradiction(Struct, frozen=True):
    """What a venue told of an order, against what was known."""

    at: int
    was: str
    now: str


class RunsOn(Struct, frozen=True):
    """Why a contract runs on that was to be closed early."""

    at: int
    reason: str


class Move(Struct, frozen=True):
    """What became of an order at a moment."""

    at: int
    status: str
    reason: str
    cause: str


class GateAnswer(Struct, frozen=True):
    """What one gate said of a bar."""

    gate: str
    verdict: str
    value: float | None
    threshold: float | None
    word: str = ""


class DecisionRow(Struct, frozen=True):
    """What was decided on one bar: `trade`, or the first gate that said no; and what each gate said."""

    account: str
    product: str
    timeframe: str
    bar: int
    at: int
    verdict: str
    value: float | None
    threshold: float | None
    score: float | None
    direction: int
    payout: float | None
    order: str
    gates: tuple[GateAnswer, ...]


class Orders(Struct, frozen=True):
    """A page of orders; `next` is the cursor of the page behind it, "" when there is none."""

    orders: tuple[OrderRow, ...]
    next: str = ""
    counted: tuple[Counted, ...] = ()
    """Account by account, and of every page; only when it is asked for."""


class OrderWhole(Struct, frozen=True):
    """An order, all that became of it, and the decision it came from (none: it is not of this flow's making)."""

    order: OrderRow
    moves: tuple[Move, ...]
    decision: DecisionRow | None
    audit: Audit | None = None
    """null until its end was held against our own prices."""
    disputes: tuple[Contradiction, ...] = ()
    runs_on: tuple[RunsOn, ...] = ()


class Canceled(Struct, frozen=True):
    """What came of asking a venue to take a contract back: it did, or why the contract runs on."""

    order: OrderRow
    closed_early: bool
    reason: str


class DecisionsTold(Struct, frozen=True):
    """Decisions with every gate's answer."""

    decisions: tuple[DecisionRow, ...]
