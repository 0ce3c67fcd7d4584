"""Connectors that do what a test says, and a desk of them in virtual time."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from pipeline import virtual
from pipeline.border import Border
from pipeline.calendar import Calendars
from pipeline.clocks import LoopClock
from pipeline.connections.contract import Capabilities, Connector, Hear, Holder, Warn
from pipeline.connections.desk import connected
from pipeline.connections.troubles import CallFailed
from pipeline.evidence import Closing, Evidence, Inquiry, Standing, Statement, Trouble
from pipeline.host import Mode
from pipeline.permission import Permission
from pipeline.secret import Login, Practised
from pipeline.steps import Tube
from pipeline.trying import NoRecords
from pipeline.values import Ack, Latch, Order, Past, Settlement
from tests.support import MONDAY, order

DEADLINE = 10.0
Act = CallFailed | BaseException | float | None
"""What a call does: fail, take so many seconds, or nothing special."""
BROKEN = CallFailed("network", "the connection was reset")


def border(mode: Mode = "paper", history: Mapping[int, int] | None = None, speed: float = 1.0) -> Border:
    """A host whose clock is the running loop's, at Monday 10:00 when it begins."""
    return Border(
        mode=mode,
        base=Path(),
        folder=Path(),
        flow="flow",
        clock=LoopClock(asyncio.get_running_loop(), MONDAY, speed),
        history=history or {},
        ledger=NoRecords(),
        calendars=Calendars(),
    )


async def acted(act: Act) -> None:
    if isinstance(act, BaseException):
        raise act
    if act is not None:
        await asyncio.sleep(act)


class Scripted:
    """An account's connection that does what it is told: each list says what the next calls do, in order."""

    def __init__(self, account: str = "demo-1") -> None:
        self.account = account
        self.calls: list[tuple[float, str]] = []
        self.opens: list[Act] = []
        self.follows: list[tuple[float, Act]] = []
        """How long each connection holds, and how it ends; one that is not named holds."""
        self.places: list[Act] = []
        self.clocks: list[Act] = []
        self.statements: list[Act] = []
        self.sells: list[Act] = []
        self.pays: Callable[[str, int], Awaitable[float | None]] = self._pays
        self.hear: Hear | None = None
        self.closed = True
        self.closing = 0.0
        """How long letting go takes (s)."""

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            evidence=Evidence(lists=True),
            streams=True,
            tie="push",
            currencies=frozenset(),
            shortest=1,
            longest=1,
            permission=Permission("a test", rehearsal=True),
            limits=(),
        )

    def times(self, call: str) -> list[float]:
        """The seconds at which something was asked."""
        return [at for at, name in self.calls if name == call]

    async def _does(self, call: str, script: list[Act]) -> None:
        self.calls.append((asyncio.get_running_loop().time(), call))
        await acted(script.pop(0) if script else None)

    async def open(self) -> None:
        assert self.closed, "it was not let go of before"
        self.closed = False
        await self._does("open", self.opens)

    async def follow(self, hear: Hear) -> None:
        self.hear = hear
        self.calls.append((asyncio.get_running_loop().time(), "follow"))
        if not self.follows:
            await asyncio.Event().wait()
        seconds, act = self.follows.pop(0)
        await asyncio.sleep(seconds)
        await acted(act)

    async def place(self, order: Order) -> Ack:
        await self._does("place", self.places)
        return Ack(order.order, f"c-{order.order}", order.at, order.at + order.tf, 0.9)

    async def statement(self, inquiry: Inquiry) -> Statement:
        await self._does("statement", self.statements)
        at = inquiry.at
        return Statement(inquiry.account, inquiry.number, inquiry.since, at, at, contract=inquiry.contract)

    async def sell(self, closing: Closing) -> Settlement:
        await self._does("sell", self.sells)
        return ended(closing.contract, "0.10")

    async def payout(self, product: str, tf: int, stake: Decimal) -> float | None:
        self.calls.append((asyncio.get_running_loop().time(), f"payout {product}"))
        return await self.pays(product, tf)

    async def _pays(self, _product: str, _tf: int) -> float | None:
        return 0.9

    async def clock(self) -> int:
        await self._does("clock", self.clocks)
        return MONDAY

    async def close(self) -> None:
        await asyncio.sleep(self.closing)
        self.closed = True


def ended(name: str, profit: str = "0.90") -> Settlement:
    """The end of a contract."""
    return Settlement(name, "win", Decimal(profit), MONDAY, 1.1, MONDAY + 60_000, 1.2, MONDAY + 60_000)


class Stamped:
    """Logins that somebody may store anew."""

    def __init__(self) -> None:
        self.stamps: dict[str, int] = {}

    def of(self, account: str) -> Login:
        return Practised().of(account)

    def stamp(self, account: str) -> int:
        return self.stamps.get(account, 1)


class Played:
    """A desk of scripted connectors, what it is given, and what it said by when (seconds from the beginning)."""

    def __init__(
        self, connectors: Iterable[Connector], *, quoted: Sequence[tuple[str, int]] = (), speed: float = 1.0
    ) -> None:
        self.by_account: dict[str, Any] = {each.account: each for each in connectors}  # type: ignore[attr-defined]  # a scripted one
        self.logins = Stamped()
        self.orders = Tube[Order | Inquiry | Closing]()
        self.past = Tube[Past | Latch]()
        self.said: list[tuple[float, Any]] = []
        self.failures: list[Exception] = []
        self._quoted, self._speed = quoted, speed

    def make(self, holder: Holder, _warn: Warn) -> Connector:
        return self.by_account[holder.account]

    def play(self, seconds: float, *acts: tuple[float, Callable[[], object]]) -> list[tuple[float, Any]]:
        """Let so many seconds pass in virtual time, with something done at some of them; what was said, and when."""

        async def main(loop: virtual.VirtualLoop) -> None:
            host = border(speed=self._speed)
            holders = {name: Holder(account=name, money="demo", currency="USD") for name in self.by_account}
            stream = connected(
                host,
                self.make,
                holders,
                self.logins,
                quoted=self._quoted,
                payout_every=10_000,
                stake=Decimal(1),
                deadline=DEADLINE,
                orders=self.orders,
                past=self.past,
            )
            subscription = stream.subscribe(lambda said: self.said.append((loop.time(), said)), self.failures.append)
            for at, act in acts:
                loop.call_at(at, act)
            await asyncio.sleep(seconds)
            subscription.dispose()
            await host.left()

        virtual.run(main)
        assert not self.failures
        return self.said

    def send(self, name: str = "o-1", account: str = "demo-1", **changes: Any) -> Callable[[], None]:
        """An order on its way, once called."""
        sent = order("SEND", order=name, account=account, **changes)
        return lambda: self.orders.give(sent)

    def states(self, account: str = "demo-1") -> list[tuple[float, str]]:
        return [(at, each.state) for at, each in self.said if isinstance(each, Standing) and each.account == account]

    def troubles(self, whose: str = "demo-1") -> list[tuple[str, str]]:
        return [(each.kind, each.what) for _, each in self.said if isinstance(each, Trouble) and each.whose == whose]

    def of(self, kind: type[Any]) -> list[Any]:
        return [each for _, each in self.said if isinstance(each, kind)]

    def at(self, kind: type[Any]) -> list[float]:
        return [at for at, each in self.said if isinstance(each, kind)]
