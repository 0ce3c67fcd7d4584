"""What Prometheus is told of a feed and its publisher."""

import asyncio
import socket
import sys
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from pipeline import virtual
from pipeline.engine import Setting, running
from pipeline.errors import InputError
from pipeline.evidence import Trouble
from pipeline.flow import Flow
from pipeline.host import Mode
from pipeline.metrics.collecting import Page
from pipeline.metrics.hearing import Hearings
from pipeline.metrics.names import FAMILIES
from pipeline.metrics.serving import Served
from pipeline.plan import Edge
from pipeline.service import FeedReport, LaneReport, Pace, Quota, Serving, StreamReport
from pipeline.times import HOUR, MINUTE, SECOND
from pipeline.trying import NoRecords
from tests.service_sample import diagnosis, report
from tests.support import MONDAY, ROOT, plan_of

Read = dict[tuple[str, ...], float]

FEED = """
[sources.market]
use = "synthetic"
products = ["EURUSD"]

[sinks.metrics]
use = "metrics"
port = {port}
"""


def read(*told: Any, now: int = MONDAY + 10 * SECOND, accept: str = "") -> Read:
    """What the page says at a moment, as its own library's parser reads it: name and labels without the node's."""
    heard = Hearings()
    for each in told:
        heard.take(each)
    return parsed(Page(heard, lambda: now)(accept)[0].decode())


