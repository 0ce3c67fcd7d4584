"""A practice venue that listens on this machine: one port, all its protocols, and its clock."""

import asyncio
import os
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from pipeline.broker.admin import ADMIN_FILE, Admin, refused
from pipeline.broker.core import Broker
from pipeline.broker.faces import FACES, AddFace
from pipeline.broker.prices import Prices
from pipeline.broker.replayed import replayed
from pipeline.broker.settings import Settings
from pipeline.broker.store import Store
from pipeline.clocks import Clock, LoopClock
from pipeline.errors import InputError, MoonlightError
from pipeline.private import kept_token

LOOPBACK = "127.0.0.1"
LARGEST_BODY = 64 * 1024
BACKLOG = 128
EVERY = 5.0
"""Seconds after which it is kept again where the clock stands."""
LEAVING = 2.0
"""Seconds that clients have to be answered when it ends."""


@dataclass(frozen=True)
class Served:
    """A venue that listens."""

    broker: Broker
    port: int
    admin: str
    """The token of /admin; "" where there is no folder to keep one in."""

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def socket_url(self) -> str:
        return f"ws://{LOOPBACK}:{self.port}"


@asynccontextmanager
async def serving(
    settings: Settings,
    folder: Path | None = None,
    *,
    wall: Callable[[], int] | None = None,
    clock: Clock | None = None,
    prices: Prices | None = None,
    faces: Sequence[AddFace] = FACES,
) -> AsyncGenerator[Served]:
    """A venue on the loop that runs, until the block ends. Without a folder it has neither memory nor admin.

    `wall` says what time it is outside, which a venue whose file names no beginning goes by; `clock` is one to be
    driven by instead.
    """
    listening = _listening(settings.port)
    port = listening.getsockname()[1]
    try:
        store = Store.opened(folder / settings.memory) if folder is not None and settings.memory else None
    except BaseException:
        listening.close()
        raise
    broker: Broker | None = None
    runner: web.AppRunner | None = None
    standing: _Standing | None = None
    try:
        began = settings.starts_at(wall)
        if settings.prices and prices is None:
            prices = again = replayed(Path(settings.prices), settings.catalogue)
            began = began if settings.begin else again.first
        if store is not None and clock is None:
            began = store.going_on(began, wall)
        clock = clock or LoopClock(asyncio.get_running_loop(), began, settings.speed)
        if store is not None and wall is not None:
            standing = _Standing(store, clock, settings.speed, wall)
        broker = Broker(settings, clock, prices, None if store is None else store.left(clock.now()))
        token = kept_token(folder / ADMIN_FILE) if folder is not None else ""
        runner = web.AppRunner(
            _application(broker, port, token, faces), handle_signals=False, access_log=None, shutdown_timeout=LEAVING
        )
        await runner.setup()
        await web.SockSite(runner, listening).start()
        yield Served(broker, port, token)
    finally:
        if runner is not None:
            await runner.cleanup()
        listening.close()
        if standing is not None:
            standing.end()
        if broker is not None:
            broker.close()
        elif store is not None:
            store.close()


class _Standing:
    """Keeps where the clock stands, now and then."""

    def __init__(self, store: Store, clock: Clock, speed: float, wall: Callable[[], int]) -> None:
        self._store, self._clock, self._speed, self._wall = store, clock, speed, wall
        self._loop = asyncio.get_running_loop()
        self._again()

    def end(self) -> None:
        self._next.cancel()
        self._keep()

    def _again(self) -> None:
        self._next = self._loop.call_later(EVERY, self._again)
        self._keep()

    def _keep(self) -> None:
        self._store.stand(self._clock.now(), self._wall(), self._speed)


def _application(broker: Broker, port: int, token: str, faces: Sequence[AddFace]) -> web.Application:
    app = web.Application(middlewares=[_own_hosts(port)], client_max_size=LARGEST_BODY)
    Admin(broker, token).add_to(app)
    for add in faces:
        add(app, broker)
    return app


def _own_hosts(port: int) -> Callable[..., Awaitable[web.StreamResponse]]:
    hosts = {f"{LOOPBACK}:{port}", f"localhost:{port}"}
    origins = {f"{scheme}://{host}" for scheme in ("http", "ws") for host in hosts}

    @web.middleware
    async def let_in(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Only programs on this machine: a page of another site in a browser here is not one of them."""
        if request.headers.get("Host") not in hosts:
            return refused(421, f"this venue answers to {' and '.join(sorted(hosts))} only")
        if request.headers.get("Origin") not in (None, *origins):
            return refused(403, "this venue does not answer to pages of other sites")
        try:
            return await handler(request)
        except MoonlightError as failure:
            # Such as a disk that is full: whoever runs the loop decides what becomes of the venue.
            asyncio.get_running_loop().call_exception_handler({"message": str(failure), "exception": failure})
            return refused(503, "this venue has failed")

    return let_in


def _listening(port: int) -> socket.socket:
    try:
        return socket.create_server((LOOPBACK, port), backlog=BACKLOG)
    except (OSError, OverflowError) as problem:
        why = os.strerror(problem.errno) if isinstance(problem, OSError) and problem.errno else problem
        sentence = f"cannot listen on {LOOPBACK}:{port} ({why}); choose another port, or 0 for any free one"
        raise InputError(sentence) from None
