"""Keys started and stopped by scope, for programs."""

import asyncio
from collections.abc import Sequence
from typing import Literal, Protocol

from msgspec import Struct

from pipeline.control.asking import Name, Reason, Timeframe, millis
from pipeline.control.routing import Nothing, Route
from pipeline.lifecycle import Scope, Switched


class Starting(Protocol):
    """Starts and stops keys, from any thread; returns once it is on disk, with what changed."""

    def start(self, scope: Scope, reason: str, by: str, *, only: bool = False) -> Sequence[Switched]: ...

    def stop(self, scope: Scope, reason: str, by: str) -> Sequence[Switched]: ...


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


class Moved(Struct, frozen=True):
    """What changed just now; nothing when it was so already."""

    changed: tuple[Switched, ...]


class Starters:
    """Asks whoever starts and stops keys."""

    def __init__(self, starts: Starting) -> None:
        self._starts = starts

    async def start(self, _: Nothing, keys: StartKeys) -> Moved:
        made = await asyncio.to_thread(self._starts.start, keys.scope, keys.reason, keys.by, only=keys.only)
        return Moved(tuple(made))

    async def stop(self, _: Nothing, keys: Keys) -> Moved:
        return Moved(tuple(await asyncio.to_thread(self._starts.stop, keys.scope, keys.reason, keys.by)))


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
