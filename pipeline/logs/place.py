"""Where the log of a flow is, read off its file: also off one with mistakes in it, of which the log may tell."""

import tomllib
from pathlib import Path
from typing import Any, NamedTuple, cast
from zoneinfo import ZoneInfo

from pipeline.errors import InputError, unread
from pipeline.logs.settings import Logs
from pipeline.plan import Settings
from pipeline.walltime import zone_names


class Place(NamedTuple):
    """What a reader must know."""

    data: Path
    """The flow's folder."""
    logs: Path
    zone: ZoneInfo


def place_of(flow: Path) -> Place:
    """What the file says of it; where it does not say, or nobody can read it, what is usual."""
    try:
        text = flow.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise InputError(f"{flow} cannot be read ({unread(problem)}); name the flow file") from None
    try:
        tables: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        tables = {}
    usual = Settings()
    data = flow.parent / _word(tables, "moonlight", "data", usual.data)
    zone = _word(tables, "moonlight", "display_timezone", usual.display_timezone)
    return Place(
        data,
        data / _word(tables, "logs", "folder", Logs().folder),
        ZoneInfo(zone if zone in zone_names() else usual.display_timezone),
    )


def _word(tables: dict[str, Any], table: str, key: str, usual: str) -> str:
    values: object = tables.get(table)
    value: object = cast("dict[str, object]", values).get(key) if isinstance(values, dict) else None
    return value if isinstance(value, str) and value else usual
