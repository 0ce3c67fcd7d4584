"""Calendars as they are written in a flow file, and what follows from them."""

import json
import re
from datetime import date
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from pipeline.calendar_tables import BuiltIn
from pipeline.checking import load_text
from pipeline.errors import InputError, PlanError
from pipeline.exchanges import BUILT_IN
from pipeline.market import Market
from pipeline.opening import Calendar, Reason
from pipeline.plan import Plan
from pipeline.times import DAY, HOUR, MINUTE, parse_moment, utc_text
from pipeline.values import Bars
from sources.synthetic import history
from tests.support import ROOT, SMALL, plan_of, play

DESK = """
[calendars.desk]
products = ["EURUSD"]
timezone = "America/New_York"
sessions = ["Sun 18:00 - Fri 16:55"]
breaks = ["17:00-18:00"]
day_begins = "17:00"
holidays = ["2026-12-25", { date = "2026-12-24", closes = "13:00", name = "Christmas Eve" }]
windows = { Istanbul = "Mon-Fri 09:00-18:00 Europe/Istanbul" }
"""


def desk(text: str = DESK, product: str = "EURUSD", base: Path = ROOT) -> Calendar:
    return load_text(SMALL + text, "flows.toml", base).calendars.of(product)


def problems(text: str, base: Path = ROOT) -> list[str]:
    """What is wrong with a flow, without the place in the file."""
    with pytest.raises(PlanError) as caught:
        load_text(SMALL + text, "flows.toml", base)
    return [each.split(": ", 1)[1] for each in str(caught.value).splitlines()]


def changed(old: str, new: str) -> str:
    assert DESK.count(old) == 1, f"{old!r} must stand once in the table"
    return DESK.replace(old, new)


def edges(weeks: Calendar, first: str, last: str) -> list[str]:
    found = weeks.edges.searchsorted((parse_moment(first), parse_moment(last)))
    return [utc_text(each)[:16] for each in weeks.edges[slice(*found.tolist())].tolist()]


def test_a_week_a_break_and_holidays_are_kept_as_they_are_written() -> None:
    assert edges(desk(), "2026-12-22T12:00Z", "2026-12-29T12:00Z") == [
        *("2026-12-22T22:00", "2026-12-22T23:00", "2026-12-23T22:00", "2026-12-23T23:00"),
        *("2026-12-24T18:00", "2026-12-27T23:00", "2026-12-28T22:00", "2026-12-28T23:00"),
    ]


def test_what_a_table_does_not_say_is_as_in_the_calendar_it_is_like() -> None:
    text = '\n[calendars.shares]\nproducts = ["EURUSD"]\nlike = "us_equities"\n'
    plain = desk(text)
    assert plain.edges.tolist() == Calendar("us_equities", BUILT_IN["us_equities"]()).edges.tolist()
    longer = desk(text + 'sessions = ["Mon-Fri 04:00-20:00"]\n')
    assert edges(longer, "2026-11-25T05:00Z", "2026-11-28") == [
        *("2026-11-25T09:00", "2026-11-26T01:00", "2026-11-27T09:00", "2026-11-27T18:00"),
    ]


def test_holidays_are_more_than_those_it_has_and_one_of_the_same_day_stands_in_its_place() -> None:
    weeks = desk(
        """
        [calendars.shares]
        products = ["EURUSD"]
        like = "us_equities"
        holidays = [2026-11-30, { date = 2026-11-27, closes = "16:00" }, { date = "2026-11-26", opens = "00:00" }]
        """
    )
    assert edges(weeks, "2026-11-26", "2026-12-01T16:00Z") == [
        *("2026-11-26T14:30", "2026-11-26T21:00", "2026-11-27T14:30", "2026-11-27T21:00", "2026-12-01T14:30"),
    ]


