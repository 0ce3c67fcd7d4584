"""What a run that only publishes says of itself in a line, and at its end."""

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from pipeline.service import Diagnosis
from pipeline.times import local_text
from pipeline.view import Status


def feed_line(status: Status, told: Diagnosis, drops: str, zone: ZoneInfo) -> str:
    parts = [
        local_text(status.clock, zone, "%d %b %H:%M:%S"),
        told.state,
        f"market {told.market}, prices {told.price}, bars {told.ohlcv}",
        _counts(told),
        _redis(told),
        f"{status.quotes_per_second:.1f} quotes/s",
        f"drops {drops}",
    ]
    return " · ".join(part for part in parts if part)


def feed_summary(told: Diagnosis) -> Iterator[str]:
    """How publishing stood when it was told last: a flow that ends is told once more when its lanes are empty."""
    yield f"  {told.whose}: {told.state}, {_counts(told)} published"
    for lane in told.lanes:
        if lane.name == "ohlcv":
            left = lane.depth + lane.in_flight + lane.spilled
            waiting = f"; {left:,} wait on the shelf for the next start" if left else ""
            yield f"  final bars: {lane.enqueued:,} to publish, {lane.processed:,} acknowledged{waiting}"


def _counts(told: Diagnosis) -> str:
    bars = sum(stream.bars for stream in told.streams)
    return f"{bars:,} final bars, {told.snapshots:,} snapshots"


def _redis(told: Diagnosis) -> str:
    match told.redis:
        case "connected":
            return ""
        case "off":
            return "files only"
        case "backoff":
            return f"Redis is away, tried again in {told.redis_backoff_seconds:.0f} s"
