"""The console's line to a running engine, for a verb: what is asked for, and what is told, until the engine is gone."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import aiohttp
import msgspec

from pipeline.errors import InputError
from pipeline.view import PROTOCOL, Ask, Greeting, Hello, News, Refusal, Topics
from tui.door import Address, Unreachable, reason

SILENCE = 10.0
"""Seconds without a word, after which an engine counts as gone: it says something every second."""
LARGEST = 1 << 24
"""Bytes of a message."""

_NEWS = msgspec.json.Decoder(News)


class TapLine:
    """An open line."""

    def __init__(self, line: aiohttp.ClientWebSocketResponse, address: Address, hello: Hello) -> None:
        self._line, self._address = line, address
        self.hello = hello

    async def ask(self, topics: Topics) -> None:
        try:
            await self._line.send_str(msgspec.json.encode(Ask(topics)).decode())
        except ConnectionError:
            raise _gone(self._address) from None

    async def news(self) -> News:
        told = _NEWS.decode(await _said(self._line, self._address))
        if isinstance(told, Refusal):
            raise InputError(f"the engine refuses: {told.what}")
        return told


@asynccontextmanager
async def line_to(address: Address) -> AsyncGenerator[TapLine]:
    """The line to an engine that speaks as we do."""
    headers = {"Authorization": f"Bearer {address.token}"}
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None, connect=SILENCE)) as session,
            session.ws_connect(f"{address.url}/ws", headers=headers, max_msg_size=LARGEST, ssl=address.trusted) as line,
        ):
            greeting = await _said(line, address)
            spoken = msgspec.json.decode(greeting, type=Greeting)
            if spoken.protocol != PROTOCOL:
                ours = f"this program protocol {PROTOCOL}; run both from one version"
                raise Unreachable(f"engine {spoken.version} speaks protocol {spoken.protocol}, {ours}")
            yield TapLine(line, address, msgspec.json.decode(greeting, type=Hello))
    except aiohttp.WSServerHandshakeError as problem:
        raise Unreachable(f"the engine at {address.url} does not let us in ({problem.status})") from None
    except (aiohttp.ClientError, OSError) as problem:
        why = reason(problem) or "it took too long"
        raise Unreachable(f"no engine answers at {address.url} ({why}); if it is gone, start it with `run`") from None
    except msgspec.DecodeError as problem:
        raise Unreachable(f"what answers at {address.url} is no engine of ours ({problem})") from None


async def _said(line: aiohttp.ClientWebSocketResponse, address: Address) -> str:
    try:
        message = await line.receive(timeout=SILENCE)
    except TimeoutError:
        raise _gone(address) from None
    if message.type is not aiohttp.WSMsgType.TEXT:
        raise _gone(address)
    return str(message.data)


def _gone(address: Address) -> Unreachable:
    return Unreachable(f"the engine at {address.url} is gone; what it said before is above")
