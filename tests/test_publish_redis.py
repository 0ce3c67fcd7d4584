"""Publishing over a real Redis: once, in order, whatever becomes of the connection."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from pipeline.channels.access import Access
from pipeline.channels.names import Names
from pipeline.evidence import Trouble
from pipeline.publishing.wires import RedisWire, Wire
from pipeline.service import Diagnosis, Pressure
from pipeline.times import MINUTE
from tests.publishing import Heard, Rig, bars
from tests.redis_server import RedisServer
from tests.support import MONDAY

HOUR_AGO = MONDAY + 60 * MINUTE
"""Rigs begin here when bars from MONDAY on are to be over."""


def wire_to(server: RedisServer) -> Callable[[Rig], Wire]:
    return lambda _: RedisWire(server.url, Names(), Access())


def run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(main())


def past(rig: Rig, slots: range, product: str = "EURUSD") -> None:
    """Final bars of minutes from MONDAY on, as the flow makes them."""
    rig.publisher.take(bars(MONDAY, slots, product=product))


def minutes(heard: Heard) -> list[int]:
    return [(opened - MONDAY) // MINUTE for _, _, opened in heard.finals]


def test_bars_and_prices_reach_who_listens_and_a_status_is_before_them(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    async def main() -> None:
        async with Heard(redis_server) as heard, Rig(tmp_path, wire_to(redis_server), begin=HOUR_AGO) as rig:
            past(rig, range(3))
            rig.quote()
            past(rig, range(3, 5))
            await heard.until(lambda: len(heard.finals) == 5 and bool(heard.of("price_tik")))
            assert minutes(heard) == [0, 1, 2, 3, 4]
            channels = [channel for channel, _ in heard.messages]
            first = channels.index("ohlcv")
            before = [message for channel, message in heard.messages[:first] if channel == "status"]
            assert (before[-1]["market"], before[-1]["price"]) == ("open", "ok")
            (tik,) = heard.of("price_tik")[:1]
            assert (tik["symbol"], tik["bid"]) == ("EURUSD", 1.1)

    run(main)


def test_d26_a_second_publisher_publishes_nothing_that_the_first_one_did(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    async def main() -> None:
        async with Heard(redis_server) as heard:
            for name, span in (("one", range(5)), ("two", range(3, 8))):
                async with Rig(tmp_path / name, wire_to(redis_server), begin=HOUR_AGO) as rig:
                    rig.quote()
                    past(rig, span)
                    last = span[-1]
                    await heard.until(lambda last=last: minutes(heard)[-1:] == [last])
            assert minutes(heard) == list(range(8))

    run(main)


def test_a_life_that_goes_on_after_another_begins_where_that_one_was(redis_server: RedisServer, tmp_path: Path) -> None:
    async def main() -> None:
        async with Heard(redis_server) as heard:
            async with Rig(tmp_path, wire_to(redis_server), begin=HOUR_AGO) as rig:
                rig.quote()
                past(rig, range(5))
                await heard.until(lambda: len(heard.finals) == 5)
            async with Rig(tmp_path, wire_to(redis_server), begin=HOUR_AGO) as rig:
                rig.quote()
                past(rig, range(7))
                await heard.until(lambda: len(heard.finals) == 7)
            assert minutes(heard) == list(range(7))

    run(main)


def test_a_redis_that_has_forgotten_everything_is_told_by_the_shelf(redis_server: RedisServer, tmp_path: Path) -> None:
    async def main() -> None:
        async with Rig(tmp_path, wire_to(redis_server), begin=HOUR_AGO) as rig:
            async with Heard(redis_server) as heard:
                rig.quote()
                past(rig, range(5))
                await heard.until(lambda: len(heard.finals) == 5)
            redis_server.kill()
            redis_server.start()
            async with Heard(redis_server) as heard:
                rig.quote()
                past(rig, range(6))
                await heard.until(lambda: bool(heard.finals))
                assert minutes(heard) == [5]
        with redis_server.client() as client:
            assert client.hgetall("fxcm:published") == {b"EURUSD:1m": str(MONDAY + 5 * MINUTE).encode()}

    run(main)


def test_d20_after_one_failure_of_redis_there_is_one_new_connection_and_the_broken_one_is_never_written_to(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    class Watched(RedisWire):
        broken = False

        async def publish(self, messages: Any) -> None:
            assert not self.broken, "it is written to after it failed"
            await self._watch(super().publish(messages))

        async def finals(self, messages: Any, now: int) -> Any:
            assert not self.broken, "it is written to after it failed"
            return await self._watch(super().finals(messages, now))

        async def _watch(self, doing: Any) -> Any:
            self.broken = True
            answer = await doing
            self.broken = False
            return answer

    made: list[Watched] = []

    def make(_: Rig) -> Wire:
        made.append(Watched(redis_server.url, Names(), Access()))
        return made[-1]

    async def main() -> None:
        async with Rig(tmp_path, make, begin=HOUR_AGO) as rig:
            async with Heard(redis_server) as heard:
                rig.quote()
                past(rig, range(3))
                await heard.until(lambda: len(heard.finals) == 3)
            redis_server.kill()
            await rig.until(lambda: any(each.redis == "backoff" for each in rig.of(Diagnosis)))
            past(rig, range(3, 6))
            redis_server.start()
            async with Heard(redis_server) as heard:
                rig.quote()
                await heard.until(lambda: minutes(heard) == [3, 4, 5])
            await rig.until(lambda: rig.of(Diagnosis)[-1].redis == "connected")
            assert rig.of(Diagnosis)[-1].reconnects == 1
            assert {each.kind for each in rig.of(Trouble)} == {"network"}

    run(main)


def test_while_redis_is_away_final_bars_wait_and_then_go_out_once_each_in_order(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    async def main() -> None:
        async with Rig(tmp_path, wire_to(redis_server), begin=HOUR_AGO, queued_bars=10) as rig:
            async with Heard(redis_server) as heard:
                rig.quote()
                past(rig, range(2))
                await heard.until(lambda: len(heard.finals) == 2)
            redis_server.kill()
            for slot in range(2, 40):
                past(rig, range(slot, slot + 1))
                past(rig, range(slot, slot + 1), "XAUUSD")
            assert rig.of(Pressure)[-1].full
            lane = rig.publisher.lanes(rig.host.now())[0]
            assert lane.spilled > 0
            assert lane.depth <= 10
            redis_server.start()
            async with Heard(redis_server) as heard:
                await rig.until(lambda: not rig.of(Pressure)[-1].full)
                rig.quote()
                await heard.until(lambda: len(heard.finals) >= 50)
                await rig.until(
                    lambda: all(not each.depth and not each.spilled for each in rig.of(Diagnosis)[-1].lanes)
                )
                for symbol in ("EURUSD", "XAUUSD"):
                    rows = [opened for name, _, opened in heard.finals if name == symbol]
                    assert rows == sorted(set(rows))
            lane = rig.publisher.lanes(rig.host.now())[0]
            assert lane.enqueued == lane.processed == 2 + 2 * 38
            assert (lane.dropped, lane.conflated) == (0, 0)

    run(main)
