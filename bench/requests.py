"""How many calls a flow's accounts make in a minute, over HTTP and over Deriv's sockets, and how long each takes.

    python -m bench.requests [--seconds 5]

A practice venue runs in a process of its own. Four accounts with 30 products and timeframes each, 120 keys, ask all at
once and again and again what a win pays, and what the venue's clock shows (which costs the venue next to nothing): each
account over its own session, with its token, its limits and its checks of every answer. The floor is bare aiohttp that
asks the same of the same venue with as many calls at once as the accounts have under way, and does nothing with the
answers: one session over HTTP, and as many sockets over Deriv's protocol, where what a win pays takes two calls.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, NamedTuple

from aiohttp import ClientSession

import sinks
from pipeline.connections.contract import Connector, Holder, Limit
from pipeline.deriv import requests
from pipeline.deriv.connector import DerivConnector
from pipeline.evidence import Evidence, Trouble
from pipeline.generic.connector import GenericConnector
from pipeline.generic.contracts import Symbols
from pipeline.generic.site import site_of
from pipeline.generic.terms import SCOPES, Terms
from pipeline.permission import Permission
from pipeline.secret import Practised
from pipeline.times import MINUTE, timeframe_name
from sinks.deriv import Deriv

PARTS = (sinks,)
ACCOUNTS = ("demo-1", "demo-2", "demo-3", "demo-4")
PRODUCTS = ("R_10", "R_25", "R_50", "R_75", "R_100", "1HZ10V", "1HZ25V", "1HZ50V", "1HZ75V", "1HZ100V")
TIMEFRAMES = (MINUTE, 5 * MINUTE, 15 * MINUTE)
KEYS = tuple((product, tf) for product in PRODUCTS for tf in TIMEFRAMES)
AT_ONCE = 6
"""Calls that one account has under way: two of its eight rooms are kept for orders."""
STAKE = Decimal(10)
UNLIMITED = (Limit("requests", frozenset(), 10_000_000),)
Work = Callable[[], Awaitable[Any]]
Open = Callable[[str], Connector]
"""Makes an account's connector, by its name."""
DEADLINE = 30


class Clock:
    """Real time, for budgets."""

    base = Path()

    def now(self) -> int:
        return int(asyncio.get_running_loop().time() * 1000)

    async def until(self, at: int) -> None:
        await asyncio.sleep(max(0, at - self.now()) / 1000)


class Measured(NamedTuple):
    """What was done within some seconds, and of how many calls, one after the other, each was made."""

    waits: list[float]
    seconds: float
    calls: int = 1

    @property
    def per_minute(self) -> float:
        return len(self.waits) * self.calls / self.seconds * 60

    def text(self) -> str:
        wait = mean(self.waits) / self.calls * 1000
        return f"{self.per_minute:8.0f} requests a minute, mean latency {wait:6.2f} ms"


def terms(url: str) -> Terms:
    return Terms(
        site=site_of(url, "", (), DEADLINE, practice=True),
        symbols=Symbols({}),
        evidence=Evidence(stamps_ms=2000),
        tie="lose",
        permission=Permission("a bench", rehearsal=True),
        limits=UNLIMITED,
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


def over_http(url: str) -> Open:
    def made(name: str) -> Connector:
        return GenericConnector(terms(f"{url}/v1"), holder(name), lambda: Practised().of(name), Clock(), ignore)

    return made


def over_deriv(url: str) -> Open:
    manner = Deriv(url=url, practice=True).manner
    manner = replace(manner, capabilities=replace(manner.capabilities, limits=UNLIMITED))
    clock = Clock()

    def made(name: str) -> Connector:
        return DerivConnector(manner, holder(name), Practised(), ignore, clock.now, clock.until)

    return made


def holder(name: str) -> Holder:
    return Holder(account=name, money="practice", currency="USD")


async def ours(made: Open, seconds: float, work_of: Callable[[Connector, str, int], Work], calls: int = 1) -> Measured:
    async with AsyncExitStack() as stack:
        accounts = [made(name) for name in ACCOUNTS]
        for account in accounts:
            stack.push_async_callback(account.close)
            await account.open()
        works = [work_of(account, product, tf) for account in accounts for product, tf in KEYS]
        return (await timed(works, seconds))._replace(calls=calls)


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


async def bare_sockets(url: str, asked: Sequence[requests.Request], seconds: float) -> Measured:
    address = f"{url.replace('http', 'ws', 1)}/trading/v1/options/ws/public"
    async with ClientSession() as session, AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(session.ws_connect(address)) for _ in range(AT_ONCE * len(ACCOUNTS))]

        def work_on(number: int) -> Work:
            socket, request = sockets[number], dict(asked[number % len(asked)])

            async def work() -> None:
                await socket.send_json(request)
                await socket.receive_str()

            return work

        return await timed([work_on(number) for number in range(len(sockets))], seconds)


async def compared(
    what: str, floor_of: Callable[[float], Awaitable[Measured]], ask: Callable[[], Awaitable[Measured]], seconds: float
) -> None:
    await floor_of(0.5)
    floor, made = await floor_of(seconds), await ask()
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
        url = json.loads(await venue.stdout.readline())["url"]
        http, deriv = over_http(url), over_deriv(url)
        print(f"{len(ACCOUNTS)} accounts, {len(ACCOUNTS) * len(KEYS)} keys, {seconds:g} s each")
        payouts = [f"{url}/v1/market/payout?symbol={each}&tf={timeframe_name(tf)}&amount=10" for each, tf in KEYS]
        clocks = [f"{url}/v1/ping"]
        offers = [requests.proposal("CALL", each, STAKE, "USD", tf) for each, tf in KEYS]
        await compared("http payouts", lambda time: bare(payouts, time), lambda: ours(http, seconds, paying), seconds)
        await compared("http clocks", lambda time: bare(clocks, time), lambda: ours(http, seconds, telling), seconds)
        await compared(
            "deriv payouts",
            lambda time: bare_sockets(url, offers, time),
            lambda: ours(deriv, seconds, paying, calls=2),
            seconds,
        )
        await compared(
            "deriv clocks",
            lambda time: bare_sockets(url, [requests.TIME], time),
            lambda: ours(deriv, seconds, telling),
            seconds,
        )
    finally:
        venue.terminate()
        await venue.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each is measured")
    asyncio.run(whole(parser.parse_args().seconds))


if __name__ == "__main__":
    main()
