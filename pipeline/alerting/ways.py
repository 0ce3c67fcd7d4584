"""One way out at work: what waits for it, what was sent and has not arrived, and when it is tried again."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Protocol

from msgspec.structs import replace

from pipeline.alerting.pending import ROOM, Pending, Selection
from pipeline.alerting.route import Alert, Confiding, Letter, Route
from pipeline.alerting.secrets import AlertSecrets
from pipeline.connections.backoff import Backoff, Profile
from pipeline.connections.troubles import CallFailed
from pipeline.errors import MoonlightError
from pipeline.live import wall
from pipeline.masking import masked
from pipeline.secret import Secret
from pipeline.telemetry.edges import Edge

AGAIN = Profile(1.0, cap=300.0, jitter=0.5)
TRIES = 10
"""So often a letter is sent in which nothing is critical; critical ones until they arrive."""
AT_THE_END = 0.5
"""Seconds between two tries while the engine ends."""


class Engine(Protocol):
    """What every way knows of the engine."""

    folder: Path
    flow: str
    run: int

    def alive(self) -> Mapping[str, object] | None: ...
    def amiss(self) -> str: ...


class Way:
    """Runs a route and is its `Outlet`."""

    def __init__(
        self,
        name: str,
        route: Route,
        engine: Engine,
        secrets: AlertSecrets,
        told: Callable[[str, str], object],
        numbers: Iterator[int] | None = None,
    ) -> None:
        """`told` hears that this way is broken, and why, or ("") that it is not any more. `numbers` are those of its
        letters: who takes its place goes on with them, as whoever has heard a number before may pass over it."""
        self.name, self.route = name, route
        self.folder, self.flow, self.run = engine.folder, engine.flow, engine.run
        self._engine, self._secrets, self._told = engine, secrets, told
        self._selection = route if isinstance(route, Selection) else Selection()
        self._pending = Pending(self._selection)
        self._news, self._ending = asyncio.Event(), asyncio.Event()
        self._backoff = Backoff(AGAIN, name)
        self._in_hand: Letter | None = None
        self._numbers = numbers or count(1)
        self._broken = False

    @property
    def edge(self) -> Edge:
        """What waits to leave by this way."""
        waiting, lost = lambda: self._pending.waiting, lambda: self._pending.lost
        return Edge(f"alerts/{self.name}", waiting, ROOM, "drops_oldest", dropped=lost)

    # --- for the engine ----------------------------------------------------------------------------------------------

    def put(self, alert: Alert) -> None:
        if isinstance(self.route, Selection) and self._pending.take(alert, self._now()):
            self._news.set()

    def gives_up(self) -> tuple[Letter | None, Pending]:
        """What is owed, for who takes its place: what is in hand may have arrived, and is sent once more."""
        letter, self._in_hand = self._in_hand, None
        return letter, self._pending

    def takes_over(self, letter: Letter | None, pending: Pending) -> None:
        """Owe what another gave up, as far as it is wanted by this way."""
        pending.changed(self._selection)
        self._in_hand, self._pending = letter, pending

    @property
    def owed(self) -> tuple[Alert, ...]:
        """What was to leave by it and has not, as far as it is known."""
        return (*(() if self._in_hand is None else self._in_hand.alerts), *self._pending.alerts)

    def end(self) -> None:
        """Send what waits now, and then no more."""
        self._ending.set()
        self._news.set()

    async def attend(self) -> None:
        """Run the route until it ends; start it again when it fails, later and later."""
        while True:
            try:
                await self.route(self)
            except Exception as failure:  # noqa: BLE001  # of whatever kind: it is told, and the others go on
                await self._again(failure)
            else:
                return

    # --- for the route -----------------------------------------------------------------------------------------------

    async def letters(self) -> AsyncIterator[Letter]:
        while True:
            letter = self._in_hand or await self._next()
            if letter is None:
                return
            self._in_hand = letter = replace(letter, tries=letter.tries + 1)
            yield letter
            self._in_hand = None
            self.works()

    async def secret(self, name: str) -> Secret:
        return await self._secrets.of(name)

    def alive(self) -> Mapping[str, object] | None:
        return self._engine.alive()

    def amiss(self) -> str:
        return self._engine.amiss()

    async def wait(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._ending.wait()
        except TimeoutError:
            return False
        return True

    def now(self) -> int:
        return wall()

    def works(self) -> None:
        """Something arrived by it."""
        self._backoff.good()
        if self._broken:
            self._broken = False
            self._told(self.name, "")

    # --- pieces ------------------------------------------------------------------------------------------------------

    async def _next(self) -> Letter | None:
        """What is to be sent next; None once the engine ends and nothing waits."""
        while True:
            now = self._now()
            alerts = self._pending.letter(now, hurry=self._ending.is_set())
            if alerts:
                return Letter(next(self._numbers), alerts, 0)
            if self._ending.is_set():
                return None
            self._news.clear()
            try:
                async with asyncio.timeout(self._pending.due(now)):
                    await self._news.wait()
            except TimeoutError:
                continue

    async def _again(self, failure: Exception) -> None:
        """Say what went wrong, once, and wait until it may be tried again."""
        what = str(failure) if isinstance(failure, MoonlightError) else f"{type(failure).__name__}: {failure}"
        if isinstance(self.route, Confiding):
            self._secrets.forget(self.route.confidences)
        letter = self._in_hand
        if letter is not None and letter.severity != "critical" and letter.tries >= TRIES:
            self._pending.lose(len(letter.alerts))
            self._in_hand = None
        if not self._broken:
            self._broken = True
            self._told(self.name, masked(what))
        if self._ending.is_set():
            await asyncio.sleep(AT_THE_END)
            return
        wait = self._backoff.failed() or AGAIN.cap
        asked = failure.wait if isinstance(failure, CallFailed) else None
        await self.wait(max(wait, asked or 0.0))

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
