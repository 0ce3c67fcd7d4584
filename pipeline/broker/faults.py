"""What goes wrong at the practice venue and on the wire to its clients, each kind at a place of its own.

Faults are set by the venue's file, or by its admin while it runs. A face asks at fixed places what strikes there, and
does what the kind says; what struck is kept. Ends of contracts, prices and hands of others are the venue's own matter.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Annotated, Literal, NamedTuple, get_args

from msgspec import Meta

from pipeline.times import DurationText, duration
from pipeline.values import Direction
from pipeline.venues.faults import LATE, OfEnd, OfInquiry, OfMoment, Share, Storm, Strike
from pipeline.venues.weather import Scene, Weather

Before = Literal[
    "lost_request",  # it does not arrive; nothing is answered
    "refused",  # the connection is closed before it is read
    "reset_before",  # the connection breaks as it is read
    "http_401",
    "http_403",
    "http_429",
    "http_503",
    "rate_limit",  # the protocol's own way to say "too often"
    "price_moved",
    "market_closed",
    "offer_gone",  # the offer it names is not known any more
    "late_accept",  # nothing is answered, and `late` after it came it is done after all
]
"""What keeps an order from being done as it comes."""
After = Literal[
    "lost_ack",  # nothing is answered
    "duplicate_ack",  # the answer comes again, `late` after the first
    "late_ack",  # the answer comes `late`
    "timeout",  # the same
    "ack_after_settlement",  # the answer comes after the end of the contract
    "reset_after",  # the connection breaks instead of the answer
    "http_503_accepted",  # the answer says that it could not be done
    "bad_body",  # the answer is cut in the middle
]
"""What befalls the answer to an order that was done."""
OfSale = Literal["lost_close", "sale_refused"]
OfPrice = Literal["missing_entry", "tie", "refund"]
"""What befalls an order's contract: its entry tick is missing; it leaves where it entered; it has no tick at all."""
OfCall = Literal["call_lost", "call_late", "call_http_429", "call_http_503", "call_rate_limit", "call_reset"]
"""What befalls any other call of a client."""
OfConnection = Literal["connection_refused", "login_http_401", "login_http_403", "login_http_503", "expired_otp"]
"""What befalls a login, a request for a one-time password, or a socket that is opened."""
OfFrame = Literal[
    "socket_dropped",  # the socket breaks instead of the frame
    "frame_duplicated",
    "frame_held_back",  # it comes after the next one
    "frame_lost",
    "frame_cut",  # its second half is missing
]
"""What befalls a frame that is sent by a stream, the how manieth of the account."""
OfSpan = Literal[
    "outage",  # connections break, and none is taken
    "half_open",  # nothing that is sent arrives, either way, and nothing breaks
    "token_expiry",  # tokens and one-time passwords do not count
    "ban",  # HTTP 403 to everything
    "maintenance",  # HTTP 503 to everything; open sockets are told so by their protocol
    "slow",  # answers come `late`
    "unknown_fields",  # answers have fields that nobody knows
    "numbers_as_text",
    "text_as_numbers",
    "no_echo",  # answers do not say what they answer
    "tick_gap",  # a product is not quoted
]
"""What begins at a moment and lasts."""
What = Literal[Before, After, OfEnd, OfSale, OfPrice, OfInquiry, OfCall, OfConnection, OfFrame, OfSpan, OfMoment]
Place = Literal["order", "end", "sale", "price", "listing", "call", "connection", "frame", "span", "moment"]

