"""Both ends of the channels for tests: a flow's source on a fast clock, and a publisher that does what it is asked."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import redis.asyncio
from reactivex import Observable
from reactivex.abc import DisposableBase

from pipeline.border import Border
from pipeline.calendar import Calendars
from pipeline.channels.commands import Asked, Backfill, Commands, Warmup
from pipeline.channels.encoding import encoded, parts_of
from pipeline.channels.messages import Message, Ohlcv, PriceTik, Status, WireBar
from pipeline.channels.names import Channel, Names
from pipeline.channels.reading import KINDS
from pipeline.channels.wording import timeframe_of, wire_timeframe
from pipeline.clocks import LoopClock
from pipeline.evidence import Trouble
from pipeline.host import Mode
from pipeline.service import FeedReport
from pipeline.steps import Tube
from pipeline.times import MINUTE, SECOND
from pipeline.trying import NoRecords
from pipeline.values import Bars, Gap, Link, Quotes
from sources.redis import Redis
from tests.redis_server import RedisServer
from tests.support import MONDAY

PATIENCE = 10.0
SPEED = 50.0
OPEN = Status(MONDAY / SECOND, "stream", "open", "ok", "ok", "all is well")


def bar(at: int, tf: str = "1m", price: float = 1.1, *, complete: bool = True) -> WireBar:
    close = at + timeframe_of(tf) - 1
    return WireBar(at, close, price, price + 0.2, price - 0.2, price + 0.1, 7.0, complete, False, "history", tf)


def bars(*opened: int, tf: str = "1m", symbol: str = "EURUSD", complete: bool = True) -> Ohlcv:
    return Ohlcv(symbol, tf, tuple(bar(at, tf, complete=complete) for at in opened))


def tick(at: int, symbol: str = "EURUSD", bid: float = 1.1) -> PriceTik:
    return PriceTik(symbol, bid, bid + 0.0002, bid + 0.0001, at / SECOND, at / SECOND + 1.5)


Source = Callable[[Border, Observable[Gap]], Observable[Any]]


class Ear:
    """A source that listens for a flow."""

    def __init__(self, host: Border, source: Source) -> None:
        self.host, self.heard = host, list[Any]()
        self.gaps = Tube[Gap]()
        self.failure: Exception | None = None
        self._came = asyncio.Event()
        self._subscription: DisposableBase = source(host, self.gaps).subscribe(self._take, self._fail)

    def _take(self, item: Any) -> None:
        self.heard.append(item)
        self._came.set()

    def _fail(self, failure: Exception) -> None:
        self.failure = failure
        self._came.set()

    async def until(self, so: Callable[[], Any]) -> None:
        """Wait until something is true of what was heard."""
        async with asyncio.timeout(PATIENCE):
            while not so():
                assert self.failure is None, self.failure
                self._came.clear()
                await self._came.wait()

    async def at(self, moment: int) -> None:
        """Wait until its clock says so."""
        reached = asyncio.Event()
        self.host.at(moment, reached.set)
        await reached.wait()

    def of(self, *kinds: type[Any]) -> list[Any]:
        return [item for item in self.heard if isinstance(item, kinds)]

    def opened(self, *, fresh: bool, tf: int = MINUTE) -> list[int]:
        """The bars that were given, as new or as past."""
        several: list[Bars] = [item for item in self.of(Bars) if item.tf == tf and (item.fresh > 0) is fresh]
        return [int(at) for item in several for at in item.open_ts]

    def quotes(self) -> list[int]:
        return [int(at) for item in self.of(Quotes) for at in item.ts]

    def links(self) -> list[bool]:
        return [item.up for item in self.of(Link)]

    def sessions(self) -> list[str]:
        return list(dict.fromkeys(item.session for item in self.of(FeedReport)))

    def told(self) -> list[str]:
        return [item.what for item in self.of(Trouble)]

    def close(self) -> None:
        self._subscription.dispose()


@asynccontextmanager
async def listening(
    source: Source,
    base: Path,
    *,
    history: dict[int, int] | None = None,
    begin: int = MONDAY,
    speed: float = SPEED,
    mode: Mode = "paper",
) -> AsyncGenerator[Ear]:
    host = Border(
        mode=mode,
        base=base,
        folder=base,
        flow="test",
        clock=LoopClock(asyncio.get_running_loop(), begin, speed),
        history=history or {},
        ledger=NoRecords(),
        calendars=Calendars(),
    )
    ear = Ear(host, source)
    try:
        yield ear
    finally:
        ear.close()
        await host.left()


class Mouth:
    """A publisher that has some bars, and does what it is asked."""

    def __init__(self, client: Any, host_now: Callable[[], int], secret: bytes = b"") -> None:
        self._client, self._now, self._secret = client, host_now, secret
        self.names = Names()
        self.asked: list[Asked] = []
        self.past: dict[tuple[str, int], list[int]] = {}
        self.came = asyncio.Event()
        self.silent = False
        """Whether it hears and does not answer."""

    async def say(self, *messages: Message) -> None:
        for message in messages:
            channel: Channel = next(name for name, kind in KINDS.items() if isinstance(message, kind))
            await self.raw(channel, encoded(message, MONDAY, self._secret))

    async def raw(self, channel: Channel, raw: bytes) -> None:
        await self._client.publish(self.names.channel(channel), raw)

    async def keep(self, status: Status) -> None:
        await self._client.set(self.names.snapshot("status"), encoded(status, MONDAY))

    async def answer(self, targets: Iterable[tuple[str, int]]) -> None:
        """Do what is asked, for ever."""
        commands = Commands(tuple(targets), 10, secret=self._secret, signed_only=bool(self._secret))
        async with self._client.pubsub(ignore_subscribe_messages=True) as heard:
            await heard.subscribe(self.names.channel("commands"))
            self.came.set()
            while True:
                message = await heard.get_message(timeout=None)
                if message is not None:
                    self.asked.append(asked := commands.heard(message["data"], self._now()))
                    self.came.set()
                    await self._done(asked)

    async def _done(self, asked: Asked) -> None:
        if self.silent or not isinstance(asked, Warmup | Backfill):
            return
        opened = self.past.get((asked.product, asked.tf), [])
        if isinstance(asked, Warmup):
            opened = opened[-asked.bars :]
        else:
            opened = [at for at in opened if at >= self._now() - asked.minutes * MINUTE]
        if opened:
            message = bars(*opened, tf=wire_timeframe(asked.tf), symbol=asked.product)
            await self.say(*parts_of(message, 40))


@asynccontextmanager
async def speaking(
    server: RedisServer,
    now: Callable[[], int] = lambda: MONDAY,
    targets: Iterable[tuple[str, int]] = (),
    secret: bytes = b"",
) -> AsyncGenerator[Mouth]:
    async with cast("Any", redis.asyncio.Redis).from_url(server.url) as client:
        mouth = Mouth(client, now, secret)
        answering = asyncio.create_task(mouth.answer(targets)) if targets else None
        try:
            if answering is not None:
                await mouth.came.wait()
            yield mouth
        finally:
            if answering is not None:
                answering.cancel()
                await asyncio.wait((answering,))


def listener(server: RedisServer, **keys: Any) -> Redis:
    settings: dict[str, Any] = {"products": ("EURUSD",), "url": server.url, **keys}
    return Redis(**settings)
