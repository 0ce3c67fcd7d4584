"""What made some scores, in a few letters: the same for two flows whose scores mean the same, and for no others.

Counted are the ensemble with its keys, its providers with theirs, and the features those read, however these are named
and wherever they are written. Not counted are accounts, sources, timeframes and what nobody reads.
"""

import hashlib
import typing
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any, get_args

import msgspec

from pipeline.parts import Derived, Feature, column_keys, part_of
from pipeline.plan import Edge, Node
from pipeline.recipes import owners_of
from pipeline.values import Votes

LETTERS = 16


def fingerprint(
    ensemble: Node, nodes: Mapping[str, Node], edges: Iterable[Edge], features: Mapping[str, Feature], *, stack: bool
) -> str:
    """Of an ensemble's scores; of a stack, whose record is made of its providers' scores, of those."""
    made = _Description(features)
    providers = {edge.source for edge in edges if edge.target == ensemble.id and Votes in edge.types}
    facts = {
        "providers": {name: made.of(nodes[name].instance) for name in providers},
        "ensemble": None if stack else made.of(ensemble.instance),
    }
    text = msgspec.json.encode(facts, enc_hook=str, order="deterministic")
    return hashlib.sha256(text).hexdigest()[:LETTERS]


class _Description:
    """Parts in plain values, with what they read in place of its name."""

    def __init__(self, features: Mapping[str, Feature]) -> None:
        self._features = features
        self._owners = owners_of(features)

    def of(self, instance: Any) -> dict[str, Any]:
        part = part_of(instance)
        hints = typing.get_type_hints(part.cls, include_extras=True)
        columns = column_keys(part.cls)
        described: dict[str, Any] = {"part": f"{part.kind} {part.name}"}
        for each in fields(part.cls):
            value = getattr(instance, each.name)
            if each.name == "record":
                continue
            if each.name in columns:
                described[each.name] = self._column(value)
            elif Derived not in get_args(hints[each.name]):
                described[each.name] = value
            elif isinstance(value, msgspec.Struct):  # what a record says counts, wherever its file is
                described[each.name] = hashlib.sha256(msgspec.json.encode(value)).hexdigest()
        return described

    def _column(self, column: str | None) -> Any:
        owner = None if column is None else self._owners.get(column)
        if column is None or owner is None:
            return column
        return {"feature": self.of(self._features[owner]), "output": column.removeprefix(owner)}
