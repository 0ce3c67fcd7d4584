"""A feed of FXCM's behind a flow's stream: its quotes and its past, final bars of its history, and how it fares."""

from collections.abc import Callable
from dataclasses import dataclass

from reactivex import Observable, create
from reactivex.abc import DisposableBase, ObserverBase, SchedulerBase
from reactivex.disposable import CompositeDisposable, Disposable

from pipeline.connections.contract import Feed, Warn
from pipeline.connections.feeding import fed
from pipeline.connections.telling import Telling
from pipeline.evidence import Trouble
from pipeline.fxcm.connection import Connection
from pipeline.fxcm.feed import FxcmFeed
from pipeline.fxcm.polling import Polling, Wanted
from pipeline.fxcm.quota import Allowance, Calls
from pipeline.fxcm.rationing import PAGE, Rationed
from pipeline.fxcm.reporting import Reporter
from pipeline.host import Host
from pipeline.service import FeedReport, Pressure, SessionState, Universe
from pipeline.steps import Tube
from pipeline.times import SECOND
from pipeline.values import Bars, Gap, Link, Quotes

Given = Quotes | Bars | Link | Trouble | FeedReport
Asked = Gap | Pressure | Universe


@dataclass(frozen=True, kw_only=True)
class Service:
    """What a flow wants of FXCM, and how."""

    name: str
    make: Callable[[Warn], FxcmFeed]
    products: tuple[str, ...]
    quiet_after: float
    """Seconds."""
    allowance: Allowance
    finals: Wanted | None
    """Which final bars are given from history; None: bars are made of the quotes."""


def served(host: Host, service: Service, asks: Observable[Asked]) -> Observable[Given]:
    """The stream of a source; see `fed` for its quotes and its past.

    Where final bars are given from history, they begin with the slot in which the flow begins: what is before comes as
    context, and what is after only once and as final.
    """
    gaps = Tube[Gap]()
    if host.mode == "replay":
        return fed(host, service.name, service.make, service.products, gaps, quiet_after=service.quiet_after)

    def begin(observer: ObserverBase[Given], scheduler: SchedulerBase | None = None) -> DisposableBase:
        serving = _Serving(host, service, gaps, observer)
        quiet = service.quiet_after
        prices = fed(host, service.name, serving.make, service.products, gaps, quiet_after=quiet, most=2 * PAGE)
        return CompositeDisposable(
            Disposable(serving.close),
            prices.subscribe(serving.hear, observer.on_error, scheduler=scheduler),
            asks.subscribe(serving.take, observer.on_error, scheduler=scheduler),
            serving.begun(),
        )

    return create(begin)


class _Serving:
    """One subscription of a flow."""

    def __init__(self, host: Host, service: Service, gaps: Tube[Gap], observer: ObserverBase[Given]) -> None:
        self._host, self._service, self._gaps, self._observer = host, service, gaps, observer
        self._calls = Calls(service.allowance)
        self._telling = Telling(host, service.name, self.hear)
        self._reporter = Reporter(host, self._report, observer.on_next)
        self._error, self._error_at = "", 0
        self._connection: Connection | None = None
        self._rationed: Rationed | None = None
        self._polling: Polling | None = None

    def make(self, warn: Warn) -> Feed:
        """The feed that quotes and the past come from, for `fed`."""
        host, wanted = self._host, self._service.finals
        feed = self._service.make(warn)
        rationed = self._rationed = Rationed(feed, self._calls, host, host.calendars, warn)
        self._connection = feed.connection
        feed.connection.on_change = self._stands
        if wanted is not None:
            polling = self._polling = Polling(host, rationed.polled, wanted, self._telling, self._observer.on_next)
            polling.changed = self._reporter.look
        return rationed

    def begun(self) -> DisposableBase:
        """Poll, and report, until it is disposed."""
        self._reporter.begin()
        if self._polling is None:
            return Disposable()
        return self._host.work(self._polling.run(), self._observer.on_error)

    def hear(self, item: Quotes | Bars | Link | Trouble) -> None:
        """Pass on what comes; bars of the past as far as they are before those that are given as final."""
        match item:
            case Quotes() if self._polling is not None:
                self._polling.hear(item)
            case Bars() if self._polling is not None:
                item = self._polling.past(item)
                if not len(item):
                    return
            case Trouble():
                self._error, self._error_at = item.what, item.at
            case _:
                pass
        self._observer.on_next(item)

    def take(self, ask: Asked) -> None:
        if isinstance(ask, Gap):
            self._gaps.give(ask)
        elif self._polling is not None:
            self._polling.take(ask)

    def close(self) -> None:
        self._reporter.close()
        self._telling.close()

    def _stands(self, state: SessionState) -> None:
        """Take note of how the session stands: one that is new or whole again is asked at once."""
        if state == "connected" and self._polling is not None:
            self._polling.at_once(again=True)
        self._reporter.look()

    def _report(self) -> FeedReport:
        now, connection, polling = self._host.now(), self._connection, self._polling
        assert connection is not None, "it is reported once the feed is made"
        tally, until = connection.tally, 0 if polling is None else polling.setback.until
        return FeedReport(
            whose=self._service.name,
            at=now,
            session=connection.state,
            since=connection.since,
            history_ready=self._rationed is None or self._rationed.ready,
            pace={} if polling is None else dict(polling.cadence.pace),
            quota=self._calls.report(now),
            backoff_seconds=max(0, until - now) / SECOND,
            backoff_until=until,
            last_error=self._error,
            last_error_at=self._error_at,
            ticks=tally.crossed.ticks,
            tick_errors=tally.crossed.tick_errors,
            ticks_dropped=tally.crossed.dropped,
            history_calls=tally.calls,
            history_failures=tally.failures,
            not_ready=tally.not_ready,
            reconnects=tally.reconnects,
            subscriptions=tally.subscriptions,
            edge_depth=connection.depth,
            sdk=connection.sdk,
        )
