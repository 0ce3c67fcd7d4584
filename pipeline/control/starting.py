"""Keys started and stopped by scope, for programs."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

from msgspec import Struct

from pipeline.control.asking import Name, Reason, Timeframe, millis
from pipeline.control.routing import Nothing, Route
from pipeline.starting import Starts, Turned
from pipeline.times import timeframe_name
from pipeline.values import Scope, Switched


class Keys(Struct, frozen=True, forbid_unknown_fields=True):
    """Which keys are stopped: those of an account, a product and a timeframe; what is left out means all."""

    account: Name = ""
    product: Name = ""
    timeframe: Timeframe = ""
    reason: Reason = ""
    by: Literal["api", "console"] = "api"

    @property
    def scope(self) -> Scope:
        return Scope(self.account, self.product, millis(self.timeframe))


class StartKeys(Keys, frozen=True, forbid_unknown_fields=True):
    """Which keys are started; with `only` all others are stopped."""

    only: bool = False


class KeyRef(Struct, frozen=True):
    """A key by its name."""

    account: str
    product: str
    timeframe: str


class Moved(Struct, frozen=True):
    """What was started or stopped just now (nothing, where all of it stood so already), and what is so from now on."""

    changed: tuple[Switched, ...]
    on: tuple[KeyRef, ...]
    off: tuple[KeyRef, ...]


class Starters:
    """Starts and stops keys, on threads of their own: whatever else is asked, there is one to stop them."""

    def __init__(self, starts: Callable[[], Starts]) -> None:
        self._starts = starts
        self._threads = ThreadPoolExecutor(2, "starts and stops")

    async def start(self, _: Nothing, keys: StartKeys) -> Moved:
        return await self._done(lambda: self._starts().start(keys.scope, keys.reason, keys.by, only=keys.only))

    async def stop(self, _: Nothing, keys: Keys) -> Moved:
        return await self._done(lambda: self._starts().stop(keys.scope, keys.reason, keys.by))

    async def _done(self, turn: Callable[[], Turned]) -> Moved:
        return _told(await asyncio.get_running_loop().run_in_executor(self._threads, turn))


def _told(turned: Turned) -> Moved:
    on, off = (tuple(KeyRef(*key[:2], timeframe_name(key.tf)) for key in keys) for keys in (turned.on, turned.off))
    return Moved(turned.changed, on, off)


ROUTES = (
    Route(
        method="POST",
        path="/start",
        name="start",
        does="Start keys: they trade from their next bar on. Real money trades only where it is armed, by hand.",
        call=Starters.start,
        query=Nothing,
        body=StartKeys,
        answer=Moved,
        refusals=("STORAGE",),
    ),
    Route(
        method="POST",
        path="/stop",
        name="stop",
        does="Stop keys: they trade no more, what they have open is settled, and every bar has its row.",
        call=Starters.stop,
        query=Nothing,
        body=Keys,
        answer=Moved,
        refusals=("STORAGE",),
        urgent=True,
    ),
)
