"""A practice SDK on a clock that a test moves by hand: its threads are real, its time is not."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from functools import partial
from pathlib import Path
from threading import Condition, Event, get_ident
from typing import Any

from pipeline.calendar import Calendar
from pipeline.evidence import Trouble
from pipeline.fxcm.feed import FxcmFeed
from pipeline.fxcm.forexconnect import OfficialSdk
from pipeline.fxcm.manner import Manner
from pipeline.fxcm.misfortunes import Misfortune, Misfortunes
from pipeline.fxcm.port import Access, Sdk
from pipeline.fxcm.practice import practice_module
from pipeline.fxcm.practice_venue import PracticeVenue, practice_venue
from pipeline.secret import Secret
from pipeline.service import SessionState
from pipeline.times import SECOND
from pipeline.values import Quotes
from tests.support import MONDAY

DEADLINE = 30.0
INSTRUMENTS = {"XAU/USD": "XAUUSD", "EUR/USD": "EURUSD"}
SYMBOLS = {product: instrument for instrument, product in INSTRUMENTS.items()}
ACCESS = Access("demo", Secret("practice-demo"), "", "Demo")


class Hand:
    """A clock for threads and for a loop, which goes on when a test says so."""

    def __init__(self, begin: int = MONDAY, base: Path = Path()) -> None:
        self.base = base
        self._now = begin
        self._moved = Condition()
        self._waiters: list[tuple[int, asyncio.Future[None]]] = []

    def now(self) -> int:
        return self._now

    def advance(self, millis: int) -> None:
        with self._moved:
            self._now += millis
            self._moved.notify_all()
        for at, waiter in self._waiters:
            if at <= self._now and not waiter.done():
                waiter.set_result(None)

    async def until(self, at: int) -> None:
        if at <= self._now:
            await asyncio.sleep(0)
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append((at, waiter))
        await waiter

    def wait(self, until: int, leave: Event) -> bool:
        with self._moved:
            while self._now < until and not leave.is_set():
                self._moved.wait(0.02)
        return not leave.is_set()


class Rig:
    """A feed on a practice SDK, what it told, and how it stood."""

    def __init__(
        self,
        folder: Path,
        *,
        begin: int = MONDAY,
        lacks: frozenset[str] = frozenset(),
        late: frozenset[str] = frozenset(),
        manner: Manner | None = None,
        access: Callable[[], Access] = lambda: ACCESS,
        sdk: Callable[[], Sdk] | None = None,
        symbols: dict[str, str] = SYMBOLS,
        calendars: Callable[[str], Calendar] | None = None,
        patience: float = 0.0,
        planned: tuple[Misfortune, ...] = (),
    ) -> None:
        self.clock = Hand(begin, folder)
        self.wrong = Misfortunes(begin, planned)
        self.venue: PracticeVenue = practice_venue(INSTRUMENTS, self.clock, self.wrong, late=late, calendars=calendars)
        self.module = practice_module(self.venue, lacks)
        self.troubles: list[Trouble] = []
        self.states: list[SessionState] = []
        self.sessions: list[Any] = []
        self.called = Event()
        """Whether something that is noted was called."""
        self._changed = asyncio.Event()
        self.feed = FxcmFeed(
            sdk or (lambda: OfficialSdk(self.module, folder / "kept", patience=patience)),
            access,
            symbols,
            self.clock,
            self._warn,
            manner=manner or Manner(),
        )
        self.connection = self.feed.connection
        self.connection.on_change = self._change

    async def stands(self, state: SessionState) -> None:
        """Wait until the session stands so."""
        while self.connection.state != state:
            self._changed.clear()
            await self._changed.wait()

    def noting(self, *names: str) -> dict[str, list[int]]:
        """Take note of the threads on which these are called of each session that is made from now on."""
        used: dict[str, list[int]] = {name: [] for name in names}
        make = self.module.ForexConnect

        def made() -> Any:
            fx = make()
            self.sessions.append(fx)
            for name in names:
                setattr(fx, name, partial(self._note, used[name], getattr(fx, name)))
            return fx

        self.module.ForexConnect = made
        return used

    def _note(self, used: list[int], call: Callable[..., Any], *given: Any, **named: Any) -> Any:
        used.append(get_ident())
        self.called.set()
        return call(*given, **named)

    async def stood(self, state: SessionState) -> None:
        """Wait until the session has stood so."""
        while state not in self.states:
            self._changed.clear()
            await self._changed.wait()

    async def told(self, words: str) -> Trouble:
        """Wait until a trouble was told."""
        while True:
            found = [each for each in self.troubles if words in each.what]
            if found:
                return found[0]
            self._changed.clear()
            await self._changed.wait()

    def _change(self, state: SessionState) -> None:
        self.states.append(state)
        self._changed.set()

    def _warn(self, trouble: Trouble) -> None:
        self.troubles.append(trouble)
        self._changed.set()


async def confirmed(stream: AsyncGenerator[Quotes], products: int = 2) -> list[Quotes]:
    """What a subscription says before any price: so many products without rows."""
    return [await anext(stream) for _ in range(products)]


async def prices(stream: AsyncGenerator[Quotes], rig: Rig, count: int = 1) -> list[Quotes]:
    """The next quotes, as the clock goes on a second at a time until they are there."""
    found: list[Quotes] = []
    while len(found) < count:
        coming = asyncio.ensure_future(anext(stream))
        while not coming.done():
            rig.clock.advance(SECOND)
            await asyncio.wait((coming,), timeout=0.05)
        quotes = await coming
        found += [quotes] if len(quotes) else []
    return found


def play(folder: Path, test: Callable[[Rig], Coroutine[Any, Any, None]], **more: Any) -> None:
    """Have a test do what it does with a rig, which is let go of after it."""

    async def whole() -> None:
        rig = Rig(folder, **more)
        try:
            async with asyncio.timeout(DEADLINE):
                await test(rig)
        finally:
            for what in ("stuck", "slow_history"):
                rig.wrong.end(what)
            await rig.feed.close()

    asyncio.run(whole())
