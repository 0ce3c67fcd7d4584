"""What makes a node the same node: its part, its keys and what it takes, not where or how its table is written.

Two plans are compared by these: a node whose own keys are equal and which takes the same of the same goes on untouched.
Of a part from a plug-in file the file's content counts. How many bars a window keeps does not: more than are needed
give the same numbers. An edge that closes a loop counts by its name only.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Any, cast

import msgspec
import numpy as np

from pipeline.parts import Feature, part_made, part_of
from pipeline.plan import FEATURES, Edge, Node, Plan, products_of
from pipeline.recipes import owners_of

DEPTH = frozenset({"contexts"})
"""Keys that say how many bars are kept."""
USE, FROM, ON_FAULT, CALENDAR = "use", "from", "on_fault", "calendars"

Keys = Mapping[str, str]
"""The keys of a node's table, each with what stands for its value."""


@dataclass(frozen=True)
class Identities:
    """Those of the nodes of a plan."""

    plan: Plan

    @cached_property
    def own(self) -> Mapping[str, Keys]:
        """By node what is its own: its part, and its keys with those that the plan fills."""
        return {node.id: dict(self._own(node)) for node in self.plan.nodes}

    @cached_property
    def taken(self) -> Mapping[str, frozenset[str]]:
        """By node which values of which nodes it takes, by which of its parameters."""
        return {name: frozenset(map(_named, edges)) for name, edges in self._into.items()}

    @cached_property
    def whole(self) -> Mapping[str, str]:
        """By node a hash of its own keys and of all that lies before it."""
        found: dict[str, str] = {}
        for node in self.plan.nodes:  # each comes after what it takes from
            before = sorted(self._before(node, edge, found) for edge in self._into.get(node.id, ()))
            found[node.id] = _hashed(sorted(self.own[node.id].items()), before)
        return found

    @cached_property
    def columns(self) -> Mapping[str, str]:
        """By column a hash of the feature that gives it, with all that it is computed from."""
        features = self.plan.anchoring.features
        owners = owners_of(features)
        found: dict[str, str] = {}

        def of(column: str) -> str:
            known = found.get(column)
            if known is None:
                name = owners[column]
                read = sorted(_words(features[name]) & (owners.keys() - {column}))
                found[column] = known = _hashed(
                    column.removeprefix(name), feature_keys(features[name]), [of(each) for each in read]
                )
            return known

        for column in owners:
            of(column)
        return found

    @cached_property
    def warm(self) -> Mapping[int, int]:
        """After how many bars of each timeframe every feature is ready: until then no bar is."""
        spans = {tf for node in self.plan.of("operator") for tf in getattr(node.instance, "contexts", {})}
        return {tf: self.plan.anchoring.warmup(tf) for tf in sorted(spans)}

    @cached_property
    def _into(self) -> Mapping[str, tuple[Edge, ...]]:
        into: dict[str, tuple[Edge, ...]] = {}
        for edge in self.plan.edges:
            into[edge.target] = (*into.get(edge.target, ()), edge)
        return into

    def _own(self, node: Node) -> Iterator[tuple[str, str]]:
        yield USE, _hashed(node.part.kind, node.part.name, node.part.home, node.part.content)
        yield ON_FAULT, node.on_fault
        for name, value in described_fields(node.instance):
            if name not in DEPTH:
                yield name, value
        if node.part.kind == "source":
            calendars = self.plan.calendars
            claimed = {each: calendars.claimants(each) for each in products_of(node)}
            yield CALENDAR, described({each: claims for each, claims in claimed.items() if claims})

    def _before(self, node: Node, edge: Edge, known: Mapping[str, str]) -> str:
        if edge.closes or edge.source not in known:
            of = self._features_of(node) if edge.source == FEATURES else ""
            return f"{_named(edge)} {of}"
        return f"{_named(edge)} {known[edge.source]}"

    def _features_of(self, node: Node) -> str:
        """Of the columns a node names what they are, and when all of them are ready."""
        named = sorted(_words(node.instance) & self.columns.keys())
        return _hashed([(name, self.columns[name]) for name in named], sorted(self.warm.items()))


def feature_keys(feature: Feature) -> list[tuple[str, str]]:
    """What makes a feature the same: its part and its keys."""
    part = part_of(feature)
    return [(USE, f"{part.home}:{part.name}:{part.content}"), *described_fields(feature)]


def described_fields(instance: Any) -> Iterator[tuple[str, str]]:
    """The fields of a part, each with what stands for its value."""
    for each in fields(instance):
        if each.compare:
            yield each.name, described(getattr(instance, each.name))


def described(value: Any) -> str:
    """What stands for a value: equal for equal ones, in whatever order a table or a set was written."""
    match value:
        case Mapping():
            items = cast("Mapping[Any, Any]", value).items()
            return "{" + ", ".join(sorted(f"{described(key)}: {described(each)}" for key, each in items)) + "}"
        case set() | frozenset():
            return "{" + ", ".join(sorted(map(described, cast("frozenset[Any]", value)))) + "}"
        case tuple() | list():
            return "(" + ", ".join(map(described, cast("tuple[Any, ...]", value))) + ")"
        case np.ndarray():
            column = cast("np.ndarray[Any, Any]", value)
            return f"{column.dtype}{column.shape}{_hashed(column.tobytes())}"
        case msgspec.Struct():
            return f"{type(value).__qualname__}{described(msgspec.structs.asdict(value))}"
        case _ if is_dataclass(value) and not isinstance(value, type):
            return f"{_made_by(value)}{described(dict(described_fields(value)))}"
        case _:
            return repr(value)


def _made_by(value: object) -> str:
    """Of what a value is; a part in the table of another, as a stake is, is another one when its file is."""
    part = part_made(type(value))
    return type(value).__qualname__ if part is None else f"{part.home}:{part.name}:{part.content}"


def _words(value: Any) -> frozenset[str]:
    """All texts in the keys of a part: those that are names of columns are what it reads."""
    match value:
        case str():
            return frozenset((value,))
        case Mapping():
            items = cast("Mapping[Any, Any]", value).items()
            return frozenset[str]().union(*(_words(key) | _words(each) for key, each in items))
        case tuple() | list() | set() | frozenset():
            return frozenset[str]().union(*map(_words, cast("tuple[Any, ...]", value)))
        case _ if is_dataclass(value) and not isinstance(value, type):
            return frozenset[str]().union(*(_words(getattr(value, each.name)) for each in fields(value)))
        case _:
            return frozenset[str]()


def _named(edge: Edge) -> str:
    types = "|".join(kind.__name__ for kind in edge.types)
    accounts = ",".join(sorted(edge.accounts))
    return f"{edge.parameter} {edge.source} {types} {accounts}"


def _hashed(*parts: object) -> str:
    return blake2b(repr(parts).encode(), digest_size=8).hexdigest()
