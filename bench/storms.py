"""How many seeded storms it takes to catch each seeded defect of the order protocol, and how fast worlds pass.

    python -m bench.storms [--seeds 120] [--minutes 45] [--only NAME,…]

A simulation that catches nothing proves nothing: this is its own test.
"""

import argparse
import sys
from collections.abc import Iterable
from time import perf_counter

import operators
import sinks
import sources
from bench.defects import DEFECTS, seeded
from pipeline.sim.campaign import Flow, one
from pipeline.sim.storms import KINDS
from pipeline.sim.world import Terms

PARTS = (operators, sinks, sources)
"""Imported for what they register."""
MINUTES = 45


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=120)
    parser.add_argument("--minutes", type=int, default=MINUTES)
    parser.add_argument("--only", help="only these defects, by their names")
    options = parser.parse_args()
    names = list(DEFECTS) if options.only is None else options.only.split(",")
    escaped = 0
    for name in names:
        began = perf_counter()
        caught, what = caught_by(name, range(1, options.seeds + 1), options.minutes)
        escaped += caught is None
        words = f"caught by seed {caught}: {what}" if caught is not None else f"escapes {options.seeds} seeds"
        print(f"{name:<26} {words} ({perf_counter() - began:.1f} s)", flush=True)
    sys.exit(bool(escaped))


def caught_by(name: str, seeds: Iterable[int], minutes: int = MINUTES) -> tuple[int | None, str]:
    """The first seed whose world shows a defect, and what it shows; None when none of them does."""
    flow = Flow()
    with seeded(name):
        for seed in seeds:
            outcome = one(flow, Terms(seed=seed, minutes=minutes, kinds=tuple(KINDS)))
            if not outcome.sound:
                return seed, outcome.violations[0]
    return None, ""


if __name__ == "__main__":
    main()
