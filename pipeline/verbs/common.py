"""What several verbs say and ask in the same words."""

import argparse
import getpass
import json
import re
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

from pipeline.causality import refuse_unproved
from pipeline.checking import load
from pipeline.errors import InputError
from pipeline.plan import Node, Plan
from pipeline.tables import nearest

DEFAULT = "flows.toml"
AMOUNT = re.compile(r"[+-]?[0-9]{1,12}(\.[0-9]{1,8})?")


def flow_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "flow", nargs="?", default=DEFAULT, type=Path, metavar="FLOW", help=f"the flow file ({DEFAULT})"
    )


def json_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")


def amount_of(text: str) -> Decimal | None:
    """An amount as a person writes it: digits, a point, a sign; None for anything else."""
    return Decimal(text) if AMOUNT.fullmatch(text) else None


def plan_of(options: argparse.Namespace) -> Plan:
    """The plan in the file that was named; its warnings go to the error stream."""
    plan = load(options.flow)
    for warning in plan.warnings:
        print(f"{warning.text(plan.file)} (warning)", file=sys.stderr)
    return plan


def proven_plan_of(options: argparse.Namespace) -> Plan:
    """The same, when no part that is not ours looks ahead."""
    plan = plan_of(options)
    refuse_unproved(plan)
    return plan


def say_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, default=str))


def whoami() -> str:
    """Who asks, as the system knows them."""
    try:
        return getpass.getuser()
    except (KeyError, ImportError):  # an account without a name, as in a container
        return "somebody without a name"


def ensemble_of(plan: Plan, name: str | None) -> Node:
    """The one that was named, or the only one."""
    known = {node.id.split(".", 1)[1]: node for node in plan.of("ensemble")}
    if name is None and len(known) == 1:
        return next(iter(known.values()))
    if not known:
        raise InputError(f"{plan.file} has no ensemble; add one to [ensembles]")
    if name is None:
        raise InputError(f"{plan.file} has several ensembles; say which with --ensemble: {', '.join(sorted(known))}")
    short = name.removeprefix("ensembles.")
    if short not in known:
        raise InputError(f"there is no ensemble {name!r}; {nearest(short, known)}")
    return known[short]
