"""What several verbs say and ask in the same words."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from pipeline.causality import refuse_unproved
from pipeline.checking import load
from pipeline.plan import Plan

DEFAULT = "flows.toml"


def flow_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "flow", nargs="?", default=DEFAULT, type=Path, metavar="FLOW", help=f"the flow file ({DEFAULT})"
    )


def json_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")


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
