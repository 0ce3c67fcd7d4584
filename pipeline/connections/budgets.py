"""Who may ask what, and when: a venue's limits are kept here, before anything leaves.

Calls wait in one line: orders first, then what became of them, then prices, then the past; within these first come,
first served. Nobody goes before another who waits for the same limit and was to go first. What does not need the
limit another waits for does not wait for it.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

from pipeline.connections.contract import Limit, Priority
from pipeline.connections.recalling import check_recalled
from pipeline.connections.turns import Common, Rooms, Wish, passed
from pipeline.connections.windows import LONGEST_HOLD, Call, Windows
from pipeline.times import MINUTE, SECOND

RANKS: Mapping[Priority, int] = {"order": 0, "result": 1, "quote": 2, "history": 3}
SHORTEST_HOLD, LONGEST_GUESS = 250, 32 * SECOND
"""Milliseconds. Who says "too much" but not for how long is left alone a moment, and each time for twice as long."""
FORGIVEN = MINUTE
"""After so long without another "too much" the next one counts as the first."""


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
        self._rooms = Rooms(at_once)
        self._guesses: dict[str, tuple[int, int]] = {}
        """Of kinds of calls that were too much: for how long they were held, and until when."""

    async def take(self, call: str, priority: Priority, by: int | None = None, weight: int = 1) -> None:
        """Wait until a call may be made.

        With `by` (ms on the clock of `now`) it fails as soon as it is clear that this will be later: nothing was sent.
        """
        await self._common.pass_through(call, self._wish(call, priority, weight, None), by)

    @asynccontextmanager
    async def room(self, call: str, priority: Priority, by: int | None = None, weight: int = 1) -> AsyncGenerator[None]:
        """The same, and one of the rooms for calls on their way, for as long as the block lasts."""
        await self._common.pass_through(call, self._wish(call, priority, weight, self._rooms), by)
        try:
            if priority == "order":
                check_recalled()
            yield
        finally:
            self._rooms.leave(order=priority == "order")
            self._common.serve()

    async def pause(self, millis: int) -> None:
        """Wait before something is asked again."""
        await passed(self.now, self._until, self.now() + millis)

    def hold(self, call: str, seconds: float | None) -> None:
        """The venue wants us to keep away: from this account's limits that the call counts in, or where it has none of
        its own, from those of the address. For a quarter of an hour at the most."""
        if seconds is not None and seconds > 0:
            wait = max(SHORTEST_HOLD, int(min(seconds * SECOND, LONGEST_HOLD)))
        else:
            wait = self._guess(call)
        gates = self._gates(call)
        shared = self._common.windows.values()
        own = [gate for gate in gates if gate not in shared]
        for gate in own or gates:
            gate.hold(self.now() + wait)
        self._common.send_back()

    def _guess(self, call: str) -> int:
        """How long to keep away. Calls that were on their way together are told the same, and count as one."""
        now = self.now()
        wait, until = self._guesses.get(call, (0, now))
        if until - wait <= now < until:
            return until - now
        lately = until <= now < until + FORGIVEN
        wait = min(max(SHORTEST_HOLD, 2 * wait if lately else 0), LONGEST_GUESS)
        self._guesses[call] = wait, now + wait
        return wait

    def spent(self) -> Mapping[str, float]:
        """How much of each limit is taken now, as a part of one."""
        now = self.now()
        named = {limit.name for limit in self._limits}
        windows = self._own | self._common.windows
        return {name: windows[name].share(now) if name in windows else 0.0 for name in sorted(named)}

    def _wish(self, call: str, priority: Priority, weight: int, rooms: Rooms | None) -> Wish:
        return Wish(RANKS[priority], Call(weight, priority == "order"), self._gates(call), rooms)

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
