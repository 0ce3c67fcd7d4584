"""The way out: to a Redis by its official client, or, where there is none, to files beside the flow's ledger.

Whatever a wire is asked ends within its deadline, with an answer or with `CallFailed`. One that failed is never written
to again: it is closed, and another is made.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from pipeline.channels.access import Access, client_of, failed
from pipeline.channels.names import Channel, Names
from pipeline.connections.troubles import CallFailed
from pipeline.durable import fresh
from pipeline.publishing.script import FRESH, LATE, Answer, Message, answer_of, call_of

LISTENING = 5.0
"""Real seconds of listening after which it is looked whether the connection still stands."""


class Plain(NamedTuple):
    """A message that needs no comparison; `kept` where who comes late finds it under its snapshot key."""

    channel: Channel
    payload: bytes
    kept: bool = False


class Wire(Protocol):
    """One connection."""

    async def open(self) -> None: ...
    async def publish(self, messages: Sequence[Plain]) -> None:
        """Send some messages in one go; all of them are out when it returns."""
        ...

    async def finals(self, messages: Sequence[Message], now: int) -> list[Answer]:
        """Publish final bars, each message once."""
        ...

    def commands(self) -> AsyncGenerator[bytes]:
        """What is asked on the channel of commands, until the connection breaks."""
        ...

    async def close(self) -> None: ...


class FileWire:
    """No Redis: finals count as published, and of states the latest lies in a file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def open(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)

    async def publish(self, messages: Sequence[Plain]) -> None:
        latest = {message.channel: message.payload for message in messages if message.channel != "price_tik"}
        for channel, payload in latest.items():
            if channel == "ohlcv":
                continue
            try:
                with fresh(self._folder / f"{channel}.json") as file:
                    file.write(payload)
            except OSError as failure:
                raise CallFailed("network", f"{self._folder} cannot be written ({failure})") from failure

    async def finals(self, messages: Sequence[Message], now: int) -> list[Answer]:
        del now
        return [Answer(True, message.opened[-1]) for message in messages]

    async def commands(self) -> AsyncGenerator[bytes]:
        for never in ():
            yield never

    async def close(self) -> None:
        """Nothing is held."""


class RedisWire:
    """One connection to a Redis for what is published, and one more for commands."""

    def __init__(self, url: str, names: Names, access: Access) -> None:
        self._url, self._names, self._access = url, names, access
        self._client: Any = None
        self._listener: Any = None
        self._scripts: dict[str, str] = {}

    async def open(self) -> None:
        self._client = client_of(self._url, self._access)
        await self._load()  # no ping: a Redis whose disk is full refuses it, and still says how we fare

    async def publish(self, messages: Sequence[Plain]) -> None:
        pipe = self._client.pipeline(transaction=False)
        for message in messages:
            pipe.publish(self._names.channel(message.channel), message.payload)
            if message.kept:
                pipe.set(self._names.snapshot(message.channel), message.payload)
        for given in await self._said(pipe.execute(raise_on_error=False)):
            _raised(given)

    async def finals(self, messages: Sequence[Message], now: int) -> list[Answer]:
        given = await self._evaluated(messages, now)
        if any(type(each).__name__ == "NoScriptError" for each in given):  # Redis began anew: it has none of them
            await self._load()
            again = [index for index, each in enumerate(given) if type(each).__name__ == "NoScriptError"]
            for index, each in zip(again, await self._evaluated([messages[at] for at in again], now), strict=True):
                given[index] = each
        for each in given:
            _raised(each)
        try:
            return [answer_of(message, each) for message, each in zip(messages, given, strict=True)]
        except ValueError as failure:
            raise told(failure) from failure

    async def commands(self) -> AsyncGenerator[bytes]:
        self._listener = client_of(self._url, self._access)
        heard = self._listener.pubsub(ignore_subscribe_messages=True)
        try:
            await self._said(heard.subscribe(self._names.channel("commands")))
            while True:
                message = await self._said(heard.get_message(timeout=LISTENING))
                if message is None:
                    await self._said(heard.ping())
                elif message["type"] == "message":
                    yield bytes(message["data"])
        finally:
            await heard.aclose()

    async def close(self) -> None:
        clients, self._client, self._listener = (self._client, self._listener), None, None
        for client in clients:
            if client is not None:
                await client.aclose()

    async def _load(self) -> None:
        for script in (FRESH, LATE):
            self._scripts[script] = await self._said(self._client.script_load(script))

    async def _evaluated(self, messages: Sequence[Message], now: int) -> list[Any]:
        pipe = self._client.pipeline(transaction=False)
        for message in messages:
            script, values = call_of(message, self._names, now)
            pipe.execute_command("EVALSHA", self._scripts[script], *values)
        return await self._said(pipe.execute(raise_on_error=False))

    async def _said(self, answer: Any) -> Any:
        """What Redis answers; a failure as one of ours."""
        try:
            return await answer
        except (import_module("redis.exceptions").RedisError, OSError, ValueError) as failure:
            raise told(failure) from failure


AWAY = ("ReadOnlyError", "BusyLoadingError", "MasterDownError", "ClusterDownError")
"""What a server answers that is not the one to write to now: another may be, so it is connected to anew."""


def told(failure: BaseException) -> CallFailed:
    """What the client raised, as one of our kinds."""
    if type(failure).__name__ in AWAY:
        return CallFailed("maintenance", f"Redis takes nothing now: {failure}")
    return failed(failure)


def _raised(given: object) -> None:
    if isinstance(given, Exception):
        raise told(given) from given


async def each_command(wire: Wire) -> AsyncGenerator[bytes]:
    """What is asked for, with the listening ended whichever way the block is left."""
    async with aclosing(wire.commands()) as heard:
        async for raw in heard:
            yield raw
