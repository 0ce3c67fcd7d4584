"""Simulate a flow under seeded faults, in virtual time: kill -9, lost answers, gaps, full disks; then see what is true.

examples:
  python -m pipeline sim
  python -m pipeline sim --days 0.05 --seeds 200 --jobs 2
  python -m pipeline sim flows.toml --days 2 --seed 7 --storm kill,lost_ack
  python -m pipeline sim --days 30 --keys 300 --storm none --jobs 2

The same parts run as in `run`, with a market and venues of the simulation's own that outlive the engine. The same seed
gives the same hash. What must hold is counted; where it does not, the storm is made smaller until it barely fails, and
saved as a test that `python -m pipeline test` runs. docs/sim.md says more.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import replace
from hashlib import blake2b
from importlib import import_module
from pathlib import Path
from signal import SIG_IGN, SIGINT, signal
from time import perf_counter

from pipeline.errors import InputError
from pipeline.plugins import load_installed
from pipeline.sim.campaign import Flow, Summary, one, outcomes
from pipeline.sim.saving import saved
from pipeline.sim.storms import KINDS, kinds_of
from pipeline.sim.world import Outcome, Terms
from pipeline.sim.worlds import ACCOUNTS, FEWEST, MANY, flow_of
from pipeline.times import DAY, MINUTE, SECOND
from pipeline.verbs.common import json_option, say_json
from pipeline.verbs.planned import proven_plan_of
from pipeline.verbs.spans import progress

AHEAD = 60 * MINUTE
"""So far ahead quotes are given where there are many keys, so that bars are columns."""
FEW_QUOTES, QUOTES = 2, 6
WILD_WHEN_LARGE = 0.2
MOST_DAYS = 366


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "flow", nargs="?", type=Path, metavar="FLOW", help="a flow file (when left out, one made for --keys)"
    )
    parser.add_argument("--days", type=float, default=0.1, metavar="N", help="how long each world has a storm (0.1)")
    parser.add_argument("--keys", type=int, metavar="N", help=f"keys of the flow made here ({FEWEST})")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="the seed, or the first of several (1)")
    parser.add_argument("--seeds", type=int, default=1, metavar="N", help="how many worlds, of a seed each (1)")
    parser.add_argument(
        "--storm", default="all", metavar="all|none|NAME,…", help=f"which faults may strike: {', '.join(KINDS)}"
    )
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="how many processes (1)")
    parser.add_argument("--save", type=Path, metavar="FILE", help="where a failing world goes (sim-SEED.toml)")
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    flows, terms = _flows(options), _terms(options)
    began = perf_counter()
    summary, hashed = Summary(), blake2b(digest_size=16)
    shown = progress("simulating")
    total = options.seeds * len(flows)
    asked = range(options.seed, options.seed + options.seeds)
    try:
        for outcome in outcomes(flows, terms, asked, options.jobs, register):
            summary.add(outcome, terms.minutes / len(flows))
            hashed.update(outcome.hash.encode())
            shown(summary.worlds / total)
    except KeyboardInterrupt:
        print(f"\n{so_far(summary, total)}", file=sys.stderr)
        raise
    seconds = perf_counter() - began
    saying = _as_json if options.json else _say
    saying(summary, hashed.hexdigest(), seconds)
    if summary.failing:
        _save(flows, terms, summary.failing[0], options)
        return 1
    return 0


def so_far(summary: Summary, total: int) -> str:
    """What is known of worlds of which not all were simulated."""
    failing = ", ".join(str(each.seed) for each in summary.failing)
    held = f"{summary.worlds - len(summary.failing)} of {total} worlds held so far"
    return f"interrupted: {held}, {f'seed {failing} failed' if failing else 'none failed'}"


def register() -> None:
    """Make the parts known to a process, as the command line does. On Ctrl-C whoever started it ends it."""
    signal(SIGINT, SIG_IGN)
    for name in ("operators", "sinks", "sources"):
        import_module(name)
    load_installed()


def _flows(options: argparse.Namespace) -> list[Flow]:
    """The flow that was named; or the built-in one, cut by accounts where one world is shared by several processes."""
    for name in ("seeds", "jobs"):
        if getattr(options, name) < 1:
            raise InputError(f"--{name} {getattr(options, name)} is too few; write 1 or more")
    if options.seed < 0:
        raise InputError(f"--seed {options.seed} is below 0; write a number from 0 on")
    if options.flow is not None and options.keys is not None:
        raise InputError("--keys is of a flow that is made here; leave it out, or the flow file")
    if options.save is not None and options.save.exists():
        raise InputError(f"{options.save} exists already; name a new file with --save")
    if options.flow is not None:
        plan = proven_plan_of(options)
        return [Flow(text=plan.source.text, file=plan.file, base=str(plan.base))]
    keys = FEWEST if options.keys is None else options.keys
    flow_of(keys, "2026-01-05T00:00:00Z")
    shards = min(options.jobs, len(ACCOUNTS)) if options.seeds == 1 else 1
    cut = [ACCOUNTS[shard::shards] for shard in range(shards)]
    return [Flow(keys=keys, accounts=accounts) for accounts in cut]


def _terms(options: argparse.Namespace) -> Terms:
    if not options.days <= MOST_DAYS:
        raise InputError(f"--days {options.days:g} is too long; write {MOST_DAYS} or less, and more --seeds")
    if options.days * DAY < MINUTE:
        raise InputError(f"--days {options.days:g} is less than a minute; write 0.05 for 72 minutes, or more")
    large = options.flow is None and (options.keys or FEWEST) > MANY
    return Terms(
        minutes=int(options.days * DAY / MINUTE),
        kinds=kinds_of(options.storm),
        per_minute=FEW_QUOTES if large else QUOTES,
        block=AHEAD if large else 0,
        wild=WILD_WHEN_LARGE if large else 1.0,
    )


def _say(summary: Summary, whole: str, seconds: float) -> None:
    print("\n".join(_lines(summary, whole, seconds)))


def _lines(summary: Summary, whole: str, seconds: float) -> Iterator[str]:
    simulated = summary.minutes * MINUTE / SECOND
    pace = f"{simulated / seconds:,.0f} times as fast as time passes"
    yield f"{summary.worlds} worlds, {simulated / 86400:.2f} simulated days, {seconds:.1f} s: {pace}"
    yield "  " + ", ".join(f"{count:,} {what}" for what, count in sorted(summary.counts.items()))
    yield "  struck: " + (", ".join(f"{what} {count}" for what, count in sorted(summary.struck.items())) or "nothing")
    for what, count in sorted(summary.checked.items()):
        yield f"  {count:>12,} × {what}"
    yield f"  hash {whole}"
    for outcome in summary.failing:
        yield f"seed {outcome.seed}: {outcome.found} violations"
        yield from (f"  {violation}" for violation in outcome.violations)


def _as_json(summary: Summary, whole: str, seconds: float) -> None:
    say_json(
        {
            "worlds": summary.worlds,
            "simulated_seconds": round(summary.minutes * MINUTE / SECOND),
            "seconds": round(seconds, 3),
            "hash": whole,
            "counts": summary.counts,
            "struck": summary.struck,
            "checked": summary.checked,
            "failing": [{"seed": each.seed, "violations": each.violations} for each in summary.failing],
        }
    )


def _save(flows: list[Flow], terms: Terms, failing: Outcome, options: argparse.Namespace) -> None:
    """Make the first failing world smaller, and write it down."""
    folder = options.flow.parent if options.flow is not None else Path()
    path = options.save or folder / f"sim-{failing.seed}.toml"
    print(f"making the storm of seed {failing.seed} smaller …", file=sys.stderr)
    flow = flows[0]
    if len(flows) > 1:
        flow = next(each for each in flows if one(each, replace(terms, seed=failing.seed)).hash == failing.hash)
    smaller = saved(flow, terms, failing, path)
    what = f"{len(smaller.only or ())} faults in {smaller.minutes} minutes"
    print(f"{path} holds it with {what}; try it with: python -m pipeline test {path}", file=sys.stderr)
