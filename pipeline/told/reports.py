"""The report on what was traded."""

from typing import Any

from msgspec import Struct


class ReportTold(Struct, frozen=True):
    """What `report --json` prints; docs/statistics.md says what each section means."""

    version: int
    note: str
    stamps: tuple[str, ...]
    """What must be known before all else."""
    zone: str
    trials: dict[str, Any]
    """How often this flow's data was looked at."""
    keys: tuple[dict[str, Any], ...]
    totals: tuple[dict[str, Any], ...]
    """For each kind of money, which are never summed."""
