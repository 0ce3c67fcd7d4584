"""The first minutes of a session, and the price leaving their range."""

from typing import Annotated, ClassVar

import numpy as np
from msgspec import Meta

from pipeline.parts import Column, provider
from pipeline.scoring import Presets, before, share, spoken
from pipeline.times import MINUTE
from pipeline.values import Columns, Floats

LONDON = "session_clock(session='08:00', timezone='Europe/London').minutes"
NEW_YORK = "session_clock(session='09:30', timezone='America/New_York').minutes"


@provider
class OpeningRangeBreak:
    """Goes with the close that leaves the range of a session's first `minutes` minutes, for `until` minutes after them.

    `since` says how many minutes after the session's beginning a bar opened. A session whose first bar is missing is
    left out. The strength is how far beyond the range the close is: 1 at half the range.
    """

    since: Column = LONDON
    minutes: Annotated[int, Meta(ge=1, le=720, description="how long the range is made")] = 30
    until: Annotated[int, Meta(ge=1, le=720, description="how many minutes after that it counts")] = 120

    family: ClassVar[str] = "breakout"
    catalogue: ClassVar[Presets] = {221: {}, 222: {"since": NEW_YORK}, 223: {"minutes": 60, "until": 180}}

    @property
    def lookback(self) -> int:
        # Bars are a minute long or longer.
        return self.minutes + self.until

    def __call__(self, columns: Columns) -> Floats:
        since, close = columns[self.since], columns["close"]
        if not len(columns):
            return close
        opening = since < self.minutes
        begun = columns.open_ts - np.nan_to_num(since).astype(np.int64) * MINUTE
        another = np.diff(begun, prepend=begun[0] - 1) != 0
        first, number = np.flatnonzero(another), np.cumsum(another) - 1
        highest = np.maximum.reduceat(np.where(opening, columns["high"], -np.inf), first)[number]
        lowest = np.minimum.reduceat(np.where(opening, columns["low"], np.inf), first)[number]
        whole = (since[first] * MINUTE < columns.tf)[number] & (highest >= lowest)
        on = whole & ~opening & (since < self.minutes + self.until)
        highest, lowest = np.where(on, highest, np.nan), np.where(on, lowest, np.nan)
        earlier = before(close)
        over, under = close - highest, lowest - close
        up, down = (over > 0) & (earlier <= highest), (under > 0) & (earlier >= lowest)
        return spoken(up, down, share(np.maximum(over, under), (highest - lowest) / 2))
