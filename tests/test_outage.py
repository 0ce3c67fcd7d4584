"""An outage of the connection, from the source to the decisions: what is lost, what is mended, and what it was like
without."""

from functools import cache
from typing import Any

import numpy as np
import pytest

from pipeline import virtual
from pipeline.engine import Setting, running
from pipeline.plan import Plan
from pipeline.times import HOUR, MINUTE
from pipeline.trying import NoRecords
from pipeline.values import Decisions, Gap, Link, Noticed, Past, Quotes, Signals
from tests.driven import walk
from tests.support import MONDAY, SMALL, decided, plan_of, play, quotes

END = MONDAY + 2 * HOUR
START = 'start = "2026-01-05T10:00:00Z"'
OUTAGES = {
    "within a minute": ("10:33:20", "15s", {33}),
    "over a boundary": ("10:33:50", "20s", {33, 34}),
    "minutes": ("10:33:20", "5m", {33, 34, 35, 36, 37, 38}),
    "of a whole slot": ("10:35:00", "5m", {34, 35, 36, 37, 38, 39, 40}),
}


def with_outage(begin: str, length: str) -> Plan:
    return plan_of(SMALL.replace(START, f'{START}\noutages = ["2026-01-05T{begin}Z for {length}"]'))


@cache
def through(begin: str, length: str) -> list[tuple[str, Any]]:
    """Two hours with an outage in them; nobody changes what is in the list."""
    return lived(with_outage(begin, length))


@cache
def whole() -> dict[tuple[int, int], tuple[Any, ...]]:
    return said(lived(plan_of()))


def lived(plan: Plan, block: int = 0, begin: int = MONDAY) -> list[tuple[str, Any]]:
    """Two hours of the flow on its own market, or what is left of them."""
    given: list[tuple[str, Any]] = []

    def told(node: str, value: Any) -> None:
        given.append((node, value))

    async def main() -> None:
        setting = Setting(mode="replay", begin=begin, end=END, block=block)
        async with running(plan, setting, NoRecords(), Past((), {}), taps=(told,)) as flow:
            await flow.border.until(END + MINUTE)
            assert not flow.faults

    virtual.run(lambda _: main())
    return given


def said(given: list[tuple[str, Any]], product: str = "EURUSD") -> dict[tuple[int, int], tuple[Any, ...]]:
    """What the ensemble said of each bar."""
    return {
        (item.tf, int(item.open_ts[row])): (
            bool(item.ready[row]),
            repr(float(item.score[row])),
            int(item.final_at[row]),
        )
        for _, item in given
        if isinstance(item, Signals) and item.product == product
        for row in range(len(item))
    }


@pytest.mark.parametrize(("begin", "length", "torn"), OUTAGES.values(), ids=OUTAGES)
def test_once_mended_every_bar_is_judged_as_if_nothing_had_been_lost(begin: str, length: str, torn: set[int]) -> None:
    given = through(begin, length)
    heard = said(given)
    lost = {slot for slot in whole() if slot not in heard}
    assert {(slot - MONDAY) // MINUTE for tf, slot in lost if tf == MINUTE} == torn
    assert {slot: heard[slot] for slot in heard} == {slot: whole()[slot] for slot in heard}
    assert {item.what for _, item in given if isinstance(item, Noticed)} == {"mended"}


@pytest.mark.no_cover  # other tests go the same ways, and tracing whole flows takes three times their time
@pytest.mark.parametrize(("begin", "length"), [each[:2] for each in OUTAGES.values()], ids=OUTAGES)
@pytest.mark.parametrize("block", [pytest.param(10 * MINUTE, marks=pytest.mark.slow), HOUR])
def test_given_ahead_in_blocks_an_outage_is_the_same(begin: str, length: str, block: int) -> None:
    assert decided(lived(with_outage(begin, length), block)) == decided(through(begin, length))


@pytest.mark.parametrize("block", [7 * MINUTE, HOUR])
def test_given_ahead_in_blocks_a_guard_hears_of_an_outage_at_its_own_moment(block: int) -> None:
    begin, length, _ = OUTAGES["minutes"]
    heard = plan_of(with_outage(begin, length).source.text + '[operators.health]\nuse = "health"\nfrom = "market"\n')
    assert decided(lived(heard, block)) == decided(lived(heard))


@pytest.mark.parametrize("seconds", [40, 75, pytest.param(88, marks=pytest.mark.slow), 130])
def test_a_run_begun_while_the_connection_is_down_decides_no_bar_of_which_it_heard_a_part(seconds: int) -> None:
    """Down from 10:33:20 to 10:35:20: the slot in which it comes back is torn, whoever looks and since when."""
    plan, middle = with_outage("10:33:20", "120s"), MONDAY + 33 * MINUTE + seconds * 1000
    later = {key: row for key, row in decided(through("10:33:20", "120s")).items() if row[4] >= middle}
    assert decided(lived(plan, begin=middle)).keys() == later.keys()


def test_a_run_begun_at_the_very_moment_a_bar_becomes_final_decides_that_bar() -> None:
    """The run before it had decided what was final earlier, and nothing of that moment."""
    every = decided(lived(plan_of()))
    moment = sorted({row[4] for row in every.values()})[60]
    later = {key: row for key, row in every.items() if row[4] >= moment}
    assert decided(lived(plan_of(), begin=moment)).keys() == later.keys()


def test_the_connection_and_the_gap_are_told_in_their_order() -> None:
    given = through("10:33:20", "90s")
    links = [item for _, item in given if isinstance(item, Link) and item.products == ("EURUSD",)]
    gaps = [item for _, item in given if isinstance(item, Gap) and item.product == "EURUSD"]
    assert [each.up for each in links] == [False, True]
    assert links[1].at - links[0].at == 90_000
    assert [gap.at > links[1].at for gap in gaps] == [True, True]


def test_a_hole_nobody_mends_leaves_every_bar_not_ready_for_exactly_the_warm_up() -> None:
    plan, hole, minutes = plan_of(), 60, 150
    warm = plan.anchoring.warmup(MINUTE)
    stamps = [MONDAY + minute * MINUTE + 1_000 for minute in range(minutes) if minute != hole]
    many = quotes("BTCUSD", stamps, walk(2, len(stamps)))
    entries = [(int(many.received[row]), "sources.market", many.rows(row, row + 1)) for row in range(len(many))]
    ready = {
        (int(item.open_ts[row]) - MONDAY) // MINUTE
        for _, item in play(plan, entries, MONDAY + (minutes + 1) * MINUTE)
        if isinstance(item, Signals) and item.tf == MINUTE
        for row in np.flatnonzero(item.ready).tolist()
    }
    assert ready == {*range(warm, hole), *range(hole + 1 + warm, minutes)}


def test_of_a_hole_there_is_no_decision_row_and_no_price() -> None:
    given = through("10:33:20", "5m")
    slots = {int(ts) for _, item in given if isinstance(item, Decisions) and item.tf == MINUTE for ts in item.open_ts}
    assert not slots & {MONDAY + minute * MINUTE for minute in range(33, 39)}
    quiet = (MONDAY + 33 * MINUTE + 20_000, MONDAY + 38 * MINUTE + 20_000)
    assert not [item for _, item in given if isinstance(item, Quotes) and quiet[0] <= int(item.received[0]) < quiet[1]]
