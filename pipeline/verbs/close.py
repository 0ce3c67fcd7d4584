"""Ask the venue of a running flow to take open contracts back before their expiry, at a price of its own.

examples:
  python -m pipeline close demo-1:EURUSD:1m:1767608100000
  python -m pipeline close --all
  python -m pipeline close --all --account demo-1

The engine that runs on the flow hears of it and asks the venue, once. What the venue answers is the contract's end,
or why it runs on; where no answer comes nothing is changed, and the engine finds out as it always does. Exit code 1
when a contract is not known to be closed. Nothing is stopped: new trades go on, `kill` ends those.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.closings import PATIENCE, answers, closable, open_contracts, told_so_far
from pipeline.engine import LEDGER_FILE, market_of
from pipeline.errors import InputError
from pipeline.evidence import Request
from pipeline.ledger import Ledger
from pipeline.live import LOCK_FILE, wall
from pipeline.locking import locked
from pipeline.orders import sold
from pipeline.plan import Plan, closes
from pipeline.states import ENDED
from pipeline.tables import nearest
from pipeline.values import Order
from pipeline.verbs.common import DEFAULT, json_option, say_json, whoami
from pipeline.verbs.planned import plan_of


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("order", nargs="?", metavar="ORDER", help="the name of the order whose contract it is")
    parser.add_argument("--all", action="store_true", help="every contract that runs")
    parser.add_argument("--account", metavar="NAME", help="with --all: those of this account alone")
    parser.add_argument("--flow", type=Path, default=Path(DEFAULT), metavar="FLOW", help=f"the flow file ({DEFAULT})")
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    plan = plan_of(options)
    path = plan.folder / LEDGER_FILE
    if (options.order is None) != options.all:
        raise InputError("say which contract: the name of its order, or --all; not both")
    if options.account is not None and not options.all:
        raise InputError("--account goes with --all; an order's name says whose it is")
    accounts = _accounts(plan, options.account) if options.all else ()
    with locked(plan.folder / LOCK_FILE, 0o600) as ours:
        if ours:
            raise InputError("no engine runs on this flow, so nobody can ask its venue; start it with `run`")
    wanted = open_contracts(path, accounts) if options.all else [closable(plan, path, options.order)]
    if not wanted:
        if options.json:
            say_json({})
        else:
            print("no contract runs that could be closed")
        return 0
    told = told_so_far(path)
    with Ledger(path) as ledger:
        at = market_of(plan, wall(), ledger.last_moment())[0]
        for whose, name in _asked(wanted, options):
            ledger.request(Request("close", whose, at, whoami(), name))
    found = asyncio.run(answers(path, [each.order for each in wanted], told))
    if options.json:
        say_json({name: _facts(*answer) for name, answer in found.items()})
    else:
        print("\n".join(f"{name}: {_said(*answer)}" for name, answer in found.items()))
    return 0 if all(order.state in ENDED for order, _ in found.values()) else 1


def _accounts(plan: Plan, only: str | None) -> Sequence[str]:
    """Those whose venues take contracts back."""
    if only is not None and only not in plan.accounts:
        raise InputError(f"there is no account {only!r}; {nearest(only, plan.accounts)}")
    wanted = [only] if only is not None else list(plan.accounts)
    able = [name for name in wanted if closes(plan, name)]
    unable = [name for name in wanted if name not in able]
    if not able:
        whose = " and ".join(sorted({plan.accounts[name].venue for name in wanted})) or "no venue"
        raise InputError(f"{whose} takes no contract back before its expiry; all of them run to their end")
    for name in unable:
        print(f"{name}: {plan.accounts[name].venue} takes no contract back before its expiry", file=sys.stderr)
    return able


def _asked(wanted: Sequence[Order], options: argparse.Namespace) -> list[tuple[str, str]]:
    """Whose contracts the engine is asked for, and of which order: "" stands for all."""
    if not options.all:
        return [(order.account, order.order) for order in wanted]
    return [(account, "") for account in dict.fromkeys(order.account for order in wanted)]


def _said(order: Order, declined: str) -> str:
    if order.state in ENDED:
        how = "closed early" if sold(order) else "ended at its expiry"
        return f"{how}, {order.result} {order.profit:+}"
    if declined:
        return f"not closed early and runs on: {declined}"
    return f"the venue did not answer within {PATIENCE:.0f} s; what became of it will be found out as always"


def _facts(order: Order, declined: str) -> dict[str, Any]:
    end = {"state": order.state, "result": order.result, "profit": str(order.profit)}
    return {"closed_early": sold(order), **end, "reason": declined}
