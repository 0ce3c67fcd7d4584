"""What is paid back for a contract that is sold back to the venue before its expiry."""

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Annotated

from msgspec import Meta

from pipeline.gains import CENT, NOTHING, profit_of
from pipeline.values import Result

Part = Annotated[float, Meta(ge=0, le=1)]


@dataclass(frozen=True, kw_only=True)
class EarlyClose:
    """By the price of the moment a contract would win or lose if it ended now; of either a part is paid. A tie gives
    the stake back. All amounts are to the cent, half a cent goes to the even one."""

    win: Annotated[Part, Meta(description="the part of the win that is paid beside the stake while it would win")] = 0.6
    lose: Annotated[Part, Meta(description="the part of the stake that is paid back while it would lose")] = 0.2
    cutoff_seconds: Annotated[
        int, Meta(ge=1, le=3600, description="with less left before its expiry no contract is taken back")
    ] = 5


def profit_now(rule: EarlyClose, would: Result, stake: Decimal, payout: float) -> Decimal:
    """What the account gains by a contract sold while it would end so."""
    if would == "win":
        return _part(profit_of("win", stake, payout), rule.win)
    return min(_part(stake, rule.lose), stake) - stake if would == "lose" else NOTHING


def result_by(profit: Decimal) -> Result:
    """How a contract that was sold counts."""
    return "win" if profit > 0 else "lose" if profit < 0 else "push"


def _part(amount: Decimal, part: float) -> Decimal:
    return (amount * Decimal(str(part))).quantize(CENT, ROUND_HALF_EVEN)
