"""What may be looked at: how the engine fares, its keys, its products."""

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from msgspec import Struct

from pipeline.aside import Asking
from pipeline.control.limits import SOCKETS
from pipeline.control.routing import API_VERSION, Nothing, Route
from pipeline.ledger.tables import VERSION
from pipeline.told.words import Name, Timeframe
from pipeline.view import EngineState, Hello, KeyRow, PriceRow, Status, StreamRow, View


@dataclass
class Lines:
    """How many lines are open now."""

    consoles: int = 0
    channels: int = 0

    @contextmanager
    def one_more(self, *, channel: bool) -> Generator[None]:
        """While it is open."""
        self.consoles, self.channels = self.consoles + (not channel), self.channels + channel
        try:
            yield
        finally:
            self.consoles, self.channels = self.consoles - (not channel), self.channels - channel


class Vitals(Struct, frozen=True):
    """What the process takes of its machine."""

    cpu_pct: float
    """Of one core, since it was looked at before."""
    mem_mb: float


class Service(Struct, frozen=True):
    """The program that answers."""

    state: EngineState
    uptime_s: float
    tz: str
    version: str
    pid: int
    flow: str
    mode: Literal["paper", "live", "replay"]


class Core(Struct, frozen=True):
    """What works in it: keys, and what they take of the machine."""

    workers: int
    cpu_pct: float
    mem_mb: float


class AccountShort(Struct, frozen=True):
    """An account in one line."""

    id: str
    money: str
    state: str
    """connected, or how it stands with its venue."""
    stopped: str
    armed: bool


class Sockets(Struct, frozen=True):
    """The lines that are open now."""

    consoles: int
    channels: int
    most: int


class Overview(Struct, frozen=True):
    """How the service, its accounts and its keys fare; `engine` is the whole of it."""

    api_version: str
    schema_version: int
    """Of the ledger: it rises when what is kept changes its shape."""
    config_version: str
    """The hash of the flow that runs; another one after each change of it."""
    service: Service
    core: Core
    accounts: tuple[AccountShort, ...]
    ws: Sockets
    engine: Status


class WorkersAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """Which keys; what is left out means all."""

    account: Name = ""
    product: Name = ""
    timeframe: Timeframe = ""
    state: Name = ""
    """As in a row: RUN, CLOSED, STALE, FROZEN …"""


class Workers(Struct, frozen=True):
    """Keys as they are now."""

    workers: tuple[KeyRow, ...]


class Product(Struct, frozen=True):
    """A product: its last price, and its bars by timeframe."""

    product: str
    price: PriceRow
    streams: tuple[StreamRow, ...]


class Products(Struct, frozen=True):
    """All products of the flow's sources."""

    products: tuple[Product, ...]


class Looks:
    """Looks at the engine in turns of its own loop, where it is never half changed."""

    def __init__(
        self, view: View, ask: Asking, lines: Lines, vitals: Callable[[], Vitals], config: Callable[[], str]
    ) -> None:
        self._view, self._ask, self._lines = view, ask, lines
        self._vitals, self._config = vitals, config
        self._began = asyncio.get_running_loop().time()

    async def status(self, _: Nothing, __: None) -> Overview:
        hello, status = await self._ask(lambda: (self._view.hello(), self._view.status()))
        vitals = self._vitals()
        return Overview(
            api_version=API_VERSION,
            schema_version=VERSION,
            config_version=self._config(),
            service=self._service(hello, status),
            core=Core(status.keys, vitals.cpu_pct, vitals.mem_mb),
            accounts=tuple(
                AccountShort(each.name, each.money, each.standing or "CONNECTED", each.stopped, each.armed)
                for each in status.accounts
            ),
            ws=Sockets(self._lines.consoles, self._lines.channels, SOCKETS),
            engine=status,
        )

    def _service(self, hello: Hello, status: Status) -> Service:
        uptime = asyncio.get_running_loop().time() - self._began
        return Service(
            status.state, round(uptime, 3), hello.display_timezone, hello.version, hello.pid, hello.flow, hello.mode
        )

    async def workers(self, asked: WorkersAsked, _: None) -> Workers:
        changes = await self._ask(lambda: self._view.keys(0))
        return Workers(
            tuple(
                row
                for row in changes.rows
                if asked.account in ("", row.account)
                and asked.product in ("", row.product)
                and asked.timeframe in ("", row.timeframe)
                and asked.state in ("", row.state)
            )
        )

    async def products(self, _: Nothing, __: None) -> Products:
        feed = await self._ask(self._view.feed)
        return Products(
            tuple(
                Product(price.product, price, tuple(row for row in feed.streams if row.product == price.product))
                for price in feed.prices
            )
        )


ROUTES = (
    Route(
        method="GET",
        path="/status",
        name="status",
        does="How the service, its accounts and its keys fare.",
        call=Looks.status,
        query=Nothing,
        answer=Overview,
    ),
    Route(
        method="GET",
        path="/workers",
        name="workers",
        does="Every key (account, product, timeframe) as it is now.",
        call=Looks.workers,
        query=WorkersAsked,
        answer=Workers,
    ),
    Route(
        method="GET",
        path="/products",
        name="products",
        does="Every product: its last price, and how its bars of each timeframe come.",
        call=Looks.products,
        query=Nothing,
        answer=Products,
    ),
)
