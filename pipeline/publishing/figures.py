"""What a publisher counts of its own work, and the whole that it says of itself."""

from dataclasses import dataclass, field
from typing import Literal

from pipeline.publishing.picture import Picture
from pipeline.publishing.pulse import Pulse
from pipeline.service import Diagnosis, LaneReport


@dataclass(slots=True)
class Figures:
    """Counts since the beginning, and how Redis is reached. The publisher keeps them up to date."""

    published: dict[str, int] = field(default_factory=dict[str, int])
    """Messages acknowledged, by channel."""
    backpressure_events: int = 0
    redis: Literal["connected", "backoff", "off"] = "off"
    redis_backoff_seconds: float = 0.0
    reconnects: int = 0
    snapshots: int = 0
    last_snapshot_at: int = 0
    last_heartbeat_at: int = 0
    commands: dict[str, int] = field(default_factory=dict[str, int])
    universe: tuple[str, ...] = ()
    errors: dict[str, int] = field(default_factory=dict[str, int])


def diagnosis_of(
    whose: str, picture: Picture, pulse: Pulse, figures: Figures, lanes: tuple[LaneReport, ...]
) -> Diagnosis:
    facts = picture.facts
    return Diagnosis(
        whose=whose,
        at=picture.at,
        state=facts.turn.state,
        since=facts.turn.since,
        process=picture.process,
        market=picture.market,
        price=picture.price,
        ohlcv=picture.ohlcv,
        note=picture.note.text,
        calendar_open=facts.hours.is_open,
        ticks_alive=facts.ticks_alive,
        next_open=picture.next_open,
        tick_silence_seconds=picture.tick_silence_seconds,
        quiet=facts.quiet,
        published=dict(figures.published),
        lanes=lanes,
        streams=pulse.streams.reports(),
        backpressure_events=figures.backpressure_events,
        redis=figures.redis,
        redis_backoff_seconds=figures.redis_backoff_seconds,
        reconnects=figures.reconnects,
        snapshots=figures.snapshots,
        last_snapshot_at=figures.last_snapshot_at,
        last_heartbeat_at=figures.last_heartbeat_at,
        commands=dict(figures.commands),
        universe=figures.universe,
        errors=dict(figures.errors),
    )
