"""How a venue takes orders and settles them."""

from decimal import Decimal
from hashlib import blake2b

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
    latency_jitter_ms: int = 0
    latency_seed: int = 0

    @property
    def slowest_ms(self) -> int:
        """So long something may be on its way at the most."""
        return self.latency_ms + self.latency_jitter_ms

    def latency(self, what: str) -> int:
        """How long something is on its way: drawn from the seed and its name, whatever else is on its way."""
        if not self.latency_jitter_ms:
            return self.latency_ms
        drawn = blake2b(f"{self.latency_seed}\0{what}".encode(), digest_size=8).digest()
        return self.latency_ms + int.from_bytes(drawn) % (self.latency_jitter_ms + 1)
