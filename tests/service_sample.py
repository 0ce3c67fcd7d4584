"""A feed and its publisher as they say how they fare, for tests of who looks on."""

from pipeline.service import Diagnosis, FeedReport, LaneReport, Pace, Quota, StreamReport
from pipeline.times import MINUTE, SECOND
from tests.support import MONDAY


def diagnosis(at: int = MONDAY) -> Diagnosis:
    """A publisher in good order."""
    return Diagnosis(
        whose="sinks.redis",
        at=at,
        state="STREAM",
        since=at - 10 * MINUTE,
        process="stream",
        market="open",
        price="ok",
        ohlcv="ok",
        note="ok",
        calendar_open=True,
        ticks_alive=True,
        next_open=0,
        tick_silence_seconds=0.4,
        quiet=(),
        published={"ohlcv": 120, "price_tik": 40, "heartbeat": 6},
        lanes=(
            LaneReport("ohlcv", "running", 0, 200, 120, 120, 0, 0),
            LaneReport("price", "running", 1, 500, 41, 40, 0, 0),
        ),
        streams=(
            StreamReport("EURUSD", "1m", at // MINUTE * MINUTE, 1.2, 10, 300, at // MINUTE * MINUTE),
            StreamReport("XAUUSD", "1m", at // MINUTE * MINUTE, 0.9, 10, 310, at // MINUTE * MINUTE),
        ),
        snapshots=20,
        last_snapshot_at=at - 2 * SECOND,
        last_heartbeat_at=at,
        commands={"fxcm_warmup": 2},
        errors={"redis": 1},
    )


def report(at: int = MONDAY) -> FeedReport:
    """A source in good order."""
    return FeedReport(
        whose="sources.fxcm",
        at=at,
        session="streaming",
        since=at - 10 * MINUTE,
        pace={"1m": Pace(5.0, "prices come", at + 5 * SECOND), "5m": Pace(20.0, "prices come", at + 20 * SECOND)},
        quota=Quota(3, 30, 40, 600, "ok", throttled=False),
        ticks=4_000,
        history_calls=43,
        subscriptions=1,
        sdk="practice",
    )
