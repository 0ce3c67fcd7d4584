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
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.engine import LEDGER_FILE, market_of
from pipeline.errors import InputError
from pipeline.evidence import Request
from pipeline.ledger import Ledger
from pipeline.ledger.proofs import Proofs
from pipeline.ledger.reading import Reader
from pipeline.live import LOCK_FILE, wall
from pipeline.locking import locked
from pipeline.orders import sold
from pipeline.plan import Plan, closes
from pipeline.tables import nearest
from pipeline.values import ENDED, Order
from pipeline.verbs.common import DEFAULT, json_option, plan_of, say_json, whoami

PATIENCE = 20.0
"""Seconds in which a venue has to answer."""
LOOKS_EVERY = 0.25
RUNNING = "CONFIRM"


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
    wanted = _open(path, accounts) if options.all else [_named(plan, path, options.order)]
    if not wanted:
        if options.json:
            say_json({})
        else:
            print("no contract runs that could be closed")
        return 0
    with Proofs(path) as proofs:
        told = max((number for number, _ in proofs.unclosed()), default=0)
    with Ledger(path) as ledger:
        at = market_of(plan, wall(), ledger.last_moment())[0]
        for whose, name in _asked(wanted, options):
            ledger.request(Request("close", whose, at, whoami(), name))
    found = asyncio.run(_answers(path, [each.order for each in wanted], told))
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


def _open(path: Path, accounts: Sequence[str]) -> list[Order]:
    reader = Reader(path)
    try:
        return [each for each in reader.orders() if each.state == RUNNING and each.account in accounts]
    finally:
        reader.close()


def _named(plan: Plan, path: Path, name: str) -> Order:
    reader = Reader(path)
    try:
        order = reader.order(name)
        open_ = [each.order for each in reader.orders() if each.state == RUNNING] if order is None else []
    finally:
        reader.close()
    if order is None:
        mend = nearest(name, open_) if open_ else "no contract runs"
        raise InputError(f"the ledger has no order {name!r}; {mend}")
    if order.state != RUNNING:
        end = f" ({order.result} {order.profit:+})" if order.result else ""
        raise InputError(f"order {name} is {order.state}{end}; only a contract that runs can be closed")
    if not closes(plan, order.account):
        raise InputError(f"the venue of {order.account} takes no contract back before its expiry; it runs to its end")
    return order


def _asked(wanted: Sequence[Order], options: argparse.Namespace) -> list[tuple[str, str]]:
    """Whose contracts the engine is asked for, and of which order: "" stands for all."""
    if not options.all:
        return [(order.account, order.order) for order in wanted]
    return [(account, "") for account in dict.fromkeys(order.account for order in wanted)]


async def _answers(path: Path, names: Sequence[str], told: int) -> Mapping[str, tuple[Order, str]]:
    """How each order stands once it is known what came of the request, with why its contract runs on."""
    loop = asyncio.get_running_loop()
    until = loop.time() + PATIENCE
    while True:
        with Proofs(path) as proofs:
            declined = {each.order: each.reason for _, each in proofs.unclosed(told)}
        reader = Reader(path)
        try:
            found = {name: order for name in names if (order := reader.order(name)) is not None}
        finally:
            reader.close()
        waiting = [name for name, order in found.items() if order.state not in ENDED and name not in declined]
        if not waiting or loop.time() >= until:
            return {name: (order, declined.get(name, "")) for name, order in found.items()}
        await asyncio.sleep(LOOKS_EVERY)


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