def test_holidays_come_from_a_json_file_beside_the_flow(tmp_path: Path) -> None:
    entries = ["2026-01-06", {"date": "2026-01-07", "opens": "10:00", "closes": "12:00", "name": "a short day"}]
    (tmp_path / "holidays.json").write_text(json.dumps(entries), encoding="utf-8")
    text = """
        [calendars.desk]
        products = ["EURUSD"]
        timezone = "UTC"
        sessions = ["Mon-Fri 08:00-20:00"]
        holidays_file = "holidays.json"
        """
    weeks = desk(text, base=tmp_path)
    assert edges(weeks, "2026-01-05", "2026-01-09") == [
        *("2026-01-05T08:00", "2026-01-05T20:00", "2026-01-07T10:00", "2026-01-07T12:00"),
        *("2026-01-08T08:00", "2026-01-08T20:00"),
    ]
    over = desk(text + 'holidays = [{ date = "2026-01-06", opens = "19:00" }]\n', base=tmp_path)
    assert edges(over, "2026-01-06", "2026-01-07") == ["2026-01-06T19:00", "2026-01-06T20:00"]
    assert [each.name for each in weeks.closures_from(parse_moment("2026-01-01"))] == ["", "a short day"]


@pytest.mark.parametrize(
    ("zone", "opens"),
    [
        ("Pacific/Kiritimati", "2026-01-05T19:00"),
        ("Pacific/Auckland", "2026-01-05T20:00"),
        ("Asia/Kathmandu", "2026-01-06T03:15"),
        ("Europe/Istanbul", "2026-01-06T06:00"),
        ("America/Los_Angeles", "2026-01-06T17:00"),
        ("Pacific/Pago_Pago", "2026-01-06T20:00"),
    ],
)
def test_far_away_zones_open_at_nine_of_their_own_clocks(zone: str, opens: str) -> None:
    text = f'\n[calendars.far]\nproducts = ["EURUSD"]\ntimezone = "{zone}"\nsessions = ["Tue 09:00-10:00"]\n'
    assert edges(desk(text), "2026-01-05T12:00Z", "2026-01-07T00:00Z")[0] == opens


@pytest.mark.parametrize(
    ("written", "spans"),
    [
        ("Mon 09:00-17:00", [(540, 1020)]),
        ("monday 9:00 - 17:00", [(540, 1020)]),
        ("Mon,Wed 09:00-10:00", [(540, 600), (3420, 3480)]),
        ("Fri-Mon 00:00-01:00", [(0, 60), (5760, 5820), (7200, 7260), (8640, 8700)]),
        ("Mon-Tue 23:00-01:00", [(1380, 1500), (2820, 2940)]),
        ("Sun 23:00-01:00", [(0, 60), (10020, 10080)]),
        ("Sun 17:00 - Fri 17:00", [(0, 6780), (9660, 10080)]),
        ("Mon 08:00 – Mon 09:00", [(480, 540)]),
        ("Mon-Sun 00:00-24:00", [(0, 10080)]),
        ("Mon 12:00 - Sun 24:00", [(720, 10080)]),
    ],
)
def test_a_session_may_be_written_as_one_would_say_it(written: str, spans: list[tuple[int, int]]) -> None:
    text = f'\n[calendars.mine]\nproducts = ["EURUSD"]\ntimezone = "UTC"\nsessions = ["{written}"]\n'
    assert desk(text).hours.open_week() == spans


