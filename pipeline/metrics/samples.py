"""What a report says as numbers under their names, as of the moment at which somebody asks."""

from collections.abc import Iterator
from typing import NamedTuple, get_args

from pipeline.service import Diagnosis, DiagState, FeedReport, LaneReport, Quota, SessionState, StreamReport
from pipeline.times import SECOND

SIDES = ("feed", "redis")
BAR_LANES = frozenset(("ohlcv", "live", "asked"))
"""Lanes that carry bars: final ones, those that form, and those of the past that somebody asked for."""


class Sample(NamedTuple):
    name: str
    labels: tuple[str, ...]
    value: float


def of_diagnosis(told: Diagnosis, now: int) -> Iterator[Sample]:
    """How publishing fares."""
    for stream in told.streams:
        yield from _of_stream(stream, now)
    yield from _of_market(told, now)
    for state in get_args(DiagState):
        yield Sample("fxcm_diag_state", (state,), told.state == state)
    yield Sample("fxcm_diag_state_seconds", (), _since(told.since, now))
    if told.last_heartbeat_at:
        yield Sample("fxcm_connector_heartbeat_timestamp", (), told.last_heartbeat_at / SECOND)
    for channel, count in told.published.items():
        yield Sample("fxcm_published_total", (channel,), count)
    yield Sample("fxcm_snapshots_total", (), told.snapshots)
    for kind, count in told.commands.items():
        yield Sample("fxcm_commands_total", (kind,), count)
    yield Sample("fxcm_universe_targets", (), len(told.universe))
    yield Sample("fxcm_universe_restricted", (), bool(told.universe))
    yield Sample("fxcm_redis_connected", (), told.redis == "connected")
    for lane in told.lanes:
        yield from _of_lane(lane)
    dropped = sum(lane.dropped for lane in told.lanes if lane.name in BAR_LANES)
    yield Sample("fxcm_dropped_bars_total", (), dropped)
    yield Sample("fxcm_backpressure_events_total", (), told.backpressure_events)
    yield Sample("fxcm_reconnects_total", ("redis",), told.reconnects)
    left = told.redis_backoff_seconds - _since(told.at, now) if told.redis == "backoff" else 0.0
    yield Sample("fxcm_backoff_sleep_seconds", ("redis",), max(0.0, left))


def of_report(told: FeedReport, now: int) -> Iterator[Sample]:
    """How a source of prices fares."""
    for state in get_args(SessionState):
        yield Sample("fxcm_feed_session", (state,), told.session == state)
    yield Sample("fxcm_feed_session_seconds", (), _since(told.since, now))
    yield Sample("fxcm_subscriptions_total", (), told.subscriptions)
    yield Sample("fxcm_tick_agg_ticks_total", (), told.ticks)
    yield Sample("fxcm_ticks_dropped_total", (), told.ticks_dropped)
    yield Sample("fxcm_edge_depth", (), told.edge_depth)
    for timeframe, pace in told.pace.items():
        yield Sample("fxcm_poll_seconds", (timeframe,), pace.seconds)
    yield Sample("fxcm_history_calls_total", (), told.history_calls)
    yield Sample("fxcm_pricehistory_not_ready_total", (), told.not_ready)
    if told.quota is not None:
        yield from _of_quota(told.quota)
    yield Sample("fxcm_reconnects_total", ("feed",), told.reconnects)
    until = told.backoff_until or told.at + round(told.backoff_seconds * SECOND)
    yield Sample("fxcm_backoff_sleep_seconds", ("feed",), _since(now, until))


def waits_of(told: Diagnosis | FeedReport) -> tuple[str, int]:
    """On which side something failed is tried again later, and when (ms UTC); 0: nothing is waited for."""
    if isinstance(told, FeedReport):
        span = round(told.backoff_seconds * SECOND)
        return "feed", told.backoff_until or (told.at + span if span else 0)
    span = round(told.redis_backoff_seconds * SECOND)
    return "redis", told.at + span if span and told.redis == "backoff" else 0


def _of_stream(stream: StreamReport, now: int) -> Iterator[Sample]:
    labels = (stream.product, stream.timeframe)
    yield Sample("fxcm_ohlcv_bars_total", labels, stream.bars)
    yield Sample("fxcm_tick_agg_bars_total", labels, stream.live)
    if stream.lag_seconds:  # known once a bar was published that had just closed
        yield Sample("fxcm_stream_lag_seconds", labels, stream.lag_seconds)
    if stream.last_close:
        yield Sample("fxcm_stream_staleness_seconds", labels, _since(stream.last_close, now))
        yield Sample("fxcm_stream_last_close_ms", labels, stream.last_close)
        yield Sample("fxcm_ohlcv_complete_last_ts_seconds", labels, stream.last_close / SECOND)
    if stream.last_live:
        yield Sample("fxcm_ohlcv_live_last_ts_seconds", labels, stream.last_live / SECOND)


def _of_market(told: Diagnosis, now: int) -> Iterator[Sample]:
    if told.market != "unknown":
        yield Sample("fxcm_market_status", (), told.market == "open")
    yield Sample("fxcm_calendar_open", (), told.calendar_open)
    yield Sample("fxcm_tick_stream_alive", (), told.ticks_alive)
    yield Sample("fxcm_effective_market_open", (), told.calendar_open or told.ticks_alive)
    yield Sample("fxcm_next_open_seconds", (), _since(now, told.next_open) if told.next_open else 0.0)
    if told.tick_silence_seconds is not None:
        yield Sample("fxcm_tick_silence_seconds", (), told.tick_silence_seconds)
    yield Sample("fxcm_quiet_symbols", (), len(told.quiet))


def _of_lane(lane: LaneReport) -> Iterator[Sample]:
    labels = (lane.name,)
    yield Sample("fxcm_queue_depth", labels, lane.depth)
    yield Sample("fxcm_lane_limit", labels, lane.limit)
    yield Sample("fxcm_lane_in_flight", labels, lane.in_flight)
    yield Sample("fxcm_lane_spilled", labels, lane.spilled)
    yield Sample("fxcm_lane_idle_seconds", labels, lane.idle_seconds)
    yield Sample("fxcm_lane_enqueued_total", labels, lane.enqueued)
    yield Sample("fxcm_lane_processed_total", labels, lane.processed)
    yield Sample("fxcm_lane_conflated_total", labels, lane.conflated)
    yield Sample("fxcm_lane_dropped_total", labels, lane.dropped)
    yield Sample("fxcm_lane_failures_total", labels, lane.failures)


def _of_quota(quota: Quota) -> Iterator[Sample]:
    yield Sample("fxcm_history_calls", ("minute",), quota.minute)
    yield Sample("fxcm_history_calls", ("hour",), quota.hour)
    yield Sample("fxcm_history_limit", ("minute",), quota.per_minute)
    yield Sample("fxcm_history_limit", ("hour",), quota.per_hour)
    yield Sample("fxcm_history_throttled", (), quota.throttled)
    yield Sample("fxcm_history_throttled_total", (), quota.throttled_total)


def _since(then: int, now: int) -> float:
    """Seconds from one moment to another, none where it lies ahead."""
    return max(0, now - then) / SECOND
