"""Whether the engine really goes on: what is told to those who would miss its sign of life."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from pipeline.flow import Flow
from pipeline.masking import masked
from pipeline.times import utc_text
from pipeline.values import Decisions, Fault, Order

SILENT = "no prices come, although a market is open"
STUCK = "what is due is not done"


class Vitals:
    """Kept by a look every so often. A loop that hangs, or waits for a disk, gives no sign of life by itself."""

    def __init__(self) -> None:
        self._flow: Flow | None = None
        self._counts = Counter[str]()
        self._undone: int | None = None
        self._amiss = "it has not begun"
        self._failed = ""

    def begins(self, flow: Flow) -> None:
        self._flow = flow
        self._amiss = ""

    def told(self, value: Any) -> None:
        match value:
            case Decisions():
                self._counts["decisions"] += len(value)
            case Order():
                self._counts["orders"] += value.state == "SEND"
            case Fault():
                self._counts["faults"] += 1
            case _:
                pass

    def look(self, *, quiet: bool) -> None:
        """`quiet`: no prices come although they should. What is due at two looks in a row is stuck."""
        flow = self._flow
        if flow is None:
            return
        due = flow.agenda.due
        late = due if due is not None and due < flow.border.now() else None
        stuck, self._undone = late is not None and late == self._undone, late
        self._amiss = STUCK if stuck else SILENT if quiet else ""

    def fails(self, why: str) -> None:
        """The engine ends because something failed, in the flow or beside it."""
        self._failed = masked(why)

    def alive(self) -> Mapping[str, object] | None:
        if self.amiss() or self._flow is None:
            return None
        return {"market_time": utc_text(self._flow.border.clock.shown()), **self._counts}

    def amiss(self) -> str:
        return self._failed or ended(self._flow) or self._amiss


def ended(flow: Flow | None) -> str:
    """Why a flow ended by itself; "" when it goes on, or was asked to end."""
    if flow is None or not flow.ended.done() or flow.ended.cancelled():
        return ""
    failure = flow.ended.exception()
    return "" if failure is None else masked(str(failure))
