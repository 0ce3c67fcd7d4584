"""What a value of a request may be: each check says in a few words what is wrong with it, or nothing."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeGuard, cast

Check = Callable[[object], str | None]
Table = dict[str, Any]

MISSING = "Missing property."
EXCESS = "Property not allowed."
PASSED_THROUGH = 3_500
"""So many bytes of what a caller passes through are sent back."""


class Shape(NamedTuple):
    """What a request of one kind may have beside its `req_id` and what is passed through."""

    keys: Mapping[str, Check]
    needed: tuple[str, ...]

    def wrong(self, table: Table) -> dict[str, str]:
        """What is wrong with a request, by its key."""
        found: dict[str, str] = dict.fromkeys((key for key in self.needed if key not in table), MISSING)
        for key, value in table.items():
            check = self.keys.get(key)
            said = EXCESS if check is None else check(value)
            if said is not None:
                found[key] = said
        return found


def is_table(value: object) -> TypeGuard[Table]:
    return isinstance(value, dict)


def is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: object) -> TypeGuard[float]:
    return is_whole(value) or isinstance(value, float)


def one(value: object) -> str | None:
    return None if is_whole(value) and value == 1 else _kind("1", value)


def flag(value: object) -> str | None:
    return None if is_whole(value) and value in (0, 1) else _kind("0 or 1", value)


def whole(least: int, most: int = 2**53) -> Check:
    def check(value: object) -> str | None:
        if not is_whole(value):
            return _kind("integer", value)
        return None if least <= value <= most else f"{_shown(value)} is not between {least} and {most}."

    return check


def number(least: float = 0.0, most: float = 1e9) -> Check:
    def check(value: object) -> str | None:
        if not is_number(value):
            return _kind("number", value)
        return None if least <= value <= most else f"{_shown(value)} is not between {least:g} and {most:g}."

    return check


def text(pattern: str, most: int = 128) -> Check:
    fits = re.compile(pattern)

    def check(value: object) -> str | None:
        if not isinstance(value, str):
            return _kind("string", value)
        return None if len(value) <= most and fits.fullmatch(value) else f"String does not match {pattern}."

    return check


def words(*allowed: str) -> Check:
    def check(value: object) -> str | None:
        if not isinstance(value, str):
            return _kind("string", value)
        return None if value in allowed else f"Not in enum list: {', '.join(allowed)}."

    return check


def numbers(*allowed: int) -> Check:
    def check(value: object) -> str | None:
        known = ", ".join(map(str, allowed))
        return None if is_whole(value) and value in allowed else f"Not in enum list: {known}."

    return check


def several(check_one: Check, most: int = 64) -> Check:
    """A list of what fits."""

    def check(value: object) -> str | None:
        if not isinstance(value, list):
            return _kind("array", value)
        listed = cast("list[object]", value)
        if len(listed) > most:
            return f"Too many items: {len(listed)}."
        return next((said for each in listed if (said := check_one(each)) is not None), None)

    return check


def either(*checks: Check) -> Check:
    """What fits one of them; what the first says of what fits none."""

    def check(value: object) -> str | None:
        said = [each(value) for each in checks]
        return None if None in said else said[0]

    return check


def nested(shape: Shape) -> Check:
    def check(value: object) -> str | None:
        if not is_table(value):
            return _kind("object", value)
        wrong = shape.wrong(value)
        return "; ".join(f"{key}: {said}" for key, said in wrong.items()) or None

    return check


def passed_through(value: object) -> str | None:
    if not is_table(value):
        return _kind("object", value)
    return None if len(json.dumps(value).encode()) <= PASSED_THROUGH else f"More than {PASSED_THROUGH} bytes."


def _kind(wanted: str, value: object) -> str:
    return f"Expected {wanted} - got {_json_kind(value)}."


def _json_kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case str():
            return "string"
        case list():
            return "array"
        case dict():
            return "object"
        case _:
            return f"number {_shown(value)}"


def _shown(value: object) -> str:
    shown = str(value)
    return shown if len(shown) <= 20 else f"{shown[:20]}…"
