"""What goes wrong with a Redis while final bars flow: each bar is still on the wire once, and in order."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from pipeline.channels.access import Access
from pipeline.channels.names import Names
from pipeline.connections.troubles import CallFailed
from pipeline.publishing.script import Message
from pipeline.publishing.wires import RedisWire
from pipeline.times import MINUTE
from pipeline.values import Stream
from tests.publishing import Heard
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
