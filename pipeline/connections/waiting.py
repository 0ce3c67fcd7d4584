"""Waiting: for another try, and for what was cancelled."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from math import ceil
from typing import Any

from pipeline.connections.contract import Outside

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


async def ended(task: "asyncio.Future[Any]") -> None:
    """Cancel a task and wait until it has ended, whatever it ends with."""
    task.cancel()
    await asyncio.wait((task,))
    if not task.cancelled():
        task.exception()
