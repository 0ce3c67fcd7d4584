"""What a broker's connector and a source of prices have to be able to do, and what they declare of themselves.

A connector is one account's: its session, tokens, cookies and limits are nobody else's. Whatever it is asked has an
end: an answer, or `CallFailed` within the deadline. `pipeline.connections.desk` (orders) and
`pipeline.connections.feeding` (prices) make a flow's streams of it: these keep it connected, and neither knows a venue.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Literal, NamedTuple, Protocol, runtime_checkable

from pipeline.connections.counts import Counts
from pipeline.evidence import Closing, Evidence, Inquiry, Money, Statement, Trouble
from pipeline.permission import Permission
from pipeline.secret import Logins
from pipeline.settlement import Tie
from pipeline.values import Ack, Bars, Order, Quotes, Settlement

Priority = Literal["order", "result", "quote", "history"]
"""What is asked first when not everything can be: orders, then what became of them, then prices, then the past."""


class Limit(NamedTuple):
    """So many calls of some kinds a venue answers, together, in a minute and in an hour."""

    name: str
    calls: frozenset[str]
    """The kinds of calls that it is about; empty: every one that no other limit of the venue names."""
    per_minute: int
    per_hour: int | None = None
    burst: int | None = None
    """So many within a second, where that is fewer than a minute's."""
    reserve: int = 0
    """So many a minute that only orders may take."""
    scope: Literal["account", "address"] = "account"
    """Whether each account has its own, or all that is asked from this machine counts together."""


class Need(NamedTuple):
    """So many calls of a kind a flow makes in its busiest minute, what for, and what would make it fewer."""

    call: str
    per_minute: float
    what: str
    """What for, in a few words: "payouts of 3 products, every 60 s"."""
    priority: Priority
    cheaper: Callable[[float], str] | None = None
    """Says the change of the flow file that makes it so many times fewer: a key and a value, in a few words."""
    account: str = ""
    """Whose limit it is taken from; "" where it is nobody's own."""
    per_hour: float | None = None
    """In its busiest hour, where that is not sixty times as many."""


class Busy(NamedTuple):
    """What a flow does in its busiest minute, for `needs` to be counted from."""

    products: tuple[str, ...]
    timeframes: tuple[int, ...]
    orders: Mapping[str, int]
    """How many orders each account may send in it: one for each product and timeframe that a guard trades."""
    orders_an_hour: Mapping[str, int]
    questions: Mapping[str, float]
    """How many inquiries its executor may make for each account, while something is in doubt."""
    questions_an_hour: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """What a connector declares of its venue. What it does not declare is not relied on."""

    evidence: Evidence
    streams: bool
    """Whether prices and ends are told by the venue itself; else they are asked for."""
    tie: Tie
    currencies: frozenset[str]
    """In which money accounts are; empty: in any."""
    shortest: int
    longest: int
    """Durations of contracts (ms) that it may take at all; what a product takes now is asked of it."""
    permission: Permission
    limits: tuple[Limit, ...]


@dataclass(frozen=True, kw_only=True)
class Holder:
    """Whose connection it is: an account as the flow file has it."""

    account: str
    money: Money
    currency: str


Told = Ack | Settlement
Hear = Callable[[Told], None]
"""Takes what a venue tells by itself, and answers that come after their deadline.

Where a connector does not know whose a contract is, the `order` of its end is the contract's own name: the desk knows.
"""
Warn = Callable[[Trouble], None]
"""Takes each thing that goes wrong on the way and is mended or gone round: nothing is swallowed."""


