"""Let keys trade: all of them, or those of an account, a product, a timeframe; with --only, these and no others.

examples:
  python -m pipeline start
  python -m pipeline start --account demo-1 --product EURUSD
  python -m pipeline start --only --product EURUSD --timeframe 1m --reason "one step at a time"

It works whether the flow runs or not; one that runs has heard of it within a second. It holds, whatever ends or
starts, until `stop` or another `start` says otherwise: of what covers a key the newest decides. What `kill` stopped is
released by `resume` only. `keys` shows how each key stands.
"""

import argparse

from pipeline.lifecycle import named
from pipeline.verbs.planned import plan_of
from pipeline.verbs.starts import options_of_starts, say_turned, scope_of, starts_of


def options(parser: argparse.ArgumentParser) -> None:
    options_of_starts(parser)
    parser.add_argument("--only", action="store_true", help="stop all other keys")


def run(options: argparse.Namespace) -> int:
    scope, starts = scope_of(options), starts_of(plan_of(options))
    turned = starts.start(scope, options.reason, "start", only=options.only)
    others = " and all others stopped" if options.only else ""
    say_turned(starts, turned, f"{named(scope)} was started{others} already", as_json=options.json)
    return 0
