"""End the leave to trade with real money at once: of one account, or of all.

examples:
  python -m pipeline disarm
  python -m pipeline disarm live-7 --reason "the news at two"

It asks nothing and works whether the flow runs or not; one that runs has heard of it within a second. Contracts that
are open run to their end. Where the ledger cannot be used everything is stopped by the file KILL instead, as `kill`
does, and the exit code is 1: then disarm again before you resume.
"""

import argparse
import sqlite3
from collections.abc import Sequence

from pipeline.arming import facts_of, withdrawn
from pipeline.ledger.failures import LedgerError, NoLedger
from pipeline.states import EVERYBODY
from pipeline.stopping import stops_of
from pipeline.values import Arming
from pipeline.verbs.common import say_json, whoami
from pipeline.verbs.stops import options_of_stops, stopped_by_file

UNTOLD = "disarm: the ledger could not be used"


def options(parser: argparse.ArgumentParser) -> None:
    options_of_stops(parser, "why; it is kept")


def run(options: argparse.Namespace) -> int:
    scope = options.scope or EVERYBODY
    try:
        ended = _ended(options, scope)
    except (LedgerError, NoLedger, sqlite3.Error) as failure:
        stopped = stopped_by_file(options.flow, options.reason or UNTOLD, failure)
        raise LedgerError(f"{stopped}. Armings may still hold; disarm again before you resume") from failure
    if options.json:
        say_json({"disarmed": [facts_of(each) for each in ended]})
    else:
        print("\n".join(f"{each.account} is not armed any more" for each in ended) or "nothing was armed")
    return 0


def _ended(options: argparse.Namespace, scope: str) -> Sequence[Arming]:
    with stops_of(options.flow) as stops:
        stops.check(scope)
        # By the earlier of two clocks: with a mistake in the file nobody knows which one the market goes by.
        now = min(stops.now, stops.ledger.last_moment() or 0)
        known = [each for each in stops.ledger.past(now).armings if scope in (EVERYBODY, each.account)]
        live = [each for each in known if each.until > max(each.at, now)]
        ended = [withdrawn(each, stops.now, whoami(), options.reason) for each in live]
        for each in ended:
            stops.ledger.arm(each, "{}")
    return ended
