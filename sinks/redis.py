"""Bars, prices and states of a flow on channels of a Redis."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, ClassVar

from msgspec import Meta
from reactivex import Observable, abc
from reactivex.disposable import CompositeDisposable, Disposable

from pipeline.channels.access import PART, PASSWORD, SECRET, URL, Access, access_of, library, login_fields, wrong_with
from pipeline.channels.names import PREFIX, Names
from pipeline.evidence import Trouble
from pipeline.host import Host
from pipeline.keys import logins_of
from pipeline.parts import sink
from pipeline.publishing.publisher import SHELF_FILE, Publisher, folder_of
from pipeline.publishing.shelf import reached
from pipeline.publishing.terms import Terms
from pipeline.publishing.thresholds import Thresholds
from pipeline.publishing.wires import FileWire, RedisWire, Wire
from pipeline.secret import LoginField
from pipeline.service import Diagnosis, FeedReport, Pressure, Universe
from pipeline.times import SECOND, DurationText, TimeframeName, duration, timeframe
from pipeline.values import Bars, Forming, Gap, Leaving, Link, NoData, Quotes, Revised


@sink
class Redis:
    """Publishes what a flow makes of its sources on channels of a Redis: final bars once each, forming bars, prices,
    and how it all fares.

    `from` names the window whose bars are published; their sources are heard without a word in the file. Final bars
    are never lost: while Redis is away they wait, in memory and then in `feed.db` beside the flow's ledger, and go out
    in order. `account` is whose login `accounts add` stored: the secret that bars are signed with (`signed`), the
    password of Redis (`password`). With `file_only` there is no Redis: states lie in the folder `feed`. It needs the
    extra: pip install 'moonlight[redis]'. See docs/feed_service.md.
    """

    outer: ClassVar[bool] = True

    url: Annotated[str, Meta(description="redis://host:port/number, rediss:// with TLS, or unix:///path/of/socket")] = (
        URL
    )
    file_only: Annotated[bool, Meta(description="no Redis: states lie in the folder `feed` beside the ledger")] = False
    prefix: Annotated[
        str, Meta(pattern=r"^[A-Za-z0-9_.-]{1,64}$", description="what the names of channels and keys begin with")
    ] = PREFIX
    account: Annotated[str, Meta(description="whose login, as `accounts add` calls it")] = ""
    signed: Annotated[bool, Meta(description="whether the login has the secret that bars are signed with")] = True
    password: Annotated[bool, Meta(description="whether the login has the password of Redis")] = False
    timeframes: Annotated[
        tuple[TimeframeName, ...], Meta(description="which bars are published; all of the window when left out")
    ] = ()
    live: Annotated[bool, Meta(description="whether bars that form are published too")] = True
    snapshot_seconds: Annotated[float, Meta(ge=0.5, le=60, description="how often prices are published")] = 3.0
    heartbeat_seconds: Annotated[float, Meta(ge=1, le=60)] = 5.0
    status_seconds: Annotated[float, Meta(ge=1, le=300, description="how often an unchanged status is repeated")] = 30.0
    warmup_bars: Annotated[
        int, Meta(ge=0, le=20_000, description="past bars of each timeframe that are published at the first start")
    ] = 1600
    cache_bars: Annotated[int, Meta(ge=100, le=100_000, description="past bars of each timeframe that are kept")] = 5000
    queue_bars: Annotated[
        int, Meta(ge=10, le=1_000_000, description="final bars that wait in memory; more wait on disk")
    ] = 50_000
    tick_live: DurationText = "10s"
    tick_stale: Annotated[DurationText, Meta(description="from when on the last price is stale")] = "30s"
    quotes_lost: Annotated[DurationText, Meta(description="from when on prices are lost")] = "60s"
    idle_after: DurationText = "30s"
    closed_idle: DurationText = "60s"
    snapshot_keys: Annotated[
        bool, Meta(description="whether the last state of each kind is kept for who comes late")
    ] = False
    commands: Annotated[bool, Meta(description="whether listeners may ask for past bars")] = True
    signed_commands: Annotated[bool, Meta(description="whether only signed commands are taken")] = False
    max_targets: Annotated[int, Meta(ge=1, le=10_000, description="most bars that listeners may choose to get")] = 200

    def __post_init__(self) -> None:
        if wrong := wrong_with(self.url):
            raise ValueError(wrong)
        if self.account and not (self.signed or self.password):
            raise ValueError("account has nothing to log in with; leave it out, or write password = true")
        if self.password and not self.account:
            raise ValueError("password needs an account whose login has it; add account, and store it: `accounts add`")
        if self.signed_commands and not (self.account and self.signed):
            raise ValueError("signed_commands needs an account whose login has the secret; add account, and store it")
        self.limits()
        for name in self.timeframes:
            timeframe(name)

    @property
    def login_fields(self) -> tuple[LoginField, ...]:
        return login_fields(self.account, [*[PASSWORD] * self.password, *[SECRET] * self.signed])

    def __call__(
        self,
        host: Host,
        bars: Observable[Bars | Forming | NoData | Revised],
        told: Observable[Quotes | Bars | Link | Trouble | FeedReport],
        ending: Observable[Leaving],
    ) -> Observable[Gap | Pressure | Universe | Diagnosis | Trouble]:
        def subscribe(
            observer: abc.ObserverBase[Gap | Pressure | Universe | Diagnosis | Trouble],
            scheduler: abc.SchedulerBase | None = None,
        ) -> abc.DisposableBase:
            if host.mode == "replay":  # what is past was published when it was new
                return Disposable()
            access = access_of(logins_of(host.base, PART), self.account)
            publisher = Publisher(host, self.terms(host, access), self.wires(host, access), observer.on_next)
            return CompositeDisposable(
                Disposable(publisher.close),
                bars.subscribe(publisher.take, observer.on_error, scheduler=scheduler),
                told.subscribe(publisher.hear, observer.on_error, scheduler=scheduler),
                ending.subscribe(lambda _: publisher.leave(), observer.on_error, scheduler=scheduler),
            )

        return Observable(subscribe)

    def reached(self, folder: Path) -> int | None:
        return reached(folder / SHELF_FILE)

    def limits(self) -> Thresholds:
        return Thresholds(
            tick_live=duration(self.tick_live),
            tick_stale=duration(self.tick_stale),
            quotes_lost=duration(self.quotes_lost),
            idle_after=duration(self.idle_after),
            closed_idle=duration(self.closed_idle),
        )

    def wires(self, host: Host, access: Access) -> Callable[[], Wire]:
        """Makes connections."""
        if self.file_only:
            return lambda: FileWire(folder_of(host))
        library()
        return lambda: RedisWire(self.url, Names(self.prefix), access)

    def terms(self, host: Host, access: Access) -> Terms:
        """What its keys ask a publisher to do."""
        spans = tuple(timeframe(name) for name in self.timeframes) or tuple(host.history)
        return Terms(
            name=host.node,
            file_only=self.file_only,
            names=Names(self.prefix),
            limits=self.limits(),
            timeframes=spans,
            live=self.live,
            snapshot_every=round(self.snapshot_seconds * SECOND),
            heartbeat_every=round(self.heartbeat_seconds * SECOND),
            status_every=round(self.status_seconds * SECOND),
            warmup_bars=self.warmup_bars,
            cache_bars=self.cache_bars,
            queued_bars=self.queue_bars,
            snapshot_keys=self.snapshot_keys,
            commands=self.commands and not self.file_only,
            max_targets=self.max_targets,
            signed_only=self.signed_commands,
            secret=access.secret if self.signed else b"",
        )
