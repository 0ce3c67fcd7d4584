"""Two flows and a Redis between: what one publishes is what the other hears."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from pipeline.channels import listening
from pipeline.clocks import LoopClock
from pipeline.engine import Setting, running
from pipeline.journal import Journal
from pipeline.plan import Plan
from pipeline.times import HOUR, MINUTE
from pipeline.trying import NoRecords
from pipeline.values import Bars, Forming, Link, Past, Quotes
from pipeline.verifying import verified
from tests.channel_ends import PATIENCE
from tests.redis_server import RedisServer
from tests.support import MONDAY, plan_of

SPEED = 120.0

PUBLISHES = """
[sources.market]
use = "synthetic"
products = ["EURUSD", "XAU/USD"]
start = "2026-01-05T10:00:00Z"
speed = 60.0

[operators.bars]
use = "window"
from = "market"
timeframes = ["1m", "5m"]
forming = "250ms"

[sinks.redis]
from = "bars"
url = "{url}"
warmup_bars = 100
"""

HEARS = """
[sources.market]
use = "redis"
products = ["EURUSD", "XAU/USD"]
url = "{url}"
stale_after = "10m"

[operators.bars]
use = "window"
from = "market"
timeframes = ["1m", "5m", "15m"]
finals = "venue"
"""


@pytest.fixture(autouse=True)
def clocks_that_begin_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """A moment between two beginnings is more on clocks that go fast than any two that are right are apart."""
    monkeypatch.setattr(listening, "AHEAD", HOUR)


class Pair:
    """A flow that publishes and one that hears it, on two clocks that go fast; what each gave, and a recording."""

    def __init__(self, url: str, folder: Path) -> None:
        self.ours, self.theirs = list[tuple[str, Any]](), list[tuple[str, Any]]()
        self.recorded, self.base = folder / "recorded", folder / "two"
        self._url, self._folder = url, folder
        self._came = asyncio.Event()

    @asynccontextmanager
    async def alive(self) -> AsyncGenerator[None]:
        one, two = self._flow("one", PUBLISHES), self._flow("two", HEARS)
        async with running(one, setting(), NoRecords(), Past((), {}), taps=(self._told(self.ours),)) as publisher:
            begins = setting()
            with Journal(self.recorded, two, begins.begin) as journal:
                taps = (self._told(self.theirs),)
                async with running(two, begins, NoRecords(), Past((), {}), journal=journal, taps=taps) as listener:
                    yield
                    assert not publisher.faults
                    assert not listener.faults

    async def heard(self, tf: int, rows: int) -> None:
        """Wait until so many bars of a timeframe were decided on."""
        async with asyncio.timeout(4 * PATIENCE):
            while len([each for each in new(self.theirs, "operators.bars") if each[1] == tf]) < rows:
                self._came.clear()
                await self._came.wait()

    def _flow(self, name: str, text: str) -> Plan:
        (self._folder / name).mkdir()
        return plan_of(text.replace("{url}", self._url), self._folder / name)

    def _told(self, given: list[tuple[str, Any]]) -> Callable[[str, Any], None]:
        def take(node: str, value: Any) -> None:
            given.append((node, value))
            self._came.set()

        return take


def setting() -> Setting:
    return Setting(mode="paper", begin=MONDAY, clock=LoopClock(asyncio.get_running_loop(), MONDAY, SPEED))


def key_of(bars: Bars, row: int) -> tuple[Any, ...]:
    columns = (bars.open_ts, bars.open, bars.high, bars.low, bars.close, bars.volume)
    return (bars.product, bars.tf, *(column[row].item() for column in columns))


def new(given: list[tuple[str, Any]], node: str) -> list[tuple[Any, ...]]:
    """The new bars that a node gave, with all their numbers."""
    return [
        key_of(item, row)
        for whose, item in given
        if whose == node and isinstance(item, Bars) and item.fresh
        for row in range(len(item) - item.fresh, len(item))
    ]


def past(given: list[tuple[str, Any]], node: str) -> list[tuple[Any, ...]]:
    """The bars that a node gave as history."""
    return [
        key_of(item, row)
        for whose, item in given
        if whose == node and isinstance(item, Bars) and not item.fresh
        for row in range(len(item))
    ]


def test_every_bar_that_one_flow_makes_another_decides_on_with_the_same_numbers(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    async def main() -> Pair:
        pair = Pair(redis_server.url, tmp_path)
        async with pair.alive():
            await pair.heard(5 * MINUTE, 2)
        return pair

    pair = asyncio.run(main())
    verdict = verified(pair.recorded, pair.base)
    assert verdict.difference is None, "the same comes of it without any network"
    assert verdict.whole
    made, heard = new(pair.ours, "operators.bars"), new(pair.theirs, "operators.bars")
    assert heard
    assert [each for each in heard if each not in made] == []
    for product in ("EURUSD", "XAU/USD"):
        minutes = [each[2] for each in heard if each[:2] == (product, MINUTE)]
        assert minutes == list(range(minutes[0], minutes[0] + len(minutes) * MINUTE, MINUTE))
    assert any(isinstance(item, Quotes) for _, item in pair.theirs)
    assert not any(isinstance(item, Forming) for _, item in pair.theirs)
    assert {each[1] for each in past(pair.theirs, "sources.market")} >= {MINUTE, 5 * MINUTE}


def test_a_redis_that_is_killed_and_forgets_all_costs_the_listener_no_bar_and_gives_it_none_twice(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    async def main() -> Pair:
        pair = Pair(redis_server.url, tmp_path)
        async with pair.alive():
            await pair.heard(MINUTE, 6)
            redis_server.kill()
            away = asyncio.Event()
            asyncio.get_running_loop().call_later(3 * MINUTE / 1000 / SPEED, away.set)
            await away.wait()
            redis_server.start()
            await pair.heard(MINUTE, 16)
            await pair.heard(5 * MINUTE, 4)
        return pair

    pair = asyncio.run(main())
    made, heard = new(pair.ours, "operators.bars"), new(pair.theirs, "sources.market")
    assert len(heard) == len(set(heard)), "none is new twice"
    known = set(heard) | set(past(pair.theirs, "sources.market"))
    for product in ("EURUSD", "XAU/USD"):
        last = max(each[2] for each in heard if each[:2] == (product, MINUTE))
        due = [each for each in made if each[:2] == (product, MINUTE) and each[2] <= last]
        assert [each for each in due if each not in known] == []
    assert [item.up for _, item in pair.theirs if isinstance(item, Link)][:2] == [False, True]
