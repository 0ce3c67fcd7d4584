"""Limits on what is lost, gained and traded: each says what it counts, from where, for whom, and when it lets go again.

Everything is counted from results of the last month at most, so a start from the ledger stands where the run before
it stood.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Literal

from msgspec import Meta

from operators.risk.results import MEMORY
from operators.risk.terms import Count, within_a_day
from pipeline.times import duration

What = Literal["loss", "drawdown", "target", "streak", "trades"]
Scope = Literal["account", "key", "guard"]
AMOUNTS = ("loss", "drawdown", "target")
DAY_BASE = "day"
ITSELF, HAND = "itself", "hand"

BaseText = Annotated[
    str, Meta(description="since when: day, or so long back, such as 12h or 7d (30d at the most)", min_length=1)
]
ReleaseText = Annotated[
    str,
    Meta(
        description="when it lets go: itself, as its day or span passes; hand, when somebody releases it; of a streak "
        "day, hand, or a time such as 30m",
        min_length=1,
    ),
]


@dataclass(frozen=True, kw_only=True)
class Limit:
    """One limit. `loss`, `drawdown` and `target` have an `amount`, or a `share` of the balance there was at the base;
    `streak` and `trades` have a `count`."""

    what: What
    amount: Decimal | None = None
    share: Annotated[float, Meta(gt=0, le=1)] | None = None
    count: Count | None = None
    base: BaseText = DAY_BASE
    scope: Scope = "account"
    release: ReleaseText = ""

    def __post_init__(self) -> None:
        self._check_size()
        self._check_base()
        self._check_release()

    def _check_size(self) -> None:
        of_money = self.what in AMOUNTS
        given = [key for key in ("amount", "share", "count") if getattr(self, key) is not None]
        wanted = ("amount", "share") if of_money else ("count",)
        if len(given) != 1 or given[0] not in wanted:
            raise ValueError(f"what = {self.what!r} takes {' or '.join(wanted)}; give one of them and no other")
        if self.amount is not None and not (self.amount.is_finite() and self.amount > 0):
            raise ValueError(f"amount must be above 0, not {self.amount}")

    def _check_base(self) -> None:
        if self.what == "streak" and self.base != DAY_BASE:
            raise ValueError("base is not of a streak: it goes back to the last win; leave it out")
        if self.base != DAY_BASE and duration(self.base) > MEMORY:
            raise ValueError(f"base {self.base} is longer than 30d; write 30d or less")

    def _check_release(self) -> None:
        if self.release == HAND and self.scope == "key":
            raise ValueError('release by hand is of whole accounts; write scope = "account" or another release')
        if self.what != "streak" and self.release not in ("", ITSELF, HAND):
            raise ValueError(f'release {self.release!r} is not of {self.what}; write "itself" or "hand"')
        if self.what == "streak" and self.release not in ("", DAY_BASE, HAND):
            within_a_day("release", self.release)

    @property
    def by_hand(self) -> bool:
        return self.release == HAND

    @property
    def span(self) -> int | None:
        """How far back it looks (ms); None from the beginning of the day on."""
        return None if self.base == DAY_BASE else duration(self.base)
