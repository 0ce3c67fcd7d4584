"""End the leave to trade with real money at once: of one account, or of all.

examples:
  python -m pipeline disarm
  python -m pipeline disarm live-7 --reason "the news at two"

It asks nothing and works whether the flow runs or not; one that runs has heard of it within a second. Contracts that
are open run to their end.
"""

import argparse

from pipeline.arming import facts_of, withdrawn
from pipeline.stopping import EVERYBODY, stops_of
from pipeline.verbs.common import say_json, whoami
from pipeline.verbs.stops import options_of_stops


def options(parser: argparse.ArgumentParser) -> None:
    options_of_stops(parser, "why; it is kept")


def run(options: argparse.Namespace) -> int:
    scope = options.scope or EVERYBODY
    with stops_of(options.flow) as stops:
        stops.check(scope)
        # By the earlier of two clocks: with a mistake in the file nobody knows which one the market goes by.
        now = min(stops.now, stops.ledger.last_moment() or 0)
        known = [each for each in stops.ledger.past(now).armings if scope in (EVERYBODY, each.account)]
        live = [each for each in known if each.until > max(each.at, now)]
        ended = [withdrawn(each, stops.now, whoami(), options.reason) for each in live]
        for each in ended:
            stops.ledger.arm(each, "{}")
    if options.json:
        say_json({"disarmed": [facts_of(each) for each in ended]})
    else:
        print("\n".join(f"{each.account} is not armed any more" for each in ended) or "nothing was armed")
    return 0
