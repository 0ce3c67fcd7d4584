"""Tables of a flow file as instances of classes. What is wrong with one is collected, so that the user hears of all."""

import difflib
import json
import math
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from datetime import date
from decimal import Decimal
from types import UnionType
from typing import Annotated, Any, Literal, TypeGuard, Union, cast, get_args, get_origin

import msgspec
from msgspec import Meta

from pipeline.errors import Problem
from pipeline.parts import TABLES, Derived, Kind, Nested, Part, numbered, registered, type_text
from pipeline.toml_text import Source

Place = tuple[str | int, ...]
"""Where something stands in a file: names of keys and numbers of elements, from the top."""

ARTICLES = (("an ", ("amount",)), ("a ", ("whole", "number", "list", "table", "column")))
LONGEST_SHOWN = 60
FEW = 4
"""So many words or fewer are all named: one that looks like what was written need not be what was meant."""
MANY = 24
"""More parts than these are not listed in a sentence."""


class Tables:
    """One reading of a flow file."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems: list[Problem] = []
        self.lacks_parts = False
        """Whether there would be more parts to use if other problems were mended."""

    def table(self, path: Place) -> dict[str, Any]:
        """The table at a path; a problem and nothing when something else stands there."""
        found: Any = self.source.data
        for step in path:
            found = cast("dict[str | int, Any]", found).get(step, {}) if isinstance(found, dict) else {}
        if not isinstance(found, dict):
            name = ".".join(map(str, path))
            self.problem(path, f"{name} is not a table", f"write [{name}] on a line of its own, its keys below")
            return {}
        return cast("dict[str, Any]", found)

    def part(self, kind: Kind, table: Mapping[str, Any], path: Place, name: str, where: str) -> Part | None:
        use = table.get("use", name)
        known = registered(kind)
        if isinstance(use, str) and use in known:
            return known[use]
        number = use if is_number(use) and kind == "provider" else None
        if number is not None and number in numbered():
            return numbered()[number]
        if self.lacks_parts:
            return None
        if "use" in table:
            fix = _meant(kind, use) if number is None else nearest_number(number)
            self.problem((*path, "use"), f"{where} there is no {kind} {shown(use)}", fix, value=True)
        else:
            self.problem(path, f"{where} does not say which {kind} it is", f'add use = "…"; {_meant(kind, name)}')
        return None

    def filled(self, cls: Any, table: Mapping[str, Any], path: Place, where: str, wiring: Sequence[str] = ()) -> Any:
        """An instance of a class from a table, or None with the problems told."""
        hints = typing.get_type_hints(cls, include_extras=True)
        keys = {each.name: each for each in fields(cls) if Derived not in get_args(hints[each.name])}
        before = len(self.problems)
        values: dict[str, Any] = {}
        for key, raw in table.items():
            if key not in keys:
                self.problem((*path, key), f"{where} has no key {key!r}", nearest(key, [*keys, *wiring]))
                continue
            values[key] = self._value(raw, hints[key], (*path, key), where, key)
        for key, entry in keys.items():
            required = entry.default is MISSING and entry.default_factory is MISSING
            if required and key not in table:
                self.problem(path, f"{where} needs {key}", f"add {key} = … ({type_text(hints[key])})")
        if len(self.problems) > before:
            return None
        try:
            return cls(**values)
        except ValueError as wrong:
            self.refused(wrong, values, path, where)
            return None

    def refused(self, wrong: ValueError, values: Mapping[str, Any] | tuple[str, ...], path: Place, where: str) -> None:
        """A part's own rule was broken; its sentence begins with the key it is about, or its value, if about one."""
        sentence = str(wrong)
        about = next((key for key in values if sentence.startswith(f"{key} ")), None)
        if about is None and isinstance(values, Mapping):
            about = next((key for key, value in values.items() if _begins(sentence, value)), None)
            sentence = sentence if about is None else f"{about} {sentence}"
        what, _, fix = sentence.partition("; ")
        at = path if about is None else (*path, about)
        self.problem(at, f"{where} {what}", fix or "change it", value=about is not None)

    def problem(self, path: Place, what: str, fix: str, *, value: bool = False) -> None:
        line, column = self.source.value_place(path) if value else self.source.place(path)
        self.problems.append(Problem("", what, fix, line, column))

    def _value(self, raw: Any, hint: Any, path: Place, where: str, key: str) -> Any:
        nested = next((each for each in get_args(hint) if isinstance(each, Nested)), None)
        if nested is not None:
            return self._nested_part(raw, nested.kind, path, where, key)
        shape = next((each for each in _alternatives(hint) if is_dataclass(each) and isinstance(each, type)), None)
        if shape is not None and isinstance(raw, dict):
            return self.filled(shape, cast("dict[str, Any]", raw), path, f"{where} {key}")
        if shape is not None and shape is hint:
            self.problem(path, f"{where} {key} must be a table", f"write {key} = {{ … }}", value=True)
            return None
        before = len(self.problems)
        for step, each, inner in _elements(raw, hint):
            named = f"no. {step + 1} of {key}" if isinstance(step, int) else f"{key}.{step}"
            self._value(each, inner, (*path, step), where, named)
        if len(self.problems) > before:
            return None
        try:
            made = msgspec.convert(raw, _one_of(raw, hint))
        except msgspec.ValidationError:
            made = None
        if made is None or not _exact(made, raw):
            self.problem(path, f"{where} {key} is {shown(raw)}", _mend(raw, hint), value=True)
        return made

    def _nested_part(self, raw: Any, kind: Kind, path: Place, where: str, key: str) -> Any:
        if not isinstance(raw, dict):
            self.problem(path, f"{where} {key} must be a table", f'write {key} = {{ use = "…" }}', value=True)
            return None
        table = cast("dict[str, Any]", raw)
        part = self.part(kind, table, path, "", f"{where} {key}:")
        if part is None:
            return None
        return self.filled(part.cls, {k: v for k, v in table.items() if k != "use"}, path, f"{where} {key}", ("use",))


