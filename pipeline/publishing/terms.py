"""What a publisher is told to do."""

from dataclasses import dataclass, field

from pipeline.channels.names import Names
from pipeline.publishing.thresholds import Thresholds


@dataclass(frozen=True, kw_only=True)
class Terms:
    """Spans are ms."""

    name: str
    file_only: bool
    names: Names
    limits: Thresholds
    timeframes: tuple[int, ...]
    live: bool
    snapshot_every: int
    heartbeat_every: int
    status_every: int
    warmup_bars: int
    cache_bars: int
    queued_bars: int
    snapshot_keys: bool
    commands: bool
    max_targets: int
    signed_only: bool
    secret: bytes = field(repr=False)
