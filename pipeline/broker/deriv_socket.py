"""The sockets of Deriv's protocols: a client's requests to its session, and the session's frames to the client."""

import asyncio
from asyncio import Queue
from contextlib import suppress

from aiohttp import WSMsgType, web

from pipeline.broker.core import Broker
from pipeline.broker.deriv_session import Dialect, Session
from pipeline.broker.deriv_wire import Wire
from pipeline.broker.values import Purse

LARGEST = 64 * 1024
"""A request is no longer (bytes)."""
MOST_WAITING = 50_000
"""Frames that a client has not taken yet; one that lets more pile up is cut off."""
LOOKS = 0.25
"""Every so many seconds it is looked whether a connection that says nothing has broken."""
LEAVE = 0.5
"""Seconds that a client has to say good-bye, too."""
GOING_AWAY = 1001


class Sockets:
    """All sockets that are open, so that they can be closed."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._open: dict[web.WebSocketResponse, str] = {}
        """Whose each is; nobody's on a public socket."""

    async def serve(
        self, request: web.Request, dialect: Dialect, purse: Purse | None, quiet: float | None = None
    ) -> web.WebSocketResponse:
        """Serve one client until it or we go; one that says nothing for `quiet` seconds is cut off."""
        socket = web.WebSocketResponse(max_msg_size=LARGEST, compress=False, timeout=LEAVE)
        await socket.prepare(request)
        self._open[socket] = "" if purse is None else purse.user
        try:
            await _Connection(request, socket, self._broker, dialect, purse).last(quiet)
        finally:
            del self._open[socket]
        return socket

    def of_user(self, user: str) -> int:
        """How many sockets a user has open."""
        return sum(each == user for each in self._open.values())

    async def close(self) -> None:
        for socket in tuple(self._open):
            await socket.close(code=GOING_AWAY)


class _Connection:
    """One client."""

    def __init__(
        self,
        request: web.Request,
        socket: web.WebSocketResponse,
        broker: Broker,
        dialect: Dialect,
        purse: Purse | None,
    ) -> None:
        self._request, self._socket = request, socket
        self._waiting = Queue[str | None]()
        self._wire = Wire(broker, lambda: self._session.account, self._put, self._drop)
        self._session = Session(broker, dialect, purse, self._wire.out, request.remote or "")

    async def last(self, quiet: float | None) -> None:
        """Serve until one of the two goes."""
        writing = asyncio.create_task(self._write())
        self._look()
        try:
            await self._listen(quiet)
        finally:
            self._looks.cancel()
            self._session.close()
            self._wire.close()
            self._waiting.put_nowait(None)
            with suppress(TimeoutError):
                async with asyncio.timeout(2 * LEAVE):
                    await writing

    async def _listen(self, quiet: float | None) -> None:
        while not self._session.ended:
            try:
                message = await self._socket.receive(quiet)
            except TimeoutError:
                return
            if message.type is not WSMsgType.TEXT:
                return
            if self._wire.carries():
                self._session.take(message.data)

    def _look(self) -> None:
        self._looks = asyncio.get_running_loop().call_later(LOOKS, self._look)
        self._wire.look()

    async def _write(self) -> None:
        while (text := await self._waiting.get()) is not None:
            try:
                await self._socket.send_str(text)
            except ConnectionError:
                return
        await self._socket.close()

    def _put(self, text: str) -> None:
        if self._waiting.qsize() < MOST_WAITING:
            self._waiting.put_nowait(text)
        else:
            self._drop()

    def _drop(self) -> None:
        """Break the connection as a cable does: without a word."""
        if self._request.transport is not None:
            self._request.transport.abort()
