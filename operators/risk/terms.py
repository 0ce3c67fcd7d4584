"""The tables that may stand within a guard's own."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

from msgspec import Meta

from operators.risk.lifetimes import Patience
from pipeline.parts import Column
from pipeline.times import DAY, DurationText, duration

Count = Annotated[int, Meta(ge=1, le=10_000)]
NotNegative = Annotated[float, Meta(ge=0)]
UnitShare = Annotated[float, Meta(ge=0, le=1)]


@dataclass(frozen=True, kw_only=True)
class Margin:
    """By how much the expected gain of a trade must be above nothing: `se` standard errors of its probability to win,
    and `flat` on top, both as a share of the stake."""

    se: NotNegative = 1.0
    flat: NotNegative = 0.0


@dataclass(frozen=True, kw_only=True)
class Volatility:
    """Within which bounds a column must lie in the bar that is decided on."""

    column: Column
    min: float | None = None
    max: float | None = None

    def __post_init__(self) -> None:
        if self.min is None and self.max is None:
            raise ValueError(f"column {self.column!r} has no bounds; add min, max or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min} is above max {self.max}; no bar could be traded")


@dataclass(frozen=True, kw_only=True)
class Caution:
    """Asks for more confidence in wild markets: the threshold rises by `kappa` for each unit of a column above 0."""

    column: Column
    kappa: Annotated[float, Meta(ge=0, le=1)] = 0.1


@dataclass(frozen=True, kw_only=True)
class Latency:
    """How long answers to orders may take: the mean of those that came `within` the last time."""

    max: DurationText
    within: DurationText = "10m"

    def __post_init__(self) -> None:
        within_a_day("within", self.within)
        duration(self.max)


@dataclass(frozen=True, kw_only=True)
class Breaker:
    """After so many `errors` (orders refused, not sent or of unknown outcome) `within` a time nothing for a `rest`."""

    errors: Count
    within: DurationText = "1m"
    rest: DurationText = "10m"

    def __post_init__(self) -> None:
        within_a_day("within", self.within)
        within_a_day("rest", self.rest)


@dataclass(frozen=True, kw_only=True)
class Errors:
    """After `most` errors in a row a key rests for `rest`, twice as long after each further one, at the `longest`."""

    most: Count = 3
    rest: DurationText = "30s"
    longest: DurationText = "1h"

    def __post_init__(self) -> None:
        if within_a_day("rest", self.rest) > within_a_day("longest", self.longest):
            raise ValueError(f"rest {self.rest} is more than longest {self.longest}; write a shorter rest")

    @property
    def patience(self) -> Patience:
        return Patience(self.most, duration(self.rest), duration(self.longest))


@dataclass(frozen=True, kw_only=True)
class OpenPer:
    """How many trades may be open at once in an account, of these on one product and with one expiry, and in all
    accounts of the guards whose orders go the same way."""

    account: Count | None = None
    product: Count | None = None
    slot: Count | None = None
    all: Count | None = None


@dataclass(frozen=True, kw_only=True)
class Together:
    """What may be at stake at once, in one account, on products that move together and with one expiry.

    Stakes s_i on the products of a group, whose moves go together by ρ = `correlation`, are as much as one stake of
    sqrt(Σ s_i² + ρ Σ_{i≠j} s_i s_j); what stands on one product is one stake.
    """

    groups: dict[str, tuple[str, ...]]
    max_at_stake: Decimal
    correlation: UnitShare = 0.6

    def __post_init__(self) -> None:
        if not self.max_at_stake.is_finite() or self.max_at_stake <= 0:
            raise ValueError(f"max_at_stake must be above 0, not {self.max_at_stake}")
        if not self.groups or not all(self.groups.values()):
            raise ValueError('groups names no products; write groups = { usd = ["EURUSD", "GBPUSD"] }')

    def of(self, product: str) -> list[tuple[str, frozenset[str]]]:
        """The groups that a product belongs to."""
        return [(name, frozenset(products)) for name, products in self.groups.items() if product in products]

    def weight(self, stakes: list[Decimal]) -> Decimal:
        """The square of what stakes on several products are as one."""
        squares, whole = sum((each * each for each in stakes), Decimal(0)), sum(stakes, Decimal(0))
        return squares + Decimal(str(self.correlation)) * (whole * whole - squares)


def within_a_day(key: str, text: str) -> int:
    """A duration that a start can look back over, and that is one at all."""
    try:
        millis = duration(text)
    except ValueError as wrong:
        raise ValueError(f"{key} {wrong}") from None
    if not 0 < millis <= DAY:
        raise ValueError(f"{key} {text} is no time of up to a day; write one such as 30s or 1d")
    return millis
