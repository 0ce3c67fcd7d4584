"""The engine's server on loopback: it answers whoever holds the token, and waits for nobody.

Whoever holds the token may look, start and stop, and ask for what an engine does anyway; no order can be placed by it,
and no real money armed.
"""

import asyncio
import os
import secrets
import socket
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import cast

import msgspec
from aiohttp import WSCloseCode, web

from pipeline.control.controls import Controls
from pipeline.control.errors import Refused, refused
from pipeline.control.limits import CONNECTIONS, IDLE, SOCKETS
from pipeline.control.openapi import MATCH, document
from pipeline.control.routing import PREFIX, Served
from pipeline.control.settings import Api
from pipeline.errors import MoonlightError
from pipeline.private import write_private
from pipeline.view import ENGINE_FILE, TOKEN_FILE, Hello, Whereabouts
from sinks.api.channels import attend_channels, topics_of
from sinks.api.consoles import Console
from sinks.api.guarding import Guard, refuse_form, same_user
from sinks.api.handling import PLAIN, Connection, answered, failed
from sinks.api.line import Line
from sinks.api.listening import LOOPBACK, SOCKET_FILE, port_of, tls_of, unix_socket_of
from sinks.api.pages import page_of

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
PUBLIC = frozenset(f"{prefix}/{name}" for prefix in ("", PREFIX) for name in ("openapi.json", "docs"))
"""What is the same for every engine, and tells nothing of this one."""


