"""How a connection with FXCM is kept, what its failures are for whoever asked, and what is counted of it."""

from dataclasses import dataclass, field

from pipeline.connections.troubles import CallFailed
from pipeline.evidence import TroubleKind
from pipeline.fxcm.edge import ROOM, Crossed
from pipeline.fxcm.port import LoginRefused, NoSuchInstrument, NotReady, SdkFailed, SdkMissing, VenueClosed
from pipeline.fxcm.thread import TooMuchAsked

KINDS: tuple[tuple[type[SdkFailed], TroubleKind, bool], ...] = (
    (SdkMissing, "rule", True),
    (LoginRefused, "auth", True),
    (VenueClosed, "maintenance", False),
    (NotReady, "maintenance", False),
    (NoSuchInstrument, "rule", False),
    (TooMuchAsked, "throttle", False),
    (SdkFailed, "network", False),
)
"""What each failure is, and whether asking again is of no use."""


def call_failed(failure: SdkFailed) -> CallFailed:
    """A failure of the SDK as whoever asked has to take it."""
    return next(CallFailed(kind, str(failure), final=final) for each, kind, final in KINDS if isinstance(failure, each))


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How long what is waited for, in seconds: deadlines in real ones, silence in those of the flow's clock."""

    login_within: float = 90.0
    """The SDK itself gives up after a minute."""
    call_within: float = 30.0
    close_within: float = 5.0
    silent_after: float = 30.0
    """So long without a price in an open market is told as silence."""
    lost_after: float = 60.0
    """So long, and prices are subscribed to anew; once more as long, and the session is thought lost."""
    room: int = ROOM


@dataclass(slots=True)
class Tally:
    """What happened since the beginning."""

    calls: int = 0
    """For history."""
    failures: int = 0
    not_ready: int = 0
    reconnects: int = 0
    subscriptions: int = 0
    crossed: Crossed = field(default_factory=Crossed)
