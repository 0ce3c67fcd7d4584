"""What a running flow shows of its feeds, and what it warns of."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from pipeline.publishing.thresholds import Thresholds
from pipeline.service import LaneReport, Pressure, Quota, StreamReport
from pipeline.times import DAY, HOUR, MINUTE, SECOND, parse_moment
from pipeline.values import Bars, Gap, NoData
from pipeline.view import Feed, PriceRow, StreamRow
from pipeline.watch_feeds import HOLES, SLOW, Feeds, Line
from tests.driven import bars_of, walk
from tests.service_sample import diagnosis, report
from tests.support import MONDAY, plan_of, quotes

PLAN = plan_of()
WINDOW, SOURCE = "operators.bars", "sources.market"
SUNDAY_NIGHT = parse_moment("2026-01-04T22:00:00Z")
SATURDAY = parse_moment("2026-01-10T12:00:00Z")


class Fed:
    """Feeds with a clock."""

    def __init__(self, begin: int = MONDAY) -> None:
        self.feeds = Feeds(PLAN)
        self.begin = begin

    def tell(self, node: str, *values: Any) -> "Fed":
        for value in values:
            self.feeds.take(node, value)
        return self

    def shown(self, clock: int) -> Feed:
        return self.feeds.shown(clock, self.begin)

    def stream(self, clock: int, product: str = "EURUSD", timeframe: str = "1m") -> StreamRow:
        rows = self.shown(clock).streams
        return next(row for row in rows if (row.product, row.timeframe) == (product, timeframe))

    def price(self, clock: int, product: str = "EURUSD") -> PriceRow:
        return next(row for row in self.shown(clock).prices if row.product == product)


def minutes(count: int, begin: int = MONDAY, late: int = 500) -> Bars:
    """So many final bars of one minute each, final so many ms after their close."""
    bars = bars_of(walk(1, count), product="EURUSD", begin=begin, fresh=count)
    return dataclasses.replace(bars, final_at=bars.open_ts + MINUTE + late)


def of_bars(feed: Feed) -> list[str]:
    return [said for said in feed.alerts if " 1m: " in said or " 5m: " in said]


# --- prices ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age", "state"),
    [(0, "ok"), (9_999, "ok"), (10_000, "waiting"), (29_999, "waiting"), (30_000, "stale"), (HOUR, "stale")],
)
def test_a_price_is_waited_for_after_ten_seconds_and_stale_after_thirty(age: int, state: str) -> None:
    fed = Fed().tell(SOURCE, quotes("EURUSD", [MONDAY - SECOND, MONDAY], [1.10, 1.25]))
    row = fed.price(MONDAY + age)
    assert (row.state, row.mid, row.tick_at) == (state, 1.25, MONDAY)


def test_a_product_without_a_price_is_waited_for_and_in_a_closed_market_it_is_closed() -> None:
    assert Fed().price(MONDAY).state == "waiting"
    assert (Fed().price(SATURDAY).state, Fed().price(SATURDAY, "BTCUSD").state) == ("closed", "waiting")


def test_old_prices_of_a_closed_market_are_not_stale() -> None:
    fed = Fed().tell(SOURCE, quotes("EURUSD", [SATURDAY - DAY], [1.25]))
    assert fed.price(SATURDAY).state == "closed"
    assert not [said for said in fed.shown(SATURDAY).alerts if "stale" in said]


def test_a_price_that_comes_in_closed_hours_is_as_good_as_any() -> None:
    fed = Fed().tell(SOURCE, quotes("EURUSD", [SATURDAY - SECOND], [1.25]))
    assert fed.price(SATURDAY).state == "ok"


# --- bars ------------------------------------------------------------------------------------------------------------


def test_d44_a_bar_that_never_came_is_missing_one_that_stays_away_stale_and_a_slow_one_late() -> None:
    spans = Thresholds()
    begun = Fed()
    due = MONDAY + MINUTE
    states = [begun.stream(due + wait).state for wait in (0, spans.bars_delayed - 1, spans.bars_delayed)]
    assert states == ["waiting", "waiting", "missing"]
    fed = Fed().tell(WINDOW, minutes(3))
    due = MONDAY + 4 * MINUTE
    waits = (0, spans.bars_delayed - 1, spans.bars_delayed, spans.bars_down - 1, spans.bars_down)
    assert [fed.stream(due + wait).state for wait in waits] == ["ok", "ok", "late", "late", "stale"]
    slow = Fed().tell(WINDOW, minutes(3, late=SLOW))
    assert slow.stream(MONDAY + 3 * MINUTE + SLOW).state == "late"
    [said] = [text for text in slow.shown(MONDAY + 3 * MINUTE + SLOW).alerts if "EURUSD 1m" in text]
    assert said == "EURUSD 1m: the last bar was final 10 s after its close"


def test_d44_nothing_is_late_while_the_market_is_closed() -> None:
    friday = parse_moment("2026-01-09T21:00:00Z")
    fed = Fed(friday).tell(WINDOW, minutes(3, friday))
    shown = fed.shown(SATURDAY)
    assert {row.state for row in shown.streams if row.product == "EURUSD"} == {"closed"}
    assert not [said for said in of_bars(shown) if said.startswith("EURUSD")]


def test_d44_a_hole_in_the_bars_is_told_until_it_is_mended() -> None:
    fed = Fed().tell(WINDOW, minutes(3), Gap("EURUSD", MINUTE, MONDAY + 3 * MINUTE, MONDAY + 5 * MINUTE, MONDAY))
    clock = MONDAY + 3 * MINUTE
    assert fed.stream(clock).holes == 2
    assert "EURUSD 1m: 2 bars are missing" in fed.shown(clock).alerts
    one = minutes(1, MONDAY + 3 * MINUTE)
    fed.tell(SOURCE, one.rows(0, 1, 0))
    assert fed.stream(clock).holes == 1
    fed.tell(SOURCE, minutes(2, MONDAY + 4 * MINUTE).rows(0, 2, 0))
    assert fed.stream(clock).holes == 0
    assert not [said for said in of_bars(fed.shown(clock)) if said.startswith("EURUSD")]


def test_what_a_publisher_asks_for_is_no_hole() -> None:
    fed = Fed().tell("sinks.redis", Gap("EURUSD", MINUTE, MONDAY, MONDAY + HOUR, MONDAY))
    assert fed.stream(MONDAY).holes == 0


@given(
    holes=st.lists(st.tuples(st.integers(0, 40), st.integers(1, 5)), max_size=6),
    repairs=st.lists(st.tuples(st.integers(0, 45), st.integers(1, 8)), max_size=6),
)
@settings(max_examples=60, deadline=None)
def test_repairs_take_out_of_the_holes_exactly_what_they_cover(
    holes: Sequence[tuple[int, int]], repairs: Sequence[tuple[int, int]]
) -> None:
    line, missing = Line(), set[int]()
    for begin, length in holes:
        if not missing & set(range(begin, begin + length)):
            line.holes.append((begin, begin + length))
            missing |= set(range(begin, begin + length))
    for begin, length in repairs:
        line.mend(begin, begin + length)
        missing -= set(range(begin, begin + length))
    assert sorted(slot for begin, end in line.holes for slot in range(begin, end)) == sorted(missing)
    assert line.holes.maxlen == HOLES


def test_a_slot_that_is_known_to_have_no_bar_is_not_waited_for() -> None:
    fed = Fed().tell(WINDOW, minutes(3), NoData("EURUSD", MINUTE, MONDAY + 3 * MINUTE, 10, "silent", MONDAY))
    assert fed.stream(MONDAY + 13 * MINUTE).state == "ok"


def test_the_first_bar_after_the_market_opened_is_not_late_because_the_last_one_is_of_friday() -> None:
    friday = parse_moment("2026-01-02T21:00:00Z")
    opened = int(PLAN.calendars.of("EURUSD").next_open(SUNDAY_NIGHT))
    fed = Fed(friday).tell(WINDOW, minutes(3, friday))
    assert fed.stream(opened - 1).state == "closed"
    assert fed.stream(opened + MINUTE + 59 * SECOND).state == "ok"
    assert fed.stream(opened + 2 * MINUTE).state == "late"


def test_history_is_not_counted_as_bars_that_came() -> None:
    fed = Fed().tell(SOURCE, minutes(50).rows(0, 50, 0))
    assert (fed.stream(MONDAY).bars, fed.stream(MONDAY).last_close) == (0, 0)


def test_what_was_published_stands_beside_what_the_flow_made() -> None:
    told = replace(diagnosis(), streams=(StreamReport("EURUSD", "1m", MONDAY + MINUTE, 1.5, 1, 3),))
    fed = Fed().tell(WINDOW, minutes(2)).tell("sinks.redis", told)
    row = fed.stream(MONDAY + 2 * MINUTE)
    assert (row.last_close, row.lag_seconds) == (MONDAY + 2 * MINUTE, 0.5)
    assert (row.published, row.published_lag_seconds) == (MONDAY + MINUTE, 1.5)
    only_past = replace(diagnosis(), streams=(StreamReport("EURUSD", "1m", MONDAY + MINUTE, 0.0, 541, 0),))
    assert fed.tell("sinks.redis", only_past).stream(MONDAY + 2 * MINUTE).published_lag_seconds is None


# --- sources and publishers ------------------------------------------------------------------------------------------


def test_the_latest_word_of_each_source_and_publisher_is_kept() -> None:
    fed = Fed().tell("", report(), replace(report(), session="silent"), diagnosis(), replace(diagnosis(), snapshots=99))
    shown = fed.shown(MONDAY)
    assert [each.session for each in shown.sources] == ["silent"]
    assert [each.snapshots for each in shown.publishers] == [99]


QUOTA = Quota(30, 30, 90, 600, "critical", throttled=True, reason="minute_quota")
LANE = LaneReport("finals", "stopped", 200, 200, 9, 5, 0, 4, spilled=3)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (replace(report(), session="silent"), "sources.fxcm is silent"),
        (
            replace(report(), session="reconnecting", backoff_until=MONDAY + 30 * SECOND, last_error="no route"),
            "sources.fxcm is reconnecting, tried again in 30 s: no route",
        ),
        (
            replace(report(), session="off", last_error="a wrong login"),
            "sources.fxcm gives no prices, and nothing is tried again before somebody mends it: a wrong login",
        ),
        (replace(report(), history_ready=False), "history of sources.fxcm is not ready"),
        (replace(report(), quota=QUOTA), "calls for history are put off (minute_quota)"),
        (replace(diagnosis(), state="RECOVERING", note="no price yet"), "publishing is RECOVERING: no price yet"),
        (
            replace(diagnosis(), redis="backoff", redis_backoff_seconds=4.0),
            "Redis is not reached, tried again in 4 s",
        ),
        (replace(diagnosis(), lanes=(LANE,)), "lane finals has stopped"),
        (replace(diagnosis(), lanes=(LANE,)), "3 final bars wait on disk in lane finals"),
        (replace(diagnosis(), lanes=(LANE,)), "lane finals has dropped 4"),
        (Pressure(True, MONDAY), "there is no room for more final bars: the source waits"),
    ],
)
def test_what_is_amiss_is_a_sentence(value: Any, said: str) -> None:
    assert said in Fed().tell("sinks.redis", value).shown(MONDAY).alerts


def test_of_a_feed_in_good_order_nothing_is_said() -> None:
    fed = Fed().tell("", report(), diagnosis(), Pressure(True, MONDAY), Pressure(False, MONDAY))
    fed.tell(SOURCE, *(quotes(product, [MONDAY], [1.2]) for product in PLAN.products))
    assert fed.shown(MONDAY).alerts == ()
