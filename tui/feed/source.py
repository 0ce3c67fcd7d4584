"""How a source of prices fares: its session, how often it asks for history, and what the venue still allows."""

from collections.abc import Iterator, Sequence
from typing import ClassVar

from pipeline.service import FeedReport, QuotaState, SessionState
from pipeline.times import SECOND
from pipeline.view import Feed
from tui.feed.sheet import FeedSheet
from tui.painted import Line, Run
from tui.sheet import words
from tui.words import age_text, count_text

SESSIONS: dict[SessionState, str] = {
    "connecting": "second",
    "connected": "second",
    "streaming": "up",
    "silent": "warn",
    "resubscribing": "warn",
    "reconnecting": "wrong",
    "off": "wrong",
}
QUOTAS: dict[QuotaState, str] = {"ok": "up", "warn": "warn", "reserve": "warn", "critical": "wrong"}


class SourcePanel(FeedSheet):
    """How each source fares by its own word: its session, how often history of each timeframe is asked for and why, the
    venue's limits for that, waits after failures, and counts.
    """

    NAME: ClassVar[str] = "Source"

    def named(self, feed: Feed) -> str:
        return f"Source · {feed.sources[0].whose}" if len(feed.sources) == 1 else self.NAME

    def absent(self) -> str:
        return "no source of this flow tells more of itself than its prices"

    def rows(self, feed: Feed, width: int) -> Sequence[Line]:
        return [line for told in feed.sources for line in self._of(told, width, named=len(feed.sources) > 1)]

    def _of(self, told: FeedReport, width: int, *, named: bool) -> Iterator[Line]:
        name = [Run(f"{told.whose} ", "bright")] if named else []
        since = age_text(self._age(told.since))
        sdk = f" · {told.sdk}" if told.sdk else ""
        yield words(width, *name, Run(told.session, SESSIONS[told.session]), Run(f" for {since}{sdk}", "second"))
        for timeframe, pace in told.pace.items():
            ahead = f" · next {age_text(self._ahead(pace.next_at))}" if pace.next_at else " · paused"
            yield words(
                width,
                Run(f"{timeframe} every {pace.seconds:g} s"),
                Run(f"{ahead} · {pace.reason}", "second"),
            )
        if told.quota is not None:
            quota = told.quota
            put_off = f" · THROTTLED {quota.reason}".rstrip() if quota.throttled else ""
            calls = f" · {quota.minute}/{quota.per_minute} min · {quota.hour}/{quota.per_hour} h"
            yield words(
                width,
                Run("quota "),
                Run(quota.state, QUOTAS[quota.state]),
                Run(put_off, "warn"),
                Run(calls, "second"),
            )
        if not told.history_ready:
            yield words(width, Run("history is not ready", "warn"))
        yield self._wait(told, width)
        yield words(
            width,
            Run(f"prices {count_text(told.ticks)}"),
            Run(
                f" · unfit {told.tick_errors} · passed over {told.ticks_dropped} · waiting {told.edge_depth}", "second"
            ),
        )
        calls = f"calls {count_text(told.history_calls)} · failed {told.history_failures}"
        yield words(
            width, Run(f"{calls} · reconnects {told.reconnects} · subscriptions {told.subscriptions}", "second")
        )

    def _wait(self, told: FeedReport, width: int) -> Line:
        """What failed last, and how long it still waits before it tries that again."""
        left = self._ahead(told.backoff_until) if told.backoff_until else told.backoff_seconds
        error = f": {told.last_error}" if told.last_error else ""
        if left > 0:
            return words(width, Run(f"tries again in {age_text(left)}", "warn"), Run(error, "warn"))
        if not told.last_error_at:
            return words(width, Run("no backoff, no error yet", "dim"))
        return words(width, Run(f"no backoff; {age_text(self._age(told.last_error_at))} ago{error}", "dim"))

    def _age(self, ts: int) -> float:
        return self.store.age(ts, self.now())

    def _ahead(self, ts: int) -> float:
        """How long until a moment, in seconds of the flow's clock."""
        return max(0, ts - self.store.clock(self.now())) / SECOND
