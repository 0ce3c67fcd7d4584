"""What somebody who looks at a feed should see first: a sentence for each thing that is amiss, the gravest first."""

from collections.abc import Iterator, Sequence

from pipeline.service import Diagnosis, FeedReport
from pipeline.times import SECOND
from pipeline.view import PriceRow, StreamRow

MOST = 40
"""So many are told; a feed with more has one cause."""
NAMED = 4
"""So many products are named in one sentence."""


def alerts(
    prices: Sequence[PriceRow],
    streams: Sequence[StreamRow],
    sources: Sequence[FeedReport],
    publishers: Sequence[Diagnosis],
    clock: int,
    *,
    pressed: bool,
) -> tuple[str, ...]:
    """Nothing is late in a closed market, so nothing is said of it there."""
    said = [
        *(each for source in sources for each in _of_source(source, clock)),
        *(each for publisher in publishers for each in _of_publisher(publisher)),
        *(["there is no room for more final bars: the source waits"] if pressed else []),
        *_of_prices(prices),
        *_of_bars(streams),
    ]
    return tuple(said[:MOST])


def _of_source(told: FeedReport, clock: int) -> Iterator[str]:
    why = f": {told.last_error}" if told.last_error else ""
    wait = max(0, told.backoff_until - clock) / SECOND if told.backoff_until else told.backoff_seconds
    again = f", tried again in {wait:.0f} s" if wait else ""
    match told.session:
        case "off":
            yield f"{told.whose} gives no prices, and nothing is tried again before somebody mends it{why}"
        case "reconnecting" | "resubscribing" | "silent":
            yield f"{told.whose} is {told.session}{again}{why}"
        case _ if again:
            yield f"{told.whose} waits before it asks again{again}{why}"
        case _:
            pass
    if not told.history_ready:
        yield f"history of {told.whose} is not ready"
    if told.quota is not None and told.quota.throttled:
        yield f"calls for history are put off ({told.quota.reason or told.quota.state})"


def _of_publisher(told: Diagnosis) -> Iterator[str]:
    if told.state in ("DISCONNECTED", "RECOVERING"):
        yield f"publishing is {told.state}: {told.note}"
    if told.redis == "backoff":
        yield f"Redis is not reached, tried again in {told.redis_backoff_seconds:.0f} s"
    for lane in told.lanes:
        if lane.state == "stopped":
            yield f"lane {lane.name} has stopped"
        if lane.spilled:
            yield f"{lane.spilled} final bars wait on disk in lane {lane.name}"
        if lane.dropped:
            yield f"lane {lane.name} has dropped {lane.dropped}"


def _of_prices(prices: Sequence[PriceRow]) -> Iterator[str]:
    if stale := [row.product for row in prices if row.state == "stale"]:
        yield f"prices of {_names(stale)} are stale"


def _of_bars(streams: Sequence[StreamRow]) -> Iterator[str]:
    for row in sorted(streams, key=lambda row: -row.overdue_seconds):
        name = f"{row.product} {row.timeframe}"
        match row.state:
            case "missing":
                yield f"{name}: no bar came since the start, the first is {row.overdue_seconds:.0f} s overdue"
            case "stale":
                yield f"{name}: bars stay away, the next is {row.overdue_seconds:.0f} s overdue"
            case "late" if row.overdue_seconds >= SLOWEST:
                yield f"{name}: the next bar is {row.overdue_seconds:.0f} s overdue"
            case "late":
                yield f"{name}: the last bar was final {row.lag_seconds or 0:.0f} s after its close"
            case _:
                pass
        if row.holes:
            yield f"{name}: {row.holes} bar{'s are' if row.holes > 1 else ' is'} missing"


SLOWEST = 60
"""From so many seconds on it matters more that the next bar is overdue than that the last one was slow."""


def _names(products: Sequence[str]) -> str:
    more = f" and {len(products) - NAMED} more" if len(products) > NAMED else ""
    return f"{', '.join(products[:NAMED])}{more}"
