"""A socket that brings prices: open for as long as somebody listens, and one odd frame does not end it."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection, Mapping
from contextlib import aclosing, asynccontextmanager

from pipeline.connections.contract import Outside, Warn
from pipeline.connections.frames import Frames
from pipeline.connections.reading import Answer
from pipeline.connections.socket import Socket
from pipeline.connections.troubles import CallFailed
from pipeline.evidence import Trouble


class Oddities:
    """What came and makes no sense: told and counted, until it is too much of it."""

    def __init__(self, whose: str, host: Outside, warn: Warn) -> None:
        self._whose, self._host, self._warn = whose, host, warn
        self._frames = Frames(f"a frame of {whose}", asyncio.get_running_loop().time)

    def told(self, failure: CallFailed) -> None:
        self._warn(Trouble(self._whose, failure.kind, f"{failure}: left out", self._host.now()))

    def bear(self, failure: CallFailed) -> None:
        """Go on after a frame that could not be understood; every other failure is raised again."""
        if failure.kind != "format":
            raise failure
        self._frames.spoiled(failure)
        self.told(failure)


@asynccontextmanager
async def listening(
    what: str,
    url: str,
    oddities: Oddities,
    *,
    hosts: Collection[str],
    deadline: float,
    quiet_after: float,
    ping: Callable[[], Mapping[str, object]],
) -> AsyncGenerator[tuple[Socket, AsyncGenerator[Answer]]]:
    """A socket that is open, and what comes over it; spans are real seconds."""
    socket = Socket(
        what,
        hosts=hosts,
        deadline=deadline,
        quiet_after=quiet_after,
        ping_after=quiet_after / 2,
        ping=ping,
        warn=oddities.told,
    )
    try:
        await socket.open(url)
        async with aclosing(socket.frames()) as frames:
            yield socket, frames
    finally:
        await socket.close()
