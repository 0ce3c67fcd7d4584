"""What goes out because of time, or of how things stand: states, heartbeats, prices, and the publisher's own word."""

from msgspec.structs import replace

from pipeline.publishing.carrying import Carrying
from pipeline.publishing.figures import Figures, diagnosis_of
from pipeline.publishing.heartbeat import heartbeat_of
from pipeline.publishing.link import Link
from pipeline.publishing.picture import Picture
from pipeline.publishing.pulse import Pulse
from pipeline.publishing.snapshots import Snapshots
from pipeline.publishing.status import Repeats, market_status_of, status_key, status_of
from pipeline.publishing.terms import Terms
from pipeline.service import Diagnosis
from pipeline.times import SECOND

FIRST = 2 * SECOND
"""So long the first word of a publisher waits for the connection to be tried."""


class Outlook:
    """Looks at the pulse, and puts what follows into the lanes."""

    def __init__(self, terms: Terms, pulse: Pulse, carrying: Carrying, link: Link, now: int) -> None:
        self._terms, self._pulse, self._carrying, self._link = terms, pulse, carrying, link
        self._snapshots = Snapshots(terms.snapshot_every, terms.limits, now)
        self._status, self._market = Repeats(terms.status_every), Repeats(terms.status_every)
        self._begins = now
        self._said: object = None
        self._opened: object = None
        self._heartbeat_due = now
        self._told: object = None
        self._heartbeat_at = 0
        self.backpressure_events = 0
        self.commands: dict[str, int] = {}
        self.universe: tuple[str, ...] = ()
        self.errors: dict[str, int] = {}

    def due(self, now: int) -> int:
        """When to look again at the latest."""
        repeats = [each.due for each in (self._status, self._market) if each.due > now]
        first = min(self._pulse.due, self._snapshots.due, self._heartbeat_due, *repeats)
        return max(first, now + 1)

    def look(self, now: int) -> Diagnosis | None:
        """See what goes out now; what the publisher says of itself, when it is time for it."""
        self._prices(now)
        picture = self._pulse.look(now)
        self._states(picture, now)
        beats = now >= self._heartbeat_due
        turns = self._pulse.taken()
        if self._link.state == "backoff" and not self._link.failures and now < self._begins + FIRST:
            return None  # it was not tried yet: nothing is known of it
        stands = (picture.facts.turn.state, status_key(picture), self._link.state)
        if not (beats or turns or stands != self._told):
            return None
        self._told = stands
        if beats:
            self._heartbeat_due = now - now % self._terms.heartbeat_every + self._terms.heartbeat_every
            self._heartbeat_at = now
        told = self._diagnosis(picture, now)
        if beats or turns:
            channel = self._terms.names.channel("price_tik")
            heartbeat = heartbeat_of(picture, self._pulse, told, channel, self._terms.snapshot_every / SECOND)
            self._carrying.heartbeat.offer(heartbeat, change=bool(turns))
            self._carrying.wake(self._carrying.heartbeat)
        return told

    def ends(self, now: int) -> None:
        """Put the last status into its lane: from here on nobody publishes."""
        picture = self._pulse.look(now)
        status = replace(
            status_of(picture, self._pulse), process="sleep", price="down", ohlcv="down", note="publisher stopped"
        )
        self._carrying.status.offer((status, False), change=True)
        self._carrying.wake(self._carrying.status)

    def told(self, now: int, *, ended: bool) -> Diagnosis:
        """What the publisher says of itself, whether it is time for it or not."""
        return replace(self._diagnosis(self._pulse.look(now), now), ended=ended)

    def _diagnosis(self, picture: Picture, now: int) -> Diagnosis:
        return diagnosis_of(self._terms.name, picture, self._pulse, self._figures(), self._carrying.reports(now))

    def _prices(self, now: int) -> None:
        taken = self._snapshots.taken(now, self._pulse.ticks)
        for tik in taken:
            self._carrying.snapshots.offer(tik.symbol, tik)
        if taken:
            self._carrying.wake(self._carrying.snapshots)

    def _states(self, picture: Picture, now: int) -> None:
        key = status_key(picture)
        if self._status.wanted(key, now):
            status = status_of(picture, self._pulse)
            self._carrying.status.offer((status, picture.welcome), change=key != self._said)
            self._carrying.wake(self._carrying.status)
            self._said = key
        market = market_status_of(picture, self._pulse, self._snapshots.taken_at)
        if market is not None and self._market.wanted(market.state, now):
            self._carrying.market.offer(market, change=market.state != self._opened)
            self._carrying.wake(self._carrying.market)
            self._opened = market.state

    def _figures(self) -> Figures:
        return Figures(
            published=dict(self._carrying.published),
            backpressure_events=self.backpressure_events,
            redis="off" if self._terms.file_only else self._link.state,
            redis_backoff_seconds=self._link.remaining,
            reconnects=self._link.reconnects,
            snapshots=self._carrying.published["price_tik"],
            last_snapshot_at=self._snapshots.taken_at,
            last_heartbeat_at=self._heartbeat_at,
            commands=self.commands,
            universe=self.universe,
            errors=self.errors,
        )
