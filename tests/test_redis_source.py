"""A source that listens to a publisher by a real Redis: prices, final bars, the past, and the word of the link."""

import asyncio
from pathlib import Path

from pipeline.times import MINUTE, SECOND
from tests.channel_ends import OPEN, bars, listener, listening, speaking, tick
from tests.redis_server import RedisServer
from tests.support import MONDAY


def test_prices_and_final_bars_are_given_once_and_in_order_and_live_ones_are_not(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    async def main() -> None:
        async with listening(listener(redis_server), tmp_path) as ear, speaking(redis_server) as mouth:
            await ear.until(lambda: "connected" in ear.sessions())
            await mouth.say(OPEN, tick(MONDAY + 1000), tick(MONDAY + 1000), tick(MONDAY + 500), tick(MONDAY + 4000))
            await mouth.say(bars(MONDAY, complete=False), bars(MONDAY), bars(MONDAY), bars(MONDAY + MINUTE))
            await mouth.say(tick(MONDAY + 8 * SECOND))
            await ear.until(lambda: MONDAY + 8 * SECOND in ear.quotes())
            assert ear.quotes() == [MONDAY + 1000, MONDAY + 4000, MONDAY + 8000]
            assert ear.opened(fresh=True) == [MONDAY, MONDAY + MINUTE]
            assert ear.links() == []
            assert "streaming" in ear.sessions()

    asyncio.run(main())
