"""One line that stays open, whoever is at its other end: what it may say, and how long it is waited for."""

import asyncio
from collections.abc import AsyncIterator

from aiohttp import WSCloseCode, WSMsgType, web

from pipeline.control.limits import LARGEST_QUESTION, PING, QUESTIONS, QUESTIONS_PER_SECOND, Bucket

BACKLOG = 256 * 1024
"""Bytes written for a line and not yet taken by it, beyond which it is let go."""
PATIENCE = 10.0
"""Seconds one message may wait for a line that does not read."""


class Line:
    """A WebSocket that was let in. It costs a bounded buffer, and then its connection."""

    def __init__(self, request: web.Request) -> None:
        self._request = request
        self._socket = web.WebSocketResponse(
            heartbeat=PING, max_msg_size=LARGEST_QUESTION, compress=False, writer_limit=0, timeout=1.0
        )
        self._loop = asyncio.get_running_loop()
        self._questions = Bucket(QUESTIONS, QUESTIONS_PER_SECOND, self._loop.time())

    async def opened(self) -> web.WebSocketResponse:
        await self._socket.prepare(self._request)
        return self._socket

    @property
    def closed(self) -> bool:
        return self._socket.closed

    async def heard(self) -> AsyncIterator[str | bytes]:
        """What is said at the other end; who says too much is sent away."""
        async for message in self._socket:
            if self._questions.take(self._loop.time()):
                await self.close(WSCloseCode.POLICY_VIOLATION, "too many questions")
                return
            if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                yield message.data

    async def say(self, text: bytes) -> None:
        """Send one message once the line has room; one that leaves no room is let go."""
        transport = self._request.transport
        if transport is not None and transport.get_write_buffer_size() > BACKLOG:
            return self._hang_up()
        try:
            async with asyncio.timeout(PATIENCE):
                await self._socket.send_frame(text, WSMsgType.TEXT)
        except TimeoutError:
            self._hang_up()
        except ConnectionError:
            return None  # it left while we spoke; listening ends by itself

    async def close(self, code: WSCloseCode, why: str) -> None:
        try:
            async with asyncio.timeout(1.0):
                await self._socket.close(code=code, message=why.encode())
        except TimeoutError:
            self._hang_up()

    def _hang_up(self) -> None:
        if self._request.transport is not None:
            self._request.transport.abort()
