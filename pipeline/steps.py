"""Rx steps of our own: the only custom subscriptions besides the sources' and the flow's."""

from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeVar

from reactivex import Observable, abc
from reactivex.disposable import CompositeDisposable, SerialDisposable

from pipeline.agenda import AgendaScheduler

In = TypeVar("In", contravariant=True)
Out = TypeVar("Out", covariant=True)
A = TypeVar("A")
B = TypeVar("B")


class Machine(Protocol[In, Out]):
    """State with a clock hand: takes items `at` a moment (ms), and wants to be woken when `due` comes."""

    @property
    def due(self) -> int | None: ...
    def take(self, item: In, at: int) -> Iterable[Out]: ...
    def wake(self, at: int) -> Iterable[Out]: ...


def woken(make: Callable[[], Machine[A, B]], name: str) -> Callable[[Observable[A]], Observable[B]]:
    """Give what a machine makes of the items, and of being woken when it is due.

    Each subscription has a machine of its own. At one instant machines wake in the order of their names.
    """

    def step(items: Observable[A]) -> Observable[B]:
        def subscribe(observer: abc.ObserverBase[B], scheduler: abc.SchedulerBase | None = None) -> abc.DisposableBase:
            assert isinstance(scheduler, AgendaScheduler), "a machine can only be woken on the agenda"
            run = _Run(make(), observer, scheduler, name)
            inputs = items.subscribe(run.take, observer.on_error, observer.on_completed, scheduler=scheduler)
            return CompositeDisposable(inputs, run.alarm)

        return Observable(subscribe)

    return step


class _Run:
    """One subscription of `woken`."""

    def __init__(
        self, machine: Machine[Any, Any], observer: abc.ObserverBase[Any], scheduler: AgendaScheduler, name: str
    ) -> None:
        self._machine = machine
        self._observer = observer
        self._scheduler = scheduler
        self._name = name
        self._armed: int | None = None
        self.alarm = SerialDisposable()

    def take(self, item: Any) -> None:
        self._give(self._machine.take, item, self._scheduler.millis)

    def _wake(self, at: int) -> None:
        self._armed = None
        self._give(self._machine.wake, at)

    def _give(self, make: Callable[..., Iterable[Any]], *arguments: Any) -> None:
        try:
            made = list(make(*arguments))
        except Exception as failure:  # noqa: BLE001  # Rx's own rule: what a step raises goes down the stream
            self._observer.on_error(failure)
            return
        for value in made:
            self._observer.on_next(value)
        self._arm()

    def _arm(self) -> None:
        due = self._machine.due
        if due == self._armed:
            return
        self._armed = due
        if due is None:
            self.alarm.disposable = None
        else:
            self.alarm.disposable = self._scheduler.wake(due, lambda: self._wake(due), self._name)


def merged(streams: Iterable[Observable[Any]]) -> Observable[Any]:
    """All items of several streams as they come; each is subscribed at once (`ops.merge` waits a turn and misses some)."""
    several = tuple(streams)

    def subscribe(observer: abc.ObserverBase[Any], scheduler: abc.SchedulerBase | None = None) -> abc.DisposableBase:
        left = len(several)

        def completed() -> None:
            nonlocal left
            left -= 1
            if left == 0:
                observer.on_completed()

        return CompositeDisposable(
            *[each.subscribe(observer.on_next, observer.on_error, completed, scheduler=scheduler) for each in several]
        )

    return Observable(subscribe)
