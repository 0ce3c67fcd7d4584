"""A token that runs out: made anew by one flight at a time, whoever notices, however many do at once."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from pipeline.connections.statuses import StatusFailed
from pipeline.connections.troubles import CallFailed, Fate

T = TypeVar("T")
R = TypeVar("R")


def ran_out(failure: CallFailed) -> bool:
    """Whether a failure is that of an old token: 401. Who may not do something (403) may not with a new one either."""
    return isinstance(failure, StatusFailed) and failure.status == 401


class Renewing(Generic[T]):
    """One account's token. Making it waits for no limiter that calls hold a place in, so these cannot block it."""

    def __init__(
        self,
        make: Callable[[T | None], Awaitable[T]],
        *,
        fresh: Callable[[T], bool] | None = None,
        expired: Callable[[CallFailed], bool] = ran_out,
    ) -> None:
        """`make` is given the token that ran out, or None; where it is refused (kind "auth"), that is final. `fresh`:
        whether a token lasts a while yet; `expired`: whether a failure means that it does not."""
        self._make = make
        self._fresh = fresh
        self._expired = expired
        self._token: T | None = None
        self._flight: asyncio.Task[T] | None = None
        self._refused: CallFailed | None = None

    async def token(self) -> T:
        """The token, made if there is none that lasts."""
        token = self._token
        lasts = token is not None and (self._fresh is None or self._fresh(token))
        if token is None or not lasts or self._flight is not None:
            return await self._renewed(token, "unsent")
        return token

    async def use(self, call: Callable[[T], Awaitable[R]], *, again: bool = True) -> R:
        """Call with the token; where it has run out, once more with a new one.

        An order is not called `again`: the token is made anew for the next, and the failure goes to whoever sent it.
        """
        token = await self.token()
        try:
            return await call(token)
        except CallFailed as failure:
            if not self._expired(failure):
                raise
            if not again:
                if self._refused is None and self._token is token:
                    self._flying(token)
                raise
        return await call(await self._renewed(token, "refused"))

    async def close(self) -> None:
        """Let go of a token that is being made."""
        flight, self._flight = self._flight, None
        if flight is not None:
            flight.cancel()
            await asyncio.wait([flight])

    async def _renewed(self, old: T | None, fate: Fate) -> T:
        """A token other than one that ran out; `fate` is that of the call that cannot be made without."""
        if self._refused is not None:
            raise _like(self._refused, fate)
        if self._token is not None and self._token is not old:
            return self._token
        flight, failure = self._flying(old), CallFailed("network", "logging in was given up here")
        try:
            return await asyncio.shield(flight)
        except CallFailed as problem:
            failure = problem
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not flight.cancelled() or (task is not None and task.cancelling()):
                raise
        raise _like(failure, fate)

    def _flying(self, old: T | None) -> "asyncio.Task[T]":
        if self._flight is None:
            self._flight = asyncio.create_task(self._renew(old))
            self._flight.add_done_callback(_looked_at)
        return self._flight

    async def _renew(self, old: T | None) -> T:
        try:
            self._token = await self._make(old)
        except CallFailed as failure:
            if failure.kind == "auth":
                self._refused = CallFailed("auth", str(failure), final=True)
                raise self._refused from None
            raise
        finally:
            self._flight = None
        return self._token


def _like(failure: CallFailed, fate: Fate) -> CallFailed:
    """The same failure for one of many that it meets."""
    return CallFailed(failure.kind, str(failure), fate=fate, wait=failure.wait, final=failure.final)


def _looked_at(flight: "asyncio.Task[T]") -> None:
    """Nobody may be left who waits for it; then its failure is told to the next who asks."""
    if not flight.cancelled():
        flight.exception()
