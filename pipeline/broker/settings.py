"""What a practice venue is like, as its file says it; all of it has a default."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from pipeline.broker.faults import Fault
from pipeline.broker.products import Product, catalogue, cents
from pipeline.broker.values import Kind, Purse, Status
from pipeline.gains import CENT
from pipeline.market import BEGIN, END
from pipeline.times import DurationText, duration, parse_moment
from pipeline.venues.faults import Storm

Speed = Annotated[float, Meta(ge=0.1, le=1000)]
Count = Annotated[int, Meta(ge=0, le=100)]
Lag = Annotated[int, Meta(ge=0, le=60_000)]
Charge = Annotated[float, Meta(ge=0, le=0.4)]
Scope = Literal["read", "trade", "trading_information", "payments", "admin", "account_manage"]
ACCOUNT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
BEGINS = 1_767_600_000_000
"""2026-01-05T08:00:00Z, a Monday: where a venue begins that neither its file nor a clock tells the time."""
FOUR = ("demo-1", "demo-2", "demo-3", "demo-4")
"""The accounts of a venue whose file names none."""


@dataclass(frozen=True, kw_only=True)
class Account:
    """An account of the venue. Its password and its token are `practice-` and its user's name: they guard nothing."""

    kind: Annotated[Kind, Meta(description="what the account says of itself; all of it is nobody's money")] = "demo"
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3,5}$", description="a currency such as USD")] = "USD"
    balance: Annotated[Decimal, Meta(description="what it begins with")] = Decimal("10000.00")
    user: Annotated[str, Meta(description="who owns it; the account's own name when left out")] = ""
    status: Annotated[Status, Meta(description="whether it may trade")] = "active"
    scopes: Annotated[tuple[Scope, ...], Meta(description="what its token may be used for")] = ("read", "trade")

    def __post_init__(self) -> None:
        if self.balance < 0 or self.balance % CENT:
            raise ValueError(f'balance {self.balance} is no amount of whole cents; write one like "10000.00"')


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What contracts of a product may be like, where that is not what they usually may."""

    shortest: Annotated[DurationText | None, Meta(description="the shortest duration")] = None
    longest: Annotated[DurationText | None, Meta(description="the longest duration")] = None
    ticks: Annotated[Count | None, Meta(description="over how many ticks at most; 0 for none")] = None
    charge: Annotated[
        Charge | None, Meta(description="what the venue adds to the chance of a win: 0.0125 pays 95 %")
    ] = None

    def __post_init__(self) -> None:
        if self.shortest and self.longest and duration(self.shortest) > duration(self.longest):
            raise ValueError(f"shortest {self.shortest} is longer than longest {self.longest}; write it shorter")

    def on(self, product: Product) -> Product:
        """The product with these."""
        return replace(
            product,
            shortest=duration(self.shortest) if self.shortest else product.shortest,
            longest=duration(self.longest) if self.longest else product.longest,
            ticks=product.ticks if self.ticks is None else self.ticks,
            charge=product.charge if self.charge is None else self.charge,
        )


@dataclass(frozen=True, kw_only=True)
class Settings:
    """A practice venue: one broker on this machine for programs that speak a protocol."""

    seed: Annotated[int, Meta(ge=0, description="the same prices and names for the same number")] = 42
    speed: Annotated[Speed, Meta(description="how much faster than time its clock goes: 60 is an hour a minute")] = 1.0
    begin: Annotated[str, Meta(description="what its clock shows as it begins; the time of day when left out")] = ""
    port: Annotated[int, Meta(ge=0, le=65535, description="where it listens on 127.0.0.1; 0 for any")] = 8778
    prices: Annotated[
        str, Meta(description="a store of quotes, or a recorded session, to play again; made up when left out")
    ] = ""
    memory: Annotated[str, Meta(description="the file it keeps its book in, in its folder; none when empty")] = (
        "venue.db"
    )
    accounts: Annotated[dict[str, Account], Meta(description="the accounts; four of demo money when left out")] = field(
        default_factory=lambda: {name: Account() for name in FOUR}
    )
    products: Annotated[dict[str, Terms], Meta(description="terms of products, where they are not the usual ones")] = (
        field(default_factory=dict[str, Terms])
    )
    min_stake: Annotated[Decimal, Meta(description="the least that is staked")] = Decimal("0.35")
    max_stake: Annotated[Decimal, Meta(description="the most that is staked")] = Decimal(10_000)
    max_payout: Annotated[Decimal, Meta(description="the most that a contract brings")] = Decimal(50_000)
    latency_ms: Annotated[Lag, Meta(description="every answer comes so much later, by its clock")] = 0
    latency_jitter_ms: Annotated[Lag, Meta(description="and up to so much more, drawn from the seed")] = 0
    settle_delay: Annotated[DurationText, Meta(description="from a contract's expiry until its money comes")] = "1s"
    offer_lasts: Annotated[DurationText, Meta(description="how long a quoted price may be bought at")] = "60s"
    limits: Annotated[bool, Meta(description="whether it counts how often it is asked, and refuses more")] = True
    faults: Annotated[tuple[Fault, ...], Meta(description="what goes wrong, each where and when it says")] = ()
    storm: Annotated[Storm | None, Meta(description="what goes wrong by rates, drawn from a seed")] = None

    @property
    def catalogue(self) -> Mapping[str, Product]:
        """What it trades."""
        return {
            name: self.products[name].on(each) if name in self.products else each for name, each in catalogue().items()
        }

    @property
    def purses(self) -> tuple[Purse, ...]:
        return tuple(
            Purse(name, each.user or name, each.currency, each.kind, cents(each.balance), each.status, each.scopes)
            for name, each in self.accounts.items()
        )

    def starts_at(self, wall: Callable[[], int] | None) -> int:
        """What the clock shows as the venue begins, where its prices do not say so."""
        if self.begin:
            return parse_moment(self.begin)
        return BEGINS if wall is None else wall()

    def __post_init__(self) -> None:
        if self.begin:
            try:
                at = parse_moment(self.begin)
            except ValueError as wrong:
                raise ValueError(f"begin {wrong}") from None
            if not BEGIN <= at < END:
                raise ValueError(f"begin {self.begin} has no prices; choose a time from 2015 to 2044")
        self._check_own()
        known = catalogue()
        for name in self.products:
            if name not in known:
                raise ValueError(f"products has no {name!r} to change; name one of {', '.join(known)}")
        for number, fault in enumerate(self.faults, 1):
            if fault.account and fault.account not in self.accounts:
                names = ", ".join(self.accounts)
                raise ValueError(f"faults no. {number} is of account {fault.account!r}; name one of {names}")
            if fault.product and fault.product not in known:
                raise ValueError(f"faults no. {number} is of product {fault.product!r}; name one of {', '.join(known)}")
        if not self.accounts:
            raise ValueError("accounts is empty; write [accounts.demo-1], or leave it out for four of demo money")

    def _check_own(self) -> None:
        if Path(self.memory).name != self.memory:
            raise ValueError(f"memory {self.memory!r} is no file of the venue's own folder; write a name: venue.db")
        if wrong := [name for name in self.accounts if not ACCOUNT.fullmatch(name)]:
            raise ValueError(f'accounts has {wrong[0]!r}; name accounts in letters, digits and "-", "_", "."')
        for key in ("min_stake", "max_stake", "max_payout"):
            if getattr(self, key) <= 0:
                raise ValueError(f'{key} {getattr(self, key)} is no stake; write an amount above "0.00"')
        if self.min_stake > self.max_stake:
            raise ValueError(f"min_stake {self.min_stake} is above max_stake {self.max_stake}; nothing could be bought")


KEYS = tuple(each.name for each in fields(Settings))
