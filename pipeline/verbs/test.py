"""Run the [[test]] tables of flow files: marbles in, decisions out, in virtual time.

examples:
  python -m pipeline test
  python -m pipeline test flows.toml flows/other.toml --only "late quote"
"""

import argparse
from pathlib import Path

from pipeline.causality import refuse_unproved
from pipeline.checking import load
from pipeline.errors import InputError
from pipeline.sim.saving import stormed
from pipeline.trying import Outcome, tried
from pipeline.verbs.common import DEFAULT, json_option, say_json


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "flows", nargs="*", default=[Path(DEFAULT)], type=Path, metavar="FLOW", help=f"flow files ({DEFAULT})"
    )
    parser.add_argument("--only", metavar="TEXT", help="only tests whose name has this in it")
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    outcomes: list[tuple[Path, Outcome]] = []
    for path in options.flows:
        plan = load(path)
        refuse_unproved(plan)
        for test in plan.tests:
            if options.only is None or options.only in test.name:
                outcomes.append((path, tried(plan, test) if test.storm is None else stormed(plan, test)))
                if not options.json:
                    _say(outcomes[-1][1])
    if options.only is not None and not outcomes:
        raise InputError(f"no test has {options.only!r} in its name")
    failed = sum(not outcome.passed for _, outcome in outcomes)
    if options.json:
        say_json(
            [
                {"flow": str(path), "name": each.test.name, "passed": each.passed, "differences": each.differences}
                for path, each in outcomes
            ]
        )
    else:
        print(f"{len(outcomes) - failed} passed, {failed} failed")
    return 1 if failed else 0


def _say(outcome: Outcome) -> None:
    print(f"{'✔' if outcome.passed else '✖'} {outcome.test.name}")
    for difference in outcome.differences:
        print("    " + difference.replace("\n", "\n    "))
