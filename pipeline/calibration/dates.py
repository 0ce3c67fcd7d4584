"""At which moments something is fitted to the past."""

from pipeline.times import DAY, duration

STEPS = ((60 * DAY, "7d"), (5 * DAY, "1d"), (0, "1h"))
"""How far apart fits are when nobody says: by how long the span is."""
MONDAY = 4 * DAY
"""Dates are counted from a Monday: weeks begin there."""


def every_of(first: int, last: int, asked: str | None) -> str:
    """How far apart: what was asked for, else by how long the span is."""
    return asked or next(step for span, step in STEPS if last - first >= span)


def dates_of(first: int, last: int, every: str) -> list[int]:
    """Regular moments within the span, and its end."""
    step = duration(every)
    begin = (first - MONDAY) // step + 1
    regular = range(MONDAY + begin * step, last, step)
    return [*regular, last]
