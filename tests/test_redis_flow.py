"""A flow whose prices another publishes: its bars are the publisher's, from the past on, and holes are mended."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipeline.clocks import LoopClock
from pipeline.engine import Setting, running
from pipeline.times import MINUTE, SECOND
from pipeline.trying import NoRecords
from pipeline.values import Bars, Past, Signals
from tests.channel_ends import OPEN, PATIENCE, bars, speaking, tick
from tests.redis_server import RedisServer
from tests.support import MONDAY, SMALL, plan_of

START = MONDAY + 7 * MINUTE
SPEED = 60.0


def listening_flow(url: str) -> str:
    source = f'[sources.market]\nuse = "redis"\nproducts = ["EURUSD"]\nurl = "{url}"\n'
    made_up = SMALL[SMALL.index("[sources.market]") : SMALL.index("[operators.bars]")]
    return SMALL.replace(made_up, source + "\n").replace(
        'timeframes = ["1m", "5m"]', 'timeframes = ["1m", "5m"]\nfinals = "venue"'
    )


def test_a_flow_decides_on_the_publishers_bars_from_its_past_on_and_mends_what_it_missed(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    plan = plan_of(listening_flow(redis_server.url), tmp_path)
    given: list[tuple[str, Any]] = []
    came = asyncio.Event()

    def told(node: str, value: Any) -> None:
        given.append((node, value))
        came.set()

    def said() -> list[tuple[int, int, bool]]:
        return [
            (item.tf, int(item.open_ts[row]), bool(item.ready[row]))
            for _, item in given
            if isinstance(item, Signals)
            for row in range(len(item) - item.fresh, len(item))
        ]

    def mended() -> bool:
        """Whether the two bars that never came are given as past."""
        return any(
            isinstance(item, Bars) and not item.fresh and item.open_ts.tolist() == [START + MINUTE, START + 2 * MINUTE]
            for _, item in given
        )

    async def until(so: Callable[[], Any]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not so():
                came.clear()
                await came.wait()

    async def main() -> None:
        clock = LoopClock(asyncio.get_running_loop(), START, SPEED)
        setting = Setting(mode="paper", begin=START, clock=clock)
        async with speaking(redis_server, clock.now, [("EURUSD", MINUTE), ("EURUSD", 5 * MINUTE)]) as mouth:
            mouth.past = {
                ("EURUSD", MINUTE): list(range(START - 900 * MINUTE, START, MINUTE)),
                ("EURUSD", 5 * MINUTE): list(range(MONDAY - 4500 * MINUTE, MONDAY + 5 * MINUTE, 5 * MINUTE)),
            }
            async with running(plan, setting, NoRecords(), Past((), {}), taps=(told,)) as flow:
                await until(lambda: any(isinstance(item, Bars) and item.fresh == 0 for _, item in given))
                await mouth.say(OPEN, tick(START + SECOND))
                await clock_at(clock, START + MINUTE)
                await mouth.say(bars(START))
                await until(said)
                mouth.past["EURUSD", MINUTE] += [START, START + MINUTE, START + 2 * MINUTE]
                await clock_at(clock, START + 4 * MINUTE)
                await mouth.say(bars(START + 3 * MINUTE))
                await until(mended)
                await clock_at(clock, START + 5 * MINUTE)
                await mouth.say(bars(START + 4 * MINUTE))
                await until(lambda: (MINUTE, START + 4 * MINUTE, True) in said())
                assert not flow.faults

    asyncio.run(main())
    assert (MINUTE, START, True) in said(), "the past made it ready from the first bar on"


async def clock_at(clock: LoopClock, moment: int) -> None:
    reached = asyncio.Event()
    clock.at(moment, reached.set)
    await reached.wait()
