"""As much as the probability to win is worth, and as sure as it is."""

from decimal import Decimal
from math import isfinite
from typing import Annotated, ClassVar

from msgspec import Meta

from operators.risk.stakes import bounds
from pipeline.parts import stake
from pipeline.values import Bet


@stake
class Kelly:
    """Puts a part of Kelly's stake on each trade, the less the more doubtful the probability to win is.

    Kelly's fraction of the balance is e / b with the edge e = (1 + b) p − 1 at payout b. It is multiplied by `scale`
    and by e² / (e² + (1 + b)² σ²), where σ is the standard error of p (Baker and McHale), and is at most `most`.
    Without a calibrated probability, without an edge, and where that is less than `min`, nothing is put on it.
    """

    scale: Annotated[float, Meta(gt=0, le=1, description="which part of Kelly's stake: 0.25 is a quarter")] = 0.25
    most: Annotated[float, Meta(gt=0, le=0.1, description="the largest share of the balance: 0.01 is 1 %")] = 0.01
    min: Annotated[Decimal, Meta(description="less than this is not traded")] = Decimal("1.00")
    max: Annotated[Decimal, Meta(description="the most that is put on one trade")] = Decimal("10.00")

    weighs_odds: ClassVar[bool] = True

    def __post_init__(self) -> None:
        bounds.check(self.min, self.max)

    def __call__(self, bet: Bet) -> Decimal:
        share = bounds.amount(min(self.most, self.scale * shrunk(bet.probability, bet.error, bet.payout)))
        return bounds.capped(bet.balance * share, self.min, self.max)


def shrunk(probability: float, error: float, payout: float) -> float:
    """Kelly's fraction for a probability that is only estimated; 0 without an edge, or where something is unknown."""
    edge = (1 + payout) * probability - 1
    known = 0 <= probability <= 1 and isfinite(error) and error >= 0 and isfinite(payout) and payout > 0
    if not known or edge <= 0:
        return 0.0
    doubt = (1 + payout) * error
    return edge / payout * (edge / (edge + doubt * (doubt / edge)))
