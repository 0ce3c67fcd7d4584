"""The border as a running flow has it: its clock, waiting on it, and where its records go."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from copy import copy
from pathlib import Path
from typing import Any, TypeVar

from reactivex import Observable, abc
from reactivex.disposable import Disposable

from pipeline.agenda import Agenda
from pipeline.calendar import Calendars
from pipeline.clocks import Clock
from pipeline.host import Mode, Records
from pipeline.telemetry.panel import Panel

T = TypeVar("T")

LETTING_GO = 5.0
"""So many seconds what was cancelled may take to let go of what it holds."""


class Border:
    """The `Host` of a running flow."""

    def __init__(
        self,
        *,
        mode: Mode,
        base: Path,
        folder: Path,
        flow: str,
        clock: Clock,
        history: Mapping[int, int],
        ledger: Records,
        calendars: Calendars,
        end: int | None = None,
        block: int = 0,
    ) -> None:
        self.mode: Mode = mode
        self.base = base
        self.folder = folder
        self.flow = flow
        self.node = ""
        self.clock = clock
        self.history = history
        self.ledger = ledger
        self.calendars = calendars
        self.end = end
        self.block = block
        self.panel = Panel()
        self.failed: Callable[[Exception], None] | None = None
        """Told of what a planned act raised; the flow's."""
        self._loop = asyncio.get_running_loop()
        self._works = set[asyncio.Task[None]]()
        self.works = self._works
        """Of all parts that stand at it; where one of them stands, its own."""

    def now(self) -> int:
        return self.clock.now()

    def of(self, node: str) -> "Border":
        """The same for a part that stands at it."""
        there = copy(self)
        there.node = node.split(".", 1)[-1]
        there.works = set[asyncio.Task[None]]()
        return there

    def inside(self, agenda: Agenda) -> "Border":
        """The same for a node inside the flow's door, where the time is that of what is happening."""
        within = copy(self)
        within.now = lambda: agenda.now  # type: ignore[method-assign]  # the one thing that differs
        return within

    async def until(self, at: int) -> None:
        reached: asyncio.Future[None] = self._loop.create_future()
        timer = self.clock.at(at, lambda: _reach(reached))
        try:
            await reached
        finally:
            timer.cancel()

    def at(self, moment: int, act: Callable[[], None]) -> abc.DisposableBase:
        def happens() -> None:
            try:
                act()
            except Exception as failure:  # a timer has no stream to fail down: the flow hears of it here
                if self.failed is None:
                    raise
                self.failed(failure)

        planned = self.clock.at(moment, happens)

        def cancel() -> None:
            planned.cancel()

        return Disposable(cancel)

    def work(self, doing: Coroutine[Any, Any, None], failed: Callable[[Exception], None]) -> abc.DisposableBase:
        task = self._loop.create_task(doing)
        self._works.add(task)
        self.works.add(task)

        def ended(_: asyncio.Task[None]) -> None:
            self._works.discard(task)
            self.works.discard(task)
            failure = None if task.cancelled() else task.exception()
            if isinstance(failure, Exception):
                failed(failure)

        def cancel() -> None:
            task.cancel()

        task.add_done_callback(ended)
        return Disposable(cancel)

    def stream(self, items: Callable[[], AsyncIterator[T]]) -> Observable[T]:
        def subscribe(observer: abc.ObserverBase[T], _: abc.SchedulerBase | None = None) -> abc.DisposableBase:
            return self.work(_give_all(items(), observer), _unseen)

        return Observable(subscribe)

    async def left(self) -> None:
        """Wait, not for long, until all that was cancelled has ended."""
        if self.works:
            await asyncio.wait(self.works, timeout=LETTING_GO)


async def _give_all(items: AsyncIterator[T], observer: abc.ObserverBase[T]) -> None:
    try:
        async for item in items:
            observer.on_next(item)
    except Exception as failure:  # noqa: BLE001  # a source's failure goes down its stream, where the flow meets it
        observer.on_error(failure)
    else:
        observer.on_completed()


def _unseen(failure: Exception) -> None:
    """What a stream's items failed with has gone down the stream; nothing else can come of giving them."""
    raise failure


def _reach(reached: "asyncio.Future[None]") -> None:
    if not reached.done():
        reached.set_result(None)
