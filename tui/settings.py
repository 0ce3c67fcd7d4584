"""How a person likes the console: kept in a file of theirs, told from what a flow is."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec
import tomlkit
from msgspec import Struct, field
from platformdirs import user_config_path
from tomlkit.exceptions import ParseError

from pipeline.errors import InputError

FILE = "console.toml"

Rate = Literal["auto", "fast", "slow", "minimal"]


class Look(Struct, forbid_unknown_fields=True):
    """How it looks."""

    theme: Literal["desk", "day", "mono", "terminal"] = "desk"
    glyphs: Literal["unicode", "ascii"] = "unicode"
    motion: bool = True
    rate: Rate = "auto"
    time: Literal["flow", "utc"] = "flow"
    mouse: bool = True


class Settings(Struct, forbid_unknown_fields=True):
    """All of it; `keys` are acts by name with the keys that do them instead of their own."""

    look: Look = field(default_factory=Look)
    keys: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    columns: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """Columns to show, by table, in that order."""
    filters: dict[str, str] = field(default_factory=dict[str, str])
    """Filters under names."""
    welcomed: bool = False
    """The first steps were shown."""


def settings_file() -> Path:
    """Where a person's settings are on this system."""
    return user_config_path("moonlight") / FILE


def read_settings(file: Path) -> Settings:
    """What the file says; everything as it is by default where there is none."""
    try:
        return msgspec.convert(tomlkit.parse(file.read_text("utf-8")).unwrap(), Settings)
    except FileNotFoundError:
        return Settings()
    except (OSError, UnicodeDecodeError) as problem:
        raise InputError(f"cannot read {file} ({problem}); the console goes on with its defaults") from None
    except (ParseError, msgspec.ValidationError) as wrong:
        raise InputError(f"{file}: {wrong}; mend it or remove it, the console goes on with its defaults") from None


def write_settings(file: Path, settings: Settings) -> None:
    """Put settings into the file. Comments in it stay."""
    try:
        text = file.read_text("utf-8")
        document = tomlkit.parse(text)
    except (OSError, UnicodeDecodeError, ParseError):
        document = tomlkit.document()
    _put(document, msgspec.to_builtins(settings))
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        beside = file.with_suffix(".new")
        beside.write_text(tomlkit.dumps(document), "utf-8")
        beside.replace(file)
    except OSError as problem:
        raise InputError(f"cannot write {file} ({problem.strerror}); nothing was kept") from None


def _put(document: tomlkit.TOMLDocument, values: Mapping[str, object]) -> None:
    before = document.unwrap()
    for name, value in values.items():
        if before.get(name) != value:
            document[name] = value