def parsed(text: str) -> Read:
    return {
        (sample.name, *(value for name, value in sorted(sample.labels.items()) if name != "node")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_every_name_is_said_of_a_feed_and_its_publisher_that_have_it_all() -> None:
    said = read(diagnosis(), report(), Trouble("sources.fxcm", "network", "gone", MONDAY))
    assert {name for name, *_ in said} == {family.name for family in FAMILIES}


def test_every_name_stands_in_the_documents_with_its_kind_and_its_labels() -> None:
    rows = [line.split("|") for line in (ROOT / "docs/metrics.md").read_text("utf-8").splitlines()]
    written = {
        cells[1].strip().strip("`"): (cells[2].strip(), tuple(cells[3].replace("`", "").replace(",", " ").split()))
        for cells in rows
        if len(cells) > 4 and cells[1].strip().startswith("`fxcm_")
    }
    assert written == {family.name: (family.kind, family.labels) for family in FAMILIES}


def test_no_label_but_the_nodes_has_values_that_a_flow_does_not_name() -> None:
    assert {label for family in FAMILIES for label in family.labels} == {
        *("symbol", "tf", "state", "channel", "type", "lane", "side", "window")
    }


def test_ages_are_those_of_the_moment_at_which_somebody_asks() -> None:
    stream = StreamReport("XAUUSD", "1m", MONDAY, 1.25, 7, 40, MONDAY)
    told = replace(diagnosis(), streams=(stream,), since=MONDAY - MINUTE)
    soon, later = (read(told, now=MONDAY + wait) for wait in (10 * SECOND, 95 * SECOND))
    key = ("fxcm_stream_staleness_seconds", "XAUUSD", "1m")
    assert (soon[key], later[key]) == (10, 95)
    assert (soon["fxcm_diag_state_seconds",], later["fxcm_diag_state_seconds",]) == (70, 155)
    assert soon["fxcm_stream_lag_seconds", "XAUUSD", "1m"] == later["fxcm_stream_lag_seconds", "XAUUSD", "1m"] == 1.25
    assert soon["fxcm_stream_last_close_ms", "XAUUSD", "1m"] == MONDAY
    assert soon["fxcm_ohlcv_complete_last_ts_seconds", "XAUUSD", "1m"] == MONDAY / 1000


def test_the_wait_before_the_next_open_and_before_the_next_try_runs_out() -> None:
    told = replace(diagnosis(), next_open=MONDAY + HOUR, redis="backoff", redis_backoff_seconds=8.0, at=MONDAY)
    failing = replace(report(), backoff_seconds=30.0, backoff_until=MONDAY + 30 * SECOND, at=MONDAY)
    early, late = (read(told, failing, now=MONDAY + wait) for wait in (5 * SECOND, 2 * HOUR))
    assert early["fxcm_next_open_seconds",] == 3_595
    assert early["fxcm_backoff_sleep_seconds", "feed"] == 25
    assert early["fxcm_backoff_sleep_seconds", "redis"] == 3
    assert {late["fxcm_backoff_sleep_seconds", side] for side in ("feed", "redis")} == {0}
    assert late["fxcm_next_open_seconds",] == 0


def test_a_stream_without_a_bar_has_no_age() -> None:
    said = read(replace(diagnosis(), streams=(StreamReport("XAUUSD", "1m", 0, 0.0, 0, 0),)))
    assert ("fxcm_stream_staleness_seconds", "XAUUSD", "1m") not in said
    assert said["fxcm_ohlcv_bars_total", "XAUUSD", "1m"] == 0


def test_bars_of_the_past_alone_say_nothing_of_how_late_bars_are() -> None:
    said = read(replace(diagnosis(), streams=(StreamReport("XAUUSD", "1m", MONDAY, 0.0, 541, 0),)))
    assert ("fxcm_stream_lag_seconds", "XAUUSD", "1m") not in said
    assert said["fxcm_stream_staleness_seconds", "XAUUSD", "1m"] == 10


def test_a_market_of_which_nothing_is_known_is_neither_open_nor_closed() -> None:
    assert ("fxcm_market_status",) not in read(replace(diagnosis(), market="unknown"))
    assert read(replace(diagnosis(), market="closed"))["fxcm_market_status",] == 0


def test_prices_in_closed_hours_make_the_market_open_in_effect() -> None:
    said = read(replace(diagnosis(), calendar_open=False, ticks_alive=True))
    names = ("fxcm_calendar_open", "fxcm_tick_stream_alive", "fxcm_effective_market_open")
    assert [said[name,] for name in names] == [0, 1, 1]


def test_a_wait_is_counted_once_however_often_it_is_told_of() -> None:
    def failing(at: int, until: int) -> FeedReport:
        return replace(report(), at=at, backoff_until=until, backoff_seconds=(until - at) / SECOND)

    told = [
        failing(MONDAY, MONDAY + 5 * SECOND),
        failing(MONDAY + 2 * SECOND, MONDAY + 5 * SECOND),
        failing(MONDAY + 5 * SECOND, MONDAY + 15 * SECOND),
        replace(report(), at=MONDAY + 16 * SECOND),
        failing(MONDAY + 20 * SECOND, MONDAY + 25 * SECOND),
    ]
    assert read(*told)["fxcm_backoff_events_total", "feed"] == 3


def test_what_went_wrong_is_counted_by_kind_and_node() -> None:
    troubles = [Trouble("sources.fxcm", kind, "no", MONDAY) for kind in ("network", "auth", "network")]
    said = read(
        *troubles, replace(report(), history_failures=4, tick_errors=2), replace(diagnosis(), errors={"redis": 3})
    )
    errors = {key[1]: count for key, count in said.items() if key[0] == "fxcm_connector_errors_total"}
    assert errors == {"network": 2, "auth": 1, "history": 4, "tick": 2, "redis": 3}


def test_two_publishers_in_one_flow_stay_apart() -> None:
    heard = Hearings()
    for name, count in (("sinks.one", 1), ("sinks.two", 2)):
        heard.take(replace(diagnosis(), whose=name, snapshots=count))
    families = text_string_to_metric_families(Page(heard, lambda: MONDAY)("")[0].decode())
    snapshots = {
        sample.labels["node"]: sample.value
        for family in families
        for sample in family.samples
        if sample.name == "fxcm_snapshots_total"
    }
    assert snapshots == {"sinks.one": 1, "sinks.two": 2}


def test_a_reader_that_asks_for_open_metrics_gets_them() -> None:
    heard = Hearings()
    heard.take(diagnosis())
    body, kind = Page(heard, lambda: MONDAY)("application/openmetrics-text; version=1.0.0")
    assert kind.startswith("application/openmetrics-text")
    assert body.endswith(b"# EOF\n")


# --- the part --------------------------------------------------------------------------------------------------------


class Told:
    """What a flow tells, and where it says that it can be asked."""

    def __init__(self) -> None:
        self.all: list[Any] = []
        self.url: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def take(self, _: str, value: Any) -> None:
        self.all.append(value)
        if isinstance(value, Serving) and not self.url.done():
            self.url.set_result(value.url)


Doing = Callable[[Flow, Told], Awaitable[None]]


def live(folder: Path, doing: Doing, port: int = 0, mode: Mode = "paper") -> None:
    """A flow whose metrics listen, in real time, for as long as something is done with it."""

    async def main() -> None:
        told = Told()
        setting = Setting(mode=mode, begin=MONDAY, outside=("sink",))
        plan = plan_of(FEED.format(port=port), folder)
        async with running(plan, setting, NoRecords(), None, taps=(told.take,)) as flow:
            await doing(flow, told)

    asyncio.run(asyncio.wait_for(main(), 20))


async def asked(url: str, **headers: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as answer:
        return answer.status, await answer.text()


def test_it_tells_where_it_listens_and_answers_with_what_came_through_the_door(tmp_path: Path) -> None:
    async def doing(flow: Flow, told: Told) -> None:
        url = await told.url
        assert url.startswith("http://127.0.0.1:")
        assert await asked(url) == (200, "")
        flow.nodes["sinks.metrics"].inlets["told"].give(diagnosis())
        status, text = await asked(url)
        assert (status, parsed(text)["fxcm_market_status",]) == (200, 1)

    live(tmp_path, doing)


def test_it_answers_to_programs_of_this_machine_only(tmp_path: Path) -> None:
    async def doing(_: Flow, told: Told) -> None:
        url = await told.url
        assert (await asked(url, Host="rebound.example"))[0] == 421
        assert (await asked(url, Origin="https://elsewhere.example"))[0] == 403
        assert await asked(url.replace("/metrics", "/else")) == (404, "there is nothing here; ask for /metrics\n")

    live(tmp_path, doing)


def test_a_port_in_use_is_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        async def doing(flow: Flow, _: Told) -> None:
            await flow.ended

        with pytest.raises(
            InputError, match=rf"^the metrics cannot listen on 127.0.0.1:{port} \([^()]+\); choose another"
        ):
            live(tmp_path, doing, port)


def test_however_many_ask_at_once_one_page_is_made_at_a_time() -> None:
    making, overlaps = threading.Lock(), list[str]()

    def page(accept: str) -> tuple[bytes, str]:
        if not making.acquire(blocking=False):
            overlaps.append(accept)
            return b"", "text/plain"
        try:
            return str(sum(range(300_000))).encode(), "text/plain"
        finally:
            making.release()

    async def main() -> None:
        url: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        serving = asyncio.create_task(Served(page, 0).run(url.set_result))
        address = await url
        answers = await asyncio.gather(*(asked(address) for _ in range(50)))
        assert {status for status, _ in answers} == {200}
        assert not overlaps
        serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving

    asyncio.run(main())


def test_in_a_replay_nothing_listens(tmp_path: Path) -> None:
    given: list[Any] = []

    async def main() -> None:
        setting = Setting(mode="replay", begin=MONDAY, end=MONDAY + MINUTE)
        plan = plan_of(FEED.format(port=0), tmp_path)
        async with running(plan, setting, NoRecords(), None, taps=(lambda _, value: given.append(value),)) as flow:
            await flow.ended

    virtual.run(lambda _: main())
    assert given
    assert not [each for each in given if isinstance(each, Serving)]


def test_it_hears_those_who_stand_outside_without_a_word_in_the_file(tmp_path: Path) -> None:
    edges = plan_of(FEED.format(port=0).replace('use = "synthetic"', 'use = "deriv"'), tmp_path).edges
    assert Edge("sources.market", "sinks.metrics", "told", (Trouble,)) in edges


def test_without_its_library_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    monkeypatch.delitem(sys.modules, "pipeline.metrics.collecting")

    async def doing(flow: Flow, _: Told) -> None:
        await flow.ended

    with pytest.raises(InputError, match=r"metrics needs prometheus_client; install it with: pip install"):
        live(tmp_path, doing)


def test_of_three_hundred_products_each_stream_has_its_own_numbers() -> None:
    names = [(f"P{each}", tf) for each in range(300) for tf in ("1m", "5m")]
    streams = tuple(StreamReport(*name, MONDAY, 1.0, 1, 1, MONDAY) for name in names)
    lanes = (LaneReport("ohlcv", "running", 0, 200, 5, 5, 0, 0),)
    said = read(replace(diagnosis(), streams=streams, lanes=lanes))
    lags = {key[1:] for key in said if key[0] == "fxcm_stream_lag_seconds"}
    assert lags == set(names)
    assert said["fxcm_lane_processed_total", "ohlcv"] == 5


def test_the_quota_and_the_pace_are_told_by_window_and_timeframe() -> None:
    quota = Quota(4, 30, 60, 600, "warn", throttled=True, throttled_total=9)
    pace = {"1m": Pace(5.0, "quiet", 0), "5m": Pace(20.0, "quiet", 0)}
    said = read(replace(report(), quota=quota, pace=pace))
    assert said["fxcm_poll_seconds", "5m"] == 20
    assert said["fxcm_history_calls", "hour"] == 60
    assert (said["fxcm_history_throttled",], said["fxcm_history_throttled_total",]) == (1, 9)
