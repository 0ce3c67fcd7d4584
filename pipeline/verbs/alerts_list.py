"""List the ways by which a flow's alerts leave, and what holds now.

examples:
  python -m pipeline alerts list
  python -m pipeline alerts list flows.toml --json

A running engine is asked; where none runs, what its ledger knows is told: stops, orders of unknown outcome, accounts
that do not add up, accounts that are armed.
"""

import argparse
import asyncio
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

import aiohttp
import msgspec

from pipeline.alerting.edges import Edges
from pipeline.alerting.noticing import Noticing
from pipeline.alerting.pending import Selection
from pipeline.alerting.route import Alert, Confiding
from pipeline.alerting.secrets import secrets_of
from pipeline.alerting.wording import line_of
from pipeline.engine import LEDGER_FILE
from pipeline.ledger.remembering import past_of
from pipeline.ledger.tables import readable
from pipeline.live import wall
from pipeline.parts import part_of
from pipeline.plan import LEDGER, Plan
from pipeline.verbs.accounts_common import is_running
from pipeline.verbs.common import flow_option, json_option, say_json
from pipeline.verbs.planned import plan_of
from tui.door import Address, Unreachable, find

PATIENCE = 10.0
"""Seconds an engine has to answer."""


def options(parser: argparse.ArgumentParser) -> None:
    flow_option(parser)
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    plan = plan_of(options)
    ways = [_way(plan, name, route) for name, route in plan.alerts.items()]
    asked, held = _holding(plan)
    if options.json:
        say_json({"ways": ways, "asked": asked, "holding": msgspec.to_builtins(held)})
        return 0
    print("\n".join(_lines(ways)) or f"{plan.file} has no way out for alerts; add a table [alerts.NAME]")
    print(f"{'what holds now' if held else 'nothing holds now'}, by {asked}{':' if held else ''}")
    print("\n".join(f"  {line_of(alert)}" for alert in held), end="\n" if held else "")
    return 0


def _way(plan: Plan, name: str, route: Any) -> dict[str, Any]:
    needs = route.confidences if isinstance(route, Confiding) else ()
    chosen = route if isinstance(route, Selection) else None
    return {
        "name": name,
        "part": part_of(route).name,
        "least": None if chosen is None else chosen.least,
        "codes": [] if chosen is None else list(chosen.codes),
        "secrets": list(needs),
        "lacks": [name for name in needs if not secrets_of(plan.base).has(name)],
    }


def _lines(ways: Sequence[dict[str, Any]]) -> Iterator[str]:
    for way in ways:
        hears = "a sign of life" if way["least"] is None else f"{way['least']} and graver"
        only = f", only {', '.join(way['codes'])}" if way["codes"] else ""
        lacks = "".join(f"; its secret is missing: `alerts secret {name}`" for name in way["lacks"])
        yield f"{way['name']}: {way['part']}, {hears}{only}{lacks}"


def _holding(plan: Plan) -> tuple[str, tuple[Alert, ...]]:
    """Who was asked, and what holds by their word."""
    if is_running(plan):
        try:
            return "the running engine", asyncio.run(_asked(find(None, plan.folder)))
        except (Unreachable, aiohttp.ClientError, TimeoutError, msgspec.DecodeError):
            pass  # one that has just begun or is about to end; its ledger is there
    return "the ledger", tuple(_known(plan))


async def _asked(address: Address) -> tuple[Alert, ...]:
    timeout = aiohttp.ClientTimeout(total=PATIENCE)
    headers = {"Authorization": f"Bearer {address.token}"}
    async with (
        aiohttp.ClientSession(timeout=timeout, trust_env=False, raise_for_status=True) as session,
        session.get(f"{address.url}/alerts", headers=headers, ssl=address.trusted, allow_redirects=False) as answer,
    ):
        return msgspec.json.decode(await answer.read(), type=_Held).alerts


class _Held(msgspec.Struct):
    alerts: tuple[Alert, ...]


def _known(plan: Plan) -> Iterator[Alert]:
    path = plan.folder / LEDGER_FILE
    if not path.exists():
        return
    with closing(readable(path)) as db:
        past = past_of(db, wall())
    edges = Edges(0, 0)
    for sign in Noticing(plan, plan.alerting).of(LEDGER, past):
        tuple(edges.take(sign, wall()))
    yield from edges.holding()
