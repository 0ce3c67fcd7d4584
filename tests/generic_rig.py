"""What tests of the connector over HTTP need: a practice venue that speaks it, and accounts at it."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec.structs
from aiohttp import web

from pipeline.broker.app import Served, serving
from pipeline.broker.core import Broker
from pipeline.broker.faults import Fault
from pipeline.broker.generic import Generic
from pipeline.broker.generic_calls import Manners
from pipeline.broker.settings import Account, Settings
from pipeline.clocks import Clock, LoopClock
from pipeline.connections.budgets import Common
from pipeline.connections.contract import Holder, Limit, Told
from pipeline.evidence import Evidence, Inquiry, Money, Trouble
from pipeline.generic.connector import GenericConnector
from pipeline.generic.contracts import Symbols
from pipeline.generic.feed import GenericFeed
from pipeline.generic.site import site_of
from pipeline.generic.terms import SCOPES, Terms
from pipeline.permission import Permission
from pipeline.secret import Login, Practised
from pipeline.times import MINUTE, parse_moment
from pipeline.values import Order

BEGAN = parse_moment("2026-01-05T10:00:00Z")
WIDE = (Limit("requests", frozenset(), 100_000, reserve=1000),)
EVIDENCE = Evidence(lists=True, echoes=True, once=True, late_ms=2000, closes=True, stamps_ms=2000)
DEADLINE = 10.0
"""Seconds after which a test that waits has failed."""


@dataclass
class Here:
    """Somebody outside, on a clock."""

    clock: Clock
    base: Path = Path()
    ahead: int = 0
    """How far the clock here is ahead of the venue's (ms)."""

    def now(self) -> int:
        return self.clock.now() + self.ahead

    async def until(self, at: int) -> None:
        come = asyncio.Event()
        planned = self.clock.at(at - self.ahead, come.set)
        try:
            await come.wait()
        finally:
            planned.cancel()


@dataclass
class Heard:
    """What a connector tells by itself."""

    told: list[Told] = field(default_factory=list[Told])
    troubles: list[Trouble] = field(default_factory=list[Trouble])
    _more: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, told: Told) -> None:
        self.told.append(told)
        self._more.set()

    def warn(self, trouble: Trouble) -> None:
        self.troubles.append(trouble)
        self._more.set()

    async def until(self, enough: Callable[[], bool]) -> None:
        """Wait until that is so; something is heard of every change."""
        async with asyncio.timeout(DEADLINE):
            while not enough():
                self._more.clear()
                await self._more.wait()


@dataclass
class Venue:
    """A practice venue that listens, and all that is needed to talk to it."""

    served: Served
    face: Generic
    here: Here
    heard: Heard
    stack: AsyncExitStack

    @property
    def broker(self) -> Broker:
        return self.served.broker

    @property
    def url(self) -> str:
        return f"{self.served.url}/v1"

    def strike(self, **fault: Any) -> None:
        self.broker.faults.set(Fault(**fault), self.broker.now())

    def terms(self, **changes: Any) -> Terms:
        site = site_of(self.url, "", (), changes.pop("deadline", 2.0), practice=True)
        made = Terms(
            site=site,
            symbols=Symbols({}),
            evidence=EVIDENCE,
            tie="lose",
            permission=Permission("a rehearsal", rehearsal=True),
            limits=WIDE,
            streams=True,
            poll_ms=1000,
            payout_slack=0.01,
            most_apart_ms=60_000,
            scopes=SCOPES,
            practice=True,
            speed=self.here.clock.speed,
        )
        return replace(made, **changes)

    def connector(
        self,
        account: str = "demo-1",
        *,
        money: Money = "practice",
        currency: str = "USD",
        login: Callable[[], Login] | None = None,
        common: Common | None = None,
        **changes: Any,
    ) -> GenericConnector:
        holder = Holder(account=account, money=money, currency=currency)
        login = login or (lambda: Practised().of(account))
        made = GenericConnector(self.terms(**changes), holder, login, self.here, self.heard.warn, common)
        self.stack.push_async_callback(made.close)
        return made

    def follow(self, account: GenericConnector) -> "asyncio.Future[None]":
        """Hear what the account's broker tells, until the test is over."""
        following = asyncio.ensure_future(account.follow(self.heard.hear))

        async def end() -> None:
            following.cancel()
            await asyncio.wait((following,))

        self.stack.push_async_callback(end)
        return following

    async def opened(self, account: str = "demo-1", **changes: Any) -> GenericConnector:
        made = self.connector(account, **changes)
        await made.open()
        return made

    def feed(self, *, streams: bool = True, **changes: Any) -> GenericFeed:
        site = site_of(self.url, "", (), changes.pop("deadline", 2.0), practice=True)
        made = GenericFeed(
            site, Symbols({}), WIDE, 1000, self.here, self.heard.warn, name="market", streams=streams, **changes
        )
        self.stack.push_async_callback(made.close)
        return made

    def order(self, number: int = 1, **changes: Any) -> Order:
        now = self.here.now()
        made = Order(
            order=f"demo-1:R_100:1m:{number}",
            account="demo-1",
            product="R_100",
            tf=MINUTE,
            bar=now // MINUTE * MINUTE,
            direction="call",
            stake=Decimal("1.00"),
            payout=0.9,
            state="SEND",
            at=now,
            request=f"request-{number}",
            sent_at=now,
        )
        return replace_struct(made, changes)

    def inquiry(self, number: int = 1, contract: str = "", account: str = "demo-1") -> Inquiry:
        return Inquiry(account, number, BEGAN - MINUTE, self.here.now(), contract)


def replace_struct(order: Order, changes: dict[str, Any]) -> Order:
    return msgspec.structs.replace(order, **changes)


@asynccontextmanager
async def venue(
    *, speed: float = 600.0, manners: Manners | None = None, tmp: Path | None = None, **settings: Any
) -> AsyncGenerator[Venue]:
    """A practice venue of the usual four accounts; its clock goes so many times as fast as time passes."""
    accounts = settings.pop("accounts", {f"demo-{each}": Account() for each in (1, 2, 3, 4)})
    clock = LoopClock(asyncio.get_running_loop(), BEGAN, speed)
    faces: list[Generic] = []

    def add(app: web.Application, broker: Broker) -> None:
        face = Generic(broker, broker.faults, broker.limits, manners)
        face.add_to(app)
        faces.append(face)

    made = Settings(port=0, speed=speed, accounts=accounts, limits=settings.pop("limits", False), **settings)
    async with serving(made, clock=clock, faces=(add,)) as served, AsyncExitStack() as stack:
        yield Venue(served, faces[0], Here(clock, tmp or Path()), Heard(), stack)


def run(main: Any) -> None:
    asyncio.run(asyncio.wait_for(main, 3 * DEADLINE))
