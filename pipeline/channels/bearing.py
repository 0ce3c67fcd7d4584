"""How a publisher is heard: whether its link is up, and what a source says of that."""

from collections.abc import Callable
from dataclasses import dataclass

from pipeline.channels.hearing import Standing
from pipeline.host import Host
from pipeline.service import FeedReport, SessionState
from pipeline.times import SECOND
from pipeline.values import Link

QUIET = 30 * SECOND
"""Without a price for so long, in open market, it is silent."""
REPORTING = 10 * SECOND


@dataclass
class _Counts:
    ticks: int = 0
    refused: int = 0
    joined: int = 0
    broken: int = 0


class Bearing:
    """Link and session of what is listened to. Until something else is known the link is up."""

    def __init__(
        self,
        host: Host,
        name: str,
        products: tuple[str, ...],
        stale_after: int,
        give: Callable[[Link | FeedReport], None],
    ) -> None:
        self._host, self._name, self._products, self._stale_after, self._give = host, name, products, stale_after, give
        self._up = True
        self._session: SessionState = "connecting"
        self._since = self._told = host.now()
        self._joined = False
        self._heard = self._ticked = 0
        """When the publisher was heard last, and when a price came last."""
        self._mute = False
        self._standing = Standing()
        self._error, self._error_at, self._backoff, self._backoff_until = "", 0, 0.0, 0
        self._counts = _Counts()

    def joined(self) -> None:
        """Subscribed: what is published is heard from now on."""
        self._joined, self._mute = True, False
        self._heard = self._host.now()
        self._counts.joined += 1
        self._backoff, self._backoff_until = 0.0, 0
        self._turn("connected")

    def broke(self, why: str, wait: float) -> None:
        self._joined = False
        self._counts.broken += 1
        now = self._host.now()
        self._error, self._error_at = why, now
        self._backoff, self._backoff_until = wait, now + round(wait * SECOND)
        self._turn("reconnecting" if self._counts.joined else "connecting", told=True)

    def alive(self) -> None:
        """The publisher said something of itself."""
        self._heard = self._host.now()
        if self._mute:
            self._mute = False
            self._turn("connected")

    def ticked(self) -> None:
        self._counts.ticks += 1
        self._ticked = self._host.now()
        if self._session != "streaming":
            self._turn("streaming")

    def stands(self, standing: Standing) -> None:
        self._standing = standing
        self.alive()
        self._link()

    def refused(self) -> None:
        self._counts.refused += 1

    def look(self) -> str:
        """Look at what was not heard; a sentence when the publisher just went silent."""
        now = self._host.now()
        why = ""
        if self._joined and not self._mute and now - self._heard >= self._stale_after:
            self._mute = True
            why = f"neither status nor heartbeat came for {self._stale_after / SECOND:g} s; is the publisher running?"
            self._error, self._error_at = why, now
            self._turn("silent")
        elif self._session == "streaming" and now - self._ticked >= QUIET and self._standing.market != "closed":
            self._turn("silent")
        elif now - self._told >= REPORTING:
            self._tell()
        return why

    # --- telling -----------------------------------------------------------------------------------------------------

    def _turn(self, session: SessionState, *, told: bool = False) -> None:
        self._link()
        if session != self._session:
            self._session, self._since = session, self._host.now()
        elif not told:
            return
        self._tell()

    def _link(self) -> None:
        down = self._standing.market == "open" and self._standing.price == "down"
        up = self._joined and not self._mute and not down
        if up != self._up:
            self._up = up
            self._give(Link(self._products, up=up, at=self._host.now()))

    def _tell(self) -> None:
        now = self._told = self._host.now()
        left = max(0.0, (self._backoff_until - now) / SECOND)
        self._give(
            FeedReport(
                whose=self._name,
                at=now,
                session=self._session,
                since=self._since,
                backoff_seconds=left,
                backoff_until=self._backoff_until if left else 0,
                last_error=self._error,
                last_error_at=self._error_at,
                ticks=self._counts.ticks,
                tick_errors=self._counts.refused,
                reconnects=max(0, self._counts.joined - 1),
                subscriptions=self._counts.joined,
            )
        )
