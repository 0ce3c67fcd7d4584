"""The heartbeat: that the publisher lives, and everything about how it fares.

Listeners accept four words as its state; ours stands beside it in `context.diag_state`.

| ours | before the first bar | bars of the past are out | after the first new bar |
|---|---|---|---|
| STREAM | warmup | warmup_cache | stream; idle while prices are silent |
| IDLE | idle | idle | idle |
| RECOVERING, DISCONNECTED | warmup | warmup_cache | idle |
"""

from typing import Any, Literal

import msgspec
from msgspec import UNSET

from pipeline.channels.messages import Heartbeat
from pipeline.publishing.picture import Picture, backoff_left
from pipeline.publishing.pulse import Pulse
from pipeline.publishing.snapshots import snapshot_state
from pipeline.publishing.status import session_of
from pipeline.publishing.symbols import symbol_of
from pipeline.publishing.trading import seconds
from pipeline.service import Diagnosis, FeedReport, LaneReport
from pipeline.times import SECOND, utc_text

MANY = 100
"""No more symbols, and no more streams, than that stand in a heartbeat: the quietest, and those furthest behind."""
SNAPSHOTS = "price_snapshots"
"""The lane of snapshots."""

WireState = Literal["warmup", "warmup_cache", "stream", "idle"]


def wire_state(picture: Picture, bars: int) -> WireState:
    """What listeners are told; `bars` were published in this life, of the past or new."""
    facts = picture.facts
    if facts.turn.state == "IDLE":
        return "idle"
    if not (facts.fresh or facts.live):
        return "warmup_cache" if bars else "warmup"
    return "stream" if facts.turn.state == "STREAM" and picture.process == "stream" else "idle"


def heartbeat_of(picture: Picture, pulse: Pulse, told: Diagnosis, channel: str, interval: float) -> Heartbeat:
    """`channel` and `interval` (seconds) are those of the snapshots."""
    last, silence = pulse.streams.last_close, picture.tick_silence_seconds
    state = wire_state(picture, sum(each.bars for each in told.streams))
    return Heartbeat(
        type="heartbeat",
        state=state,
        ts=utc_text(picture.at),
        context=_context(state, picture, pulse, told)
        | {"price_stream": _price_stream(picture, pulse, told, channel, interval), "supervisor": _supervisor(told)}
        | _of_source(picture, told),
        last_bar_close_ms=last - 1 if last else UNSET,
        tick_silence_seconds=UNSET if silence is None else silence,
        price_snap_ts=told.last_snapshot_at / SECOND if told.last_snapshot_at else UNSET,
    )


def _context(state: WireState, picture: Picture, pulse: Pulse, told: Diagnosis) -> dict[str, Any]:
    facts, hours, streams = picture.facts, picture.facts.hours, pulse.streams
    told_of = sorted(told.streams, key=lambda each: each.last_close)
    context: dict[str, Any] = {
        "mode": state,
        "diag_state": facts.turn.state,
        "diag_state_since": utc_text(facts.turn.since),
        "diag_reason": facts.turn.reason,
        "note": picture.note.text,
        "calendar_open": hours.is_open,
        "ticks_alive": facts.ticks_alive,
        "effective_market_open": picture.market == "open",
        "market_pause": picture.market == "closed",
        "bars_published": sum(each.bars for each in told.streams),
        "late_seconds": facts.lag / SECOND,
        "stream_targets": [
            {
                "symbol": symbol_of(each.product),
                "tf": each.timeframe,
                "last_close_ms": each.last_close - 1 if each.last_close else None,
                "lag_seconds": each.lag_seconds,
            }
            for each in told_of[:MANY]
        ],
        "stream_targets_total": len(told_of),
        "quiet": [symbol_of(product) for product in picture.facts.quiet[:MANY]],
        "session": session_of(picture),
    }
    if streams.last_close:
        context["lag_seconds"] = max(0, picture.at - streams.last_close) / SECOND
    if picture.market != "open" and hours.next_open is not None:
        context["next_open_ms"] = hours.next_open
        context["next_open_seconds"] = seconds(hours.next_open, picture.at)
    if state == "idle":
        context["idle_reason"] = hours.note if picture.market == "closed" else picture.note.text
    return context