WRONG = {
    "an unknown key": ("breaks", "brakes", "[calendars.desk] has no key 'brakes'; did you mean 'breaks'?"),
    "no products": ('["EURUSD"]', "[]", "[calendars.desk] products is empty; write a list of text"),
    "an unknown zone": (
        "America/New_York",
        "America/NewYork",
        "[calendars.desk] timezone: 'America/NewYork' is not a time zone; did you mean 'America/New_York'?",
    ),
    "a zone like no other": (
        "America/New_York",
        "the city",
        "[calendars.desk] timezone: 'the city' is not a time zone; write one like America/New_York",
    ),
    "no zone": (
        'timezone = "America/New_York"\n',
        "",
        '[calendars.desk] needs timezone; add timezone = …, or begin with a built-in one: like = "fx"',
    ),
    "no sessions": (
        'sessions = ["Sun 18:00 - Fri 16:55"]\n',
        "",
        '[calendars.desk] needs sessions; add sessions = …, or begin with a built-in one: like = "fx"',
    ),
    "a session without days": (
        "Sun 18:00 - Fri 16:55",
        "18:00-16:55",
        "[calendars.desk] no. 1 of sessions: '18:00-16:55' is not a time of the week; "
        'write it like "Mon-Fri 09:30-16:00" or "Sun 17:00 - Fri 17:00"',
    ),
    "a session on no day": (
        "Sun 18:00 - Fri 16:55",
        "Sun 18:00 - Fry 16:55",
        "[calendars.desk] no. 1 of sessions: 'fry' is not a day of the week; write it like Mon",
    ),
    "a session at no time": (
        "Sun 18:00 - Fri 16:55",
        "Sun 18:00 - Fri 16:65",
        "[calendars.desk] no. 1 of sessions: '16:65' is not a time of day; write it like 09:30",
    ),
    "a session that begins after the day": (
        "Sun 18:00 - Fri 16:55",
        "Mon 24:00-25:00",
        "[calendars.desk] no. 1 of sessions: '24:00' is not a time of day; write it like 09:30",
    ),
    "a session without length": (
        "Sun 18:00 - Fri 16:55",
        "Mon 09:00-09:00",
        "[calendars.desk] no. 1 of sessions: 'Mon 09:00-09:00' ends when it begins; write 00:00-24:00 for a whole day",
    ),
    "a day named twice": (
        "Sun 18:00 - Fri 16:55",
        "Mon-Wed,Tue 09:00-10:00",
        "[calendars.desk] no. 1 of sessions: 'mon-wed,tue' names a day twice; name each once",
    ),
    "sessions that overlap": (
        '"Sun 18:00 - Fri 16:55"',
        '"Mon-Fri 09:00-12:00", "Wed 11:00-13:00"',
        "[calendars.desk] no. 2 of sessions overlaps with another, or with itself; "
        "let each begin where the one before has ended",
    ),
    "a break that is none": (
        '["17:00-18:00"]',
        '["17-18"]',
        "[calendars.desk] no. 1 of breaks: '17-18' is not a time of the week; write it like 17:00-18:00",
    ),
    "breaks without end": (
        '["17:00-18:00"]',
        '["00:00-24:00"]',
        "[calendars.desk] breaks leave no open time; shorten them",
    ),
    "a day that is none": (
        '"2026-12-25"',
        '"2026-02-30"',
        "[calendars.desk] no. 1 of holidays '2026-02-30' is not a day; write it like 2026-12-25",
    ),
    "a day too far away": (
        '"2026-12-25"',
        '"2101-12-25"',
        "[calendars.desk] no. 1 of holidays '2101-12-25' is too far away; calendars know the years 1970 to 2100",
    ),
    "a holiday that is a number": (
        '"2026-12-25"',
        "20261225",
        "[calendars.desk] no. 1 of holidays is 20261225; "
        'write "2026-12-25" or { date = "2026-12-24", closes = "13:00" }',
    ),
    "a holiday that stands twice": (
        '"2026-12-25"',
        '"2026-12-24"',
        "[calendars.desk] no. 2 of holidays is 2026-12-24 once more; keep one of them",
    ),
    "a holiday without a date": (
        'date = "2026-12-24", ',
        "",
        '[calendars.desk] no. 2 of holidays needs date; add date = "2026-12-24"',
    ),
    "a holiday with an unknown key": (
        "closes =",
        "close =",
        "[calendars.desk] no. 2 of holidays has no key 'close'; did you mean 'closes'?",
    ),
    "an early close at no time": (
        '"13:00"',
        '"13h"',
        "[calendars.desk] no. 2 of holidays closes '13h' is not a time of day; write it like 09:30",
    ),
    "an early close that is a number": (
        '"13:00"',
        "13",
        '[calendars.desk] no. 2 of holidays closes is 13; write it like "13:00"',
    ),
    "a holiday whose name is a number": (
        '"Christmas Eve"',
        "7",
        "[calendars.desk] no. 2 of holidays name is 7; write it in quotes",
    ),
    "a day that closes before it opens": (
        'closes = "13:00"',
        'closes = "13:00", opens = "14:00"',
        "[calendars.desk] holidays: on 2026-12-24 it would close before it opens; mend opens or closes",
    ),
    "holidays that are no list": (
        '["2026-12-25", { date = "2026-12-24", closes = "13:00", name = "Christmas Eve" }]',
        '"2026-12-25"',
        '[calendars.desk] holidays is no list; write ["2026-12-25"]',
    ),
    "a trading day that begins at no time": (
        'day_begins = "17:00"',
        'day_begins = "24:00"',
        "[calendars.desk] day_begins: '24:00' is not a time of day; write it like 09:30",
    ),
    "a window that is none": (
        "Mon-Fri 09:00-18:00 Europe/Istanbul",
        "Mon-Fri 09:00-18:00",
        "[calendars.desk] windows.Istanbul: 'Mon-Fri 09:00-18:00' is no window; "
        'write it like "Mon-Fri 08:00-16:00 Asia/Tokyo"',
    ),
    "the name of a built-in calendar": (
        "calendars.desk",
        "calendars.metals",
        "[calendars.metals] is the name of a built-in calendar; "
        'give it a name of its own, and begin with like = "metals"',
    ),
    "something unknown to be like": (
        'timezone = "America/New_York"',
        'like = "forex"',
        '[calendars.desk] like is \'forex\'; write "fx" or "metals" or "fxcm" or "us_equities" or "always"',
    ),
    "a table that is none": (
        DESK,
        '\n[calendars]\ndesk = "fx"\n',
        "calendars.desk is not a table; write [calendars.desk] on a line of its own, its keys below",
    ),
}


