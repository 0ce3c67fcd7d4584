"""The console's line to an engine: attached whenever one answers, trying to be whenever none does.

It writes into the store and nothing else. It finds the engine anew at every try, because one that was started again
listens elsewhere and has another token.
"""

import asyncio
from collections.abc import Callable

import aiohttp
import msgspec

from pipeline.errors import MoonlightError
from pipeline.view import PROTOCOL, Ask, Greeting, News, Topics
from tui.door import Address, reason
from tui.store import Store

SILENCE = 3.5
"""Seconds without a word, heartbeats included, after which an engine counts as gone."""
SHORTEST, LONGEST, SLOWER = 0.3, 5.0, 1.7
"""The waits between tries: the first, the last, and how much longer each is than the one before."""
PACE = 0.15
"""Seconds between two questions at least: a cursor running down the keys asks for one chart, not forty."""


class Link:
    """Attached whenever an engine answers, trying to be whenever none does."""

    def __init__(self, store: Store, where: Callable[[], Address], now: Callable[[], float]) -> None:
        self._store = store
        self._where = where
        self._now = now
        self._topics = Topics()
        self._wanted = asyncio.Event()
        self._impatient = asyncio.Event()

    def want(self, topics: Topics) -> None:
        """What to be told from now on, over this connection and those after it."""
        if topics != self._topics:
            self._topics = topics
            self._wanted.set()

    async def run(self) -> None:
        """Until cancelled."""
        wait = SHORTEST
        while True:
            why = await self._attached()
            if self._store.state == "up":
                wait = SHORTEST
            if self._store.state != "mismatch" or why:
                self._store.turn("down" if self._store.hello else "connecting", why, self._now())
            await self._rest(wait)
            wait = min(LONGEST, wait * SLOWER)

    def try_now(self) -> None:
        """Do not wait for the next try."""
        self._impatient.set()

    async def _rest(self, seconds: float) -> None:
        self._impatient.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._impatient.wait()
        except TimeoutError:
            return

    async def _attached(self) -> str:
        """One connection from beginning to end; why it ended, nothing when the engine speaks another protocol."""
        try:
            address = self._where()
            headers = {"Authorization": f"Bearer {address.token}"}
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None, connect=SILENCE)) as session,
                asyncio.timeout(SILENCE) as opening,
                session.ws_connect(
                    f"{address.url}/ws", headers=headers, max_msg_size=1 << 24, ssl=address.trusted
                ) as line,
            ):
                opening.reschedule(None)
                return await self._converse(line)
        except MoonlightError as problem:
            return str(problem)
        except aiohttp.WSServerHandshakeError as problem:
            return _refusals.get(problem.status, f"what answers there is no engine (it said {problem.status})")
        except TimeoutError:
            return f"nothing was heard for {SILENCE:g} s"
        except (aiohttp.ClientError, OSError) as problem:
            return f"the engine does not answer ({reason(problem)})"
        except msgspec.DecodeError as problem:
            return f"what answers there says nothing an engine of this version would ({problem})"

    async def _converse(self, line: aiohttp.ClientWebSocketResponse) -> str:
        greeting = await self._next(line)
        if greeting is None:
            return "the engine closed the line"
        if (spoken := msgspec.json.decode(greeting, type=Greeting)).protocol != PROTOCOL:
            why = f"engine {spoken.version} speaks protocol {spoken.protocol}, this console protocol {PROTOCOL}"
            self._store.turn("mismatch", f"{why}; run both from one version", self._now())
            return ""
        self._store.take(_NEWS.decode(greeting), self._now())
        self._store.turn("up", "", self._now())
        asking = asyncio.create_task(self._ask(line))
        try:
            while (said := await self._next(line)) is not None:
                self._store.take(_NEWS.decode(said), self._now())
        finally:
            asking.cancel()
        return "the engine closed the line"

    async def _next(self, line: aiohttp.ClientWebSocketResponse) -> str | None:
        message = await line.receive(timeout=SILENCE)
        return message.data if message.type is aiohttp.WSMsgType.TEXT else None

    async def _ask(self, line: aiohttp.ClientWebSocketResponse) -> None:
        """Say what we want: at once, and again whenever that changes."""
        while not line.closed:
            self._wanted.clear()
            try:
                await line.send_str(msgspec.json.encode(Ask(self._topics)).decode())
            except ConnectionError:
                return  # listening ends by itself
            await asyncio.sleep(PACE)
            await self._wanted.wait()


_NEWS = msgspec.json.Decoder(News)
_refusals = {
    401: "the engine refused the token; it was started again, or this is another flow's folder",
    403: "the engine refused this console",
    503: "too many consoles are attached already; close one",
}
