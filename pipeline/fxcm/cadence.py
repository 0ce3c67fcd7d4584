"""How often history is asked for: as often as prices come, less often when they stop, not at all in a closed market.

A slot that is over is asked for at once, and again after a while until its bars are there: that while is what is
stretched, of longer timeframes before the shortest's. In a closed market nothing is asked for once prices have
stopped; with the first price, or with the open, it is asked for at once.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pipeline.service import Pace
from pipeline.times import timeframe_name

STEPS = 2
"""In so many steps each timeframe is stretched."""


@dataclass(frozen=True, kw_only=True)
class Rhythm:
    """Seconds: between two looks for a bar, and their bounds; silence up to which prices are live, from which idle."""

    poll: float = 5.0
    least: float = 2.0
    most: float = 20.0
    live: float = 30.0
    idle: float = 120.0
    stretch: float = 2.5
    """How many times as long it is waited once prices are idle."""

    def seconds(self, factor: float) -> float:
        return min(self.most, max(self.least, self.poll * factor))

    def steps(self, *, shortest: bool) -> tuple[tuple[float, float], ...]:
        """From which silence on a timeframe is stretched how many times."""
        half = (self.idle - self.live) / 2
        begin = self.live + half if shortest else self.live
        longer = (self.stretch - 1) / STEPS
        return tuple((begin + half * step / STEPS, 1 + longer * (step + 1)) for step in range(STEPS))


class Cadence:
    """When each timeframe's history is looked for."""

    def __init__(self, timeframes: Iterable[int], rhythm: Rhythm) -> None:
        ordered = sorted(timeframes)
        self._rhythm = rhythm
        self._steps = {tf: rhythm.steps(shortest=tf == ordered[0]) for tf in ordered}
        self._pace = {tf: Pace(rhythm.seconds(1), "no price came yet", 0) for tf in ordered}
        self._silence: float | None = None
        self._is_open = True

    @property
    def idle(self) -> bool:
        """Whether prices have stopped."""
        return self._silence is not None and self._silence >= self._rhythm.idle

    @property
    def paused(self) -> bool:
        """Whether nothing is asked for until prices come, or the market opens."""
        return not self._is_open and (self._silence is None or self.idle)

    @property
    def pace(self) -> Mapping[str, Pace]:
        return {timeframe_name(tf): pace for tf, pace in self._pace.items()}

    def seconds(self, tf: int) -> float:
        """Between two looks."""
        return self._pace[tf].seconds

    def judge(self, silence: float | None, *, is_open: bool) -> tuple[str, ...]:
        """Take note of how long no price has come (s; None: none ever did); a sentence for each change."""
        self._silence, self._is_open = silence, is_open
        changes = list[str]()
        for tf, before in self._pace.items():
            seconds, reason = self._judged(tf)
            if (seconds, reason) != (before.seconds, before.reason):
                self._pace[tf] = Pace(seconds, reason, 0 if self.paused else before.next_at)
                changes.append(f"{timeframe_name(tf)} history is looked for every {seconds:g} s: {reason}")
        return tuple(changes)

    def due(self, tf: int, at: int) -> None:
        """Take note of when a timeframe is asked for next; 0: not before prices come again."""
        pace = self._pace[tf]
        self._pace[tf] = Pace(pace.seconds, pace.reason, at)

    def _judged(self, tf: int) -> tuple[float, str]:
        rhythm, silence = self._rhythm, self._silence
        if self.paused:
            return rhythm.seconds(rhythm.stretch), "the market is closed and no price comes"
        if silence is None:
            return rhythm.seconds(1), "no price came yet"
        reason, factor = "prices come", 1.0
        for begin, times in self._steps[tf]:
            if silence > begin:
                reason, factor = f"no price came for {begin:g} s", times
        return rhythm.seconds(factor), reason


def rest(poll: float, wanted: float | None) -> float:
    """How long to rest while there is nothing to ask for: never less than a poll, whatever is wanted."""
    return max(poll, wanted or 0.0)
