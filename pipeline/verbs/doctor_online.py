"""How far a venue's clock is from ours, asked of the venue itself: only when somebody says `--online`."""

import asyncio
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit, urlunsplit

import aiohttp

from pipeline.live import wall
from pipeline.masking import masked
from pipeline.plan import Plan
from pipeline.times import SECOND
from pipeline.verbs.finding import Finding

PATIENCE = 5.0
"""Seconds in which a venue answers."""
APART = SECOND
"""Milliseconds beyond which a clock is wrong for contracts of a minute."""
HALF = 500
"""A `Date` is cut to whole seconds: on average half of one is missing."""
PLAIN = {"wss": "https", "ws": "http", "https": "https", "http": "http"}


def of_clocks(plan: Plan) -> Iterator[Finding]:
    """One question to each address that the flow's venues and sources are at, for its `Date`."""
    yield from asyncio.run(_asked(sorted(_addresses(plan))))


def _addresses(plan: Plan) -> set[str]:
    found: set[str] = set()
    for node in plan.of("venue", "source"):
        where = urlsplit(str(getattr(node.instance, "url", "") or ""))
        if where.scheme in PLAIN and where.hostname:
            port = f":{where.port}" if where.port else ""
            found.add(urlunsplit((PLAIN[where.scheme], f"{where.hostname}{port}", "/", "", "")))
    return found


async def _asked(addresses: list[str]) -> list[Finding]:
    if not addresses:
        return [Finding("venue clock", "note", "no venue or source of this flow is at an address that could be asked")]
    timeout = aiohttp.ClientTimeout(total=PATIENCE)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        return list(await asyncio.gather(*(_apart(session, each) for each in addresses)))


async def _apart(session: aiohttp.ClientSession, address: str) -> Finding:
    host = urlsplit(address).netloc
    before = wall()
    try:
        async with session.head(address, allow_redirects=False) as answer:
            said = answer.headers.get("Date", "")
    except (aiohttp.ClientError, TimeoutError, OSError) as failure:
        return Finding("venue clock", "note", f"{host} did not answer ({masked(type(failure).__name__)})")
    after = wall()
    try:
        theirs = round(parsedate_to_datetime(said).timestamp() * SECOND) + HALF
    except (TypeError, ValueError):
        return Finding("venue clock", "note", f"{host} did not say what time it is")
    apart, unsure = (before + after) // 2 - theirs, HALF + (after - before) // 2
    side = "ahead of" if apart > 0 else "behind"
    told = f"ours is {abs(apart) / SECOND:.1f} s {side} {host}'s, give or take {unsure / SECOND:.1f}"
    if abs(apart) > APART + unsure:
        return Finding(
            "venue clock", "bad", told, "set this machine's clock by the network: `sudo timedatectl set-ntp true`"
        )
    return Finding("venue clock", "ok", told)
