"""Lines of programs that listen to what happens: orders, alerts, logs, numbers."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import cast

import msgspec
from aiohttp import WSCloseCode

from pipeline.control.channels import TOPICS, Listener, Topic
from pipeline.control.controls import Controls
from pipeline.control.errors import Refused
from pipeline.control.limits import CHANNEL_RATE
from pipeline.control.telling import Numbers
from pipeline.telemetry.samples import Sample
from sinks.api.line import Line

LOOKS_EVERY = 1.0
"""Seconds between two looks at the numbers."""
AT_ONCE = 500
"""Numbers in one message."""


class Measured(msgspec.Struct, frozen=True):
    """Numbers that changed."""

    ts_ms: int
    samples: tuple[Sample, ...]
    topic: str = "metrics"


def topics_of(asked: str | None) -> tuple[Topic, ...]:
    """The channels that are named, by commas; none: it is a console's line."""
    if asked is None:
        return ()
    named = tuple(dict.fromkeys(each.strip() for each in asked.split(",")))
    for each in named:
        if each not in TOPICS:
            raise Refused("VALIDATION", f"there is no channel {each[:40]!r}; there are {', '.join(TOPICS)}")
    return cast("tuple[Topic, ...]", named)


async def attend_channels(line: Line, topics: Iterable[Topic], controls: Controls) -> None:
    """Tell a line what happens until it ends."""
    loop = asyncio.get_running_loop()
    news = asyncio.Event()

    def wake() -> None:
        with suppress(RuntimeError):  # the server has ended meanwhile
            loop.call_soon_threadsafe(news.set)

    listener = Listener(tuple(topics), wake)
    controls.channels.join(listener)
    try:
        async with asyncio.TaskGroup() as both:
            tasks = [both.create_task(_tell(line, listener, news))]
            if "metrics" in listener.topics and controls.numbers is not None:
                tasks.append(both.create_task(_measure(line, controls.numbers)))
            async for _ in line.heard():
                await line.close(WSCloseCode.UNSUPPORTED_DATA, "a channel listens to nothing")
            for each in tasks:
                each.cancel()
    finally:
        controls.channels.leave(listener)


async def _tell(line: Line, listener: Listener, news: asyncio.Event) -> None:
    while not line.closed:
        await news.wait()
        news.clear()
        for each in listener.take():
            await line.say(msgspec.json.encode(each))


async def _measure(line: Line, numbers: Numbers) -> None:
    """The numbers that changed, each at its latest, some at a time: none is queued, and none is told twice."""
    loop = asyncio.get_running_loop()
    since = 0
    while not line.closed:
        planned = loop.time() + LOOKS_EVERY
        changed = await numbers.since(since)
        for first in range(0, len(changed), AT_ONCE):
            await line.say(msgspec.json.encode(Measured(changed[first].ts_ms, tuple(changed[first : first + AT_ONCE]))))
            await asyncio.sleep(1 / CHANNEL_RATE)
        since = max((each.ts_ms for each in changed), default=since)
        await asyncio.sleep(max(0.0, planned - loop.time()))
