"""Make bars of a longer timeframe from shorter ones, or from quotes, and keep them in the store.

examples:
  python -m pipeline data resample --product EURUSD --from-timeframe 1m --timeframe 15m
  python -m pipeline data resample --product EURUSD --timeframe 1m

Only slots that are whole become bars: all of their shorter bars that lie in open time are there. Of quotes the first
and the last slot may be cut and are left out.
"""

import argparse
from typing import Any

from pipeline.calendar import calendar_of
from pipeline.errors import InputError
from pipeline.verbs.common import json_option, say_json
from pipeline.verbs.data_common import archive, store_option, tf_of


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--product", required=True, metavar="NAME", help="EURUSD, as it was named when imported")
    parser.add_argument("--from-timeframe", metavar="TF", help="of which bars: 1m; leave it out for quotes")
    parser.add_argument("--timeframe", required=True, metavar="TF", help="what to make: 5m, 15m, 1h")
    parser.add_argument(
        "--on-conflict",
        choices=("fail", "keep", "replace"),
        default="fail",
        help="what to do when the store has another bar for a slot: fail, keep it, replace it (fail)",
    )
    store_option(parser)
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    of = archive("series").Series
    source, target = of(options.product, tf_of(options.from_timeframe)), of(options.product, tf_of(options.timeframe))
    if not source.of_quotes and (target.tf <= source.tf or target.tf % source.tf):
        raise InputError(f"{target.timeframe} bars are not made of {source.timeframe} bars; give a multiple of them")
    store = archive("store").Archive(options.store)
    store.needs(source)
    with archive("writing").writing(options.store, target, options.on_conflict) as writer:
        for bars in _made(store, source, target):
            writer.add(bars)
    tally = writer.tally
    if options.json:
        say_json({"product": target.product, "timeframe": target.timeframe, "added": tally.added, "same": tally.same})
    else:
        print(f"{target} of {source.timeframe}: {tally.added:,} bars are new, {tally.same:,} were there already")
        if tally.conflicts:
            print(f"  {tally.conflicts:,} conflicts; the first: {tally.first_conflict}")
    return 0


def _made(store: Any, source: Any, target: Any) -> Any:
    minutes, batches = archive("minutes"), store.batches(source)
    if source.of_quotes:
        return minutes.bars_of(batches, target.tf)
    return minutes.longer(batches, target.tf, calendar_of(source.product))
