"""Lines of consoles: each is told at its own pace what it asked for.

Nothing is kept for a console: when its moment comes and its line is free, it gets what changed since it last listened,
so a slow or stopped console costs a bounded buffer and then its connection, never memory. What no console asked for is
never computed.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import msgspec

from pipeline.aside import Asking
from pipeline.errors import InputError
from pipeline.view import Ask, News, Refusal, Topics, View
from sinks.api.line import Line
from sinks.api.telling import (
    Beating,
    Costly,
    Telling,
    TellingChart,
    TellingFeed,
    TellingFlow,
    TellingKeys,
    TellingLog,
    TellingStatus,
    TellingTap,
)


@dataclass(slots=True)
class Due:
    """When a topic is to be told next, and what was asked for to have it."""

    asked: object
    every: float
    telling: Telling
    at: float


class Console:
    """One attached console: what it wants, what it has been told, and its line."""

    def __init__(self, view: View, line: Line, ask: Asking) -> None:
        self._view = view
        self._line = line
        self._ask = ask
        self._loop = asyncio.get_running_loop()
        self._due: dict[str, Due] = {}
        self._asked = asyncio.Event()

    async def attend(self) -> None:
        """Listen and tell until the line ends."""
        self._due["beat"] = Due(None, 1.0, Beating(self._view), self._loop.time() + 1.0)
        try:
            async with asyncio.TaskGroup() as both:
                telling = both.create_task(self._tell())
                await self._listen()
                telling.cancel()
        finally:
            await self._end(tuple(self._due.values()))

    async def _listen(self) -> None:
        async for said in self._line.heard():
            try:
                await self._end(self._want(_ask_of(said)))
            except InputError as refusal:
                await self._say(Refusal(str(refusal)))

    def _want(self, topics: Topics) -> tuple[Due, ...]:
        """Start what is newly asked for and let what stays go on from where it is; what is not asked for any more."""
        wanted = {name: (asked, rate, make) for name, asked, rate, make in self._wanted(topics) if rate > 0}
        kept = {name for name, (asked, *_) in wanted.items() if name in self._due and self._due[name].asked == asked}
        gone = tuple(self._due.pop(name) for name in self._due.keys() - kept - {"beat"})
        for name, (asked, rate, make) in wanted.items():
            if name not in kept:
                self._due[name] = Due(asked, 1 / rate, make(), self._loop.time())
        self._asked.set()
        return gone

    async def _end(self, gone: Iterable[Due]) -> None:
        """See to it that nothing goes on in the engine for what nobody is told any more, however this ends."""
        over = [due.telling.over for due in gone if isinstance(due.telling, Costly)]
        if over:
            await asyncio.shield(self._ask(partial(_each, over)))

    def _wanted(self, topics: Topics) -> Iterator[tuple[str, object, float, Callable[[], Telling]]]:
        view = self._view
        yield "status", topics.status, topics.status, lambda: TellingStatus(view)
        yield "keys", topics.keys, topics.keys, lambda: TellingKeys(view)
        yield "log", topics.log, topics.log, lambda: TellingLog(view)
        yield "feed", topics.feed, topics.feed, lambda: TellingFeed(view)
        if (of := topics.chart) is not None:
            yield "chart", of, of.rate, lambda: TellingChart(view, of)
        yield "flow", topics.flow, topics.flow, lambda: TellingFlow(view)
        if (heard := topics.tap) is not None:
            yield "tap", heard, heard.rate, lambda: TellingTap(view, heard)

    async def _tell(self) -> None:
        await self._say(await self._ask(self._view.hello))
        while not self._line.closed:
            for due in [due for due in self._due.values() if due.at <= self._loop.time()]:
                for news in await self._ask(partial(_all_of, due.telling)):
                    await self._say(news)
                due.at = self._loop.time() + due.every
            await self._wait(min(due.at for due in self._due.values()))

    async def _wait(self, moment: float) -> None:
        """Until `moment`, or until the console wants something else."""
        try:
            async with asyncio.timeout_at(moment):
                await self._asked.wait()
        except TimeoutError:
            return
        self._asked.clear()

    async def _say(self, news: News) -> None:
        await self._line.say(_ENCODER.encode(news))


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Ask)
_EXAMPLE = '{"subscribe": {"status": 1, "keys": 10, "log": 5}}'


def _all_of(telling: Telling) -> list[News]:
    return list(telling.news())


def _each(over: Iterable[Callable[[], None]]) -> None:
    for end in over:
        end()


def _ask_of(said: str | bytes) -> Topics:
    if not isinstance(said, str):
        raise InputError(f"questions are text; send something like {_EXAMPLE}")
    try:
        return _DECODER.decode(said).subscribe
    except (msgspec.DecodeError, RecursionError) as problem:
        raise InputError(f"cannot take that: {str(problem)[:200]}; send something like {_EXAMPLE}") from None
