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

from pipeline.verbs.several import add_verbs, run_one

NAMES = ("import", "download", "list", "audit", "export", "resample")


def options(parser: argparse.ArgumentParser) -> None:
    add_verbs(parser, __name__, NAMES)


def run(options: argparse.Namespace) -> int:
    return run_one(options)
