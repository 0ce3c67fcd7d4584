"""What a section of the report is, and how its numbers are written."""

from typing import Any, NamedTuple

from pipeline.statistics import Interval


class Section(NamedTuple):
    """A line of the report for a person, and the same as facts for a program."""

    name: str
    label: str
    text: str
    facts: dict[str, Any]


def percent(share: float) -> str:
    return f"{share * 100:.0f} %" if 0.01 <= share <= 0.99 or share in {0, 1} else f"{share * 100:.2g} %"


def ends(interval: Interval) -> dict[str, float]:
    return {"low": interval.low, "high": interval.high, "level": interval.level}