@pytest.mark.parametrize(("old", "new", "sentence"), WRONG.values(), ids=WRONG)
def test_a_mistake_is_one_sentence_with_its_mending(old: str, new: str, sentence: str) -> None:
    assert problems(changed(old, new)) == [sentence]


@pytest.mark.parametrize("zone", ["America", "", "..", "/etc/passwd", "a\\u0000b"])
def test_what_is_a_path_and_no_zone_is_no_time_zone(zone: str) -> None:
    (told,) = problems(changed("America/New_York", zone))
    assert " is not a time zone; " in told


def test_mistakes_of_one_table_are_told_at_once_each_at_its_place() -> None:
    text = DESK.replace("New_York", "New_Yrok").replace("18:00 - Fri", "1800 - Fri").replace("breaks", "brakes")
    text = (
        text.replace('"2026-12-25"', '"2026-12-32"').replace('"13:00"', '"1300"').replace("Europe/Istanbul", "Istanbl")
    )
    with pytest.raises(PlanError) as caught:
        plan_of(SMALL + text)
    lines = (SMALL + text).splitlines()
    shown = [lines[each.line - 1][each.column - 1 :][:9] for each in caught.value.problems]
    assert shown == ['"America/', '"Sun 1800', "brakes = ", '"2026-12-', '"1300", n', '"Mon-Fri ']


FILES: dict[str, tuple[Any, str]] = {
    "no JSON": ("[", "is not JSON (Input data was truncated); write a list of holidays"),
    "no text": (b"\xff[]", "is not JSON (JSON is malformed: invalid character (byte 0)); write a list of holidays"),
    "no list": ('{"a": 1}', 'is no list; write ["2026-12-25"]'),
    "a day that is none": ('["2026-12-25", "soon"]', "no. 2 'soon' is not a day; write it like 2026-12-25"),
    "an unknown key": ('[{"dates": "2026-12-25"}]', "no. 1 has no key 'dates'; did you mean 'date'?"),
    "a day that stands twice": ('["2026-12-25", "2026-12-25"]', "no. 2 is 2026-12-25 once more; keep one of them"),
    "too much": (" " * 1024 * 1024 + "[]", "is longer than 1048576 bytes; keep to the years you need"),
}


