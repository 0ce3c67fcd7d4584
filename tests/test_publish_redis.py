"""Publishing over a real Redis: once, in order, whatever becomes of the connection."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.channels.access import Access
from pipeline.channels.names import Names
from pipeline.channels.signing import signature
from pipeline.connections.troubles import CallFailed
from pipeline.evidence import Trouble
from pipeline.publishing.script import Answer, Message
from pipeline.publishing.wires import Plain, RedisWire, Wire
from pipeline.service import Diagnosis, Pressure, Universe
from pipeline.times import HOUR, MINUTE, parse_moment
from pipeline.values import VENUE, Gap, Link
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


def test_live_bars_go_out_between_the_final_ones_and_none_before_the_final_bar_of_the_slot_before(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    async def main() -> None:
        async with Heard(redis_server) as heard, Rig(tmp_path, wire_to(redis_server), begin=HOUR_AGO, speed=60) as rig:
            rig.quote()
            rig.forming(0)
            await heard.until(lambda: len(heard.of("ohlcv")) == 1)
            rig.forming(1, 1.2)
            rig.forming(1, 1.3)
            await rig.host.until(HOUR_AGO + MINUTE)
            rig.quote()
            rig.minutes(0, 1)
            await heard.until(lambda: len(heard.of("ohlcv")) == 3)
            rows = [bar for message in heard.of("ohlcv") for bar in message["bars"]]
            slots = [(row["open_time"] - HOUR_AGO) // MINUTE for row in rows]
            assert [*zip(slots, (row["complete"] for row in rows), strict=True)] == [(0, False), (0, True), (1, False)]
            assert rows[-1]["close"] == 1.3

    run(main)


def test_a_bar_that_forms_waits_once_a_status_that_has_it_dropped_has_gone_before_it(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    free = asyncio.Event()
    stopped = asyncio.Event()

    class Slow(RedisWire):
        async def publish(self, messages: Sequence[Plain]) -> None:
            if stopped.is_set() and not free.is_set() and messages[0].channel == "heartbeat":
                await free.wait()
            await super().publish(messages)

    async def main() -> None:
        def make(_: Rig) -> Wire:
            return Slow(redis_server.url, Names(), Access())

        async with Heard(redis_server) as heard, Rig(tmp_path, make, begin=HOUR_AGO, speed=60) as rig:
            rig.quote()
            await heard.until(lambda: [each["price"] for each in heard.of("status")][-1:] == ["ok"])
            stopped.set()
            await rig.until(lambda: rig.of(Diagnosis)[-1].price == "stale")
            await rig.host.until(rig.host.now() + 1000)  # that status waits for the wire now, and then this bar does
            rig.forming(0)
            await rig.host.until(rig.host.now() + 1000)
            free.set()
            await heard.until(lambda: [each["price"] for each in heard.of("status")][-1:] == ["stale"])
            rig.quote()
            await heard.until(lambda: bool(heard.of("ohlcv")))
            before = [channel for channel, _ in heard.messages].index("ohlcv")
            prices = [message["price"] for channel, message in heard.messages[:before] if channel == "status"]
            assert prices[-3:] == ["ok", "stale", "ok"]

    run(main)


def test_the_past_goes_out_once_though_it_comes_after_the_first_new_bars(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    async def main() -> None:
        async with Heard(redis_server) as heard, Rig(tmp_path, wire_to(redis_server), begin=HOUR_AGO) as rig:
            rig.quote()
            past(rig, range(58, 60))
            await heard.until(lambda: len(heard.finals) == 2)
            for _ in range(2):
                rig.publisher.hear(bars(MONDAY, range(50, 60), fresh=0))
            rig.publisher.hear(bars(MONDAY, range(52, 60), fresh=0, product="XAUUSD"))
            await heard.until(lambda: len(heard.finals) >= 18)
            await rig.host.until(rig.host.now() + 2000)
            eurusd = [(opened - MONDAY) // MINUTE for symbol, _, opened in heard.finals if symbol == "EURUSD"]
            assert eurusd == [58, 59, *range(50, 58)]

    run(main)


def test_every_state_is_told_by_a_heartbeat_however_short_and_whatever_waits_for_redis(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    free, stopped = asyncio.Event(), asyncio.Event()

    class Slow(RedisWire):
        async def publish(self, messages: Sequence[Plain]) -> None:
            if stopped.is_set():
                await free.wait()
            await super().publish(messages)

    async def main() -> None:
        def make(_: Rig) -> Wire:
            return Slow(redis_server.url, Names(), Access())

        def states() -> list[str]:
            return [each["context"]["diag_state"] for each in heard.of("heartbeat")]

        async with Heard(redis_server) as heard, Rig(tmp_path, make, begin=HOUR_AGO) as rig:
            rig.quote()
            await heard.until(lambda: states()[-1:] == ["STREAM"])
            stopped.set()
            for up in (False, True):
                rig.publisher.hear(Link(("EURUSD",), up, rig.host.now()))
            await rig.host.until(rig.host.now() + 1)
            rig.quote()
            free.set()
            await heard.until(lambda: states()[-3:] == ["DISCONNECTED", "RECOVERING", "STREAM"])

    run(main)


FRIDAY_CLOSE = parse_moment("2026-01-09T22:00:00Z")


def test_the_last_bar_of_a_week_goes_out_before_the_status_that_says_closed(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    begin = FRIDAY_CLOSE - MINUTE

    async def main() -> None:
        async with Heard(redis_server) as heard, Rig(tmp_path, wire_to(redis_server), begin=begin, speed=60) as rig:
            rig.quote()
            rig.forming(0)
            await heard.until(lambda: len(heard.of("ohlcv")) == 1)
            await rig.host.until(FRIDAY_CLOSE - 20_000)
            rig.quote()
            await rig.until(lambda: any(each.market == "closed" for each in rig.of(Diagnosis)))
            rig.minutes(0, 1)
            await heard.until(lambda: heard.of("status")[-1]["market"] == "closed")
            told = [
                message["market"] if channel == "status" else message["bars"][0]["complete"]
                for channel, message in heard.messages
                if channel in ("status", "ohlcv")
            ]
            assert told.index(True) < told.index("closed")

    run(main)


def test_what_waits_in_closed_market_goes_out_once_a_status_said_that_it_is_open(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    begin = parse_moment("2026-01-11T21:59:30Z")

    async def main() -> None:
        async with Heard(redis_server) as heard, Rig(tmp_path, wire_to(redis_server), begin=begin, speed=60) as rig:
            rig.publisher.hear(bars(FRIDAY_CLOSE - HOUR, [0], tf=15 * MINUTE, fresh=0))
            await heard.until(lambda: any(each["market"] == "closed" for each in heard.of("status")))
            rig.publisher.take(bars(FRIDAY_CLOSE - 5 * MINUTE, range(5)))
            await rig.host.until(begin + 31_000)
            assert not heard.finals
            rig.quote()
            await heard.until(lambda: len(heard.finals) == 5)
            channels = [channel for channel, _ in heard.messages]
            statuses = [
                message for channel, message in heard.messages[: channels.index("ohlcv")] if channel == "status"
            ]
            assert "closed" in {each["market"] for each in statuses}
            assert (statuses[-1]["market"], statuses[-1]["price"]) == ("open", "ok")

    run(main)


def test_listeners_ask_for_past_bars_and_for_some_of_all_and_refused_commands_are_told(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    async def main() -> None:
        rig = Rig(tmp_path, wire_to(redis_server), begin=HOUR_AGO, commands=True)
        async with Heard(redis_server) as heard, rig:
            rig.quote()
            rig.quote("XAUUSD")
            past(rig, range(60))
            await heard.until(lambda: len(heard.finals) == 60)

            def ask(**command: Any) -> None:
                with redis_server.client() as each:
                    client: Any = each
                    client.publish("fxcm:commands", json.dumps(command))

            with redis_server.client() as each:
                client: Any = each
                async with asyncio.timeout(10):
                    while client.execute_command("PUBSUB", "NUMSUB", "fxcm:commands")[1] < 1:
                        await rig.host.until(rig.host.now() + 100)
            ask(type="fxcm_backfill", symbol="EURUSD", tf="1m", lookback_minutes=10)
            await heard.until(lambda: len(heard.finals) >= 70)
            assert minutes(heard)[60:] == list(range(50, 60))
            ask(type="fxcm_warmup", symbol="EURUSD", tf="1m", min_history_bars=5)
            await heard.until(lambda: len(heard.finals) >= 75)
            assert minutes(heard)[70:] == list(range(55, 60))
            ask(type="fxcm_warmup", symbol="GBPUSD", tf="1m")
            await rig.until(lambda: any("GBPUSD" in each.what for each in rig.of(Trouble)))
            ask(type="fxcm_set_universe", targets=[{"symbol": "XAUUSD", "tf": "1m"}], reason="less")
            await rig.until(lambda: bool(rig.of(Universe)))
            assert rig.of(Universe)[-1].targets == (("XAUUSD", MINUTE),)
            past(rig, range(58, 60), "XAUUSD")
            past(rig, range(60, 61))
            await heard.until(lambda: len(heard.finals) >= 77)
            await rig.until(lambda: rig.of(Diagnosis)[-1].universe == ("XAUUSD:1m",))
            told = rig.of(Diagnosis)[-1]
            assert told.commands == {"backfill": 1, "warmup": 1, "refused": 1, "set_universe": 1}
            assert told.errors["command"] == 1
            assert {symbol for symbol, _, _ in heard.finals[75:]} == {"XAUUSD"}
            with redis_server.client() as client:
                assert client.hget("fxcm:published", "EURUSD:1m") == str(MONDAY + 59 * MINUTE).encode()

    run(main)


def test_past_bars_that_are_not_kept_are_asked_of_the_source_and_go_out_when_they_come(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    async def main() -> None:
        rig = Rig(tmp_path, wire_to(redis_server), begin=HOUR_AGO)
        async with Heard(redis_server) as heard, rig:
            rig.quote()
            past(rig, range(55, 60))
            await heard.until(lambda: len(heard.finals) == 5)
            await rig.until(lambda: any(each.tf == MINUTE for each in rig.of(Gap)))
            gap = next(each for each in rig.of(Gap) if each.tf == MINUTE)
            assert (gap.since, gap.until) == (HOUR_AGO - 100 * MINUTE, MONDAY + 55 * MINUTE)
            rig.publisher.hear(bars(MONDAY, range(50, 60), fresh=0, closed_by=VENUE))
            await heard.until(lambda: len(heard.finals) >= 10)
            assert minutes(heard)[5:] == list(range(50, 55))
            late = heard.of("ohlcv")[-1]["bars"][0]
            assert late["source"] == "history"
            rig.publisher.hear(bars(MONDAY, range(50, 60), fresh=0))
            past(rig, range(60, 61))
            assert len(heard.finals) == 10

    run(main)


def test_bars_are_signed_where_there_is_a_secret_and_the_last_states_are_kept_under_their_keys(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    async def main() -> None:
        rig = Rig(tmp_path, wire_to(redis_server), begin=HOUR_AGO, secret=b"both ends", snapshot_keys=True)
        async with Heard(redis_server) as heard, rig:
            rig.quote()
            past(rig, range(2))
            await heard.until(lambda: bool(heard.of("ohlcv")) and bool(heard.of("heartbeat")))
            message = heard.of("ohlcv")[0]
            assert message["sig"] == signature({key: message[key] for key in ("symbol", "tf", "bars")}, b"both ends")
        with redis_server.client() as client:
            for channel in ("status", "heartbeat", "market_status"):
                assert json.loads(client.get(f"fxcm:{channel}:snapshot") or b"{}") in heard.of(channel)

    run(main)


def test_an_answer_that_is_lost_makes_no_bar_go_out_twice_and_none_be_lost(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    draws = np.random.default_rng(7)

    class Losing(RedisWire):
        async def finals(self, messages: Sequence[Message], now: int) -> list[Answer]:
            lost = draws.random()
            if lost < 0.3:
                raise CallFailed("network", "it broke before anything left")
            answers = await super().finals(messages, now)
            if lost < 0.6:
                raise CallFailed("network", "it broke before the answer came")
            return answers

    async def main() -> None:
        def make(_: Rig) -> Wire:
            return Losing(redis_server.url, Names(), Access())

        async with Heard(redis_server) as heard, Rig(tmp_path, make, begin=HOUR_AGO, speed=200) as rig:
            for slot in range(30):
                rig.quote()
                past(rig, range(slot, slot + 1))
                past(rig, range(slot, slot + 1), "XAUUSD")
                await rig.host.until(rig.host.now() + 1000)
            async with asyncio.timeout(10):
                while rig.publisher.lanes(rig.host.now())[0].processed < 60:
                    rig.quote()
                    await rig.host.until(rig.host.now() + 1000)
            await heard.until(lambda: len(heard.finals) >= 60)
            for symbol in ("EURUSD", "XAUUSD"):
                rows = [(opened - MONDAY) // MINUTE for name, _, opened in heard.finals if name == symbol]
                assert rows == list(range(30))

    run(main)


def test_bars_that_would_have_to_be_refused_by_who_listens_are_told_and_hold_nobody_up(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    async def main() -> None:
        async with Heard(redis_server) as heard, Rig(tmp_path, wire_to(redis_server), begin=HOUR_AGO) as rig:
            rig.quote()
            past(rig, range(1))
            rig.publisher.take(bars(MONDAY, [1], price=float("nan")))
            past(rig, range(2, 3))
            await heard.until(lambda: minutes(heard) == [0, 2])
            await rig.until(lambda: any(each.kind == "format" for each in rig.of(Trouble)))
            await rig.until(lambda: rig.publisher.lanes(rig.host.now())[0].processed == 2)
            assert rig.publisher.lanes(rig.host.now())[0].dropped == 1

    run(main)


def test_bars_that_redis_had_from_a_life_whose_disk_is_lost_are_not_out_again_as_late_ones(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    async def main() -> None:
        async with Heard(redis_server) as heard:
            async with Rig(tmp_path / "lost", wire_to(redis_server), begin=HOUR_AGO) as rig:
                rig.quote()
                past(rig, range(5))
                await heard.until(lambda: len(heard.finals) == 5)
            async with Rig(tmp_path / "new", wire_to(redis_server), begin=HOUR_AGO) as rig:
                rig.quote()
                rig.publisher.take(bars(MONDAY, [6]))
                await heard.until(lambda: minutes(heard)[-1:] == [6])
                rig.publisher.hear(bars(MONDAY, range(6), fresh=0))
                await heard.until(lambda: minutes(heard)[-1:] == [5])
            assert minutes(heard) == [0, 1, 2, 3, 4, 6, 5]

    run(main)


def test_a_bar_that_was_missing_when_the_program_ended_goes_out_in_its_next_life(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    async def main() -> None:
        async with Heard(redis_server) as heard:
            async with Rig(tmp_path, wire_to(redis_server), begin=HOUR_AGO) as rig:
                rig.quote()
                rig.publisher.take(bars(MONDAY, [0, 1, 3]))
                await heard.until(lambda: len(heard.finals) == 3)
            async with Rig(tmp_path, wire_to(redis_server), begin=HOUR_AGO) as rig:
                rig.quote()
                rig.publisher.hear(bars(MONDAY, range(5), fresh=0))
                await heard.until(lambda: len(heard.finals) == 5)
            assert sorted(minutes(heard)) == [0, 1, 2, 3, 4]

    run(main)


def test_longer_bars_that_the_flow_makes_of_the_venues_are_told_from_the_venues_own(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    async def main() -> None:
        async with Heard(redis_server) as heard, Rig(tmp_path, wire_to(redis_server), begin=HOUR_AGO) as rig:
            rig.quote()
            rig.publisher.hear(bars(MONDAY, [0], tf=5 * MINUTE, closed_by=VENUE, fresh=0))
            await heard.until(lambda: len(heard.finals) == 1)
            rig.publisher.hear(bars(MONDAY, [5], closed_by=VENUE))
            rig.publisher.take(bars(MONDAY, [1], tf=5 * MINUTE, closed_by=VENUE))
            rig.publisher.take(bars(MONDAY, [5], closed_by=VENUE))
            await heard.until(lambda: len(heard.finals) == 3)
            said = {
                (each["tf"], bar["open_time"] - MONDAY): bar["source"]
                for each in heard.of("ohlcv")
                for bar in each["bars"]
            }
            assert said == {("5m", 0): "history", ("5m", 5 * MINUTE): "history_agg", ("1m", 5 * MINUTE): "history"}

    run(main)
