"""The sockets of Deriv's protocols: frames of a session to a client, and a client's requests to its session."""

import asyncio
from asyncio import Queue, QueueFull
from collections.abc import Callable

from aiohttp import WSMsgType, web
from msgspec import json

from pipeline.broker.core import Broker
from pipeline.broker.deriv_session import Dialect, Frame, Session
from pipeline.broker.values import Purse

LARGEST = 64 * 1024
"""A request is no longer (bytes)."""
MOST_WAITING = 5_000
"""Frames that a client has not taken yet; one that lets more pile up is cut off."""
GOING_AWAY, TOO_SLOW = 1001, 1008


class Sockets:
    """All sockets that are open, so that they can be closed."""

    def __init__(self) -> None:
        self._open: set[web.WebSocketResponse] = set()

    async def serve(
        self,
        request: web.Request,
        broker: Broker,
        dialect: Dialect,
        purse: Purse | None,
        quiet: float | None,
    ) -> web.WebSocketResponse:
        """Serve one client until it or we go; one that says nothing for `quiet` seconds is cut off."""
        socket = web.WebSocketResponse(max_msg_size=LARGEST, compress=False)
        await socket.prepare(request)
        self._open.add(socket)
        waiting = Queue[Frame | None](MOST_WAITING)
        session = Session(broker, dialect, purse, _put(waiting))
        writing = asyncio.create_task(_write(socket, waiting))
        try:
            await _listen(socket, session, quiet)
        finally:
            session.close()
            self._open.discard(socket)
            _end(waiting)
            await writing
        return socket

    async def close(self) -> None:
        for socket in tuple(self._open):
            await socket.close(code=GOING_AWAY)


async def _listen(socket: web.WebSocketResponse, session: Session, quiet: float | None) -> None:
    while not socket.closed and not session.ended:
        try:
            message = await socket.receive(quiet)
        except TimeoutError:
            break
        if message.type is not WSMsgType.TEXT:
            break
        session.take(message.data)


def _put(waiting: Queue[Frame | None]) -> Callable[[Frame], None]:
    def put(frame: Frame) -> None:
        try:
            waiting.put_nowait(frame)
        except QueueFull:
            waiting.get_nowait()
            waiting.put_nowait(None)  # too slow: what waits is dropped, and the client with it

    return put


def _end(waiting: Queue[Frame | None]) -> None:
    if waiting.full():
        waiting.get_nowait()
    waiting.put_nowait(None)


async def _write(socket: web.WebSocketResponse, waiting: Queue[Frame | None]) -> None:
    while (frame := await waiting.get()) is not None:
        try:
            await socket.send_str(json.encode(frame.table).decode())
        except ConnectionError:
            return
    await socket.close(code=TOO_SLOW if waiting.qsize() else 1000)
