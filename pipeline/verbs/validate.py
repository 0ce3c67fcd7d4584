"""Check a flow file and say everything that is wrong with it.

examples:
  python -m pipeline validate flows.toml
  python -m pipeline validate flows.toml --deep
  python -m pipeline validate flows.toml --rules

Each problem is one line: file:line:column, what is wrong, how to mend it. Exit code 2 when there is one. Features,
providers and ensembles are tried on made-up bars: none may look ahead, or further back than it says. --deep asks
each of them for every row by itself. --rules says of each guard what stops its accounts, and when they go on. Of venues
over a network it says how much of each of their limits the flow may need; one that cannot fit is refused.
"""

import argparse
import sys
from collections.abc import Callable
from typing import Any

from pipeline.budgeting import Share, shares
from pipeline.causality import TRIED, Proof, proved
from pipeline.checking import load
from pipeline.engine import history_of
from pipeline.errors import PlanError, Problem
from pipeline.plan import Plan
from pipeline.times import timeframe_name
from pipeline.verbs.common import flow_option, json_option, say_json


def options(parser: argparse.ArgumentParser) -> None:
    flow_option(parser)
    parser.add_argument("--deep", action="store_true", help="try every row by itself, not only all of them at once")
    parser.add_argument("--rules", action="store_true", help="say what each guard keeps to, a sentence for each rule")
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    try:
        plan = load(options.flow)
        proof = proved(plan, deep=options.deep, progress=_progress(options.deep))
        if proof.breaches:
            raise PlanError(plan.file, proof.problems(plan))
    except PlanError as wrong:
        if options.json:
            say_json({"ok": False, "problems": [_as_json(each) for each in wrong.problems]})
        else:
            print(wrong, file=sys.stderr)
            print(f"{len(wrong.problems)} problem{'s' if len(wrong.problems) != 1 else ''}", file=sys.stderr)
        return wrong.exit_code
    if options.json:
        warnings = [_as_json(each) for each in plan.warnings]
        told: dict[str, Any] = {"ok": True, "problems": [], "warnings": warnings, "rows_compared": proof.compared}
        told["requests"] = [_share_as_json(each) for each in shares(plan.by_id, plan.edges)]
        say_json(told | ({"rules": rules_of(plan)} if options.rules else {}))
    else:
        for warning in plan.warnings:
            print(f"{warning.text(plan.file)} (warning)", file=sys.stderr)
        print(f"{summary(plan)}\n{_proven(plan, proof, deep=options.deep)}")
        for share in shares(plan.by_id, plan.edges):
            print(share.text())
        for node, rules in rules_of(plan).items() if options.rules else ():
            print(f"\n[{node}]", *rules, sep="\n  ")
    return 0


def rules_of(plan: Plan) -> dict[str, list[str]]:
    """What each guard keeps to, and what whoever reads of its trades must know."""
    return {node.id: [*node.instance.stamps(), *node.instance.rules()] for node in plan.of("risk")}


def _proven(plan: Plan, proof: Proof, *, deep: bool) -> str:
    how = "every row by itself" if deep else "--deep tries every row by itself"
    tried = ((len(plan.anchoring.features), "feature"), *((len(plan.of(kind)), kind) for kind in TRIED))
    counted = ", ".join(f"{count} {what}{'' if count == 1 else 's'}" for count, what in tried if count)
    return f"nothing looks ahead: {counted or 'nothing'} tried, {proof.compared:,} rows compared ({how})"


def _progress(deep: bool) -> Callable[[float], None]:
    """A line that grows on a terminal while it takes long."""
    if not deep or not sys.stderr.isatty():
        return lambda _: None

    def show(done: float) -> None:
        sys.stderr.write("\r\033[K" if done == 1 else f"\rproving {100 * done:3.0f} %")
        sys.stderr.flush()

    return show


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


def _share_as_json(share: Share) -> dict[str, Any]:
    """How much of a venue's limit the flow may need."""
    limit = share.limit
    facts = {"node": share.node, "account": share.account, "limit": limit.name}
    needs = [{"what": each.what, "per_minute": each.per_minute} for each in share.needs]
    minute = {"per_minute": share.minute, "of": limit.per_minute, "reserve": limit.reserve}
    return facts | minute | {"per_hour": share.hour, "of_hour": limit.per_hour, "needs": needs}


def _as_json(problem: Problem) -> dict[str, str | int]:
    return {"line": problem.line, "column": problem.column, "what": problem.what, "fix": problem.fix}
