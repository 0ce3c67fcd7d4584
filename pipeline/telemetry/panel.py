"""Where the parts of a running flow and those who look on meet: what waits is hung up here, and so is how all fares."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from pipeline.telemetry.edges import Edges
from pipeline.telemetry.readings import Reading


@dataclass
class Panel:
    """One for a flow. Whoever has a queue adds it to `edges`; `readings` is None while nobody looks on."""

    edges: Edges = field(default_factory=Edges)
    readings: Callable[[], Iterable[Reading]] | None = None


@runtime_checkable
class Panelled(Protocol):
    """A host that has one."""

    panel: Panel
