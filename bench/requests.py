"""How many calls over HTTP a flow's accounts make in a minute, and how long each takes, with more than a hundred keys.

    python -m bench.requests [--seconds 5]

A practice venue runs in a process of its own. Four accounts with 30 products and timeframes each, 120 keys, ask all at
once and again and again what a win pays, and what the venue's clock shows (which costs the venue next to nothing): each
account over its own session, with its token, its limits and its checks of every answer. The floor is one bare aiohttp
session that gets the same addresses from the same venue with as many calls at once as the accounts have under way, and
does nothing with the answers.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, NamedTuple

from aiohttp import ClientSession

import sinks
from pipeline.connections.contract import Connector, Holder, Limit
from pipeline.evidence import Evidence, Trouble
from pipeline.generic.connector import GenericConnector
from pipeline.generic.contracts import Symbols
from pipeline.generic.site import site_of
from pipeline.generic.terms import SCOPES, Terms
from pipeline.permission import Permission
from pipeline.secret import Practised
from pipeline.times import MINUTE, timeframe_name

PARTS = (sinks,)
ACCOUNTS = ("demo-1", "demo-2", "demo-3", "demo-4")
PRODUCTS = ("R_10", "R_25", "R_50", "R_75", "R_100", "1HZ10V", "1HZ25V", "1HZ50V", "1HZ75V", "1HZ100V")
TIMEFRAMES = (MINUTE, 5 * MINUTE, 15 * MINUTE)
KEYS = tuple((product, tf) for product in PRODUCTS for tf in TIMEFRAMES)
AT_ONCE = 6
"""Calls that one account has under way: two of its eight rooms are kept for orders."""
STAKE = Decimal(10)
Work = Callable[[], Awaitable[Any]]
DEADLINE = 30


class Clock:
    """Real time, for budgets."""

    base = Path()

    def now(self) -> int:
        return int(asyncio.get_running_loop().time() * 1000)

    async def until(self, at: int) -> None:
        await asyncio.sleep(max(0, at - self.now()) / 1000)


class Measured(NamedTuple):
    """What was done within some seconds."""

    waits: list[float]
    seconds: float

    @property
    def per_minute(self) -> float:
        return len(self.waits) / self.seconds * 60

    def text(self) -> str:
        return f"{self.per_minute:8.0f} requests a minute, mean latency {mean(self.waits) * 1000:6.2f} ms"


def terms(url: str) -> Terms:
    return Terms(
        site=site_of(url, "", (), DEADLINE, practice=True),
        symbols=Symbols({}),
        evidence=Evidence(stamps_ms=2000),
        tie="lose",
        permission=Permission("a bench", rehearsal=True),
        limits=(Limit("requests", frozenset(), 10_000_000),),
        streams=False,
        poll_ms=60_000,
        payout_slack=0,
        most_apart_ms=60_000,
        scopes=SCOPES,
        practice=True,
    )


def ignore(trouble: Trouble) -> None:
    del trouble


async def timed(works: list[Work], seconds: float) -> Measured:
    """Each work again and again, all at once."""
    waits: list[float] = []
    began = perf_counter()

    async def repeat(work: Work) -> None:
        while perf_counter() - began < seconds:
            start = perf_counter()
            await work()
            waits.append(perf_counter() - start)

    await asyncio.gather(*(repeat(work) for work in works))
    return Measured(waits, perf_counter() - began)


async def ours(url: str, seconds: float, work_of: Callable[[Connector, str, int], Work]) -> Measured:
    accounts: list[GenericConnector] = []
    try:
        for name in ACCOUNTS:
            holder = Holder(account=name, money="practice", currency="USD")
            account = GenericConnector(terms(url), holder, lambda name=name: Practised().of(name), Clock(), ignore)
            accounts.append(account)
            await account.open()
        works = [work_of(account, product, tf) for account in accounts for product, tf in KEYS]
        return await timed(works, seconds)
    finally:
        for account in accounts:
            await account.close()


def paying(account: Connector, product: str, tf: int) -> Work:
    async def work() -> None:
        assert await account.payout(product, tf, STAKE)

    return work


def telling(account: Connector, product: str, tf: int) -> Work:
    del product, tf
    return account.clock


async def bare(addresses: list[str], seconds: float) -> Measured:
    async with ClientSession() as session:

        def work_on(number: int) -> Work:
            async def work() -> None:
                async with session.get(addresses[number % len(addresses)]) as response:
                    await response.read()
                    assert response.status == 200

            return work

        return await timed([work_on(number) for number in range(AT_ONCE * len(ACCOUNTS))], seconds)


async def compared(what: str, addresses: list[str], ask: Callable[[], Awaitable[Measured]], seconds: float) -> None:
    await bare(addresses, 0.5)
    floor, made = await bare(addresses, seconds), await ask()
    print(f"{what}: floor {floor.text()}")
    print(f"{what}:  ours {made.text()}, its turn included: {made.per_minute / floor.per_minute:.0%} of the floor")


async def whole(seconds: float) -> None:
    with TemporaryDirectory() as folder:
        await served(Path(folder), seconds)


async def served(folder: Path, seconds: float) -> None:
    file = folder / "venue.toml"
    file.write_text("limits = false\n", encoding="utf-8")
    asked = (sys.executable, "-m", "pipeline", "venue", "serve", str(file), "--port", "0", "--json")
    venue = await asyncio.create_subprocess_exec(*asked, "--folder", str(folder), stdout=asyncio.subprocess.PIPE)
    try:
        assert venue.stdout is not None
        url = json.loads(await venue.stdout.readline())["url"] + "/v1"
        print(f"{len(ACCOUNTS)} accounts, {len(ACCOUNTS) * len(KEYS)} keys, {seconds:g} s each")
        payouts = [f"{url}/market/payout?symbol={each}&tf={timeframe_name(tf)}&amount=10" for each, tf in KEYS]
        await compared("payouts", payouts, lambda: ours(url, seconds, paying), seconds)
        await compared("clocks", [f"{url}/ping"], lambda: ours(url, seconds, telling), seconds)
    finally:
        venue.terminate()
        await venue.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each is measured")
    asyncio.run(whole(parser.parse_args().seconds))


if __name__ == "__main__":
    main()
