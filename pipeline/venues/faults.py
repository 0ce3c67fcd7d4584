"""Faults of a venue and of the wire to it, as a flow file writes them: a list of strikes, or rates with a seed."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Annotated, Literal, get_args

from msgspec import Meta

from pipeline.gains import CENT
from pipeline.times import HOUR, MINUTE, SECOND, DurationText, TimeframeName, duration, timeframe
from pipeline.values import Direction

OfOrder = Literal[
    "lost_request",
    "refused",
    "reset_before",
    "http_401",
    "http_403",
    "http_429",
    "http_503",
    "late_accept",
    "lost_ack",
    "duplicate_ack",
    "late_ack",
    "ack_after_settlement",
    "reset_after",
    "http_503_accepted",
    "bad_body",
    "timeout",
]
"""What may befall an order or the answer to it."""
OfEnd = Literal[
    "lost_settlement",
    "duplicate_settlement",
    "late_settlement",
    "reordered_settlement",
    "changed_settlement",
    "wrong_settlement",
]
"""What may befall the end of an order's contract."""
OfSale = Literal["lost_close"]
"""What may befall the answer to a contract of an order being sold back early."""
OfInquiry = Literal["failed_listing", "lost_listing", "stale_listing"]
OfTime = Literal["outage", "half_open", "token_expiry"]
"""What begins at a moment and lasts."""
OfMoment = Literal["external", "deposit", "withdrawal"]
"""What happens on an account at a moment, by somebody else's hand."""
What = Literal[OfOrder, OfEnd, OfSale, OfInquiry, OfTime, OfMoment]

OF_ORDER: tuple[OfOrder, ...] = get_args(OfOrder)
OF_END: tuple[OfEnd, ...] = get_args(OfEnd)
OF_SALE: tuple[OfSale, ...] = get_args(OfSale)
OF_INQUIRY: tuple[OfInquiry, ...] = get_args(OfInquiry)
OF_TIME: tuple[OfTime, ...] = get_args(OfTime)
OF_MOMENT: tuple[OfMoment, ...] = get_args(OfMoment)

LATE: Mapping[What, tuple[int, int]] = {
    "late_accept": (SECOND, 20 * SECOND),
    "late_ack": (11 * SECOND, 40 * SECOND),
    "duplicate_ack": (0, 30 * SECOND),
    "timeout": (SECOND, 15 * SECOND),
    "duplicate_settlement": (0, 5 * MINUTE),
    "late_settlement": (SECOND, 2 * MINUTE),
    "reordered_settlement": (30 * SECOND, 30 * SECOND),
    "changed_settlement": (SECOND, 10 * MINUTE),
    "stale_listing": (SECOND, 10 * SECOND),
}
"""How much later (of a listing: how much older) these make something, at least and at most, where rates draw it."""
LASTS: Mapping[OfTime, tuple[int, int]] = {
    "outage": (SECOND, 5 * MINUTE),
    "half_open": (SECOND, 3 * MINUTE),
    "token_expiry": (SECOND, 30 * SECOND),
}
"""How long these last, at least and at most, where rates draw it."""
SHIFT = 0.0002
"""By how much of itself an exit is moved where nothing else is said."""

TAKES: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(OF_ORDER, ("order",)),
    **dict.fromkeys((*OF_END, *OF_SALE), ("order",)),
    **dict.fromkeys(OF_INQUIRY, ("inquiry",)),
    **{what: ("order", "late") for what in (*OF_ORDER, *OF_END) if what in LATE},
    "stale_listing": ("inquiry", "late"),
    "wrong_settlement": ("order", "shift"),
    **dict.fromkeys(OF_TIME, ("after", "lasts")),
    "external": ("after", "account", "product", "timeframe", "direction", "stake"),
    "deposit": ("after", "account", "amount", "told"),
    "withdrawal": ("after", "account", "amount", "told"),
}
"""The keys that go with each fault."""
OPTIONAL = frozenset({"late", "shift", "told"})

Nth = Annotated[int, Meta(ge=1)]
Share = Annotated[float, Meta(gt=0, lt=1)]
Rate = Annotated[float, Meta(ge=0, le=1)]
PerHour = Annotated[float, Meta(ge=0, le=60)]