PLACES: Mapping[Place, tuple[What, ...]] = {
    "order": (*get_args(Before), *get_args(After)),
    "end": get_args(OfEnd),
    "sale": get_args(OfSale),
    "price": get_args(OfPrice),
    "listing": get_args(OfInquiry),
    "call": get_args(OfCall),
    "connection": get_args(OfConnection),
    "frame": get_args(OfFrame),
    "span": get_args(OfSpan),
    "moment": get_args(OfMoment),
}
BEFORE: frozenset[str] = frozenset(get_args(Before))
"""An order that one of these strikes is not done, or not yet."""
PLACE_OF: Mapping[str, Place] = {what: place for place, kinds in PLACES.items() for what in kinds}
USUAL_DELAY = 2_000
"""How much later (ms) something is made where neither the fault nor its kind says."""
LATE_MS = 15_000
"""How late a storm may bring an order to life."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One fault: what, whose, and where it strikes. `nth` is counted from when it is set."""

    what: What
    account: Annotated[str, Meta(description="whose; everybody's when left out")] = ""
    nth: Annotated[int, Meta(ge=1, description="the how manieth at its place, 1 for the next")] = 1
    times: Annotated[int, Meta(ge=1, le=1_000_000, description="how many in a row")] = 1
    after: Annotated[DurationText | None, Meta(description="how long after it is set it begins")] = None
    lasts: Annotated[DurationText | None, Meta(description="how long it goes on; to the end when left out")] = None
    late: Annotated[DurationText | None, Meta(description="how much later it makes something; a listing: older")] = None
    product: Annotated[str, Meta(description="of a gap and a contract by hand: which product")] = ""
    direction: Annotated[Direction, Meta(description="of a contract by hand")] = "call"
    amount: Annotated[Decimal, Meta(description="of money that moves, or is staked by hand")] = Decimal(1)
    timeframe: Annotated[DurationText, Meta(description="of a contract by hand: how long it runs")] = "1m"
    told: Annotated[bool, Meta(description="whether statements name the movement, beside the balance")] = True
    shift: Annotated[Share | None, Meta(description="by how much of itself an exit is moved against the account")] = (
        None
    )

    def __post_init__(self) -> None:
        place = PLACE_OF[self.what]
        if self.what == "external" and not self.product:
            raise ValueError('product is missing: "external" is a contract by hand; write product = "R_100"')
        if self.what == "tick_gap" and not self.product:
            raise ValueError('product is missing: "tick_gap" is of one; write product = "R_100"')
        if self.what == "tick_gap" and self.lasts is None:
            raise ValueError('lasts is missing: a gap ends; write lasts = "30s"')
        if self.what in ("deposit", "withdrawal", "external") and not self.account:
            raise ValueError(f'account is missing: {self.what!r} is of one; write account = "demo-1"')
        if place not in ("span", "moment") and (self.after or self.lasts):
            raise ValueError(f"after and lasts do not go with {self.what!r}; write nth and times")
        if place in ("span", "moment") and (self.nth, self.times) != (1, 1):
            raise ValueError(f"nth and times do not go with {self.what!r}; write after and lasts")
        if self.shift is not None and self.what != "wrong_settlement":
            raise ValueError(f"shift does not go with {self.what!r}; it moves the exit of a wrong_settlement")
        if self.amount <= 0:
            raise ValueError(f"amount must be above 0, not {self.amount}; a withdrawal is a fault of its own")

    @property
    def place(self) -> Place:
        return PLACE_OF[self.what]

    @property
    def delay(self) -> int:
        """How much later it makes something (ms of the venue's clock)."""
        if self.late:
            return duration(self.late)
        return next((span[1] for what, span in LATE.items() if what == self.what), USUAL_DELAY)

    def given(self) -> dict[str, object]:
        """What was said of it, for people."""
        each = ((one.name, getattr(self, one.name), one.default) for one in fields(self))
        return {
            name: str(value) if isinstance(value, Decimal) else value for name, value, usual in each if value != usual
        }


class Met(NamedTuple):
    """What was met at a place: the how manieth it was since the venue began, and the fault that strikes it."""

    number: int
    fault: Fault | None


class Hit(NamedTuple):
    """A fault did something."""

    at: int
    fault: Fault
    account: str
    number: int


class _Set:
    """A fault that is set, and how far it is."""

    def __init__(self, fault: Fault, at: int) -> None:
        self.fault, self.seen, self.left = fault, 0, fault.times
        self.begin = at + (duration(fault.after) if fault.after else 0)
        self.until = self.begin + duration(fault.lasts) if fault.lasts else None

    def is_met(self, account: str) -> bool:
        """Whether it would strike what is met now, which counts."""
        if self.left == 0 or self.fault.account not in ("", account):
            return False
        self.seen += 1
        return self.seen >= self.fault.nth

    def lasts_at(self, at: int, account: str) -> bool:
        own = self.fault.account in ("", account)
        return own and self.begin <= at and (self.until is None or at < self.until)


