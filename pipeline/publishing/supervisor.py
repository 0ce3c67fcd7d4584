"""A task for each lane: what one of them fails with ends no other, and it is begun anew."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from reactivex.abc import DisposableBase

from pipeline.connections.backoff import Backoff, worker
from pipeline.host import Host
from pipeline.service import LaneState
from pipeline.times import SECOND

TRIES = 1_000_000
FIRST_WAIT = 1.0
WELL = 60_000
"""A task that went on for so long (ms) before it failed begins anew as soon as after its first failure."""


@dataclass
class Standing:
    """How a task is."""

    name: str
    worked_at: int
    """When it last had something to do."""
    state: LaneState = "waiting"
    failures: int = 0
    begun_at: int = 0
    over: bool = False
    """Whether it is to end: a client that is called off while it fails says only that it failed."""
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when there may be something to do."""

    def idle(self, now: int) -> float:
        """For how many seconds it has had nothing to do."""
        return max(0, now - self.worked_at) / SECOND


Doing = Callable[[Standing], Coroutine[Any, Any, None]]


class Supervisor:
    """The tasks of a publisher, run beside the flow."""

    def __init__(self, host: Host, failed: Callable[[str, Exception], None]) -> None:
        """`failed` is told which task failed, and of what."""
        self._host, self._failed = host, failed
        self._works: dict[str, DisposableBase] = {}
        self._again: dict[str, DisposableBase] = {}
        self._waits: dict[str, Backoff] = {}
        self.tasks: dict[str, Standing] = {}
        self._over = False

    def run(self, name: str, doing: Doing) -> Standing:
        """Begin a task, which goes on until it is stopped; it is begun anew when it fails."""
        standing = self.tasks[name] = Standing(name, self._host.now())
        self._waits[name] = Backoff(worker(FIRST_WAIT, TRIES), name)
        self._begin(name, doing)
        return standing

    def stop(self) -> None:
        """End all tasks."""
        self._over = True
        for standing in self.tasks.values():
            standing.over, standing.state = True, "stopped"
        for each in (*self._works.values(), *self._again.values()):
            each.dispose()

    def _begin(self, name: str, doing: Doing) -> None:
        self.tasks[name].state, self.tasks[name].begun_at = "waiting", self._host.now()
        self._works[name] = self._host.work(doing(self.tasks[name]), lambda failure: self._fell(name, doing, failure))

    def _fell(self, name: str, doing: Doing, failure: Exception) -> None:
        if self._over:
            return
        standing = self.tasks[name]
        standing.failures += 1
        standing.state = "backoff"
        if self._host.now() - standing.begun_at >= WELL:
            self._waits[name].good()
        self._failed(name, failure)
        wait = round((self._waits[name].failed() or FIRST_WAIT) * SECOND)
        self._again[name] = self._host.at(self._host.now() + wait, lambda: self._begin(name, doing))