def is_number(use: Any) -> TypeGuard[int]:
    """Whether `use` is the number of a preset."""
    return isinstance(use, int) and not isinstance(use, bool)


def _meant(kind: Kind, use: Any) -> str:
    """What somebody may have meant who wrote what no part of a kind is called."""
    known = registered(kind)
    number = str(use).removesuffix(".0")
    if kind == "provider" and number.isdecimal() and int(number) in numbered():
        return f"a number stands without quotes and point: use = {int(number)}"
    close = difflib.get_close_matches(str(use), known, 1, 0.6)
    if close or len(known) <= MANY:
        return nearest(str(use), known)
    return f"`list {TABLES[kind]}` shows all {len(known)}"


def nearest_number(number: int) -> str:
    """The numbers of presets around one that nobody has."""
    known = numbered()
    close = sorted(sorted(known, key=lambda each: (abs(each - number), each))[:2])
    if not close:
        return 'no provider has a number here; name one: use = "…"'
    return f"the nearest are {' and '.join(f'{each} ({known[each].name})' for each in close)}"


def nearest(word: str, words: Iterable[str]) -> str:
    """`did you mean 'period'?`, or the words there are."""
    known = sorted(set(words))
    close = difflib.get_close_matches(word, known, 1, 0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"use one of {', '.join(known)}" if known else "there is none to choose from"


def _elements(raw: Any, hint: Any) -> Iterator[tuple[str | int, Any, Any]]:
    """The elements of a list or a table, each with the type it must have."""
    for each in _alternatives(hint):
        if get_origin(each) is tuple and isinstance(raw, list):
            yield from ((number, value, get_args(each)[0]) for number, value in enumerate(cast("list[Any]", raw)))
        elif get_origin(each) is dict and isinstance(raw, dict):
            yield from ((key, value, get_args(each)[1]) for key, value in cast("dict[str, Any]", raw).items())


def _alternatives(hint: Any) -> tuple[Any, ...]:
    """The types of which a value may have one."""
    base = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    return get_args(base) if get_origin(base) in (Union, UnionType) else (base,)


def _one_of(raw: Any, hint: Any) -> Any:
    """Of a type that allows lists or tables beside others, what a value can be of it.

    msgspec 0.22 writes where it must not when it is given a text with a pattern and a list or a table in one union.
    """
    several = _alternatives(hint)
    kinds = [get_origin(get_args(each)[0] if get_origin(each) is Annotated else each) for each in several]
    if len(several) == 1 or not {tuple, dict} & set(kinds):
        return hint
    wanted = tuple if isinstance(raw, list) else dict if isinstance(raw, dict) else None
    fitting = [each for each, kind in zip(several, kinds, strict=True) if kind is wanted and wanted is not None]
    plain = [each for each, kind in zip(several, kinds, strict=True) if kind not in (tuple, dict)]
    return cast("Any", Union)[tuple(fitting or plain or several)]


def _exact(made: Any, raw: Any) -> bool:
    """Whether a value may stand as it was written: numbers are finite, amounts are text (1.1 has no exact float)."""
    if isinstance(made, Decimal):
        return math.isfinite(made) and isinstance(raw, str)
    return not isinstance(made, float) or math.isfinite(made)


def shown(raw: Any) -> str:
    """A value as it stood in the file, short."""
    match raw:
        case "" | []:
            return "empty"
        case str():
            return repr(raw if len(raw) <= LONGEST_SHOWN else raw[:LONGEST_SHOWN] + "…")
        case bool():
            return str(raw).lower()
        case list():
            return "a list"
        case dict():
            return "a table"
        case _:
            return str(raw)


def _mend(raw: Any, hint: Any) -> str:
    base = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    if [each for each in _alternatives(hint) if each is not type(None)] == [Decimal]:
        number = isinstance(raw, int | float) and not isinstance(raw, bool) and math.isfinite(raw)
        return f'write an amount in quotes: "{raw}"' if number else 'write an amount like "1.00"'
    choices = [str(each) for each in get_args(base)] if get_origin(base) is Literal else []
    if choices:
        return f"use one of {', '.join(choices)}" if len(choices) <= FEW else nearest(str(raw), choices)
    if get_origin(base) is tuple and isinstance(raw, str | int | float) and raw != "":
        return f"write a list: [{_quoted(raw)}]"
    if isinstance(raw, date) and str in _alternatives(hint):
        return f'write it in quotes: "{raw.isoformat()}"'
    if form := _form(hint):
        return f"write {form}"
    text = type_text(hint)
    article = next((word for word, first in ARTICLES if text.startswith(first)), "")
    return f"write {article}{text.replace(' | ', ' or ')}"


def _form(hint: Any) -> str:
    """How a text must look that has a form, and is all that may stand there."""
    alone = [each for each in _alternatives(hint) if each is not type(None)]
    metas = [meta for each in (hint, *alone) for meta in get_args(each) if isinstance(meta, Meta) and meta.pattern]
    return (metas[0].description or "") if metas and len(alone) == 1 else ""


def _begins(sentence: str, value: Any) -> bool:
    """Whether a sentence begins with a text, or with one of several."""
    several = cast("Iterable[Any]", value) if isinstance(value, tuple | list | dict) else (value,)
    return any(isinstance(each, str) and sentence.startswith(f"{each!r} ") for each in several)


def _quoted(raw: Any) -> str:
    return json.dumps(raw, ensure_ascii=False)
