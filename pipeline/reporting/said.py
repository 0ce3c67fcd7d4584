"""What a section of the report is, and how its numbers are written."""

from typing import Any, NamedTuple

from pipeline.statistics.shares import Interval


class Section(NamedTuple):
    """A line of the report for a person, and the same as facts for a program."""

    name: str
    label: str
    text: str
    facts: dict[str, Any]


def percent(share: float) -> str:
    if 0 < share < 0.0001:
        return "under 0.01 %"
    if 0.99 < share < 1:
        return "over 99 %"
    return f"{share * 100:.1g} %" if 0 < share < 0.01 else f"{share * 100:.0f} %"


def ends(interval: Interval) -> dict[str, float]:
    return {"low": interval.low, "high": interval.high, "level": interval.level}
