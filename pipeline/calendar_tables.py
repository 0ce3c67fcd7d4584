"""The [calendars.*] tables of a flow file: read, checked, and made into the calendars that its products keep."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, cast

import msgspec
from msgspec import Meta

from pipeline.calendar import Calendars, Claim
from pipeline.exchanges import BUILT_IN
from pipeline.holidays import KEYS, Holiday, closure_of, read_holidays
from pipeline.hours import Closure, Hours, Span, Window, spread
from pipeline.hours_text import minutes_of, spans_of, window_of, zone_of
from pipeline.tables import Place, Tables

CALENDARS = "calendars"
T = TypeVar("T")

ProductPattern = Annotated[str, Meta(min_length=1, description='a product such as EURUSD, or a pattern such as "XAU*"')]
BuiltIn = Literal["fx", "metals", "fxcm", "us_equities", "always"]


@dataclass(frozen=True, kw_only=True)
class CalendarTable:
    """When the market of some products is open. All times are those of `timezone`."""

    products: Annotated[
        tuple[ProductPattern, ...], Meta(min_length=1, description="which products keep it: names, or patterns with *")
    ]
    like: Annotated[
        BuiltIn | None, Meta(description="the built-in calendar to begin with; keys below replace its own")
    ] = None
    timezone: Annotated[str | None, Meta(description="whose clocks count, such as America/New_York")] = None
    sessions: Annotated[
        Annotated[tuple[str, ...], Meta(min_length=1)] | None,
        Meta(description='when it is open: "Mon-Fri 09:30-16:00" or "Sun 17:00 - Fri 17:00"'),
    ] = None
    breaks: Annotated[
        tuple[str, ...] | None, Meta(description='pauses, of every day "17:00-18:00" or of some "Mon-Thu 17:00-18:00"')
    ] = None
    holidays: Annotated[
        tuple[str | Holiday, ...], Meta(description="days without trading, or with less of it; more than `like` has")
    ] = ()
    holidays_file: Annotated[
        Annotated[str, Meta(min_length=1)] | None,
        Meta(description="a JSON list of holidays, from the flow file's folder"),
    ] = None
    day_begins: Annotated[
        str | None, Meta(description="when a trading day begins, such as 17:00; 00:00 when left out")
    ] = None
    windows: Annotated[
        dict[str, str] | None, Meta(description='hours with a name: Tokyo = "Mon-Fri 08:00-16:00 Asia/Tokyo"')
    ] = None


def calendars_of(tables: Tables, base: Path, products: Iterable[str]) -> Calendars:
    """The calendars of a flow with these products; what is wrong with them is told to `tables`."""
    claims = [claim for name in tables.table((CALENDARS,)) if (claim := _Reading(tables, name).claim(base)) is not None]
    calendars = Calendars(tuple(claims))
    claimed: dict[str, str] = {}
    for claim in claims:
        for number, pattern in enumerate(claim.products):
            other = claimed.setdefault(pattern, claim.name)
            if other != claim.name:
                _claimed_twice(tables, claim.name, number, pattern, other)
    for product in sorted(set(products) - set(claimed)):
        names = [each.name for each in calendars.claimants(product)]
        if len(names) > 1 and not _same_pattern(calendars.claimants(product)):
            _claimed_twice(tables, names[1], None, product, names[0])
    return calendars


def _claimed_twice(tables: Tables, name: str, number: int | None, what: str, other: str) -> None:
    path = (CALENDARS, name, "products") if number is None else (CALENDARS, name, "products", number)
    said = f"[{CALENDARS}.{name}] products: [{CALENDARS}.{other}] claims {what!r} too"
    fix = "name it in one of them only" if number is not None else f"add {what!r} to the products of one of them"
    tables.problem(path, said, fix, value=True)


def _same_pattern(claims: Iterable[Claim]) -> bool:
    first, *others = (set(each.products) for each in claims)
    return any(first & other for other in others)


class _Reading:
    """One table being read."""

    def __init__(self, tables: Tables, name: str) -> None:
        self._tables, self._name = tables, name
        self._path: Place = (CALENDARS, name)
        self._where = f"[{CALENDARS}.{name}]"

    def claim(self, base: Path) -> Claim | None:
        before = len(self._tables.problems)
        if self._name in BUILT_IN:
            fix = f'give it a name of its own, and begin with like = "{self._name}"'
            self._tables.problem(self._path, f"{self._where} is the name of a built-in calendar", fix)
        table = self._tables.table(self._path)
        if len(self._tables.problems) > before:
            return None
        keys = {key: value for key, value in table.items() if key != "holidays"}
        shape = self._tables.filled(CalendarTable, keys, self._path, self._where) or self._sound(keys)
        if "like" not in keys:
            for key in {"timezone", "sessions"} - set(keys):
                fix = f'add {key} = …, or begin with a built-in one: like = "fx"'
                self._tables.problem(self._path, f"{self._where} needs {key}", fix)
        closures = [*self._from_file(base, shape.holidays_file), *self._holidays(table.get("holidays", []))]
        hours = self._hours(shape)
        if len(self._tables.problems) == before:
            hours = self._with_closures(hours, closures)
        return Claim(self._name, shape.products, hours) if len(self._tables.problems) == before else None

    def _sound(self, keys: Mapping[str, Any]) -> CalendarTable:
        """What can be read of a table in which something is wrong, so that all of it is told."""
        scratch, named = Tables(self._tables.source), {"products": ["-"]}
        sound = {
            key: value
            for key, value in keys.items()
            if scratch.filled(CalendarTable, {**named, key: value}, self._path, self._where) is not None
        }
        return msgspec.convert(sound | named, CalendarTable)

    def _hours(self, shape: CalendarTable) -> Hours:
        """The week, and the holidays of `like`."""
        begun = BUILT_IN[shape.like]() if shape.like is not None else Hours(zone="UTC", sessions=())
        given = {
            "zone": self._read(zone_of, shape.timezone, "timezone") if shape.timezone is not None else None,
            "sessions": self._sessions(shape.sessions) if shape.sessions is not None else None,
            "breaks": self._breaks(shape.breaks) if shape.breaks is not None else None,
            "day_begins": self._read(minutes_of, shape.day_begins, "day_begins")
            if shape.day_begins is not None
            else None,
            "windows": self._windows(shape.windows) if shape.windows is not None else None,
        }
        return replace(begun, **{key: value for key, value in given.items() if value is not None})  # pyright: ignore[reportArgumentType]  # by their names

    def _sessions(self, texts: tuple[str, ...]) -> tuple[Span, ...]:
        made: tuple[Span, ...] = ()
        for number, text in enumerate(texts):
            spans = self._read(spans_of, text, "sessions", number) or ()
            if _length(spread((*made, *spans))) < _length(made) + _length(spans):
                what = f"{self._where} no. {number + 1} of sessions overlaps with another, or with itself"
                fix = "let each begin where the one before has ended"
                self._tables.problem((*self._path, "sessions", number), what, fix, value=True)
                continue
            made = (*made, *spans)
        return made

    def _breaks(self, texts: tuple[str, ...]) -> tuple[Span, ...]:
        read = [self._read(partial(spans_of, every_day=True), text, "breaks", no) for no, text in enumerate(texts)]
        return tuple(span for spans in read if spans is not None for span in spans)

    def _windows(self, texts: Mapping[str, str]) -> tuple[Window, ...]:
        read = {name: self._read(partial(window_of, name), text, "windows", name) for name, text in texts.items()}
        return tuple(window for window in read.values() if window is not None)

    def _holidays(self, given: Any) -> Iterator[Closure]:
        path = (*self._path, "holidays")
        if not isinstance(given, list):
            self._tables.problem(path, f"{self._where} holidays is no list", 'write ["2026-12-25"]', value=True)
            return
        days: set[date] = set()
        for number, entry in enumerate(cast("list[Any]", given)):
            try:
                closure = closure_of(entry)
                if closure.day in days:
                    raise ValueError(f"is {closure.day} once more; keep one of them")
            except ValueError as wrong:
                named = f"{self._where} no. {number + 1} of holidays"
                self._tables.refused(wrong, KEYS, (*path, number), named)
                continue
            days.add(closure.day)
            yield closure

    def _from_file(self, base: Path, file: str | None) -> list[Closure]:
        if file is None:
            return []
        try:
            return read_holidays(base / file, file)
        except ValueError as wrong:
            what, _, fix = str(wrong).partition("; ")
            self._tables.problem((*self._path, "holidays_file"), f"{self._where} {what}", fix, value=True)
            return []

    def _with_closures(self, hours: Hours, given: list[Closure]) -> Hours:
        """The hours with these days besides; of two on one day the later stands."""
        if not hours.open_week():
            at = (*self._path, "breaks")
            self._tables.problem(at, f"{self._where} breaks leave no open time", "shorten them", value=True)
        for closure in given:
            if not closure.whole and hours.opening(closure) >= hours.closing(closure):
                what = f"{self._where} holidays: on {closure.day} it would close before it opens"
                self._tables.problem((*self._path, "holidays"), what, "mend opens or closes", value=True)
        days = {each.day: each for each in (*hours.closures, *given)}
        return replace(hours, closures=tuple(days[day] for day in sorted(days)))

    def _read(self, parse: Callable[[str], T], text: str, key: str, element: str | int | None = None) -> T | None:
        try:
            return parse(text)
        except ValueError as wrong:
            what, _, fix = str(wrong).partition("; ")
            named = (
                f"no. {element + 1} of {key}" if isinstance(element, int) else f"{key}.{element}" if element else key
            )
            path = (*self._path, key) if element is None else (*self._path, key, element)
            self._tables.problem(path, f"{self._where} {named}: {what}", fix, value=True)
            return None


def _length(spans: Iterable[Span]) -> int:
    return sum(end - begin for begin, end in spans)
