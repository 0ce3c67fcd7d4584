"""Copy a flow's ledger as it stands, also while it runs; the copy is looked through before it counts.

examples:
  python -m pipeline backup
  python -m pipeline backup flows.toml --keep 30
  python -m pipeline backup --out usb/ledger-of-today.db

Without --out it goes to the folder `backups` beside the ledger, named by the time it was made, and the last ten there
are kept. `restore` puts a copy back.
"""

import argparse
from datetime import UTC, datetime
from pathlib import Path

from pipeline.engine import LEDGER_FILE
from pipeline.errors import InputError
from pipeline.ledger.backups import FOLDER, NAMED, backed_up, kept_last
from pipeline.live import wall
from pipeline.verbs.common import flow_option, json_option, say_json
from pipeline.verbs.planned import plan_of
from pipeline.verbs.spans import progress

KEPT = 10


def options(parser: argparse.ArgumentParser) -> None:
    flow_option(parser)
    parser.add_argument("--out", type=Path, metavar="FILE", help="where to; a new file")
    parser.add_argument("--keep", type=int, metavar="N", help=f"how many to keep of those without --out ({KEPT})")
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    if options.keep is not None and (options.keep < 1 or options.out is not None):
        reason = "is of copies without --out; leave one of them out" if options.out else "must be 1 or more"
        raise InputError(f"--keep {reason}")
    if options.out is not None and options.out.exists():
        raise InputError(f"{options.out} exists already; name a new file with --out")
    plan = plan_of(options)
    folder = plan.folder / FOLDER
    path = options.out or folder / NAMED.format(stamp())
    copy = backed_up(plan.folder / LEDGER_FILE, path, progress("copying"))
    removed = () if options.out else kept_last(folder, options.keep or KEPT)
    if options.json:
        facts = {"file": str(path), "bytes": copy.size, "orders": copy.orders, "decisions": copy.decisions}
        say_json({**facts, "removed": [str(each) for each in removed]})
    else:
        size = f"{copy.size / 1e6:,.1f} MB"
        print(f"{path}: {copy.orders:,} orders, {copy.decisions:,} decisions, {size}, looked through and sound")
        for each in removed:
            print(f"removed {each}")
    return 0


def stamp() -> str:
    """Now, as it stands in the name of a file."""
    return datetime.fromtimestamp(wall() / 1000, UTC).strftime("%Y%m%dT%H%M%S.%fZ")
