"""What a contract that ended brought its account."""

from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache

from pipeline.states import Result

CENT = Decimal("0.01")
NOTHING = Decimal(0)


def profit_of(result: Result, stake: Decimal, payout: float) -> Decimal:
    """What the account gains: a loss is negative, everything but a win or a loss is nothing."""
    if result == "win":
        return (stake * _exact(payout)).quantize(CENT, ROUND_HALF_EVEN)
    return -stake if result == "lose" else NOTHING


@lru_cache(maxsize=1024)
def _exact(payout: float) -> Decimal:
    """The ratio as it is written: 0.87 and not the nearest binary fraction."""
    return Decimal(str(payout))
