"""Rx steps of our own: the only custom subscriptions besides the sources' and the flow's."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeVar, cast, runtime_checkable

from reactivex import Observable, abc
from reactivex.disposable import CompositeDisposable, Disposable

from pipeline.agenda import AgendaScheduler

In = TypeVar("In", contravariant=True)
Out = TypeVar("Out", covariant=True)
T = TypeVar("T")


@runtime_checkable
class Heir(Protocol):
    """A machine that goes on where another one stands, in whose place it is put while the flow runs."""

    def take_over(self, was: object, others: Sequence[object]) -> None:
        """`was` is the machine it replaces, if there is one; `others` are all those of the flow until now."""
        ...


class Machine(Protocol[In, Out]):
    """State with a clock hand: takes items `at` a moment (ms), and wants to be woken when `due` comes."""

    @property
    def due(self) -> int | None: ...
    def take(self, item: In, at: int) -> Iterable[Out]: ...
    def wake(self, at: int) -> Iterable[Out]: ...


class Woken(Observable[T]):
    """What a machine makes of the items of some streams, and of being woken when it is due."""

    def __init__(self, make: Callable[[], Machine[Any, T]], name: str, streams: Sequence[Observable[Any]]) -> None:
        super().__init__(self._begin)
        self.machine: Machine[Any, T] | None = None
        """The one of the last subscription."""
        self._make, self._name, self._streams = make, name, tuple(streams)
        self._before: tuple[object, Sequence[object]] | None = None

    def in_place_of(self, was: object, others: Sequence[object]) -> None:
        """Have the machine of the next subscription take over what these machines know, if it can."""
        self._before = was, others

    def _begin(self, observer: abc.ObserverBase[T], scheduler: abc.SchedulerBase | None = None) -> abc.DisposableBase:
        assert isinstance(scheduler, AgendaScheduler), "a machine can only be woken on the agenda"
        machine = self.machine = self._make()
        run = _Run(machine, observer, scheduler, self._name, len(self._streams))
        if self._before is not None and isinstance(machine, Heir):
            machine.take_over(*self._before)
            run.plan()
        self._before = None
        inputs = [
            each.subscribe(run.take, observer.on_error, run.complete, scheduler=scheduler) for each in self._streams
        ]
        return CompositeDisposable(*inputs, Disposable(run.silence))


def woken(make: Callable[[], Machine[Any, T]], name: str, *streams: Observable[Any]) -> Woken[T]:
    """What a machine makes of the items of some streams, and of being woken when it is due.

    Each subscription has a machine of its own and takes from all streams at once (`ops.merge` waits a turn and misses
    some). At one instant machines wake in the order of the flow, then of their names. It ends when all the streams
    have.
    """
    return Woken(make, name, streams)


class _Run:
    """One subscription of `woken`.

    The alarm is never put off, only set earlier: one that rings too early costs less than one replanned for each item.
    """

    def __init__(
        self,
        machine: Machine[Any, Any],
        observer: abc.ObserverBase[Any],
        scheduler: AgendaScheduler,
        name: str,
        streams: int,
    ) -> None:
        self._machine = machine
        self._observer = observer
        self._scheduler = scheduler
        self._name = name
        self._streams = streams
        self._alarm: abc.DisposableBase | None = None
        self._rings: int | None = None

    def take(self, item: Any) -> None:
        try:
            made = tuple(self._machine.take(item, self._scheduler.millis))
        except Exception as failure:  # noqa: BLE001  # Rx's own rule: what a step raises goes down the stream
            self._observer.on_error(failure)
        else:
            self._give(made)

    def complete(self) -> None:
        self._streams -= 1
        if self._streams == 0:
            self._observer.on_completed()

    def silence(self) -> None:
        if self._alarm is not None:
            self._alarm.dispose()

    def _ring(self) -> None:
        at, self._rings = self._scheduler.millis, None
        due = self._machine.due
        made: tuple[Any, ...] = ()
        if due is not None and due <= at:
            try:
                made = tuple(self._machine.wake(at))
            except Exception as failure:  # noqa: BLE001  # as in `take`
                self._observer.on_error(failure)
                return
        self._give(made)

    def _give(self, made: tuple[Any, ...]) -> None:
        for value in made:
            self._observer.on_next(value)
        self.plan()

    def plan(self) -> None:
        """See to it that it is woken when it is due."""
        due = self._machine.due
        if due is not None and (self._rings is None or due < self._rings):
            self.silence()
            self._rings = due
            self._alarm = self._scheduler.wake(due, self._ring, self._name)


class Tube(Observable[T]):
    """A hot stream without locks: what is given reaches the takers before `give` returns, on a flow's one thread."""

    def __init__(self) -> None:
        super().__init__()
        self._takers: tuple[Callable[[T], None], ...] = ()

    def give(self, item: T) -> None:
        for take in self._takers:
            take(item)

    def attach(self, take: Callable[[T], None]) -> abc.DisposableBase:
        self._takers = (*self._takers, take)
        return Disposable(lambda: self._detach(take))

    def _detach(self, take: Callable[[T], None]) -> None:
        self._takers = tuple(each for each in self._takers if each != take)

    def subscribe(
        self,
        on_next: abc.ObserverBase[T] | abc.OnNext[T] | None = None,
        on_error: abc.OnError | None = None,
        on_completed: abc.OnCompleted | None = None,
        *,
        scheduler: abc.SchedulerBase | None = None,
    ) -> abc.DisposableBase:
        """Attach, without the guard that others put around an observer: a tube neither fails nor ends."""
        if on_next is None:
            return Disposable()
        return self.attach(
            cast("abc.ObserverBase[T]", on_next).on_next if isinstance(on_next, abc.ObserverBase) else on_next
        )
