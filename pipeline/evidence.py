"""What passes between an executor and those who know what became of its orders: venues, the ledger, people.

An order's fate is told by evidence only: the venue's answer to it, the end of its contract, a listing of what the
account holds and held, or the verdict of somebody who signs for it.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Literal, NamedTuple

from msgspec import Meta, Struct

from pipeline.values import Certificate, Direction, Life, Result

Money = Literal["practice", "demo", "real"]
"""Whose money an account plays with: nobody's, the venue's, or its owner's."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What a venue can prove, as it declares it. What it does not declare is not relied on."""

    lists: Annotated[bool, Meta(description="it lists an account's contracts since a moment, and says as of when")] = (
        False
    )
    echoes: Annotated[bool, Meta(description="its listings name our own id of an order")] = False
    once: Annotated[bool, Meta(description="an order sent twice is taken once, and gets the first answer again")] = (
        False
    )
    late_ms: Annotated[
        int,
        Meta(ge=0, le=3_600_000, description="an order may come to life this much later than it was sent, at the most"),
    ] = 0
    closes: Annotated[bool, Meta(description="it takes contracts back before their expiry")] = False
    stamps_ms: Annotated[
        int,
        Meta(ge=1, le=60_000, description="its stamps of when a contract began may be this far from our clock"),
    ] = 1000


class Terms(NamedTuple):
    """What an executor must know of an account."""

    money: Money
    evidence: Evidence


# --- what venues say -------------------------------------------------------------------------------------------------


class Unsent(Struct, frozen=True, tag=True):
    """It is certain that no byte of an order reached the venue: there was no connection, or no room in our limits."""

    order: str
    reason: str
    at: int


class Lost(Struct, frozen=True, tag=True):
    """No answer to an order will come any more, and nobody knows whether the venue took it."""

    order: str
    reason: str
    at: int


class Inquiry(Struct, frozen=True):
    """Asks the venue of an account for all contracts since a moment, or for one contract."""

    account: str
    number: int
    """The how manieth of the account; the answer names it."""
    since: int
    at: int
    contract: str = ""


class Closing(Struct, frozen=True):
    """Asks the venue of an account to take a contract back before its expiry. The answer is its end, or `Declined`."""

    order: str
    contract: str
    account: str
    at: int


class Declined(Struct, frozen=True, tag=True):
    """The venue does not take a contract back now: it runs on."""

    order: str
    reason: str
    at: int


class Listed(Struct, frozen=True):
    """A contract as the venue lists it. `result` is None while it is open; `request` our own id, where it is told."""

    contract: str
    request: str
    product: str
    tf: int
    direction: Direction
    stake: Decimal
    payout: float
    accepted_at: int
    expiry: int
    result: Result | None = None
    profit: Decimal = Decimal(0)
    entry_ts: int = 0
    entry: float = 0.0
    exit_ts: int = 0
    exit: float = 0.0
    closed_at: int = 0


class Cash(Struct, frozen=True):
    """Money that came or went without a contract: a deposit, a withdrawal, a fee."""

    reference: str
    at: int
    amount: Decimal
    what: str
    account: str = ""
    """Whose; "" in a statement, which says it for all."""


class Statement(Struct, frozen=True, tag=True):
    """A venue's answer to an inquiry: every contract accepted or ended since then, as of a moment of its own clock.

    `balance` is what the account holds then, without the stakes of open contracts; None where the venue does not say.
    `fault` says why there is no answer; then the rest means nothing.
    """

    account: str
    number: int
    since: int
    as_of: int
    at: int
    contracts: tuple[Listed, ...] = ()
    cash: tuple[Cash, ...] = ()
    balance: Decimal | None = None
    contract: str = ""
    """The one contract that was asked for; "" when all were."""
    fault: str = ""


class Struck(Struct, frozen=True):
    """A fault did something that a venue was made to have: as it is written into the list of a flow file."""

    fault: str
    at: int


