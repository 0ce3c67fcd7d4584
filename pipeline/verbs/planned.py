"""The plan that a verb is about."""

import argparse
import sys

from pipeline.causality import refuse_unproved
from pipeline.checking import load
from pipeline.errors import InputError
from pipeline.plan import Node, Plan
from pipeline.tables import nearest


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
