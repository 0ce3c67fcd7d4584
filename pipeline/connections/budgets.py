"""Who may ask what, and when: a venue's limits are kept here, before anything leaves.

Calls wait in one line: orders first, then what became of them, then prices, then the past; within these first come,
first served. Nobody goes before another who waits for the same limit and was to go first. What does not need the
limit another waits for does not wait for it.
"""

import asyncio
from bisect import insort
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from pipeline.connections.contract import Limit, Priority
from pipeline.connections.troubles import CallFailed
from pipeline.connections.windows import LONGEST_HOLD, NEVER, Call, Windows
from pipeline.times import SECOND

RANKS: Mapping[Priority, int] = {"order": 0, "result": 1, "quote": 2, "history": 3}
SHORTEST_HOLD = 250
"""Milliseconds: who says "too much" and "wait 0 seconds" is not asked again within the same instant."""


class Common:
    """What several accounts of a venue share: the limits of this machine's address, and the line that calls wait in."""

    def __init__(self, now: Callable[[], int], until: Callable[[int], Awaitable[None]]) -> None:
        self.windows: dict[str, Windows] = {}
        self._now = now
        self._until = until
        self._line: list[_Waiting] = []
        self._came = 0
        self._clerk: asyncio.Task[None] | None = None
        self._rings = NEVER

    async def pass_through(self, waiting: "_Waiting") -> None:
        """Wait for one's turn; `CallFailed` as soon as it is clear that it will not come in time."""
        self._came += 1
        waiting.number = self._came
        self._refuse_hopeless(waiting)
        insort(self._line, waiting, key=_Waiting.place)
        self.serve()
        try:
            failure = await waiting.answer
        except asyncio.CancelledError:
            self._leave(waiting)
            raise
        if failure is not None:
            raise failure

    def serve(self) -> None:
        """Let go whoever may go, send away whoever cannot in time, and see when to look again."""
        now, wanted = self._now(), set[object]()
        for waiting in tuple(self._line):
            if waiting.answer.done():
                continue  # called off, and about to leave
            if waiting.by is not None and waiting.free_at(now) > waiting.by:
                self._line.remove(waiting)
                waiting.answer.set_result(waiting.too_late(waiting.last_gate(now), now))
                continue
            lacking = waiting.lacking(now)
            if lacking:
                wanted.update(lacking)
            elif wanted.isdisjoint(waiting.wants()):
                self._line.remove(waiting)
                waiting.take(now)
        self._set_clerk(now)

    def _refuse_hopeless(self, waiting: "_Waiting") -> None:
        now, by = self._now(), NEVER - 1 if waiting.by is None else waiting.by
        before = [each for each in self._line if each.place() < waiting.place() and each.free_at(now) <= by]
        for gate in waiting.gates:
            ahead = sum(each.call.weight for each in before if gate in each.gates)
            if gate.free_at(waiting.call, now, ahead) > by:
                raise waiting.too_late(gate, now)

    def _leave(self, waiting: "_Waiting") -> None:
        """Somebody does not wait any more, or got their turn while they went."""
        if waiting in self._line:
            self._line.remove(waiting)
        elif waiting.let_go_at is not None:
            waiting.give_back()
        self.serve()

    def _set_clerk(self, now: int) -> None:
        """Somebody looks again at the first moment at which something changes by itself, while anybody waits."""
        moments = [moment for each in self._line for moment in each.moments(now)]
        rings = min(moments, default=NEVER)
        if rings == self._rings:
            return
        if self._clerk is not None:
            self._clerk.cancel()
        self._rings = rings
        self._clerk = None if rings >= NEVER else asyncio.create_task(self._look_again(rings))

    async def _look_again(self, at: int) -> None:
        await _passed(self._now, self._until, at)
        self._rings, self._clerk = NEVER, None
        self.serve()


