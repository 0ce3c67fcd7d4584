"""What there is to say of parts: for whoever makes a flow of them, in a list, on a screen, in a program."""

import types
from collections.abc import Iterable, Iterator
from decimal import Decimal
from difflib import get_close_matches
from itertools import groupby
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin

from msgspec import Meta

from pipeline.errors import InputError
from pipeline.parts import TABLES, Field, Kind, Part, column_keys, numbered, registered
from pipeline.tables import nearest_number

KINDS: dict[str, Kind] = {name: kind for kind, table in TABLES.items() for name in (kind, table)}
"""Kinds, as they are called and as their tables are."""


def chosen(what: str | None, own: str = "") -> Iterator[Part]:
    """Parts of a kind, a part by its name or by a number of it, or all; `own` is added where there is none such."""
    if what is not None and what.isdecimal():
        yield of_number(int(what))
        return
    names = {name for kind in TABLES for name in registered(kind)}
    if what is not None and what not in KINDS and what not in names:
        near = get_close_matches(what.lower(), sorted(names | set(KINDS)), 1, 0.6)
        fix = f"did you mean {near[0]!r}?" if near else "`list` shows all there are"
        raise InputError(f"there is no kind and no part {what!r}; {fix}{own}")
    for kind in TABLES:
        for name, part in sorted(registered(kind).items()):
            if what is None or KINDS.get(what) == kind or name == what:
                yield part


def of_number(number: int) -> Part:
    if number not in numbered():
        raise InputError(f"there is no provider {number}; {nearest_number(number)}")
    return numbered()[number]


def spans(numbers: Iterable[int]) -> str:
    """`5-7 9`: numbers in their order, those next to each other together."""
    runs = [[each for _, each in run] for _, run in groupby(enumerate(sorted(numbers)), lambda pair: pair[1] - pair[0])]
    return " ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


def group(part: Part) -> str:
    """basic, advanced or states; of a feature that does not say, and of other kinds, nothing."""
    return getattr(part.cls, "group", "") if part.kind == "feature" else ""


def outputs(part: Part) -> tuple[str, ...]:
    """The columns of a feature that has several."""
    return tuple(part.cls.outputs) if part.kind == "feature" else ()


def looks_back(part: Part) -> int:
    """How far a part looks back with its keys as they stand: bars that pass before a feature is ready, rows before
    the one that a strategy judges. 0: not at all, or it depends on keys that have to be said."""
    if part.kind not in ("feature", "provider") or any(key.required for key in part.fields):
        return 0
    instance = part.cls()
    return int(instance.warmup() if part.kind == "feature" else instance.lookback)


def needs(part: Part) -> tuple[str, ...]:
    """The keys that name columns it reads."""
    return column_keys(part.cls)


def choices(hint: Any) -> tuple[str, ...]:
    """The words that a key may be, where it is one of some."""
    origin = get_origin(hint)
    if origin is Literal:
        return tuple(str(value) for value in get_args(hint))
    if origin is Annotated:
        return choices(get_args(hint)[0])
    if origin in (Union, types.UnionType):
        return tuple(word for each in get_args(hint) for word in choices(each))
    return ()


def bounds(hint: Any) -> Iterator[str]:
    """What a number or a text of a key is held within: `≥ 2`, `at most 200 letters`."""
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        for each in args:
            yield from bounds(each)
    if origin is not Annotated:
        return
    yield from bounds(args[0])
    for meta in args[1:]:
        if isinstance(meta, Meta):
            yield from _bounds(meta)


def toml(value: Any) -> str:
    """A value as it is written in a flow's file."""
    match value:
        case None:
            return "left out"
        case bool():
            return str(value).lower()
        case tuple() | list():
            return f"[{', '.join(toml(each) for each in cast('tuple[Any, ...]', value))}]"
        case int() | float():
            return str(value)
        case str():
            return f'"{value}"'
        case _ if hasattr(value, "__dataclass_fields__"):
            keys = ", ".join(f"{name} = {toml(getattr(value, name))}" for name in value.__dataclass_fields__)
            return f"{{ {keys} }}"
        case _:
            return f'"{value}"'


def default(entry: Field) -> str | None:
    """What a key is when it is left out; None where it has to be said."""
    return None if entry.required else toml(entry.default)


def as_json(part: Part) -> dict[str, Any]:
    """A part, for programs."""
    return {
        "kind": part.kind,
        "use": part.name,
        "help": part.help,
        "origin": part.origin or None,
        **({"group": group(part), "outputs": list(part.cls.outputs)} if part.kind == "feature" else {}),
        **(_numbers(part) if part.kind == "provider" else {}),
        "takes": {name: [kind.__name__ for kind in kinds] for name, kinds in part.takes.items()},
        "gives": [kind.__name__ for kind in part.gives],
        "keys": [
            {"name": e.name, "type": e.type_text, "required": e.required, "default": default(e), "help": e.help}
            for e in part.fields
        ],
    }


def _numbers(part: Part) -> dict[str, Any]:
    presets = {str(number): dict(preset) for number, preset in sorted(part.catalogue.items())}
    return {"ids": sorted(part.catalogue), "family": part.family, "presets": presets}


def _bounds(meta: Meta) -> Iterator[str]:
    for bound, sign in ((meta.ge, "≥"), (meta.gt, ">"), (meta.le, "≤"), (meta.lt, "<")):
        if bound is not None:
            yield f"{sign} {bound:g}" if not isinstance(bound, Decimal) else f"{sign} {bound}"
    if meta.min_length:
        yield f"at least {meta.min_length}"
    if meta.max_length is not None:
        yield f"at most {meta.max_length}"
    if meta.pattern is not None:
        yield f"like {meta.pattern}"
