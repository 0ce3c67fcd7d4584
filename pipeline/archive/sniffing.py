"""What the first rows of a file show: its columns, their order, its decimal sign, and how it writes times."""

import csv
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pipeline.archive.blocks import json_names, parquet_names
from pipeline.archive.cells import is_text, times_of, unit_of_column
from pipeline.archive.layout import (
    DELIMITERS,
    EASTERN_STANDARD,
    NAMED,
    PRICES,
    PROVENANCE,
    ROLES,
    Declared,
    Layout,
    Role,
    blocks,
    times_only,
)
from pipeline.archive.moments import DateOrder, Moments, Timing, of_numbers, of_texts, unit_of
from pipeline.archive.opening import Opened, opened, pieces
from pipeline.errors import InputError
from pipeline.tables import nearest

SAMPLE = 65_536
"""Bytes of text that are looked at."""
ROWS = 400
NUMBER = re.compile(r"[+-]?(\d+[.,]?\d*|[.,]\d+)([eE][+-]?\d+)?")
EPOCH = re.compile(r"\d{9,19}")
LIKE_A_DATE = re.compile(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}.*|\d{8}[ T]\d{2}.*|\d\d:\d\d.*")
DATE_OF_DIGITS = re.compile(
    r"(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(([01]\d|2[0-3])[0-5]\d([0-5]\d(\d{3})?)?)?"
)
"""A number that is a date: 20260105, 202601050800, 20260105080000 or 20260105080000123."""
YEAR_LAST = re.compile(r"(\d{1,2})([-./])(\d{1,2})[-./]\d{4}")
LAST_MONTH = 12
MOST = 0.6
FEWEST_COLUMNS = 3
FEWEST = 10
"""Of fewer rows it is not said how far they are apart."""

HISTDATA = (re.compile(r"\d{8} \d{6}"), re.compile(r"\d{8} \d{9}"))
METATRADER = re.compile(r"\d{4}\.\d\d\.\d\d"), re.compile(r"\d\d:\d\d(:\d\d(\.\d+)?)?")
BARS: tuple[Role, ...] = ("time", *PRICES, "volume")
TICKS: tuple[Role, ...] = ("time", "bid", "ask")


class Preset(NamedTuple):
    """What a program that writes files without a header puts into them."""

    format: str
    roles: tuple[Role, ...]
    zone: str | None = None
    closes: int | None = None


class Grid(NamedTuple):
    """The first rows of a text file as cells."""

    delimiter: str
    skipped: int
    names: tuple[str, ...]
    header: bool
    rows: list[list[str]]


def sniffed(path: Path, declared: Declared) -> Layout:
    """How to read a file; an InputError says what its owner has to tell."""
    with opened(path) as file:
        if file.kind == "csv":
            return _of_csv(file, declared)
        names = parquet_names(file) if file.kind == "parquet" else json_names(file, SAMPLE)
    if not names:
        raise InputError(f"{path} is not what its name says (it is empty); give a file of rows")
    columns = _by_name(path, names, declared)
    layout = Layout("generic", "bid" in columns, columns, Timing("UTC", declared.ambiguous, declared.dates or "dmy"))
    layout = _zoned(path, layout, declared)
    with opened(path) as file:
        block = next(blocks(file, times_only(layout), ROWS, SAMPLE), None)
    if block is None or not block.count:
        raise InputError(f"{path} holds no {'quotes' if layout.quotes else 'bars'}; give a file with at least one")
    times = block.columns[columns["time"]]
    if is_text(times):
        return _timed(path, layout, declared, times.to_pylist())
    layout = replace(layout, epoch=unit_of_column(times))
    return replace(layout, step=_step(times_of(block, layout)))


# --- text ------------------------------------------------------------------------------------------------------------


