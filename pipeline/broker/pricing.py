"""What a contract costs, pays and is worth: the chance that it wins, and what the venue charges."""

from decimal import Decimal
from math import sqrt
from statistics import NormalDist

from pipeline.broker.products import Product, cents
from pipeline.times import DAY
from pipeline.values import Direction

YEAR = 365 * DAY
EVEN = 0.5
"""The chance of a win as a contract begins: it enters at the price of the day."""
NOTHING = Decimal(0)


def payout_of(stake: Decimal, product: Product) -> Decimal:
    """All that a win brings for a stake."""
    return cents(stake / _exact(EVEN + product.charge))


def cost_of(payout: Decimal, product: Product) -> Decimal:
    """What has to be staked for a win to bring so much."""
    return cents(payout * _exact(EVEN + product.charge))


def worth(
    product: Product, direction: Direction, payout: Decimal, strike: float | None, spot: float, left_ms: int
) -> Decimal:
    """What the venue gives for a contract with time left; without a `strike` it has not entered yet."""
    chance = EVEN if strike is None else _chance(product, direction, strike, spot, left_ms)
    return max(NOTHING, cents(payout * _exact(chance - product.charge)))


def _chance(product: Product, direction: Direction, strike: float, spot: float, left_ms: int) -> float:
    away = spot - strike if direction == "call" else strike - spot
    wanders = spot * product.yearly_volatility * sqrt(max(left_ms, 1) / YEAR)
    return NormalDist().cdf(away / wanders)


def _exact(number: float) -> Decimal:
    return Decimal(str(number))
