"""A venue's file: its settings, with everything that is wrong with it told at once."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline.broker.settings import Settings
from pipeline.errors import InputError, PlanError
from pipeline.tables import Tables
from pipeline.toml_text import parse, read

OPTIONS = "the command line"


def settings_of(path: Path | None, given: Mapping[str, Any]) -> Settings:
    """The settings of a file, or those of no file, with what the command line says in their place."""
    if path is not None and not path.is_file():
        raise InputError(f"there is no file {path}; name a venue's file, or none for a venue as it usually is")
    source = parse("", OPTIONS) if path is None else read(path)
    tables = Tables(source)
    made: Settings | None = tables.filled(Settings, {**source.data, **given}, (), "the venue")
    if made is None:
        raise PlanError(source.file, tuple(tables.problems))
    return made if path is None or not made.prices else replace(made, prices=str(path.parent / made.prices))
