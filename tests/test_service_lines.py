"""What a run that only publishes says of itself."""

from zoneinfo import ZoneInfo

from msgspec.structs import replace

from pipeline.service import LaneReport
from pipeline.service_lines import feed_line, feed_summary
from tests.sample_view import NOON, SampleView, publisher_of

UTC = ZoneInfo("UTC")
TOLD = publisher_of(NOON)


def line(**changes: object) -> str:
    return feed_line(SampleView().status(), replace(TOLD, **changes), "0", UTC)


def test_the_line_says_the_state_what_is_wrong_and_how_much_is_out() -> None:
    assert "STREAM · market open, prices ok, bars ok · 120 final bars, 480 snapshots · " in line()
    assert "IDLE · market closed, prices down, bars ok" in line(state="IDLE", market="closed", price="down")


def test_the_line_says_when_a_lost_redis_is_tried_again_and_that_there_is_none() -> None:
    assert "Redis" not in line()
    assert "Redis is away, tried again in 12 s" in line(redis="backoff", redis_backoff_seconds=12.4)
    assert "files only" in line(redis="off")


def test_the_end_says_whether_every_final_bar_is_out_and_where_the_others_are() -> None:
    assert list(feed_summary(TOLD)) == [
        "  sinks.redis: STREAM, 120 final bars, 480 snapshots published",
        "  final bars: 254 to publish, 254 acknowledged",
    ]
    behind = LaneReport("ohlcv", "backoff", 3, 200, 254, 249, 0, 0, in_flight=1, spilled=1)
    assert list(feed_summary(replace(TOLD, lanes=(behind,))))[1:] == [
        "  final bars: 254 to publish, 249 acknowledged; 5 wait on the shelf for the next start"
    ]
