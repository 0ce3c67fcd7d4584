"""In which of four states publishing is, as it follows from what was heard of the sources, the calendar and time.

| state | when |
|---|---|
| IDLE | the market is closed, and nothing came for `closed_idle` |
| DISCONNECTED | no source is reached; or the last login or call for history failed, and no price is alive |
| RECOVERING | a source is reached, but no price or bar came since; or no price for `quotes_lost` in open market |
| STREAM | else |

The first that fits. A source that needs a person is DISCONNECTED in closed market too. A history service that is merely
not ready says nothing.
"""

from collections.abc import Collection
from typing import NamedTuple

from pipeline.evidence import Trouble, TroubleKind
from pipeline.publishing.silence import NEVER, Ticks
from pipeline.publishing.thresholds import Thresholds
from pipeline.service import DiagState, FeedReport, SessionState
from pipeline.times import SECOND
from pipeline.values import Link

NOT_REACHED: frozenset[SessionState] = frozenset({"connecting", "reconnecting", "off"})
FAILURES: frozenset[TroubleKind] = frozenset({"auth", "network", "maintenance"})
"""Troubles after which nobody is reached; the others are about what was asked."""

NOBODY = "no source was reached yet"


class Turn(NamedTuple):
    """The state from a moment on, and why."""

    state: DiagState
    since: int
    reason: str


class Sources:
    """What was heard of the sources: whether any is reached, since when, and what failed last."""

    def __init__(self, begins: int) -> None:
        self.reports = dict[str, FeedReport]()
        self._links = dict[str, bool]()
        self._told = False
        """Whether any word came of a connection: the first says how it was all along."""
        self.reached = False
        self.turned_at = begins - 1
        """Since when that is so."""
        self.bars_at = NEVER
        """When the last new bar came."""
        self.failed_at = NEVER
        self.failure = ""
        """What failed last; empty while nothing has."""

    @property
    def off(self) -> bool:
        """Whether each of them waits for a person."""
        return bool(self.reports) and all(each.session == "off" for each in self.reports.values())

    @property
    def failed(self) -> bool:
        """Whether something failed that nothing proved wrong since."""
        return self.failed_at != NEVER

    @property
    def worst(self) -> FeedReport | None:
        """The report of the source that fares worst."""
        return max(
            self.reports.values(),
            key=lambda each: (each.session in NOT_REACHED, each.backoff_seconds > 0, not each.history_ready),
            default=None,
        )

    def linked(self, link: Link, at: int, spoke: Collection[str]) -> None:
        """`spoke`: products that gave prices. Those of which no link was told are connected."""
        self._links = {**dict.fromkeys(spoke, True), **self._links}
        self._links.update(dict.fromkeys(link.products, link.up))
        if not link.up:
            self.failure = f"the connection that brings {_some(link.products)} broke"
        self._turn(at)
        if link.up:
            self._worked(at)

    def reported(self, report: FeedReport, at: int) -> None:
        self.reports[report.whose] = report
        if report.session in NOT_REACHED and (report.last_error or report.session != "connecting"):
            self.failure = report.last_error or f"the session is {report.session}"
        self._turn(at)
        if not report.history_ready:
            return
        if report.backoff_seconds > 0 and report.last_error_at > self.failed_at:
            self.failed_at, self.failure = report.last_error_at, report.last_error
        elif report.backoff_seconds == 0 and report.session not in NOT_REACHED:
            self._worked(at)

    def troubled(self, trouble: Trouble, at: int) -> None:
        if trouble.kind in FAILURES:
            self.failed_at, self.failure = at, trouble.what

    def gave(self, at: int, *, new: bool) -> None:
        """Bars came: new ones, or some of the past, which somebody was asked for and gave."""
        if new:
            self.bars_at = max(self.bars_at, at)
        self._worked(at)

    def _worked(self, at: int) -> None:
        if self.failed_at <= at:
            self.failed_at = NEVER

    def _turn(self, at: int) -> None:
        """A source that reports knows best; of others their links tell."""
        reached = (
            any(each.session not in NOT_REACHED for each in self.reports.values())
            if self.reports
            else any(self._links.values())
        )
        if (reached != self.reached) if self._told else not reached:
            self.turned_at = at
        self.reached, self._told = reached, True


class States:
    """The state, and since when. `judged` is a function of what it is given."""

    def __init__(self, limits: Thresholds, begins: int, shortest: int) -> None:
        self._limits, self.shortest = limits, shortest
        self.now = Turn("DISCONNECTED", begins, NOBODY)

    def step(self, at: int, sources: Sources, ticks: Ticks, closed: str) -> bool:
        """Look at a moment; True when the state is another. `closed` says why the market is, empty while it is not."""
        state, reason = self.judged(at, sources, ticks, closed)
        if state == self.now.state:
            return False
        self.now = Turn(state, at, reason)
        return True

    def judged(self, at: int, sources: Sources, ticks: Ticks, closed: str) -> tuple[DiagState, str]:
        heard = max(ticks.heard_at, sources.bars_at)
        silence, lost = self._silence(at, sources, ticks)
        if sources.off and heard <= sources.turned_at:
            return "DISCONNECTED", sources.failure or "it needs a person"
        if closed and (silence is None or silence >= self._limits.closed_idle):
            return "IDLE", closed
        if not sources.reached and heard <= sources.turned_at:
            return "DISCONNECTED", sources.failure or NOBODY
        if sources.failed_at > heard and at - heard >= self._limits.tick_live:
            return "DISCONNECTED", sources.failure
        if heard < sources.turned_at:
            return "RECOVERING", "a source is reached, and nothing new came yet"
        if not closed and silence is not None and silence >= lost:
            return "RECOVERING", f"no {'price' if len(ticks) else 'bar'} came for {silence // SECOND} s"
        return "STREAM", "prices come" if len(ticks) else "bars come"

    def dues(self, sources: Sources, ticks: Ticks) -> list[int]:
        """Moments at which it may be another without anything coming."""
        limits, heard = self._limits, max(ticks.heard_at, sources.bars_at)
        if heard < 0:
            return []
        spoke = ticks.at if len(ticks) else sources.bars_at
        lost = limits.quotes_lost + (0 if len(ticks) else self.shortest)
        return [heard + limits.tick_live, spoke + lost, spoke + limits.closed_idle]

    def _silence(self, at: int, sources: Sources, ticks: Ticks) -> tuple[int | None, int]:
        """How long nothing was heard, and how long that may be: bars alone come a slot apart."""
        if len(ticks):
            return ticks.silence(at), self._limits.quotes_lost
        silence = None if sources.bars_at < 0 else max(0, at - sources.bars_at)
        return silence, self._limits.quotes_lost + self.shortest


def _some(products: tuple[str, ...]) -> str:
    shown = ", ".join(products[:3])
    return shown if len(products) <= 3 else f"{shown} and {len(products) - 3} more"
