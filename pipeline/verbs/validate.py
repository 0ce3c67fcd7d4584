"""Check a flow file and say everything that is wrong with it.

example:
  python -m pipeline validate flows.toml

Each problem is one line: file:line:column, what is wrong, how to mend it. Exit code 2 when there is one.
"""

import argparse
import sys

from pipeline.checking import load
from pipeline.engine import history_of
from pipeline.errors import PlanError, Problem
from pipeline.plan import Plan
from pipeline.times import timeframe_name
from pipeline.verbs.common import flow_option, json_option, say_json


def options(parser: argparse.ArgumentParser) -> None:
    flow_option(parser)
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    try:
        plan = load(options.flow)
    except PlanError as wrong:
        if options.json:
            say_json({"ok": False, "problems": [_as_json(each) for each in wrong.problems]})
        else:
            print(wrong, file=sys.stderr)
            print(f"{len(wrong.problems)} problem{'s' if len(wrong.problems) != 1 else ''}", file=sys.stderr)
        return wrong.exit_code
    if options.json:
        say_json({"ok": True, "problems": [], "warnings": [_as_json(each) for each in plan.warnings]})
    else:
        for warning in plan.warnings:
            print(f"{warning.text(plan.file)} (warning)", file=sys.stderr)
        print(summary(plan))
    return 0


def summary(plan: Plan) -> str:
    anchoring = plan.anchoring
    history = ", ".join(f"{bars} × {timeframe_name(tf)}" for tf, bars in history_of(plan).items())
    counted = [
        f"{len(plan.accounts)} accounts",
        f"{len(plan.nodes)} nodes",
        f"{len(anchoring.features)} features",
        f"{len(plan.tests)} tests",
    ]
    warm = f"features are warm after {_warm(plan)}; history to load: {history or 'none'}"
    return f"{plan.file}: ok: {', '.join(counted)}\n{warm}"


def _warm(plan: Plan) -> str:
    """How many bars that is; by timeframe where it is not the same for all."""
    warm = {tf: plan.anchoring.warmup(tf) for tf in history_of(plan)}
    if len(set(warm.values())) > 1:
        return ", ".join(f"{bars} × {timeframe_name(tf)}" for tf, bars in warm.items())
    return f"{max(warm.values(), default=plan.anchoring.least)} bars"


def _as_json(problem: Problem) -> dict[str, str | int]:
    return {"line": problem.line, "column": problem.column, "what": problem.what, "fix": problem.fix}
