"""Stop trading at once: everything, or one account. It stays stopped, whatever ends or starts, until `resume`.

examples:
  python -m pipeline kill
  python -m pipeline kill demo-1 --reason "the spread looks wrong"

It asks nothing and works whether the flow runs or not; one that runs has heard of it within a second. Contracts that
are open already run to their end.
"""

import argparse

from pipeline.values import Latch
from pipeline.verbs.stops import options_of_stops, stops_of, whom

BY_HAND = "by hand, without a word"


def options(parser: argparse.ArgumentParser) -> None:
    options_of_stops(parser, "why; whoever resumes will read it")


def run(options: argparse.Namespace) -> int:
    with stops_of(options.flow) as stops:
        stops.check(options.scope)
        before = stops.held.get(options.scope)
        if before is not None:
            stops.say([], [f"{whom(options.scope)} stopped already"], as_json=options.json)
            return 0
        latch = Latch(options.scope, True, stops.now, options.reason.strip() or BY_HAND, "kill")
        stops.ledger.latch(latch)
        stops.say([latch], [], as_json=options.json)
    return 0
