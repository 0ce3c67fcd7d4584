"""Channels: whoever listens slowly is told what was passed over, and nobody who tells ever waits."""

import asyncio
import json
import tracemalloc
from pathlib import Path

import aiohttp
import pytest
from msgspec import Struct

from pipeline.control.channels import Channels, Listener, Skipped
from pipeline.control.limits import LARGEST_QUESTION, QUESTIONS, QUEUE, SOCKETS
from tests.api_engine import Engine, on_engine, until


class News(Struct, frozen=True):
    """Something that happened."""

    number: int
    ts_ms: int = 5


def nobody() -> None:
    """Nobody has to be woken."""


def test_a_full_queue_gives_way_at_its_old_end_and_says_by_how_much() -> None:
    listener = Listener(("alerts",), nobody, most=3)
    for number in range(10):
        listener.put("alerts", News(number))
    skipped, *rest = listener.take()
    assert skipped == Skipped("alerts", 5, 7)
    assert rest == [News(7), News(8), News(9)]
    listener.put("alerts", News(10))
    assert list(listener.take()) == [News(10)]


def test_one_is_woken_once_however_much_comes_before_it_looks() -> None:
    woken = list[int]()
    listener = Listener(("alerts", "logs"), lambda: woken.append(1))
    for number in range(100):
        listener.put("alerts", News(number))
        listener.put("logs", News(number))
    assert len(woken) == 1
    assert len(list(listener.take())) == 200
    listener.put("logs", News(1))
    assert len(woken) == 2


def test_what_nobody_listens_to_is_not_wanted_and_costs_nothing() -> None:
    channels = Channels()
    listener = Listener(("alerts",), nobody)
    assert not channels.wanted("alerts")
    channels.join(listener)
    assert channels.wanted("alerts")
    assert not channels.wanted("logs")
    channels.tell("logs", News(1))
    assert list(listener.take()) == []
    channels.leave(listener)
    channels.tell("alerts", News(2))
    assert list(listener.take()) == []


def test_a_listener_that_takes_nothing_holds_a_bounded_queue_and_nobody_else() -> None:
    channels = Channels()
    slow = Listener(("logs",), nobody)
    channels.join(slow)
    tracemalloc.start()
    for number in range(20 * QUEUE):
        channels.tell("logs", News(number))
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert slow.depth == {"logs": QUEUE}
    assert grown < 1_000_000


def test_the_kill_switch_is_an_alert_and_a_line_of_the_log(tmp_path: Path) -> None:
    async def check(engine: Engine) -> None:
        async with engine.channel("alerts,logs") as line:
            await until(lambda: engine.flow.border.now() > 0)
            await engine.post("/killswitch", {"reason": "the spread looks wrong"})
            topics = dict[str, str]()
            while set(topics) != {"alerts", "logs"}:
                told = json.loads((await line.receive(timeout=10)).data)
                text = told["text"] if told["topic"] == "alerts" else told["log"]["text"]
                if "the spread looks wrong" in text:
                    topics[told["topic"]] = told.get("code", "")
            assert topics["alerts"] == "KILL_SWITCH"
        holding = {each["code"] for each in (await engine.get("/alerts"))["alerts"]}
        assert "KILL_SWITCH" in holding

    on_engine(tmp_path, check)


@pytest.mark.parametrize(
    ("words", "code"), [([" " * (LARGEST_QUESTION + 1)], 1009), (["{}"] * (QUESTIONS + 20), 1003), (["x"], 1003)]
)
def test_a_channel_that_is_talked_to_is_closed_and_the_engine_goes_on(
    tmp_path: Path, words: list[str], code: int
) -> None:
    async def check(engine: Engine) -> None:
        async with engine.channel("alerts") as line:
            for each in words:
                await line.send_str(each)
            while (message := await line.receive(timeout=10)).type is aiohttp.WSMsgType.TEXT:
                pass
            assert message.data == code
        before = len(engine.decisions)
        await until(lambda: len(engine.decisions) > before)

    on_engine(tmp_path, check)


def test_channels_and_consoles_share_the_lines_there_are(tmp_path: Path) -> None:
    async def check(engine: Engine) -> None:
        lines = [await engine.session.ws_connect(f"{engine.url}/ws?topic=logs") for _ in range(SOCKETS)]
        status, refusal = await engine.ask("GET", "/ws")
        assert (status, refusal["error"]["code"]) == (503, "MAINTENANCE")
        assert (await engine.get("/status"))["ws"] == {"consoles": 0, "channels": SOCKETS, "most": SOCKETS}
        await asyncio.gather(*(line.close() for line in lines))
        async with asyncio.timeout(10):
            while (await engine.get("/status"))["ws"]["channels"]:
                pass  # asking takes its time

    on_engine(tmp_path, check)
