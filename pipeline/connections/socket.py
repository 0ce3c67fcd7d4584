"""A WebSocket to one venue or feed: bounded, watched for silence, and told in our own words when it ends."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection, Mapping

import aiohttp
from aiohttp import WSMsgType

from pipeline.connections.calling import BROKEN, Sending, new_session, odd_header, told
from pipeline.connections.cleaning import cleaned, confidences
from pipeline.connections.frames import Frames
from pipeline.connections.places import allowed
from pipeline.connections.reading import Answer, encoded
from pipeline.connections.statuses import judged
from pipeline.connections.troubles import CallFailed
from pipeline.errors import InputError
from pipeline.evidence import TroubleKind

MOST = 4 * 1024 * 1024
"""Bytes of a frame."""
GOODBYE = 1.0
"""Seconds a closing is waited for."""
MEANINGS: Mapping[int, TroubleKind] = {
    1003: "format",
    1007: "format",
    1008: "rule",
    1009: "format",
    1013: "maintenance",
}
"""What codes of closing say; every other one is a connection that broke."""
TOO_LARGE = 1009


class Socket:
    """One connection, open once: who connects anew makes a new one. One reader, any number of senders."""

    def __init__(
        self,
        what: str,
        *,
        hosts: Collection[str],
        deadline: float = 10.0,
        quiet_after: float = 40.0,
        ping_after: float = 30.0,
        ping: Callable[[], Mapping[str, object]] | None = None,
        heartbeat: float | None = 20.0,
        most: int = MOST,
        bad_a_minute: int = 10,
        warn: Callable[[CallFailed], None] | None = None,
    ) -> None:
        """`what` it is, for sentences: "the trading socket". All spans are real seconds.

        Connecting and sending end within `deadline`. Nothing heard for `ping_after`: `ping()` is sent, where there is
        one; nothing for `quiet_after`: it is dead. `heartbeat`: the protocol's own, which a proxy may answer. `warn` is
        told of every frame that cannot be read and is dropped.
        """
        self.ended: CallFailed | None = None
        """Why it is not open any more."""
        self._what = what
        self._hosts = hosts
        self._deadline = deadline
        self._quiet_after = quiet_after
        self._ping_after = min(ping_after, quiet_after)
        self._ping = ping
        self._heartbeat = heartbeat
        self._most = most
        self._bad_a_minute = bad_a_minute
        self._warn = warn
        self._session: aiohttp.ClientSession | None = None
        self._line: aiohttp.ClientWebSocketResponse | None = None
        self._frames: Frames | None = None

    @property
    def bad(self) -> int:
        """How many frames could not be read."""
        return 0 if self._frames is None else self._frames.bad

    async def open(self, url: str, headers: Mapping[str, str] | None = None) -> None:
        """Connect. An address that came from the other side is as little trusted as any other."""
        assert self._session is None, "a socket is opened once"
        sending, failure, answered = Sending(), None, None
        sent = dict(headers or {})
        self._refuse(url, sent)
        self._session = new_session(self._deadline)
        opened = False
        try:
            async with asyncio.timeout(self._deadline):
                self._line = await self._session.ws_connect(
                    url,
                    headers=sent,
                    heartbeat=self._heartbeat,
                    max_msg_size=self._most,
                    timeout=aiohttp.ClientWSTimeout(ws_close=GOODBYE),  # pyright: ignore[reportCallIssue]  # attrs its stub hides
                )
            opened = True
        except aiohttp.WSServerHandshakeError as problem:
            answered = (problem.status, dict(problem.headers or {}))
        except BROKEN as problem:
            failure = told(problem, f"opening {self._what}", sending, self._deadline)
        finally:
            if not opened:
                await self._session.close()
        if answered is not None:
            failure = self._turned_away(*answered, confidences(sent))
        if failure is not None:
            raise await self._end(failure)

    async def send(self, table: Mapping[str, object]) -> None:
        """Send a frame. What fails before it is written is "unsent", all else unknown."""
        line = self._line
        if self.ended is not None or line is None or line.closed:
            why = f": {self.ended}" if self.ended is not None else ""
            raise CallFailed("network", f"{self._what} is not open{why}", fate="unsent")
        text, failure = encoded(table), None
        try:
            async with asyncio.timeout(self._deadline):
                await line.send_str(text)
        except (aiohttp.ClientError, OSError, RuntimeError) as problem:
            late = isinstance(problem, TimeoutError)
            why = f"takes nothing since {self._deadline:g} s" if late else "broke as something was sent"
            failure = CallFailed("network", f"{self._what} {why}")
        if failure is not None:
            raise await self._end(failure)

    async def frames(self) -> AsyncGenerator[Answer]:
        """What comes, until it ends with `CallFailed`."""
        if self.ended is not None or self._line is None:
            raise self._again()
        time = asyncio.get_running_loop().time
        self._frames = Frames(f"a frame of {self._what}", time, self._bad_a_minute, self._warn)
        while True:
            message = await self._message(self._line)
            if message.type not in {WSMsgType.TEXT, WSMsgType.BINARY}:
                raise await self._end(self._over(self._line, message))
            try:
                answer = self._frames.read(message.data)
            except CallFailed as failure:
                await self._end(failure)
                raise
            if answer is not None:
                yield answer

    async def close(self) -> None:
        """Let go of it; whoever reads it hears that it was closed here."""
        await self._end(CallFailed("network", f"{self._what} was closed here", fate="unsent"))

    async def _message(self, line: aiohttp.ClientWebSocketResponse) -> aiohttp.WSMessage:
        """The next frame; asks for a sign of life in between, and gives up when there is none."""
        try:
            async with asyncio.timeout(self._quiet_after):
                if self._ping is not None:
                    try:
                        return await line.receive(timeout=self._ping_after)
                    except TimeoutError:
                        await self.send(self._ping())
                return await line.receive()
        except TimeoutError:
            pass  # what is raised below holds nothing of it
        raise await self._end(CallFailed("network", f"{self._what} was silent for {self._quiet_after:g} s"))

    def _refuse(self, url: str, headers: Mapping[str, str]) -> None:
        try:
            allowed(url, self._hosts, f"the address of {self._what}")
        except InputError as problem:
            refused = str(problem)
        else:
            refused = odd_header(headers)
        if refused:
            self.ended = CallFailed("rule", f"{self._what} was not opened: {refused}", fate="unsent", final=True)
            raise self._again()

    def _turned_away(self, status: int, headers: Mapping[str, str], confidential: Collection[str]) -> CallFailed:
        what = f"opening {self._what}"
        if status == 101:
            return CallFailed("format", f"{what} got a handshake that is none")
        return judged(what, status, headers, "", None, whole=True, now=None, confidential=confidential)

    def _over(self, line: aiohttp.ClientWebSocketResponse, message: aiohttp.WSMessage) -> CallFailed:
        """Why there are no more frames."""
        if isinstance(line.exception(), TimeoutError):
            return CallFailed("network", f"{self._what} gave no sign of life")
        code = line.close_code
        kind: TroubleKind = "network" if code is None else MEANINGS.get(code, "network")
        if message.type is WSMsgType.ERROR and code == TOO_LARGE:
            return CallFailed(kind, f"{self._what} sent a frame of more than {self._most} bytes")
        if message.type is WSMsgType.ERROR and kind == "format":
            return CallFailed(kind, f"{self._what} sent what is not a frame")
        reason = cleaned(message.extra) if message.type is WSMsgType.CLOSE and isinstance(message.extra, str) else ""
        if message.type is not WSMsgType.CLOSE:
            return CallFailed("network", f"{self._what} broke")
        return CallFailed(kind, f"{self._what} was closed at the other end ({code}{': ' if reason else ''}{reason})")

    async def _end(self, failure: CallFailed) -> CallFailed:
        """Let go of everything; gives the failure that ended it first."""
        if self.ended is None:
            self.ended = failure
        else:
            failure = self._again()
        line, session = self._line, self._session
        try:
            if line is not None:
                await line.close()
        finally:
            if session is not None:
                await session.close()
        return failure

    def _again(self) -> CallFailed:
        """The failure that ended it, for one more who asks."""
        first = self.ended
        if first is None:
            return CallFailed("network", f"{self._what} is not open", fate="unsent")
        return CallFailed(first.kind, str(first), fate=first.fate, wait=first.wait, final=first.final)
