"""A share of the balance."""

from decimal import Decimal
from typing import Annotated

from msgspec import Meta

from operators.risk.stakes import bounds
from pipeline.parts import stake
from pipeline.values import Bet


@stake
class Fraction:
    """Puts a `share` of the balance on each trade, at least `min` and at most `max`."""

    share: Annotated[float, Meta(gt=0, le=0.1, description="of the balance: 0.01 is one hundredth")] = 0.01
    min: Annotated[Decimal, Meta(description="a smaller share is raised to it")] = Decimal("1.00")
    max: Annotated[Decimal, Meta(description="the most that is put on one trade")] = Decimal("10.00")

    def __post_init__(self) -> None:
        bounds.check(self.min, self.max)

    def __call__(self, bet: Bet) -> Decimal:
        return bounds.raised(bet.balance * Decimal(str(self.share)), self.min, self.max)