def _of_csv(file: Opened, declared: Declared) -> Layout:
    first = next(pieces(file.file, SAMPLE), None)
    if first is None:
        raise InputError(f"{file.path} is not what its name says (it is empty); give a file of rows")
    grid = _grid(file.path, first.text.decode("utf-8", "replace").splitlines())
    preset = None if grid.header else _preset(file.path, grid, declared)
    if declared.columns or preset is None:
        columns = _by_name(file.path, grid.names, declared)
    else:
        columns: dict[Role, str] = {role: str(number) for number, role in enumerate(preset.roles, start=1)}
        if preset.closes is not None:
            columns["closes"] = str(preset.closes)
    if not grid.rows:
        what = "quotes" if "bid" in columns else "bars"
        raise InputError(f"{file.path} holds no {what}; give a file with at least one")
    places = {role: grid.names.index(name) for role, name in columns.items()}
    prices = [place for role, place in places.items() if role in (*PRICES, "bid", "ask")]
    cells = [row[place] for row in grid.rows for place in prices]
    layout = Layout(
        format=_format(grid, preset, declared),
        quotes="bid" in columns,
        columns=columns,
        timing=Timing("UTC", declared.ambiguous, declared.dates or "dmy"),
        delimiter=grid.delimiter,
        names=grid.names,
        skipped=grid.skipped,
        header=grid.header,
        comma=any("," in cell for cell in cells) and not any("." in cell for cell in cells),
    )
    layout = replace(layout, carried=layout.quotes and layout.format == "metatrader")
    layout = _zoned(file.path, layout, declared, preset)
    times = [row[places["time"]].strip() for row in grid.rows]
    if "date" in places:
        times = [f"{row[places['date']].strip()} {time}" for row, time in zip(grid.rows, times, strict=True)]
    return _timed(file.path, layout, declared, times)


def _grid(path: Path, lines: Sequence[str]) -> Grid:
    """Lines as cells: parted by what parts most of them into the same number of columns."""
    numbered = [(number, line) for number, line in enumerate(lines[:ROWS]) if line.strip()]
    for delimiter in DELIMITERS:
        rows = list(csv.reader((line for _, line in numbered), delimiter=delimiter))
        width = _width(rows)
        if width < FEWEST_COLUMNS:
            continue
        begin = next(number for number, row in enumerate(rows) if len(row) == width)
        header = not any(_is_value(cell.strip()) for cell in rows[begin])
        body = [row for row in rows[begin + header :] if len(row) == width]
        named = [cell.strip() for cell in rows[begin]] if header else [str(number + 1) for number in range(width)]
        if len(set(named)) < width:
            raise InputError(f"{path} has two columns of one name ({', '.join(named)}); name each once")
        skipped = numbered[begin][0] + header
        return Grid(delimiter, skipped, tuple(named), header, body)
    raise InputError(f"{path} is not what its name says (no rows of three columns or more); give a file of rows")


def _width(rows: Sequence[Sequence[str]]) -> int:
    """How many columns most rows have; where no number prevails, those of the header."""
    ((width, times),) = Counter(map(len, rows)).most_common(1) or [(0, 0)]
    if times >= MOST * len(rows):
        return width
    names = (row for row in rows if len(row) >= FEWEST_COLUMNS and not any(_is_value(cell.strip()) for cell in row))
    return len(next(names, ()))


def _is_value(cell: str) -> bool:
    return bool(NUMBER.fullmatch(cell) or LIKE_A_DATE.fullmatch(cell))


def _preset(path: Path, grid: Grid, declared: Declared) -> Preset | None:
    """Which program wrote rows without a header, by what they look like."""
    first, width = grid.rows[0], len(grid.names)
    asked = declared.format
    if all(form.fullmatch(cell.strip()) for form, cell in zip(METATRADER, first, strict=False)):
        return Preset("metatrader", ("date", *(TICKS if width <= 5 else BARS)))
    for form, roles in zip(HISTDATA, (BARS, TICKS), strict=True):
        if form.fullmatch(first[0].strip()) and asked in ("auto", "histdata"):
            return Preset("histdata", roles[:width], EASTERN_STANDARD)
    if width >= 11 and EPOCH.fullmatch(first[0]) and EPOCH.fullmatch(first[6]):
        return Preset("binance", BARS, closes=7)
    if declared.columns:
        return None
    if width in (5, 6) and all(NUMBER.fullmatch(cell.strip()) for cell in first[1:]):
        return Preset("generic", BARS[:width])
    raise InputError(
        f"{path} has no header and {width} columns we do not know; name them with columns time=1,open=2 and so on"
    )


def _format(grid: Grid, preset: Preset | None, declared: Declared) -> str:
    if declared.format != "auto":
        return declared.format
    if preset is not None:
        return preset.format
    names = [name.lower() for name in grid.names]
    if any(name.startswith("<") for name in names):
        return "metatrader"
    if names[0] in ("gmt time", "local time"):
        return "dukascopy"
    return "binance" if "close_time" in names or "close time" in names else "generic"


