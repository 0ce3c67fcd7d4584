"""Units at the edge: what a win pays is a percentage there and a ratio here, and neither is taken for the other."""

from decimal import Decimal

from pipeline.connections.reading import Answer

LEAST, MOST = Decimal(5), Decimal(1000)
"""Between these a percentage lies that a win pays: 0.9 is a ratio, 9000 a percentage that was multiplied once more."""


def ratio_of(answer: Answer, key: str = "payout_pct") -> float | None:
    """What a win pays for each unit of stake; None where nothing is paid: it is not offered."""
    percent = answer.number(key)
    if percent == 0:
        return None
    if not LEAST <= percent <= MOST:
        likely = "is a ratio" if 0 < percent < LEAST else "cannot be"
        raise answer.wrong(key, f"{likely}; 87 % is written as 87")
    return float(percent / 100)


def percent_of(ratio: Decimal) -> Decimal:
    """The ratio as the edge writes it: 0.87 is 87."""
    return (ratio * 100).normalize()


def plain(amount: Decimal) -> str:
    """An amount as the contract wants it: digits and a point, no exponent."""
    return f"{amount:f}"
