"""What of FXCM's SDK is used, and how it fails: nothing else of it is known beyond the file that talks to it.

Every call blocks, and is made on the one thread a session lives on. What a session calls back, it calls from threads of
the SDK's own.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from pipeline.errors import MoonlightError
from pipeline.secret import Secret
from pipeline.values import Floats, Stamps

# --- how it fails ----------------------------------------------------------------------------------------------------


class SdkFailed(MoonlightError):
    """The SDK did not do what it was asked for, and trying again may help."""


class SdkMissing(SdkFailed):
    """It is not installed, or lacks what is needed of it; the sentence says what to do."""


class LoginRefused(SdkFailed):
    """The login is wrong: the same login is refused again."""


class VenueClosed(SdkFailed):
    """The venue lets nobody in for a while, and says so."""


class SessionLost(SdkFailed):
    """There is no session (any more): another has to be made."""


class NotReady(SdkFailed):
    """The service for history does not answer yet. It says nothing of the market."""


class NoData(SdkFailed):
    """There is nothing of a span."""


class NoSuchInstrument(SdkFailed):
    """The venue does not know an instrument, or this login may not have it."""


# --- what passes -----------------------------------------------------------------------------------------------------


class Access(NamedTuple):
    """Who logs in, and where."""

    user: str
    password: Secret
    url: str
    connection: str
    """Demo or Real, as the venue's page of hosts calls it."""
    session_id: str = ""
    pin: Secret | None = None


class Offer(NamedTuple):
    """What an instrument costs now."""

    instrument: str
    at: int
    """The venue's stamp, ms UTC."""
    bid: float
    ask: float


@dataclass(frozen=True, slots=True, eq=False)
class Candles:
    """Bars as the venue has them, with bid and ask apart; the last may not be over yet."""

    at: Stamps
    bid: Floats
    """Open, high, low and close, a row each bar."""
    ask: Floats
    volume: Floats

    def __len__(self) -> int:
        return len(self.at)


SessionWord = Literal["connected", "reconnecting", "lost"]
"""connected: logged in, or connected again by itself; reconnecting: it tries to be; lost: it gave up, or was ended."""
HearSession = Callable[[SessionWord], None]
HearOffer = Callable[[Offer | None], None]
"""Takes each price that changes; None for a row that has no price in it."""


class Subscription(Protocol):
    def close(self) -> None:
        """Hear no more of it. May be called more than once, and after the session was lost."""
        ...


class Session(Protocol):
    """One login: it is made, used and let go of; after it was lost another one has to be made."""

    def login(self, access: Access, hear: HearSession) -> frozenset[str]:
        """Log in, and give the instruments that there are prices of."""
        ...

    def subscribe(self, hear: HearOffer) -> Subscription:
        """Hear the prices of all instruments; `SdkMissing` where the SDK has no way to."""
        ...

    def history(self, instrument: str, tf: int, since: int, until: int, count: int) -> Candles:
        """The bars that open in [since, until), `count` at the most, in order of time; none where there are none."""
        ...

    def logout(self) -> None:
        """Let go of the session. May be called at any moment, and more than once."""
        ...


class Sdk(Protocol):
    """A way to FXCM: the official SDK, or a practice one."""

    @property
    def name(self) -> str:
        """For people: what it is, and of which version."""
        ...

    def session(self) -> Session: ...
