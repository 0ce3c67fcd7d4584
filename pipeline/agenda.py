"""What is due when, on one clock, and the Rx scheduler that stands on it.

Everything in the graph that waits, waits here: so what happens at one instant happens in one order (time, priority,
name, sequence), in a live run, in a replay and in a test, and a late timer of the event loop moves nothing.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from heapq import heapify, heappop, heappush
from typing import TypeVar

from reactivex import abc, typing
from reactivex.disposable import Disposable, SingleAssignmentDisposable
from reactivex.scheduler.scheduler import Scheduler

State = TypeVar("State")
Act = Callable[[], object]

RANKED = 4
"""Digits of a rank in the name of an act."""
INPUTS, TIMERS = 0, 1
"""Priorities: what came from outside goes before what we planned for the same instant."""


class Agenda:
    """Acts planned for moments in ms. Time moves only by `advance_to`."""

    def __init__(self, now: int, planned: Callable[[int], None] | None = None) -> None:
        """`planned` is told the moment of each new act that is due before all others."""
        self.now = now
        self._heap: list[tuple[int, int, str, int, list[Act]]] = []
        self._sequence = 0
        self._planned = planned

    def at(self, moment: int, act: Act, *, priority: int = TIMERS, name: str = "") -> abc.DisposableBase:
        """Plan an act; one planned for a moment that has passed runs at the next advance. Dispose to cancel."""
        cell = [act]
        self._push(moment, priority, name, cell)
        return Disposable(cell.clear)

    def soon(self, act: Act, name: str) -> None:
        """Plan an act for this very moment, after what is happening now."""
        self._push(self.now, INPUTS, name, [act])

    @property
    def due(self) -> int | None:
        """The moment of the next act, if there is one."""
        while self._heap and not self._heap[0][4]:
            heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def _push(self, moment: int, priority: int, name: str, cell: list[Act]) -> None:
        self._sequence += 1
        earliest = not self._heap or moment < self._heap[0][0]
        heappush(self._heap, (moment, priority, name, self._sequence, cell))
        if earliest and self._planned is not None:
            self._planned(moment)

    def ranked(self, ranks: Mapping[int, int]) -> None:
        """Let what is to be woken by rank have other ranks."""
        self._heap = [(*act[:2], _ranked(act[2], ranks), *act[3:]) for act in self._heap]
        heapify(self._heap)

    def follow_up(self) -> None:
        """Run what was planned with `soon`, and what follows from it; what else is due at this moment still waits."""
        heap = self._heap
        while heap and heap[0][:2] <= (self.now, INPUTS):
            for act in heappop(heap)[4]:
                act()

    def advance_before(self, moment: int) -> None:
        """Run all that is due before `moment`; then it is `moment`, and what is due at it still waits."""
        self.advance_to(moment - 1)
        self.now = max(self.now, moment)

    def advance_to(self, moment: int) -> None:
        """Run all that is due up to and including `moment`, also what that plans meanwhile; then it is `moment`."""
        heap = self._heap
        while heap and heap[0][0] <= moment:
            due, _, _, _, cell = heappop(heap)
            if cell:
                self.now = max(self.now, due)
                cell.pop()()
        self.now = max(self.now, moment)


def _ranked(name: str, ranks: Mapping[int, int]) -> str:
    """The name of an act, with the rank it has now."""
    rank, space, rest = name[:RANKED], name[RANKED : RANKED + 1], name[RANKED + 1 :]
    if space != " " or not rank.isdecimal():
        return name
    return f"{ranks.get(int(rank), int(rank)):0{RANKED}d} {rest}"


class AgendaScheduler(Scheduler):
    """The agenda as Rx time operators know a scheduler: they wait on it and read its time, and own no thread.

    Of what wakes at one instant the lower `rank` is first: what a node gives is there when those that take it wake.
    """

    def __init__(self, agenda: Agenda, rank: int = 0) -> None:
        super().__init__()
        self._agenda, self.rank = agenda, rank

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self._agenda.now / 1000, UTC)

    def schedule(self, action: typing.ScheduledAction[State], state: State | None = None) -> abc.DisposableBase:
        return self._plan(self._agenda.now, action, state)

    def schedule_relative(
        self, duetime: typing.RelativeTime, action: typing.ScheduledAction[State], state: State | None = None
    ) -> abc.DisposableBase:
        seconds = duetime.total_seconds() if isinstance(duetime, timedelta) else duetime
        return self._plan(self._agenda.now + max(0, round(seconds * 1000)), action, state)

    def schedule_absolute(
        self, duetime: typing.AbsoluteTime, action: typing.ScheduledAction[State], state: State | None = None
    ) -> abc.DisposableBase:
        moment = self.to_datetime(duetime)
        return self._plan(round(moment.timestamp() * 1000), action, state)

    @property
    def millis(self) -> int:
        return self._agenda.now

    def wake(self, moment: int, act: Act, name: str) -> abc.DisposableBase:
        """Call `act` at a moment in ms; acts of one instant run by rank, then by name."""
        return self._agenda.at(moment, act, name=f"{self.rank:0{RANKED}d} {name}")

    def _plan(self, moment: int, action: typing.ScheduledAction[State], state: State | None) -> abc.DisposableBase:
        running = SingleAssignmentDisposable()

        def act() -> None:
            running.disposable = self.invoke_action(action, state)

        planned = self._agenda.at(moment, act)

        def cancel() -> None:
            planned.dispose()
            running.dispose()

        return Disposable(cancel)
