"""Keys started and stopped by scope, for programs."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from pipeline.control.asking import millis
from pipeline.control.routing import Nothing, Route
from pipeline.starting import Starts, Turned
from pipeline.times import timeframe_name
from pipeline.told.keys import KeyRef, Keys, Moved, StartKeys
from pipeline.values import Scope


class Starters:
    """Starts and stops keys, on threads of their own: whatever else is asked, there is one to stop them."""

    def __init__(self, starts: Callable[[], Starts]) -> None:
        self._starts = starts
        self._threads = ThreadPoolExecutor(2, "starts and stops")

    async def start(self, _: Nothing, keys: StartKeys) -> Moved:
        return await self._done(lambda: self._starts().start(_scope(keys), keys.reason, keys.by, only=keys.only))

    async def stop(self, _: Nothing, keys: Keys) -> Moved:
        return await self._done(lambda: self._starts().stop(_scope(keys), keys.reason, keys.by))

    async def _done(self, turn: Callable[[], Turned]) -> Moved:
        return _told(await asyncio.get_running_loop().run_in_executor(self._threads, turn))


def _scope(keys: Keys) -> Scope:
    return Scope(keys.account, keys.product, millis(keys.timeframe))


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
