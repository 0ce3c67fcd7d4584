"""Values as bars of eighths of a cell, in one row."""

from collections.abc import Sequence

EIGHTHS = " ▁▂▃▄▅▆▇█"


def eighths(values: Sequence[float | None], low: float = 0.0) -> str:
    """A bar for each value above `low`, the highest a whole cell; None is a gap, and a value is never one."""
    highest = max((value for value in values if value is not None), default=low)
    return "".join(" " if value is None or value <= low else _bar(value - low, highest - low) for value in values)


def _bar(value: float, highest: float) -> str:
    return EIGHTHS[max(1, round(value / highest * (len(EIGHTHS) - 1)))]
