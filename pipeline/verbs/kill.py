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
from pipeline.stopping import EVERYBODY, put_file, stops_of, whom
from pipeline.verbs.stops import options_of_stops, say_stops


def options(parser: argparse.ArgumentParser) -> None:
    options_of_stops(parser, "why; whoever resumes will read it")


def run(options: argparse.Namespace) -> int:
    scope = options.scope or EVERYBODY
    try:
        with stops_of(options.flow) as stops:
            made = stops.stop(scope, options.reason, "kill")
            say_stops(stops, made, [] if made else [f"{whom(scope)} stopped already"], as_json=options.json)
    except (LedgerError, NoLedger) as failure:
        path = put_file(options.flow, options.reason)
        heard = "an engine that runs hears of it within a second, and the next start does"
        raise LedgerError(f"{failure}. Everything is stopped by the file {path} instead: {heard}") from failure
    return 0
