"""What `start`, `stop` and `keys` have in common: whose keys, where they stand, and what is said of it."""

import argparse
import os
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import to_builtins

from pipeline.engine import LEDGER_FILE, market_of
from pipeline.errors import InputError
from pipeline.ledger import Ledger
from pipeline.live import wall
from pipeline.plan import Plan
from pipeline.starting import Starts, Turned, keys_of
from pipeline.times import timeframe
from pipeline.values import Key, Scope, Switched
from pipeline.verbs.common import flow_option, json_option, say_json


def options_of_starts(parser: argparse.ArgumentParser) -> None:
    flow_option(parser)
    scope_options(parser)
    parser.add_argument("--reason", default="", metavar="TEXT", help="why; it stands beside each key")
    json_option(parser)


def scope_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--account", default="", metavar="ACCOUNT", help="keys of this account; left out: of all")
    parser.add_argument("--product", default="", metavar="PRODUCT", help="keys on this product; left out: on all")
    parser.add_argument("--timeframe", default="", metavar="TIMEFRAME", help="1m, 5m, 15m …; left out: all")


def scope_of(options: argparse.Namespace) -> Scope:
    try:
        tf = timeframe(options.timeframe) if options.timeframe else 0
    except ValueError as wrong:
        raise InputError(str(wrong)) from None
    return Scope(options.account, options.product, tf)


def starts_of(plan: Plan) -> Starts:
    os.umask(0o077)
    path = plan.folder / LEDGER_FILE

    def now() -> int:
        with Ledger(path) as ledger:
            return market_of(plan, wall(), ledger.last_moment())[0]

    return Starts(path, ZoneInfo(plan.settings.display_timezone), keys_of(plan), now)


def say_turned(starts: Starts, turned: Turned, already: str, *, as_json: bool) -> None:
    """What was done, and how many keys are on and off now."""
    if as_json:
        say_json({name: [_facts(each) for each in getattr(turned, name)] for name in ("changed", "on", "off")})
        return
    lines = [starts.told(each) for each in turned.changed] or [already]
    print("\n".join([*lines, f"{len(turned.on)} of {len(starts.keys)} keys are started, {len(turned.off)} stopped"]))


def _facts(value: Switched | Key) -> dict[str, Any]:
    return value._asdict() if isinstance(value, Key) else to_builtins(value)
