"""A broker's stream: a socket that is logged in, asks for what it wants to hear, and gives it frame by frame."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping

from pipeline.connections.cleaning import cleaned
from pipeline.connections.reading import Answer
from pipeline.connections.socket import Socket
from pipeline.connections.troubles import CallFailed
from pipeline.evidence import TroubleKind
from pipeline.generic.site import Site
from pipeline.secret import Secret

PING_AFTER, QUIET_AFTER = 15.0, 25.0
"""After so many seconds without a frame we ask for one; after so many the connection is taken for dead."""
LARGEST = 1024 * 1024
KINDS: Mapping[str, TroubleKind] = {"unauthorized": "auth", "maintenance": "maintenance", "too_often": "throttle"}
"""What the codes of a farewell mean; any other is a connection that broke."""


class Channel:
    """One socket to a broker's stream."""

    def __init__(self, site: Site, warn: Callable[[CallFailed], None]) -> None:
        self._site = site
        self._socket = Socket(
            "the broker's stream",
            hosts=site.hosts,
            deadline=site.deadline,
            quiet_after=QUIET_AFTER,
            ping_after=PING_AFTER,
            ping=self._ping,
            most=LARGEST,
            warn=warn,
        )
        self._number = 0
        self._ahead: list[Answer] = []
        """What came while something else was waited for."""
        self._frames: AsyncIterator[Answer] | None = None
        self._confidential: tuple[str, ...] = ()
        """What we told, and nobody may tell back."""

    async def open(self, token: Secret | None) -> None:
        """Connect, and say who we are: by the first frame, which no server writes into a log of addresses."""
        self._confidential = () if token is None else (token.reveal(),)
        await self._socket.open(self._site.stream_url)
        self._frames = self._socket.frames()
        await self._socket.send({"type": "auth"} if token is None else {"type": "auth", "token": token.reveal()})
        await self._answer("ready", None)

    async def follow_orders(self) -> int:
        """Hear what becomes of the account's contracts, from a moment of the broker's clock on."""
        return (await self._subscribe({"channel": "orders"})).whole("server_time")

    async def follow_quotes(self, symbols: tuple[str, ...]) -> dict[str, str]:
        """Hear quotes; the symbols that are refused, and why."""
        answer = await self._subscribe({"channel": "quotes", "symbols": list(symbols)})
        refused = answer.rows("refused", default=())
        return {each.text("symbol"): self._cleaned(each.text("message", default="")) for each in refused}

    async def frames(self) -> AsyncIterator[Answer]:
        """What the broker tells, until the socket ends with `CallFailed`."""
        for frame in self._ahead:
            yield frame
        self._ahead.clear()
        while True:
            yield await self._next()

    async def close(self) -> None:
        await self._socket.close()

    async def _subscribe(self, what: Mapping[str, object]) -> Answer:
        self._number += 1
        await self._socket.send({"type": "subscribe", "id": self._number, **what})
        return await self._answer("subscribed", self._number)

    async def _answer(self, type_: str, number: int | None) -> Answer:
        """The answer to what was sent, within the deadline."""
        try:
            async with asyncio.timeout(self._site.deadline):
                while True:
                    frame = await self._next()
                    if frame.text("type") == type_ and (number is None or frame.whole("id") == number):
                        return frame
                    self._ahead.append(frame)
        except TimeoutError:
            pass
        raise CallFailed("network", f"the broker's stream did not answer within {self._site.deadline:g} s")

    async def _next(self) -> Answer:
        assert self._frames is not None, "a channel is opened first"
        while True:
            frame = await anext(self._frames)
            match frame.text("type", default=""):
                case "bye":
                    raise self._farewell(frame, "the broker's stream says goodbye")
                case "error":
                    raise self._farewell(frame, "the broker's stream refused what was asked")
                case "pong":
                    continue
                case _:
                    return frame

    def _ping(self) -> Mapping[str, object]:
        self._number += 1
        return {"type": "ping", "id": self._number}

    def _farewell(self, frame: Answer, what: str) -> CallFailed:
        error = frame.table("error")
        kind = KINDS.get(error.text("code", default=""), "network")
        said = self._cleaned(error.text("message", default=""))
        return CallFailed(kind, f"{what}: {said}" if said else what)

    def _cleaned(self, text: str) -> str:
        """What the broker says, fit to be shown."""
        return cleaned(text, self._confidential)
