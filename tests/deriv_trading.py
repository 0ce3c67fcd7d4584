"""One account of Deriv's protocol at a practice venue on this machine, in the loop of a test."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from pipeline.broker.app import Served, serving
from pipeline.broker.core import Broker
from pipeline.broker.faults import Fault
from pipeline.broker.settings import Settings
from pipeline.connections.contract import Holder, Told
from pipeline.connections.troubles import CallFailed
from pipeline.deriv.connector import DerivConnector
from pipeline.evidence import Inquiry, Statement, Trouble
from pipeline.secret import Logins, Practised
from pipeline.times import SECOND
from pipeline.values import Ack, Direction, Order, Settlement
from sinks.deriv import Deriv

PATIENCE = 10.0
"""Seconds after which a test that waits has failed."""
SPEED = 60.0
SHORT = 15 * SECOND
"""A quarter of a second of ours."""
HOLDER = Holder(account="demo-1", money="practice", currency="USD")


class Outside:
    """The venue's clock as a host's."""

    def __init__(self, broker: Broker) -> None:
        self.base = Path()
        self._clock = broker.clock

    def now(self) -> int:
        return self._clock.now()

    async def until(self, at: int) -> None:
        reached = asyncio.get_running_loop().create_future()
        planned = self._clock.at(at, lambda: None if reached.done() else reached.set_result(None))
        try:
            await reached
        finally:
            planned.cancel()


@dataclass
class Trader:
    """An account that is connected, and all that is heard of it."""

    served: Served
    connector: DerivConnector
    outside: Outside
    heard: list[Told] = field(default_factory=list[Told])
    troubles: list[Trouble] = field(default_factory=list[Trouble])
    news: asyncio.Event = field(default_factory=asyncio.Event)
    following: "asyncio.Task[None] | None" = None
    ordered: int = 0

    @property
    def broker(self) -> Broker:
        return self.served.broker

    def hear(self, told: Told) -> None:
        self.heard.append(told)
        self.news.set()

    def warn(self, trouble: Trouble) -> None:
        self.troubles.append(trouble)
        self.news.set()

    @property
    def ends(self) -> list[Settlement]:
        return [each for each in self.heard if isinstance(each, Settlement)]

    def bought(self) -> list[Any]:
        """The contracts that the venue has of the account."""
        return [*self.broker.open_contracts("demo-1"), *self.broker.ended_contracts("demo-1")]

    async def connect(self) -> None:
        await self.connector.open()
        self.following = asyncio.create_task(self.connector.follow(self.hear))

    async def leave(self) -> CallFailed | None:
        """Let go of the connection; how it had ended, if it had."""
        following, self.following = self.following, None
        await self.connector.close()
        if following is None:
            return None
        following.cancel()
        with suppress(asyncio.CancelledError):
            try:
                await following
            except CallFailed as failed:
                return failed
        return None

    def order(
        self, direction: Direction = "call", stake: str = "10.00", product: str = "R_100", tf: int = SHORT
    ) -> Order:
        """An order that leaves now, wanted at the payout that is usual."""
        self.ordered += 1
        now = self.outside.now()
        name = f"demo-1:{product}:{tf}:{self.ordered}"
        return Order(
            order=name,
            account="demo-1",
            product=product,
            tf=tf,
            bar=now // tf * tf,
            direction=direction,
            stake=Decimal(stake),
            payout=0.95,
            state="SEND",
            at=now,
            request=f"r{self.ordered}",
            sent_at=now,
            wanted_at=now,
        )

    async def buy(self, *args: Any, **keys: Any) -> Ack:
        return await self.connector.place(self.order(*args, **keys))

    async def stated(self, since: int = 0, contract: str = "") -> Statement:
        return await self.connector.statement(Inquiry("demo-1", 1, since, self.outside.now(), contract))

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until something that is heard makes it true."""
        async with asyncio.timeout(PATIENCE):
            while not true():
                self.news.clear()
                await self.news.wait()

    async def later(self, millis: int) -> None:
        """Let so much of the venue's time pass."""
        await self.outside.until(self.outside.now() + millis)

    async def second_over(self) -> None:
        """Wait until what happened now is of a second that is over: only then a statement has it."""
        await self.later(2 * SECOND)


@asynccontextmanager
async def trading(
    *faults: Fault,
    deadline: float = 0.4,
    connect: bool = True,
    logins: Logins | None = None,
    holder: Holder = HOLDER,
    settings: Settings | None = None,
    **keys: Any,
) -> AsyncGenerator[Trader]:
    made = settings or Settings(begin="2026-01-05T08:00:00Z")
    made = replace(made, port=0, memory="", speed=SPEED, faults=faults)
    async with serving(made) as served:
        part = Deriv(url=served.url, practice=True, speed=SPEED, **keys)
        manner = replace(part.manner, deadline=deadline)
        outside = Outside(served.broker)
        trader: Trader | None = None

        def warn(trouble: Trouble) -> None:
            assert trader is not None
            trader.warn(trouble)

        connector = DerivConnector(manner, holder, logins or Practised(), warn, outside.now, outside.until)
        trader = Trader(served, connector, outside)
        try:
            if connect:
                await trader.connect()
            yield trader
        finally:
            await trader.leave()


def played(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a test of the network, no longer than it can take."""

    async def main() -> None:
        async with asyncio.timeout(6 * PATIENCE):
            await test()

    asyncio.run(main())


async def failure_of(call: Awaitable[Any]) -> CallFailed:
    """How a call fails that must fail."""
    try:
        told = await call
    except CallFailed as failed:
        return failed
    raise AssertionError(f"it did not fail, it gave {told}")


async def outcome(call: Awaitable[Ack]) -> tuple[str, str]:
    """The contract of an order, and what is certain of it."""
    try:
        return (await call).contract, "bought"
    except CallFailed as failed:
        return "", failed.fate


def results(ends: Iterable[Settlement]) -> list[tuple[str, str, Decimal]]:
    return [(each.order, each.result, each.profit) for each in ends]
