"""What was asked of somebody, how often it failed and how long it took: by kind of call and minute."""

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from pipeline.evidence import Called, TroubleKind
from pipeline.times import MINUTE

KEPT = 60
"""Minutes."""
STEP = math.log(1.05)
"""Durations are kept in classes 5 % apart: a 95th percentile is as exact as that, and costs nothing."""


class Row(NamedTuple):
    """One kind of call in one minute. Durations are real milliseconds."""

    call: str
    minute: int
    calls: int
    failures: dict[TroubleKind, int]
    mean_ms: float
    p95_ms: float


class Counts:
    """Calls of the last hour, by the minute of the clock given."""

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self._minutes: dict[int, dict[str, _Cell]] = {}

    def add(self, call: str, millis: float, failed: TroubleKind | None = None) -> None:
        minute = self._now() // MINUTE * MINUTE
        if minute not in self._minutes:
            self._minutes[minute] = {}
            for old in sorted(self._minutes)[:-KEPT]:
                del self._minutes[old]
        cells = self._minutes.get(minute)
        if cells is not None:
            cells.setdefault(call, _Cell()).add(millis, failed)

    def rows(self) -> list[Row]:
        """Every kind of call of every minute that is kept, the oldest first."""
        kept = sorted(self._minutes.items())
        return [cell.row(call, minute) for minute, cells in kept for call, cell in cells.items()]

    def totals(self) -> list[Row]:
        """Every kind of call over all that is kept; `minute` is the first it was made in."""
        whole: dict[str, tuple[int, _Cell]] = {}
        for minute, cells in sorted(self._minutes.items()):
            for call, cell in cells.items():
                whole.setdefault(call, (minute, _Cell()))[1].join(cell)
        return [cell.row(call, minute) for call, (minute, cell) in sorted(whole.items())]

    def called(self, account: str, minute: int) -> Called:
        """All calls of one minute together, as a flow hears of them at its end."""
        cells = list(self._minutes.get(minute, {}).values())
        calls = sum(cell.calls for cell in cells)
        failed = sum(cell.failures.total() for cell in cells)
        millis = sum(cell.millis for cell in cells) / calls if calls else 0.0
        return Called(account, minute + MINUTE, calls, failed, round(millis, 3))

    def lines(self) -> list[str]:
        """For people: "quote: 120 calls, 2 failed (1 network, 1 throttle), mean 12 ms, p95 30 ms"."""
        return [_line(row) for row in self.totals()]


@dataclass(slots=True)
class _Cell:
    calls: int = 0
    millis: float = 0.0
    failures: Counter[TroubleKind] = field(default_factory=Counter["TroubleKind"])
    classes: Counter[int] = field(default_factory=Counter[int])

    def add(self, millis: float, failed: TroubleKind | None) -> None:
        self.calls += 1
        self.millis += millis
        self.classes[math.ceil(math.log(max(millis, 0.01)) / STEP)] += 1
        if failed is not None:
            self.failures[failed] += 1

    def join(self, other: "_Cell") -> None:
        self.calls += other.calls
        self.millis += other.millis
        self.failures += other.failures
        self.classes += other.classes

    def row(self, call: str, minute: int) -> Row:
        return Row(call, minute, self.calls, dict(self.failures), self.millis / self.calls, self._p95())

    def _p95(self) -> float:
        left = math.ceil(self.calls * 0.95)
        for each in sorted(self.classes):
            left -= self.classes[each]
            if left <= 0:
                return math.exp(each * STEP)
        return 0.0


def _line(row: Row) -> str:
    failed = sum(row.failures.values())
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(row.failures.items()))
    failures = f", {failed} failed ({kinds})" if failed else ""
    calls = "1 call" if row.calls == 1 else f"{row.calls} calls"
    return f"{row.call}: {calls}{failures}, mean {row.mean_ms:.3g} ms, p95 {row.p95_ms:.3g} ms"
