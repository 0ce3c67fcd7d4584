"""Show what an edit of a flow file would do to the engine that runs it, before it is done.

examples:
  python -m pipeline plan
  python -m pipeline plan flows.toml --against flows.before.toml
  python -m pipeline plan --json

Compares the file as it is on disk with what the engine runs, by its ledger; where none runs, with what ran last. Says
of each node whether it is kept, applied at once, restarted, new or gone, and why; of keys whether they are left,
changed, or wait for what they have open; what is refused; and for how long nodes that restart hear nothing. Nothing is
done. Exit code 1 when something is refused, 2 when the file is no flow.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from pipeline.causality import refuse_unproved
from pipeline.changes.proposal import NodeChange, Proposal
from pipeline.changes.proposing import propose, scope_text
from pipeline.changes.running_text import last_run
from pipeline.checking import load, load_text
from pipeline.engine import LEDGER_FILE
from pipeline.errors import InputError, PlanError
from pipeline.live import LOCK_FILE
from pipeline.locking import locked
from pipeline.plan import Plan
from pipeline.times import local_text
from pipeline.values import Order
from pipeline.verbs.common import flow_option, json_option, say_json

NAMED = 3
"""So many of the orders that are waited for are named."""
MARKS = {"apply": "~", "restart": "↻", "start": "+", "stop": "-"}
SAID = {"apply": "applied at once", "restart": "restarted", "start": "new", "stop": "gone"}
COLOURS = {"apply": "36", "restart": "33", "start": "32", "stop": "31", "refused": "31", "warning": "33"}
OF_KEYS = {
    "left": "left as they are",
    "changed": "changed from the next bar on",
    "held": "wait for what is open",
    "new": "new",
    "gone": "gone",
}


def options(parser: argparse.ArgumentParser) -> None:
    flow_option(parser)
    parser.add_argument(
        "--against", type=Path, metavar="FILE", help="compare with another flow file rather than with what runs"
    )
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    new = load(options.flow)
    refuse_unproved(new)
    before = _before(new, options.against)
    proposal = propose(before.plan, new, before.orders)
    if not before.runs:  # the next start begins everything anew, and refuses none of it
        proposal = replace(proposal, refused=(), warnings=())
    if options.json:
        say_json({"against": before.what, "runs": before.runs, **msgspec.to_builtins(proposal)})
    else:
        title = f"{new.file} against {before.what}"
        print("\n".join(lines(proposal, title, new, runs=before.runs, colour=_coloured())))
    return 1 if proposal.refused else 0


class _Before(NamedTuple):
    """What the file is held against."""

    plan: Plan
    what: str
    runs: bool = True
    orders: Sequence[Order] = ()


def _before(new: Plan, against: Path | None) -> _Before:
    if against is not None:
        return _Before(load(against), str(against))
    last = last_run(new.folder / LEDGER_FILE)
    if last is None:
        raise InputError(f"nothing ever ran on {new.folder}; run the flow first, or name a file with --against")
    with locked(new.folder / LOCK_FILE, 0o600) as ours:
        runs = not ours
    try:
        plan = load_text(last.text, new.file, new.base)
    except PlanError as wrong:
        fix = "the next start takes up the whole file"
        raise InputError(f"what ran last is no flow any more ({wrong.problems[0].text(new.file)}); {fix}") from wrong
    if runs:
        return _Before(plan, "what the engine runs", orders=last.orders)
    return _Before(plan, "what ran last; no engine runs, and the next start takes up all of it", runs=False)


def lines(proposal: Proposal, title: str, plan: Plan, *, runs: bool = True, colour: bool = False) -> Iterator[str]:
    """A proposal for people."""
    paint = _painted if colour else _plain
    kept = sum(each.what == "keep" for each in proposal.nodes)
    yield title
    if not proposal.changes:
        yield f"  nothing changes: {kept} nodes are kept"
    else:
        yield ""
        yield from _nodes(proposal.changes, paint)
        yield f"  = {kept} kept, with all that they remember"
    yield from _keys(proposal)
    if runs:
        yield from _waiting(proposal, plan)
    for each in proposal.refused:
        yield paint("refused", f"refused: {each}")
    for each in proposal.warnings:
        yield paint("warning", f"note: {each}")


def _nodes(changes: Sequence[NodeChange], paint: Callable[[str, str], str]) -> Iterator[str]:
    wide = max(len(each.node) for each in changes)
    said = max(len(SAID[each.what]) for each in changes)
    for each in changes:
        yield paint(
            each.what, f"  {MARKS[each.what]} {each.node:{wide}}  {SAID[each.what]:{said}}  {each.why}"
        ).rstrip()


def _keys(proposal: Proposal) -> Iterator[str]:
    told = [each for each in proposal.keys if each.what != "left"]
    left = len(told) < len(proposal.keys)
    if not told or not proposal.changes:
        return
    yield ""
    yield "keys"
    rows = [(scope_text(each.scope), OF_KEYS[each.what], each.why) for each in told]
    rows += [("all others" if told else "all", OF_KEYS["left"], "")] if left else []
    wide, said = (max(len(row[place]) for row in rows) for place in (0, 1))
    for who, what, why in rows:
        yield f"  {who:{wide}}  {what:{said}}  {why}".rstrip()


def _waiting(proposal: Proposal, plan: Plan) -> Iterator[str]:
    if proposal.changes:
        yield ""
    if proposal.waits_for:
        zone = ZoneInfo(plan.settings.display_timezone)
        until = f" until {local_text(proposal.waits_until, zone)}" if proposal.waits_until else ""
        more = len(proposal.waits_for) - NAMED
        named = ", ".join(proposal.waits_for[:NAMED]) + (f" and {more} more" if more > 0 else "")
        yield f"waits for {named}{until}; what begins anew trades nothing new meanwhile"
    if any(each.what == "restart" for each in proposal.changes):
        gap = f"at most {proposal.gap_seconds:g} s" if proposal.gap_seconds else "no time at all"
        yield (
            f"what begins anew hears nothing for {gap}, between two bars"
            if not proposal.warnings
            else ("what begins anew hears nothing for a while, between two bars")
        )


def _plain(what: str, text: str) -> str:
    del what
    return text


def _painted(what: str, text: str) -> str:
    return f"\033[{COLOURS[what]}m{text}\033[0m"


def _coloured() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")
