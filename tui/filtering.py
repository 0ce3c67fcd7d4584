"""What one types to see fewer rows: words that must be there, and what fields must be.

`eur !demo state:stale` – all of them; `a|b` – one of them; `"two words"`; `state=run`; `pl<0`, `age>=2`;
`/regular expression/`. Capitals do not count. A field is named by the beginning of its column's heading; numbers are
found by their field alone. What is written wrong is an `InputError` in one sentence.
"""

import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from pipeline.errors import InputError
from tui.palette import CALL, ENDED, ENGINE, HALTED, LINK, LOST, MINUS, NEITHER, PUT, WARNING, WON

Texts = Mapping[str, str]
"""What a row shows, by the heading of its column."""

MARKS = f"{CALL}{PUT}{NEITHER}{WON}{LOST}{WARNING}{ENGINE}{HALTED}{ENDED}{LINK} "
"""What may stand beside a word in a cell without being of it."""

_PIECE = re.compile(r'!?(?:(?:[\w/%]+(?:<=|>=|[:<>=]))?"[^"]*"|/(?:[^/\\]|\\.)*/(?=\s|$)|[^\s"]+)')
_FIELD = re.compile(r"(?P<field>[^\W\d][\w/%]*)(?P<sign><=|>=|[:<>=])(?P<value>.*)", re.DOTALL)
_NUMBER = re.compile(r"[-+]?\d[\d ]*(?:\.\d+)?|[-+]?\.\d+")
_UNITS = {"s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0, "ms": 0.001, "k": 1e3, "M": 1e6}


class Filter(NamedTuple):
    """Which rows are to be seen; without a test all are."""

    text: str = ""
    tests: tuple[Callable[[Texts], bool], ...] = ()
    fields: frozenset[str] = frozenset()
    """The columns it names."""

    def shows(self, row: Texts) -> bool:
        return all(test(row) for test in self.tests)


ALL = Filter()


def filter_of(text: str, fields: Sequence[str]) -> Filter:
    """What a person typed, for rows with these columns."""
    if text.count('"') % 2:
        raise InputError(f'the quotation mark in {text!r} has no end; add a "')
    pieces: list[str] = _PIECE.findall(text)
    return Filter(text, tuple(_test(piece, fields) for piece in pieces), frozenset(_named(pieces, fields)))


def _test(piece: str, fields: Sequence[str]) -> Callable[[Texts], bool]:
    if piece.startswith("!") and len(piece) > 1:
        return _not(_any_of(piece[1:], fields))
    return _any_of(piece, fields)


def _named(pieces: Sequence[str], fields: Sequence[str]) -> Iterator[str]:
    """The columns that pieces ask about by name."""
    for part in (part for piece in pieces for part in piece.removeprefix("!").split("|")):
        match = _FIELD.fullmatch(part)
        if match is not None and (field := _field(match["field"], fields)) is not None:
            yield field


def _not(test: Callable[[Texts], bool]) -> Callable[[Texts], bool]:
    return lambda row: not test(row)


def _any_of(piece: str, fields: Sequence[str]) -> Callable[[Texts], bool]:
    if piece.startswith("/"):
        if len(piece) < 3 or not piece.endswith("/"):
            raise InputError(f"the regular expression {piece} has no end; add a /")
        return _matching(piece[1:-1])
    if '"' in piece:
        return _one(piece, fields)
    tests = [_one(part, fields) for part in piece.split("|") if part] or [_one('"|"', fields)]
    return lambda row: any(test(row) for test in tests)


def _one(word: str, fields: Sequence[str]) -> Callable[[Texts], bool]:
    match = _FIELD.fullmatch(word)
    if match is not None and (field := _field(match["field"], fields)) is not None:
        return _of_field(field, match["sign"], match["value"].strip('"'))
    if match is not None and match["sign"] in ("<", ">", "<=", ">="):
        raise InputError(f"there is no column {match['field']!r} here; there are {', '.join(fields)}")
    wanted = word.strip('"').casefold()
    return lambda row: any(wanted in text.casefold() for text in row.values())


def _field(name: str, fields: Sequence[str]) -> str | None:
    """The column whose heading begins so, letters and digits alone counting: `pl` is `P/L`."""
    wanted = _letters(name)
    exact = [field for field in fields if _letters(field) == wanted]
    return next(iter(exact or [field for field in fields if wanted and _letters(field).startswith(wanted)]), None)


def _letters(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())


def _of_field(field: str, sign: str, value: str) -> Callable[[Texts], bool]:
    wanted = value.casefold()
    if sign == ":":
        return lambda row: wanted in row.get(field, "").casefold()
    if sign == "=":
        return lambda row: wanted in (_bare(row.get(field, "")), row.get(field, "").casefold().strip())
    limit = number_in(value)
    if limit is None:
        raise InputError(f"{field}{sign}{value}: {value!r} is no number")
    compare: dict[str, Callable[[float], bool]] = {
        "<": lambda number: number < limit,
        ">": lambda number: number > limit,
        "<=": lambda number: number <= limit,
        ">=": lambda number: number >= limit,
    }
    holds = compare[sign]

    def test(row: Texts) -> bool:
        number = number_in(row.get(field, ""))
        return number is not None and holds(number)

    return test


def _bare(text: str) -> str:
    """What a cell says, without the mark beside it."""
    return text.casefold().strip(MARKS)


def number_in(text: str) -> float | None:
    """The number a cell shows, ages and shares in their own units made comparable: `3m` is 180, `4.9k` is 4900."""
    match = _NUMBER.search(text.replace(MINUS, "-").replace("\N{THIN SPACE}", "").replace("\N{NO-BREAK SPACE}", ""))
    if match is None:
        return None
    unit = re.match(r"\s?(ms|[smhdkM])(?![\w/])", text.replace(MINUS, "-")[match.end() :])
    return float(match[0].replace(" ", "")) * (_UNITS[unit[1]] if unit else 1.0)


def _matching(expression: str) -> Callable[[Texts], bool]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what may mean something else one day is no matter for a filter
            pattern = re.compile(expression, re.IGNORECASE)
    except (re.error, OverflowError, RecursionError) as wrong:
        raise InputError(f"/{expression}/ is no regular expression: {wrong}") from None
    return lambda row: any(pattern.search(text) is not None for text in row.values())
