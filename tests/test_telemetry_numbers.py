"""Numbers as they are told: to Prometheus, and as messages."""

import asyncio
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from pipeline import virtual
from pipeline.changes.notices import Notice
from pipeline.changes.proposal import Changed
from pipeline.control.telling import Numbers, SamplesAsked
from pipeline.engine import Setting, ledger_of, running
from pipeline.evidence import Called, Standing, Trouble
from pipeline.flow import CLOCK, Flow
from pipeline.hogging.pauses import Resting
from pipeline.ledger import Ledger
from pipeline.metrics.collecting import Page
from pipeline.metrics.hearing import Hearings
from pipeline.plan import LEDGER
from pipeline.service import LaneReport
from pipeline.telemetry.conserving import CONSERVATION
from pipeline.telemetry.edges import Edge
from pipeline.telemetry.families import BY_NAME, FAMILIES, GROUPINGS, MEASURES
from pipeline.telemetry.onlooker import Onlooker
from pipeline.telemetry.readings import Reading
from pipeline.telemetry.samples import Channel, Sample
from pipeline.telemetry.stages import STAGES
from pipeline.times import HOUR, MINUTE, SECOND, timeframe_name
from pipeline.trying import NoRecords
from pipeline.values import Dropped, Fault, Link, Noticed, Past, Slept
from tests.service_sample import diagnosis, report
from tests.support import MONDAY, ROOT, SMALL, order, plan_of

TRADES = SMALL.replace("[[test]]", "")


