"""The same stake every time."""

from decimal import Decimal
from typing import Annotated

from msgspec import Meta

from pipeline.parts import stake
from pipeline.values import Bet


@stake
class Fixed:
    """Puts the same `amount` on every trade."""

    amount: Annotated[Decimal, Meta(description="what is put on every trade")] = Decimal("1.00")

    def __post_init__(self) -> None:
        if not self.amount.is_finite() or self.amount < Decimal("0.01"):
            raise ValueError(f"amount must be at least a cent, not {self.amount}")

    def __call__(self, bet: Bet) -> Decimal:
        return self.amount
