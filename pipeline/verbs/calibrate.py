"""Learn from the past how probable an ensemble's scores are, and say what they were worth.

examples:
  python -m pipeline calibrate flows.toml --for 30d
  python -m pipeline calibrate flows.toml --ensemble main --every 1d --method platt
  python -m pipeline calibrate flows.toml --from 2026-01-05T08:00:00Z --to 2026-02-05T08:00:00Z --out main.json

The flow's own data is replayed without trading. At regular dates a curve is fitted to what was known by then, and
judged on what came after it only. All of it goes to the file that a calibrator of the flow names as its `record`.
With --stack the providers' scores are fitted instead, for an ensemble `stacked`.
"""

import argparse
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from pipeline.calibration.curves import FITS
from pipeline.calibration.files import shape_of, write
from pipeline.calibration.fingerprints import fingerprint
from pipeline.calibration.fitting import LEAST, Terms, recorded
from pipeline.calibration.records import Record
from pipeline.calibration.samples import Said, collected
from pipeline.calibration.stacking import stack_of
from pipeline.calibration.stacks import Stack
from pipeline.calibration.telling import conclusion, told, told_of_stack
from pipeline.causality import refuse_unproved
from pipeline.checking import load
from pipeline.engine import LEDGER_FILE
from pipeline.errors import InputError
from pipeline.live import wall
from pipeline.plan import Node, Plan
from pipeline.settlement import Tie
from pipeline.times import duration
from pipeline.trials import note_trial
from pipeline.values import Signals
from pipeline.verbs.common import flow_option, json_option, say_json
from pipeline.verbs.planned import ensemble_of
from pipeline.verbs.spans import progress, span_asked, span_options

L2 = 10.0
"""How slowly a stack learns, in rows, when nobody says."""


def options(parser: argparse.ArgumentParser) -> None:
    flow_option(parser)
    span_options(parser)
    parser.add_argument("--ensemble", metavar="NAME", help="whose scores, where the flow has several ensembles")
    parser.add_argument("--method", choices=sorted(FITS), help="the curve (auto: as outcomes allow)")
    parser.add_argument(
        "--every",
        metavar="SPAN",
        help="how far apart fits are (1h; 1d from five days of outcomes on, 7d from two months)",
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="where the record goes (to where the flow has it)")
    parser.add_argument("--stack", action="store_true", help="fit how much each provider of a `stacked` counts")
    parser.add_argument("--l2", type=float, metavar="ROWS", help=f"how slowly a stack learns ({L2:g})")
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    plan = load(options.flow, without=("operator", "ensemble") if options.stack else ("operator",))
    refuse_unproved(plan)
    ensemble = ensemble_of(plan, options.ensemble)
    if options.stack and shape_of(ensemble.part.cls) is not Stack:
        raise InputError(f"[{ensemble.id}] is {ensemble.part.name}, which goes by no record; leave out --stack")
    file = options.out or plan.base / _file(plan, ensemble, stack=options.stack)
    every = _every(options.every)
    _check_kind(options)
    begin, end = span_asked(plan, options)
    said = collected(plan, ensemble.id, begin, end, progress("replaying"))
    made = (_stacked if options.stack else _calibrated)(plan, ensemble, said, every, options)
    write(file, made)
    if options.json:
        say_json({"file": str(file), **_as_json(made)})
    else:
        print("\n".join((*(told(made) if isinstance(made, Record) else told_of_stack(made)), f"written to {file}")))
    note_trial(plan.folder / LEDGER_FILE, plan, wall(), "calibrate", (begin, end), _found(ensemble, made))
    return 0


def _found(ensemble: Node, made: Record | Stack) -> dict[str, Any]:
    """What is kept with the trial."""
    verdict = made.verdict if isinstance(made, Record) else None
    return {"ensemble": ensemble.id, "conclusion": None if verdict is None else conclusion(verdict)}


def _calibrated(
    plan: Plan, ensemble: Node, said: Sequence[Said], every: str | None, options: argparse.Namespace
) -> Record:
    terms = Terms(
        ensemble=ensemble.id.split(".", 1)[1],
        fingerprint=fingerprint(ensemble, plan.by_id, plan.edges, plan.anchoring.features, stack=False),
        tie=_tie(plan),
        method=options.method or "auto",
        every=every,
    )
    return recorded(said, terms, progress("fitting"))


def _stacked(plan: Plan, ensemble: Node, said: Sequence[Said], every: str | None, options: argparse.Namespace) -> Stack:
    name = ensemble.id.split(".", 1)[1]
    made_by = fingerprint(ensemble, plan.by_id, plan.edges, plan.anchoring.features, stack=True)
    l2 = L2 if options.l2 is None else options.l2
    return stack_of(said, name, made_by, l2=l2, every=every, least=LEAST, progress=progress("fitting"))


def _file(plan: Plan, ensemble: Node, *, stack: bool) -> str:
    """Where the flow's calibrator of this ensemble, or the stack itself, looks for its record."""
    if stack:
        return ensemble.instance.record
    calibrators = [
        plan.by_id[edge.target] for edge in plan.edges if edge.source == ensemble.id and Signals in edge.types
    ]
    named = {node.instance.record for node in calibrators if hasattr(node.instance, "record")}
    if len(named) > 1:
        raise InputError(f"calibrators of {ensemble.id} name several records; say which to make with --out")
    return named.pop() if named else f"calibration/{ensemble.id.split('.', 1)[1]}.json"


def _tie(plan: Plan) -> Tie:
    """The stricter of the rules of the venues."""
    return "lose" if any(getattr(node.instance, "tie", "push") == "lose" for node in plan.of("venue")) else "push"


def _every(text: str | None) -> str | None:
    try:
        if text is not None and not duration(text):
            raise InputError(f"--every is {text}; write a time above 0, such as 1d")
    except ValueError as wrong:
        raise InputError(f"--every {wrong}") from None
    return text


def _check_kind(options: argparse.Namespace) -> None:
    """Refuse what says nothing of what is to be made, and a number that is none, before the long replay."""
    if options.stack and options.method is not None:
        raise InputError("--method is the curve of a calibration, and a stack has none; leave it out")
    if options.l2 is not None and not options.stack:
        raise InputError("--l2 is of a stack; add --stack, or leave it out")
    if options.l2 is not None and not 0 <= options.l2 < math.inf:
        raise InputError(f"--l2 is {options.l2:g}; write a number of rows, 0 or more")


def _as_json(made: Record | Stack) -> dict[str, Any]:
    facts = msgspec.to_builtins(made)
    del facts["about"]
    if isinstance(made, Stack):
        return facts
    verdict = made.verdict
    concluded = None if verdict is None else conclusion(verdict)
    nothing = None if verdict is None else verdict.says_nothing
    return {**facts, "fits": len(made.fits), "says_nothing": nothing, "conclusion": concluded}