@pytest.mark.parametrize(("text", "sentence"), FILES.values(), ids=FILES)
def test_a_file_of_holidays_that_is_wrong_is_one_sentence(tmp_path: Path, text: str | bytes, sentence: str) -> None:
    (tmp_path / "days.json").write_bytes(text if isinstance(text, bytes) else text.encode())
    (told,) = problems(DESK + 'holidays_file = "days.json"\n', tmp_path)
    before = ": " if sentence.startswith("no. ") else " "
    assert told == f"[calendars.desk] holidays_file days.json{before}{sentence}"


def test_a_file_of_holidays_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    (missing,) = problems(DESK + 'holidays_file = "days.json"\n', tmp_path)
    assert missing == (
        "[calendars.desk] holidays_file days.json cannot be read (No such file or directory); mend the path"
    )
    (folder,) = problems(DESK + 'holidays_file = "."\n', tmp_path)
    assert folder == "[calendars.desk] holidays_file . cannot be read (Is a directory); mend the path"


# --- which products --------------------------------------------------------------------------------------------------


def with_two(first: str, second: str) -> str:
    table = '\n[calendars.{}]\nproducts = [{}]\nlike = "fx"\n'
    return table.format("one", first) + table.format("two", second)


def test_two_calendars_for_one_product_are_a_problem_unless_one_is_closer() -> None:
    assert problems(with_two('"EURUSD"', '"BTCUSD", "EURUSD"')) == [
        "[calendars.two] products: [calendars.one] claims 'EURUSD' too; name it in one of them only"
    ]
    assert problems(with_two('"EUR*"', '"*USD"')) == [
        "[calendars.two] products: [calendars.one] claims 'EURUSD' too; add 'EURUSD' to the products of one of them"
    ]
    plan = plan_of(SMALL + with_two('"EUR*"', '"EURUSD", "*USD"'))
    assert [plan.calendars.of(product).name for product in ("EURUSD", "EURGBP", "BTCUSD")] == ["two", "one", "two"]
    with pytest.raises(
        InputError, match=r"^\[calendars.one\] and \[calendars.two\] both claim EURXUSD; name EURXUSD in"
    ):
        plan_of(SMALL + with_two('"EUR*"', '"EURUSD", "*USD"')).calendars.of("EURXUSD")


def test_a_calendar_that_no_product_keeps_is_warned_of() -> None:
    plan = plan_of(SMALL + '\n[calendars.gold]\nproducts = ["XAU*"]\nlike = "metals"\n')
    (warning,) = plan.warnings
    assert warning.text("flows.toml").endswith(
        "[calendars.gold]: no product keeps it; name one of BTCUSD, EURUSD, or remove it"
    )
    assert plan_of(SMALL + DESK).warnings == ()


def test_the_built_in_ones_are_all_to_be_named_in_a_file() -> None:
    assert set(get_args(BuiltIn)) == set(BUILT_IN)


def test_a_flow_without_calendars_keeps_those_its_products_names_say() -> None:
    assert [plan_of().calendars.of(product).name for product in ("EURUSD", "BTCUSD")] == ["fx", "always"]


# --- what follows ----------------------------------------------------------------------------------------------------


EARLY = """
[calendars.early]
products = ["EURUSD"]
like = "fx"
breaks = ["05:30-07:10"]
"""


def bars_of(plan: Plan, until: str) -> dict[int, list[Bars]]:
    """Those of EURUSD by timeframe."""
    begin = parse_moment("2026-01-05T10:00:00Z")
    made: dict[int, list[Bars]] = {}
    for node, value in play(plan, (), parse_moment(until), begin=begin, outside=("source", "venue")):
        if node == "operators.bars" and isinstance(value, Bars) and value.product == "EURUSD":
            made.setdefault(value.tf, []).append(value)
    return made