@dataclass(frozen=True, kw_only=True)
class Strike:
    """One fault and where it strikes: the how manieth order or inquiry, or how long after the venue began."""

    what: What
    order: Annotated[Nth | None, Meta(description="the how manieth order that is sent, 1 for the first")] = None
    inquiry: Annotated[Nth | None, Meta(description="the how manieth question for a statement")] = None
    after: Annotated[DurationText | None, Meta(description="how long after the venue began")] = None
    lasts: Annotated[DurationText | None, Meta(description="how long it goes on")] = None
    late: Annotated[DurationText | None, Meta(description="how much later it makes something; a listing: older")] = None
    account: str = ""
    product: str = ""
    timeframe: TimeframeName | None = None
    direction: Direction | None = None
    stake: Decimal | None = None
    amount: Decimal | None = None
    told: Annotated[bool, Meta(description="whether statements name the movement, beside the balance")] = True
    shift: Annotated[Share | None, Meta(description="by how much of itself the exit is moved against the account")] = (
        None
    )

    def __post_init__(self) -> None:
        given = [each.name for each in fields(self) if each.name != "what" and getattr(self, each.name) != each.default]
        takes = TAKES[self.what]
        for key in given:
            if key not in takes:
                raise ValueError(f"{key} does not go with {self.what!r}; it takes {' and '.join(takes)}")
        for key in takes:
            if key not in given and (key not in OPTIONAL or (key, self.what) == ("late", "late_accept")):
                raise ValueError(f"what = {self.what!r} needs {key}; write {key} = {EXAMPLES[key]}")
        for key in ("stake", "amount"):
            money: Decimal | None = getattr(self, key)
            if money is not None and not (money.is_finite() and money > 0):
                raise ValueError(f"{key} must be above 0, not {money}; a withdrawal is a fault of its own")
            if money is not None and money % CENT:
                raise ValueError(f"{key} must be whole cents, not {money}; write {max(CENT, round(money, 2))}")
        if self.timeframe is not None:
            timeframe(self.timeframe)

    def text(self) -> str:
        """As it is written into a list of faults."""
        given = (each.name for each in fields(self) if getattr(self, each.name) != each.default)
        return f"{{ {', '.join(f'{key} = {_toml(getattr(self, key))}' for key in given)} }}"

    @property
    def at(self) -> int:
        """How long after the venue began, in ms."""
        return duration(self.after) if self.after else 0

    @property
    def until(self) -> int:
        return self.at + (duration(self.lasts) if self.lasts else 0)

    @property
    def lateness(self) -> int:
        """How much later it makes something (ms)."""
        return duration(self.late) if self.late else LATE[self.what][1]


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value) if isinstance(value, int | float) else json.dumps(str(value), ensure_ascii=False)


EXAMPLES: Mapping[str, str] = {
    "order": "1 for the first order that is sent",
    "inquiry": "1 for the first question for a statement",
    "after": '"10m": how long after the venue began',
    "lasts": '"30s": how long it goes on',
    "late": '"2s": how long after its sending the order comes to life',
    "account": "its name in quotes",
    "product": "its name in quotes",
    "timeframe": '"1m"',
    "direction": '"call" or "put"',
    "stake": 'an amount like "1.00"',
    "amount": 'an amount like "50.00"',
}


@dataclass(frozen=True, kw_only=True)
class Storm:
    """Faults drawn from a seed: for each kind the share of the orders or inquiries that it strikes; of what happens by
    the hour how often in each."""

    seed: int
    lost_request: Rate = 0.0
    refused: Rate = 0.0
    reset_before: Rate = 0.0
    http_401: Rate = 0.0
    http_403: Rate = 0.0
    http_429: Rate = 0.0
    http_503: Rate = 0.0
    late_accept: Rate = 0.0
    lost_ack: Rate = 0.0
    duplicate_ack: Rate = 0.0
    late_ack: Rate = 0.0
    ack_after_settlement: Rate = 0.0
    reset_after: Rate = 0.0
    http_503_accepted: Rate = 0.0
    bad_body: Rate = 0.0
    timeout: Rate = 0.0
    lost_settlement: Rate = 0.0
    duplicate_settlement: Rate = 0.0
    late_settlement: Rate = 0.0
    reordered_settlement: Rate = 0.0
    changed_settlement: Rate = 0.0
    wrong_settlement: Rate = 0.0
    lost_close: Rate = 0.0
    failed_listing: Rate = 0.0
    lost_listing: Rate = 0.0
    stale_listing: Rate = 0.0
    outage: PerHour = 0.0
    half_open: PerHour = 0.0
    token_expiry: PerHour = 0.0
    external: PerHour = 0.0
    deposit: PerHour = 0.0
    withdrawal: PerHour = 0.0

    def rate(self, what: What) -> float:
        return getattr(self, what)


Faults = Storm | tuple[Strike, ...]
LONGEST = HOUR
"""No time of trouble may last longer: where one is looked for, this far back is looked."""


def wrong_with(faults: Faults, latency_ms: int, late_ms: int, accounts: Collection[str]) -> str | None:
    """What no venue could do that is told so, in a sentence with its fix; `late_ms` is what it declares."""
    if isinstance(faults, Storm):
        return _too_late("late_accept", late_ms) if faults.late_accept and late_ms <= latency_ms else None
    seen = dict[tuple[str, int], Strike]()
    for number, strike in enumerate(faults, 1):
        group = next(name for name, kinds in GROUPS.items() if strike.what in kinds)
        place = strike.order or strike.inquiry
        other = seen.setdefault((group, place), strike) if place is not None else strike
        if other is not strike:
            which = f"{'order' if strike.order else 'inquiry'} {place}"
            return f"faults no. {number} strikes {which}, which {other.what!r} strikes already; keep one of them"
        if strike.what == "late_accept" and strike.lateness > late_ms:
            return _too_late(f"no. {number}, late_accept after {strike.late},", late_ms)
        if strike.until - strike.at > LONGEST:
            return f"faults no. {number} lasts {strike.lasts}; write an hour or less"
        if strike.account and accounts and strike.account not in accounts:
            known = ", ".join(sorted(accounts))
            return f"faults no. {number} is of account {strike.account!r}, which is not here; name one of {known}"
    return None


GROUPS: Mapping[str, tuple[str, ...]] = {
    "order": OF_ORDER,
    "end": OF_END,
    "sale": OF_SALE,
    "inquiry": OF_INQUIRY,
    "time": OF_TIME,
    "moment": OF_MOMENT,
}
"""Of one group only one fault can strike at a place."""


def _too_late(which: str, late_ms: int) -> str:
    fix = "write a larger late_ms in `evidence`"
    return f"faults {which} brings an order to life later than evidence.late_ms, which is {late_ms}; {fix}"
