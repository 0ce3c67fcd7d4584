"""Say when markets are open, now or at a moment: when they open and close next, and their next holidays.

examples:
  python -m pipeline calendar
  python -m pipeline calendar EURUSD XAUUSD --at 2026-12-24T15:00:00Z
  python -m pipeline calendar us_equities --json

Without products it tells of those of the flow file, or of the built-in calendars where there is none. A calendar may be
asked for by its own name too. A moment is in the flow's display time zone unless it says another.
"""

import argparse
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.calendar import Calendars
from pipeline.errors import InputError
from pipeline.exchanges import BUILT_IN
from pipeline.hours import FIRST_YEAR, LAST_YEAR
from pipeline.hours_text import time_text, week_text
from pipeline.live import wall
from pipeline.opening import Calendar, State
from pipeline.times import DAY, HOUR, MINUTE, local_text, parse_moment, utc_text
from pipeline.verbs.common import DEFAULT, json_option, say_json
from pipeline.verbs.planned import plan_of

SHOWN = 4
"""So many holidays are told."""


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("products", nargs="*", metavar="PRODUCT", help="EURUSD, or a calendar such as us_equities")
    parser.add_argument("--at", metavar="MOMENT", help="2026-12-24T15:00:00Z instead of now")
    parser.add_argument("--flow", type=Path, metavar="FLOW", help=f"the flow file ({DEFAULT}, if there is one)")
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    asked: list[str] = options.products
    zone, calendars, products = ZoneInfo("UTC"), Calendars(), tuple(BUILT_IN)
    if options.flow is not None or Path(DEFAULT).is_file():
        plan = plan_of(argparse.Namespace(flow=options.flow or Path(DEFAULT)))
        zone, calendars = ZoneInfo(plan.settings.display_timezone), plan.calendars
        products = plan.products or products
    at = wall() if options.at is None else _moment(options.at, zone)
    kept = [(product, calendars.named(product) or calendars.of(product)) for product in asked or products]
    if options.json:
        say_json([_as_json(product, calendar, calendar.state(at)) for product, calendar in kept])
    else:
        print(f"at {_when(at, zone)}")
        for product, calendar in kept:
            print()
            print("\n".join(_text(product, calendar, calendar.state(at), zone)))
    return 0


def _moment(text: str, zone: ZoneInfo) -> int:
    try:
        at = parse_moment(text, zone)
    except ValueError as wrong:
        raise InputError(str(wrong)) from None
    if not FIRST_YEAR <= int(text[:4]) <= LAST_YEAR:
        raise InputError(f"{text!r} is too far away; calendars know the years {FIRST_YEAR} to {LAST_YEAR}")
    return at


def _text(product: str, calendar: Calendar, state: State, zone: ZoneInfo) -> Iterator[str]:
    named = "" if product == calendar.name else f" · {calendar.name}"
    yield f"{product}{named} · {', '.join(week_text(calendar.hours))} {calendar.hours.zone}"
    doing = "open" if state.is_open else f"closed ({state.reason})"
    cities = f" · {', '.join(state.sessions)}" if state.sessions else ""
    yield f"  {doing}{cities} · trading day {calendar.trading_day(state.at):%a %Y-%m-%d}"
    ahead = [("closes", state.next_close), ("opens", state.next_open)]
    for word, moment in sorted((each for each in ahead if each[1] is not None), key=lambda each: each[1] or 0):
        yield f"  {word:<6} {_when(moment or 0, zone)} · in {_span((moment or 0) - state.at)}"
    for closure in islice(calendar.closures_from(state.at), SHOWN):
        hours = [f"{word} {time_text(at)}" for word, at in (("opens", closure.opens), ("closes", closure.closes)) if at]
        name = f" · {closure.name}" if closure.name else ""
        yield f"  {closure.day:%a %Y-%m-%d} {', '.join(hours) or 'closed'}{name}"


def _when(ts: int, zone: ZoneInfo) -> str:
    there = local_text(ts, zone, "%a %Y-%m-%d %H:%M")
    return f"{there} UTC" if zone.key == "UTC" else f"{there} {zone.key} ({utc_text(ts)[:16]}Z)"


def _span(millis: int) -> str:
    """The two largest units of a span."""
    days, rest = divmod(millis, DAY)
    hours, rest = divmod(rest, HOUR)
    minutes, rest = divmod(rest, MINUTE)
    units = ((days, "d"), (hours, "h"), (minutes, "m"), (rest // 1000, "s"))
    told = [f"{number} {unit}" for number, unit in units if number]
    return " ".join(told[:2]) or "less than a second"


def _as_json(product: str, calendar: Calendar, state: State) -> dict[str, Any]:
    return {
        "product": product,
        "calendar": calendar.name,
        "timezone": calendar.hours.zone,
        "week": week_text(calendar.hours),
        "at": utc_text(state.at),
        "state": "open" if state.is_open else "closed",
        "reason": state.reason,
        "sessions": state.sessions,
        "trading_day": calendar.trading_day(state.at).isoformat(),
        "next_open": None if state.next_open is None else utc_text(state.next_open),
        "next_close": None if state.next_close is None else utc_text(state.next_close),
        "seconds_to_open": state.seconds_to_open,
        "seconds_to_close": state.seconds_to_close,
        "holidays": [
            {
                "date": each.day.isoformat(),
                "opens": None if each.opens is None else time_text(each.opens),
                "closes": None if each.closes is None else time_text(each.closes),
                "name": each.name,
            }
            for each in islice(calendar.closures_from(state.at), SHOWN)
        ],
    }
