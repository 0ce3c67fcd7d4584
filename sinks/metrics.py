"""How a flow fares, and its feeds and publishers, for Prometheus."""

from collections.abc import Iterable
from functools import partial
from typing import Annotated, ClassVar

from msgspec import Meta
from reactivex import Observable, abc
from reactivex.disposable import CompositeDisposable

from pipeline.errors import InputError
from pipeline.evidence import Trouble
from pipeline.host import Host
from pipeline.metrics.hearing import Hearings
from pipeline.metrics.serving import Page, Served
from pipeline.parts import sink
from pipeline.service import Diagnosis, FeedReport, Serving
from pipeline.telemetry.panel import Panelled
from pipeline.telemetry.readings import Reading


@sink
class Metrics:
    """Answers at http://127.0.0.1:PORT/metrics with how the flow fares, and what sources and publishers say of it.

    It hears all without a word in the file, answers to this machine only, and listens in no replay.
    """

    outer: ClassVar[bool] = True

    port: Annotated[int, Meta(ge=0, le=65535, description="where it listens; 0 for any free port")] = 9464
    keys: Annotated[
        bool, Meta(description="also tell what each key made: fourteen numbers of every account, product and timeframe")
    ] = False

    def __call__(self, host: Host, told: Observable[Diagnosis | FeedReport | Trouble]) -> Observable[Serving]:
        def subscribe(
            observer: abc.ObserverBase[Serving], scheduler: abc.SchedulerBase | None = None
        ) -> abc.DisposableBase:
            if host.mode == "replay":
                return CompositeDisposable()
            heard = Hearings()

            def listens(url: str) -> None:
                observer.on_next(Serving("metrics", "numbers for Prometheus", url, host.now()))

            serving = host.work(Served(_page(heard, host, keys=self.keys), self.port).run(listens), observer.on_error)
            return CompositeDisposable(told.subscribe(heard.take, scheduler=scheduler), serving)

        return Observable(subscribe)


def _page(heard: Hearings, host: Host, *, keys: bool) -> Page:
    try:
        from pipeline.metrics.collecting import Page as Exposition  # noqa: PLC0415  # its library is an extra
    except ModuleNotFoundError as missing:
        raise InputError(
            f"[sinks] metrics needs {missing.name}; install it with: pip install 'moonlight[metrics]'"
        ) from None
    return Exposition(heard, host.now, partial(_readings, host), keys=keys)


def _readings(host: Host) -> Iterable[Reading]:
    """How the flow fares; nothing while nobody looks on."""
    if not isinstance(host, Panelled) or host.panel.readings is None:
        return ()
    return host.panel.readings()
