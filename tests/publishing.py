"""What tests of publishing need: bars in short, a publisher's flow, and what came over a real Redis."""

import asyncio
import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Self, TypeVar

import numpy as np
from redis.asyncio import from_url

from pipeline.border import Border
from pipeline.calendar import Calendars
from pipeline.channels.names import Names
from pipeline.clocks import LoopClock
from pipeline.publishing.publisher import Publisher
from pipeline.publishing.terms import Terms
from pipeline.publishing.thresholds import Thresholds
from pipeline.publishing.wires import Wire
from pipeline.times import MINUTE
from pipeline.trying import NoRecords
from pipeline.values import NEXT_TICK, Bars, Forming, Quotes
from tests.redis_server import RedisServer
from tests.support import MONDAY

DEADLINE = 10.0
T = TypeVar("T")


def bars(
    begin: int, slots: Iterable[int], *, product: str = "EURUSD", tf: int = MINUTE, fresh: int | None = None,
    closed_by: int = NEXT_TICK, price: float = 1.1,
) -> Bars:  # fmt: skip
    """Bars of some slots after a moment, all new unless it is said how many are."""
    opened = begin + np.array(list(slots), np.int64) * tf
    rows = len(opened)
    flat = np.full(rows, price)
    ticks = np.full(rows, 3, np.int32)
    none = np.zeros(rows, np.int32)
    kinds = np.full(rows, closed_by, np.int8)
    return Bars(
        product, tf, opened, flat, flat + 0.001, flat - 0.001, flat, flat, opened + tf, kinds, ticks, none,
        rows if fresh is None else fresh,
    )  # fmt: skip


def finals(messages: Iterable[tuple[str, dict[str, Any]]]) -> list[tuple[str, str, int]]:
    """Every final bar of some messages: symbol, timeframe and opening, in order."""
    return [
        (message["symbol"], message["tf"], bar["open_time"])
        for channel, message in messages
        if channel == "ohlcv"
        for bar in message["bars"]
        if bar["complete"]
    ]


class Heard:
    """What an independent client of a Redis hears on all channels under a prefix, in order."""

    def __init__(self, server: RedisServer, prefix: str = "fxcm") -> None:
        self._server, self._prefix = server, prefix
        self.messages: list[tuple[str, dict[str, Any]]] = []
        self._news = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._client: Any = from_url(self._server.url)
        self._heard: Any = self._client.pubsub()
        await self._heard.psubscribe(f"{self._prefix}:*")
        first = await self._heard.get_message(timeout=DEADLINE)
        assert first is not None
        self._task = asyncio.create_task(self._listen())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError, ConnectionError):
            await self._task
        await self._heard.aclose()
        await self._client.aclose()

    async def _listen(self) -> None:
        while True:
            message = await self._heard.get_message(timeout=DEADLINE)
            if message is not None and message["type"] == "pmessage":
                self.messages.append((message["channel"].decode().partition(":")[2], json.loads(message["data"])))
                self._news.set()

    def of(self, channel: str) -> list[dict[str, Any]]:
        return [message for name, message in self.messages if name == channel]

    @property
    def finals(self) -> list[tuple[str, str, int]]:
        return finals(self.messages)

    async def until(self, fits: Callable[[], bool]) -> None:
        """Wait until what was heard fits."""
        async with asyncio.timeout(DEADLINE):
            while not fits():
                self._news.clear()
                await self._news.wait()


class Rig:
    """A publisher without a flow: it is told by hand, and what it gives is kept."""

    def __init__(
        self, folder: Path, make: "Callable[[Rig], Wire]", *, begin: int = MONDAY, speed: float = 20, **terms: Any
    ) -> None:
        self.folder, self._make = folder, make
        self._begin, self._speed, self._terms = begin, speed, terms
        self.given: list[Any] = []
        self._news = asyncio.Event()

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self.host = Border(
            mode="paper", base=self.folder, folder=self.folder, flow="flow",
            clock=LoopClock(loop, self._begin, self._speed), history={MINUTE: 10, 5 * MINUTE: 10},
            ledger=NoRecords(), calendars=Calendars(),
        )  # fmt: skip
        self.publisher = Publisher(self.host, terms(**self._terms), lambda: self._make(self), self._gave)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.publisher.close()
        await self.host.left()

    def _gave(self, value: Any) -> None:
        self.given.append(value)
        self._news.set()

    def of(self, kind: type[T]) -> list[T]:
        return [each for each in self.given if isinstance(each, kind)]

    async def until(self, fits: Callable[[], bool]) -> None:
        """Wait until what it gave fits."""
        async with asyncio.timeout(DEADLINE):
            while not fits():
                self._news.clear()
                await self._news.wait()

    def quote(self, product: str = "EURUSD", price: float = 1.1) -> None:
        """A price of now."""
        now = self.host.now()
        stamp = np.array([now], np.int64)
        self.publisher.hear(Quotes(product, stamp, stamp, np.array([price]), np.array([price + 0.0001])))

    def minutes(self, first: int, last: int, product: str = "EURUSD") -> None:
        """Final bars of some minutes from the beginning on, as the flow makes them."""
        self.publisher.take(bars(self._begin, range(first, last), product=product))

    def forming(self, slot: int, price: float = 1.1, product: str = "EURUSD") -> None:
        at = self._begin + slot * MINUTE
        self.publisher.take(Forming(product, MINUTE, at, price, price, price, price, 1.0, at + 10))


def terms(**changes: Any) -> Terms:
    usual: dict[str, Any] = {
        "name": "redis",
        "file_only": False,
        "names": Names(),
        "limits": Thresholds(),
        "timeframes": (MINUTE, 5 * MINUTE),
        "live": True,
        "snapshot_every": 3000,
        "heartbeat_every": 5000,
        "status_every": 30_000,
        "warmup_bars": 100,
        "cache_bars": 1000,
        "queued_bars": 1000,
        "snapshot_keys": False,
        "commands": False,
        "max_targets": 10,
        "signed_only": False,
        "secret": b"",
    }
    return Terms(**(usual | changes))
