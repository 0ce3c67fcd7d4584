"""Waiting: for another try, and for what was cancelled."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import suppress
from math import ceil
from typing import Any, TypeVar

from reactivex.abc import DisposableBase

from pipeline.connections.contract import Outside
from pipeline.host import Host

T = TypeVar("T")

Work = Callable[[], Coroutine[Any, Any, None]]
"""Something that is done beside a flow."""


async def passed(host: Outside, seconds: float) -> None:
    """Wait so many seconds of the flow's clock; no more of real time, whatever happens to that clock.

    So what is tried again at a practice venue is tried again as soon as its own clock says, a machine that slept tries
    again at once, and one whose clock was set back does not wait until it is that late again.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await host.until(host.now() + ceil(seconds * 1000))


class Works:
    """What is done beside a flow for one subscription, until that is let go of."""

    def __init__(self, host: Host, failed: Callable[[Exception], None]) -> None:
        self._host, self._failed = host, failed
        self._going = set[DisposableBase]()

    def begin(self, doing: Work) -> DisposableBase:
        async def done() -> None:
            try:
                await doing()
            finally:
                self._going.discard(work)

        work = self._host.work(done(), self._failed)
        self._going.add(work)
        return work

    def end(self) -> None:
        for work in tuple(self._going):
            work.dispose()


async def closable(stream: AsyncIterator[T]) -> AsyncGenerator[T]:
    """A stream as a generator, which can be closed wherever it stands."""
    try:
        async for item in stream:
            yield item
    finally:
        if isinstance(stream, AsyncGenerator):
            await stream.aclose()


async def ended(task: "asyncio.Future[Any]") -> None:
    """Cancel a task and wait until it has ended, whatever it ends with."""
    task.cancel()
    await asyncio.wait((task,))
    if not task.cancelled():
        task.exception()
