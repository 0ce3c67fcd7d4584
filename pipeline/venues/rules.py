"""How a venue takes orders and settles them."""

from decimal import Decimal

from msgspec import Struct

from pipeline.evidence import Evidence
from pipeline.settlement import Tie
from pipeline.venues.selling import EarlyClose


class Rules(Struct, frozen=True):
    """What holds for every order. Without a `payout` the market's own counts."""

    payout: float | None = None
    latency_ms: int = 120
    settle_delay_ms: int = 200
    tie: Tie = "push"
    min_stake: Decimal = Decimal("0.35")
    max_stake: Decimal = Decimal(50_000)
    evidence: Evidence = Evidence(lists=True, echoes=True, once=True, late_ms=120)
    early_close: EarlyClose | None = None
    """By what it takes contracts back before their expiry; None when it does not."""
    two_ticks: bool = False
    """Whether a contract that would enter and leave at the same tick is void."""
