"""The engine's desk on loopback: a status page for programs, a live line for consoles, and a kill switch.

Whoever holds the token may look, stop what trades, and release it with a reason; nothing else can be changed by it.

Every console is told at its own pace. Nothing is kept for it: when its moment comes and its line is free, it gets what
changed since it last listened, so a slow or stopped console costs a bounded buffer and then its connection, never
memory. What no console asked for is never computed.
"""

import asyncio
import hmac
import secrets
import socket
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

from pipeline.aside import Asking, here
from pipeline.errors import InputError, MoonlightError
from pipeline.ledger import LedgerError
from pipeline.private import write_private
from pipeline.view import (
    ENGINE_FILE,
    TOKEN_FILE,
    Ask,
    Beat,
    Chart,
    ChartNews,
    ChartOf,
    FormingNews,
    Halt,
    Halting,
    Hello,
    KeysNews,
    LogNews,
    News,
    Refusal,
    Stopped,
    Topics,
    View,
    Whereabouts,
)

LOOPBACK = "127.0.0.1"
SOCKETS = 16
LARGEST_QUESTION = 16 * 1024
BACKLOG = 256 * 1024
"""Bytes written for a console and not yet taken by it, beyond which it is let go."""
PATIENCE = 10.0
"""Seconds one message may wait for a console that does not read."""
KEEPALIVE = 15.0
QUESTIONS = 40
QUESTIONS_PER_SECOND = 10.0
ROWS = 500
LINES = 200


