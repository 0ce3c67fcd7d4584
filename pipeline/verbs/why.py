"""Say why a bar was traded or not: every gate with its value, its threshold and its verdict, in order.

examples:
  python -m pipeline why EURUSD 5m 14:35
  python -m pipeline why EURUSD 5m 2026-01-05T11:35:00Z --account demo-1
  python -m pipeline why --last

The moment is the opening of the bar, in the flow's display time zone unless it says another; a time without a date is
on the last day the ledger knows.
"""

import argparse
import re
import sqlite3
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.engine import LEDGER_FILE
from pipeline.errors import InputError
from pipeline.ledger import Reader, gates_of
from pipeline.tables import nearest
from pipeline.times import local_text, parse_moment, slot_of, timeframe, timeframe_name
from pipeline.values import GateRow, Order
from pipeline.verbs.common import DEFAULT, json_option, plan_of, say_json

MOMENT = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("product", nargs="?", metavar="PRODUCT", help="EURUSD")
    parser.add_argument("timeframe", nargs="?", metavar="TIMEFRAME", help="1m, 5m, 15m …")
    parser.add_argument(
        "moment", nargs="?", metavar="MOMENT", help="14:35 or 2026-01-05T11:35:00Z: when the bar opened"
    )
    parser.add_argument("--last", action="store_true", help="the last bar that was decided")
    parser.add_argument("--account", help="only this account")
    parser.add_argument("--flow", type=Path, default=Path(DEFAULT), metavar="FLOW", help=f"the flow file ({DEFAULT})")
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    plan = plan_of(argparse.Namespace(flow=options.flow))
    zone = ZoneInfo(plan.settings.display_timezone)
    reader = Reader(plan.folder / LEDGER_FILE)
    try:
        rows = _rows(options, reader, zone)
        if options.account is not None:
            known = [row["account"] for row in rows]
            rows = [row for row in rows if row["account"] == options.account]
            if not rows:
                raise InputError(
                    f"account {options.account!r} has no decision for that bar; {nearest(options.account, known)}"
                )
        for row in rows:
            order = reader.order(row["order"]) if row["order"] else None
            if options.json:
                say_json(_as_json(row, order))
            else:
                print("\n".join(_text(row, order, zone)))
    finally:
        reader.close()
    return 0


def _rows(options: argparse.Namespace, reader: Reader, zone: ZoneInfo) -> list[sqlite3.Row]:
    if options.last:
        last = reader.last_decision()
        if last is None:
            raise InputError("the ledger holds no decision yet; run the flow for a while first")
        return list(reader.decisions(last["product"], last["tf"], last["bar"]))
    if options.moment is None:
        raise InputError("say which bar: PRODUCT TIMEFRAME MOMENT, for example EURUSD 5m 14:35; or --last")
    try:
        tf = timeframe(options.timeframe)
    except ValueError as wrong:
        raise InputError(str(wrong)) from None
    span = _span(reader, options.product, tf)
    bar = slot_of(_moment(options.moment, span[1], zone), tf)
    rows = list(reader.decisions(options.product, tf, bar))
    if not rows:
        first, last = (local_text(each, zone, "%Y-%m-%d %H:%M") for each in span)
        asked = local_text(bar, zone, "%Y-%m-%d %H:%M")
        raise InputError(
            f"no decision for {options.product} {options.timeframe} at {asked} ({zone.key}): "
            f"the ledger has {first} to {last}, and no row where the market was silent"
        )
    return rows


def _span(reader: Reader, product: str, tf: int) -> tuple[int, int]:
    span = reader.span(product, tf)
    if span is None:
        asked = f"{product} {timeframe_name(tf)}"
        known = [f"{name} {timeframe_name(each)}" for name, each in reader.streams()]
        raise InputError(f"the ledger has no decision on {asked}; {nearest(asked, known)}")
    return span


def _moment(text: str, newest: int, zone: ZoneInfo) -> int:
    match = MOMENT.fullmatch(text)
    if match is None:
        try:
            return parse_moment(text, zone)
        except ValueError as wrong:
            raise InputError(f"{wrong}, or like 14:35") from None
    day = datetime.fromtimestamp(newest / 1000, zone)
    moment = day.replace(hour=int(match[1]), minute=int(match[2]), second=0, microsecond=0)
    return round(moment.timestamp() * 1000)


def _text(row: sqlite3.Row, order: Order | None, zone: ZoneInfo) -> list[str]:
    opened = local_text(row["bar"], zone, "%Y-%m-%d %H:%M")
    decided = local_text(row["at"], zone, "%H:%M:%S") + f".{row['at'] % 1000:03d}"
    side = {1: "▲ call", -1: "▼ put"}.get(row["direction"], "no direction")
    verdict = f"traded, {order.stake} {side}" if order is not None else f"not traded: {row['verdict']}"
    lines = [
        f"{row['product']} {timeframe_name(row['tf'])} {opened} {zone.key} · {row['account']} · decided {decided}",
        f"  {verdict}   (score {_number(row['score'])}, {side})",
    ]
    first = next((number for number, gate in enumerate(gates_of(row)) if gate.verdict == "no"), None)
    for number, gate in enumerate(gates_of(row)):
        lines.append(_gate(gate, number == first))
    if order is not None:
        lines.append(f"  order {order.order}: {_ended(order)}")
    return lines


def _gate(gate: GateRow, first: bool) -> str:
    mark = "✖ no " if gate.verdict == "no" else "✔ yes"
    arrow = "   ◂ the first to say no" if first else ""
    return f"  {mark}  {gate.gate:<11} {_number(gate.value):>10}  against {_number(gate.threshold):>10}{arrow}"


def _ended(order: Order) -> str:
    if order.state != "SETTLED":
        return f"{order.state}{f' ({order.reason})' if order.reason else ''}"
    return f"{order.result} {order.profit:+} (entry {order.entry:g}, exit {order.exit:g}, payout {order.payout:.2f})"


def _number(value: float | None) -> str:
    return "unknown" if value is None or value != value else f"{value:.4g}"


def _as_json(row: sqlite3.Row, order: Order | None) -> dict[str, Any]:
    return {
        **{name: row[name] for name in row.keys() if name != "gates"},  # noqa: SIM118  # a Row iterates its values
        "gates": [dict(zip(("gate", "value", "threshold", "verdict"), gate, strict=True)) for gate in gates_of(row)],
        "state": order.state if order else None,
        "result": order.result if order else None,
        "profit": str(order.profit) if order else None,
    }
