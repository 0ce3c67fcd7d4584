"""The border as a running flow has it: a clock read off an event loop, waiting on it, and the parts' way to both."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from copy import copy
from pathlib import Path
from typing import TypeVar

from reactivex import Observable, abc
from reactivex.disposable import Disposable

from pipeline.agenda import Agenda
from pipeline.host import Records, Mode

T = TypeVar("T")

ALMOST = 1e-4
"""Milliseconds lost to rounding when a moment goes to loop time and back."""


class Clock:
    """A flow's time in ms UTC: it showed `begin` when it was made and runs `speed` times as fast as the loop's own time.

    The loop's time is monotonic (or virtual): a step of the machine's clock does not move it.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, begin: int, speed: float = 1.0) -> None:
        self._loop = loop
        self._begin = begin
        self._zero = loop.time()
        self.speed = speed

    def now(self) -> int:
        return self._begin + int((self._loop.time() - self._zero) * 1000 * self.speed + ALMOST)

    def loop_time(self, moment: int) -> float:
        """When, in the loop's time, this clock will show `moment`."""
        return self._zero + (moment - self._begin) / 1000 / self.speed


class Border:
    """The `Host` of a running flow."""

    def __init__(
        self,
        *,
        mode: Mode,
        base: Path,
        folder: Path,
        clock: Clock,
        history: Mapping[int, int],
        ledger: Records,
        end: int | None = None,
        block: int = 0,
    ) -> None:
        self.mode: Mode = mode
        self.base = base
        self.folder = folder
        self.clock = clock
        self.history = history
        self.ledger = ledger
        self.end = end
        self.block = block
        self._loop = asyncio.get_running_loop()

    def now(self) -> int:
        return self.clock.now()

    def inside(self, agenda: Agenda) -> "Border":
        """The same for a node inside the flow's door, where the time is that of what is happening."""
        within = copy(self)
        within.now = lambda: agenda.now  # type: ignore[method-assign]  # the one thing that differs
        return within

    async def until(self, at: int) -> None:
        reached: asyncio.Future[None] = self._loop.create_future()
        timer = self._loop.call_at(self.clock.loop_time(at), _reach, reached)
        try:
            await reached
        finally:
            timer.cancel()

    def at(self, moment: int, act: Callable[[], None]) -> abc.DisposableBase:
        return Disposable(self._loop.call_at(self.clock.loop_time(moment), act).cancel)

    def stream(self, items: Callable[[], AsyncIterator[T]]) -> Observable[T]:
        def subscribe(observer: abc.ObserverBase[T], _: abc.SchedulerBase | None = None) -> abc.DisposableBase:
            task = self._loop.create_task(_give_all(items(), observer))
            return Disposable(task.cancel)

        return Observable(subscribe)


async def _give_all(items: AsyncIterator[T], observer: abc.ObserverBase[T]) -> None:
    try:
        async for item in items:
            observer.on_next(item)
    except Exception as failure:  # noqa: BLE001  # a source's failure goes down its stream, where the flow meets it
        observer.on_error(failure)
    else:
        observer.on_completed()


def _reach(reached: "asyncio.Future[None]") -> None:
    if not reached.done():
        reached.set_result(None)
