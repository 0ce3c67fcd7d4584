"""What others send, read with suspicion: JSON that may be wrong in every way, and answers that may lack anything.

Whatever is wrong is one `CallFailed` of kind "format" that says where. What stood there is shown by its shape alone,
letters as `a` and digits as `9`: nobody knows beforehand where a secret comes back.
"""

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn, TypeVar, cast

import msgspec

from pipeline.connections.troubles import CallFailed

DEEPEST = 32
LONGEST_NUMBER = 64
LARGEST_POWER, SMALLEST_POWER = 40, -400
"""Of ten. No price, sum or id is beyond; numbers like 1e999999999 would take hours to count with."""
LARGEST_WHOLE = 2**63
LONGEST_TEXT = 4096
SAMPLE = 24

_TOKENS = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_FLAGS = {1: True, 0: False, "1": True, "0": False, "true": True, "false": False}
"""True and false are 1 and 0 to a table's keys."""
_ENCODER = msgspec.json.Encoder(decimal_format="number")

Key = str | int
Fallback = TypeVar("Fallback")


class _Missing:
    """Stands for no default."""


MISSING = _Missing()


def encoded(table: Mapping[str, object]) -> str:
    """JSON in which a `Decimal` is written as a number, digit by digit as it is."""
    return _ENCODER.encode(table).decode()


def decoded(raw: str | bytes, what: str) -> Any:
    """What a JSON text says, fractions as `Decimal`; `what` it is, in two or three words, for a failure's sentence.

    Refused is what Python's own reader would take: NaN and Infinity, numbers beyond all reason, a key that comes twice,
    more than 32 levels, half a character.
    """
    fault, value = "", None
    try:
        text = raw if isinstance(raw, str) else raw.decode()
        _shallow(text)
        value = _DECODER.decode(text)
        if _SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False, default=str).encode()
    except json.JSONDecodeError:
        fault = "is not JSON"
    except UnicodeError:
        fault = "is not UTF-8 text"
    except _Strange as strange:
        fault = str(strange)
    if fault:  # not within the except: the other error holds the whole text
        raise CallFailed("format", f"{what} {fault}")
    return value


class Answer:
    """A table (or a list) of what somebody answered. Each reader takes what its field may honestly look like.

    A field that is missing or null is its `default`; without one, and for any other value that is not what was asked
    for, it is a `CallFailed` that names the field.
    """

    __slots__ = ("_path", "_what", "raw")

    def __init__(self, raw: Any, what: str, path: tuple[Key, ...] = ()) -> None:
        self.raw: Mapping[str, Any] | Sequence[Any] = raw
        self._what = what
        self._path = path
        if not isinstance(raw, dict | list):
            self._fail((), "is neither a table nor a list", cast("object", raw))

    def __repr__(self) -> str:
        return f"Answer({self._what})"

    def __len__(self) -> int:
        return len(self.raw)

    def has(self, key: Key) -> bool:
        return self._at(key) is not None

    def names(self) -> tuple[str, ...]:
        """The keys of a table."""
        if not isinstance(self.raw, dict):
            self._fail((), "is not a table", self.raw)
        return tuple(self.raw)

    def text(self, key: Key, default: str | Fallback | _Missing = MISSING) -> str | Fallback:
        value = self._at(key)
        if value is None:
            return self._default(key, default)
        if not isinstance(value, str):
            self._fail((key,), "is not text", value)
        if len(value) > LONGEST_TEXT or _UNPRINTABLE.search(value):
            self._fail((key,), "is not a text that can be shown", value)
        return value

    def name(self, key: Key, default: str | Fallback | _Missing = MISSING) -> str | Fallback:
        """An id: text that is not empty, or a whole number as text."""
        value = self._at(key)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        text = self.text(key, default)
        if text == "":
            self._fail((key,), "is empty", value)
        return text

    def number(self, key: Key, default: Decimal | Fallback | _Missing = MISSING) -> Decimal | Fallback:
        """A number, or text that is one."""
        value = self._at(key)
        if value is None:
            return self._default(key, default)
        return self._number(key, value)

    def whole(self, key: Key, default: int | Fallback | _Missing = MISSING) -> int | Fallback:
        """A whole number: 12, "12" or 12.0."""
        value = self._at(key)
        if value is None:
            return self._default(key, default)
        return self._whole(key, value)

    def real(self, key: Key, default: float | Fallback | _Missing = MISSING) -> float | Fallback:
        """A number for counting with, such as a price: never a sum of money."""
        value = self._at(key)
        if value is None:
            return self._default(key, default)
        return float(self._number(key, value))

    def flag(self, key: Key, default: bool | Fallback | _Missing = MISSING) -> bool | Fallback:
        """True or false, also as 1 and 0."""
        value = self._at(key)
        if value is None:
            return self._default(key, default)
        if not isinstance(value, bool | int | str) or value not in _FLAGS:
            self._fail((key,), "is neither true nor false", value)
        return _FLAGS[value]

    def table(self, key: Key, default: Fallback | _Missing = MISSING) -> "Answer | Fallback":
        value = self._at(key)
        if value is None:
            return self._default(key, default)
        if not isinstance(value, dict):
            self._fail((key,), "is not a table", value)
        return Answer(value, self._what, (*self._path, key))

    def rows(self, key: Key | None = None, default: Fallback | _Missing = MISSING) -> "list[Answer] | Fallback":
        """The tables (or lists) of a list; without a key those of the answer itself."""
        value = self.raw if key is None else self._at(key)
        if value is None:
            return self._default("" if key is None else key, default)
        path = self._path if key is None else (*self._path, key)
        return [Answer(each, self._what, (*path, number)) for number, each in enumerate(self._list(key, value))]

    def texts(self, key: Key) -> list[str]:
        return [self._row(key).text(number) for number in range(len(self._row(key)))]

    def wholes(self, key: Key) -> list[int]:
        return [self._whole(key, each) for each in self._list(key, self._at(key))]

    def numbers(self, key: Key) -> list[Decimal]:
        return [self._number(key, each) for each in self._list(key, self._at(key))]

    def reals(self, key: Key) -> list[float]:
        return [float(self._number(key, each)) for each in self._list(key, self._at(key))]

    def wrong(self, key: Key, why: str) -> CallFailed:
        """The failure to raise for a field that can be read but cannot be: "is before it began"."""
        return CallFailed("format", f"{self._where((key,))} {why} (it looks like {_shape(self._at(key))})")

    def _at(self, key: Key) -> object:
        if isinstance(key, str):
            return self.raw.get(key) if isinstance(self.raw, dict) else None
        return self.raw[key] if isinstance(self.raw, list) and -len(self.raw) <= key < len(self.raw) else None

    def _row(self, key: Key) -> "Answer":
        return Answer(self._list(key, self._at(key)), self._what, (*self._path, key))

    def _list(self, key: Key | None, value: object) -> list[Any]:
        if not isinstance(value, list):
            self._fail(() if key is None else (key,), "is not a list" if value is not None else "is missing", value)
        return cast("list[Any]", value)

    def _number(self, key: Key, value: object) -> Decimal:
        number = _read_number(value)
        if number is None:
            self._fail((key,), "is not a number", value)
        return number

    def _whole(self, key: Key, value: object) -> int:
        number = self._number(key, value)
        if number != number.to_integral_value() or not -LARGEST_WHOLE <= number < LARGEST_WHOLE:
            self._fail((key,), "is not a whole number", value)
        return int(number)

    def _default(self, key: Key, default: Fallback | _Missing) -> Fallback:
        if isinstance(default, _Missing):
            raise CallFailed("format", f"{self._where((key,))} is missing")
        return default

    def _where(self, more: tuple[Key, ...]) -> str:
        path = (*self._path, *more)
        return f"{self._what}: {'.'.join(map(str, path))}" if path else self._what

    def _fail(self, more: tuple[Key, ...], why: str, value: object) -> NoReturn:
        raise CallFailed("format", f"{self._where(more)} {why} (it looks like {_shape(value)})")


