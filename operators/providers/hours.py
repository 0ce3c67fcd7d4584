"""Time of day: what a market tends to do in some hours of some city."""

from functools import cache
from typing import Annotated, ClassVar

import numpy as np
from msgspec import Meta

from pipeline.parts import Column, provider
from pipeline.permit import WEEKDAYS, HoursText, Permit, Weekday
from pipeline.scoring import LEAST, Presets, spoken
from pipeline.values import Columns, Direction, Floats

Zone = Annotated[str, Meta(description="whose clocks, such as UTC or Europe/London")]


@provider
class HoursFollow:
    """Goes the way a column points in some hours of the day, or the other way with `against`.

    A bar is in the hours when it becomes final in them. The column counts from `least` on, either way; the strength is
    its size: 1 at `full`.
    """

    hours: HoursText = "08:00-10:00"
    timezone: Zone = "Europe/London"
    weekdays: Annotated[tuple[Weekday, ...], Meta(description="on which days")] = WEEKDAYS
    follow: Column = "zscore(period=20)"
    against: Annotated[bool, Meta(description="go the other way")] = False
    least: Annotated[float, Meta(gt=0, description="from which on the column counts, either way")] = 1.0
    full: Annotated[float, Meta(gt=0, description="where the strength is 1")] = 3.0

    lookback = 0
    family: ClassVar[str] = "time"
    catalogue: ClassVar[Presets] = {
        701: {},
        702: {"hours": "09:30-11:00", "timezone": "America/New_York"},
        703: {"hours": "09:00-15:00", "timezone": "Asia/Tokyo", "against": True, "least": 1.5},
    }

    def __post_init__(self) -> None:
        _permit(self.hours, self.weekdays, self.timezone)

    def __call__(self, columns: Columns) -> Floats:
        way, on = columns[self.follow], _permit(self.hours, self.weekdays, self.timezone).allows(columns.final_at)
        up, down = on & (way >= self.least), on & (way <= -self.least)
        return spoken(*((down, up) if self.against else (up, down)), np.abs(way) / self.full)


@provider
class HoursBias:
    """Goes one way, always the same, in some hours of the day.

    A bar is in the hours when it becomes final in them.
    """

    direction: Annotated[Direction, Meta(description="which way")] = "call"
    hours: HoursText = "13:30-14:30"
    timezone: Zone = "America/New_York"
    weekdays: Annotated[tuple[Weekday, ...], Meta(description="on which days")] = WEEKDAYS
    strength: Annotated[float, Meta(ge=LEAST, le=1, description="of every vote")] = 0.5

    lookback = 0
    family: ClassVar[str] = "time"
    catalogue: ClassVar[Presets] = {711: {}, 712: {"direction": "put"}}

    def __post_init__(self) -> None:
        _permit(self.hours, self.weekdays, self.timezone)

    def __call__(self, columns: Columns) -> Floats:
        score = self.strength if self.direction == "call" else -self.strength
        return np.where(_permit(self.hours, self.weekdays, self.timezone).allows(columns.final_at), score, np.nan)


@cache
def _permit(hours: str, weekdays: tuple[Weekday, ...], timezone: str) -> Permit:
    return Permit(hours=hours, weekdays=weekdays, timezone=timezone)
