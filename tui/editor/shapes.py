"""What the schema of flow files says may stand at a path."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, cast

from pipeline.alerting.settings import Alerting
from pipeline.control.settings import Api
from pipeline.flowtest import FlowTest
from pipeline.logs.settings import Logs
from pipeline.plan import Account, Settings
from pipeline.schema import flow_schema
from pipeline.telemetry.settings import Telemetry

Shape = Mapping[str, Any]
DEFS = "#/$defs/"
FEW = 8
"""A part of a kind is one of more than these: which one must be known before its keys are."""


class Shapes:
    """The schema of a flow file, walked along a path."""

    def __init__(self, schema: Shape) -> None:
        self._schema = schema
        self._defs: Mapping[str, Shape] = schema.get("$defs", {})

    def at(self, path: Sequence[str | int], use: str = "") -> tuple[Shape, ...]:
        """What may stand there. `use` is the part that the last table of the path is, where it says so."""
        found: list[Shape] = [self._schema]
        for number, step in enumerate(path):
            last = number == len(path) - 1
            inner = (self._inner(shape, step) for shape in found)
            found = [
                opened
                for each in inner
                for shape in each
                for opened in self._opened(shape, use if last else None, step)
            ]
        return tuple(found)

    def of_key(self, path: Sequence[str | int], use: str = "") -> tuple[Shape, ...]:
        """What the value of a key may be; `use` is the part that its table is."""
        tables = self.at(path[:-1], use) if path else ()
        return tuple(
            opened for table in tables for shape in self._inner(table, path[-1]) for opened in self._opened(shape, "")
        )

    def uses(self, table: str) -> tuple[str | int, ...]:
        """The parts that a table of a kind may be."""
        use: Shape = self._defs.get(table, {}).get("properties", {}).get("use", {})
        return tuple(use.get("enum", ()))

    def _inner(self, shape: Shape, step: str | int) -> Iterator[Shape]:
        if isinstance(step, int):
            if isinstance(items := shape.get("items"), dict):
                yield cast("Shape", items)
            return
        properties: Shape = shape.get("properties", {})
        if step in properties:
            yield properties[step]
        elif isinstance(more := shape.get("additionalProperties"), dict):
            yield cast("Shape", more)

    def _opened(self, shape: Shape, use: str | None, name: str | int = "") -> Iterator[Shape]:
        """A shape without references; of several parts the one that is used."""
        if "$ref" in shape:
            named = self._defs.get(str(shape["$ref"]).removeprefix(DEFS), {})
            told = {key: shape[key] for key in ("description", "default") if key in shape}
            yield from self._opened({**named, **told}, use, name)
            return
        for each in shape.get("allOf", ()):
            yield from self._opened({**{key: shape[key] for key in ("default",) if key in shape}, **each}, use, name)
        several: Sequence[Shape] = shape.get("anyOf", ())
        if not several:
            if "allOf" not in shape:
                yield shape
            return
        wanted = use or (name if isinstance(name, str) else "")
        fitting = [each for each in several if self._is(each, wanted)]
        if fitting or len(several) > FEW:
            yield from (opened for each in fitting[:1] for opened in self._opened(each, use, name))
            if not fitting:
                yield {key: value for key, value in shape.items() if key != "anyOf"}
            return
        for each in several:
            told = {key: shape[key] for key in ("description", "default") if key in shape}
            yield from self._opened({**told, **each}, use, name)

    def _is(self, shape: Shape, use: str) -> bool:
        """Whether a shape is the part of that name, or has it among its presets."""
        named = str(shape.get("$ref", "")).removeprefix(DEFS)
        if not use or "." not in named:
            return False
        own: Shape = self._defs.get(named, {}).get("properties", {}).get("use", {})
        return use in map(str, (own.get("const", ""), *own.get("enum", ())))


@cache
def shapes() -> Shapes:
    """Of all parts there are in this process; made once, which takes a tenth of a second."""
    return Shapes(flow_schema(Settings, Account, FlowTest, Api, Logs, Alerting, Telemetry))


def choices(found: Iterable[Shape]) -> Iterator[Any]:
    """The values that a key may have, where only some may be."""
    for shape in found:
        yield from shape.get("enum", ())
        if "const" in shape:
            yield shape["const"]
        if shape.get("type") == "boolean":
            yield from (True, False)
