"""The clocks that can drive a flow. All show ms UTC and call acts at moments; what differs is where time comes from."""

import asyncio
from collections.abc import Callable
from heapq import heappop, heappush
from typing import Protocol

Act = Callable[[], object]

ALMOST = 1e-4
"""Milliseconds lost to rounding when a moment goes to loop time and back."""
AFTER = 1e-5
"""Seconds by which an act that goes last is put off; far less than the millisecond that moments are told in."""

RINGING = float("-inf")
"""When a paced clock rings that is ringing: nothing is earlier."""


class Planned(Protocol):
    """An act that can still be called off."""

    def cancel(self) -> object: ...


class Clock(Protocol):
    """A flow's time."""

    speed: float

    def now(self) -> int:
        """The moment of what is happening."""
        ...

    def shown(self) -> int:
        """What to show a person: like `now`, but it also moves while nothing happens."""
        ...

    def at(self, moment: int, act: Act, *, last: bool = False) -> Planned:
        """Call `act` at a moment, or soon when that has passed; with `last` after all else of the same moment."""
        ...

    def step(self, millis: int) -> None:
        """Go on at a moment so much later (or earlier): the machine stood still, or its clock was set."""
        ...


class LoopClock:
    """Time read off an event loop's own, which is monotonic: a step of the machine's clock moves it only if it is told.

    On a real loop it is the time of a live flow, on a virtual loop that of a replay. It goes `speed` times as fast as
    the loop's where the venue is one whose clock does.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, begin: int, speed: float = 1.0) -> None:
        self.speed = speed
        self._loop = loop
        self._begin = begin
        self._zero = loop.time()
        self._timers: dict[_Timer, None] = {}

    def now(self) -> int:
        return self._begin + int((self._loop.time() - self._zero) * 1000 * self.speed + ALMOST)

    shown = now

    def at(self, moment: int, act: Act, *, last: bool = False) -> Planned:
        timer = _Timer(moment, act, last, self._timers)
        self._set(timer)
        return timer

    def step(self, millis: int) -> None:
        self._begin += millis
        for timer in self._timers:
            timer.handle.cancel()
            self._set(timer)

    def _set(self, timer: "_Timer") -> None:
        when = self._zero + (timer.moment - self._begin) / 1000 / self.speed
        timer.handle = self._loop.call_at(when + AFTER if timer.last else when, timer.happen)


class PacedClock:
    """The time of a simulated market: everything happens at its own moment and in order, only not before its real time.

    A machine that cannot keep up falls behind, but no act sees another time for it and none overtakes another: a paper
    run on a simulated market decides exactly what a replay of it does.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, begin: int, speed: float) -> None:
        self.speed = speed
        self._loop = loop
        self._begin = self._moment = begin
        self._zero = loop.time()
        self._heap: list[tuple[int, bool, int, _Waiting]] = []
        self._sequence = 0
        self._alarm: asyncio.Handle | None = None
        self._rings: float | None = None

    def now(self) -> int:
        return self._moment

    def shown(self) -> int:
        elapsed = self._begin + int((self._loop.time() - self._zero) * 1000 * self.speed)
        return max(self._moment, min(elapsed, self._heap[0][0]) if self._heap else elapsed)

    def at(self, moment: int, act: Act, *, last: bool = False) -> Planned:
        self._sequence += 1
        waiting = _Waiting(act)
        heappush(self._heap, (moment, last, self._sequence, waiting))
        self._arm()
        return waiting

    def step(self, millis: int) -> None:
        """A simulated market knows no time but its own."""

    def _arm(self) -> None:
        """Ring when the first act's real time has come; at once when that has passed."""
        if not self._heap:
            return
        rings = self._real(self._heap[0][0])
        if self._rings is not None and self._rings <= rings:
            return
        if self._alarm is not None:
            self._alarm.cancel()
        self._rings = rings
        self._alarm = self._loop.call_at(rings, self._ring)

    def _ring(self) -> None:
        """Let one act happen. What it wakes takes its turn before the next."""
        while self._heap and self._heap[0][3].act is None:
            heappop(self._heap)
        self._alarm, self._rings = None, None
        if self._heap and self._real(self._heap[0][0]) <= self._loop.time():
            self._rings = RINGING
            moment, _, _, waiting = heappop(self._heap)
            self._moment = max(self._moment, moment)
            try:
                waiting.happen()
            finally:
                self._alarm = self._loop.call_soon(self._ring)
        else:
            self._arm()

    def _real(self, moment: int) -> float:
        """The loop time before which a moment must not come."""
        return self._zero + (moment - self._begin) / 1000 / self.speed


class _Timer:
    """An act on a timer of an event loop, which is set anew when the clock is."""

    __slots__ = ("_act", "_among", "handle", "last", "moment")

    handle: asyncio.TimerHandle

    def __init__(self, moment: int, act: Act, last: bool, among: "dict[_Timer, None]") -> None:
        self.moment, self.last = moment, last
        self._act, self._among = act, among
        among[self] = None

    def happen(self) -> None:
        del self._among[self]
        self._act()

    def cancel(self) -> None:
        self.handle.cancel()
        self._among.pop(self, None)


class _Waiting:
    """An act that a paced clock has not called yet."""

    def __init__(self, act: Act) -> None:
        self.act: Act | None = act

    def cancel(self) -> None:
        self.act = None

    def happen(self) -> None:
        act, self.act = self.act, None
        if act is not None:
            act()
