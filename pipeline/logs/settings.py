"""The table [logs] of a flow file."""

from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta

LogLevel = Literal["debug", "info", "warning", "error"]


@dataclass(frozen=True, kw_only=True)
class Logs:
    """What is kept of what the engine says."""

    level: Annotated[LogLevel, Meta(description="the least that is kept")] = "info"
