"""The last price of each product, every so often: what goes out on the channel of prices."""

from typing import Literal

from pipeline.channels.messages import PriceTik
from pipeline.publishing.silence import Ticks
from pipeline.publishing.symbols import symbol_of
from pipeline.publishing.thresholds import Thresholds
from pipeline.times import SECOND, slot_of

SnapshotState = Literal["ok", "waiting", "stale", "stopped"]
"""ok: prices come. waiting: none came yet, or the market is closed. stale: none came for a while. stopped: nothing is
published."""


class Snapshots:
    """When snapshots are due and what is in them. Moments are those of the clock that `every` (ms) divides.

    A price is repeated as it stands until it is lost, then there is silence. However long nothing was asked for, one
    round follows, never a burst.
    """

    def __init__(self, every: int, limits: Thresholds, begins: int) -> None:
        self._every, self._lost = every, limits.quotes_lost
        self.due = slot_of(begins, every) + every
        """When the next ones are."""
        self.taken_at = 0
        """When the last ones were taken (ms); 0: never."""
        self.rounds = 0

    def taken(self, now: int, ticks: Ticks) -> tuple[PriceTik, ...]:
        """What to publish at this moment, at most one of each product: nothing before it is due."""
        if now < self.due:
            return ()
        self.due = slot_of(now, self._every) + self._every
        made = tuple(
            PriceTik(symbol, tick.bid, tick.ask, tick.mid, tick.at / SECOND, max(now, tick.at + 1) / SECOND)
            for name, tick in ticks.items()
            if now - tick.at <= self._lost and (symbol := symbol_of(name))
        )
        if made:
            self.taken_at, self.rounds = now, self.rounds + 1
        return made


def snapshot_state(silence: int | None, limits: Thresholds, *, is_open: bool, running: bool = True) -> SnapshotState:
    """How the stream of prices is, by the feed's silence (ms)."""
    if not running:
        return "stopped"
    if silence is None or (not is_open and silence >= limits.tick_stale):
        return "waiting"
    return "stale" if silence >= limits.tick_stale else "ok"
