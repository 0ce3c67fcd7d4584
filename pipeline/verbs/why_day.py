"""`why --day`: all bars of a day by verdict, what they would have paid, and whether it adds up; `--gate` lists them."""

import argparse
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.daybook import ALL, Asked, Day, Run, day_of
from pipeline.errors import InputError
from pipeline.hindsight import Tally, would_have
from pipeline.ledger.reading import Reader
from pipeline.plan import Plan, tie_of
from pipeline.tables import nearest
from pipeline.times import local_text, timeframe, timeframe_name
from pipeline.verbs.common import say_json

MOST_RUNS = 8
"""So many holes are named; the others are counted."""
UNKNOWN = float("nan")


def run(options: argparse.Namespace, plan: Plan, reader: Reader) -> int:
    zone = ZoneInfo(plan.settings.display_timezone)
    reader.at_one_moment()
    if options.moment is not None or options.last:
        raise InputError("--day and --gate are about whole days; leave the moment and --last out")
    day = _day(options.day, reader, zone)
    asked = _asked(options, reader, day, zone)
    accounts = _accounts(options, reader, asked)
    if options.gate is not None:
        _list(options, plan, reader, asked, accounts, day)
        return 0
    days = [
        day_of(reader, account, asked, plan.calendars, tie_of(plan, account), current=account in plan.accounts)
        for account in accounts
    ]
    for each in days:
        if options.json:
            say_json(_as_json(each, day, zone))
        else:
            print("\n".join(_text(each, day, zone)))
    return 0 if all(each.adds_up for each in days) else 1


def _day(text: str | None, reader: Reader, zone: ZoneInfo) -> date:
    """The day that was named, or the last the ledger knows."""
    if text is not None:
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise InputError(f"{text!r} is not a day; write it like 2026-01-05") from None
    last = reader.last_decision()
    if last is None:
        raise InputError("the ledger holds no decision yet; run the flow for a while first")
    return datetime.fromtimestamp(last["bar"] / 1000, zone).date()


def _asked(options: argparse.Namespace, reader: Reader, day: date, zone: ZoneInfo) -> Asked:
    begin, end = (
        round(datetime.combine(each, time(), zone).timestamp() * 1000) for each in (day, day + timedelta(days=1))
    )
    try:
        tf = None if options.timeframe is None else timeframe(options.timeframe)
    except ValueError as wrong:
        raise InputError(str(wrong)) from None
    products = sorted({key.product for key in reader.traded()})
    if options.product is not None and options.product not in products:
        raise InputError(f"the ledger has no decision on {options.product}; {nearest(options.product, products)}")
    return Asked(begin, end, options.product, tf)


def _accounts(options: argparse.Namespace, reader: Reader, asked: Asked) -> list[str]:
    known = sorted({key.account for key in reader.traded() if asked.fits(key)})
    if options.account is not None and options.account not in known:
        raise InputError(
            f"the ledger has no decision of account {options.account!r}; {nearest(options.account, known)}"
        )
    if not known:
        raise InputError("the ledger holds no decision yet on what you ask for; run the flow for a while first")
    return known if options.account is None else [options.account]


# --- one table -------------------------------------------------------------------------------------------------------


def _text(day: Day, named: date, zone: ZoneInfo) -> Iterator[str]:
    yield f"{named} {zone.key} · {day.account}"
    if not day.rows and not day.bars:
        yield "  no bar of that day became final"
        return
    yield f"  {'verdict':<13}{'bars':>7}{'sided':>7}{'won':>6}{'lost':>6}{'ties':>6}   what contracts would have paid"
    for verdict, found in day.verdicts.items():
        counts = f"{found.bars:>7,}{found.sided:>7,}{found.won:>6,}{found.lost:>6,}{found.ties:>6,}"
        yield f"  {verdict:<13}{counts}   {_paid(found)}".rstrip()
    if day.adds_up:
        yield f"  {day.bars:,} bars became final, each has its row: it adds up"
    else:
        count = sum(run.slots for run in day.missing)
        yield (
            f"  {day.bars:,} bars became final, {day.rows:,} have a row: {count:,} missing: {_runs(day.missing, zone)}"
        )
    if day.silent:
        count = sum(run.slots for run in day.silent)
        yield f"  no bar in {count:,} slots of open market (silent, or nothing ran): {_runs(day.silent, zone)}"


