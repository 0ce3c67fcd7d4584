"""Write bars or quotes of the store to a file.

examples:
  python -m pipeline data export --product EURUSD --timeframe 1m --to eurusd.parquet
  python -m pipeline data export --product EURUSD --to quotes.csv --from 2026-01-05 --until 2026-01-06
  python -m pipeline data export --product EURUSD --timeframe 1m --to eurusd.csv --timezone Europe/Istanbul

Times are ms since 1970, or ISO text when a time zone is asked for. What was exported can be imported again, and is the
same to the last bit.
"""

import argparse
from pathlib import Path

from pipeline.errors import InputError
from pipeline.verbs.common import json_option, say_json
from pipeline.verbs.data_common import (
    archive,
    moment_of,
    series_options,
    span_options,
    store_option,
    tf_of,
    zone_of,
)


def options(parser: argparse.ArgumentParser) -> None:
    series_options(parser)
    parser.add_argument("--to", required=True, type=Path, metavar="FILE", help="a .csv, .parquet or .jsonl file")
    span_options(parser)
    parser.add_argument("--timezone", metavar="ZONE", help="write times as text in this zone: UTC, Europe/Istanbul")
    store_option(parser)
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    stores = archive("store")
    series = archive("series").Series(options.product, tf_of(options.timeframe))
    since, until = moment_of(options.since, stores.ALWAYS[0]), moment_of(options.until, stores.ALWAYS[1])
    if until <= since:
        raise InputError("--until is not after --from; give a later moment")
    batches = stores.Archive(options.store).batches(series, since, until)
    rows = archive("exporting").exported(batches, options.to, zone_of(options.timezone))
    if options.json:
        say_json({"product": series.product, "timeframe": series.timeframe, "rows": rows, "file": str(options.to)})
    else:
        print(f"{options.to}: {rows:,} rows of {series}")
    return 0