# --- columns ---------------------------------------------------------------------------------------------------------


def _by_name(path: Path, names: Sequence[str], declared: Declared) -> dict[Role, str]:
    """The column of each role, by what it is called."""
    known = {re.sub(r"\s*\((utc|gmt)\)$", "", name.lower().strip("<> ")): name for name in names}
    found: dict[Role, str] = {}
    for role in ROLES:
        called = next((known[name] for name in NAMED.get(role, ()) if name in known), None)
        if called is not None:
            found[role] = called
    if "date" in known and "time" in known:
        found["date"], found["time"] = known["date"], known["time"]
    for role, name in declared.columns.items():
        if name not in names:
            raise InputError(f"{path} has no column {name!r} to take {role} from; {nearest(name, names)}")
        found[role] = name
    return _needed(path, found, known, declared)


def _needed(path: Path, found: dict[Role, str], known: Mapping[str, str], declared: Declared) -> dict[Role, str]:
    """The columns that are wanted, of those there are."""
    if "time" not in found:
        local = next((name for name in known if name.startswith("time (")), None)
        hint = f"; is it {local!r}? Say so with columns time=… and timezone" if local else ""
        raise InputError(f"{path} has no column open_ts, ts or time; give one of them the time of each bar{hint}")
    has_bars, has_quotes = "open" in found or "close" in found, "bid" in found or "ask" in found
    quotes = declared.quotes if declared.quotes is not None else has_quotes and not has_bars
    wanted: tuple[Role, ...] = ("bid", "ask") if quotes else PRICES
    for role in wanted:
        if role not in found:
            needs = "time, bid and ask" if quotes else "open_ts, open, high, low and close"
            raise InputError(f"{path} has no column {role}; it needs {needs}")
    whole = all(role in found for role in PROVENANCE)
    more: tuple[Role, ...] = ("received",) if quotes else ("volume", "closes", *(PROVENANCE if whole else ()))
    return {role: found[role] for role in ("date", "time", *wanted, *more) if role in found}


# --- times -----------------------------------------------------------------------------------------------------------


def _zoned(path: Path, layout: Layout, declared: Declared, preset: Preset | None = None) -> Layout:
    zone = declared.timezone or (preset.zone if preset else None)
    if declared.format == "histdata" and zone is None:
        zone = EASTERN_STANDARD
    if zone is None and layout.format == "metatrader":
        raise InputError(f"{path} has times of a broker's server; say where its clock is, for example timezone EET")
    return replace(layout, timing=replace(layout.timing, zone=zone or "UTC"))


def _timed(path: Path, layout: Layout, declared: Declared, times: Sequence[str | None]) -> Layout:
    """How times are written, by most of the first ones, and how far they are apart."""
    known = [time for time in times if time]
    numbers = [time for time in known if NUMBER.fullmatch(time) and not DATE_OF_DIGITS.fullmatch(time)]
    if 2 * len(numbers) > len(known):
        values = np.array([int(float(number)) for number in numbers], np.int64)
        unit = unit_of(values)
        return replace(layout, epoch=unit, step=_step(of_numbers(values, unit, "time")))
    if declared.dates is None:
        layout = replace(layout, timing=replace(layout.timing, dates=_order(path, known)))
    letters = np.frombuffer("".join(known).encode(), np.uint8)
    offsets = np.cumsum([0, *(len(time.encode()) for time in known)])
    return replace(layout, step=_step(of_texts(offsets, letters, layout.timing, "time")))


def _order(path: Path, times: Sequence[str]) -> DateOrder:
    """Dots put the day first; slashes and dashes do not say, unless a number above twelve does."""
    dates = [match for time in times if (match := YEAR_LAST.match(time))]
    if not dates or any(match[2] == "." or int(match[1]) > LAST_MONTH for match in dates):
        return "dmy"
    if any(int(match[3]) > LAST_MONTH for match in dates):
        return "mdy"
    raise InputError(
        f"{path} has dates like {dates[0][0]}; say dates dmy when the day is first, dates mdy when the month is"
    )


def _step(moments: Moments) -> int | None:
    """The longest time of which all steps between rows are multiples; unknown of few rows."""
    ts = moments.ts[moments.sound()]
    if len(ts) < FEWEST:
        return None
    return int(np.gcd.reduce(np.abs(np.diff(ts)))) or None