StandingState = Literal["DISCONNECTED", "AUTHENTICATING", "CONNECTED", "REAUTH", "RECONNECT", "READ_ONLY", "REFUSED"]
"""DISCONNECTED: nobody has tried yet, or it was closed. AUTHENTICATING: logging in for the first time. CONNECTED:
orders may be sent. REAUTH: the login ran out and is made anew. RECONNECT: the connection broke and is tried again.
READ_ONLY: the venue is in maintenance, what it says is heard but nothing is sent. REFUSED: the venue does not take the
login, or the account is not what the flow says; nothing is tried again until a person has done something."""


class Standing(Struct, frozen=True):
    """How an account stands with its venue from a moment on, and why. Only where it is CONNECTED orders are sent."""

    account: str
    state: StandingState
    at: int
    reason: str = ""


TroubleKind = Literal["auth", "throttle", "maintenance", "network", "format", "rule"]
"""Not let in; too much asked; closed for a while; not reached, or too slow; not understood; against the rules."""


class Trouble(Struct, frozen=True):
    """Something went wrong between us and a venue or a source of prices: what kind of thing, and a sentence."""

    whose: str
    """The account; of a source of prices its node."""
    kind: TroubleKind
    what: str
    at: int


class Called(Struct, frozen=True):
    """How often an account asked its venue something in one minute, and how long that took on average."""

    account: str
    at: int
    """The end of the minute."""
    calls: int
    failed: int
    millis: float
    """Real ms, of a call; 0 where there was none."""


# --- what the ledger says --------------------------------------------------------------------------------------------


class Written(Struct, frozen=True):
    """An order's intent is on disk for good; not `fresh` when its bar had one before, which stands."""

    order: str
    fresh: bool


class Verdict(Struct, frozen=True):
    """Somebody signs for what became of an order of which the venue can say nothing any more."""

    order: str
    outcome: Literal["absent", "win", "lose", "push", "canceled"]
    profit: Decimal
    at: int
    by: str
    reason: str


class Request(Struct, frozen=True):
    """Somebody asks for something at once, of an account ("": of every one).

    A pass over what its venue lists; or that open contracts are sold back before their expiry, that of one order or
    all.
    """

    what: Literal["reconcile", "close"]
    account: str
    at: int
    by: str
    order: str = ""


# --- what an executor says beside its orders -------------------------------------------------------------------------


class Dispute(Struct, frozen=True):
    """The venue contradicts what it said before, or what was proved: nothing is changed, somebody must look."""

    order: str
    account: str
    at: int
    was: str
    now: str


class Unclosed(Struct, frozen=True):
    """A contract that somebody wanted to sell back runs on, and why."""

    order: str
    account: str
    at: int
    reason: str


class Reconciled(Struct, frozen=True):
    """A complete pass over what a venue lists for an account: all that was told up to `until` is accounted for."""

    account: str
    until: int
    at: int


class Audited(Struct, frozen=True):
    """How a contract ended by our own prices, held against what the venue says.

    `unseen` where our prices do not reach; then there is nothing to compare.
    """

    order: str
    account: str
    at: int
    verdict: Literal["explained", "unexplained", "unseen"]
    result: Result | None = None
    entry_ts: int = 0
    entry: float = 0.0
    exit_ts: int = 0
    exit: float = 0.0
    reason: str = ""


class Measured(Struct, frozen=True):
    """Numbers on how an account fares that have changed by the end of a minute."""

    account: str
    at: int
    values: dict[str, float]


class Offered(Struct, frozen=True):
    """What a win pays from a moment on, where that changed: product, moment, ratio of the stake."""

    rows: tuple[tuple[str, int, float], ...]


Noted = Reconciled | Dispute | Unclosed | Certificate | Audited | Cash | Measured | Offered | Life
"""What is kept beside orders, so that everything is accounted for and can be told afterwards."""
ENTERING = (
    Unsent,
    Lost,
    Declined,
    Statement,
    Struck,
    Standing,
    Trouble,
    Called,
    Written,
    Verdict,
    Request,
    Dispute,
)
"""What comes in by a flow's door."""
