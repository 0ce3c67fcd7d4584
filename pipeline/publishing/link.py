"""The connection as lanes have it: there or not there, made anew after each failure, used by one of them at a time."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Literal

from pipeline.connections.backoff import REDIS, Backoff
from pipeline.connections.troubles import CallFailed
from pipeline.connections.waiting import passed
from pipeline.host import Host
from pipeline.publishing.wires import Wire
from pipeline.times import SECOND

LinkState = Literal["connected", "backoff", "off"]
BREAKING = frozenset({"network", "auth", "maintenance"})
"""Failures after which the connection is made anew; others are of the one message."""


class Link:
    """Who keeps one wire. All that is sent goes through `wire`, so that what lanes send keeps its order."""

    def __init__(
        self,
        host: Host,
        name: str,
        make: Callable[[], Wire],
        failed: Callable[[CallFailed], None],
        changed: Callable[[], None],
    ) -> None:
        self._host, self._make, self._failed, self._changed = host, make, failed, changed
        self._backoff = Backoff(REDIS, name)
        self._wire: Wire | None = None
        self._turn = asyncio.Lock()
        self._up, self._broken = asyncio.Event(), asyncio.Event()
        self._again_at = 0
        self.state: LinkState = "backoff"
        self.connections = 0
        """How often it was made."""
        self.failures = 0

    @property
    def reconnects(self) -> int:
        return max(0, self.connections - 1)

    @property
    def current(self) -> Wire | None:
        """The wire, when it is there: for who listens to it and sends nothing."""
        return self._wire if self._up.is_set() else None

    @property
    def remaining(self) -> float:
        """In how many seconds it is tried again; 0: it is there, or being tried."""
        return max(0, self._again_at - self._host.now()) / SECOND if self.state == "backoff" else 0.0

    async def keep(self) -> None:
        """Connect, and again each time it breaks, until called off."""
        try:
            while True:
                await self._once()
        finally:
            self._up.clear()
            if self._wire is not None:
                await self._wire.close()

    async def up(self) -> None:
        """Wait until it is there."""
        await self._up.wait()

    @asynccontextmanager
    async def wire(self) -> AsyncGenerator[Wire]:
        """The wire, for one go. What fails with it is told here, and raised."""
        while True:
            await self._up.wait()
            async with self._turn:
                wire = self._wire
                if wire is None or not self._up.is_set():
                    continue
                try:
                    yield wire
                except CallFailed as failure:
                    if failure.kind in BREAKING:
                        self._break(failure)
                    raise
                except asyncio.CancelledError:  # an answer is still on its way, and nobody's
                    self._break(CallFailed("network", "a task was ended while Redis answered it"))
                    raise
                self._backoff.good()
                return

    async def _once(self) -> None:
        wire = self._make()
        try:
            await wire.open()
        except CallFailed as failure:
            await wire.close()
            await self._wait(failure)
            return
        self._wire, self.state, self._again_at = wire, "connected", 0
        self.connections += 1
        self._broken.clear()
        self._up.set()
        self._changed()
        await self._broken.wait()
        self._wire = None
        await wire.close()
        await self._wait(None)

    def _break(self, failure: CallFailed) -> None:
        self._up.clear()
        self._broken.set()
        self.state = "backoff"
        self.failures += 1
        self._failed(failure)
        self._changed()

    async def _wait(self, failure: CallFailed | None) -> None:
        """Before it is tried again."""
        seconds = self._backoff.failed() or REDIS.cap
        self._again_at = self._host.now() + round(seconds * SECOND)
        if failure is not None:
            self.failures += 1
            self._failed(failure)
        await passed(self._host, seconds)
