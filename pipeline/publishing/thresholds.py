"""How long nothing may come before it means something. All spans are ms."""

from dataclasses import dataclass

from pipeline.times import MINUTE, SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """The spans by which prices, bars and states are judged. A span that has passed to the millisecond counts."""

    tick_live: int = 10 * SECOND
    """Prices are alive while the last one is younger."""
    tick_stale: int = 30 * SECOND
    """From then on a price is stale."""
    quotes_lost: int = 60 * SECOND
    """From then on, in open market, prices are lost: the price is down and the state RECOVERING."""
    idle_after: int = 30 * SECOND
    """From then on, in open market, nothing says any more that the stream is well."""
    closed_idle: int = 60 * SECOND
    """From then on, in closed market, the state is IDLE."""
    bars_delayed: int = 60 * SECOND
    """So much later than it should have come a final bar is delayed."""
    bars_down: int = 180 * SECOND
    preopen: int = 15 * MINUTE
    """So long before it opens a closed market counts as about to."""

    def __post_init__(self) -> None:
        if not 0 < self.tick_live <= self.tick_stale <= self.quotes_lost:
            raise ValueError("tick_live, tick_stale and quotes_lost do not grow; make none less than the one before")
        if not 0 < self.bars_delayed <= self.bars_down:
            raise ValueError("bars_delayed is more than bars_down; make bars_down the longer one")
        if min(self.idle_after, self.closed_idle) <= 0 or self.preopen < 0:
            raise ValueError("idle_after and closed_idle must be more than nothing; write spans such as 30s")