class Hand:
    """Real time that is moved by hand, in seconds."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def looked_on(span: int, *, past: Past | None = None, ledger: Path | None = None) -> tuple[Onlooker, list[Any]]:
    """An onlooker of a flow that ran for a while in virtual time, and all that was told."""
    plan, given = plan_of(TRADES), list[Any]()
    looker = Onlooker(plan, Hand())

    def told(node: str, value: Any) -> None:
        looker.told(node, value)
        given.append(value)

    async def main() -> None:
        records = NoRecords() if ledger is None else Ledger(ledger)
        setting = Setting(mode="paper", begin=MONDAY, speed=None)
        async with running(plan, setting, records, past or Past((), {}), taps=(told,)) as flow:
            looker.begins(flow)
            await flow.border.until(MONDAY + span)
            looker.look()
            list(looker.readings())
        if isinstance(records, Ledger):
            records.close()

    virtual.run(lambda _: main())
    return looker, given


@pytest.fixture(scope="module")
def hour() -> Onlooker:
    """An hour of a flow that trades."""
    return looked_on(HOUR)[0]


def named(looker: Onlooker) -> dict[tuple[str, ...], Any]:
    return {(reading.name, *reading.labels): reading.value for reading in looker.readings()}


def page(looker: Onlooker, accept: str = "", *, keys: bool = True) -> str:
    return Page(Hearings(), lambda: MONDAY, looker.readings, keys=keys)(accept)[0].decode()


# --- families --------------------------------------------------------------------------------------------------------


def test_every_reading_is_of_a_family_and_has_as_many_labels(hour: Onlooker) -> None:
    readings = list(hour.readings(("*",)))
    assert len(readings) > 200
    assert [each for each in readings if len(each.labels) != len(BY_NAME[each.name].labels)] == []
    assert len({(each.name, each.labels) for each in readings}) == len(readings)


def test_every_name_is_written_down_with_its_kind_and_its_labels() -> None:
    rows = [line.split("|") for line in (ROOT / "docs/metrics.md").read_text("utf-8").splitlines()]
    cells = [[cell.strip().replace("`", "") for cell in row[1:-1]] for row in rows if len(row) == 6]
    written = {row[0]: (row[1], tuple(row[2].replace(",", " ").split()), row[3]) for row in cells}
    of_trades = {f"moonlight_{group.name}_{measure.name}" for group in GROUPINGS for measure in MEASURES}
    for family in FAMILIES:
        if family.shown != "samples" and family.name not in of_trades:
            assert written.pop(family.name) == (family.kind, family.labels, family.help)
    assert [name for name in written if name.startswith("moonlight_")] == []
    text = (ROOT / "docs/metrics.md").read_text("utf-8")
    for measure in MEASURES:
        assert f"| `{measure.name}` | `{measure.key}` | {measure.help} |" in text
    for group in GROUPINGS:
        if group.shown != "samples":
            assert f"| `moonlight_{group.name}_…` | {', '.join(f'`{label}`' for label in group.labels)} |" in text


def test_the_stages_are_written_down_in_their_order() -> None:
    text = (ROOT / "docs/telemetry.md").read_text("utf-8")
    assert re.findall(r"^\| `(\w+_to_\w+)` \|", text, re.MULTILINE) == list(STAGES)


def test_prometheus_reads_the_page_in_both_its_forms(hour: Onlooker) -> None:
    plain = {each.name for family in text_string_to_metric_families(page(hour)) for each in family.samples}
    assert {"moonlight_account_win_rate", "moonlight_stage_seconds_bucket", "moonlight_edge_in_total"} <= plain
    newer = page(hour, "application/openmetrics-text; version=1.0.0")
    opened = {line.split("{")[0].split(" ")[0] for line in newer.splitlines() if not line.startswith("#")}
    assert plain == opened
    assert newer.endswith("# EOF\n")


def test_without_keys_no_series_is_of_a_single_key(hour: Onlooker) -> None:
    assert "moonlight_key_profit{" in page(hour)
    assert "moonlight_key_" not in page(hour, keys=False)
    assert "moonlight_feature" not in page(hour)


def test_a_histogram_says_for_each_bound_how_many_took_no_longer(hour: Onlooker) -> None:
    lines = [line for line in page(hour).splitlines() if line.startswith("moonlight_close_seconds_bucket")]
    minute = [float(line.rsplit(" ", 1)[1]) for line in lines if 'timeframe="1m"' in line]
    assert minute == sorted(minute)
    assert f'moonlight_close_seconds_count{{timeframe="1m"}} {minute[-1]}' in page(hour)


# --- messages --------------------------------------------------------------------------------------------------------


def test_a_message_has_the_form_of_the_channel(hour: Onlooker) -> None:
    [rate] = [each for each in hour.samples() if (each.scope, each.key) == ("acc:demo-1", "win_rate")]
    said = msgspec.json.decode(msgspec.json.encode(rate))
    scope, key, value = "acc:demo-1", "win_rate", rate.value
    assert said == {"topic": "metrics", "ts_ms": rate.ts_ms, "scope": scope, "key": key, "value": value}


def test_scopes_are_the_engine_accounts_products_timeframes_keys_nodes_edges_and_queues(hour: Onlooker) -> None:
    samples = hour.samples(features=("fast",))
    kinds = {each.scope.split(":")[0] for each in samples}
    assert kinds >= {"global", "acc", "prod", "tf", "key", "node", "edge"}
    keys = {(each.scope, each.key) for each in samples}
    assert {
        ("global", "win_rate_paper_usd"),
        ("acc:demo-1", "pnl_day"),
        ("tf:1m", "win_rate_paper_usd"),
        ("prod:EURUSD", "n_eff_paper_usd"),
        ("prod:EURUSD", "fast_1m"),
        ("key:demo-1/EURUSD/1m", "drawdown"),
        ("global", "latency_p50_ms"),
        ("acc:demo-1", "latency_send_to_answer_p99_ms"),
        ("tf:5m", "latency_close_p95_ms"),
        ("edge:ensembles.main>risk.main.signals", "in"),
        ("global", "threads"),
    } <= keys
    assert len(keys) == len(samples)


def test_features_are_told_by_name_when_they_are_asked_for(hour: Onlooker) -> None:
    def features(*names: str) -> set[str]:
        return {each.key for each in hour.samples(features=names) if each.scope == "prod:BTCUSD"} & {
            f"{name}_{tf}" for name in ("fast", "slow", "close") for tf in ("1m", "5m")
        }

    assert features() == set()
    assert features("fast", "no such one") == {"fast_1m", "fast_5m"}
    assert len(features("*")) == 6


def test_the_api_is_asked_for_features_by_name(hour: Onlooker) -> None:
    def told(features: str) -> set[str]:
        answer = asyncio.run(Numbers(hour).metrics(SamplesAsked(features=features), None))
        return {each.key for each in answer.metrics if each.scope == "prod:EURUSD" and each.key.endswith("_5m")}

    assert told("") == set()
    assert told("fast, slow") == {"fast_5m", "slow_5m"}


def test_no_two_times_of_asking_have_one_moment_so_nothing_that_changes_between_is_missed() -> None:
    channel = Channel()
    first = channel.samples([Reading("moonlight_open_orders", ("demo-1",), 1)], 1000)
    since = max(each.ts_ms for each in first)
    [again] = channel.samples([Reading("moonlight_open_orders", ("demo-1",), 2)], 1000, since)
    assert again.value == 2


def test_who_asks_again_hears_what_has_changed_since() -> None:
    channel = Channel()
    first = [Reading("moonlight_open_orders", ("demo-1",), 1), Reading("moonlight_unknown_orders", ("demo-1",), 0)]
    later = [Reading("moonlight_open_orders", ("demo-1",), 2), first[1]]
    assert len(channel.samples(first, 1000)) == 2
    assert channel.samples(later, 2000, since=1000) == [Sample(2000, "acc:demo-1", "open", 2)]
    assert channel.samples(later, 3000, since=2000) == []
    assert {each.ts_ms for each in channel.samples(later, 3000)} == {1000, 2000}


def test_seconds_of_a_family_are_milliseconds_of_a_key_and_what_is_no_number_is_left_out() -> None:
    readings = [
        Reading("moonlight_call_seconds", ("demo-1",), 0.25),
        Reading("moonlight_feature", ("EURUSD", "1m", "rsi"), float("nan")),
    ]
    assert [(each.key, each.value) for each in Channel().samples(readings, 1)] == [("call_ms", 250)]


# --- what it keeps ---------------------------------------------------------------------------------------------------


def test_the_numbers_of_an_hour_are_those_of_its_ledger(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    looker, _ = looked_on(HOUR, ledger=path)
    numbers = named(looker)
    ledger = Ledger(path)
    orders = [each for each in ledger.past(MONDAY + 2 * HOUR).orders if each.state == "SETTLED"]
    ledger.close()
    assert len(orders) > 10
    purse = ("demo-1", "paper", "USD")
    assert numbers["moonlight_account_profit", *purse] == pytest.approx(float(sum(each.profit for each in orders)))
    for word in ("win", "lose", "push"):
        told = numbers.get(("moonlight_trades_total", *purse, word), 0)
        assert told == sum(each.result == word for each in orders)
    for tf in (MINUTE, 5 * MINUTE):
        made = sum((each.profit for each in orders if (each.product, each.tf) == ("EURUSD", tf)), Decimal(0))
        key = ("demo-1", "EURUSD", timeframe_name(tf))
        assert numbers.get(("moonlight_key_profit", *key), 0.0) == pytest.approx(float(made))


def test_every_bar_and_every_decision_is_counted(hour: Onlooker) -> None:
    numbers = named(hour)
    decided = sum(count for name, count in numbers.items() if name[0] == "moonlight_decisions_total")
    bars = sum(count for name, count in numbers.items() if name[0] == "moonlight_bars_total")
    assert bars == decided > 100


def told_of(*items: tuple[str, Any]) -> dict[tuple[str, ...], Any]:
    looker = Onlooker(plan_of(), Hand())
    for node, value in items:
        looker.told(node, value)
    return named(looker)


def test_what_went_wrong_is_counted_by_class_and_by_node() -> None:
    numbers = told_of(
        ("venues.x", Trouble("demo-1", "throttle", "too much", MONDAY)),
        ("venues.x", Trouble("demo-1", "throttle", "too much", MONDAY)),
        ("sources.f", Trouble("sources.f", "format", "odd", MONDAY)),
        ("providers.cross", Fault("providers.cross", MONDAY, "ValueError: no")),
        (CLOCK, Slept(MONDAY, MONDAY + SECOND, "blocked")),
    )
    assert numbers["moonlight_troubles_total", "demo-1", "throttle"] == 2
    assert numbers["moonlight_troubles_total", "sources.f", "format"] == 1
    assert numbers["moonlight_faults_total", "providers.cross"] == 1
    assert numbers["moonlight_standstills_total", "blocked"] == 1


def test_edits_of_the_running_flow_are_counted_by_what_became_of_them_and_who_rests_is_shown() -> None:
    numbers = told_of(
        ("changes", Changed(MONDAY, applied=("risk.main",))),
        ("changes", Changed(MONDAY, waiting=("demo-1:EURUSD",))),
        ("changes", Notice("error", "flows.toml cannot be read", MONDAY)),
        ("changes", Notice("info", "nothing differs", MONDAY)),
        ("providers.cross", Resting("providers.cross", MONDAY, MONDAY + MINUTE)),
        ("providers.other", Resting("providers.other", MONDAY, 0)),
    )
    outcomes = {name[1]: count for name, count in numbers.items() if name[0] == "moonlight_changes_total"}
    assert outcomes == {"applied": 1, "waiting": 1, "refused": 1}
    assert numbers["moonlight_resting", "providers.cross"] == 1
    assert numbers["moonlight_resting", "providers.other"] == 0


def test_rows_that_were_let_go_or_are_odd_are_counted_by_reason() -> None:
    numbers = told_of(
        ("operators.bars", Dropped("EURUSD", "late", 3)),
        ("operators.bars", Dropped("BTCUSD", "late", 1)),
        ("operators.bars", Noticed("BTCUSD", "crossed", 2)),
    )
    assert numbers["moonlight_dropped_rows_total", "operators.bars", "late"] == 4
    assert numbers["moonlight_noticed_rows_total", "operators.bars", "crossed"] == 2


def test_a_connection_that_breaks_is_a_reconnect_once_until_it_stands_again() -> None:
    def standing(state: str) -> tuple[str, Any]:
        return "venues.x", msgspec.convert({"account": "demo-1", "state": state, "at": MONDAY}, Standing)

    states = ("CONNECTED", "RECONNECT", "RECONNECT", "CONNECTED", "RECONNECT")
    links = [Link(("EURUSD",), up, MONDAY) for up in (True, False, False, True, False)]
    numbers = told_of(*map(standing, states), *(("sources.f", link) for link in links))
    assert numbers["moonlight_reconnects_total", "demo-1"] == 2
    assert numbers["moonlight_reconnects_total", "sources.f"] == 2
    assert numbers["moonlight_connected", "demo-1"] == 0


def test_calls_are_summed_and_the_last_minute_has_its_mean() -> None:
    numbers = told_of(
        ("venues.x", Called("demo-1", MONDAY, 10, 1, 30.0)), ("venues.x", Called("demo-1", MONDAY, 20, 0, 50.0))
    )
    assert numbers["moonlight_calls_total", "demo-1"] == 30
    assert numbers["moonlight_failed_calls_total", "demo-1"] == 1
    assert numbers["moonlight_call_seconds", "demo-1"] == 0.05


def test_the_process_says_what_it_takes(hour: Onlooker) -> None:
    numbers = named(hour)
    assert numbers["moonlight_process_resident_bytes",] > 10_000_000
    assert numbers["moonlight_process_open_files",] > 2
    assert numbers["moonlight_process_cpu_seconds_total",] > 0
    assert numbers["moonlight_process_tasks",] >= 1


def test_orders_of_before_the_start_are_in_the_rates() -> None:
    settled = order("SETTLED", result="win", profit="0.90", at=MONDAY - HOUR, expiry=MONDAY - HOUR)
    looker = Onlooker(plan_of(), Hand())
    looker.told(LEDGER, Past((settled,), {}))
    assert named(looker)["moonlight_account_decided", "demo-1", "paper", "USD"] == 1


# --- edges -----------------------------------------------------------------------------------------------------------


class Lossy:
    """A flow that ran a little, whose edges can be tampered with, and what its onlooker told."""

    def __init__(self, flow: Flow, looker: Onlooker) -> None:
        self.flow, self.looker = flow, looker
        self.told: list[Fault] = []
        looker.tells_by(lambda _, value: self.told.append(value))


def lossy(doing: Any) -> None:
    async def main() -> None:
        plan = plan_of()
        looker = Onlooker(plan, hand)
        async with running(
            plan, Setting(mode="paper", begin=MONDAY), NoRecords(), Past((), {}), taps=(looker.told,)
        ) as flow:
            looker.begins(flow)
            await flow.border.until(MONDAY + 2 * MINUTE)
            await doing(Lossy(flow, looker), hand)

    hand = Hand()
    virtual.run(lambda _: main())


def test_an_edge_that_loses_something_is_told_once_by_name_and_stays_in_the_numbers() -> None:
    async def doing(it: Lossy, _: Hand) -> None:
        it.looker.look()
        assert it.told == []
        [passage] = [
            each
            for each in it.flow.passages
            if each.edge.target == "risk.main" and each.edge.source == "ensembles.main"
        ]
        passage.came += 1
        for _again in range(3):
            it.looker.look()
        await it.looker.ends("")
        [fault] = it.told
        assert (fault.node, fault.fatal) == (CONSERVATION, False)
        assert fault.what.startswith("lost without a name: ensembles.main → risk.main (signals); ")
        assert named(it.looker)["moonlight_edges_amiss",] == 1

    lossy(doing)


def test_of_what_an_edge_holds_the_age_is_known_until_it_goes_on() -> None:
    async def doing(it: Lossy, hand: Hand) -> None:
        [passage] = [
            each for each in it.flow.passages if (each.edge.source, each.edge.target) == ("sinks.orders", "risk.main")
        ]
        edge = (passage.edge.source, passage.edge.target, passage.edge.parameter)
        passage.came += 1
        passage.held += 1
        it.looker.look()
        hand.seconds += 7
        it.looker.look()
        assert named(it.looker)["moonlight_edge_held_seconds", *edge] == 7
        passage.held -= 1
        passage.went += 1
        it.looker.look()
        assert ("moonlight_edge_held_seconds", *edge) not in named(it.looker)
        assert it.told == []

    lossy(doing)


def test_two_edges_of_one_name_are_one_series() -> None:
    async def doing(it: Lossy, _: Hand) -> None:
        passage = next(each for each in it.flow.passages if each.edge.target == "risk.main" and each.came)
        it.flow.passages.append(passage)
        edge = (passage.edge.source, passage.edge.target, passage.edge.parameter)
        told = [each.value for each in it.looker.readings() if (each.name, each.labels) == (CAME, edge)]
        assert told == [2 * passage.came]
        it.flow.passages.remove(passage)

    lossy(doing)


CAME = "moonlight_edge_in_total"


def test_whoever_has_a_queue_beside_the_graph_says_what_it_holds() -> None:
    async def doing(it: Lossy, _: Hand) -> None:
        it.flow.border.panel.edges.add(
            Edge("logs", lambda: 3, 1024, "drops_oldest", dropped=lambda: 9, oldest=lambda: 1.5)
        )
        numbers = named(it.looker)
        assert numbers["moonlight_queue_depth", "logs"] == 3
        assert numbers["moonlight_queue_capacity", "logs", "drops_oldest"] == 1024
        assert numbers["moonlight_queue_dropped_total", "logs"] == 9
        assert numbers["moonlight_queue_oldest_seconds", "logs"] == 1.5

    lossy(doing)


def test_lanes_of_a_publisher_are_queues_too_and_one_that_does_not_add_up_is_told() -> None:
    async def doing(it: Lossy, _: Hand) -> None:
        sound = LaneReport("ohlcv", "running", 2, 200, 10, 7, 0, 0, in_flight=1)
        told = msgspec.structs.replace(diagnosis(), lanes=(sound,))
        it.looker.told("sinks.redis", told)
        it.looker.told("sources.fxcm", report())
        it.looker.look()
        numbers = named(it.looker)
        assert numbers["moonlight_queue_depth", f"{told.whose}/ohlcv"] == 3
        assert numbers["moonlight_queue_capacity", f"{told.whose}/ohlcv", "spills"] == 200
        assert it.told == []
        it.looker.told("sinks.redis", msgspec.structs.replace(told, lanes=(msgspec.structs.replace(sound, depth=1),)))
        it.looker.look()
        assert [fault.what for fault in it.told] == [
            f"lost without a name: in the lane ohlcv of {told.whose}; 10 came, 7 went, 2 are kept, 0 were let go"
        ]

    lossy(doing)


def test_a_writer_of_its_own_thread_is_a_queue(tmp_path: Path) -> None:
    async def main() -> list[tuple[str, ...]]:
        plan = plan_of(base=tmp_path)
        looker = Onlooker(plan)
        with ledger_of(plan) as ledger:
            setting = Setting(mode="paper", begin=MONDAY, outside=())
            async with running(plan, setting, ledger, Past((), {}), taps=(looker.told,)) as flow:
                looker.begins(flow)
                return [name for name in named(looker) if name[0] == "moonlight_queue_capacity"]

    assert asyncio.run(main()) == [("moonlight_queue_capacity", "ledger", "waits")]
