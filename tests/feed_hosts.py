"""A host for feeds without a flow: a clock on the loop's time that may go faster, and what was told."""

import asyncio
from pathlib import Path

from pipeline.clocks import LoopClock
from pipeline.evidence import Trouble
from pipeline.secret import Login, Secret

PATIENCE = 10.0
"""Seconds that a test waits before it fails."""


class Outdoors:
    """What a feed needs of a host."""

    def __init__(self, begin: int, base: Path = Path(), speed: float = 100.0) -> None:
        self.base = base
        self.troubles: list[Trouble] = []
        self._clock = LoopClock(asyncio.get_running_loop(), begin, speed)

    def now(self) -> int:
        return self._clock.now()

    async def until(self, at: int) -> None:
        reached = asyncio.Event()
        planned = self._clock.at(at, reached.set)
        try:
            await reached.wait()
        finally:
            planned.cancel()

    def told(self) -> list[str]:
        return [each.what for each in self.troubles]


class Kept:
    """The login of one account at OANDA, as somebody stored it."""

    def __init__(self, token: str, account_id: str) -> None:
        self.token, self.account_id, self.stored = token, account_id, 1

    def of(self, account: str) -> Login:
        return Login({"account_id": self.account_id}, {"token": Secret(self.token)})

    def stamp(self, account: str) -> int:
        return self.stored
