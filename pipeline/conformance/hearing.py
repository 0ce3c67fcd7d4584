"""What is heard of a connector, and waiting for it: a wait has a deadline, and fails with a sentence."""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

from pipeline.errors import MoonlightError

T = TypeVar("T")

PATIENCE = 8.0
"""Seconds that whatever has to come may take."""


class Amiss(MoonlightError):
    """A connector does not do what it has to: what was seen."""


class Hearing(Generic[T]):
    """Everything that was said, in order."""

    def __init__(self) -> None:
        self.all: list[T] = []
        self._news = asyncio.Event()

    def take(self, item: T) -> None:
        self.all.append(item)
        self._news.set()

    async def until(self, so: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
        """Wait until that is so; something is heard of each change of it."""
        try:
            async with asyncio.timeout(seconds):
                while not so():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise Amiss(f"{what} did not happen within {seconds:g} s{self.last()}") from None

    def last(self) -> str:
        """What was heard last, for whoever wonders."""
        return f"; the last that was heard: {_short(self.all[-1])}" if self.all else "; nothing was heard"


def must(so: bool, what: str) -> None:
    """`Amiss` where it is not so: what was seen."""
    if not so:
        raise Amiss(what)


def _short(item: object) -> str:
    text = str(item)
    return text if len(text) <= 200 else f"{text[:200]}…"
