"""Which column each key names, for parts that name columns; features written in place join those of [features]."""

import typing
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass, replace
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pipeline.inline import Named, Unreadable, Value, Written, in_place, owner, spelled, written
from pipeline.parts import Feature, Nested, Part, column_keys, registered
from pipeline.recipes import owners_of
from pipeline.stretch import PRICES
from pipeline.tables import Place, Tables, nearest, shown

T = TypeVar("T")


class Namings:
    """The features of a flow by their names, and the columns that parts name.

    A feature written in place is called by its text in normal form, unless one that is alike has a name already. What
    reads `lost` features, which are declared but wrong, is lost too, and of that nothing is told.
    """

    def __init__(self, tables: Tables, features: Mapping[str, Feature], lost: Iterable[str]) -> None:
        self.features = dict(features)
        """All of them; what `named` meets in place is added."""
        self.places: dict[str, Place] = {}
        """Where each feature that was written in place stands first."""
        self._tables = tables
        self._declared = tuple(features)
        self._columns = frozenset((*PRICES, *owners_of(features)))
        self._lost = frozenset(lost)

    def left(self, features: Mapping[str, Feature]) -> "Namings":
        """The same, with only these of its features."""
        declared = {name: features[name] for name in self._declared if name in features}
        made = Namings(self._tables, declared, {*self._lost, *self._declared} - features.keys())
        made.features.update(features)
        made.places.update(self.places)
        return made

    def named(self, instance: T, path: Place, where: str) -> T | None:
        """A part, or one within it, whose keys hold the names of columns that are; None when one is not."""
        changes: dict[str, Any] = {}
        cls: type[Any] = type(instance)
        for key in column_keys(cls):
            text = getattr(instance, key)
            if text is not None and text != (column := self._column(text, (*path, key), f"{where} {key}:")):
                changes[key] = column
        for key in _nested(cls):
            inner = getattr(instance, key)
            if inner is not None and inner is not (made := self.named(inner, (*path, key), f"{where} {key}")):
                changes[key] = made
        if None in changes.values():
            return None
        try:
            return replace(instance, **changes) if changes else instance  # type: ignore[type-var]  # it is a dataclass
        except ValueError as wrong:
            self._tables.refused(wrong, changes, path, where)
            return None

    def _column(self, text: str, path: Place, where: str) -> str | None:
        if not in_place(text):
            return self._known(text, path, where)
        try:
            feature = written(text)
        except Unreadable as wrong:
            what, _, fix = str(wrong).partition("; ")
            self._tables.problem(path, f"{where} {shown(text)} {what}", fix, value=True)
            return None
        return self._written(feature, path, where)

    def _known(self, column: str, path: Place, where: str) -> str | None:
        """A column by its name, when there is one or will be once a mistake elsewhere is mended."""
        if column in self._columns:
            return column
        if owner(column) not in self._lost:
            fix = nearest(column, self._columns | self._lost)
            self._tables.problem(path, f"{where} there is no column {column!r}", fix, value=True)
        return None

    def _written(self, feature: Written, path: Place, where: str) -> str | None:
        """The column of a feature written in place, which is a feature of the flow from here on."""
        part = registered("feature").get(feature.part)
        if part is None:
            if not self._tables.lacks_parts:
                fix = nearest(feature.part, registered("feature"))
                self._tables.problem(path, f"{where} there is no feature {feature.part!r}", fix, value=True)
            return None
        made = self._made(part, feature, path, where)
        if made is None or not self._gives(part, feature.output, path, where):
            return None
        alike = (name for name, each in self.features.items() if type(each) is type(made) and each == made)
        name = next(alike, None) or _spelled(part, made)
        if name not in self.features:
            self.features[name] = made
            self.places[name] = path
        return name if feature.output is None else f"{name}.{feature.output}"

    def _made(self, part: Part, feature: Written, path: Place, where: str) -> Feature | None:
        keys: dict[str, Any] = {}
        naming = column_keys(part.cls)
        for key, value in feature.keys.items():
            keys[key] = self._argument(key, value, key in naming, path, f"{where} {part.name} {key}")
        if None in keys.values():
            return None
        # The text has one place in the file, whichever of its keys is wrong.
        reading = Tables(self._tables.source)
        made = reading.filled(part.cls, keys, path, f"{where} {part.name}")
        for problem in reading.problems:
            self._tables.problem(path, problem.what, problem.fix, value=True)
        return made

    def _argument(self, key: str, value: Value, names_column: bool, path: Place, where: str) -> Any:
        match value:
            case Written() if names_column:
                return self._written(value, path, f"{where}:")
            case Named(name) if names_column:
                return self._known(name, path, f"{where}:")
            case str() if names_column:
                return self._column(value, path, f"{where}:")
            case Written(part):
                self._tables.problem(
                    path, f"{where} is the feature {part}", "it names no column: give a value", value=True
                )
                return None
            case Named(name):
                self._tables.problem(path, f"{where} is {name}", f"write text in quotes: {key}='{name}'", value=True)
                return None
            case _:
                return value

    def _gives(self, part: Part, output: str | None, path: Place, where: str) -> bool:
        outputs: tuple[str, ...] = part.cls.outputs
        if output is None and outputs:
            told, fix = "gives several columns", f"write one of {', '.join(f'.{each}' for each in outputs)} after it"
        elif output is not None and not outputs:
            told, fix = f"gives one column, without a name such as {output!r}", f"leave .{output} out"
        elif output is not None and output not in outputs:
            told, fix = f"has no output {output!r}", nearest(output, outputs)
        else:
            return True
        self._tables.problem(path, f"{where} {part.name} {told}", fix, value=True)
        return False


def _spelled(part: Part, feature: Feature) -> str:
    """A feature's name when it has none: what it is in full, without columns that it reads anyway."""
    naming = column_keys(part.cls)
    keys: dict[str, Value] = {}
    for field in part.fields:
        value = getattr(feature, field.name)
        if field.name in naming and value is not None and value != field.default:
            keys[field.name] = Named(value)
        elif field.name not in naming and isinstance(value, int | float | str):
            keys[field.name] = value
    return spelled(part.name, keys)


def _nested(cls: type[Any]) -> tuple[str, ...]:
    """The keys of a part that hold another part, or a table in which columns are named."""
    hints = typing.get_type_hints(cls, include_extras=True)
    return tuple(each.name for each in fields(cls) if _holds_columns(hints[each.name]))


def _holds_columns(hint: Any) -> bool:
    if isinstance(hint, type) and is_dataclass(hint):
        return bool(column_keys(hint))
    args = get_args(hint)
    if get_origin(hint) is Annotated:
        return any(isinstance(mark, Nested) for mark in args[1:]) or _holds_columns(args[0])
    return get_origin(hint) in (Union, UnionType) and any(_holds_columns(arg) for arg in args)
