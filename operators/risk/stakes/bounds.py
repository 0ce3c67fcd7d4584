"""Between which amounts a stake lies."""

from decimal import Decimal
from math import isfinite

NOTHING = Decimal(0)


def check(least: Decimal, most: Decimal) -> None:
    """Refuse bounds between which nothing lies."""
    for key, amount in (("min", least), ("max", most)):
        if not amount.is_finite() or amount <= 0:
            raise ValueError(f"{key} must be above 0, not {amount}")
    if least > most:
        raise ValueError(f"min {least} is above max {most}; write a smaller min or a larger max")


def amount(value: float) -> Decimal:
    """A number as an amount; what is none, or not above 0, is nothing."""
    return Decimal(str(value)) if isfinite(value) and value > 0 else NOTHING


def raised(stake: Decimal, least: Decimal, most: Decimal) -> Decimal:
    """A stake brought between its bounds; nothing stays nothing."""
    return min(max(stake, least), most) if stake > 0 else NOTHING


def capped(stake: Decimal, least: Decimal, most: Decimal) -> Decimal:
    """A stake of at most the one bound, and nothing below the other: to raise it would be to stake too much."""
    return min(stake, most) if stake >= least else NOTHING
