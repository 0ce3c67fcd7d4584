"""One key of a flow file is changed in its text: comments and layout stay as they are."""

from collections.abc import MutableMapping
from typing import Any, cast

import tomlkit
from tomlkit.exceptions import TOMLKitError

from pipeline.errors import InputError


def set_key(text: str, path: str, value: Any) -> str:
    """The text with one key at `path` (risk.careful.threshold) set; its table must be there, the key need not."""
    parts = _parts(path)
    try:
        document = tomlkit.parse(text)
    except TOMLKitError as wrong:
        raise InputError(f"the flow cannot be edited: {wrong}; mend the file first") from None
    table: Any = document
    for number, name in enumerate(parts[:-1], 1):
        inner: Any = table.get(name)
        if not isinstance(inner, MutableMapping):
            raise InputError(f"{path}: there is no table {'.'.join(parts[:number])}; write it into the file first")
        table = cast("Any", inner)
    try:
        table[parts[-1]] = value
    except (TOMLKitError, ValueError, TypeError) as wrong:
        raise InputError(f"{path} cannot be {value!r} ({wrong}); give a number, a text, a list or a table") from None
    return tomlkit.dumps(document)  # pyright: ignore[reportUnknownMemberType]  # tomlkit's own types are partial


def _parts(path: str) -> list[str]:
    """The names of a dotted path; one in quotes may have dots in it."""
    try:
        key = tomlkit.parse(f"{path} = 0")
    except TOMLKitError:
        raise InputError(f"{path!r} is no key; write it like risk.careful.threshold") from None
    parts: list[str] = []
    inner: Any = key.unwrap()
    while isinstance(inner, dict):
        [(name, inner)] = cast("dict[str, Any]", inner).items()
        parts.append(name)
    if len(parts) < 2:
        raise InputError(f"{path!r} names no key in a table; write it like risk.careful.threshold")
    return parts
