"""More after each loss: a progression, which is refused unless somebody accepts how it ends."""

from decimal import Decimal
from functools import cache
from typing import Annotated

from msgspec import Meta

from pipeline.parts import stake
from pipeline.statistics.progression import Progression
from pipeline.values import Bet


@stake
class Martingale:
    """Multiplies the stake by `factor` after each loss in a row of the key, up to `steps` times, and begins anew after
    a win or after the last step.

    It changes nothing about what a trade is worth; stakes are only larger where the streak is bad. A flow with it is
    refused with the chance of ruin, unless it says `i_accept_ruin = true`; then whoever reads of its trades is told.
    """

    amount: Annotated[Decimal, Meta(description="the first stake")] = Decimal("1.00")
    factor: Annotated[float, Meta(gt=1, le=10, description="by what the stake is multiplied after a loss")] = 2.0
    steps: Annotated[int, Meta(ge=1, le=20, description="how often it is raised before it begins anew")] = 6
    max: Annotated[Decimal, Meta(description="the most that is put on one trade")] = Decimal("10.00")
    i_accept_ruin: Annotated[bool, Meta(description="whether how it ends was read and is accepted")] = False

    def __post_init__(self) -> None:
        for key, amount in (("amount", self.amount), ("max", self.max)):
            if not amount.is_finite() or amount < Decimal("0.01"):
                raise ValueError(f"{key} must be at least a cent, not {amount}")

    def __call__(self, bet: Bet) -> Decimal:
        step = bet.losses % (self.steps + 1)
        return min(self.amount * Decimal(str(self.factor)) ** step, self.max)

    def ruin(self, bankroll: Decimal, payout: float) -> str:
        """How it ends, at break-even, for somebody with that much."""
        stakes = [self(Bet(bankroll, payout, 0.0, 0.0, losses, {})) for losses in range(self.steps + 1)]
        return _ruin(self.amount, tuple(float(each / self.amount) for each in stakes), bankroll, payout)


@cache
def _ruin(base: Decimal, multiples: tuple[float, ...], bankroll: Decimal, payout: float) -> str:
    return Progression(base=base, multiplier=multiples, bankroll=bankroll, payout=payout).sentence()
