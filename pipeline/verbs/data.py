"""Fill the store of bars and quotes, look at it, judge it and write it out.

examples:
  python -m pipeline data import EURUSD_2025.csv --product EURUSD --timeframe 1m
  python -m pipeline data download --use binance --product BTCUSD --timeframe 1m --from 2026-01-01T00:00:00Z
  python -m pipeline data list
  python -m pipeline data audit --product EURUSD --timeframe 1m --demand B
  python -m pipeline data export --product EURUSD --timeframe 1m --to eurusd.parquet
  python -m pipeline data resample --product EURUSD --from-timeframe 1m --timeframe 15m

The store is the folder data/store unless --store names another. `data VERB --help` tells more of each.
"""

import argparse
from importlib import import_module
from typing import cast

from pipeline.verbs import Verb

NAMES = ("import", "download", "list", "audit", "export", "resample")


def options(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="of_data", metavar="VERB", required=True)
    for name in NAMES:
        module = cast("Verb", import_module(f"{__name__}_{name}"))
        summary, _, rest = (module.__doc__ or "").partition("\n\n")
        of_verb = verbs.add_parser(
            name,
            help=summary,
            description=summary,
            epilog=rest.strip() or None,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.options(of_verb)
        of_verb.set_defaults(run_of_data=module.run)


def run(options: argparse.Namespace) -> int:
    return int(options.run_of_data(options))