def _paid(found: Tally) -> str:
    """Its rate stands with its payouts, or not at all."""
    said = [found.mean_text, str(found.rate)] if found.rate.n else []
    apart = ((found.no_price, "without a price"), (found.not_known, "not known yet"), (found.no_payout, "at no payout"))
    said += [f"{count:,} {what}" for count, what in apart if count]
    return "; ".join(said)


def _runs(runs: Sequence[Run], zone: ZoneInfo) -> str:
    named = [_run(run, zone) for run in runs[:MOST_RUNS]]
    left = sum(run.slots for run in runs[MOST_RUNS:])
    return ", ".join([*named, f"and {left:,} more"] if left else named)


def _run(run: Run, zone: ZoneInfo) -> str:
    first, last = (local_text(each, zone, "%H:%M") for each in (run.first, run.last))
    name = f"{run.stream.product} {timeframe_name(run.stream.tf)} {first}"
    return name if run.first == run.last else f"{name}\N{EN DASH}{last}"


def _as_json(day: Day, named: date, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "day": str(named),
        "zone": zone.key,
        "account": day.account,
        "bars": day.bars,
        "rows": day.rows,
        "adds_up": day.adds_up,
        "missing": list(_listed(day.missing)),
        "silent": list(_listed(day.silent)),
        "verdicts": {verdict: found.as_json() for verdict, found in day.verdicts.items() if verdict != ALL},
        "all": day.verdicts[ALL].as_json(),
    }


def _listed(runs: Iterable[Run]) -> Iterator[dict[str, Any]]:
    for run in runs:
        yield {"product": run.stream.product, "tf": run.stream.tf, "first": run.first, "last": run.last}


# --- one gate --------------------------------------------------------------------------------------------------------


def _list(
    options: argparse.Namespace, plan: Plan, reader: Reader, asked: Asked, accounts: Sequence[str], day: date
) -> None:
    """Every bar that a gate was the first to stop, or that was traded."""
    keys = [key for key in reader.traded() if key.account in accounts and asked.fits(key)]
    rows = [row for key in keys for row in reader.decided(key, asked.begin, asked.end)]
    found = sorted(
        (row for row in rows if row["verdict"] == options.gate),
        key=lambda row: (row["bar"], row["product"], row["tf"], row["account"]),
    )
    if not found:
        verdicts = sorted({row["verdict"] for row in rows})
        there = f"these were: {', '.join(verdicts)}" if verdicts else "no bar of it became final"
        raise InputError(f"no bar of {day} has the verdict {options.gate!r}; {there}")
    zone = ZoneInfo(plan.settings.display_timezone)
    for row in found:
        said = _would_have(row, plan)
        if options.json:
            names = ("account", "product", "tf", "bar", "at", "verdict", "value", "threshold", "direction", "payout")
            say_json({**{name: row[name] for name in names}, "would_have": said})
        else:
            print(_line(row, zone, said))


def _would_have(row: sqlite3.Row, plan: Plan) -> str:
    entry, exit_ = (row["entry"], row["exit"]) if row["known"] else (UNKNOWN, UNKNOWN)
    return would_have(row["direction"], row["payout"], entry, exit_, tie_of(plan, row["account"]))


def _line(row: sqlite3.Row, zone: ZoneInfo, said: str) -> str:
    key = f"{row['product']} {timeframe_name(row['tf'])} · {row['account']}"
    value, threshold = ("unknown" if each is None else f"{each:.4g}" for each in (row["value"], row["threshold"]))
    numbers = "" if row["verdict"] == "trade" else f"  {value} against {threshold}"
    return f"{local_text(row['bar'], zone, '%H:%M')}  {key}{numbers}  {said}"
