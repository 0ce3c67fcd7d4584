"""How accounts are connected to Deriv: what a flow file says of it, for all of them."""

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.connections.contract import Capabilities
from pipeline.deriv.ends import Naming
from pipeline.evidence import Money

OFFICIAL = "https://api.derivws.com"
OFFICIAL_PRICES = "wss://api.derivws.com/trading/v1/options/ws/public"
ACCOUNTS = "/trading/v1/options/accounts"
DEADLINE = 10.0
"""Seconds that any one answer may take."""
LATEST = 15_000
"""An order comes to life this much later (ms) than it was sent, at the most."""
STAMPS = 2_000
"""Its stamps are whole seconds, and of another clock."""
CURRENCIES = frozenset({"USD"})
ACCOUNT_TYPES: Mapping[Money, frozenset[str]] = {
    "practice": frozenset({"demo"}),
    "demo": frozenset({"demo"}),
    "real": frozenset({"real"}),
}
"""Which of its kinds of account may be used for whose money."""


@dataclass(frozen=True, kw_only=True)
class Manner:
    """What holds for all accounts of a venue part."""

    url: str
    hosts: frozenset[str]
    app_id: str
    naming: Naming
    capabilities: Capabilities
    payout_slack: float
    requotes: int
    most_apart: int
    """So far (ms) its clock and ours may be apart for an order to be sent."""
    reach: int
    """The longest contract the flow buys (ms): a listing of what ended has to begin so much earlier."""
    deadline: float = DEADLINE
