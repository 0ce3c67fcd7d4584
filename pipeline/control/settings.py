"""The table [api] of a flow file."""

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta


@dataclass(frozen=True, kw_only=True)
class Api:
    """Where and how the engine's control API answers; always on this machine only."""

    port: Annotated[int, Meta(ge=0, le=65535, description="the loopback port; 0 for any free one")] = 0
