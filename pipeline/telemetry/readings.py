"""A number under its name, as it is read at one moment."""

from typing import NamedTuple

from pipeline.telemetry.sketches import Spread


class Reading(NamedTuple):
    """A value of a family (`families.FAMILIES`), with the values of that family's labels in their order."""

    name: str
    labels: tuple[str, ...]
    value: float | Spread
    """Durations (a spread) are milliseconds here; a family in seconds is told in seconds."""
