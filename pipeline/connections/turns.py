"""Whose turn it is: the line in which calls wait for a place within limits, and for a room on their way.

Calls that want the same wait in one lane, first come, first served; lanes are looked at in the order of their first
callers. So a look costs what there are kinds of calls, however many wait.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import NamedTuple

from pipeline.connections.troubles import CallFailed
from pipeline.connections.windows import NEVER, Call, Windows
from pipeline.times import SECOND


class Rooms:
    """Calls on their way at once; a quarter of the rooms is for orders alone."""

    def __init__(self, most: int) -> None:
        self._free = most
        self._for_others = max(1, most - most // 4)

    def has_room(self, *, order: bool) -> bool:
        return self._free > 0 and (order or self._for_others > 0)

    def enter(self, *, order: bool) -> None:
        self._free -= 1
        self._for_others -= not order

    def leave(self, *, order: bool) -> None:
        self._free += 1
        self._for_others += not order


class Wish(NamedTuple):
    """What a call wants to go: a place within limits and, for some, a room."""

    rank: int
    call: Call
    gates: tuple[Windows, ...]
    rooms: Rooms | None

    def free_at(self, now: int) -> int:
        """From when on all its limits have a place; rooms are another thing."""
        return max(gate.free_at(self.call, now) for gate in self.gates)

    def lacking(self, now: int) -> list[object]:
        """What is not to be had now."""
        found: list[object] = [gate for gate in self.gates if gate.free_at(self.call, now) > now]
        return found if self._has_room() else [*found, self.rooms]

    def take(self, now: int) -> None:
        for gate in self.gates:
            gate.take(self.call, now)
        if self.rooms is not None:
            self.rooms.enter(order=self.call.order)

    def give_back(self, at: int) -> None:
        """As if it had not been taken at that moment."""
        for gate in self.gates:
            gate.give_back(self.call, at)
        if self.rooms is not None:
            self.rooms.leave(order=self.call.order)

    def too_late(self, what: str, now: int, gate: Windows | None = None) -> CallFailed:
        """The failure of a call that cannot go in time, for want of `gate` where that is known."""
        last = gate or max(self.gates, key=lambda each: each.free_at(self.call, now))
        rooms = gate is None and last.free_at(self.call, now) <= now and not self._has_room()
        why = "too many calls are on their way" if rooms else f"{last.name} has no room for it in time"
        return CallFailed("throttle", f"{what} was not sent: {why}", fate="unsent")

    def _has_room(self) -> bool:
        return self.rooms is None or self.rooms.has_room(order=self.call.order)


class Common:
    """What several accounts of a venue share: the limits of this machine's address, and the line that calls wait in."""

    def __init__(self, now: Callable[[], int], until: Callable[[int], Awaitable[None]]) -> None:
        self.windows: dict[str, Windows] = {}
        self._now = now
        self._until = until
        self._lanes: dict[Wish, _Lane] = {}
        self._ends: list[tuple[int, int, _Waiting]] = []
        """Those who wait until a moment only, the first to go first."""
        self._came = 0
        self._clerk: asyncio.Task[None] | None = None
        self._rings = NEVER

    async def pass_through(self, what: str, wish: Wish, by: int | None) -> None:
        """Wait for one's turn; `CallFailed` as soon as it is clear that it will not come in time."""
        self._refuse_hopeless(what, wish, by)
        self._came += 1
        waiting = _Waiting(self._came, what, wish, by, self._lanes.setdefault(wish, _Lane()))
        waiting.lane.join(waiting)
        self.serve()
        if by is not None and not waiting.gone:
            heappush(self._ends, (by, self._came, waiting))
            self._set_clerk(self._now())
        try:
            failure = await waiting.answer
        except asyncio.CancelledError:
            self._leave(waiting)
            raise
        if failure is not None:
            raise failure

    def serve(self) -> None:
        """Let go whoever may go, send away whoever cannot in time, and see when to look again."""
        now = self._now()
        while (ending := self._first_to_end()) is not None and ending[0] < now:
            ending[1].end(ending[1].wish.too_late(ending[1].what, now))
        while self._serve_one(now):
            pass
        self._lanes = {wish: lane for wish, lane in self._lanes.items() if lane.first is not None}
        self._set_clerk(now)

    def send_back(self) -> None:
        """Limits became narrower: whoever cannot go in time any more hears it now."""
        now = self._now()
        for wish, lane in self._lanes.items():
            free = wish.free_at(now)
            for waiting in lane.all():
                if waiting.by is not None and waiting.by < free:
                    waiting.end(wish.too_late(waiting.what, now))
        self.serve()

    def _serve_one(self, now: int) -> bool:
        """Let go the first who may; whether there was anybody.

        What somebody waits for is not given to those behind.
        """
        wanted = set[object]()
        for waiting in sorted((lane.first for lane in self._lanes.values() if lane.first), key=_Waiting.place):
            wish = waiting.wish
            if not wanted.isdisjoint(wish.gates) or wish.rooms in wanted:
                continue
            lacking = wish.lacking(now)
            if not lacking:
                wish.take(now)
                waiting.let_go_at = now
                waiting.end(None)
                return True
            wanted.update(lacking)
        return False

    def _refuse_hopeless(self, what: str, wish: Wish, by: int | None) -> None:
        """All that go before by then count."""
        now = self._now()
        last = NEVER - 1 if by is None else by
        if by is None and wish.free_at(now) <= last:
            return
        before = [(other, lane.waiting) for other, lane in self._lanes.items() if other.rank <= wish.rank]
        before = [(other, waiting) for other, waiting in before if other.free_at(now) <= last]
        for gate in wish.gates:
            ahead = sum(other.call.weight * waiting for other, waiting in before if gate in other.gates)
            if gate.free_at(wish.call, now, ahead) > last:
                raise wish.too_late(what, now, gate)

    def _leave(self, waiting: "_Waiting") -> None:
        """Somebody does not wait any more, or got their turn as they went."""
        if waiting.let_go_at is not None:
            waiting.wish.give_back(waiting.let_go_at)
        else:
            waiting.lane.leave()
        self.serve()

    def _set_clerk(self, now: int) -> None:
        """Somebody looks again at the first moment at which something changes by itself, while anybody waits."""
        moments = [free for wish in self._lanes if now < (free := wish.free_at(now))]
        ending = self._first_to_end()
        rings = min(moments if ending is None else [*moments, ending[0] + 1], default=NEVER)
        if rings == self._rings:
            return
        if self._clerk is not None:
            self._clerk.cancel()
        self._rings = rings
        self._clerk = None if rings >= NEVER else asyncio.create_task(self._look_again(rings))

    def _first_to_end(self) -> "tuple[int, _Waiting] | None":
        """Until when the one waits who waits least long."""
        while self._ends and self._ends[0][2].gone:
            heappop(self._ends)
        return (self._ends[0][0], self._ends[0][2]) if self._ends else None

    async def _look_again(self, at: int) -> None:
        await passed(self._now, self._until, at)
        self._rings, self._clerk = NEVER, None
        self.serve()


