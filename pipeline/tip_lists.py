"""Lists of tips as text: one a line in words, or a table with a heading. Every line that is wrong is told.

In words the order does not matter: `EURUSD 18:10 CALL M5`, `05/01/2026 18:10 put XAUUSD`. A date on a line of its own
holds for the lines below it. What follows # is not read.
"""

import csv
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

import numpy as np

from pipeline.archive.moments import DateOrder
from pipeline.archive.walls import Ambiguous, meant
from pipeline.times import DAY, HOUR, MINUTE, SECOND, parse_moment
from pipeline.tip_words import Tip, is_direction, is_timeframe, product_of, score_of, timeframe_of, valid_until_of

MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}([.,]\d+)?)?(Z|[+-]\d{2}:?\d{2})?", re.IGNORECASE)
CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?")
DATE = re.compile(r"(\d{4})[-./](\d{1,2})[-./](\d{1,2})|(\d{1,2})[-./](\d{1,2})[-./](\d{4})")
PRODUCT = re.compile(r"[A-Za-z0-9][\w./()-]*")
BETWEEN = re.compile(r"[\s,;|]+")
DELIMITERS = ",;\t|"
HEADINGS: Mapping[str, tuple[str, ...]] = {
    "product": ("product", "symbol", "pair", "asset", "instrument"),
    "time": ("as_of", "time", "at", "datetime", "entry"),
    "date": ("date", "day"),
    "direction": ("direction", "signal", "side", "action"),
    "score": ("score",),
    "timeframe": ("timeframe", "tf", "expiry"),
    "valid_until": ("valid_until", "until"),
    "valid_for": ("valid_for",),
}
EPOCH = date(1970, 1, 1)
FORM = "write it like EURUSD 18:10 CALL M5"
NO_DATE = "has no date; write one before it, on a line of its own above, or in the key date"


@dataclass(frozen=True, slots=True)
class Settings:
    """How a list is to be read where it does not say it itself."""

    zone: str = "UTC"
    ambiguous: Ambiguous = "refuse"
    dates: DateOrder = "dmy"
    day: str = ""
    timeframe: str = ""
    valid_for: str = "30s"
    market: Collection[str] = ()


class When(NamedTuple):
    """A moment in ms UTC, or (`wall`) what a clock in the list's zone shows then."""

    ms: int
    wall: bool


class Words(NamedTuple):
    """What one line says."""

    line: int
    product: str
    when: When
    until: When | None
    span: str | None
    tf: int
    score: float


@dataclass
class Listed:
    """What a list says, and by line what is wrong with it."""

    tips: list[Tip] = field(default_factory=list[Tip])
    wrong: dict[int, str] = field(default_factory=dict[int, str])


def listed(text: str, settings: Settings) -> Listed:
    """The tips of a list."""
    made, words = Listed(), list[Words]()
    lines = [(number, line.partition("#")[0].strip()) for number, line in enumerate(text.splitlines(), 1)]
    lines = [(number, line) for number, line in lines if line]
    reader = _Reader(settings)
    heading = _heading(lines[0][1]) if lines else None
    for number, line in lines if heading is None else lines[1:]:
        try:
            said = reader.worded(number, line) if heading is None else reader.tabled(number, line, heading)
            words += [said] if said is not None else []
        except ValueError as wrong:
            made.wrong[number] = str(wrong)
    for said, (as_of, until) in zip(words, _moments(words, settings, made.wrong), strict=True):
        try:
            end = valid_until_of(as_of, until, said.span, settings.valid_for)
            made.tips.append(Tip(said.product, as_of, end, said.tf, said.score))
        except ValueError as wrong:
            made.wrong.setdefault(said.line, str(wrong))
    return made


@dataclass(frozen=True, slots=True)
class Heading:
    """Where a table has what."""

    delimiter: str
    columns: Mapping[str, int]
    width: int


def _heading(line: str) -> Heading | None:
    """The heading of a table; None when the first line is a tip already."""
    delimiter = max(DELIMITERS, key=line.count)
    cells = [cell.strip().strip('"').lower() for cell in line.split(delimiter)]
    columns = {
        name: next(place for place, cell in enumerate(cells) if cell in known)
        for name, known in HEADINGS.items()
        if any(cell in known for cell in cells)
    }
    return Heading(delimiter, columns, len(cells)) if {"product", "time"} <= columns.keys() else None