class _Strange(ValueError):
    """JSON that we do not take."""


def _shallow(text: str) -> None:
    if text.count("[") + text.count("{") <= DEEPEST:
        return
    depth = 0
    for token in _TOKENS.finditer(text):
        first = text[token.start()]
        if first in "[{":
            depth += 1
            if depth > DEEPEST:
                raise _Strange(f"is nested more than {DEEPEST} levels deep")
        elif first != '"':
            depth -= 1


def _table(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        raise _Strange("has a key twice in one table")
    return table


def _fraction(text: str) -> Decimal:
    number = _sound(text)
    if number is None:
        raise _Strange("has a number beyond all reason")
    return number


def _whole(text: str) -> int:
    if len(text) > LARGEST_POWER:
        raise _Strange("has a number beyond all reason")
    return int(text)


def _refused(name: str) -> NoReturn:
    raise _Strange(f"has {name}, which is not a number")


_DECODER = json.JSONDecoder(parse_float=_fraction, parse_int=_whole, parse_constant=_refused, object_pairs_hook=_table)


def _read_number(value: object) -> Decimal | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return Decimal(value) if abs(value) < 10**LARGEST_POWER else None
    if isinstance(value, Decimal):
        return _sane(value)
    if isinstance(value, float):
        value = repr(value)
    if isinstance(value, str) and len(value) <= LONGEST_NUMBER and _NUMBER.fullmatch(value):
        return _sound(value)
    return None


def _sound(text: str) -> Decimal | None:
    """A number that can be counted with."""
    if len(text) > LONGEST_NUMBER:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return _sane(number)


def _sane(number: Decimal) -> Decimal | None:
    return number if number.is_finite() and SMALLEST_POWER <= number.adjusted() <= LARGEST_POWER else None


def _shape(value: object) -> str:
    """What a value looks like without what it says."""
    match value:
        case None:
            return "null"
        case True | False:
            return str(value).lower()
        case dict() | list():
            kind = "a table" if isinstance(value, dict) else "a list"
            return f"{kind} of {len(cast('Sequence[object]', value))}"
        case _:
            text = str(value) if isinstance(value, str | int | Decimal) else type(value).__name__
            shown = "".join(_stand_in(each) for each in text[:SAMPLE])
            return f"'{shown}{'…' if len(text) > SAMPLE else ''}'"


def _stand_in(character: str) -> str:
    if character.isalpha():
        return "a"
    if character.isdigit():
        return "9"
    return character if character.isprintable() else "?"
