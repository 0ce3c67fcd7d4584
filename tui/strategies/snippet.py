"""A part as a table of a flow's file, ready to be put there: what has to be said stands in it, the rest as comments."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from pipeline.parts import TABLES, Kind
from pipeline.told.parts import KeyTold, PartTold

GIVES: Mapping[str, tuple[str, ...]] = {"provider": ("Votes",)}
"""What the parts of a kind give by being of that kind."""
FED: tuple[Kind, ...] = ("operator", "provider", "ensemble", "risk", "sink")
"""Kinds whose tables say `from`, where a part takes more than what its kind is given anyway."""
_LEFT_OUT = re.compile(r"\bleft out\b")


def snippet(part: PartTold, parts: Iterable[PartTold]) -> str:
    """The table, under a name that is free in the flow; a stake is a key of a risk table."""
    every = list(parts)
    if part.kind == "stake":
        said = [key for key in part.fields if key.required or not _LEFT_OUT.search(example(key))]
        keys = ", ".join(f"{key.name} = {example(key)}" for key in said)
        return f'stake = {{ use = "{part.name}"{", " if keys else ""}{keys} }}\n'
    return "\n".join(_lines(part, every)) + "\n"


def free_name(part: PartTold, parts: Iterable[PartTold]) -> str:
    """The part's own name, with a number behind it where a node of the flow has that already."""
    taken = {use.node for each in parts for use in each.used}
    table, at, name = table_of(part), 1, part.name
    while f"{table}.{name}" in taken:
        at += 1
        name = f"{part.name}_{at}"
    return name


def table_of(part: PartTold) -> str:
    """The table of a flow's file in which such parts stand."""
    return next((table for kind, table in TABLES.items() if kind == part.kind), part.kind)


def example(key: KeyTold) -> str:
    """A value that a file may have there: the default, else the first that is allowed."""
    if key.default is not None:
        return key.default
    if key.choices:
        return f'"{key.choices[0]}"'
    if nested := re.match(r'\{ use = "([^"]*)"', key.type):
        names = nested[1].split(" | ")
        return f'{{ use = "{"fixed" if "fixed" in names else names[0]}" }}'
    kind = key.type.partition(" ")[0]
    least = re.search(r"≥ (-?[\d.]+)", key.range)
    match kind:
        case "whole":
            return least[1] if least else "1"
        case "number":
            return least[1] if least else "1.0"
        case "true":
            return "false"
        case "list":
            return "[]"
        case "table" | "{":
            return "{}"
        case "column":
            return '"close"'
        case "amount":
            return '"1.00"'
        case _:
            return '""'


def _lines(part: PartTold, parts: Sequence[PartTold]) -> Iterator[str]:
    yield f"[{table_of(part)}.{free_name(part, parts)}]"
    yield f'use = "{part.name}"'
    if part.kind in FED and part.takes:
        yield _from(next(iter(part.takes.values())), parts)
    for key in part.fields:
        if key.required:
            yield f"{key.name} = {example(key)}  # has to be said: {key.type}"
    for key in part.fields:
        if not key.required and key.default is not None and not _LEFT_OUT.search(key.default):
            yield f"# {key.name} = {key.default}"


def _from(takes: Sequence[str], parts: Sequence[PartTold]) -> str:
    """What in this flow gives that."""
    nodes = [
        use.node
        for part in parts
        if set(takes) & {*part.gives, *GIVES.get(part.kind, ())}
        for use in part.used
        if use.node.count(".") == 1
    ]
    if not nodes:
        return f"from = []  # name what gives {' or '.join(takes)}"
    named = ", ".join(f'"{node}"' for node in nodes)
    return f"from = {named}" if len(nodes) == 1 else f"from = [{named}]"
