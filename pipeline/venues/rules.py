"""How a venue takes orders and settles them."""

from decimal import Decimal

from msgspec import Struct

from pipeline.evidence import Evidence
from pipeline.settlement import Tie


class Rules(Struct, frozen=True):
    """What holds for every order. Without a `payout` the market's own counts."""

    payout: float | None = None
    latency_ms: int = 120
    settle_delay_ms: int = 200
    tie: Tie = "push"
    min_stake: Decimal = Decimal("0.35")
    max_stake: Decimal = Decimal(50_000)
    evidence: Evidence = Evidence(lists=True, echoes=True, once=True, late_ms=120)
