"""Release what `kill` or a limit of a guard has stopped: everything, or one account. A reason is needed.

examples:
  python -m pipeline resume --reason "the spread is back to normal"
  python -m pipeline resume demo-1 --reason "drawdown looked at, stakes halved"
"""

import argparse

from pipeline.errors import InputError
from pipeline.states import EVERYBODY
from pipeline.stopping import stops_of
from pipeline.verbs.stops import options_of_stops, say_stops


def options(parser: argparse.ArgumentParser) -> None:
    options_of_stops(parser, "why it may go on; needed")


def run(options: argparse.Namespace) -> int:
    if not options.reason.strip():
        raise InputError('nothing is released without a reason; say it with --reason "…"')
    if options.scope == "":
        raise InputError("the account is empty; name one, or leave it out to release everything")
    with stops_of(options.flow) as stops:
        released = stops.release(options.scope or EVERYBODY, options.reason, "resume")
        say_stops(stops, released, [f"released: {stops.told(latch)}" for latch in released], as_json=options.json)
    return 0
