"""Records on disk: JSON that a person can read, written whole or not at all."""

import os
import typing
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, get_args

import msgspec

from pipeline.calibration import records, stacks
from pipeline.calibration.records import VERSION, Record
from pipeline.calibration.stacks import Stack
from pipeline.errors import InputError
from pipeline.parts import Derived

MEGABYTE = 1024 * 1024
LARGEST = 256 * MEGABYTE
FITTED = "fitted"
"""The derived field of a part that goes by a record; its type says what kind of record."""

_ABOUT: dict[type[msgspec.Struct], str] = {Record: records.ABOUT, Stack: stacks.ABOUT}

R = TypeVar("R", bound=msgspec.Struct)


class Unfit(ValueError):
    """A file that is no record this program can read: what is wrong with it."""


class OfAnother(Unfit):
    """A whole record, of something else: to make it anew would take it from whoever goes by it."""


class _Versioned(msgspec.Struct):
    version: int
    about: str = ""


@cache
def shape_of(cls: type[Any]) -> type[msgspec.Struct] | None:
    """What kind of record a part goes by."""
    hint = typing.get_type_hints(cls, include_extras=True).get(FITTED)
    if hint is None or Derived not in get_args(hint):
        return None
    alternatives = get_args(get_args(hint)[0])
    return next((each for each in alternatives if isinstance(each, type) and issubclass(each, msgspec.Struct)), None)


def read(path: Path, shape: type[R]) -> R:
    """The record in a file; `FileNotFoundError` when there is none, `Unfit` when it is something else."""
    if not path.exists():
        raise FileNotFoundError(path)
    if not path.is_file() or path.stat().st_size > LARGEST:
        raise Unfit("is no record")
    raw = path.read_bytes()
    try:
        found = msgspec.json.decode(raw, type=_Versioned)
    except ValueError as wrong:
        raise Unfit(f"is no record ({wrong})") from None
    if found.version != VERSION:
        raise Unfit(f"is a record of version {found.version}, this program reads {VERSION}")
    if found.about in _ABOUT.values() and found.about != _ABOUT.get(shape):
        raise OfAnother(f"is a record of something else: {found.about.partition('. ')[0]}")
    try:
        return msgspec.json.decode(raw, type=shape)
    except ValueError as wrong:
        raise Unfit(f"is no whole record ({wrong})") from None


def write(path: Path, record: msgspec.Struct) -> None:
    """Put a record in place of whatever is there; a crash leaves the one or the other."""
    text = msgspec.json.format(msgspec.json.encode(record), indent=1)
    if len(text) >= LARGEST:
        raise InputError(f"the record would have {len(text) // MEGABYTE} MB; have fits further apart with --every")
    new = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with new.open("wb") as stream:
            stream.write(text + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
        new.replace(path)
    except OSError as wrong:
        raise InputError(f"{path} cannot be written ({wrong.strerror}); name another file with --out") from None
