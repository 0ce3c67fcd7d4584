"""A flow that publishes, in virtual time: what Prometheus and the console are told of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from pipeline import virtual
from pipeline.engine import Setting, running
from pipeline.evidence import Trouble
from pipeline.metrics.collecting import Page
from pipeline.metrics.hearing import Hearings
from pipeline.service import Diagnosis, FeedReport
from pipeline.times import HOUR, MINUTE, SECOND, parse_moment
from pipeline.trying import NoRecords
from pipeline.values import Past
from pipeline.view import Feed
from pipeline.watch import Watch
from tests.support import MONDAY, plan_of

TEXT = """
[sources.market]
use = "synthetic"
products = ["EURUSD", "XAUUSD"]
start = "2026-01-05T10:00:00Z"
{source}

[operators.bars]
use = "window"
from = "market"
timeframes = ["1m", "5m"]
forming = "1s"

[sinks.redis]
from = "bars"
file_only = true
"""
FRIDAY_EVENING = parse_moment("2026-01-09T21:55:30Z")
"""Four and a half minutes before the week ends at 22:00 UTC."""

Look = tuple[int, Feed, dict[str, float]]


def looked(folder: Path, span: int, *, begin: int = MONDAY, every: int = 10 * SECOND, source: str = "") -> list[Look]:
    """What the page of the console and that of the metrics say again and again while a flow lives."""
    looks: list[Look] = []
    plan = plan_of(TEXT.format(source=source), folder)
    heard, watch = Hearings(), Watch(plan, begin, 1.0)

    def told(node: str, value: Any) -> None:
        watch.told(node, value)
        if isinstance(value, Diagnosis | FeedReport | Trouble):
            heard.take(value)

    async def main() -> None:
        setting = Setting(mode="paper", begin=begin, outside=("source", "sink"))
        async with running(plan, setting, NoRecords(), Past((), {}), taps=(told,)) as flow:
            watch.begins(flow.border.clock)
            page = Page(heard, flow.border.now)
            for at in range(begin + every, begin + span + 1, every):
                await flow.border.until(at)
                looks.append((at, watch.feed(), dict(_numbers(page("")[0].decode()))))
            assert not flow.faults

    virtual.run(lambda _: main())
    return looks


def _numbers(text: str) -> Iterator[tuple[str, float]]:
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = {name: value for name, value in sample.labels.items() if name != "node"}
            if not labels or (labels.get("symbol"), labels.get("tf")) == ("EURUSD", "1m"):
                yield sample.name, sample.value
            elif "state" in labels:
                yield labels["state"], sample.value


def test_of_a_market_that_goes_well_nothing_is_amiss_and_every_minute_has_its_bar(tmp_path: Path) -> None:
    looks = looked(tmp_path, 5 * MINUTE + 30 * SECOND)
    assert {alert for _, feed, _ in looks for alert in feed.alerts if "prices of" not in alert} == set()
    at, feed, numbers = looks[-1]
    [row] = [row for row in feed.streams if (row.product, row.timeframe) == ("EURUSD", "1m")]
    # The minute that ended as it began is the first of them.
    assert (row.bars, row.last_close, row.published) == (6, MONDAY + 5 * MINUTE, MONDAY + 5 * MINUTE)
    assert row.published_lag_seconds == pytest.approx(numbers["fxcm_stream_lag_seconds"])
    assert numbers["fxcm_stream_last_close_ms"] == row.published
    assert numbers["fxcm_stream_staleness_seconds"] == (at - row.published) / SECOND == 30
    assert 0 <= at / SECOND - numbers["fxcm_ohlcv_live_last_ts_seconds"] < 60
    assert numbers["STREAM"] == numbers["fxcm_market_status"] == numbers["fxcm_effective_market_open"] == 1


def test_counters_of_a_life_never_go_down(tmp_path: Path) -> None:
    looks = looked(tmp_path, 2 * MINUTE, source='outages = ["2026-01-05T10:00:20Z for 30s"]')
    names = [name for name in looks[-1][2] if name.endswith("_total")]
    assert {"fxcm_ohlcv_bars_total", "fxcm_snapshots_total"} <= set(names)
    for name in names:
        counts = [numbers.get(name, 0.0) for _, _, numbers in looks]
        assert counts == sorted(counts), name


def test_d44_when_the_week_ends_no_bar_is_late_and_no_price_is_stale(tmp_path: Path) -> None:
    looks = looked(tmp_path, 12 * MINUTE, begin=FRIDAY_EVENING, every=30 * SECOND, source="")
    closing = FRIDAY_EVENING + 4 * MINUTE + 30 * SECOND
    after = [(feed, numbers) for at, feed, numbers in looks if at >= closing + 30 * SECOND]
    assert len(after) == 15
    for feed, numbers in after:
        assert {row.state for row in feed.streams} == {"closed"}
        assert feed.alerts == ()
        assert numbers["fxcm_calendar_open"] == 0
    assert after[-1][1]["fxcm_next_open_seconds"] > 40 * HOUR / SECOND


def test_d44_prices_that_stop_in_open_market_are_seen_and_so_is_that_they_are_back(tmp_path: Path) -> None:
    looks = looked(tmp_path, 5 * MINUTE, source='outages = ["2026-01-05T10:01:00Z for 2m"]')
    dark = [feed for at, feed, _ in looks if MONDAY + 100 * SECOND <= at <= MONDAY + 170 * SECOND]
    assert all("prices of EURUSD, XAUUSD are stale" in feed.alerts for feed in dark)
    assert looks[-1][1].prices[0].state in ("ok", "waiting")
    assert {row.holes for row in looks[-1][1].streams} == {0}  # mended from what the source keeps
