"""The same stake every time."""

from decimal import Decimal

from pipeline.parts import stake


@stake
class Fixed:
    """Puts the same `amount` on every ticket."""

    amount: Decimal = Decimal("1.00")

    def __post_init__(self) -> None:
        if not self.amount.is_finite() or self.amount <= 0:
            raise ValueError(f"amount must be above 0, not {self.amount}")

    def __call__(self, balance: Decimal) -> Decimal:
        return self.amount
