"""What goes wrong with a Redis while final bars flow: each bar is still on the wire once, and in order."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from pipeline.channels.access import Access
from pipeline.channels.hearing import Hearing
from pipeline.channels.names import Names
from pipeline.connections.troubles import CallFailed
from pipeline.publishing.link import BREAKING
from pipeline.publishing.script import Message
from pipeline.publishing.wires import RedisWire
from pipeline.secret import Secret
from pipeline.times import MINUTE
from pipeline.values import Stream
from sources.redis import Redis
from tests.channel_ends import listening
from tests.publishing import Heard, terms
from tests.redis_server import RedisServer, redis_running

EURUSD = Stream("EURUSD", MINUTE)
FAR = 10**12

Mended = Callable[[], object]


def message(slot: int, why: str = "") -> Message:
    opened = slot * MINUTE
    payload = b'{"symbol":"EURUSD","tf":"1m","bars":[{"open_time":%d,"complete":true}]}' % opened
    return Message(EURUSD, (opened,), payload, -1, why)


def full_memory(client: Any, _: RedisServer) -> Mended:
    client.config_set("maxmemory", 1)
    return lambda: client.config_set("maxmemory", 0)


def full_disk(client: Any, server: RedisServer) -> Mended:
    (server.folder / "dump.rdb" / "in the way").mkdir(parents=True)
    client.config_set("save", "100000 1000")
    client.set("something", 1)
    client.bgsave()
    while client.info("persistence")["rdb_last_bgsave_status"] == "ok":
        pass
    return lambda: client.config_set("stop-writes-on-bgsave-error", "no")


def replica(client: Any, _: RedisServer) -> Mended:
    client.replicaof("127.0.0.1", "1")
    return lambda: client.replicaof("NO", "ONE")


def other_channels_only(client: Any, _: RedisServer) -> Mended:
    client.execute_command("ACL", "SETUSER", "publisher", "on", ">word", "~*", "+@all", "resetchannels")
    return lambda: client.execute_command("ACL", "SETUSER", "publisher", "allchannels")


@pytest.mark.parametrize("why", ["", "late"])
@pytest.mark.parametrize("befalls", [full_memory, full_disk, replica, other_channels_only])
def test_a_bar_that_redis_may_not_remember_or_not_publish_is_neither_out_nor_remembered_and_later_out_once(
    befalls: Callable[[Any, RedisServer], Mended], why: str
) -> None:
    async def main() -> None:
        with redis_running() as server, server.client() as client:
            mended = befalls(client, server)
            url = (
                server.url.replace("unix://", "unix://publisher:word@")
                if befalls is other_channels_only
                else server.url
            )
            wire = RedisWire(url, Names(), Access())
            await wire.open()
            async with Heard(server) as heard:
                for _ in range(3):
                    with pytest.raises(CallFailed):
                        await wire.finals([message(5, why)], FAR)
                mended()
                assert (await wire.finals([message(5, why)], FAR))[0].published
                assert not (await wire.finals([message(5, why)], FAR))[0].published
                assert (await wire.finals([message(6, why)], FAR))[0].published
                await heard.until(lambda: ("EURUSD", "1m", 6 * MINUTE) in heard.finals)
                assert heard.finals == [("EURUSD", "1m", 5 * MINUTE), ("EURUSD", "1m", 6 * MINUTE)]
            await wire.close()

    asyncio.run(main())


GARBAGE = [
    b"!what\r\n",
    b":abc\r\n",
    b"$abc\r\n",
    b"\xff\xfe\r\n",
    b"+OK\r\n",
    b":7\r\n",
    b"*1\r\n:1\r\n",
    b"*2\r\n:0\r\n$1\r\nx\r\n",
]
"""What no Redis says, and what it never says of a bar."""


@asynccontextmanager
async def babbling(said: Callable[[bytes], bytes]) -> AsyncGenerator[str]:
    """Something that answers each piece it is sent, and is no Redis: its url."""

    async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while asked := await reader.read(65536):
                writer.write(said(asked))
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(answers, "127.0.0.1", 0)
    async with server:
        yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"


@pytest.mark.parametrize("garbage", GARBAGE)
def test_what_is_no_answer_of_a_redis_is_a_broken_connection_and_no_mistake_of_the_program(garbage: bytes) -> None:
    def said(asked: bytes) -> bytes:
        if b"EVALSHA" in asked:
            return garbage
        return b"+OK\r\n" * max(1, asked.count(b"SETINFO") + asked.count(b"SETNAME") + asked.count(b"SCRIPT"))

    async def main() -> None:
        async with babbling(said) as url:
            wire = RedisWire(url, Names(), Access())
            await wire.open()
            with pytest.raises(CallFailed) as failure:
                await wire.finals([message(5)], FAR)
            await wire.close()
            assert failure.value.kind in BREAKING

    asyncio.run(main())


@pytest.mark.parametrize("garbage", GARBAGE[:4])
def test_who_listens_to_what_is_no_redis_tries_again_and_the_flow_goes_on(garbage: bytes, tmp_path: Path) -> None:
    async def main() -> None:
        async with babbling(lambda _: garbage) as url:
            source = Redis(products=("EURUSD",), url=url)
            async with listening(source, tmp_path) as ear:
                await ear.until(lambda: any("does not speak as a Redis does" in each for each in ear.told()))

    asyncio.run(main())


def test_what_is_told_to_a_publisher_and_a_listener_shows_no_secret() -> None:
    access = Access(Secret("the password"), b"the secret")
    heard = Hearing(symbols=frozenset(), timeframes=frozenset(), secret=access.secret)
    for each in (access, heard, terms(secret=access.secret)):
        assert "the secret" not in repr(each)
        assert "the password" not in repr(each)