class Connector(Protocol):
    """One account's connection to its venue. Every call ends by itself, within its deadline, or raises `CallFailed`."""

    @property
    def capabilities(self) -> Capabilities: ...

    async def open(self) -> None:
        """Log in, connect, and check that the account is what the flow says (money, currency).

        It is called again after `close`, for a new connection. A login that the venue refuses, and an account that is
        not what the flow says, is a `CallFailed` that is `final`: whatever is not is tried once more at least.
        """
        ...

    async def follow(self, hear: Hear) -> None:
        """Hear what the venue tells until the connection breaks: it ends with `CallFailed` only, never by itself.

        Contracts that are open as it begins are followed too, whoever bought them.
        """
        ...

    async def place(self, order: Order) -> Ack:
        """Buy. `CallFailed.fate` says what is certain when there is no contract: "unknown" unless it is proved."""
        ...

    async def statement(self, inquiry: Inquiry) -> Statement:
        """All contracts since a moment, or one; complete as of `as_of`, or `CallFailed`."""
        ...

    async def sell(self, closing: Closing) -> Settlement:
        """Sell a contract back; `CallFailed` of kind "rule" when the venue does not take it back."""
        ...

    async def payout(self, product: str, tf: int, stake: Decimal) -> float | None:
        """What a win pays now for each unit of stake, the less where sides differ; None while it is not offered."""
        ...

    async def clock(self) -> int:
        """The venue's time, ms UTC, as of the middle of asking."""
        ...

    async def close(self) -> None:
        """Let go of everything. May be called at any moment, and more than once."""
        ...


class Feed(Protocol):
    """A source of prices over a network. Every call ends by itself, within its deadline, or raises `CallFailed`."""

    async def history(self, product: str, tf: int, since: int, until: int) -> Bars:
        """The final bars of the slots from `since` on, before `until`, as many as there are; `fresh` is 0."""
        ...

    async def ticks(self, product: str, since: int, until: int) -> Quotes:
        """The quotes stamped from `since` on, before `until`; `CallFailed` of kind "rule" where none are kept."""
        ...

    def live(self, products: tuple[str, ...]) -> AsyncIterator[Quotes]:
        """Connect and subscribe anew each time it is called, then quotes as they come: it ends with `CallFailed` only,
        also when the connection is silent for longer than it can be.

        Quotes without rows say that the venue confirmed their product's subscription. Of a product that the venue
        refuses the feed warns, and goes on with the others. It may be called while an earlier one still runs: for
        products that gave nothing since.
        """
        ...

    async def close(self) -> None: ...


class Outside(Protocol):
    """What a feed needs of a flow's host; who asks for prices without a flow gives it too."""

    base: Path

    def now(self) -> int: ...
    async def until(self, at: int) -> None: ...


@runtime_checkable
class Fetching(Protocol):
    """A source whose prices can be asked for without a flow: `data download` does."""

    def feed(self, host: Outside, warn: Warn) -> Feed: ...


@runtime_checkable
class Connecting(Protocol):
    """A venue whose accounts can be tried without a flow: `accounts test` does."""

    def connector(self, host: Outside, holder: Holder, logins: Logins, warn: Warn) -> Connector: ...


@runtime_checkable
class Introduced(Protocol):
    """A connector that can say, once it is open, what the venue told it of the account."""

    @property
    def introduction(self) -> Mapping[str, str]:
        """In words for a person: money, currency, balance, what the login may do. Ids are shown masked by who shows."""
        ...


@runtime_checkable
class Counting(Protocol):
    """A connector that counts what it asks: a flow is told every minute."""

    @property
    def counts(self) -> Counts: ...


@runtime_checkable
class Needing(Protocol):
    """A part that talks over a network, by what it asks of its venue: `validate` adds it up."""

    def limits(self) -> tuple[Limit, ...]: ...
    def needs(self, busy: Busy) -> Iterator[Need]: ...


@runtime_checkable
class Timed(Protocol):
    """A source or a venue whose clock may go faster than time passes: a practice venue's."""

    @property
    def speed(self) -> float: ...
    def clock_of(self) -> Awaitable[int]:
        """The venue's time now (ms UTC), asked of it."""
        ...


@runtime_checkable
class OwnClock(Timed, Protocol):
    """A source whose clock may begin at a moment of its own: a practice feed's."""

    @property
    def begins_at(self) -> int | None:
        """None: now."""
        ...


@runtime_checkable
class Lasting(Protocol):
    """A part that keeps up to when earlier lives of its flow went: a clock of the flow's own goes on from there."""

    def reached(self, folder: Path) -> int | None:
        """The moment, by what it keeps in its folder; None where it keeps nothing."""
        ...
