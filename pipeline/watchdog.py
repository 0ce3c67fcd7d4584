"""Tells the service manager that the engine lives, as long as it does: the loop turns, and the flow goes on.

It beats from the flow's own loop. A loop that hangs beats no more by itself; a flow that has ended, or leaves undone
what is due, is not beaten for. The manager then ends the program and starts it anew.
"""

import asyncio
from collections import Counter
from typing import Any

from pipeline.flow import Flow
from pipeline.masking import masked
from pipeline.notifying import Notice, notice
from pipeline.times import utc_text
from pipeline.values import Decisions, Fault, Latch, Leaving, Order, Past

BEATS = 4
"""So many beats within the time that the manager waits for one."""
WITHOUT = 5.0
"""Seconds between two lines on how the engine fares, where the manager waits for no beat."""


def watching() -> tuple["Watchdog", ...]:
    """The watchdog of this program; none where no service manager started it."""
    asked = notice()
    return () if asked is None else (Watchdog(asked),)


class Watchdog:
    """A companion of the flow."""

    name = "watchdog"

    def __init__(self, notice: Notice) -> None:
        self._notice = notice
        self._flow: Flow | None = None
        self._counts: Counter[str] = Counter()
        self._stops: dict[str, str] = {}
        self._undone: int | None = None
        self._said = ""
        self._leaves = False

    def told(self, node: str, value: Any) -> None:
        match value:
            case Decisions():
                self._counts["decisions"] += len(value)
            case Order():
                self._counts["orders"] += value.state == "SEND"
            case Fault():
                self._counts["faults"] += 1
            case Latch():
                self._latched(value)
            case Past():
                for latch in value.latches:
                    self._latched(latch)
            case Leaving():
                self._leave()
            case _:
                pass

    def begins(self, flow: Flow) -> None:
        self._flow = flow
        self._said = self._line()
        self._notice.say(READY="1", STATUS=self._said)

    async def attend(self) -> None:
        every = WITHOUT if self._notice.within is None else self._notice.within / BEATS
        while True:
            if self.goes_on():
                self._beat()
            await asyncio.sleep(every)

    async def ends(self, why: str) -> None:
        self._leave(why)

    def goes_on(self) -> bool:
        """Whether the flow does what it has to: what is due at two looks in a row stays undone."""
        flow = self._flow
        if flow is None or flow.ended.done():
            return False
        due = flow.agenda.due
        late = due if due is not None and due < flow.border.now() else None
        stuck, self._undone = late is not None and late == self._undone, late
        return not stuck

    def _beat(self) -> None:
        lines = {} if self._notice.within is None else {"WATCHDOG": "1"}
        line = self._line()
        if line != self._said and not self._leaves:
            self._said = lines["STATUS"] = line
        if lines:
            self._notice.say(**lines)

    def _leave(self, why: str = "") -> None:
        """Once, when the flow begins to leave; why it failed is said whenever that is known."""
        if not self._leaves or why:
            status = f"failed: {masked(why)}" if why else "ending: what is on its way is waited for"
            self._notice.say(STOPPING="1", STATUS=status)
        self._leaves = True

    def _latched(self, latch: Latch) -> None:
        if latch.on:
            self._stops.setdefault(latch.scope, latch.reason)
        else:
            self._stops.pop(latch.scope, None)

    def _line(self) -> str:
        assert self._flow is not None, "nobody asks before the flow begins"
        counted = (f"{self._counts[what]:,} {what}" for what in ("decisions", "orders", "faults"))
        at = utc_text(self._flow.border.clock.shown())
        stopped = [f"{scope or 'everybody'} is stopped: {reason}" for scope, reason in self._stops.items()]
        return masked(" · ".join((f"market time {at}", *counted, *stopped)))
