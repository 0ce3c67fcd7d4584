"""Who is graded: the parts through which a flow would use a connector, and what they are called."""

from collections.abc import Callable
from dataclasses import dataclass

from pipeline.connections.contract import Connecting, Fetching

SPEED = 10.0
"""How much faster than time the clock of the venue goes."""
PRODUCTS = ("R_10", "R_50", "R_100")
ACCOUNTS = ("demo-1", "demo-2", "demo-3", "demo-4")


@dataclass(frozen=True)
class Candidate:
    """A connector, by parts that are made for the address at which a venue listens; None where there is none."""

    name: str
    version: str
    venue: Callable[[str], Connecting] | None
    prices: Callable[[str], Fetching] | None
