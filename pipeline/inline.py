"""Features written in place, where a column is asked for: `ema(period=20)`, `bollinger(width=2.5).upper`.

A feature's keys stand in its parentheses. Numbers, true and false are written as they are, texts in single or double
quotes. A key that names a column takes it without quotes, and it may be written in place itself:
`sma(period=5, price=rsi(period=14))`. A dot after the closing parenthesis names one of several outputs.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

DEEPEST = 8
"""How far features may stand within each other."""
EXAMPLE = "write it like ema(period=20) or bollinger(width=2.5).upper"

LONGEST = 1000
"""Characters of one, all in all."""


@dataclass(frozen=True, slots=True)
class Named:
    """A name without quotes: a column by its name."""

    name: str


@dataclass(frozen=True, slots=True)
class Written:
    """A feature written in place."""

    part: str
    keys: Mapping[str, "Value"]
    output: str | None = None


Value = int | float | bool | str | Named | Written
"""What a key may be given; a `str` stood in quotes."""


class Unreadable(ValueError):
    """A text that is no feature: what is wrong with it; how to mend it."""


def in_place(text: str) -> bool:
    """Whether a text is a feature written in place rather than the name of a column."""
    return "(" in text or ")" in text


def owner(column: str) -> str:
    """The feature that a column belongs to: the name before a dot that stands in no parentheses."""
    head, closing, tail = column.rpartition(")")
    return head + closing + tail.split(".", maxsplit=1)[0]


def written(text: str) -> Written:
    """The feature that a text is."""
    if len(text) > LONGEST:
        raise Unreadable(f"is longer than {LONGEST} characters; declare some of it in [features]")
    return _Reader(text).whole()


def spelled(part: str, keys: Mapping[str, Value]) -> str:
    """A feature as it is written in place; reading it gives the same again."""
    return f"{part}({', '.join(f'{key}={_spelled(value)}' for key, value in keys.items())})"


def _spelled(value: Value) -> str:
    match value:
        case bool():
            return str(value).lower()
        case Named(name):
            return name if in_place(name) or WORD.fullmatch(name) else _quoted(name)
        case Written(part, keys, output):
            return spelled(part, keys) + ("" if output is None else f".{output}")
        case str():
            return _quoted(value)
        case _:
            return repr(value)


def _quoted(text: str) -> str:
    return f'"{text}"' if "'" in text else f"'{text}'"


WORD = re.compile(r"""[^\s(),='"]+""")
TOKEN = re.compile(rf"""\s*(?:(?P<sign>[(),=])|(?P<text>'[^']*'|"[^"]*")|(?P<word>{WORD.pattern})|(?P<end>\Z))""")
WHOLE = re.compile(r"[+-]?\d+")
NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")


class _Reader:
    """Reads one text from left to right, one token ahead."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._step()

    def whole(self) -> Written:
        name = self._word("a feature's name")
        feature = self._feature(name, 1)
        if self._kind != "end":
            raise self._unexpected("the end")
        return feature

    def _feature(self, name: str, depth: int) -> Written:
        if depth > DEEPEST:
            raise Unreadable(f"holds features more than {DEEPEST} deep; declare some of them in [features]")
        self._sign("(")
        keys: dict[str, Value] = {}
        while self._ahead != ")" or keys:
            key = self._word("a key")
            if key in keys:
                raise Unreadable(f"gives {key} twice; keep one")
            self._sign("=")
            keys[key] = self._value(depth)
            if self._ahead == ")":
                break
            self._sign(",", "a comma or )")
        self._sign(")")
        return Written(name, keys, self._output())

    def _value(self, depth: int) -> Value:
        if self._kind == "text":
            return self._step()[1:-1]
        word = self._word("a value")
        if self._ahead == "(":
            return self._feature(word, depth + 1)
        if word in ("true", "false"):
            return word == "true"
        if WHOLE.fullmatch(word):
            return int(word)
        return float(word) if NUMBER.fullmatch(word) else Named(word)

    def _output(self) -> str | None:
        if self._kind != "word":
            return None
        if not self._ahead.startswith(".") or not self._ahead[1:]:
            raise self._unexpected("a dot and an output")
        return self._step()[1:]

    def _word(self, wanted: str) -> str:
        if self._kind != "word":
            raise self._unexpected(wanted)
        return self._step()

    def _sign(self, sign: str, wanted: str = "") -> None:
        if self._ahead != sign:
            raise self._unexpected(wanted or sign)
        self._step()

    def _step(self) -> str:
        """The token that was ahead; the next one is ahead then."""
        passed = cast("str", getattr(self, "_ahead", ""))
        found = TOKEN.match(self._text, self._at)
        if found is None:
            raise Unreadable(f"opens a quote that nothing closes; {EXAMPLE}")
        self._kind = cast("str", found.lastgroup)
        self._ahead: str = found[self._kind]
        self._at = found.end()
        return passed

    def _unexpected(self, wanted: str) -> Unreadable:
        seen = f"has {self._ahead!r}" if self._kind != "end" else "ends"
        return Unreadable(f"{seen} where {wanted} should stand; {EXAMPLE}")
