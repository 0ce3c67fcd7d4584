"""What a flow file says of a broker, as far as its connector goes by it."""

from dataclasses import dataclass

from pipeline.connections.contract import Limit
from pipeline.evidence import Evidence
from pipeline.generic.contracts import Symbols
from pipeline.generic.site import Site
from pipeline.permission import Permission
from pipeline.secret import LoginField
from pipeline.settlement import Tie

LOGIN = (
    LoginField("username", "the user name at the broker"),
    LoginField("password", "the password at the broker", "secret"),
    LoginField("otp", "a one-time code, if the broker wants one", "code"),
)
"""What a broker asks of whoever logs in."""
READ, TRADE = "read", "trade"
SCOPES = frozenset({READ, TRADE})
"""What a token may do without anybody asking why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How one broker is traded at."""

    site: Site
    symbols: Symbols
    evidence: Evidence
    tie: Tie
    permission: Permission
    limits: tuple[Limit, ...]
    streams: bool
    """Whether its stream is to be used, where it has one."""
    poll_ms: int
    payout_slack: float
    """How much less a win may pay than when the order was decided (a ratio)."""
    most_apart_ms: int
    """How far its clock may be from ours for orders to be sent."""
    scopes: frozenset[str]
    """What its tokens may be good for."""
    practice: bool
    """Whether it is a practice venue on this machine."""
    late: float = 45.0
    """So many seconds after the deadline an answer to an order still proves something."""
    speed: float = 1.0
    """How fast its clock goes, and ours with it."""