class Faults:
    """All faults of a venue: those that were set, and those that a storm draws."""

    def __init__(self, storm: Storm | None = None, accounts: Iterable[str] = (), began: int = 0) -> None:
        self.struck: list[Hit] = []
        self.note: Callable[[Place, str, int], object] | None = None
        """Told of everything that is met, struck or not: the place, whose it is, when."""
        scene = Scene(tuple(sorted(accounts)), 0, LATE_MS)
        self.weather = Weather(() if storm is None else storm, scene, began)
        self._set: dict[Place, list[_Set]] = {}
        self._numbers: dict[Place, int] = {}
        self._of_orders: dict[tuple[Place, int], Fault] = {}

    def set(self, fault: Fault, at: int) -> None:
        """From a moment on it strikes."""
        self._set.setdefault(fault.place, []).append(_Set(fault, at))

    def go_on(self, orders: int) -> None:
        """So many orders were met before."""
        self._numbers["order"] = orders

    def waiting(self) -> list[Fault]:
        """Those that are set and may strike yet."""
        return [
            each.fault
            for place, several in self._set.items()
            for each in several
            if each.left or (place == "span" and each.until is None)
        ]

    def clear(self) -> None:
        """Nothing strikes any more."""
        self._set.clear()
        self._of_orders.clear()
        self.weather.calm()

    def meet(self, place: Place, account: str, at: int) -> Met:
        """What strikes an order, a sale, a listing, a call, a connection or a frame that comes now, which counts."""
        if self.note is not None:
            self.note(place, account, at)
        number = self._numbers[place] = self._numbers.get(place, 0) + 1
        fault = self._found(place, account) or self._drawn(place, number)
        if place == "order":
            for later in ("end", "sale", "price"):
                if (of_contract := self._found(later, account) or self._drawn(later, number)) is not None:
                    self._of_orders[later, number] = of_contract
        if fault is not None:
            self._hit(fault, account, number, at)
        return Met(number, fault)

    def of_order(self, place: Place, number: int, account: str, at: int) -> Fault | None:
        """What strikes the end, the sale or the price of an order's contract, once."""
        fault = self._of_orders.pop((place, number), None)
        if fault is not None:
            self._hit(fault, account, number, at)
        return fault

    def foreseen(self, place: Place, number: int) -> Fault | None:
        """The same, without its striking yet."""
        return self._of_orders.get((place, number))

    def befell(self, fault: Fault, at: int) -> None:
        """Something happened on an account by somebody else's hand."""
        for each in self._set.get("moment", ()):
            if each.fault is fault:
                each.left = 0
        self._hit(fault, fault.account, 0, at)

    def during(self, what: OfSpan, account: str, at: int) -> Fault | None:
        """The trouble of a kind that lasts at a moment."""
        for each in self._set.get("span", ()):
            if each.fault.what == what and each.lasts_at(at, account):
                if each.left:
                    each.left = 0
                    self._hit(each.fault, account, 0, at)
                return each.fault
        if what in ("outage", "half_open", "token_expiry") and (strike := self.weather.during(what, at)) is not None:
            known = len(self.weather.struck)
            self.weather.struck_by(strike)
            if len(self.weather.struck) > known:
                self._hit(_fault(strike), "", 0, at)
            return _fault(strike)
        return None

    def _found(self, place: Place, account: str) -> Fault | None:
        found: Fault | None = None
        for each in self._set.get(place, ()):
            # All that are set count what is met; of several that would strike the others wait for the next.
            if each.is_met(account) and found is None:
                each.left -= 1
                found = each.fault
        return found

    def _drawn(self, place: Place, number: int) -> Fault | None:
        weather = self.weather
        strike: Strike | None = None
        match place:
            case "order":
                strike = weather.of_order(number)
            case "end":
                strike = weather.of_end(number)
            case "sale":
                strike = weather.of_sale(number)
            case "listing":
                strike = weather.of_inquiry(number)
            case _:
                pass
        return None if strike is None else _fault(strike)

    def _hit(self, fault: Fault, account: str, number: int, at: int) -> None:
        self.struck.append(Hit(at, fault, account, number))


def _fault(strike: Strike) -> Fault:
    return Fault(what=strike.what, late=strike.late, shift=strike.shift, after=strike.after, lasts=strike.lasts)
