"""What the first rows of a file show: its columns, their order, its decimal sign, and how it writes times."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from pipeline.archive.blocks import json_names, parquet_names
from pipeline.archive.cells import is_text, times_of, unit_of_column
from pipeline.archive.grids import NUMBER, grid_of
from pipeline.archive.layout import EASTERN_STANDARD, PRICES, Declared, Layout, Role, blocks, times_only
from pipeline.archive.moments import DateOrder, Moments, Timing, of_numbers, of_texts, unit_of
from pipeline.archive.naming import Preset, by_name, format_of, preset_of
from pipeline.archive.opening import Opened, opened, pieces
from pipeline.errors import InputError

SAMPLE = 65_536
"""Bytes of text that are looked at."""
ROWS = 400
"""Rows of Parquet that are."""
DATE_OF_DIGITS = re.compile(
    r"(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(([01]\d|2[0-3])[0-5]\d([0-5]\d(\d{3})?)?)?"
)
"""A number that is a date: 20260105, 202601050800, 20260105080000 or 20260105080000123."""
YEAR_LAST = re.compile(r"(\d{1,2})([-./])(\d{1,2})[-./]\d{4}")
LAST_MONTH = 12
FEWEST = 10
"""Of fewer rows it is not said how far they are apart."""


def sniffed(path: Path, declared: Declared) -> Layout:
    """How to read a file; an InputError says what its owner has to tell."""
    with opened(path) as file:
        if file.kind == "csv":
            return _of_csv(file, declared)
        names = parquet_names(file) if file.kind == "parquet" else json_names(file, SAMPLE)
    if not names:
        raise InputError(f"{path} is not what its name says (it is empty); give a file of rows")
    columns = by_name(path, names, declared)
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
    grid = grid_of(file.path, first.text.decode("utf-8", "replace").splitlines())
    preset = None if grid.header else preset_of(file.path, grid, declared)
    if declared.columns or preset is None:
        columns = by_name(file.path, grid.names, declared)
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
        format=format_of(grid, preset, declared),
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
