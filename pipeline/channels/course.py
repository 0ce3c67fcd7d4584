"""The bars of one product and timeframe as they come by a channel: in order, each once, and which past is wanted."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np

from pipeline.candles import from_columns
from pipeline.channels.hearing import Row
from pipeline.values import Bars

EVER = 1 << 62


@dataclass
class Want:
    """Bars of the past that were asked for: of the slots from `since` on, before `until`, the last `rows` of them."""

    since: int
    until: int
    rows: int
    warm: bool
    """Whether it is what the flow needs to begin with."""
    tries: int = 0
    """How often it was asked for."""
    given: int = 0
    """How many of those found are given."""
    found: dict[int, Row] = field(default_factory=dict[int, Row])


class Course:
    """What was given of one product and timeframe. What was over before `begun` is past, not new."""

    def __init__(self, product: str, tf: int, begun: int) -> None:
        self.product, self.tf = product, tf
        self.want: Want | None = None
        self._newest = begun // tf * tf - tf
        """The slot up to which bars are given, or past."""

    def ask(self, since: int, until: int, rows: int = EVER, *, warm: bool = False) -> Want:
        """Take note of bars that are missing, together with those that are waited for already."""
        before = self.want
        if before is None:
            self.want = Want(since, until, rows, warm)
        else:
            since, until = min(since, before.since), max(until, before.until)
            self.want = Want(since, until, max(rows, before.rows), warm or before.warm, found=before.found)
        return self.want

    def take(self, rows: Iterable[Row]) -> tuple[Row, ...]:
        """Those of some bars, oldest first, that are new; older ones are kept where they are wanted."""
        fresh: list[Row] = []
        for row in rows:
            if row.open_time % self.tf:  # of slots that are not ours
                continue
            if row.open_time > self._newest:
                fresh.append(row)
            elif self.want is not None and self.want.since <= row.open_time < self.want.until:
                self.want.found.setdefault(row.open_time, row)
        if fresh:
            self._newest = fresh[-1].open_time
        return tuple(fresh)

    def found(self) -> tuple[Row, ...]:
        """What has come of what is wanted, oldest first."""
        want = self.want
        return () if want is None else tuple(want.found[at] for at in sorted(want.found))[-want.rows :]


def bars_of(product: str, tf: int, rows: tuple[Row, ...], now: int, *, fresh: bool) -> Bars:
    """Bars as they came: final when their time was over, new ones not before they were here."""
    opened = np.array([row.open_time for row in rows], np.int64)
    prices = np.array([row[1:6] for row in rows], np.float64).reshape(-1, 5).T
    bars = from_columns(product, tf, opened, *map(np.ascontiguousarray, prices))
    ticks = np.array([row.ticks for row in rows], np.int32)
    final_at = np.maximum(bars.final_at, now) if fresh else bars.final_at
    return replace(bars, final_at=final_at, ticks=ticks, fresh=len(rows) if fresh else 0)
