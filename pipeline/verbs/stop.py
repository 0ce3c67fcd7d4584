"""Let keys trade no more: all of them, or those of an account, a product, a timeframe. `start` lets them go on.

examples:
  python -m pipeline stop --product XAUUSD --reason "the spread is wide before the news"
  python -m pipeline stop --account demo-1 --timeframe 1m
  python -m pipeline stop

Contracts that are open run to their end: a key is STOPPING until then, and STOPPED. Its bars are decided all the same,
and each row says that it was stopped. It works whether the flow runs or not, and holds whatever ends or starts. For a
stop that nothing may delay there is `kill`.
"""

import argparse

from pipeline.lifecycle import named
from pipeline.verbs.planned import plan_of
from pipeline.verbs.starts import options_of_starts, say_turned, scope_of, starts_of


def options(parser: argparse.ArgumentParser) -> None:
    options_of_starts(parser)


def run(options: argparse.Namespace) -> int:
    scope, starts = scope_of(options), starts_of(plan_of(options))
    turned = starts.stop(scope, options.reason, "stop")
    say_turned(starts, turned, f"{named(scope)} was stopped already", as_json=options.json)
    return 0
