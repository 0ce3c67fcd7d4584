"""How long the practice venue takes to answer, drawn from its seed: the same for the same answers of an account."""

from collections import deque
from collections.abc import Callable
from zlib import crc32

from numpy.random import PCG64, Generator

from pipeline.clocks import Act

MOST = 1024
"""Whoever asks may call themselves as they like: so many are told apart."""


class Latency:
    """`least` ms of the venue's clock, and up to `jitter` more, each as likely as another."""

    def __init__(self, seed: int, least: int, jitter: int) -> None:
        self._seed, self._least, self._jitter = seed, least, jitter
        self._drawing: dict[int, Generator] = {}

    def draw(self, account: str) -> int:
        """How long the next answer to an account takes: nothing another account asks changes it."""
        if not self._jitter:
            return self._least
        whose = crc32(account.encode(errors="replace")) % MOST
        drawing = self._drawing.setdefault(whose, Generator(PCG64((self._seed, whose))))
        return self._least + int(drawing.integers(self._jitter, endpoint=True))


class Lagging:
    """A socket's way to its client: what sets out arrives later, and in the order in which it set out."""

    def __init__(
        self,
        draw: Callable[[], int],
        now: Callable[[], int],
        at: Callable[[int, Act], object],
        send: Callable[[str], None],
    ) -> None:
        self._draw, self._now, self._at, self._send = draw, now, at, send
        self._under_way = deque[str]()
        self._last = 0
        """When the last of them arrives."""

    def send(self, text: str) -> None:
        now = self._now()
        moment = now + self._draw()
        if self._under_way:
            moment = max(moment, self._last)
        elif moment == now:
            self._send(text)
            return
        self._last = moment
        self._under_way.append(text)
        self._at(moment, self._arrive)

    def close(self) -> None:
        self._under_way.clear()

    def _arrive(self) -> None:
        """One of them is there: of those that are due at one moment the first to set out."""
        if self._under_way:
            self._send(self._under_way.popleft())
