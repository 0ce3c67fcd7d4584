"""Which column of a file has which role: by their names, or by whose file it is when they have none."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from pipeline.archive.grids import NUMBER, Grid
from pipeline.archive.layout import EASTERN_STANDARD, NAMED, PRICES, PROVENANCE, ROLES, Declared, Role
from pipeline.errors import InputError
from pipeline.tables import nearest

EPOCH = re.compile(r"\d{9,19}")
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


def preset_of(path: Path, grid: Grid, declared: Declared) -> Preset | None:
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


def format_of(grid: Grid, preset: Preset | None, declared: Declared) -> str:
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


def by_name(path: Path, names: Sequence[str], declared: Declared) -> dict[Role, str]:
    """The column of each role, by what it is called."""
    known = {re.sub(r"\s*\((utc|gmt)\)$", "", name.lower().strip("<> ")): name for name in names}
    found: dict[Role, str] = {}
    for role in ROLES:
        called = next((known[name] for name in NAMED.get(role, ()) if name in known), None)
        if called is not None:
            found[role] = called
    if "date" in known and "time" in known:
        found["date"], found["time"] = known["date"], known["time"]
    if "time" in declared.columns:
        found.pop("date", None)
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