def test_a_flow_keeps_the_calendar_of_its_file_and_its_runs_go_on_after_a_break() -> None:
    plan = plan_of(SMALL.replace('["1m", "5m"]', '["1m", "5m", "1h"]') + EARLY)
    begin, end = parse_moment("2026-01-05T10:30:00Z"), parse_moment("2026-01-05T12:10:00Z")
    made = bars_of(plan, "2026-01-05T13:01:00Z")
    minutes = made[MINUTE]
    fresh = [int(opened) for bars in minutes for opened in bars.open_ts[len(bars) - bars.fresh :]]
    assert [opened for opened in fresh if begin <= opened < end] == []
    assert (max(each for each in fresh if each < begin), min(each for each in fresh if each >= end)) == (
        begin - MINUTE,
        end,
    )
    after = next(bars for bars in minutes if bars.fresh and int(bars.open_ts[-1]) == end)
    assert len(after) > 20, "the run was not cut"
    hours = [int(opened) for bars in made[HOUR] for opened in bars.open_ts[-bars.fresh :]]
    assert [utc_text(each)[11:16] for each in hours if each >= parse_moment("2026-01-05T10:00:00Z")] == [
        "10:00",
        "12:00",
    ]


@pytest.mark.parametrize("name", [name for name in BUILT_IN if name != "always"])
def test_the_made_up_market_has_a_tick_in_every_open_minute_of_any_calendar_and_none_in_closed_time(name: str) -> None:
    market = Market("EURUSD", keeps=Calendar(name, BUILT_IN[name]()))
    start, end = parse_moment("2026-11-24"), parse_moment("2026-12-01")
    quotes = market.quotes(start, end)
    assert market.calendar.open_mask(quotes.ts).all()
    assert np.unique(quotes.ts // MINUTE * MINUTE).tolist() == market.calendar.open_slots(start, end, MINUTE).tolist()


def test_history_reaches_back_far_enough_where_a_market_is_open_for_a_quarter_of_the_day() -> None:
    market = Market("EURUSD", keeps=Calendar("us_equities", BUILT_IN["us_equities"]()))
    now = parse_moment("2026-11-30T14:30:00Z")
    minutes, hours, days = history(market, {MINUTE: 500, HOUR: 100, DAY: 30}, now)
    assert (len(hours), len(days)) == (100, 30)
    assert len(minutes) >= 500
    assert market.calendar.open_mask(minutes.open_ts).all()
    opened = [date.fromisoformat(utc_text(each)[:10]) for each in days.open_ts.tolist()]
    assert opened[-3:] == [date(2026, 11, 24), date(2026, 11, 25), date(2026, 11, 27)]
    assert days.volume[-1] < 0.7 * days.volume[-2], "it closed early"


def test_the_tables_of_the_manual_are_sound_and_do_what_it_says(tmp_path: Path) -> None:
    manual = (ROOT / "docs" / "calendars.md").read_text(encoding="utf-8")
    (written,) = re.findall(r"```toml\n(.*?)```", manual, re.DOTALL)
    (tmp_path / "holidays.json").write_text("[]", encoding="utf-8")
    calendars = load_text(SMALL + written, "flows.toml", tmp_path).calendars
    keeps = {"XAUUSD": "gold", "XAGEUR": "gold", "7203": "tokyo", "JP225": "tokyo", "CORN": "night", "EURUSD": "fx"}
    assert {product: calendars.of(product).name for product in keeps} == keeps
    assert edges(calendars.of("XAUUSD"), "2026-12-24T12:00Z", "2026-12-29T12:00Z") == [
        *("2026-12-24T18:00", "2026-12-28T01:00", "2026-12-28T22:00", "2026-12-28T23:00"),
    ]
    night = calendars.of("CORN")
    assert edges(night, "2026-01-06T00:00Z", "2026-01-07T00:00Z") == [
        *("2026-01-06T01:00", "2026-01-06T13:45", "2026-01-06T14:30", "2026-01-06T19:20"),
    ]
    monday = parse_moment("2026-01-05T01:30:00Z")
    assert night.trading_day(monday) == date(2026, 1, 5)
    assert night.state(parse_moment("2026-01-06T14:00:00Z")).reason == "break"
    assert night.session_of(parse_moment("2026-01-06T09:00:00Z")) == ("Europe",)
    named = set(re.findall(r"^\| `(\w+)` \|", manual, re.MULTILINE))
    assert set(BUILT_IN) <= named
    assert set(get_args(Reason)) <= named
