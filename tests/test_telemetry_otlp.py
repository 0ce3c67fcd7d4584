"""Numbers and traces on their way to an OpenTelemetry collector."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web

from pipeline.company import company_of
from pipeline.engine import Setting, ledger_of, running
from pipeline.errors import PlanError
from pipeline.evidence import Trouble
from pipeline.plan import Plan
from pipeline.telemetry import otlp
from pipeline.telemetry.exporting import WAITING, Exporting
from pipeline.telemetry.onlooker import Onlooker
from pipeline.telemetry.readings import Reading
from pipeline.telemetry.sketches import BOUNDS, Spread
from pipeline.telemetry.stages import Way
from pipeline.telemetry.traces import PARTS, spans_of, trace_of
from pipeline.times import MINUTE
from pipeline.values import Past
from tests.support import MONDAY, SMALL, order, plan_of

NOW = 1_800_000_000_000
WHOSE = otlp.resource("flow", "paper", "1")


def way(state: str = "SETTLED", **changes: Any) -> Way:
    facts = {"result": "win", "profit": "0.90", "expiry": MONDAY + 2 * MINUTE} if state == "SETTLED" else {}
    return Way(order(state, **(facts | changes)), 1.0, 2.5, 4.0, 9.0, 10.0, 60.0, 60_060.0)


def attributes(told: dict[str, Any]) -> dict[str, str]:
    return {each["key"]: each["value"]["stringValue"] for each in told["attributes"]}


# --- the form --------------------------------------------------------------------------------------------------------


def metrics(*readings: Reading) -> dict[str, dict[str, Any]]:
    made = otlp.metrics(readings, WHOSE, NOW - 5000, NOW)
    [whole] = made["resourceMetrics"]
    assert attributes(whole["resource"])["service.name"] == "moonlight"
    [scope] = whole["scopeMetrics"]
    return {each["name"]: each for each in scope["metrics"]}


def test_a_gauge_a_counter_and_a_histogram_have_the_forms_of_the_protocol() -> None:
    spread = Spread()
    for millis in (0.5, 40.0, 90_000.0):
        spread.add(millis)
    told = metrics(
        Reading("moonlight_open_orders", ("demo-1",), 2),
        Reading("moonlight_calls_total", ("demo-1",), 7),
        Reading("moonlight_loop_lag_seconds", (), spread),
    )
    [gauge] = told["moonlight_open_orders"]["gauge"]["dataPoints"]
    assert (gauge["asDouble"], gauge["timeUnixNano"]) == (2.0, str(NOW * 1_000_000))
    assert attributes(gauge) == {"account": "demo-1"}
    total = told["moonlight_calls"]["sum"]
    assert (total["aggregationTemporality"], total["isMonotonic"]) == (2, True)
    assert total["dataPoints"][0]["startTimeUnixNano"] == str((NOW - 5000) * 1_000_000)
    spreads = told["moonlight_loop_lag_seconds"]
    [point] = spreads["histogram"]["dataPoints"]
    assert (spreads["unit"], point["count"], point["sum"]) == ("s", "3", pytest.approx(90.0405))
    assert len(point["bucketCounts"]) == len(point["explicitBounds"]) + 1 == len(BOUNDS) + 1
    assert sum(map(int, point["bucketCounts"])) == 3
    assert (point["bucketCounts"][0], point["bucketCounts"][-1]) == ("1", "1")


def test_what_each_key_made_is_sent_where_it_is_asked_for() -> None:
    reading = Reading("moonlight_key_profit", ("demo-1", "EURUSD", "1m"), 2.0)
    assert metrics(reading) == {}
    made = otlp.metrics([reading], WHOSE, NOW, NOW, ("always", "keys"))
    assert made["resourceMetrics"][0]["scopeMetrics"][0]["metrics"][0]["name"] == "moonlight_key_profit"


def test_a_traded_bar_is_one_trace_whose_spans_touch_and_name_its_order() -> None:
    spans = list(spans_of(way(), "life", 1000.0))
    root, *parts = spans
    assert [each.name for each in parts] == list(PARTS)
    assert (root.begun, root.ended, root.parent) == (1001.0, 61_060.0, "")
    assert [each.begun for each in parts[1:]] == [each.ended for each in parts[:-1]]
    assert {each.parent for each in parts} == {root.span}
    assert {each.trace for each in spans} == {trace_of("life", order().order)}
    assert {each.attributes["moonlight.order"] for each in spans} == {order().order}
    assert (root.attributes["moonlight.result"], root.attributes["moonlight.profit"]) == ("win", "0.90")
    assert len({each.span for each in spans}) == len(spans)


def test_ids_are_hexadecimal_of_the_lengths_of_the_protocol_and_two_lives_have_two_traces() -> None:
    [whole] = otlp.traces(spans_of(way(), "life", 0.0), WHOSE)["resourceSpans"]
    [scope] = whole["scopeSpans"]
    for span in scope["spans"]:
        assert (len(bytes.fromhex(span["traceId"])), len(bytes.fromhex(span["spanId"]))) == (16, 8)
        assert int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"])
    assert [span.get("parentSpanId", "") for span in scope["spans"]].count("") == 1
    assert trace_of("one life", "x") != trace_of("another", "x")


def test_an_order_that_came_to_nothing_is_a_failed_trace_with_the_stages_it_went_through() -> None:
    refused = way("ABORT", reason="no funds")
    refused.sent = refused.answered = 0.0
    root, *parts = spans_of(refused, "life", 0.0)
    assert root.failed == "abort: no funds"
    assert [each.name for each in parts] == ["quote_to_bar", "bar_to_decision", "decision_to_intent"]
    [whole] = otlp.traces([root], WHOSE)["resourceSpans"]
    assert whole["scopeSpans"][0]["spans"][0]["status"] == {"code": 2, "message": "abort: no funds"}


# --- a collector -----------------------------------------------------------------------------------------------------


class Collector:
    """Listens as a collector does, keeps what it is sent, and answers as it is told."""

    def __init__(self) -> None:
        self.metrics: list[dict[str, Any]] = []
        self.spans: list[dict[str, Any]] = []
        self.status: dict[str, int] = {}
        self.said: dict[str, Any] = {}
        self.came = asyncio.Event()
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        what = request.match_info["what"]
        assert request.content_type == "application/json"
        body = msgspec.json.decode(await request.read())
        self.came.set()
        status = self.status.get(what, 200)
        if status == 200:
            for whole in body.get("resourceMetrics", ()):
                self.metrics += whole["scopeMetrics"][0]["metrics"]
            for whole in body.get("resourceSpans", ()):
                self.spans += whole["scopeSpans"][0]["spans"]
        return web.json_response(self.said.get(what, {}), status=status)


@asynccontextmanager
async def collector() -> AsyncGenerator[Collector]:
    made = Collector()
    app = web.Application()
    app.router.add_post("/v1/{what}", made.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield made
    finally:
        await runner.cleanup()


class Sender:
    """An exporting companion with its collector, and what it told."""

    def __init__(self, collector: Collector) -> None:
        self.collector = collector
        plan = plan_of(SMALL + f'\n[telemetry]\notlp = "{collector.url}"\n')
        self.onlooker = Onlooker(plan)
        self.exporting = Exporting(plan, self.onlooker)
        self.told: list[Trouble] = []
        self.exporting.tells_by(lambda _, value: self.told.append(value))
        self.onlooker.ways = self.exporting.take

    async def send(self) -> None:
        await self.exporting.ends("")


def sending(doing: Callable[[Sender], Awaitable[None]]) -> None:
    async def main() -> None:
        async with collector() as made:
            await doing(Sender(made))

    asyncio.run(asyncio.wait_for(main(), 10))


def end(sender: Sender, count: int = 1) -> None:
    for number in range(count):
        sender.exporting.take(way(order=f"demo-1:{number}"))


def test_numbers_and_traces_arrive_and_traces_only_once() -> None:
    async def doing(it: Sender) -> None:
        end(it, 3)
        await it.send()
        await it.send()
        assert {"moonlight_info", "moonlight_uptime_seconds"} <= {each["name"] for each in it.collector.metrics}
        assert len({each["traceId"] for each in it.collector.spans}) == 3
        assert len(it.collector.spans) == 3 * (1 + len(PARTS))
        assert it.told == []

    sending(doing)


def test_while_a_collector_is_overloaded_traces_wait_and_it_is_told_once() -> None:
    async def doing(it: Sender) -> None:
        it.collector.status = {"metrics": 503, "traces": 503}
        end(it)
        await it.send()
        await it.send()
        assert it.collector.spans == []
        [trouble] = it.told
        assert trouble.kind == "network"
        assert trouble.what == f"the collector {it.collector.url} answers 503 to metrics; it is tried again every 15s"
        it.collector.status = {}
        await it.send()
        assert len(it.collector.spans) == 1 + len(PARTS)
        assert it.exporting.dropped == 0
        it.collector.status = {"metrics": 503}
        await it.send()
        assert len(it.told) == 2

    sending(doing)


def test_a_collector_of_traces_alone_gets_them_though_it_takes_no_numbers() -> None:
    async def doing(it: Sender) -> None:
        it.collector.status = {"metrics": 404}
        end(it)
        await it.send()
        assert len(it.collector.spans) == 1 + len(PARTS)
        assert "answers 404 to metrics" in it.told[0].what

    sending(doing)


def test_what_is_refused_for_good_is_not_sent_again_and_is_counted() -> None:
    async def doing(it: Sender) -> None:
        it.collector.status = {"traces": 400}
        end(it)
        await it.send()
        it.collector.status = {}
        await it.send()
        assert (it.collector.spans, it.exporting.dropped) == ([], 1 + len(PARTS))
        it.collector.said = {"traces": {"partialSuccess": {"rejectedSpans": "2", "errorMessage": "too old"}}}
        end(it)
        await it.send()
        assert it.exporting.dropped == 1 + len(PARTS) + 2
        assert "did not take 2 of the traces (too old)" in it.told[-1].what

    sending(doing)


def test_a_collector_that_is_not_there_keeps_nobody_waiting_and_of_too_many_spans_the_oldest_go() -> None:
    async def doing(it: Sender) -> None:
        whole = 1 + len(PARTS)
        end(it, WAITING // whole + 2)
        lost = (WAITING // whole + 2) * whole - WAITING
        assert it.exporting.dropped == lost
        it.collector.status = {"metrics": 503, "traces": 503}
        await it.send()
        assert it.exporting.dropped == lost
        it.collector.status = {}
        await it.send()
        assert len(it.collector.spans) == WAITING

    sending(doing)


def test_nobody_answers_at_the_address_and_the_flow_is_told_in_a_sentence() -> None:
    async def doing(it: Sender) -> None:
        gone = plan_of(SMALL + '\n[telemetry]\notlp = "http://127.0.0.1:9"\n')
        it.exporting.changed(gone)
        await it.send()
        assert it.told[0].what.startswith("the collector http://127.0.0.1:9 is not reached (Client")

    sending(doing)


def test_without_an_address_nothing_is_kept_and_nothing_is_sent() -> None:
    async def doing(it: Sender) -> None:
        end(it)
        it.exporting.changed(plan_of())
        end(it)
        await it.send()
        assert not it.collector.came.is_set()
        it.exporting.changed(plan_of(SMALL + f'\n[telemetry]\notlp = "{it.collector.url}"\n'))
        await it.send()
        assert it.collector.spans == []
        assert it.collector.metrics

    sending(doing)


def test_a_flow_that_runs_sends_each_traded_bar_from_its_quote_to_its_result(tmp_path: Path) -> None:
    async def main() -> None:
        async with collector() as made:
            text = SMALL.replace('use = "synthetic"', 'use = "synthetic"\nspeed = 3600') + TABLE.format(url=made.url)
            plan = plan_of(text, tmp_path)
            await asyncio.wait_for(traded(plan, made), 20)
        whole = [each for each in made.spans if each["name"] == "trade"]
        one = next(each for each in whole if attributes(each)["moonlight.result"])
        names = [each["name"] for each in made.spans if each["traceId"] == one["traceId"]]
        assert set(names) >= {"trade", "bar_to_decision", "decision_to_intent", "send_to_answer", "contract"}
        [rate] = [each for each in made.metrics if each["name"] == "moonlight_account_profit"][-1:]
        assert attributes(rate["gauge"]["dataPoints"][0])["account"] == "demo-1"

    asyncio.run(main())


TABLE = '\n[telemetry]\notlp = "{url}"\nevery = "1s"\n'


async def traded(plan: Plan, made: Collector) -> None:
    """Run a flow with its company until a trace has arrived."""
    onlooker, exporting = (each for each in company_of(plan) if isinstance(each, Onlooker | Exporting))
    with ledger_of(plan) as ledger:
        setting = Setting(mode="paper", begin=MONDAY, speed=3600)
        async with running(plan, setting, ledger, Past((), {}), taps=(onlooker.told,)) as flow:
            onlooker.begins(flow)
            exporting.begins(flow)
            attending = asyncio.ensure_future(exporting.attend())
            while not made.spans:
                made.came.clear()
                await made.came.wait()
            attending.cancel()


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ('otlp = "http://collector.example:4318"', "without encryption"),
        ('otlp = "https://me:secret@collector.example"', "must hold no login"),
        ('otlp = "127.0.0.1:4318"', "no address of a collector"),
        ('otlp = "http://[::1"', "no address"),
        ('every = "200ms"', "more often than numbers change"),
        ('evry = "5s"', "evry"),
    ],
)
def test_a_table_that_cannot_be_meant_is_refused_in_a_sentence(written: str, said: str) -> None:
    with pytest.raises(PlanError) as refused:
        plan_of(SMALL + f"\n[telemetry]\n{written}\n")
    assert said in str(refused.value)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:4318", "http://localhost:4318", "http://[::1]:4318", "https://c.example/otlp"]
)
def test_a_collector_here_or_behind_encryption_is_taken(url: str) -> None:
    assert plan_of(SMALL + f'\n[telemetry]\notlp = "{url}"\n').telemetry.otlp == url
