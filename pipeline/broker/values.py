"""What passes between the practice venue and the faces it shows to clients."""

from decimal import Decimal
from typing import Literal, NamedTuple

from msgspec import Struct

from pipeline.values import Direction

Kind = Literal["demo", "real"]
"""Whose money an account says it holds. All of it is nobody's."""
Status = Literal["active", "inactive"]


class Purse(Struct, frozen=True):
    """An account and who owns it. One user may own several."""

    account: str
    user: str
    currency: str
    kind: Kind
    opening: Decimal
    status: Status = "active"
    scopes: tuple[str, ...] = ("read", "trade")


class Tick(NamedTuple):
    """A price at a whole second (ms UTC). Contracts go by the quote, which has the product's decimals."""

    product: str
    at: int
    quote: float
    bid: float
    ask: float


class Candle(NamedTuple):
    """The ticks of one slot."""

    opened: int
    last: int
    """When its last tick was."""
    open: float
    high: float
    low: float
    close: float
    ticks: int
    final: bool
    """Whether its slot is over."""


class Wish(Struct, frozen=True, kw_only=True):
    """What somebody wants to buy: one of `lasts` (ms), `ticks` and `expiry` (ms UTC) says how long it runs."""

    product: str
    direction: Direction
    amount: Decimal
    basis: Literal["stake", "payout"] = "stake"
    lasts: int = 0
    ticks: int = 0
    expiry: int = 0
    equals: bool = False
    """Whether equal prices win; else they lose."""
    currency: str = ""


class Offer(Struct, frozen=True):
    """What a contract would cost and pay if it were bought now; it may be bought once, until it ends."""

    id: str
    account: str
    wish: Wish
    ask: Decimal
    payout: Decimal
    """All that a win brings, the stake included."""
    spot: Tick
    starts: int
    expiry: int
    ends: int
    """When the offer does."""

    @property
    def ratio(self) -> float:
        """What a win gains for each unit of stake."""
        return float((self.payout - self.ask) / self.ask)


RefusalCode = Literal[
    "account",  # there is no such account, or it is not active
    "product",  # nothing of that name is traded
    "closed",  # its market is closed, or would be before the end
    "duration",  # not offered for so long
    "stake",  # below the least or above the most
    "payout",  # above the most
    "decimals",  # parts of a cent
    "currency",  # not the account's money
    "funds",  # more than the account holds
    "spent",  # an offer that was bought, has ended or never was
    "price",  # costs more, or brings less, than was said to be acceptable
    "contract",  # not one of the account's
    "ended",  # it is over
    "waiting",  # it has not entered yet
    "unsellable",  # it is not taken back
]


class Refusal(NamedTuple):
    """Why something is not done. `field` names what of the request it is about, where one is."""

    code: RefusalCode
    text: str
    field: str = ""


class Bought(NamedTuple):
    """A contract was bought. `again` when an earlier request of the same name had bought it."""

    contract: "Contract"
    entry: "Entry"
    again: bool = False


class Sold(NamedTuple):
    """A contract was sold back."""

    contract: "Contract"
    entry: "Entry"


EntryKind = Literal["buy", "sell", "deposit", "withdrawal", "adjustment"]


class Entry(Struct, frozen=True):
    """A line of an account's money. Lines are numbered as they are written, over all accounts; none is left out."""

    number: str
    account: str
    at: int
    kind: EntryKind
    amount: Decimal
    """Signed: what a purchase costs is below 0. A contract that was lost is sold for 0."""
    balance_after: Decimal
    contract: str = ""
    reference: str = ""
    """Of a sale the number of the purchase; of a deposit or a withdrawal what it is called."""


ContractStatus = Literal["open", "won", "lost", "sold", "refunded"]


class Contract(Struct, frozen=True):
    """A contract as it stands at a moment (`as_of`)."""

    id: str
    account: str
    product: str
    direction: Direction
    equals: bool
    stake: Decimal
    payout: Decimal
    """All that a win brings."""
    bought_at: int
    expiry: int
    """Of a contract over ticks the end of its last one, 0 until it is known."""
    ticks: int
    """Over so many ticks after the one it enters at; 0 for one that runs for a time."""
    status: ContractStatus
    as_of: int
    buy_number: str
    sell_number: str = ""
    request: str = ""
    entry: Tick | None = None
    exit: Tick | None = None
    """Where it would leave, or has left; None until its end, or while it is open and has time left."""
    spot: Tick | None = None
    """The last price before it ended, now while it is open."""
    bid: Decimal = Decimal(0)
    """What it is worth now; after its end what it brought."""
    sold_for: Decimal = Decimal(0)
    sold_at: int = 0
    is_expired: bool = False
    is_sellable: bool = False

    @property
    def is_sold(self) -> bool:
        """Whether it is over and its money has come."""
        return self.status != "open"

    @property
    def profit(self) -> Decimal:
        """What it has gained, or would if it were sold now."""
        return (self.sold_for if self.is_sold else self.bid) - self.stake


StageName = Literal["bought", "entered", "moved", "expired", "sold"]


class Stage(NamedTuple):
    """A contract has come further: it was bought, entered, is worth something else, expired, or is over."""

    what: StageName
    contract: Contract
