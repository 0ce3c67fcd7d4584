"""Hold every settlement against our own ticks: which ones they do not explain, and whether these cost you by luck.

examples:
  python -m pipeline audit
  python -m pipeline audit flows.toml --account demo-1 --since 7d
  python -m pipeline audit --out for-the-broker.csv

A running flow settles each contract once more from its own prices as it ends; this only reads what came of it. A
contract is explained when the venue's prices are among our ticks of their moments and its result follows from them, and
unseen where our ticks do not reach. Contracts that ended when nothing audited have no audit, and are counted. `--out`
writes those that are not explained (with --all: all that were audited), with the venue's prices and ours and their
stamps. Exit code 1 when one is not explained.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.certainty.fairness import CONTRACTS, cost_of, facts, fairness
from pipeline.engine import LEDGER_FILE
from pipeline.errors import InputError
from pipeline.evidence import Audited
from pipeline.exporting.columns import Column
from pipeline.exporting.writing import writable, written
from pipeline.ledger.proofs import Proofs
from pipeline.ledger.reading import Reader
from pipeline.tables import nearest
from pipeline.times import duration, local_text, parse_moment
from pipeline.values import Order
from pipeline.verbs.common import flow_option, json_option, say_json
from pipeline.verbs.planned import plan_of
from pipeline.verbs.spans import progress

SHOWN = 20
"""Contracts that are told of one by one."""
COLUMNS = (
    *(Column(name, "text") for name in ("order", "account", "request", "contract", "product")),
    Column("timeframe", "timeframe"),
    Column("direction", "text"),
    Column("stake", "money"),
    Column("payout", "number"),
    *(Column(name, "moment") for name in ("sent_at", "accepted_at", "expiry")),
    Column("venue_entry_at", "moment"),
    Column("venue_entry", "number"),
    Column("venue_exit_at", "moment"),
    Column("venue_exit", "number"),
    Column("venue_result", "text"),
    Column("venue_profit", "money"),
    Column("our_entry_at", "moment"),
    Column("our_entry", "number"),
    Column("our_exit_at", "moment"),
    Column("our_exit", "number"),
    Column("our_result", "text"),
    Column("cost", "money"),
    Column("verdict", "text"),
    Column("reason", "text"),
)

Pair = tuple[Order, Audited]


def options(parser: argparse.ArgumentParser) -> None:
    flow_option(parser)
    parser.add_argument("--account", help="only this account")
    parser.add_argument("--since", metavar="MOMENT", help="only what ended since: 2026-01-05T08:00, or 7d back")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write them to a CSV file, for the broker")
    parser.add_argument("--all", action="store_true", help="with --out: the explained and the unseen ones too")
    parser.add_argument("--force", action="store_true", help="write over a file that is there")
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    if options.out is not None:
        writable(options.out, force=options.force)
    elif options.all:
        raise InputError("--all is about the file that --out writes; name one with --out")
    plan = plan_of(options)
    zone = ZoneInfo(plan.settings.display_timezone)
    orders, audits = _asked(plan.folder / LEDGER_FILE, options, zone)
    found = fairness(audits.values(), orders)
    pairs = [(order, audits[name]) for name, order in orders.items() if name in audits]
    odd = [pair for pair in pairs if pair[1].verdict == "unexplained"]
    if options.out is not None:
        chosen = pairs if options.all else odd
        written(options.out, "csv", COLUMNS, iter([list(map(_row, chosen))]), progress("writing"))
    if options.json:
        say_json({**facts(found), "contracts": [_facts(*pair) for pair in odd]})
    else:
        print(found)
        for order, audited in odd[-SHOWN:]:
            at = local_text(order.expiry, zone)
            print(f"  {at} {order.order} ({order.contract}), cost {cost_of(audited, order):+}: {audited.reason}")
        if len(odd) > SHOWN:
            print(f"  and {len(odd) - SHOWN:,} before them; --out writes all")
        if options.out is not None:
            print(f"{options.out}: {len(pairs if options.all else odd):,} contracts")
    return 1 if odd else 0


def _asked(
    path: Path, options: argparse.Namespace, zone: ZoneInfo
) -> tuple[Mapping[str, Order], Mapping[str, Audited]]:
    """The contracts that were asked for, by their ends, and the audits there are."""
    with Proofs(path) as proofs:
        audits = proofs.audits()
    reader = Reader(path)
    try:
        orders = reader.orders()
    finally:
        reader.close()
    known = sorted({order.account for order in orders})
    if options.account is not None and options.account not in known:
        raise InputError(f"account {options.account!r} has no orders; {nearest(options.account, known)}")
    over = sorted((each for each in orders if each.state in CONTRACTS), key=lambda each: (each.expiry, each.order))
    since = _since(options.since, over, zone)
    return {o.order: o for o in over if options.account in (None, o.account) and o.expiry >= since}, audits


def _since(text: str | None, over: Sequence[Order], zone: ZoneInfo) -> int:
    if text is None:
        return 0
    try:
        return max((order.expiry for order in over), default=0) - duration(text)
    except ValueError:
        try:
            return parse_moment(text, zone)
        except ValueError as wrong:
            raise InputError(f"{wrong}, or how far back, like 7d") from None


def _row(pair: Pair) -> Sequence[Any]:
    order, audited = pair
    agreed = (order.order, order.account, order.request, order.contract, order.product, order.tf, order.direction)
    moments = (order.sent_at, order.expiry - order.tf, order.expiry)
    return (
        *agreed,
        str(order.stake),
        order.payout,
        *moments,
        *_ends(order),
        order.result,
        str(order.profit),
        *_ends(audited),
        audited.result,
        str(cost_of(audited, order)),
        audited.verdict,
        audited.reason,
    )


def _ends(of: Order | Audited) -> Iterator[Any]:
    """When and at what it began and ended; nothing where that is not told."""
    for at, price in ((of.entry_ts, of.entry), (of.exit_ts, of.exit)):
        yield at
        yield price if at else None


def _facts(order: Order, audited: Audited) -> dict[str, Any]:
    return dict(zip((column.name for column in COLUMNS), _row((order, audited)), strict=True))
