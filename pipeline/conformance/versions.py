"""What is graded and what grades, by version: a badge says of what it is."""

import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PROGRAM = "moonlight"
NOBODYS = "of no version"


def program_version() -> str:
    """This program's: of the checkout that it runs from, or as it was installed."""
    here = Path(__file__).resolve().parents[2] / "pyproject.toml"
    if here.is_file():
        project: Any = tomllib.loads(here.read_text(encoding="utf-8")).get("project", {})
        if project.get("name") == PROGRAM:
            return str(project["version"])
    try:
        return version(PROGRAM)
    except PackageNotFoundError:
        return NOBODYS


def part_version(part: type[Any], origin: str) -> str:
    """What a part's class says in `version`; for one of ours the program's."""
    said = getattr(part, "version", None)
    return said if isinstance(said, str) and said else NOBODYS if origin else program_version()
