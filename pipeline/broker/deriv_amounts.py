"""Money, durations and numbers as Deriv's protocols write them."""

from decimal import Decimal

from pipeline.broker.deriv_words import KINDS, duration_text
from pipeline.broker.products import Product
from pipeline.times import DAY, SECOND


def spans(product: Product) -> list[tuple[str, str, str]]:
    """The kinds of durations of a product, and the shortest and the longest of each."""
    within_day = duration_text(product.shortest // SECOND), duration_text(min(product.longest, DAY) // SECOND)
    found = [("tick", "1t", f"{product.ticks}t")] if product.ticks else []
    if product.shortest <= DAY:
        found.append(("intraday", *within_day))
    if product.longest > DAY:
        found.append(("daily", "1d", f"{product.longest // DAY}d"))
    return found


def category(name: str) -> str:
    return "callputequal" if KINDS[name][1] else "callput"


def expiry_of(start: int, expiry: int, ticks: int, product: Product) -> int:
    """When a contract ends; of one that runs over ticks about when, until it is known."""
    return expiry or start + (ticks + 1) * product.cadence


def amount(sum_: Decimal) -> int | float:
    """Money as a number."""
    return int(sum_) if sum_ == sum_.to_integral_value() else float(sum_)


def money(sum_: Decimal) -> str:
    """Money as text."""
    return f"{sum_:.2f}"


def account_number(account: str) -> int:
    """The number of an account, from the digits of its name."""
    digits = "".join(letter for letter in account if letter.isdecimal())
    return int(digits[-9:] or 1)
