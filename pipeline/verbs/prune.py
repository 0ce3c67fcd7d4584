"""Let go of old rows of a flow's ledger that are only to be looked at; orders and all that makes them certain stay.

examples:
  python -m pipeline prune --before 400d --dry-run
  python -m pipeline prune flows.toml --before 2026-01-01

Decisions, outcomes, the columns of orders, metrics and payouts from before that moment go; with a span, from so long
before the last the ledger knows. Orders, what became of them, stops, armings, verdicts, cash and certificates are never
removed. It may run beside a running flow. The file grows no smaller, its room is used again.
"""

import argparse
from zoneinfo import ZoneInfo

from pipeline.engine import LEDGER_FILE
from pipeline.errors import InputError
from pipeline.ledger.pruning import last_moment, pruned, to_prune
from pipeline.times import DAY, duration, parse_moment, utc_text
from pipeline.verbs.common import flow_option, json_option, say_json
from pipeline.verbs.planned import plan_of
from pipeline.verbs.spans import progress

LEAST = DAY
"""What is younger may still be needed by a start."""


def options(parser: argparse.ArgumentParser) -> None:
    flow_option(parser)
    parser.add_argument(
        "--before", required=True, metavar="MOMENT", help="2026-01-01, or a span before the last row: 400d"
    )
    parser.add_argument("--dry-run", action="store_true", help="only say what would go")
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    plan = plan_of(options)
    ledger = plan.folder / LEDGER_FILE
    last = last_moment(ledger)
    if last is None:
        raise InputError(f"{ledger} holds nothing yet that could go; let the flow run for a while")
    before = _before(options.before, last, ZoneInfo(plan.settings.display_timezone))
    if before > last - LEAST:
        raise InputError(
            f"--before {options.before} is less than a day before the last row ({utc_text(last)}), and a start still "
            "needs that; name an earlier moment"
        )
    counts = to_prune(ledger, before)
    if not options.dry_run:
        whole, shown = sum(counts.values()), progress("removing")
        counts = pruned(ledger, before, lambda rows: shown(rows / whole if whole else 1.0))
    if options.json:
        say_json({"before": before, "dry_run": options.dry_run, "rows": counts})
        return 0
    word = "would go" if options.dry_run else "went"
    told = ", ".join(f"{rows:,} {table.replace('_', ' ')}" for table, rows in counts.items() if rows) or "nothing"
    print(f"from before {utc_text(before)} {word}: {told}; orders and what makes them certain stay")
    return 0


def _before(text: str, last: int, zone: ZoneInfo) -> int:
    try:
        return last - duration(text)
    except ValueError:
        try:
            return parse_moment(text, zone)
        except ValueError as wrong:
            raise InputError(f"{wrong}, or how far back, like 400d") from None
