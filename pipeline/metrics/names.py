"""The names under which Prometheus finds a feed: all of them, with their labels and what they say.

The node is a label of each, so that two publishers in one flow stay apart; products and timeframes are those of the
flow, so no label has more values than its file names.
"""

from typing import Literal, NamedTuple

Kind = Literal["counter", "gauge"]


class Family(NamedTuple):
    """One name. `labels` come after `node`, which all have."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    help: str


STREAM = ("symbol", "tf")

FAMILIES: tuple[Family, ...] = (
    # --- bars as they were published ---
    Family("fxcm_ohlcv_bars_total", "counter", STREAM, "Final bars published."),
    Family("fxcm_tick_agg_bars_total", "counter", STREAM, "Bars published while they formed from ticks."),
    Family("fxcm_stream_lag_seconds", "gauge", STREAM, "How long after its close the last final bar was published."),
    Family("fxcm_stream_staleness_seconds", "gauge", STREAM, "How long ago the last final bar closed."),
    Family("fxcm_stream_last_close_ms", "gauge", STREAM, "When the last final bar closed, ms UTC."),
    Family("fxcm_ohlcv_complete_last_ts_seconds", "gauge", STREAM, "When the last final bar closed, seconds UTC."),
    Family("fxcm_ohlcv_live_last_ts_seconds", "gauge", STREAM, "When the last forming bar opened, seconds UTC."),
    Family("fxcm_dropped_bars_total", "counter", (), "Bars that no lane had room for."),
    # --- the market and the prices ---
    Family("fxcm_market_status", "gauge", (), "1 while the market is open, 0 while it is closed; absent: unknown."),
    Family("fxcm_calendar_open", "gauge", (), "1 while the market is open by its calendar."),
    Family("fxcm_tick_stream_alive", "gauge", (), "1 while prices come."),
    Family("fxcm_effective_market_open", "gauge", (), "1 while the market is open by its calendar or prices come."),
    Family("fxcm_next_open_seconds", "gauge", (), "Until the market opens; 0 while it is open."),
    Family("fxcm_tick_silence_seconds", "gauge", (), "Since the last price of all products, as last told."),
    Family("fxcm_quiet_symbols", "gauge", (), "Products that are silent while others speak."),
    # --- the publisher ---
    Family("fxcm_connector_heartbeat_timestamp", "gauge", (), "When the last heartbeat was sent, seconds UTC."),
    Family("fxcm_diag_state", "gauge", ("state",), "1 for the state that publishing is in, 0 for the others."),
    Family("fxcm_diag_state_seconds", "gauge", (), "How long publishing has been in that state."),
    Family("fxcm_published_total", "counter", ("channel",), "Messages that Redis acknowledged."),
    Family("fxcm_snapshots_total", "counter", (), "Snapshots of prices."),
    Family("fxcm_commands_total", "counter", ("type",), "Commands heard, by what they ask for."),
    Family("fxcm_universe_targets", "gauge", (), "Bars that are published now, by product and timeframe; 0: all."),
    Family("fxcm_universe_restricted", "gauge", (), "1 while somebody chose which bars are published."),
    Family("fxcm_universe_changes_total", "counter", (), "How often that was chosen anew."),
    Family("fxcm_redis_connected", "gauge", (), "1 while Redis is reached."),
    Family("fxcm_queue_depth", "gauge", ("lane",), "What waits in a lane to Redis."),
    Family("fxcm_lane_limit", "gauge", ("lane",), "How much a lane holds."),
    Family("fxcm_lane_in_flight", "gauge", ("lane",), "What was sent and is not acknowledged."),
    Family("fxcm_lane_spilled", "gauge", ("lane",), "Final bars that wait on disk."),
    Family("fxcm_lane_idle_seconds", "gauge", ("lane",), "How long a lane has had nothing to do, as last told."),
    Family("fxcm_lane_enqueued_total", "counter", ("lane",), "What came into a lane."),
    Family("fxcm_lane_processed_total", "counter", ("lane",), "What Redis acknowledged of it."),
    Family("fxcm_lane_conflated_total", "counter", ("lane",), "What was passed over for something newer."),
    Family("fxcm_lane_dropped_total", "counter", ("lane",), "What there was no room for."),
    Family("fxcm_lane_failures_total", "counter", ("lane",), "Tries to publish that failed."),
    Family("fxcm_backpressure_events_total", "counter", (), "How often the source was asked to wait."),
    # --- the source ---
    Family("fxcm_feed_session", "gauge", ("state",), "1 for the state of the source's session, 0 for the others."),
    Family("fxcm_feed_session_seconds", "gauge", (), "How long the session has been in that state."),
    Family("fxcm_subscriptions_total", "counter", (), "Subscriptions to prices made."),
    Family("fxcm_tick_agg_ticks_total", "counter", (), "Prices heard."),
    Family("fxcm_ticks_dropped_total", "counter", (), "Prices passed over between the threads for newer ones."),
    Family("fxcm_edge_depth", "gauge", (), "What waits between the threads."),
    Family("fxcm_poll_seconds", "gauge", ("tf",), "How often history of a timeframe is asked for."),
    Family("fxcm_history_calls_total", "counter", (), "Calls for history."),
    Family("fxcm_history_calls", "gauge", ("window",), "Calls for history of the last minute and hour, as last told."),
    Family("fxcm_history_limit", "gauge", ("window",), "How many calls a minute and an hour may have."),
    Family("fxcm_history_throttled", "gauge", (), "1 while calls for history are put off."),
    Family("fxcm_history_throttled_total", "counter", (), "Calls for history that were put off."),
    Family("fxcm_pricehistory_not_ready_total", "counter", (), "How often history was not ready."),
    # --- what went wrong ---
    Family("fxcm_reconnects_total", "counter", ("side",), "How often the feed or Redis had to be reached again."),
    Family("fxcm_backoff_events_total", "counter", ("side",), "Waits before the feed or Redis was tried again."),
    Family("fxcm_backoff_sleep_seconds", "gauge", ("side",), "What is left of such a wait."),
    Family("fxcm_connector_errors_total", "counter", ("type",), "What went wrong, by kind."),
)
BY_NAME = {family.name: family for family in FAMILIES}