def _price_stream(picture: Picture, pulse: Pulse, told: Diagnosis, channel: str, interval: float) -> dict[str, Any]:
    lane = next((each for each in told.lanes if each.name == SNAPSHOTS), None)
    running = lane is None or lane.state != "stopped"
    facts = picture.facts
    prices = [each for each in pulse.ticks.prices(picture.at) if symbol_of(each.product)]
    return {
        "state": snapshot_state(facts.silence, pulse.limits, is_open=picture.market == "open", running=running),
        "tick_silence_seconds": picture.tick_silence_seconds,
        "symbols_state": [
            {
                "symbol": symbol_of(each.product),
                "bid": each.bid,
                "ask": each.ask,
                "mid": each.mid,
                "tick_ts": each.tick_at / SECOND,
                "tick_age": each.age_seconds,
            }
            for each in prices[:MANY]
        ],
        "symbols_total": len(prices),
        "queue": 0 if lane is None else lane.depth,
        "channel": channel,
        "last_snap_ts": told.last_snapshot_at / SECOND if told.last_snapshot_at else None,
        "last_tick_ts": prices[-1].tick_at / SECOND if prices else None,
        "interval_seconds": interval,
        "tick_errors": pulse.ticks.errors,
        "ticks_late": pulse.ticks.late,
    }


def _supervisor(told: Diagnosis) -> dict[str, Any]:
    return {
        "lanes": {each.name: _lane(each) for each in told.lanes},
        "total_enqueued": sum(each.enqueued for each in told.lanes),
        "total_processed": sum(each.processed for each in told.lanes),
        "total_conflated": sum(each.conflated for each in told.lanes),
        "total_dropped": sum(each.dropped for each in told.lanes),
        "queue_depth_total": told.queue_depth,
        "backpressure_events": told.backpressure_events,
        "publish_counts": told.published,
        "publishes_total": sum(told.published.values()),
        "tasks": {each.name: {"state": each.state, "idle_seconds": each.idle_seconds} for each in told.lanes},
    }


def _lane(lane: LaneReport) -> dict[str, Any]:
    told = msgspec.to_builtins(lane)
    return {key: value for key, value in told.items() if key not in {"name", "state", "idle_seconds"}}


def _of_source(picture: Picture, told: Diagnosis) -> dict[str, Any]:
    """What the source says of itself; of several the one that fares worst."""
    report = picture.facts.report
    left = backoff_left(report, picture.at)
    context: dict[str, Any] = {
        "backoff": {
            "feed": {"active": left > 0, "seconds": left},
            "redis": {"active": told.redis == "backoff", "seconds": told.redis_backoff_seconds},
        },
        "backoff_seconds": left,
        "fxcm_backoff_active": left > 0,
        "redis": told.redis,
        "diag": {"throttled": _throttled(report)},
    }
    if report is None:
        return context
    return context | {
        "feed_session": report.session,
        "feed_session_since": utc_text(report.since),
        "last_fxcm_error": report.last_error or None,
        "history": _history(report),
        "tick_cadence": {tf: msgspec.to_builtins(pace) for tf, pace in report.pace.items()},
        **{f"poll_seconds_{_turned(tf)}": pace.seconds for tf, pace in report.pace.items()},
    }


def _history(report: FeedReport) -> dict[str, Any]:
    """The venue's service for history: what of its quota is used."""
    told: dict[str, Any] = {} if report.quota is None else msgspec.to_builtins(report.quota)
    more = {"ready": report.history_ready, "calls": report.history_calls, "failures": report.history_failures}
    return told | more | {"not_ready": report.not_ready}


def _throttled(report: FeedReport | None) -> bool:
    return report is not None and report.quota is not None and report.quota.throttled


def _turned(timeframe: str) -> str:
    """`m1` of `1m`."""
    return timeframe[-1] + timeframe[:-1]
