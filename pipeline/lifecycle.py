"""The life of a key: one account on one product and timeframe, started and stopped by itself.

A key that is not RUNNING is not traded; what it has open is settled all the same, and every bar of it has its row.
"""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from pipeline.values import Key

LifeState = Literal["INIT", "RUNNING", "PAUSED", "RELOAD", "STOPPING", "STOPPED"]

MOVES: Mapping[LifeState, frozenset[LifeState]] = {
    "INIT": frozenset(("RUNNING", "PAUSED", "RELOAD", "STOPPING", "STOPPED")),
    "RUNNING": frozenset(("PAUSED", "RELOAD", "STOPPING", "STOPPED")),
    "PAUSED": frozenset(("RUNNING", "RELOAD", "STOPPING", "STOPPED")),
    "RELOAD": frozenset(("INIT", "RUNNING", "PAUSED", "STOPPING", "STOPPED")),
    "STOPPING": frozenset(("RUNNING", "INIT", "PAUSED", "STOPPED")),
    "STOPPED": frozenset(("INIT", "RUNNING", "PAUSED")),
}
"""From where to where. INIT: not yet ready to decide. PAUSED: too many errors in a row, it goes on by itself. RELOAD: a
change of the flow waits for what it has open. STOPPING: stopped, with a contract open. STOPPED: nothing is open."""


class Scope(Struct, frozen=True):
    """Which keys: those of an account, a product and a timeframe (ms); what is left out means all."""

    account: str = ""
    product: str = ""
    tf: int = 0

    def holds(self, key: Key) -> bool:
        return self.account in ("", key.account) and self.product in ("", key.product) and self.tf in (0, key.tf)

    def covers(self, other: "Scope") -> bool:
        """Whether every key of the other is one of these."""
        return self.account in ("", other.account) and self.product in ("", other.product) and self.tf in (0, other.tf)


class Switched(Struct, frozen=True):
    """Somebody started or stopped keys. It holds until somebody says otherwise, whatever ends or starts in between."""

    scope: Scope
    on: bool
    at: int
    reason: str
    by: str


class Life(Struct, frozen=True):
    """What became of a key's life at a moment, and why."""

    account: str
    product: str
    tf: int
    state: LifeState
    at: int
    why: str = ""
    errors: int = 0
    """How many came in a row until then."""
    until: int = 0
    """When a PAUSED one goes on; 0: nobody knows."""

    @property
    def key(self) -> Key:
        return Key(self.account, self.product, self.tf)
