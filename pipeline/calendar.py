"""Which calendar each product keeps: one the user wrote for it, or the built-in one that its name says."""

import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache, lru_cache

from pipeline.errors import InputError
from pipeline.exchanges import BUILT_IN
from pipeline.hours import Hours
from pipeline.opening import Calendar

CURRENCIES = (
    *("AUD", "CAD", "CHF", "CNH", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "ILS", "JPY", "MXN", "NOK", "NZD", "PLN"),
    *("SEK", "SGD", "THB", "TRY", "USD", "ZAR"),
    *("XAU", "XAG", "XPT", "XPD"),
)
"""What a pair of the foreign exchange week may be made of: currencies, and the metals traded with them."""
OTHER_NAMES = {"GOLD": "fx", "SILVER": "fx"}
"""Products whose name is no pair, and the calendar they keep."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A calendar of the user's own: which products keep it, by names or patterns such as `XAU*`."""

    name: str
    products: tuple[str, ...]
    hours: Hours

    def closeness(self, product: str) -> tuple[int, int]:
        """How closely one of the patterns fits a product; (0, 0) when none does.

        A product's own name is closest, then its bare name, then the pattern with most letters.
        """
        return max(_closeness(pattern, product) for pattern in self.products)


@dataclass(frozen=True)
class Calendars:
    """Which calendar each product keeps: the user's own where one claims it, else the built-in one its name says."""

    claims: tuple[Claim, ...] = ()
    _known: dict[str, Calendar] = field(default_factory=dict[str, Calendar], init=False, compare=False, repr=False)

    def of(self, product: str) -> Calendar:
        known = self._known.get(product)
        if known is None:
            known = self._known[product] = self._found(product)
        return known

    def claimants(self, product: str) -> tuple[Claim, ...]:
        """Those that claim a product most closely."""
        closest = max((each.closeness(product) for each in self.claims), default=(0, 0))
        return tuple(each for each in self.claims if closest > (0, 0) and each.closeness(product) == closest)

    def named(self, name: str) -> Calendar | None:
        """A calendar by its own name, the user's or a built-in one."""
        own = next((kept(each.name, each.hours) for each in self.claims if each.name == name), None)
        return own if own is not None or name not in BUILT_IN else calendar(name)

    def _found(self, product: str) -> Calendar:
        match self.claimants(product):
            case ():
                return calendar_of(product)
            case (claim,):
                return kept(claim.name, claim.hours)
            case several:
                names = " and ".join(f"[calendars.{each.name}]" for each in several)
                raise InputError(f"{names} both claim {product}; name {product} in the products of one of them")


def calendar_of(product: str) -> Calendar:
    """The built-in calendar of a product by its name, as venues write it: `EURUSD`, `EUR/USD`, `frxEURUSD`, `BTC-USD` …

    Pairs of currencies and metals keep the foreign exchange week. Crypto never closes, nor does what a venue makes up
    itself (`_otc`, `R_100`). Of a product with an unknown week nothing is assumed: each of its holes counts as one.
    """
    name = bare(product)
    return calendar(OTHER_NAMES.get(name, "fx" if _is_pair(name) else "always"))


@cache
def calendar(name: str) -> Calendar:
    """A built-in calendar by its own name."""
    if name not in BUILT_IN:
        raise ValueError(f"there is no calendar {name!r}; use one of {', '.join(BUILT_IN)}")
    return kept(name, BUILT_IN[name]())


def always() -> Calendar:
    """Open at every moment there is."""
    return calendar("always")


def foreign_exchange() -> Calendar:
    """Open from Sunday 17:00 to Friday 17:00 in New York, summer time and winter time."""
    return calendar("fx")


@lru_cache(maxsize=64)
def kept(name: str, hours: Hours) -> Calendar:
    """One calendar for equal hours, so that its edges are found once."""
    return Calendar(name, hours)


def bare(product: str) -> str:
    """The name without what venues put around it; a name marked as over the counter is left marked."""
    return re.sub(r"[^A-Z0-9]", "", re.sub(r"^(frx|cry)(?=[A-Z])", "", product).upper())


def _closeness(pattern: str, product: str) -> tuple[int, int]:
    letters = len(pattern) - sum(pattern.count(sign) for sign in "*?")
    if pattern == product:
        return 3, letters
    if pattern.upper() == bare(product):
        return 2, letters
    fits = fnmatchcase(product, pattern) or fnmatchcase(bare(product), pattern.upper())
    return (1, letters) if fits else (0, 0)


def _is_pair(name: str) -> bool:
    return len(name) == 6 and name[:3] in CURRENCIES and name[3:] in CURRENCIES
