"""How a source fares, told when something of it changes, once a second at the most, and every few seconds anyway."""

from collections.abc import Callable

import msgspec
from reactivex.abc import DisposableBase

from pipeline.host import Host
from pipeline.service import FeedReport
from pipeline.times import SECOND

OFTEN, SELDOM = SECOND, 5 * SECOND

COUNTS = (
    *("at", "ticks", "tick_errors", "ticks_dropped", "history_calls", "history_failures", "not_ready"),
    *("subscriptions", "edge_depth"),
)
"""What changes all the time, which is no news."""


class Reporter:
    """Looks at a source once a second of the flow's clock, and says what is new."""

    def __init__(self, host: Host, look: Callable[[], FeedReport], give: Callable[[FeedReport], None]) -> None:
        self._host, self._look, self._give = host, look, give
        self._said: FeedReport | None = None
        self._next: DisposableBase | None = None
        self._at: int | None = None
        """When it was last told."""

    def begin(self) -> None:
        self.look()
        self._plan(self._host.now() + OFTEN)

    def close(self) -> None:
        if self._next is not None:
            self._next.dispose()

    def look(self) -> None:
        """Tell now, where something is new and a second has passed, or when nothing was told for long."""
        now = self._host.now()
        since = OFTEN if self._at is None else now - self._at
        if 0 <= since < OFTEN:
            return
        report = self._look()
        news = _news(report)
        if news != self._said or not 0 <= since < SELDOM:
            self._said, self._at = news, now
            self._give(report)

    def _plan(self, at: int) -> None:
        self._next = self._host.at(at, self._again)

    def _again(self) -> None:
        self.look()
        self._plan(self._host.now() + OFTEN)


def _news(report: FeedReport) -> FeedReport:
    """What of a report is worth telling at once."""
    pace = {tf: msgspec.structs.replace(each, next_at=0) for tf, each in report.pace.items()}
    quota = report.quota
    if quota is not None:
        quota = msgspec.structs.replace(quota, minute=0, hour=0, next_slot_seconds=0.0, skipped={}, throttled_total=0)
    return msgspec.structs.replace(report, pace=pace, quota=quota, backoff_seconds=0.0, **dict.fromkeys(COUNTS, 0))
