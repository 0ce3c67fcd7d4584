"""Put a backup of a flow's ledger back in its place; the ledger that was there is kept beside it.

examples:
  python -m pipeline restore
  python -m pipeline restore data/backups/ledger-20260105T080000.000000Z.db
  python -m pipeline restore usb/ledger.db --flow other.toml

Without a file it says which backups there are. It is refused while an engine runs. What was traded after the backup was
made is not in it: at the next start the venue is asked for it, and until then nothing is sent; `reconcile` asks at
once. A simulated market goes back to where the backup ends: it is refused when a venue with a memory of its own knows
of contracts after that; move the memory's file away as well, or restore all the same with --force.
"""

import argparse
from datetime import UTC, datetime
from pathlib import Path

from pipeline.engine import LEDGER_FILE, market_of
from pipeline.errors import InputError
from pipeline.ledger.backups import FOLDER, accounts_in, backups_in, last_moment_in, looked_through, restored
from pipeline.live import LOCK_FILE, wall
from pipeline.locking import locked
from pipeline.plan import Plan
from pipeline.times import utc_text
from pipeline.verbs.backup import stamp
from pipeline.verbs.common import DEFAULT, json_option, say_json
from pipeline.verbs.planned import plan_of


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="the backup; left out: which there are")
    parser.add_argument("--flow", type=Path, default=Path(DEFAULT), metavar="FLOW", help=f"the flow file ({DEFAULT})")
    parser.add_argument("--force", action="store_true", help="though a venue remembers contracts of after the backup")
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    plan = plan_of(options)
    if options.file is None:
        _list(plan, as_json=options.json)
        return 0
    if not options.file.is_file():
        raise InputError(f"there is no file {options.file}; `restore` alone says which backups there are")
    ledger = plan.folder / LEDGER_FILE
    if ledger.exists() and options.file.samefile(ledger):
        raise InputError(f"{options.file} is the ledger itself; name a backup of it")
    copy = looked_through(options.file)
    _refuse_strange(options.file, plan)
    replaced = ledger.with_name(f"ledger-replaced-{stamp()}.db")
    with locked(plan.folder / LOCK_FILE, 0o600) as ours:
        if not ours:
            raise InputError(f"an engine runs on {plan.folder}; end it first, then restore")
        begin = _market_goes_on(options.file, plan, force=options.force)
        there = restored(options.file, ledger, replaced)
    if options.json:
        facts = {"file": str(options.file), "orders": copy.orders, "decisions": copy.decisions}
        say_json({**facts, "replaced": str(replaced) if there else None, "market_from": begin})
        return 0
    print(f"{ledger} is {options.file} now: {copy.orders:,} orders, {copy.decisions:,} decisions")
    if there:
        print(f"the one before is kept as {replaced}")
    if begin is not None:
        print(f"the simulated market goes on from {utc_text(begin)}, as the backup has it")
    print("what was traded since the backup is asked of the venue at the next start, or at once with `reconcile`")
    return 0


def _refuse_strange(file: Path, plan: Plan) -> None:
    known = accounts_in(file)
    if known and not known & set(plan.accounts):
        named = ", ".join(sorted(known))
        raise InputError(f"{file} is of other accounts ({named}) than {plan.file} has; name a backup of this flow")


def _market_goes_on(file: Path, plan: Plan, *, force: bool) -> int | None:
    """From where a simulated market does; None of a real one. A venue that remembers later trades is not left ahead."""
    begin, speed = market_of(plan, wall(), last_moment_in(file))
    if speed is None:
        return None
    remembering = [node for node in plan.of("venue") if hasattr(node.instance, "remembers_until")]
    for node in remembering if not force else ():
        until: int | None = node.instance.remembers_until(plan.folder)
        if until is not None and until > begin:
            ahead = f"the memory of {node.id} in {plan.folder} has contracts until {utc_text(until)}"
            back = f"the simulated market would go back behind them, to {utc_text(begin)}, where {file} ends"
            raise InputError(f"{ahead}: {back}; move the memory's file away, or restore all the same with --force")
    return begin


def _list(plan: Plan, *, as_json: bool) -> None:
    found = backups_in(plan.folder / FOLDER)
    if as_json:
        say_json([{"file": str(path), "bytes": path.stat().st_size} for path in found])
    elif not found:
        print(f"there is no backup in {plan.folder / FOLDER}; make one with `backup`")
    for path in found if not as_json else ():
        made = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        print(f"{path}  {made:%Y-%m-%d %H:%M} UTC  {path.stat().st_size / 1e6:,.1f} MB")
