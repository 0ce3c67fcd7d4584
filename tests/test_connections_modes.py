"""The four failures every venue over HTTP has, against a real server on this machine: each drives its own mode."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

from aiohttp import web

from pipeline.connections.budgets import Budgets
from pipeline.connections.contract import Connector, Hear, Holder, Warn
from pipeline.connections.desk import connected
from pipeline.connections.http import Http
from pipeline.connections.troubles import CallFailed
from pipeline.evidence import Closing, Inquiry, Lost, Standing, Trouble, Unsent
from pipeline.host import Host
from pipeline.steps import Tube
from pipeline.values import Ack, Order, Past, Reject
from tests.scripted import Scripted, Stamped, border
from tests.support import MONDAY, order

PATIENCE = 0.4
"""Seconds until a call has failed."""
SPEED = 20.0
"""How much faster than time passes the flow's clock goes, and with it all waits between tries."""


class Server:
    """Answers each path as it is told to, in order, and then well."""

    def __init__(self) -> None:
        self.script: dict[str, list[int | tuple[int, dict[str, str]]]] = {}
        """Statuses, with headers where they matter; 0 is no answer at all."""
        self.asked: list[str] = []
        self.breaks = asyncio.Event()
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        path = request.path
        self.asked.append(path)
        said = self.script.get(path, [])
        status = said.pop(0) if said else 200
        status, headers = status if isinstance(status, tuple) else (status, {})
        if status == 0:
            await self.breaks.wait()
        if path == "/events" and status == 200:
            await self.breaks.wait()
            status = 204
        return web.json_response({"now": MONDAY}, status=status or 200, headers=headers)

    @asynccontextmanager
    async def serving(self) -> AsyncGenerator[None]:
        app = web.Application()
        app.router.add_route("*", "/{any:.*}", self.answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        try:
            yield
        finally:
            self.breaks.set()
            await runner.cleanup()


class Plain(Scripted):
    """The smallest connector over HTTP there can be."""

    def __init__(self, host: Host, url: str) -> None:
        super().__init__()
        self._host, self._url = host, url
        self._budgets = Budgets((), host.now, host.until)
        self._http: Http | None = None

    @property
    def http(self) -> Http:
        assert self._http is not None, "it is open"
        return self._http

    async def open(self) -> None:
        self._http = Http(self._url, hosts=("127.0.0.1",), deadline=PATIENCE, budgets=self._budgets)
        try:
            await self.http.call("POST", "/login", call="login", priority="result", limited=False)
        except CallFailed as failure:
            failure.final = failure.kind == "auth"
            raise

    async def follow(self, hear: Hear) -> None:
        await self.http.call("GET", "/events", call="events", priority="result", deadline=60)
        raise CallFailed("network", "the events ended")

    async def place(self, order: Order) -> Ack:
        await self.http.call("POST", "/orders", call="order", priority="order")
        return Ack(order.order, f"c-{order.order}", order.at, order.at + order.tf, 0.9)

    async def clock(self) -> int:
        return (await self.http.call("GET", "/time", call="time", priority="result")).whole("now")

    async def close(self) -> None:
        if self._http is not None:
            await self._http.close()


class Life:
    """A desk with one account at a server, and what it said."""

    def __init__(self, server: Server) -> None:
        self.server, self.logins = server, Stamped()
        self.orders = Tube[Order | Inquiry | Closing]()
        self.said: list[Any] = []
        self._came = asyncio.Event()

    def send(self, name: str) -> None:
        self.orders.give(order("SEND", order=name))

    async def until(self, state: str, times: int = 1) -> None:
        await self.heard(lambda: self.states().count(state) >= times)

    async def heard(self, enough: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not enough():
                self._came.clear()
                await self._came.wait()

    def states(self) -> list[str]:
        return [each.state for each in self.said if isinstance(each, Standing)]

    def answers(self) -> list[type[Any]]:
        return [type(each) for each in self.said if isinstance(each, Ack | Reject | Unsent | Lost)]

    def take(self, said: Any) -> None:
        self.said.append(said)
        self._came.set()


def lived(play: Callable[[Life], Awaitable[None]], **script: list[int | tuple[int, dict[str, str]]]) -> Life:
    """A life of an account at a server that answers so."""

    async def main() -> Life:
        server = Server()
        server.script = {f"/{path}": statuses for path, statuses in script.items()}
        async with server.serving():
            host, life = border(speed=SPEED), Life(server)

            def make(_: Holder, __: Warn) -> Connector:
                return Plain(host, server.url)

            stream = connected(
                host,
                make,
                {"demo-1": Holder(account="demo-1", money="demo", currency="USD")},
                life.logins,
                quoted=(),
                payout_every=1000,
                stake=Decimal(1),
                deadline=2 * PATIENCE,
                orders=life.orders,
                past=Tube[Past](),
            )
            failures: list[Exception] = []
            subscription = stream.subscribe(life.take, failures.append)
            try:
                await play(life)
            finally:
                subscription.dispose()
                await host.left()
            assert not failures
            return life

    return asyncio.run(main())


def test_401_to_an_order_has_the_login_made_anew_once_and_then_refuses_the_account() -> None:
    async def play(life: Life) -> None:
        await life.until("CONNECTED")
        life.send("o-1")
        await life.until("CONNECTED", 2)
        life.send("o-2")
        await life.until("REFUSED")

    life = lived(play, orders=[401, 401])
    assert life.states() == ["DISCONNECTED", "AUTHENTICATING", "CONNECTED", "REAUTH", "CONNECTED", "REFUSED"]
    assert life.answers() == [Reject, Reject]
    assert life.server.asked.count("/login") == 2
    assert life.server.asked.count("/orders") == 2


def test_401_to_the_login_costs_one_attempt_until_another_login_is_stored() -> None:
    async def play(life: Life) -> None:
        await life.until("REFUSED")
        life.send("o-1")
        assert life.server.asked.count("/login") == 1
        life.logins.stamps["demo-1"] = 2
        await life.until("CONNECTED")

    life = lived(play, login=[401])
    assert life.server.asked.count("/login") == 2
    assert life.answers() == [Unsent]


def test_429_is_waited_out_as_long_as_it_says_and_an_order_that_meets_it_costs_no_connection() -> None:
    async def play(life: Life) -> None:
        await life.until("CONNECTED")
        life.send("o-1")
        await life.heard(lambda: bool(life.answers()))

    life = lived(play, login=[(429, {"Retry-After": "8"})], orders=[(429, {"Retry-After": "8"})])
    moments = {each.state: each.at for each in life.said if isinstance(each, Standing)}
    assert moments["CONNECTED"] - moments["RECONNECT"] >= 8_000
    assert life.answers() == [Reject]
    assert life.states()[-1] == "CONNECTED"
    assert life.server.asked.count("/orders") == 1


def test_503_to_an_order_leaves_it_unknown_and_the_account_read_only_until_the_venue_is_back() -> None:
    async def play(life: Life) -> None:
        await life.until("CONNECTED")
        life.send("o-1")
        await life.until("READ_ONLY")
        life.send("o-2")
        await life.until("CONNECTED", 2)
        life.send("o-3")
        await life.heard(lambda: Ack in life.answers())

    life = lived(play, orders=[503], time=[503, 503])
    assert life.answers() == [Lost, Unsent, Ack]
    assert life.server.asked.count("/orders") == 2
    assert life.server.asked.count("/login") == 1


def test_503_to_the_login_is_read_only_and_asked_again() -> None:
    async def play(life: Life) -> None:
        await life.until("CONNECTED")

    life = lived(play, login=[503, 503, 503])
    assert life.states() == ["DISCONNECTED", "AUTHENTICATING", "READ_ONLY", "CONNECTED"]


def test_an_order_that_is_not_answered_is_lost_and_never_sent_again() -> None:
    async def play(life: Life) -> None:
        await life.until("CONNECTED")
        life.send("o-1")
        await life.heard(lambda: bool(life.answers()))
        life.send("o-2")
        await life.heard(lambda: Ack in life.answers())

    life = lived(play, orders=[0])
    assert life.answers() == [Lost, Ack]
    assert life.server.asked.count("/orders") == 2
    assert [each.kind for each in life.said if isinstance(each, Trouble)] == ["network"]


def test_a_connection_that_ends_is_made_anew_and_a_login_that_hangs_is_tried_again() -> None:
    async def play(life: Life) -> None:
        await life.until("CONNECTED")
        life.server.script["/login"] = [0]
        life.server.breaks.set()
        await life.until("RECONNECT")
        life.server.breaks.clear()
        await life.until("CONNECTED", 2)

    life = lived(play)
    assert life.states()[2:] == ["CONNECTED", "RECONNECT", "CONNECTED"]
    assert life.server.asked.count("/login") == 3
