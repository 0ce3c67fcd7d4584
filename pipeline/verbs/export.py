"""Write what the ledger knows to a file: trades, orders, decisions, the equity, or a set to learn from.

examples:
  python -m pipeline export trades
  python -m pipeline export orders flows.toml --format jsonl --out orders.jsonl --account demo-1
  python -m pipeline export decisions --out january.parquet --from 2026-01-01 --to 2026-02-01
  python -m pipeline export dataset --out ml.parquet --force

`trades` are orders whose contract has ended; `equity` is the balance of each account after all that moved it; `dataset`
has one row a trade: the columns it was decided on as they stood then, and what came of it. --from and --to are about
when a trade ended, an order was wanted, a bar opened, or the balance moved. It reads a running flow's ledger as well.
Moments are ISO text in UTC, money is text; in Parquet they are timestamps and decimals.
"""

import argparse
from pathlib import Path
from zoneinfo import ZoneInfo

from pipeline.engine import LEDGER_FILE
from pipeline.errors import InputError
from pipeline.exporting import FORMATS, TABLES_FOR_OTHERS, Asked, exported
from pipeline.exporting.asking import ALWAYS
from pipeline.exporting.writing import writable
from pipeline.times import parse_moment
from pipeline.verbs.common import flow_option, json_option, say_json
from pipeline.verbs.planned import plan_of
from pipeline.verbs.spans import progress

USUAL = "csv"


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=tuple(TABLES_FOR_OTHERS), metavar="WHAT", help=", ".join(TABLES_FOR_OTHERS))
    flow_option(parser)
    parser.add_argument("--format", choices=tuple(FORMATS), help=f"how to write it (as --out ends, else {USUAL})")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where to (WHAT with its ending, in this folder)")
    parser.add_argument("--from", dest="begin", metavar="MOMENT", help="from when on: 2026-01-05T08:00")
    parser.add_argument("--to", dest="end", metavar="MOMENT", help="before when")
    parser.add_argument("--account", help="only this account")
    parser.add_argument("--force", action="store_true", help="write over a file that is there")
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    if options.out is not None:
        writable(options.out, force=options.force)
    form = _format(options)
    path: Path = options.out or Path(f"{options.what}.{form}")
    writable(path, force=options.force)
    plan = plan_of(options)
    asked = _asked(options, ZoneInfo(plan.settings.display_timezone))
    rows = exported(plan.folder / LEDGER_FILE, options.what, path, form, asked, progress("exporting"))
    if options.json:
        say_json({"what": options.what, "format": form, "file": str(path), "rows": rows})
    else:
        print(f"{path}: {rows:,} rows of {options.what}")
    return 0


def _format(options: argparse.Namespace) -> str:
    """What was named, else what the file's name says; a file that says another format would fool its readers."""
    ending = "" if options.out is None else options.out.suffix.lower().removeprefix(".")
    if options.format is not None:
        if ending in FORMATS and ending != options.format:
            mend = f"leave --format out, or let the name end with .{options.format}"
            raise InputError(f"{options.out} ends as {ending}, but --format is {options.format}; {mend}")
        return str(options.format)
    if options.out is None:
        return USUAL
    if ending not in FORMATS:
        raise InputError(f"{options.out} ends with none of {', '.join(FORMATS)}; say which it is to be with --format")
    return ending


def _asked(options: argparse.Namespace, zone: ZoneInfo) -> Asked:
    given = ((options.begin, ALWAYS[0]), (options.end, ALWAYS[1]))
    try:
        begin, end = (otherwise if text is None else parse_moment(text, zone) for text, otherwise in given)
    except ValueError as wrong:
        raise InputError(str(wrong)) from None
    if end <= begin:
        raise InputError("--to is not after --from; give a later moment")
    return Asked(begin, end, options.account)
