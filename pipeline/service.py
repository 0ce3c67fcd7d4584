"""What passes between a source of prices, who publishes what a flow makes of them, and who looks on.

A publisher stands outside the flow's door as sources and venues do: what it says enters by it, so that a recording has
it. Times are ms UTC on the flow's clock, spans in fields that say so are seconds.
"""

from typing import Literal, NamedTuple

from msgspec import Struct

# --- what a publisher asks of sources --------------------------------------------------------------------------------


class Pressure(Struct, frozen=True, tag=True):
    """A publisher has no room for more final bars, or has room again: a source that can wait with them waits."""

    full: bool
    at: int


class Universe(Struct, frozen=True, tag=True):
    """Which bars are wanted until a moment: product and timeframe (ms) of each; all that there are when it is empty."""

    targets: tuple[tuple[str, int], ...]
    until: int
    """0: until something else is wanted."""
    reason: str
    at: int


# --- what a source says of itself ------------------------------------------------------------------------------------

SessionState = Literal["connecting", "connected", "streaming", "silent", "resubscribing", "reconnecting", "off"]
"""Of a source's connection. connecting: for the first time; connected: logged in, nothing came yet; streaming: prices
come; silent: none came for a while in open market; resubscribing: the same session, a new subscription; reconnecting:
the session is lost and tried again; off: it cannot be had at all, a person has to do something."""

QuotaState = Literal["ok", "warn", "reserve", "critical"]


class Quota(Struct, frozen=True):
    """How much of what a venue allows for history is used up: calls of the last minute and hour, and their limits."""

    minute: int
    per_minute: int
    hour: int
    per_hour: int
    state: QuotaState
    throttled: bool
    """Whether something was put off or left out within the last minute because of it."""
    reason: str = ""
    """Why the last call that was put off was: `minute_quota`, `hour_quota`, `min_interval`, `priority_reserve`."""
    next_slot_seconds: float = 0.0
    """In how many seconds the next call may be made."""
    skipped: dict[str, int] = {}
    """How often something was put off, by `PRODUCT:timeframe`."""
    throttled_total: int = 0


class Pace(Struct, frozen=True):
    """How often one timeframe's history is asked for, and why so."""

    seconds: float
    reason: str
    next_at: int
    """When it will be asked for next; 0: not before prices come again."""


class FeedReport(Struct, frozen=True, tag=True):
    """How a source of prices fares, by its own word: told when something of it changes, and every few seconds."""

    whose: str
    """The source's node."""
    at: int
    session: SessionState
    since: int
    """Since when the session is in that state."""
    history_ready: bool = True
    """Whether the venue's service for history answers: one that is not ready says nothing of the market."""
    pace: dict[str, Pace] = {}
    """By timeframe, "1m"."""
    quota: Quota | None = None
    backoff_seconds: float = 0.0
    """How long it still waits before it tries again what failed; 0: it does not."""
    backoff_until: int = 0
    last_error: str = ""
    last_error_at: int = 0
    ticks: int = 0
    tick_errors: int = 0
    ticks_dropped: int = 0
    """Those that found the edge between the threads full: the newest of each product stands."""
    history_calls: int = 0
    history_failures: int = 0
    not_ready: int = 0
    """How often history was not ready."""
    reconnects: int = 0
    subscriptions: int = 0
    """How many subscriptions were made since the beginning."""
    edge_depth: int = 0
    """How much waits between the threads."""
    sdk: str = ""


# --- what a publisher says of itself ---------------------------------------------------------------------------------

DiagState = Literal["STREAM", "IDLE", "DISCONNECTED", "RECOVERING"]
"""STREAM: prices and bars come. IDLE: the market is closed and nothing comes. DISCONNECTED: the source is not reached.
RECOVERING: it is reached again, but neither a price nor a bar has come since; or prices stay away in open market."""

MarketState = Literal["open", "closed", "unknown"]
PriceState = Literal["ok", "stale", "down"]
BarState = Literal["ok", "delayed", "down"]
ProcessState = Literal["stream", "idle", "sleep", "error"]
LaneState = Literal["running", "waiting", "backoff", "stopped"]


class LaneReport(Struct, frozen=True):
    """One lane from the flow to Redis: enqueued = processed + conflated + dropped + spilled + depth + in flight."""

    name: str
    state: LaneState
    depth: int
    limit: int
    enqueued: int
    processed: int
    """Counted once Redis has acknowledged."""
    conflated: int
    """Passed over for a newer one of the same kind: never a final bar."""
    dropped: int
    in_flight: int = 0
    idle_seconds: float = 0.0
    failures: int = 0
    spilled: int = 0
    """Final bars that found the lane full and wait on disk, now."""


class StreamReport(Struct, frozen=True):
    """One product and timeframe as it was published."""

    product: str
    timeframe: str
    last_close: int
    """The end of the last final bar that was published; 0: none."""
    lag_seconds: float
    """How long after its close the last one was; 0: none was published yet that had just closed."""
    bars: int
    live: int
    """Bars published since the beginning, final ones and those that were not."""
    last_live: int = 0
    """The opening of the last bar that was published while it formed; 0: none."""


class Prices(NamedTuple):
    """The last price of a product: what `symbols_state` on the wire is made of."""

    product: str
    bid: float
    ask: float
    mid: float
    tick_at: int
    age_seconds: float


class Diagnosis(Struct, frozen=True, tag=True):
    """How publishing fares: told when a state in it changes, and with every heartbeat."""

    whose: str
    """The publisher's node."""
    at: int
    state: DiagState
    since: int
    process: ProcessState
    market: MarketState
    price: PriceState
    ohlcv: BarState
    note: str
    calendar_open: bool
    ticks_alive: bool
    next_open: int
    """0: the market is open, or never opens."""
    tick_silence_seconds: float | None
    """Of the product that spoke last; None before the first price."""
    quiet: tuple[str, ...]
    """Products that are silent while others speak."""
    published: dict[str, int]
    """Messages acknowledged, by channel."""
    lanes: tuple[LaneReport, ...]
    streams: tuple[StreamReport, ...]
    backpressure_events: int = 0
    redis: Literal["connected", "backoff", "off"] = "connected"
    redis_backoff_seconds: float = 0.0
    reconnects: int = 0
    snapshots: int = 0
    last_snapshot_at: int = 0
    last_heartbeat_at: int = 0
    commands: dict[str, int] = {}
    """Commands heard, by what they ask for; refused ones under `refused`."""
    universe: tuple[str, ...] = ()
    """What is published now, `PRODUCT:timeframe`; empty: all."""
    errors: dict[str, int] = {}
    """What went wrong, by kind: `redis`, `feed`, `history`, `command`."""
    ended: bool = False
    """The program ends, and all that could leave has left."""

    @property
    def queue_depth(self) -> int:
        return sum(lane.depth for lane in self.lanes)


# --- who looks on ----------------------------------------------------------------------------------------------------


class Serving(Struct, frozen=True, tag=True):
    """Something of the flow can be asked at an address on this machine."""

    whose: str
    """The node that answers."""
    what: str
    url: str
    at: int


TOLD = (Pressure, Universe, FeedReport, Diagnosis, Serving)
"""What comes in by a flow's door."""
