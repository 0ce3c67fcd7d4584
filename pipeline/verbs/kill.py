"""Stop trading at once: everything, or one account. It stays stopped, whatever ends or starts, until `resume`.

examples:
  python -m pipeline kill
  python -m pipeline kill demo-1 --reason "the spread looks wrong"

It asks nothing and works whether the flow runs or not; one that runs has heard of it within a second. Contracts that
are open already run to their end. A file named KILL in the flow's folder, the signal SIGUSR1, POST /kill on the desk
and ^g in the console do the same.
"""

import argparse

from pipeline.ledger.failures import LedgerError, NoLedger
from pipeline.states import EVERYBODY
from pipeline.stopping import stops_of, whom
from pipeline.verbs.stops import options_of_stops, say_stops, stopped_by_file


def options(parser: argparse.ArgumentParser) -> None:
    options_of_stops(parser, "why; whoever resumes will read it")


def run(options: argparse.Namespace) -> int:
    scope = options.scope or EVERYBODY
    try:
        with stops_of(options.flow) as stops:
            made = stops.stop(scope, options.reason, "kill")
            say_stops(stops, made, [] if made else [f"{whom(scope)} stopped already"], as_json=options.json)
    except (LedgerError, NoLedger) as failure:
        raise stopped_by_file(options.flow, options.reason, failure) from failure
    return 0
