"""One life of an engine in a simulated world: from its start to its end, which may come at any moment."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

from pipeline.clocks import Act, LoopClock, Planned
from pipeline.engine import Setting, running
from pipeline.flow import Flow
from pipeline.ledger import Ledger, LedgerError
from pipeline.plan import LEDGER, Plan
from pipeline.values import Past


class Killed(BaseException):
    """The process ends within what it is doing: nothing of ours may catch it."""


class LifeClock(LoopClock):
    """The clock of one life: it may be set, and everything planned on it ends with the life."""

    def __init__(self, loop: asyncio.AbstractEventLoop, begin: int, life: "Life") -> None:
        super().__init__(loop, begin)
        self._life = life

    def at(self, moment: int, act: Act, *, last: bool = False) -> Planned:
        return super().at(moment, lambda: self._life.does(act), last=last)


class Life:
    """Everything that happens in an engine goes through `does`: then it may stand still, or end."""

    def __init__(self, plan: Plan, begin: int, died: "Callable[[Life], None]") -> None:
        self.flow: Flow | None = None
        self.dead = False
        self._loop = asyncio.get_running_loop()
        self.clock = LifeClock(self._loop, begin, self)
        self._plan, self._begin, self._died = plan, begin, died
        self._stack = AsyncExitStack()
        self._busy = False
        self._still_until = 0.0

    async def start(
        self, ledger: Ledger, block: int, remembers: Callable[[Past], None], tap: Callable[[str, Any], None]
    ) -> None:
        """Begin; `remembers` is told what the ledger knew."""
        setting = Setting(mode=self._plan.settings.mode, begin=self._begin, block=block, clock=self.clock)
        self._busy = True
        try:
            self._stack.callback(ledger.close)
            ledger.listen(self._heard, self._failed)
            past = ledger.past(self._begin)
            remembers(past)
            self.flow = await self._stack.enter_async_context(running(self._plan, setting, ledger, past, taps=(tap,)))
        except Killed:
            self._end()
        finally:
            self._busy = False

    def does(self, act: Callable[[], object]) -> None:
        """Let something happen in this life, now or once it goes on; nothing when it has ended."""
        if self.dead:
            return
        if self._busy:
            act()
            return
        if self._loop.time() < self._still_until:
            self._loop.call_at(self._still_until, self.does, act)
            return
        self._busy = True
        try:
            act()
        except Killed:
            self._end()
        finally:
            self._busy = False

    def stand_still(self, seconds: float) -> None:
        """Nothing happens for a while; what comes meanwhile waits."""
        self._still_until = max(self._still_until, self._loop.time() + seconds)

    def kill(self) -> None:
        if not self.dead:
            self._end()

    async def bury(self) -> None:
        """Let go of what it held."""
        await self._stack.aclose()

    def _heard(self, value: Any) -> None:
        """What the ledger tells comes in by its door."""
        if self.flow is not None:
            self.flow.enter(LEDGER, value)
        else:
            self._loop.call_soon(self.does, lambda: self._heard(value))

    def _failed(self, failure: LedgerError) -> None:
        """Nothing can be written: the program ends, and says why."""
        self._loop.call_soon(self.kill)

    def _end(self) -> None:
        self.dead = True
        self._died(self)