async def passed(now: Callable[[], int], until: Callable[[int], Awaitable[None]], at: int) -> None:
    """Wait for a moment; not longer in real time, for a clock that was set back meanwhile reaches it too late."""
    with suppress(TimeoutError):
        async with asyncio.timeout((at - now()) / SECOND):
            await until(at)


class _Lane:
    """Those who want the same, in the order in which they came."""

    def __init__(self) -> None:
        self.waiting = 0
        self._line = deque[_Waiting]()

    @property
    def first(self) -> "_Waiting | None":
        while self._line and self._line[0].gone:
            self._line.popleft()
        return self._line[0] if self._line else None

    def all(self) -> "tuple[_Waiting, ...]":
        return tuple(each for each in self._line if not each.gone)

    def join(self, waiting: "_Waiting") -> None:
        self.waiting += 1
        self._line.append(waiting)

    def leave(self) -> None:
        self.waiting -= 1


def _unanswered() -> "asyncio.Future[CallFailed | None]":
    return asyncio.get_running_loop().create_future()


@dataclass(eq=False, slots=True)
class _Waiting:
    """Somebody in the line."""

    number: int
    what: str
    wish: Wish
    by: int | None
    lane: _Lane
    let_go_at: int | None = None
    answer: "asyncio.Future[CallFailed | None]" = field(default_factory=_unanswered)

    @property
    def gone(self) -> bool:
        """Answered, or called off."""
        return self.answer.done()

    def end(self, failure: CallFailed | None) -> None:
        self.lane.leave()
        self.answer.set_result(failure)

    def place(self) -> tuple[int, int]:
        return self.wish.rank, self.number
