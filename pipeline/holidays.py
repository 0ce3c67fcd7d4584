"""Holidays as a person writes them: a day such as `2026-12-25`, or a table with when a market opens or closes then."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any, TypeVar, cast

import msgspec
from msgspec import Meta

from pipeline.hours import Closure
from pipeline.hours_text import date_of, minutes_of
from pipeline.tables import nearest, shown

T = TypeVar("T")

LONGEST = 1024 * 1024
"""Bytes of a file of holidays."""


@dataclass(frozen=True, kw_only=True)
class Holiday:
    """A trading day unlike the others: closed, or with `opens` or `closes` open for a part of it."""

    date: Annotated[str, Meta(description="the day, such as 2026-12-24")]
    opens: Annotated[str | None, Meta(description="when it opens late that day, such as 11:00")] = None
    closes: Annotated[str | None, Meta(description="when it closes early that day, such as 13:00")] = None
    name: Annotated[str, Meta(description="what the day is called")] = ""


KEYS = tuple(each.name for each in fields(Holiday))


def closure_of(entry: Any) -> Closure:
    """An entry of a list of holidays; a ValueError begins with the key it is about, if it is about one."""
    match entry:
        case str():
            return Closure(date_of(entry))
        case date() if not isinstance(entry, datetime):
            return Closure(date_of(entry.isoformat()))
        case dict():
            return _with_keys(cast("dict[str, Any]", entry))
        case _:
            like = 'write "2026-12-25" or { date = "2026-12-24", closes = "13:00" }'
            raise ValueError(f"is {shown(entry)}; {like}")


def read_holidays(path: Path, name: str) -> list[Closure]:
    """The holidays of a JSON file; `name` is what its user calls it."""
    try:
        with path.open("rb") as file:
            raw = file.read(LONGEST + 1)
    except OSError as wrong:
        raise ValueError(f"holidays_file {name} cannot be read ({wrong.strerror}); mend the path") from None
    if len(raw) > LONGEST:
        raise ValueError(f"holidays_file {name} is longer than {LONGEST} bytes; keep to the years you need")
    try:
        entries = msgspec.json.decode(raw, type=list[Any])
    except msgspec.ValidationError:
        raise ValueError(f'holidays_file {name} is no list; write ["2026-12-25"]') from None
    except (msgspec.DecodeError, UnicodeDecodeError) as wrong:
        raise ValueError(f"holidays_file {name} is not JSON ({wrong}); write a list of holidays") from None
    days: dict[date, Closure] = {}
    for number, entry in enumerate(entries, 1):
        try:
            closure = closure_of(entry)
        except ValueError as wrong:
            raise ValueError(f"holidays_file {name}: no. {number} {wrong}") from None
        if closure.day in days:
            raise ValueError(f"holidays_file {name}: no. {number} is {closure.day} once more; keep one of them")
        days[closure.day] = closure
    return list(days.values())


def _with_keys(keys: dict[str, Any]) -> Closure:
    for key in keys:
        if key not in KEYS:
            raise ValueError(f"has no key {key!r}; {nearest(key, KEYS)}")
    if "date" not in keys:
        raise ValueError('needs date; add date = "2026-12-24"')
    opens, closes = (_minutes(key, keys[key]) if key in keys else None for key in ("opens", "closes"))
    return Closure(_day(keys["date"]), opens, closes, _name(keys.get("name", "")))


def _day(given: Any) -> date:
    """A day, as text or as TOML writes dates."""
    match given:
        case str():
            return _told("date", date_of, given)
        case date() if not isinstance(given, datetime):
            return _told("date", date_of, given.isoformat())
        case _:
            raise ValueError(f"date is {shown(given)}; write it like 2026-12-25")


def _minutes(key: str, given: Any) -> int:
    match given:
        case str():
            return _told(key, partial(minutes_of, ending=key == "closes"), given)
        case _:
            raise ValueError(f'{key} is {shown(given)}; write it like "13:00"')


def _name(given: Any) -> str:
    match given:
        case str():
            return given
        case _:
            raise ValueError(f"name is {shown(given)}; write it in quotes")


def _told(key: str, parse: Callable[[str], T], text: str) -> T:
    """What a text says; if nothing, the sentence begins with the key."""
    try:
        return parse(text)
    except ValueError as wrong:
        raise ValueError(f"{key} {wrong}") from None
