"""Sessions: what begins anew each day at an hour of some city, and what time it is there."""

from typing import Annotated, ClassVar

import numpy as np
from msgspec import Meta

from pipeline.parts import Group, Memory, feature
from pipeline.rolling import led, ratio
from pipeline.stretch import Stretch
from pipeline.times import DAY, HOUR, MINUTE
from pipeline.values import Flags, Floats, Stamps
from pipeline.walltime import wall_clock, zone_names

Clock = Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", description="a time of day such as 08:00")]
Zone = Annotated[str, Meta(description="the zone of that time, such as UTC or Europe/London")]

UTC = "UTC"
LONGEST_DAY = DAY + HOUR
"""What a day takes on which clocks are moved back."""
MONDAY = 3
"""The epoch began on a Thursday: so many days after a Monday."""
WEEKEND = 5


@feature
class Vwap:
    """Volume-weighted average price: the mean typical price of what was traded since the session began.

    A session begins every day at `session` in `timezone`. Until something was traded in it there is no answer.
    """

    session: Clock = "00:00"
    timezone: Zone = UTC

    outputs: ClassVar[tuple[str, ...]] = ()
    group: ClassVar[Group] = "basic"
    memory: ClassVar[Memory] = "window"

    def __post_init__(self) -> None:
        _check(self.timezone)

    def warmup(self) -> int:
        return 0

    def reach(self) -> int:
        return DAY if self.timezone == UTC else LONGEST_DAY

    def __call__(self, rows: Stretch) -> Floats:
        volume = rows.volume
        since = _begun((_local(rows.open_ts, self.timezone) - _millis(self.session)) // DAY)
        typical = (rows.high + rows.low + rows.close) / 3
        return ratio(_summed(typical * volume, since), _summed(volume, since), np.nan)


@feature
class SessionClock:
    """Time as a feature: minutes since the session began, the time of day on a circle, and the day of the week from 0.

    All are of the moment at which the bar opened, as clocks in `timezone` show it; Monday is 0. It always has an
    answer.
    """

    session: Clock = "00:00"
    timezone: Zone = UTC

    outputs: ClassVar[tuple[str, ...]] = ("minutes", "sine", "cosine", "weekday")
    group: ClassVar[Group] = "basic"
    memory: ClassVar[Memory] = "window"

    def __post_init__(self) -> None:
        _check(self.timezone)

    def warmup(self) -> int:
        return 0

    def __call__(self, rows: Stretch) -> tuple[Floats, ...]:
        clock = _local(rows.open_ts, self.timezone)
        angle = (2 * np.pi / DAY) * (clock % DAY)
        minutes = (clock - _millis(self.session)) % DAY / MINUTE
        return minutes, np.sin(angle), np.cos(angle), _weekday(clock).astype(np.float64)


@feature
class Pivots:
    """Classic pivot points from high, low and close of the last whole UTC day: the pivot, and three levels each way.

    A day counts whose bars were seen from its beginning, however few it has. Once warm it always has an answer.
    """

    outputs: ClassVar[tuple[str, ...]] = ("pivot", "r1", "s1", "r2", "s2", "r3", "s3")
    group: ClassVar[Group] = "advanced"
    memory: ClassVar[Memory] = "window"

    def warmup(self) -> int:
        return 0

    def reach(self) -> int:
        return 2 * DAY

    def __call__(self, rows: Stretch) -> tuple[Floats, ...]:
        if not len(rows):
            return (rows.close,) * len(self.outputs)
        days = rows.open_ts // DAY
        starts = np.flatnonzero(np.diff(days, prepend=days[0] - 1))
        before = np.cumsum(np.diff(days, prepend=days[0]) != 0)
        high, low = np.maximum.reduceat(rows.high, starts), np.minimum.reduceat(rows.low, starts)
        close = rows.close[np.append(starts[1:], len(rows)) - 1]
        pivot = (high + low + close) / 3
        levels = (
            pivot,
            2 * pivot - low,
            2 * pivot - high,
            pivot + high - low,
            pivot - high + low,
            high + 2 * (pivot - low),
            low - 2 * (high - pivot),
        )
        # Of the first day nothing is known before it.
        return tuple(led(level, 1)[before] for level in levels)


@feature
class SessionState:
    """Which of the great sessions are on, 1 or 0: Tokyo from 08:00 to 16:00, London to 16:30, New York to 16:55.

    Each is of its own city's clocks, summer and winter, from Monday to Friday; a bar is in it when it opens in it. It
    always has an answer.
    """

    outputs: ClassVar[tuple[str, ...]] = ("tokyo", "london", "new_york")
    group: ClassVar[Group] = "states"
    memory: ClassVar[Memory] = "window"

    def warmup(self) -> int:
        return 0

    def __call__(self, rows: Stretch) -> tuple[Floats, ...]:
        return tuple(_open(_local(rows.open_ts, zone), begin, end).astype(np.float64) for zone, begin, end in GREAT)


GREAT = (
    ("Asia/Tokyo", "08:00", "16:00"),
    ("Europe/London", "08:00", "16:30"),
    ("America/New_York", "08:00", "16:55"),
)


def _check(zone: str) -> None:
    if zone not in zone_names():
        raise ValueError(f"timezone {zone!r} is not known; write one like Europe/London")


def _local(ts: Stamps, zone: str) -> Stamps:
    return ts if zone == UTC else wall_clock(zone).wall(ts)


def _millis(clock: str) -> int:
    hours, minutes = clock.split(":")
    return (int(hours) * 60 + int(minutes)) * MINUTE


def _open(clock: Stamps, begin: str, end: str) -> Flags:
    time = clock % DAY
    return (time >= _millis(begin)) & (time < _millis(end)) & (_weekday(clock) < WEEKEND)


def _weekday(clock: Stamps) -> Stamps:
    return (clock // DAY + MONDAY) % 7


def _begun(session: Stamps) -> Stamps:
    """The row at which the session of each row began."""
    return np.maximum.accumulate(np.where(np.diff(session, prepend=session[:1]) != 0, np.arange(len(session)), 0))


def _summed(column: Floats, since: Stamps) -> Floats:
    """The sum from a row on, for each row."""
    total = np.concatenate(([0.0], np.cumsum(column)))
    return total[1:] - total[since]
