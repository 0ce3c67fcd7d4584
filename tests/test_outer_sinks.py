"""Sinks that hear from outside: they stand outside a flow's door, and what they say is part of a recording."""

import asyncio
from pathlib import Path

import pytest

from pipeline import virtual
from pipeline.engine import Setting, running, venue_clock
from pipeline.journal import Journal, read_lines
from pipeline.plan import Edge, Plan
from pipeline.publishing.shelf import Shelf
from pipeline.service import FeedReport, Pressure
from pipeline.times import MINUTE
from pipeline.trying import NoRecords
from pipeline.values import Gap, Past, Quotes, Stream
from pipeline.verifying import verified
from tests.support import MONDAY, plan_of, play, quotes

TEXT = """
[moonlight]
plugins = ["mine.py"]

[sources.wire]
use = "obedient"
products = ["EURUSD"]

[operators.bars]
use = "window"
from = "wire"
timeframes = ["1m"]

[sinks.shout]
use = "shouting"
from = "bars"
"""

MINE = '''
"""A source that does what it is asked for, and a sink that asks."""

from pathlib import Path
from typing import ClassVar

from reactivex import Observable, merge, operators as ops

from pipeline.evidence import Trouble
from pipeline.host import Host
from pipeline.parts import sink, source
from pipeline.service import FeedReport, Pressure, Universe
from pipeline.values import Bars, Gap, Link, Quotes


@source
class Obedient:
    """Says of everything it is asked that it was."""

    products: tuple[str, ...]

    def __call__(
        self, host: Host, asked: Observable[Gap | Pressure | Universe]
    ) -> Observable[Quotes | Bars | FeedReport]:
        return asked.pipe(ops.map(lambda each: FeedReport(type(each).__name__, host.now(), "connected", 0)))


@sink
class Shouting:
    """Asks for the bar before each bar, and says with each report that it is full."""

    outer: ClassVar[bool] = True

    def __call__(
        self, host: Host, bars: Observable[Bars], told: Observable[Quotes | FeedReport]
    ) -> Observable[Gap | Pressure | Trouble]:
        def answers(item):
            (host.folder / "called").touch()
            if isinstance(item, Bars):
                return Gap(item.product, item.tf, int(item.open_ts[-1]) - item.tf, int(item.open_ts[-1]), host.now())
            if isinstance(item, Quotes):
                return Trouble("shout", "network", f"{len(item)} heard", host.now())
            if item.whose == "Gap":
                return Pressure(True, host.now())
            return Trouble("shout", "rule", item.whose, host.now())

        return merge(bars, told).pipe(ops.map(answers))
'''


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    (tmp_path / "mine.py").write_text(MINE)
    made = plan_of(TEXT, tmp_path)
    made.folder.mkdir(parents=True)
    return made


PRICES = [
    (MONDAY + 10_000, "sources.wire", quotes("EURUSD", [MONDAY + 9_960], [1.1])),
    (MONDAY + MINUTE + 5_000, "sources.wire", quotes("EURUSD", [MONDAY + MINUTE + 4_960], [1.2])),
]


def test_its_way_to_the_sources_behind_it_follows_from_where_its_bars_come_from(plan: Plan) -> None:
    edges = {edge for edge in plan.edges if "sinks.shout" in (edge.source, edge.target)}
    assert Edge("operators.bars", "sinks.shout", "bars", plan.into("sinks.shout")[0].types) in edges
    assert Edge("sources.wire", "sinks.shout", "told", (Quotes, FeedReport)) in edges
    assert Edge("sinks.shout", "sources.wire", "asked", (Gap, Pressure), closes=True) in edges


def test_what_it_asks_for_reaches_the_source_and_what_it_says_enters_the_flow(plan: Plan) -> None:
    given = play(plan, PRICES, MONDAY + 2 * MINUTE, outside=("source", "sink"))
    said = [getattr(each, "what", type(each).__name__) for node, each in given if node == "sinks.shout"]
    asked = [each.whose for node, each in given if node == "sources.wire" and isinstance(each, FeedReport)]
    assert asked == ["Gap", "Pressure"]
    assert said == ["1 heard", "Gap", "Pressure", "Pressure", "1 heard"]


def test_it_is_dark_where_nothing_outside_is_lit(plan: Plan) -> None:
    given = play(plan, PRICES, MONDAY + 2 * MINUTE, outside=())
    assert not [each for node, each in given if node == "sinks.shout"]
    assert not (plan.folder / "called").exists()


def test_a_recording_has_what_it_said_and_is_made_again_without_it(plan: Plan, tmp_path: Path) -> None:
    async def main() -> None:
        journal = Journal(tmp_path / "session", plan, MONDAY)
        setting = Setting(mode="paper", begin=MONDAY, outside=("source", "sink"))
        async with running(plan, setting, NoRecords(), Past((), {}), journal=journal) as flow:
            for at, port, value in PRICES:
                await flow.border.until(at)
                flow.enter(port, value)
            await flow.border.until(MONDAY + 2 * MINUTE)
        journal.close()

    virtual.run(lambda _: main())
    entered = [(line.node, line.type) for line in read_lines(tmp_path / "session") if line.what == "entered"]
    assert ("sinks.shout", "Gap") in entered
    assert ("sinks.shout", "Pressure") in entered
    (plan.folder / "called").unlink()
    verdict = verified(tmp_path / "session", tmp_path)
    assert verdict.difference is None
    assert verdict.links == verdict.same > 0
    assert not (plan.folder / "called").exists()


PRACTICE = """
[sources.fxcm]
use = "fxcm"
sdk = "practice"
products = ["BTCUSD"]
begins = "2026-01-05T10:00:00Z"
speed = 10

[operators.bars]
use = "window"
from = "fxcm"
timeframes = ["1m", "5m"]
finals = "venue"

[sinks.air]
use = "redis"
from = "bars"
file_only = true
"""


def test_a_practice_clock_goes_on_from_what_an_earlier_life_published(tmp_path: Path) -> None:
    async def begin() -> int:
        clock = await venue_clock(plan)
        assert clock is not None
        return clock.now()

    plan = plan_of(PRACTICE, tmp_path)
    assert asyncio.run(begin()) - MONDAY in range(1000)
    shelf = Shelf(plan.folder / "air" / "feed.db", 100, print)
    shelf.published(Stream("BTCUSD", MINUTE), [MONDAY + 7 * MINUTE])
    shelf.close()
    assert asyncio.run(begin()) - (MONDAY + 8 * MINUTE) in range(1000)
