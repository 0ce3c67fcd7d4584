"""Why a bar was traded or not."""

from msgspec import Struct

from pipeline.states import LifeState
from pipeline.told.orders import GateAnswer, OrderRow

SKIPPED = {"missed": "the program was not running", "overrun": "the program was busy"}
"""What is said of bars of which nothing was asked."""


class VoteTold(Struct, frozen=True):
    """What a strategy said of the bar; `direction` 0 and no strength: nothing, or (`word`) it failed."""

    ensemble: str
    provider: str
    direction: int
    strength: float | None
    word: str


class BarTold(Struct, frozen=True):
    """The bar's own prices."""

    open: float
    high: float
    low: float
    close: float
    volume: float


class QuoteTold(Struct, frozen=True):
    """The last price before the decision, and how old it was by its venue's stamp."""

    bid: float
    ask: float
    at: int
    age_ms: int


class StopTold(Struct, frozen=True):
    """A stop that held: of the account, or of everybody ("")."""

    scope: str
    since: int
    reason: str
    by: str


class OpenTold(Struct, frozen=True):
    """An order of the account that had not ended, and where it was."""

    order: str
    product: str
    timeframe: str
    bar: int
    direction: str
    stake: str
    state: str


class Why(Struct, frozen=True):
    """Why a bar was traded or not. Only `order`, `would_have` and `lines` say what became of it since.

    `features`, `votes`, `bar` and `quote` are empty, or null, where nobody knows them any more: the ledger keeps the
    columns of what was traded, the running engine those of its newest bars.
    """

    account: str
    product: str
    timeframe: str
    bar_ms: int
    decided_ms: int
    verdict: str
    """`trade`, or the first gate that said no."""
    direction: int
    score: float | None
    payout: float | None
    gates: tuple[GateAnswer, ...]
    features: dict[str, float | None]
    """null where one was not ready."""
    votes: tuple[VoteTold, ...]
    bar: BarTold | None
    quote: QuoteTold | None
    stops: tuple[StopTold, ...]
    life: LifeState | None
    """Of the key; null where nothing was told of it by then."""
    armed_until: int
    """0: the account was not armed."""
    open: tuple[OpenTold, ...]
    """What else the account had on its way or open."""
    order: OrderRow | None
    """As it stands now."""
    would_have: str
    what_if: str | None
    """What alone would have had to be otherwise; null where it is not one thing."""
    lines: tuple[str, ...]
    """The same as the verb `why` prints it."""
    before_ms: int
    """The bars of this key that were decided before and after; 0: there is none."""
    after_ms: int