class Budgets:
    """One account's share of a venue's limits."""

    def __init__(
        self,
        limits: Sequence[Limit],
        now: Callable[[], int],
        until: Callable[[int], Awaitable[None]],
        at_once: int = 8,
        common: Common | None = None,
    ) -> None:
        """Limits are counted in the time of `now`; at most `at_once` calls are on their way together, a quarter of
        these rooms kept for orders. Accounts of one venue that share an address are given the same `common`."""
        self.now = now
        self._until = until
        self._limits = tuple(limits)
        self._common = Common(now, until) if common is None else common
        self._own: dict[str, Windows] = {}
        self._rooms = _Rooms(at_once)

    async def take(self, call: str, priority: Priority, by: int | None = None, weight: int = 1) -> None:
        """Wait until a call may be made.

        With `by` (ms on the clock of `now`) it fails as soon as it is clear that this will be later: nothing was sent.
        """
        await self._common.pass_through(self._waiting(call, priority, by, weight, None))

    @asynccontextmanager
    async def room(self, call: str, priority: Priority, by: int | None = None, weight: int = 1) -> AsyncGenerator[None]:
        """The same, and one of the rooms for calls on their way, for as long as the block lasts."""
        await self._common.pass_through(self._waiting(call, priority, by, weight, self._rooms))
        try:
            yield
        finally:
            self._rooms.leave(order=priority == "order")
            self._common.serve()

    async def pause(self, millis: int) -> None:
        """Wait before something is asked again."""
        await _passed(self.now, self._until, self.now() + millis)

    def hold(self, call: str, seconds: float | None) -> None:
        """The venue wants us to keep away: from this account's limits that the call counts in, or where it has none of
        its own, from those of the address. For a quarter of an hour at the most."""
        asked = seconds if seconds is not None and seconds > 0 else 0.0
        wait = max(SHORTEST_HOLD, int(min(asked * SECOND, LONGEST_HOLD)))
        gates = self._gates(call)
        shared = self._common.windows.values()
        own = [gate for gate in gates if gate not in shared]
        for gate in own or gates:
            gate.hold(self.now() + wait)
        self._common.serve()

    def spent(self) -> Mapping[str, float]:
        """How much of each limit is taken now, as a part of one."""
        now = self.now()
        named = {limit.name for limit in self._limits}
        windows = self._own | self._common.windows
        return {name: windows[name].share(now) if name in windows else 0.0 for name in sorted(named)}

    def _waiting(
        self, call: str, priority: Priority, by: int | None, weight: int, rooms: "_Rooms | None"
    ) -> "_Waiting":
        order = priority == "order"
        return _Waiting(call, Call(weight, order), RANKS[priority], self._gates(call), rooms, by)

    def _gates(self, call: str) -> tuple[Windows, ...]:
        found = [self._windows(limit) for limit in limits_of(call, self._limits)]
        return tuple(found) or (self._own.setdefault(f" {call}", Windows(call)),)

    def _windows(self, limit: Limit) -> Windows:
        among = self._common.windows if limit.scope == "address" else self._own
        if limit.name not in among:
            among[limit.name] = Windows(limit.name, limit)
        return among[limit.name]


def limits_of(call: str, limits: Sequence[Limit]) -> tuple[Limit, ...]:
    """The limits that a kind of call counts in: those that name it, else those that name none."""
    named = tuple(limit for limit in limits if call in limit.calls)
    return named or tuple(limit for limit in limits if not limit.calls)


async def _passed(now: Callable[[], int], until: Callable[[int], Awaitable[None]], at: int) -> None:
    """Wait for a moment; not longer in real time, for a clock that was set back meanwhile reaches it too late."""
    with suppress(TimeoutError):
        async with asyncio.timeout((at - now()) / SECOND):
            await until(at)


class _Rooms:
    """Calls on their way at once."""

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


def _unanswered() -> "asyncio.Future[CallFailed | None]":
    return asyncio.get_running_loop().create_future()


@dataclass(eq=False, slots=True)
class _Waiting:
    """Somebody in the line."""

    what: str
    call: Call
    rank: int
    gates: tuple[Windows, ...]
    rooms: _Rooms | None
    by: int | None
    number: int = 0
    let_go_at: int | None = None
    answer: "asyncio.Future[CallFailed | None]" = field(default_factory=_unanswered)

    def place(self) -> tuple[int, int]:
        return self.rank, self.number

    def free_at(self, now: int) -> int:
        return max(gate.free_at(self.call, now) for gate in self.gates)

    def moments(self, now: int) -> list[int]:
        """When something may change for it by itself."""
        free = self.free_at(now)
        found = [] if self.by is None else [self.by + 1]
        return [*found, free] if now < free < NEVER else found

    def wants(self) -> tuple[object, ...]:
        return self.gates if self.rooms is None else (*self.gates, self.rooms)

    def lacking(self, now: int) -> list[object]:
        """Which of the things it wants are not to be had now."""
        found: list[object] = [gate for gate in self.gates if gate.free_at(self.call, now) > now]
        if not self._has_room():
            found.append(self.rooms)
        return found

    def take(self, now: int) -> None:
        self.let_go_at = now
        for gate in self.gates:
            gate.take(self.call, now)
        if self.rooms is not None:
            self.rooms.enter(order=self.call.order)
        self.answer.set_result(None)

    def give_back(self) -> None:
        assert self.let_go_at is not None
        for gate in self.gates:
            gate.give_back(self.call, self.let_go_at)
        if self.rooms is not None:
            self.rooms.leave(order=self.call.order)

    def last_gate(self, now: int) -> Windows:
        """The one that has room last."""
        return max(self.gates, key=lambda gate: gate.free_at(self.call, now))

    def too_late(self, gate: Windows, now: int) -> CallFailed:
        waits_for_room = gate.free_at(self.call, now) <= now and not self._has_room()
        why = "too many calls are on their way" if waits_for_room else f"{gate.name} has no room for it in time"
        return CallFailed("throttle", f"{self.what} was not sent: {why}", fate="unsent")

    def _has_room(self) -> bool:
        return self.rooms is None or self.rooms.has_room(order=self.call.order)
