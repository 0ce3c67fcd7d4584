"""Less where the market moves more."""

from decimal import Decimal
from math import nan
from typing import Annotated

from msgspec import Meta

from operators.risk.stakes import bounds
from pipeline.parts import Column, stake
from pipeline.values import Bet


@stake
class AtrNormalised:
    """Puts `amount` on a trade where `column` stands at `normal`, half of it where it stands twice as high, and so on.

    At least `min` and at most `max`; nothing where the column says nothing.
    """

    normal: Annotated[float, Meta(gt=0, description="where the column stands in an ordinary market")]
    column: Column = "atr(period=14)"
    amount: Annotated[Decimal, Meta(description="what is put on a trade in an ordinary market")] = Decimal("1.00")
    min: Annotated[Decimal, Meta(description="a smaller stake is raised to it")] = Decimal("1.00")
    max: Annotated[Decimal, Meta(description="the most that is put on one trade")] = Decimal("10.00")

    def __post_init__(self) -> None:
        bounds.check(self.min, self.max)
        if not self.amount.is_finite() or self.amount <= 0:
            raise ValueError(f"amount must be above 0, not {self.amount}")

    def __call__(self, bet: Bet) -> Decimal:
        moved = bet.columns.get(self.column, nan)
        calm = self.normal / moved if moved > 0 else nan
        return bounds.raised(self.amount * bounds.amount(calm), self.min, self.max)
