"""The live flow as an engine shows it: nodes, edges and queues, over the console's line and over a reload."""

import json
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from pipeline.flow import Flow
from pipeline.flowing.flowing import Flowing
from pipeline.flowing.stopwatch import KEPT, Stopwatch
from pipeline.view import FlowNews, TapNews, TapOf
from pipeline.watch import Watch
from pipeline.watch_feeds import Feeds
from tests.api_engine import EAGER_FLOW, Engine, on_engine, until
from tests.support import MONDAY, SMALL, plan_of, play, quotes

Line = aiohttp.ClientWebSocketResponse


@asynccontextmanager
async def console(engine: Engine, **topics: object) -> AsyncGenerator[Line]:
    async with engine.session.ws_connect(f"{engine.url}/ws", max_msg_size=0) as line:
        await line.receive()
        await line.send_json({"subscribe": topics})
        yield line


async def told(line: Line, topic: str) -> dict[str, Any]:
    while True:
        message = await line.receive(timeout=10)
        assert message.type is aiohttp.WSMsgType.TEXT, message
        news: dict[str, Any] = json.loads(message.data)
        if news["topic"] == topic:
            return news


async def flow_of(line: Line) -> FlowNews:
    return msgspec.convert(await told(line, "flow"), FlowNews)


async def tap_of(line: Line) -> TapNews:
    return msgspec.convert(await told(line, "tap"), TapNews)


def ids(flow: FlowNews) -> set[str]:
    return {node.id for node in flow.nodes}


def at_rest(engine: Engine) -> bool:
    """Whether nobody looks, and nobody listens in."""
    return not engine.watch.flowing.timed and not engine.watch.flowing.tapped


