"""The table [logs] of a flow file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from msgspec import Meta

from pipeline.logs.records import LogLevel
from pipeline.parts import TABLES
from pipeline.tables import nearest

KINDS = tuple(TABLES.values())
"""What the names of nodes begin with."""
SUBJECTS = (
    *("engine", "clock", "ledger", "keys", "changes", "api", "alerts", "logs", "telemetry", "watchdog"),
    *("requests", "libraries", "repaint", "outcomes", "audits", "certificates", "tap"),
)
"""What is spoken of beside nodes. `requests`: every call to a venue; `libraries`: what libraries say."""


@dataclass(frozen=True, kw_only=True)
class Logs:
    """What is kept of what the engine says."""

    level: Annotated[LogLevel, Meta(description="the least that is kept")] = "info"
    modules: Annotated[
        Mapping[str, LogLevel],
        Meta(description='other levels for some: { "venues" = "debug", "risk.main" = "error" }; the longest counts'),
    ] = field(default_factory=dict[str, LogLevel])
    folder: Annotated[str, Meta(min_length=1, description="where the files are, within the flow's data folder")] = (
        "logs"
    )
    rotate_mb: Annotated[int, Meta(ge=1, le=1024, description="a file is put aside before it is larger")] = 10
    keep_files: Annotated[int, Meta(ge=1, le=1000, description="so many files put aside are kept at the most")] = 7
    keep_days: Annotated[int, Meta(ge=1, le=3650, description="and none that is older")] = 30
    console: Annotated[
        Literal["human", "json", "off"],
        Meta(description="what `run` prints of it where it has no terminal: lines, JSON a line, or nothing"),
    ] = "human"

    def __post_init__(self) -> None:
        for module in self.modules:
            check_module(module)


def check_module(module: str) -> None:
    """`ValueError` for a name that nothing is ever said under."""
    first = module.split(".", 1)[0]
    if first not in (*KINDS, *SUBJECTS):
        raise ValueError(f"nothing is said under {module!r}; {nearest(first, (*KINDS, *SUBJECTS))}")
