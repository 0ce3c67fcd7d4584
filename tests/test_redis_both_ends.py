"""Two flows and a Redis between: what one publishes is what the other hears."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from pipeline.clocks import LoopClock
from pipeline.engine import Setting, running
from pipeline.flow import Flow
from pipeline.journal import Journal
from pipeline.plan import Plan
from pipeline.times import MINUTE
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


@asynccontextmanager
async def recording(
    plan: Plan, setting: Setting, folder: Path, tap: Callable[[str, Any], None]
) -> AsyncGenerator[Flow]:
    """A flow that has begun and is recorded."""
    with Journal(folder, plan, setting.begin) as journal:
        async with running(plan, setting, NoRecords(), Past((), {}), journal=journal, taps=(tap,)) as flow:
            yield flow


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


def test_every_bar_that_one_flow_makes_another_decides_on_with_the_same_numbers(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    ours, theirs = list[tuple[str, Any]](), list[tuple[str, Any]]()
    came = asyncio.Event()

    def told(given: list[tuple[str, Any]]) -> Callable[[str, Any], None]:
        def take(node: str, value: Any) -> None:
            given.append((node, value))
            came.set()

        return take

    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()

    async def main() -> None:
        clock = LoopClock(asyncio.get_running_loop(), MONDAY, SPEED)
        setting = Setting(mode="paper", begin=MONDAY, clock=clock)
        one, two = (
            plan_of(text.replace("{url}", redis_server.url), folder)
            for text, folder in zip((PUBLISHES, HEARS), folders, strict=True)
        )
        async with running(one, setting, NoRecords(), Past((), {}), taps=(told(ours),)) as publisher:
            listens = Setting(mode="paper", begin=MONDAY, clock=LoopClock(asyncio.get_running_loop(), MONDAY, SPEED))
            async with recording(two, listens, tmp_path / "recorded", told(theirs)) as listener:
                async with asyncio.timeout(4 * PATIENCE):
                    while len([each for each in new(theirs, "operators.bars") if each[1] == 5 * MINUTE]) < 2:
                        came.clear()
                        await came.wait()
                assert not publisher.faults
                assert not listener.faults

    asyncio.run(main())
    verdict = verified(tmp_path / "recorded", folders[1])
    assert verdict.difference is None, "the same comes of it without any network"
    assert verdict.whole
    made, heard = new(ours, "operators.bars"), new(theirs, "operators.bars")
    assert heard
    assert [each for each in heard if each not in made] == []
    for product in ("EURUSD", "XAU/USD"):
        minutes = [each[2] for each in heard if each[:2] == (product, MINUTE)]
        assert minutes == list(range(minutes[0], minutes[0] + len(minutes) * MINUTE, MINUTE))
    assert any(isinstance(item, Quotes) for _, item in theirs)
    assert not any(isinstance(item, Forming) for _, item in theirs)
    assert all(item.up for _, item in theirs if isinstance(item, Link))
    past = [item for whose, item in theirs if whose == "sources.market" and isinstance(item, Bars) and not item.fresh]
    assert {each.tf for each in past} >= {MINUTE, 5 * MINUTE}
