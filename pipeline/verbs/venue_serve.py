"""Serve a practice venue until Ctrl-C: accounts without money, prices, contracts, and every fault a broker can have.

examples:
  python -m pipeline venue serve
  python -m pipeline venue serve --speed 60 --port 8778
  python -m pipeline venue serve venue.toml --folder data/venue --json

It listens on 127.0.0.1 only. What it sold is kept in its folder: started again, it goes on. docs/venue.md has the keys
of its file, its protocols, and its admin, by which faults are set while it runs.
"""

import argparse
import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.broker.app import Served, serving
from pipeline.broker.purses import token_of
from pipeline.broker.reading import settings_of
from pipeline.errors import InputError, MoonlightError
from pipeline.live import on_signals, wall
from pipeline.times import SECOND, duration, utc_text
from pipeline.verbs.common import json_option, say_json

FOLDER = Path("data/venue")


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="the venue's file (a usual venue)")
    parser.add_argument("--port", type=int, help="where it listens on 127.0.0.1; 0 for any free port")
    parser.add_argument("--seed", type=int, help="what its prices are drawn from")
    parser.add_argument("--speed", type=float, help="how much faster than time its clock goes")
    parser.add_argument("--folder", type=Path, default=FOLDER, help=f"where it keeps its book and its token ({FOLDER})")
    parser.add_argument("--for", dest="length", metavar="SPAN", help="end by itself after this much real time: 30s, 8h")
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    given = {key: each for key in ("port", "seed", "speed") if (each := getattr(options, key)) is not None}
    settings = settings_of(options.file, given)
    try:
        seconds = None if options.length is None else duration(options.length) / SECOND
    except ValueError as wrong:
        raise InputError(str(wrong)) from None
    folder: Path = options.folder
    folder.mkdir(parents=True, exist_ok=True)

    async def served() -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        on_signals(stop.set)
        failures: list[MoonlightError] = []

        def fail(loop: asyncio.AbstractEventLoop, said: dict[str, Any]) -> None:
            failure = said.get("exception")
            if isinstance(failure, MoonlightError):
                failures.append(failure)
                stop.set()
            else:
                loop.default_exception_handler(said)

        loop.set_exception_handler(fail)
        async with serving(settings, folder, wall=wall) as venue:
            if options.json:
                say_json({"what": "begin", **_facts(venue)})
                sys.stdout.flush()
            else:
                print("\n".join(_lines(venue, folder)), flush=True)
            try:
                await asyncio.wait_for(stop.wait(), seconds)
            except TimeoutError:
                stop.set()
            if failures:
                raise failures[0]
            now, sold = venue.broker.now(), venue.broker.sold
        if options.json:
            say_json({"what": "end", "market_time": now, "contracts": sold})
        else:
            print(f"ended at market time {utc_text(now)}, {sold} contracts sold")

    asyncio.run(served())
    return 0


def _facts(venue: Served) -> dict[str, Any]:
    broker = venue.broker
    return {
        "url": venue.url,
        "port": venue.port,
        "market_time": broker.now(),
        "speed": broker.settings.speed,
        "products": list(broker.products),
        "accounts": [
            {
                "account": each.account,
                "kind": each.kind,
                "currency": each.currency,
                "balance": str(broker.balance(each.account)),
                "user": each.user,
                "password": token_of(each.user),
            }
            for each in broker.purses.all.values()
        ],
    }


def _lines(venue: Served, folder: Path) -> Iterator[str]:
    broker, speed = venue.broker, venue.broker.settings.speed
    pace = "" if speed == 1 else f", {speed:g} times as fast as time passes"
    yield f"a practice venue listens at {venue.url} (Ctrl-C ends it)"
    yield f"  market time  {utc_text(broker.now())}{pace}"
    yield f"  products     {' '.join(broker.products)}"
    yield f"  its book     {folder / broker.settings.memory if broker.settings.memory else 'is not kept'}"
    yield f"  admin        {venue.url}/admin/state, with the token in {folder / 'admin.token'}"
    yield "protocols"
    yield f"  Deriv        {venue.url}/trading/v1/options and {venue.socket_url}/trading/v1/options/ws/public"
    yield f"  Deriv v3     {venue.socket_url}/websockets/v3?app_id=1"
    yield f"  HTTP         {venue.url}/v1"
    yield "accounts, and the password of each, which is its token too and guards nothing"
    for each in broker.purses.all.values():
        holds = f"{broker.balance(each.account)} {each.currency}"
        yield f"  {each.account:<12} {each.kind:<5} {holds:>16}   {token_of(each.user)}"
    first = next(iter(broker.purses.all.values()))
    yield "a flow that trades here has"
    yield f"  [accounts.{first.account}]"
    yield '  venue = "broker"'
    yield "  [venues.broker]"
    yield f'  use = "deriv"\n  url = "{venue.url}"\n  practice = true'
    if speed != 1:
        yield f"  speed = {speed:g}"
