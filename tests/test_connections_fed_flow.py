"""A whole flow on a feed over a network: what it decides does not depend on when it began, nor on what broke."""

from functools import cache
from typing import Any

import pytest
from reactivex.disposable import CompositeDisposable

from pipeline import virtual
from pipeline.connections.contract import Warn
from pipeline.connections.feeding import fed
from pipeline.engine import Setting, running
from pipeline.steps import Tube
from pipeline.times import MINUTE
from pipeline.trying import NoRecords
from pipeline.values import Gap, Noticed, Past, Quotes, Signals
from tests.scripted import BROKEN
from tests.scripted_feed import NO_TICKS, PRODUCTS, Market
from tests.support import MONDAY, plan_of

END = MONDAY + 25 * MINUTE
BEGIN = MONDAY - 2 * MINUTE
Said = dict[tuple[int, int], tuple[Any, ...]]


def lived(market: Market, begin: int = BEGIN) -> list[Any]:
    """What the nodes of a flow give on this feed, from a moment until 10:25."""
    given: list[Any] = []

    async def main() -> None:
        setting = Setting(mode="paper", begin=begin, outside=("venue",))
        gaps = Tube[Gap]()

        def told(_: str, value: Any) -> None:
            given.append(value)
            if isinstance(value, Gap):
                gaps.give(value)

        def make(_: Warn) -> Market:
            return market

        async with running(plan_of(), setting, NoRecords(), Past((), {}), taps=(told,)) as flow:
            market.now = flow.border.now
            stream = fed(flow.border, "sources.market", make, market.products, gaps, quiet_after=20)
            fault: list[Exception] = []
            subscription = stream.subscribe(lambda item: flow.enter("sources.market", item), fault.append)
            with_end = CompositeDisposable(subscription)
            await flow.border.until(END)
            with_end.dispose()
            assert not flow.faults
            assert not fault

    virtual.run(lambda _: main())
    return given


def said(given: list[Any]) -> Said:
    """What the ensemble said of each minute of EURUSD."""
    return {
        (item.tf, int(item.open_ts[row])): (bool(item.ready[row]), repr(float(item.score[row])))
        for item in given
        if isinstance(item, Signals) and item.product == "EURUSD"
        for row in range(len(item))
    }


@cache
def whole() -> Said:
    return said(lived(Market(PRODUCTS)))


@pytest.mark.parametrize("begin", [0, 500, 17_250, 59_400, 59_990, 60_010])
def test_whenever_it_began_it_says_the_same_of_every_bar(begin: int) -> None:
    middle = MONDAY + 7 * MINUTE + begin
    heard = said(lived(Market(PRODUCTS), middle))
    expected = {key: value for key, value in whole().items() if key[1] + key[0] > middle}
    assert all(ready for ready, _ in expected.values())
    assert heard == expected


def test_without_quotes_of_before_the_slot_of_the_start_is_not_decided_and_all_later_ones_are() -> None:
    market = Market(PRODUCTS)
    market.ticks_fail = NO_TICKS
    middle = MONDAY + 7 * MINUTE + 17_250
    heard = said(lived(market, middle))
    expected = {key: value for key, value in whole().items() if key[1] > middle}
    assert {key: value for key, value in heard.items() if key[0] == MINUTE} == {
        key: value for key, value in expected.items() if key[0] == MINUTE
    }


@pytest.mark.parametrize(
    "breaks", [(600.0,), (610.5, 3.0, 2.0), (655.0,), (600.0, 0.0, 0.0, 0.0)], ids=["boundary", "often", "late", "long"]
)
@pytest.mark.parametrize("confirms", [True, False])
def test_once_mended_every_bar_is_judged_as_if_nothing_had_broken(breaks: tuple[float, ...], confirms: bool) -> None:
    market = Market(PRODUCTS)
    market.breaks = [(each, BROKEN) for each in breaks]
    market.confirms = confirms
    given = lived(market)
    heard = said(given)
    lost = {key for key in whole() if key not in heard}
    assert 1 <= len({key for key in lost if key[0] == MINUTE}) <= 4
    assert heard == {key: whole()[key] for key in heard}
    assert any(isinstance(item, Noticed) and item.what == "mended" for item in given)
    quotes = [int(ts) for item in given if isinstance(item, Quotes) and item.product == "EURUSD" for ts in item.ts]
    assert quotes == sorted(set(quotes))
