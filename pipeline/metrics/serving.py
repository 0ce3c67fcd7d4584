"""A page of numbers on loopback, for programs on this machine."""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable

from aiohttp import web

from pipeline.errors import InputError

LOOPBACK = "127.0.0.1"
PATH = "/metrics"

Page = Callable[[str], tuple[bytes, str]]
"""What is answered to what is accepted: the page, and of which kind it is. Called in a thread of its own."""


class Served:
    """One page at one port."""

    def __init__(self, page: Page, port: int) -> None:
        self._page, self._port = page, port
        self._turn = asyncio.Lock()

    async def run(self, listens: Callable[[str], None]) -> None:
        """Answer until cancelled; `listens` is told the address."""
        listening = _listening(self._port)
        self._port = listening.getsockname()[1]
        app = web.Application(middlewares=[self._let_in])
        app.router.add_get(PATH, self._answer)
        runner = web.AppRunner(app, handle_signals=False, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.SockSite(runner, listening).start()
            listens(f"http://{LOOPBACK}:{self._port}{PATH}")
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()

    @web.middleware
    async def _let_in(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Programs here that ask for this machine: not a page in a browser that has another name for it."""
        hosts = {f"{LOOPBACK}:{self._port}", f"localhost:{self._port}"}
        if request.headers.get("Host") not in hosts:
            raise web.HTTPMisdirectedRequest(text=f"this page answers to {' and '.join(sorted(hosts))} only\n")
        if request.headers.get("Origin") is not None:
            raise web.HTTPForbidden(text="this page does not answer to pages of other sites\n")
        try:
            return await handler(request)
        except web.HTTPNotFound:
            raise web.HTTPNotFound(text=f"there is nothing here; ask for {PATH}\n") from None

    async def _answer(self, request: web.Request) -> web.Response:
        # A page of hundreds of products takes a tenth of a second: bars do not wait for it. One at a time: many who ask
        # at once take neither all threads, which a kill switch needs too, nor more than one turn from the loop.
        async with self._turn:
            body, kind = await asyncio.to_thread(self._page, request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": kind, "Cache-Control": "no-store"})


def _listening(port: int) -> socket.socket:
    try:
        return socket.create_server((LOOPBACK, port))
    except OSError as problem:
        raise InputError(
            f"the metrics cannot listen on {LOOPBACK}:{port} ({os.strerror(problem.errno or 0)}); "
            "choose another port in their table, or 0 for any"
        ) from None
