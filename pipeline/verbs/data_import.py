"""Read bars or quotes from files into the store.

examples:
  python -m pipeline data import EURUSD_2025.csv --product EURUSD --timeframe 1m
  python -m pipeline data import ticks.csv.gz --product EURUSD
  python -m pipeline data import mt5.csv --product XAUUSD --timeframe 5m --timezone EET
  python -m pipeline data import odd.csv --product EURUSD --timeframe 1m --columns time=1,open=3,high=4,low=5,close=6

Files are CSV (.csv, .txt; .gz and .zip of one as well), Parquet or JSONL. What a file is, is seen from its first rows
and said before anything is written; files of Dukascopy, HistData, MetaTrader and Binance are known. All rows are
imported or, when one is refused, none. Rows the store has already change nothing.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.errors import InputError
from pipeline.times import utc_text
from pipeline.verbs.common import json_option, say_json
from pipeline.verbs.data_common import archive, progress, store_option, tf_of, zone_of

FORMATS = ("auto", "generic", "dukascopy", "histdata", "metatrader", "binance")
ROLES = ("time", "date", "open", "high", "low", "close", "volume", "bid", "ask", "received", "closes")


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="what to read")
    parser.add_argument("--product", required=True, metavar="NAME", help="whose prices: EURUSD")
    parser.add_argument("--timeframe", metavar="TF", help="1m, 5m … of bars; leave it out for quotes")
    parser.add_argument("--format", choices=FORMATS, default="auto", help="who wrote the file, when it is not seen")
    parser.add_argument(
        "--timezone", metavar="ZONE", help="where times without a zone are from: EET, America/New_York (UTC)"
    )
    parser.add_argument(
        "--ambiguous",
        choices=("refuse", "first", "second"),
        default="refuse",
        help="what is meant by a time that comes twice when clocks are put back (refuse)",
    )
    parser.add_argument("--dates", choices=("dmy", "mdy"), help="whether 03/02/2026 begins with the day or the month")
    parser.add_argument(
        "--stamp", choices=("open", "close"), default="open", help="the side of its bar a time is on (open)"
    )
    parser.add_argument(
        "--columns", metavar="ROLE=NAME,…", help=f"where to find {', '.join(ROLES[:3])} … (names or numbers)"
    )
    parser.add_argument(
        "--bad-rows", choices=("refuse", "skip"), default="refuse", help="what to do with them (refuse)"
    )
    parser.add_argument(
        "--on-conflict",
        choices=("fail", "keep", "replace"),
        default="fail",
        help="what to do when one moment has two values: fail, keep the first, replace it by the later (fail)",
    )
    parser.add_argument("--dry-run", action="store_true", help="read and judge everything, write nothing")
    store_option(parser)
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    tf = tf_of(options.timeframe)
    declared = archive("layout").Declared(
        format=options.format,
        quotes=None,
        tf=tf or None,
        stamp=options.stamp,
        timezone=zone_of(options.timezone),
        ambiguous=options.ambiguous,
        dates=options.dates,
        columns=_columns(options.columns),
    )
    missing = next((file for file in options.files if not file.exists()), None)
    if missing is not None:
        raise InputError(f"there is no file {missing}; name one that is there")
    reading = archive("reading").Reading
    readings: list[Any] = [reading(file, options.product, declared, options.bad_rows) for file in options.files]
    importing = archive("importing")
    if tf and importing.series_of(readings).of_quotes:
        raise InputError(f"{options.files[0]} holds quotes; leave out --timeframe (data resample makes bars of them)")
    if not options.json:
        for each in readings:
            print(f"{each.path}: " + "\n  ".join(each.layout.lines(each.kind)), flush=True)
    show = progress("reading")
    result = (
        importing.tried(readings, show)
        if options.dry_run
        else importing.imported(readings, options.store, options.on_conflict, show)
    )
    if options.json:
        say_json(_as_json(result, readings, options))
    else:
        print("\n".join(_text(result, options)))
    return 0


def _columns(text: str | None) -> dict[str, str]:
    pairs = [] if text is None else [each.partition("=") for each in text.split(",")]
    for role, sign, name in pairs:
        if role.strip() not in ROLES or not sign or not name.strip():
            raise InputError(f"--columns has {role + sign + name!r}; write time=1,open=2 … of {', '.join(ROLES)}")
    return {role.strip(): name.strip() for role, _, name in pairs}


def _text(result: Any, options: argparse.Namespace) -> list[str]:
    span = f", {utc_text(result.first)} to {utc_text(result.last)}" if result.rows else ""
    lines = [f"{result.series}: {result.rows:,} rows read{span}"]
    if result.backwards:
        lines.append(f"  {result.backwards:,} rows came before the row above them; the store keeps them in order")
    lines += [f"  {count:,} rows left out: {what}" for what, count in result.skipped.most_common()]
    if options.dry_run:
        return [*lines, "nothing was written (dry run)"]
    tally = result.tally
    lines.append(f"  {tally.added:,} are new, {tally.same:,} were there already")
    if tally.conflicts:
        kept = "the first was kept" if options.on_conflict == "keep" else "the later was taken"
        lines.append(f"  {tally.conflicts:,} conflicts, {kept}; the first: {tally.first_conflict}")
    return [*lines, f"store: {options.store}"]


def _as_json(result: Any, readings: Sequence[Any], options: argparse.Namespace) -> dict[str, Any]:
    tally = result.tally
    return {
        "product": result.series.product,
        "timeframe": result.series.timeframe,
        "files": [{"path": str(each.path), "seen": each.layout.lines(each.kind)} for each in readings],
        "rows": result.rows,
        "first": result.first,
        "last": result.last,
        "backwards": result.backwards,
        "skipped": dict(result.skipped),
        "written": not options.dry_run,
        "added": tally.added,
        "same": tally.same,
        "conflicts": tally.conflicts,
        "first_conflict": tally.first_conflict,
    }
