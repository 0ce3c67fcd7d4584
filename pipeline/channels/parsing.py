"""JSON from somebody else, as strictly as it can be taken: what is in it twice, too deep or no number is told."""

import json
import re
from typing import Any, cast

from pipeline.channels.wording import Unfit, shortened

MOST_BYTES = 1 << 20
_LARGE = re.compile(rb"[eE]\+?\d|\d{300}")
"""What may be a number too large for one; every other is read the quick way."""


class _Twice(ValueError):
    """An object has a key twice."""


def parsed(raw: bytes, most: int = MOST_BYTES) -> dict[str, Any]:
    """The one object in a message; `Unfit` says why there is none."""
    if len(raw) > most:
        raise Unfit(f"it has {len(raw)} bytes; {most} are the most")
    try:
        number = _number if _LARGE.search(raw) else None
        value = json.loads(raw.decode(), object_pairs_hook=_once, parse_constant=_no_number, parse_float=number)
    except UnicodeDecodeError as wrong:
        raise Unfit(f"byte {wrong.start}: is not UTF-8") from None
    except RecursionError:
        raise Unfit("it is nested too deeply") from None
    except json.JSONDecodeError as wrong:
        raise Unfit(f"character {wrong.pos}: is not JSON ({wrong.msg.lower()})") from None
    except _Twice as twice:
        raise Unfit(f"{twice}: is in it twice") from None
    except ValueError as wrong:  # a number with thousands of digits, or one that is none
        raise Unfit(f"a number in it cannot be: {str(wrong).lower()[:80]}") from None
    if not isinstance(value, dict):
        raise Unfit(f"it is {'an array' if isinstance(value, list) else shortened(value)}, not an object")
    return cast("dict[str, Any]", value)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise _Twice(shortened(next(key for key in keys if keys.count(key) > 1)))
    return found


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no number")


def _number(text: str) -> float:
    number = float(text)
    if number in {float("inf"), float("-inf")}:
        raise ValueError(f"{text[:40]} is too large")
    return number
