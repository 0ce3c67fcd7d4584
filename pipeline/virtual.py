"""An event loop whose time is made, not spent: it jumps to the next timer when nothing is ready.

The coroutines and timers of a live run, run on it unchanged: a month passes in seconds and the same seed gives the same
order of everything, because callbacks run in the order (time, order of asking). Real waiting has no place on it:
sockets, threads and executors raise.
"""

import asyncio
import threading
from asyncio import base_events, events
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context
from heapq import heappop, heappush
from typing import Any, NoReturn, TypeVar

from pipeline.errors import MoonlightError

T = TypeVar("T")

REAL = (
    *("run_in_executor", "create_connection", "create_datagram_endpoint", "create_server", "create_unix_connection"),
    *("create_unix_server", "connect_read_pipe", "connect_write_pipe", "subprocess_exec", "subprocess_shell"),
    *("add_reader", "add_writer", "add_signal_handler", "getaddrinfo"),
    *("sock_accept", "sock_connect", "sock_recv", "sock_sendall"),
)
"""What a loop offers that waits for the world outside."""


class RealWaiting(MoonlightError):
    """Something on a virtual-time loop asked for a socket, a thread or a process."""


class NothingLeft(MoonlightError):
    """A virtual-time loop was to go on, but nothing is planned that could ever end the wait."""


class VirtualLoop(base_events.BaseEventLoop):
    """Time starts at `start` (seconds) and moves only when nothing is ready."""

    def __init__(self, start: float = 0.0) -> None:
        super().__init__()
        self._time = start
        self._soon: deque[events.Handle] = deque()
        self._timers: list[tuple[float, int, events.TimerHandle]] = []
        self._asked = 0
        self._ending = False

    def time(self) -> float:
        return self._time

    def call_soon(self, callback: Callable[..., object], *args: Any, context: Context | None = None) -> events.Handle:
        handle = events.Handle(callback, args, self, context)
        self._soon.append(handle)
        return handle

    def call_soon_threadsafe(
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> events.Handle:
        if self._thread_id is not None and threading.get_ident() != self._thread_id:  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]  # BaseEventLoop's own, not in its stub
            raise RealWaiting("another thread called into a virtual-time loop")
        return self.call_soon(callback, *args, context=context)

    def call_later(
        self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> events.TimerHandle:
        return self.call_at(self._time + max(0.0, delay), callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> events.TimerHandle:
        handle = events.TimerHandle(when, callback, args, self, context)
        self._asked += 1
        heappush(self._timers, (when, self._asked, handle))
        return handle

    def stop(self) -> None:
        self._ending = True

    def run_forever(self) -> None:
        self._check_closed()  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]  # BaseEventLoop's own, not in its stub
        self._ending = False
        self._thread_id = threading.get_ident()
        events._set_running_loop(self)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # how a loop announces itself
        try:
            while not self._ending:
                self._turn()
        finally:
            self._thread_id = None
            events._set_running_loop(None)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]

    def _turn(self) -> None:
        """One round: move time to the next timer if nothing is ready, then run what is."""
        if not self._soon:
            self._jump()
        for _ in range(len(self._soon)):
            handle = self._soon.popleft()
            if not handle.cancelled():
                handle._run()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # what BaseEventLoop does with it

    def _jump(self) -> None:
        timers = self._timers
        while timers and timers[0][2].cancelled():
            heappop(timers)
        if not timers:
            raise NothingLeft("nothing is left that could happen, yet something still waits")
        self._time = max(self._time, timers[0][0])
        while timers and timers[0][0] <= self._time:
            self._soon.append(heappop(timers)[2])

    def _timer_handle_cancelled(self, handle: events.TimerHandle) -> None:
        """A cancelled timer is dropped when its time comes."""

    def _process_events(self, event_list: object) -> None:
        """There is no selector."""

    def _write_to_self(self) -> None:
        """There is no selector to wake."""


def _refuse(*_: object, **__: object) -> NoReturn:
    raise RealWaiting("a socket, thread or process was asked for in virtual time")


for _name in REAL:
    setattr(VirtualLoop, _name, _refuse)


def run(main: Callable[[VirtualLoop], Coroutine[Any, Any, T]], start: float = 0.0) -> T:
    """Run a coroutine from start to end in virtual time, then end whatever it left behind."""
    loop = VirtualLoop(start)
    try:
        return loop.run_until_complete(main(loop))
    finally:
        try:
            _end_all(loop)
        finally:
            loop.close()


def _end_all(loop: VirtualLoop) -> None:
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    if left:
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
