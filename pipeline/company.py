"""What goes on beside a running flow and may fail without it: logs, telemetry, alerts and the like."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar, runtime_checkable

from pipeline.alerting.desk import AlertDesk
from pipeline.control.beside import Beside
from pipeline.errors import MoonlightError
from pipeline.flow import Flow
from pipeline.logs.companion import Logging
from pipeline.masking import masked
from pipeline.plan import Plan
from pipeline.telemetry.exporting import Exporting
from pipeline.telemetry.onlooker import Onlooker
from pipeline.values import Fault
from pipeline.watchdog import watching

T = TypeVar("T")


class Companion(Protocol):
    """Looks on, and does what it does in its own time. Whatever becomes of it, the flow goes on."""

    name: str

    def told(self, node: str, value: Any) -> None:
        """Something a node gave; called within the flow, so it must be quick and wait for nothing."""
        ...

    def begins(self, flow: Flow) -> None:
        """The flow has begun."""
        ...

    async def attend(self) -> None:
        """Go on beside the flow until called off."""
        ...

    # One that has something to tell itself has `tells_by(tell)` as well: a Fault of its own, say, for all who look on.
    # One that holds what a plan says has `changed(plan)` as well: the flow goes on by another plan from here on.

    async def ends(self, why: str) -> None:
        """The flow has ended, or is about to; `why` it failed, or "". There are a few seconds for last words."""
        ...


@runtime_checkable
class Hearing(Protocol):
    """One that is there before the flow is built, and still when all of it has ended: it hears of what fails then."""

    def opens(self) -> None: ...

    def closes(self, failure: BaseException | None) -> None:
        """Whatever became of the flow, also when it never began; `failure` is what the run ends with."""
        ...


LAST_WORDS = 5.0
"""So many seconds all of them together have when the flow ends."""


def company_of(plan: Plan) -> tuple[Companion, ...]:
    """Who goes on beside a flow of this plan."""
    onlooker = Onlooker(plan)
    return (Logging(plan), *watching(), onlooker, Exporting(plan, onlooker), Beside(plan), AlertDesk(plan))


class Company:
    """Several companions as one. One that fails is told as a fault and looked after no more."""

    def __init__(self, companions: Sequence[Companion], fault: Callable[[str, Any], None]) -> None:
        self._companions = tuple(companions)
        self._fault = fault
        self._gone = set[str]()
        self._flow: Flow | None = None
        for each in self._companions:
            tells_by = getattr(each, "tells_by", None)
            if tells_by is not None:
                tells_by(self.tell)

    def __enter__(self) -> Self:
        for each in self._companions:
            if isinstance(each, Hearing):
                try:
                    each.opens()
                except Exception as failure:  # noqa: BLE001  # as when it is told of a value
                    self._lose(each, failure)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> None:
        for each in self._companions:
            if isinstance(each, Hearing):
                try:
                    each.closes(failure)
                except Exception as own:  # noqa: BLE001  # the run ends as it would have without it
                    self._lose(each, own)

    def of(self, kind: type[T]) -> T | None:
        """The companion of this kind, if there is one."""
        return next((each for each in self._companions if isinstance(each, kind)), None)

    def told(self, node: str, value: Any) -> None:
        for each in self._companions:
            if each.name not in self._gone:
                try:
                    each.told(node, value)
                except Exception as failure:  # noqa: BLE001  # nobody who only looks on may stop the flow
                    self._lose(each, failure)

    def begins(self, flow: Flow) -> None:
        self._flow = flow
        for each in self._companions:
            try:
                each.begins(flow)
            except Exception as failure:  # noqa: BLE001  # as when it is told of a value
                self._lose(each, failure)

    def changed(self, plan: Plan) -> None:
        """The flow goes on by another plan: whoever has a `changed` is told."""
        for each in self._companions:
            changed = getattr(each, "changed", None)
            if changed is not None and each.name not in self._gone:
                try:
                    changed(plan)
                except Exception as failure:  # noqa: BLE001  # as when it is told of a value
                    self._lose(each, failure)

    async def attend(self) -> None:
        """All of them, until called off."""
        await asyncio.gather(*(self._attend(each) for each in self._companions if each.name not in self._gone))

    async def ends(self, why: str) -> None:
        """The last words of all, for which nobody waits for long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS):
                left = (each for each in self._companions if each.name not in self._gone)
                await asyncio.gather(*(self._ends(each, why) for each in left))

    async def _ends(self, companion: Companion, why: str) -> None:
        try:
            await companion.ends(why)
        except Exception as failure:  # noqa: BLE001  # as while it attended
            self._lose(companion, failure)

    async def _attend(self, companion: Companion) -> None:
        try:
            await companion.attend()
        except Exception as failure:  # noqa: BLE001  # told as a fault: trading goes on without it
            self._lose(companion, failure)

    def tell(self, node: str, value: Any) -> None:
        """What somebody beside the flow has to tell: to those who look on, and to all companions."""
        self._fault(node, value)
        self.told(node, value)

    def _lose(self, companion: Companion, failure: Exception) -> None:
        self._gone.add(companion.name)
        what = str(failure) if isinstance(failure, MoonlightError) else f"{type(failure).__name__}: {failure}"
        at = 0 if self._flow is None else self._flow.border.now()
        self.tell(companion.name, Fault(companion.name, at, masked(f"{what}; the flow goes on without it")))
