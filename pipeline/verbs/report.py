"""Say what the trades of a flow prove, and how little: win rate, evidence, expectancy, luck, streaks, payouts.

examples:
  python -m pipeline report
  python -m pipeline report flows.toml --account demo-1 --since 7d
  python -m pipeline report --replay runs/monday --full
  python -m pipeline report --json

For each account, product and timeframe, and in total for each kind of money (paper, replay, demo, real), which are
never summed. It reads the flow's ledger, or the folder a replay left, and writes nothing.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

from pipeline.engine import LEDGER_FILE
from pipeline.errors import InputError
from pipeline.reporting import report_of
from pipeline.reporting.kept import of_account, orders_kept
from pipeline.reporting.proven import NOTHING_PROVEN, proven_in
from pipeline.reporting.sections import BRIEF, SECTIONS
from pipeline.results import orders_in
from pipeline.statistics.records import ended
from pipeline.times import duration, parse_moment
from pipeline.trials import UNTRIED, Tries, tries_in
from pipeline.values import Order
from pipeline.verbs.common import flow_option, json_option, say_json
from pipeline.verbs.planned import plan_of


def options(parser: argparse.ArgumentParser) -> None:
    flow_option(parser)
    parser.add_argument("--account", help="only this account")
    parser.add_argument(
        "--since", metavar="MOMENT", help="only what ended since: 2026-01-05T08:00, or 7d before the last trade's end"
    )
    parser.add_argument("--replay", type=Path, metavar="FOLDER", help="of a replay's results instead of the ledger")
    parser.add_argument("--full", action="store_true", help="every line of every key, not only of the totals")
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    plan = plan_of(options)
    zone = ZoneInfo(plan.settings.display_timezone)
    kept = orders_kept(plan.folder / LEDGER_FILE) if options.replay is None else orders_in(options.replay)
    orders = of_account(kept, options.account)
    since = _since(options.since, orders, zone)
    of_keys = SECTIONS if options.full or options.json else BRIEF
    tries = _tries(plan.folder / LEDGER_FILE, of_replay=options.replay is not None)
    proven = NOTHING_PROVEN if options.replay is not None else proven_in(plan.folder / LEDGER_FILE)
    report = report_of(orders, plan, "replay" if options.replay else None, since, of_keys, tries, proven)
    if options.json:
        say_json(report.as_json())
    elif report.empty:
        where = options.replay or plan.folder / LEDGER_FILE
        mend = "ask for an earlier moment" if options.since else "let the flow trade for a while"
        rest = f"since {options.since}" if options.since else "yet"
        print(f"{where} has no settled trade {rest}, so there is nothing to report; {mend}")
        for line in report.unended():
            print(line)
    else:
        print("\n".join(report.text()))
    return 0


def _tries(ledger: Path, *, of_replay: bool) -> Tries:
    """A replay's results can be reported without a ledger."""
    return UNTRIED if of_replay and not ledger.exists() else tries_in(ledger)


def _since(text: str | None, orders: Sequence[Order], zone: ZoneInfo) -> int | None:
    if text is None:
        return None
    try:
        back = duration(text)
    except ValueError:
        try:
            return parse_moment(text, zone)
        except ValueError as wrong:
            raise InputError(f"{wrong}, or how far back, like 7d") from None
    return max((ended(order) for order in orders if order.state == "SETTLED"), default=0) - back
