"""Say why a bar was traded or not: every gate with its value and verdict, and what the bar would have paid.

examples:
  python -m pipeline why EURUSD 5m 14:35
  python -m pipeline why EURUSD 5m 2026-01-05T11:35:00Z --account demo-1
  python -m pipeline why --last
  python -m pipeline why --day 2026-01-05 EURUSD
  python -m pipeline why --day 2026-01-05 --gate payout

The moment is the opening of the bar, in the flow's display time zone unless it says another; a time without a date is
on the last day the ledger knows. With --day all bars that opened on a day of that zone are counted by verdict; exit
code 1 when a final bar has no row. What a bar would have paid is a contract of its own timeframe, bought `entry_delay`
after it was final, by our own prices.
"""

import argparse
import re
import sqlite3
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from pipeline.engine import LEDGER_FILE
from pipeline.errors import InputError
from pipeline.explaining import explained
from pipeline.ledger.reading import Reader
from pipeline.tables import nearest
from pipeline.times import local_text, parse_moment, slot_of, timeframe, timeframe_name
from pipeline.verbs import why_day
from pipeline.verbs.common import DEFAULT, json_option, say_json
from pipeline.verbs.planned import plan_of

MOMENT = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("product", nargs="?", metavar="PRODUCT", help="EURUSD")
    parser.add_argument("timeframe", nargs="?", metavar="TIMEFRAME", help="1m, 5m, 15m …")
    parser.add_argument(
        "moment", nargs="?", metavar="MOMENT", help="14:35 or 2026-01-05T11:35:00Z: when the bar opened"
    )
    parser.add_argument("--day", metavar="DATE", help="count all bars of a day: 2026-01-05")
    parser.add_argument("--gate", metavar="GATE", help="list the bars of a day that this gate stopped; or trade")
    parser.add_argument("--last", action="store_true", help="the last bar that was decided")
    parser.add_argument("--account", help="only this account")
    parser.add_argument("--flow", type=Path, default=Path(DEFAULT), metavar="FLOW", help=f"the flow file ({DEFAULT})")
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    plan = plan_of(argparse.Namespace(flow=options.flow))
    zone = ZoneInfo(plan.settings.display_timezone)
    reader = Reader(plan.folder / LEDGER_FILE)
    try:
        if plan.stamps and not options.json:
            print("\n".join(plan.stamps))
        if options.day is not None or options.gate is not None:
            return why_day.run(options, plan, reader)
        rows = _rows(options, reader, zone)
        if options.account is not None:
            known = [row["account"] for row in rows]
            rows = [row for row in rows if row["account"] == options.account]
            if not rows:
                raise InputError(
                    f"account {options.account!r} has no decision for that bar; {nearest(options.account, known)}"
                )
        for row in rows:
            found = explained(row, reader, plan)
            if options.json:
                say_json(found.as_json())
            else:
                print("\n".join(found.text(zone)))
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