class Desk:
    """Listens on 127.0.0.1 and shows `view` to whoever holds the token in `folder`; `switch` stops what trades."""

    def __init__(
        self, view: View, folder: Path, port: int = 0, switch: Halting | None = None, ask: Asking = here
    ) -> None:
        self._view = view
        self._folder = folder
        self._port = port
        self._switch = switch
        self._ask = ask
        self._token = b""
        self._here = b""
        self._runner: web.AppRunner | None = None
        self._consoles: set[Console] = set()

    async def start(self) -> str:
        """Listen, write the token and where to find it, and give the address."""
        listening = _listening(self._port)
        self._port = listening.getsockname()[1]
        self._token = secrets.token_hex(32).encode()
        app = web.Application(middlewares=[self._let_in], client_max_size=LARGEST_QUESTION)
        app.router.add_get("/status", self._status)
        app.router.add_get("/ws", self._line)
        app.router.add_post("/kill", self._kill)
        app.router.add_post("/resume", self._resume)
        self._runner = web.AppRunner(app, handle_signals=False, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.SockSite(self._runner, listening).start()
        return self._announce(await self._ask(self._view.hello))

    async def stop(self) -> None:
        """Send every console away and take the files back."""
        if self._runner is None:
            return
        await asyncio.gather(*(console.close(WSCloseCode.GOING_AWAY, "the engine stops") for console in self._consoles))
        await self._runner.cleanup()
        self._runner = None
        _remove_own(self._folder / ENGINE_FILE, self._here)
        _remove_own(self._folder / TOKEN_FILE, self._token)

    def _announce(self, hello: Hello) -> str:
        url = f"http://{LOOPBACK}:{self._port}"
        self._here = msgspec.json.encode(Whereabouts(hello.pid, url, hello.started))
        self._folder.mkdir(parents=True, exist_ok=True)
        write_private(self._folder / TOKEN_FILE, self._token)
        write_private(self._folder / ENGINE_FILE, self._here)
        return url

    @web.middleware
    async def _let_in(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Only programs on this machine that can read the token: a web page in a browser here is not one of them."""
        hosts = {f"{LOOPBACK}:{self._port}", f"localhost:{self._port}"}
        if request.headers.get("Host") not in hosts:
            raise web.HTTPMisdirectedRequest(text=f"this desk answers to {' and '.join(sorted(hosts))} only\n")
        origin = request.headers.get("Origin")
        if origin is not None and origin.removeprefix("http://") not in hosts:
            raise web.HTTPForbidden(text="this desk does not answer to pages of other sites\n")
        said = request.headers.get("Authorization", "").encode()
        if not hmac.compare_digest(said, b"Bearer " + self._token):
            raise web.HTTPUnauthorized(text=f"send 'Authorization: Bearer' with the text of {TOKEN_FILE}\n")
        return await handler(request)

    async def _status(self, _: web.Request) -> web.Response:
        return _answer(await self._ask(self._view.status))

    async def _kill(self, request: web.Request) -> web.Response:
        """Whoever asks is answered once it is on disk; by then no order has left for a while."""
        return await self._halted(request, None if self._switch is None else self._switch.stop)

    async def _resume(self, request: web.Request) -> web.Response:
        return await self._halted(request, None if self._switch is None else self._switch.release)

    async def _halted(self, request: web.Request, change: Callable[[str, str, str], Stopped] | None) -> web.Response:
        if change is None:
            raise web.HTTPNotFound(text="nothing trades here that could be stopped\n")
        body = await request.read()
        if body and request.content_type != "application/json":
            raise web.HTTPUnsupportedMediaType(text=f"send application/json, like {_HALT}\n")
        try:
            halt = _HALTS.decode(body or b"{}")
        except (msgspec.DecodeError, RecursionError) as problem:
            said = f"cannot take that: {str(problem)[:200]}; send something like {_HALT}\n"
            raise web.HTTPBadRequest(text=said) from None
        try:
            return _answer(await asyncio.to_thread(change, halt.scope, halt.reason, halt.by))
        except InputError as problem:
            raise web.HTTPBadRequest(text=f"{problem}\n") from None
        except LedgerError as problem:
            raise web.HTTPServiceUnavailable(text=f"{problem}; a stop holds until the engine ends\n") from None
        except MoonlightError as problem:
            raise web.HTTPConflict(text=f"{problem}\n") from None

    async def _line(self, request: web.Request) -> web.WebSocketResponse:
        if len(self._consoles) >= SOCKETS:
            raise web.HTTPServiceUnavailable(text=f"{SOCKETS} consoles are attached already; close one\n")
        line = web.WebSocketResponse(
            heartbeat=KEEPALIVE, max_msg_size=LARGEST_QUESTION, compress=False, writer_limit=0, timeout=1.0
        )
        console = Console(self._view, line, request, self._ask)
        self._consoles.add(console)
        try:
            await line.prepare(request)
            await console.attend()
        finally:
            self._consoles.discard(console)
        return line


class Telling(Protocol):
    """One topic for one console: what is new since it was last asked."""

    def news(self) -> Iterator[News]: ...


@dataclass(slots=True)
class Due:
    """When a topic is to be told next, and what was asked for to have it."""

    asked: object
    every: float
    telling: Telling
    at: float


class Console:
    """One attached console: what it wants, what it has been told, and its line."""

    def __init__(self, view: View, line: web.WebSocketResponse, request: web.Request, ask: Asking) -> None:
        self._view = view
        self._line = line
        self._request = request
        self._ask = ask
        self._loop = asyncio.get_running_loop()
        self._due: dict[str, Due] = {}
        self._asked = asyncio.Event()
        self._questions = float(QUESTIONS)
        self._heard_at = self._loop.time()

    async def attend(self) -> None:
        """Listen and tell until the line ends."""
        self._due["beat"] = Due(None, 1.0, Beating(self._view), self._loop.time() + 1.0)
        async with asyncio.TaskGroup() as both:
            telling = both.create_task(self._tell())
            await self._listen()
            telling.cancel()

    async def close(self, code: WSCloseCode, why: str) -> None:
        try:
            async with asyncio.timeout(1.0):
                await self._line.close(code=code, message=why.encode())
        except TimeoutError:
            self._hang_up()

    async def _listen(self) -> None:
        async for message in self._line:
            if not self._may_ask():
                await self.close(WSCloseCode.POLICY_VIOLATION, "too many questions")
                return
            try:
                self._want(_ask_of(message.data))
            except InputError as refusal:
                await self._say(Refusal(str(refusal)))

    def _may_ask(self) -> bool:
        """A bucket of questions that fills again with time."""
        now = self._loop.time()
        self._questions = min(QUESTIONS, self._questions + (now - self._heard_at) * QUESTIONS_PER_SECOND) - 1
        self._heard_at = now
        return self._questions >= 0

    def _want(self, topics: Topics) -> None:
        """Start what is newly asked for, end what is not any more, and let what stays go on from where it is."""
        wanted = {name: (asked, rate, make) for name, asked, rate, make in self._wanted(topics) if rate > 0}
        for name in self._due.keys() - wanted.keys() - {"beat"}:
            del self._due[name]
        for name, (asked, rate, make) in wanted.items():
            if name not in self._due or self._due[name].asked != asked:
                self._due[name] = Due(asked, 1 / rate, make(), self._loop.time())
        self._asked.set()

    def _wanted(self, topics: Topics) -> Iterator[tuple[str, object, float, Callable[[], Telling]]]:
        view = self._view
        yield "status", topics.status, topics.status, lambda: TellingStatus(view)
        yield "keys", topics.keys, topics.keys, lambda: TellingKeys(view)
        yield "log", topics.log, topics.log, lambda: TellingLog(view)
        yield "feed", topics.feed, topics.feed, lambda: TellingFeed(view)
        if (of := topics.chart) is not None:
            yield "chart", of, of.rate, lambda: TellingChart(view, of)

    async def _tell(self) -> None:
        await self._say(await self._ask(self._view.hello))
        while not self._line.closed:
            for due in [due for due in self._due.values() if due.at <= self._loop.time()]:
                for news in await self._ask(partial(_all_of, due.telling)):
                    await self._say(news)
                due.at = self._loop.time() + due.every
            await self._wait(min(due.at for due in self._due.values()))

    async def _wait(self, moment: float) -> None:
        """Until `moment`, or until the console wants something else."""
        try:
            async with asyncio.timeout_at(moment):
                await self._asked.wait()
        except TimeoutError:
            return
        self._asked.clear()

    async def _say(self, news: News) -> None:
        """Send one message once the line has room; a console that leaves it no room is let go."""
        transport = self._request.transport
        if transport is not None and transport.get_write_buffer_size() > BACKLOG:
            return self._hang_up()
        try:
            async with asyncio.timeout(PATIENCE):
                await self._line.send_frame(_ENCODER.encode(news), WSMsgType.TEXT)
        except TimeoutError:
            self._hang_up()
        except ConnectionError:
            return None  # it left while we spoke; listening ends by itself

    def _hang_up(self) -> None:
        if self._request.transport is not None:
            self._request.transport.abort()


class Beating:
    """That the engine lives, and its clock."""

    def __init__(self, view: View) -> None:
        self._view = view

    def news(self) -> Iterator[News]:
        hello = self._view.hello()
        yield Beat(hello.clock, hello.speed)


class TellingStatus:
    """The status as it is."""

    def __init__(self, view: View) -> None:
        self._view = view

    def news(self) -> Iterator[News]:
        yield self._view.status()


class TellingKeys:
    """All keys first, then those that changed, the latest of each; many of them in several messages."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._version = 0

    def news(self) -> Iterator[News]:
        version, rows, full = self._view.keys(self._version)
        self._version = version
        if full and not rows:
            yield KeysNews((), full)
        for first in range(0, len(rows), ROWS):
            yield KeysNews(rows[first : first + ROWS], full and first == 0)


class TellingFeed:
    """The feed as it is: it is small, and its ages change by themselves."""

    def __init__(self, view: View) -> None:
        self._view = view

    def news(self) -> Iterator[News]:
        yield self._view.feed()


class TellingLog:
    """The newest lines first, then new ones; how many were passed over when there were too many."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._seq = 0

    def news(self) -> Iterator[News]:
        lines = self._view.log(self._seq, LINES)
        if lines:
            skipped = lines[0].seq - self._seq - 1 if self._seq else 0
            self._seq = lines[-1].seq
            yield LogNews(lines, skipped)


class TellingChart:
    """The whole chart, then only the forming bar as long as nothing else of it changed."""

    def __init__(self, view: View, of: ChartOf) -> None:
        self._view = view
        self._of = of
        self._told = False
        self._last: Chart | None = None

    def news(self) -> Iterator[News]:
        before, chart = self._last, self._view.chart(self._of.name, self._of.bars)
        first, self._told, self._last = not self._told, True, chart
        if first or before is None or chart is None:
            if first or before is not chart:
                yield ChartNews(self._of, chart)
        elif msgspec.structs.replace(before, forming=chart.forming, updated=chart.updated) != chart:
            yield ChartNews(self._of, chart)
        elif (before.forming, before.updated) != (chart.forming, chart.updated):
            yield FormingNews(self._of, chart.forming, chart.updated)


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Ask)
_EXAMPLE = '{"subscribe": {"status": 1, "keys": 10, "log": 5}}'
_HALTS = msgspec.json.Decoder(Halt)
_HALT = '{"scope": "", "reason": "the spread looks wrong"}'


def _answer(value: object) -> web.Response:
    return web.Response(
        body=_ENCODER.encode(value), content_type="application/json", headers={"Cache-Control": "no-store"}
    )


def _all_of(telling: Telling) -> list[News]:
    return list(telling.news())


def _ask_of(said: Any) -> Topics:
    if not isinstance(said, str):
        raise InputError(f"questions are text; send something like {_EXAMPLE}")
    try:
        return _DECODER.decode(said).subscribe
    except (msgspec.DecodeError, RecursionError) as problem:
        raise InputError(f"cannot take that: {str(problem)[:200]}; send something like {_EXAMPLE}") from None


def _listening(port: int) -> socket.socket:
    try:
        listening = socket.create_server((LOOPBACK, port), backlog=SOCKETS)
    except (OSError, OverflowError) as problem:
        sentence = f"cannot listen on {LOOPBACK}:{port} ({problem}); choose another port, or 0 for any free one"
        raise InputError(sentence) from None
    # left alone, the system's own buffer for a console that does not read grows to megabytes
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BACKLOG)
    return listening


def _remove_own(path: Path, content: bytes) -> None:
    """Take a file back unless a later engine has put its own in its place."""
    try:
        if path.read_bytes() == content:
            path.unlink()
    except FileNotFoundError:
        return