class Desk:
    """Listens on 127.0.0.1 and on a Unix socket in `folder`, where its token is; `controls` is what may be asked."""

    def __init__(self, controls: Controls, folder: Path, settings: Api | None = None, base: Path | None = None) -> None:
        self._controls = controls
        self._folder = folder
        self._settings = settings or Api()
        self._base = base or folder
        self._guard = Guard(b"")
        self._here = b""
        self._runner: web.AppRunner | None = None
        self._listening: list[asyncio.Server] = []
        self._connections: dict[Connection, str] = {}
        self._open: set[Line] = set()

    async def start(self) -> str:
        """Listen, write the token and where to find it, and give the address."""
        tls = tls_of(self._settings, self._base)
        port, local = self._sockets()
        self._guard = Guard(secrets.token_hex(32).encode(), "http" if tls is None else "https", port.getsockname()[1])
        app = web.Application(middlewares=[self._let_in])
        self._add_routes(app)
        self._runner = web.AppRunner(app, handle_signals=False, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        loop = asyncio.get_running_loop()
        handshake = None if tls is None else IDLE
        make = partial(self._connection, "port")
        self._listening.append(await loop.create_server(make, sock=port, ssl=tls, ssl_handshake_timeout=handshake))
        if local is not None:
            self._listening.append(await loop.create_unix_server(partial(self._connection, "socket"), sock=local))
        return self._announce(await self._controls.ask(self._controls.view.hello), local is not None)

    def _sockets(self) -> tuple[socket.socket, socket.socket | None]:
        """The port's and, where it is wanted and there are such, the Unix socket's."""
        port = port_of(self._settings.port)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            return port, unix_socket_of(self._folder) if self._settings.socket else None
        except BaseException:
            port.close()
            raise

    async def stop(self) -> None:
        """Send every line away and take the files back."""
        if self._runner is None:
            return
        for each in self._listening:
            each.close()
        await asyncio.gather(*(line.close(WSCloseCode.GOING_AWAY, "the engine stops") for line in self._open))
        await self._runner.cleanup()
        self._runner = None
        if _remove_own(self._folder / ENGINE_FILE, self._here) and self._settings.socket:
            with suppress(FileNotFoundError):
                (self._folder / SOCKET_FILE).unlink()
        _remove_own(self._folder / TOKEN_FILE, self._guard.token)

    def _announce(self, hello: Hello, local: bool) -> str:
        url = f"{self._guard.scheme}://{LOOPBACK}:{self._guard.port}"
        certificate = str((self._base / self._settings.certificate).resolve()) if self._settings.certificate else ""
        where = Whereabouts(hello.pid, url, hello.started, SOCKET_FILE if local else "", certificate)
        self._here = msgspec.json.encode(where)
        write_private(self._folder / TOKEN_FILE, self._guard.token)
        write_private(self._folder / ENGINE_FILE, self._here)
        return url

    # --- connections -------------------------------------------------------------------------------------------------

    def _connection(self, way: str) -> asyncio.Protocol:
        """One more connection, or none when there are too many: those on the port take no room from the socket's."""
        assert self._runner is not None
        assert self._runner.server is not None
        if sum(1 for each in self._connections.values() if each == way) >= CONNECTIONS:
            return _TurnedAway()
        return Connection(
            self._runner.server,
            lambda came: self._connections.update({came: way}),
            lambda gone: self._connections.pop(gone, None),
            keepalive_timeout=IDLE,
            access_log=None,
            auto_decompress=False,
            lingering_time=1.0,
        )

    # --- requests ----------------------------------------------------------------------------------------------------

    def _add_routes(self, app: web.Application) -> None:
        served = tuple(self._controls.served())
        page = document(each.route for each in served)
        for prefix in ("", PREFIX):
            for each in served:
                for path in (each.route.path, *each.route.also):
                    app.router.add_route(each.route.method, prefix + path, self._rest(each))
            app.router.add_get(f"{prefix}/ws", self._line, allow_head=False)
            app.router.add_get(f"{prefix}/openapi.json", _always(lambda: answered(page)), allow_head=False)
            app.router.add_get(f"{prefix}/docs", _always(lambda: page_of(page)), allow_head=False)

    @web.middleware
    async def _let_in(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Every answer that is none is told the same way, whoever gives it."""
        if isinstance(request.protocol, Connection):
            request.protocol.asked()
        try:
            self._judge(request)
            return await handler(request)
        except Refused as refusal:
            return failed(refusal)
        except MoonlightError as problem:
            return failed(refused(problem))
        except sqlite3.Error as problem:
            return failed(Refused("STORAGE", f"the ledger cannot be read now ({problem}); `doctor` says more"))
        except web.HTTPMethodNotAllowed as problem:
            allowed = ", ".join(sorted(problem.allowed_methods))
            answer = failed(Refused("NOT_FOUND", f"{request.path} takes {allowed} only", 405))
            answer.headers["Allow"] = allowed
            return answer
        except web.HTTPNotFound:
            return failed(Refused("NOT_FOUND", "there is no such route; GET /docs lists all there are"))

    def _judge(self, request: web.Request) -> None:
        peer = request.transport.get_extra_info("socket") if request.transport is not None else None
        by_socket = peer is not None and peer.family == getattr(socket, "AF_UNIX", None)
        if by_socket and not same_user(cast("socket.socket", peer), os.getuid()):
            raise Refused("AUTH", "this socket is for the user who runs the engine", 403)
        self._guard.judge(request.headers, by_socket=by_socket, open_to_all=request.path in PUBLIC)

    def _count(self, request: web.Request) -> None:
        self._guard.count(request.remote or SOCKET_FILE)

    def _rest(self, served: Served) -> Handler:
        route, subject = served.route, served.subject

        async def answer(request: web.Request) -> web.StreamResponse:
            if request.can_read_body and route.method != "GET":
                refuse_form(request)
            body = await _body(request, route.largest)
            if not route.urgent:
                self._count(request)
            query = route.asked(_query(request, stale=route.stale))
            accept = request.headers.get("Accept", "")
            if route.text is not None and _wants_text(accept):
                text = await route.text(subject, accept)
                return web.Response(body=text.body, headers=PLAIN | {"Content-Type": text.kind})
            return answered(await route.call(subject, query, route.said(body)))

        return answer

    async def _line(self, request: web.Request) -> web.StreamResponse:
        self._count(request)
        topics = topics_of(request.query.get("topic"))
        if len(self._open) >= SOCKETS:
            raise Refused("MAINTENANCE", f"{SOCKETS} lines are open already; close one")
        line = Line(request)
        self._open.add(line)
        try:
            opened = await line.opened()
            with self._controls.lines.one_more(channel=bool(topics)):
                if topics:
                    await attend_channels(line, topics, self._controls)
                else:
                    await Console(self._controls.view, line, self._controls.ask).attend()
        finally:
            self._open.discard(line)
        return opened


class _TurnedAway(asyncio.Protocol):
    """There are too many connections: this one is none."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast("asyncio.Transport", transport).abort()


async def _body(request: web.Request, largest: int) -> bytes:
    """What is said in a request, if it is said in time and is not too long."""
    said = bytearray()
    try:
        async with asyncio.timeout(IDLE):
            async for piece in request.content.iter_any():
                said += piece
                if len(said) > largest:
                    raise Refused("VALIDATION", f"a question here has {largest} bytes at the most", 413)
    except TimeoutError:
        raise Refused("NETWORK", f"the question was not said within {IDLE:.0f} s", 408) from None
    return bytes(said)


def _wants_text(accept: str) -> bool:
    """Whether somebody asks for a page of numbers as Prometheus does."""
    return "application/json" not in accept and any(kind in accept for kind in ("text/plain", "openmetrics-text"))


def _query(request: web.Request, *, stale: bool) -> dict[str, str]:
    """What an address asks, each thing once; and of which text it is an edit, where that can be stale."""
    asked = dict(request.match_info)
    if stale:
        asked[MATCH] = request.headers.get("If-Match", "")
    for name, value in request.query.items():
        if name in asked:
            raise Refused("VALIDATION", f"{name} is said twice; say it once")
        asked[name] = value
    return asked


def _always(make: Callable[[], web.Response]) -> Handler:
    """The same answer for everybody."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return make()

    return answer


def _remove_own(path: Path, content: bytes) -> bool:
    """Take a file back unless a later engine has put its own in its place."""
    try:
        if path.read_bytes() != content:
            return False
        path.unlink()
    except FileNotFoundError:
        return False
    return True
