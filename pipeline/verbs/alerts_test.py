"""Send an alert that says it is a test by every way of a flow, and say what came of it.

examples:
  python -m pipeline alerts test
  python -m pipeline alerts test flows.toml --route phone --json

A heartbeat gives one sign of life. Exit code 1 when a way out fails.
"""

import argparse
import asyncio
from typing import Any

from pipeline.alerting.secrets import unlock_secrets
from pipeline.alerting.trial import tried
from pipeline.errors import InputError
from pipeline.plan import Plan
from pipeline.tables import nearest
from pipeline.verbs.common import flow_option, json_option, say_json
from pipeline.verbs.planned import plan_of


def options(parser: argparse.ArgumentParser) -> None:
    flow_option(parser)
    parser.add_argument("--route", metavar="NAME", help="only this one")
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    plan = plan_of(options)
    routes = plan.alerts
    if not routes:
        raise InputError(f"{plan.file} has no way out for alerts; add a table [alerts.NAME]")
    if options.route is not None:
        if options.route not in routes:
            raise InputError(f"there is no [alerts.{options.route}]; {nearest(options.route, routes)}")
        routes = {options.route: routes[options.route]}
    tuple(unlock_secrets(plan))  # what is missing is said by the way that needs it
    found = asyncio.run(_all(plan, routes))
    if options.json:
        say_json([{"route": name, "taken": not why, "why": why} for name, why in found.items()])
    else:
        print("\n".join(f"{name}: {f'FAILED: {why}' if why else 'taken'}" for name, why in found.items()))
    return 1 if any(found.values()) else 0


async def _all(plan: Plan, routes: Any) -> dict[str, str]:
    said = await asyncio.gather(*(tried(plan, name, route) for name, route in routes.items()))
    return dict(zip(routes, said, strict=True))