class Machine:
    """A clock that only goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_node_is_charged_for_its_own_work_and_not_for_what_others_make_of_it() -> None:
    clock = Machine()
    watch = Stopwatch(clock)

    def work(seconds: float) -> None:
        clock.now += seconds

    def end(_: object) -> None:
        work(0.5)

    def others(_: str, __: object) -> None:
        work(5.0)

    last, tell = watch.around("c", end), watch.apart(others)

    def middle(item: object) -> None:
        work(0.25)
        tell("b", item)
        last(item)
        work(0.25)

    watch.around("b", middle)(None)
    clock.now = 16.0
    watch.look()
    assert watch.took("b") == (1 / 32, 500.0, 500.0)
    assert watch.took("c") == (1 / 32, 500.0, 500.0)
    clock.now += 0.75
    watch.look()
    assert watch.took("c").busy == 1 / 32  # the same look for all who ask within a second
    clock.now += 0.25
    watch.look()
    assert watch.took("c") == (0.0, 0.0, 0.0)


def test_quantiles_are_of_the_newest_calls_and_a_call_that_raises_counts() -> None:
    clock = Machine()
    watch = Stopwatch(clock)

    def call(seconds: float) -> None:
        clock.now += seconds
        if seconds > 1:
            raise ValueError

    node = watch.around("n", call)
    for _ in range(KEPT):
        node(0.5)
    for _ in range(KEPT - 1):
        node(0.001)
    with suppress(ValueError):
        node(2.0)
    watch.look()
    busy, p50, p99 = watch.took("n")
    assert (busy, round(p50, 6), round(p99, 6)) == (1.0, 1.0, 1.0)
    node(0.002)
    clock.now += 2
    watch.look()
    assert round(watch.took("n").p99, 6) == 2.0


def test_the_live_flow_has_every_node_and_edge_and_all_of_it_adds_up(tmp_path: Path) -> None:
    async def check(engine: Engine) -> None:
        await until(lambda: engine.verdicts().count("trade") > 1)
        async with console(engine, flow=20) as line:
            flow = await flow_of(line)
            while not any(node.busy for node in flow.nodes):  # nodes are timed from the first look on
                flow = await flow_of(line)
        nodes = {node.id: node for node in flow.nodes}
        assert {node.id for node in engine.plan.nodes} | {"ledger", "features", "outcomes", "audits"} <= nodes.keys()
        assert flow.conserved
        assert all(edge.came == edge.went + edge.held + sum(edge.dropped.values()) for edge in flow.edges)
        assert len({(edge.source, edge.target) for edge in flow.edges}) == len(flow.edges)
        bars = nodes["operators.bars"]
        assert (bars.kind, bars.use, bars.taken > bars.given > 0) == ("operator", "window", True)
        assert bars.says.startswith("Gathers quotes")
        lines = engine.plan.source.text.splitlines()
        assert lines[bars.line - 1].startswith("[operators.bars]")
        assert (nodes["features"].kind, nodes["features"].use, nodes["features"].line) == ("features", "", 0)
        assert any(edge.closes and edge.most_held > 0 for edge in flow.edges)
        assert {"logs", "api/logs"} <= {queue.name for queue in flow.queues}
        assert all(queue.most >= queue.depth for queue in flow.queues)

    on_engine(tmp_path, check)


def test_nodes_are_timed_only_while_a_console_looks_also_when_one_dies(tmp_path: Path) -> None:
    async def check(engine: Engine) -> None:
        assert not engine.watch.flowing.timed
        async with console(engine, status=20) as line:
            await told(line, "status")
            assert not engine.watch.flowing.timed
            await line.send_json({"subscribe": {"flow": 20, "tap": {"node": "features", "rate": 20}}})
            await flow_of(line)
            assert engine.watch.flowing.timed
            await until(lambda: engine.watch.flowing.tapped == frozenset(("features",)))
            await line.send_json({"subscribe": {"status": 20}})
            await until(lambda: at_rest(engine))
            await line.send_json({"subscribe": {"flow": 20, "tap": {"node": "features"}}})
            await until(lambda: engine.watch.flowing.timed and engine.watch.flowing.tapped)
            async with console(engine, flow=20) as second:
                await flow_of(second)
            assert engine.watch.flowing.timed  # the first one looks on
            line.get_extra_info("socket").shutdown(socket.SHUT_RDWR)  # it dies without a word
            await until(lambda: at_rest(engine))

    on_engine(tmp_path, check)


@pytest.mark.slow
def test_sixteen_consoles_listen_in_at_once_and_leave_nothing_behind(tmp_path: Path) -> None:
    async def check(engine: Engine) -> None:
        names = sorted(engine.flow.nodes)
        chosen = [names[number % len(names)] for number in range(15)] + ["features"]
        opened = [console(engine, tap={"node": name, "rate": 20}, flow=20) for name in chosen]
        lines = [await each.__aenter__() for each in opened]
        for name, line in zip(chosen, lines, strict=True):
            assert (await tap_of(line)).of == TapOf(name, 20)
        news = await tap_of(lines[-1])
        while not news.lines:
            news = await tap_of(lines[-1])
        assert news.lines[0].kind == "Columns"
        for each in opened:
            await each.__aexit__(None, None, None)
        await until(lambda: at_rest(engine))

    on_engine(tmp_path, check)


def test_what_a_node_gives_is_heard_in_order_and_what_comes_too_fast_is_counted(tmp_path: Path) -> None:
    async def check(engine: Engine) -> None:
        heard = 0
        async with console(engine, tap={"node": "sources.market", "rate": 2}) as line:
            seqs: list[int] = []
            texts: list[str] = []
            while heard < 60:
                news = await tap_of(line)
                assert len(news.lines) <= 20
                assert news.why == ""
                heard += news.skipped + len(news.lines)
                seqs += [each.seq for each in news.lines]
                texts += [each.text for each in news.lines if each.kind == "Quotes"]
                assert not seqs or seqs[-1] == heard  # nothing is missing but what is counted
            assert seqs == sorted(set(seqs))
            assert texts
            assert all(" / " in each for each in texts)

    on_engine(tmp_path, check)


def test_a_node_that_goes_away_with_an_edit_is_said_to_be_gone_and_heard_again_when_it_is_back(tmp_path: Path) -> None:
    more = EAGER_FLOW.replace(
        "[ensembles.main]", '[operators.health]\nuse = "health"\nfrom = "market"\n\n[ensembles.main]'
    )

    async def check(engine: Engine) -> None:
        async def put(text: str) -> None:
            config = await engine.get("/config")
            status, answer = await engine.ask("PUT", "/config", {"text": text}, If_Match=config["hash"])
            assert status == 200, answer

        async with (
            console(engine, tap={"node": "operators.health", "rate": 20}) as line,
            console(engine, flow=20) as other,
        ):
            why = "this flow has no node 'operators.health'; did you mean 'operators.bars'?"
            assert (await tap_of(line)).why == why
            tap = engine.watch.tap(TapOf("operators.health"))
            assert tap.news().why is tap.news().why  # which is nearest is looked for once, not at each word
            tap.ends()
            await put(more)
            while (news := await tap_of(line)).why:
                pass
            while not news.lines:
                news = await tap_of(line)
            assert news.lines[0].kind in ("Health", "Dropped")
            while "operators.health" not in ids(flow := await flow_of(other)):
                pass
            assert engine.watch.flowing.timed
            node = next(node for node in flow.nodes if node.id == "operators.health")
            assert more.splitlines()[node.line - 1] == "[operators.health]"
            await put(EAGER_FLOW)
            while "operators.health" in ids(flow := await flow_of(other)):
                pass
            assert not any("operators.health" in (edge.source, edge.target) for edge in flow.edges)
            assert flow.conserved
            while not (news := await tap_of(line)).why:
                pass
            assert "has no node 'operators.health'" in news.why

    on_engine(tmp_path, check)


def test_a_flow_that_has_not_begun_shows_an_empty_graph() -> None:
    watch = Watch(plan_of(SMALL), MONDAY, 1.0)
    look, tap = watch.flow(), watch.tap(TapOf("features"))
    assert look.news().nodes == ()
    assert tap.news().why == "the flow has not begun yet"
    for each in (look, look, tap, tap):
        each.ends()
    assert not watch.flowing.tapped


def test_a_flow_that_nobody_looks_at_any_more_asks_no_clock() -> None:
    plan, asked = plan_of(SMALL), 0

    def real() -> float:
        nonlocal asked
        asked += 1
        return asked / 1000

    def look(flow: Flow) -> None:
        nonlocal asked
        flowing = Flowing(lambda: 0, Feeds(plan), real)
        flowing.begins(flow)
        first, second = flowing.look(), flowing.look()
        before = asked
        flow.enter("sources.market", quotes("EURUSD", [MONDAY + 5], [1.1]))
        assert asked > before
        first.ends()
        before = asked
        flow.enter("sources.market", quotes("EURUSD", [MONDAY + 6], [1.1]))
        assert asked > before
        second.ends()
        before = asked
        flow.enter("sources.market", quotes("EURUSD", [MONDAY + 7], [1.1]))
        assert asked == before

    play(plan, [], MONDAY + 10, look=look)


def test_those_who_look_at_one_moment_are_given_one_look_however_many_they_are() -> None:
    plan, clock = plan_of(SMALL), Machine()

    def real() -> float:
        clock.now += 0.001  # all work takes time
        return clock.now

    def look(flow: Flow) -> None:
        flowing = Flowing(lambda: 0, Feeds(plan), real)
        flowing.begins(flow)
        lookers = [flowing.look() for _ in range(16)]
        shown = lookers[0].news()
        assert all(each.news() is shown for each in lookers)
        clock.now += 0.1
        assert lookers[1].news() is not shown
        for each in lookers:
            each.ends()

    play(plan, [], MONDAY + 10, look=look)