class _Reader:
    """Reads line after line; a date on a line of its own holds from there on."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._day = _day(settings.day, settings.dates) if settings.day else None

    def worded(self, number: int, line: str) -> Words | None:
        """A tip in words; None for a date alone."""
        words = [word for word in BETWEEN.split(line) if word]
        if len(words) == 1 and DATE.fullmatch(words[0]):
            self._day = _day(words[0], self._settings.dates)
            return None
        found: dict[str, str] = {}
        for word in words:
            kind = _kind(word)
            if kind in found:
                raise ValueError(f"has two of a {kind}: {found[kind]} and {word}; {FORM}, one tip a line")
            found[kind] = word
        for kind in ("product", "time", "direction"):
            if kind not in found:
                raise ValueError(f"has no {kind}; {FORM}")
        return self._words(number, found)

    def tabled(self, number: int, line: str, heading: Heading) -> Words:
        """A tip as a row of a table."""
        try:
            cells = [cell.strip() for cell in next(csv.reader([line], delimiter=heading.delimiter))]
        except csv.Error as wrong:
            raise ValueError(f"is no row of a table ({wrong}); write cells like those of the heading") from None
        if len(cells) != heading.width:
            raise ValueError(f"has {len(cells)} cells, the heading {heading.width}; write one for each")
        row = {name: cells[place] for name, place in heading.columns.items() if cells[place]}
        for name in ("product", "time"):
            if name not in row:
                raise ValueError(f"has no {name}; fill in that column")
        return self._words(number, row)

    def _words(self, number: int, row: Mapping[str, str]) -> Words:
        settings = self._settings
        until = row.get("valid_until")
        return Words(
            number,
            product_of(row["product"], settings.market),
            self._when(row["time"], row.get("date")),
            self._when(until, row.get("date")) if until else None,
            row.get("valid_for"),
            timeframe_of(row.get("timeframe") or settings.timeframe),
            score_of(row.get("direction"), row.get("score")),
        )

    def _when(self, text: str, day: str | None) -> When:
        """A moment; the day comes with it, beside it, from above, or from the settings."""
        if MOMENT.fullmatch(text):
            wall = text[-1] not in "Zz" and not re.search(r"[+-]\d{2}:?\d{2}$", text[16:])
            return When(parse_moment(text.upper().replace(",", ".")), wall)
        first, _, second = text.partition(" ")
        clock, dated = (second.strip(), first) if second else (first, day)
        match = CLOCK.fullmatch(clock)
        if match is None:
            raise ValueError(f"{text!r} is no time; write it like 18:10, or 2026-01-05T18:10:00Z")
        hour, minute, second_ = (int(each or 0) for each in match.groups())
        if hour > 23 or minute > 59 or second_ > 59:
            raise ValueError(f"no clock shows {clock}; write a time from 00:00 to 23:59")
        begin = _day(dated, self._settings.dates) if dated else self._day
        if begin is None:
            raise ValueError(f"{clock} {NO_DATE}")
        return When(begin + hour * HOUR + minute * MINUTE + second_ * SECOND, True)


def _kind(word: str) -> str:
    """What a word of a line is."""
    if is_direction(word):
        return "direction"
    if is_timeframe(word):
        return "timeframe"
    if CLOCK.fullmatch(word) or MOMENT.fullmatch(word):
        return "time"
    if DATE.fullmatch(word):
        return "date"
    if PRODUCT.fullmatch(word):
        return "product"
    raise ValueError(f"has {word!r}, which is no word of a tip; {FORM}")


def _day(text: str, order: DateOrder) -> int:
    """The beginning of a day, as a clock shows it (ms)."""
    match = DATE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no date; write it like 2026-01-05")
    if match[1]:
        year, month, day = int(match[1]), int(match[2]), int(match[3])
    else:
        day, month, year = int(match[4]), int(match[5]), int(match[6])
        if order == "mdy":
            day, month = month, day
    try:
        return (date(year, month, day) - EPOCH).days * DAY
    except ValueError:
        raise ValueError(f"no calendar has the day {text}; write it like 2026-01-05") from None


def _moments(words: list[Words], settings: Settings, wrong: dict[int, str]) -> Iterator[tuple[int, int | None]]:
    """When each tip begins and ends, in UTC."""
    whens = [when for said in words for when in (said.when, said.until or said.when)]
    lines = [said.line for said in words for _ in range(2)]
    made = np.array([when.ms for when in whens], np.int64)
    walls = np.array([when.wall for when in whens], np.bool_)
    if walls.any() and settings.zone != "UTC":
        told = meant(made[walls], settings.zone, settings.ambiguous)
        made[walls] = told.moments
        for place, skipped, twice in zip(np.flatnonzero(walls).tolist(), told.skipped, told.twice, strict=True):
            shown = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=whens[place].ms)).strftime("%H:%M")
            if skipped:
                wrong[lines[place]] = f"{shown} does not exist in {settings.zone} that day; is the zone right?"
            elif twice:
                wrong[lines[place]] = (
                    f'{shown} comes twice in {settings.zone} that day; set ambiguous = "first" or "second"'
                )
    for number, said in enumerate(words):
        yield int(made[2 * number]), int(made[2 * number + 1]) if said.until is not None else None
