"""Engines that are killed with -9 over and over, beside a broker in another process; then its book and the ledger.

    python -m bench.kills [--rounds 2000] [--seed 1] [--mutant sends_first]

Each life ends at another point: at a moment, before a write, before the broker took an order, before and after its
answer, or asked to. Says how many, what became of all orders, how long a start took until everything was reconciled,
and every problem. With the mutant, an order that leaves before its intent is on disk, there must be some.
"""

import argparse
import sys
import tempfile
from functools import partial
from pathlib import Path

from tests.processes.broker import Broker
from tests.processes.engines import Engines
from tests.processes.storm import Counted, storm

EVERY = 50
"""Lives between two words of how it stands."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mutant", choices=["sends_first"], default="")
    options = parser.parse_args()
    broker = Broker(late_ms=3_000)
    with tempfile.TemporaryDirectory() as folder, Engines(Path(folder), broker) as engines:
        told = partial(_so_far, options.rounds)
        counted = storm(engines, options.rounds, options.seed, options.mutant, told)
    print(counted.text(broker))
    for problem in counted.problems[:20]:
        print(f"  {problem}")
    raise SystemExit(bool(counted.problems) != bool(options.mutant))


def _so_far(rounds: int, counted: Counted) -> None:
    done = counted.kills.total()
    if done % EVERY == 0 and done < rounds:
        print(f"{done} of {rounds} lives, {len(counted.problems)} problems", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
