"""A stop reaches orders that wait within a connector: until they have left, they can be recalled."""

import asyncio

import pytest

from pipeline.connections.budgets import Budgets
from pipeline.connections.recalling import recallable
from pipeline.connections.troubles import CallFailed
from pipeline.evidence import Closing, Unsent
from pipeline.execution.manner import Stops
from pipeline.plan import LEDGER
from pipeline.values import Ack, Key, Latch, Order, Past, Settlement
from tests.deriv_trading import Trader, played, trading
from tests.scripted import Played, Scripted
from tests.support import MONDAY, plan_of

STOP = Latch("", True, MONDAY, "enough", "user")
RELEASE = Latch("", False, MONDAY + 1, "calm again", "user")
WAITS = 3.0

NETWORKED = """
[accounts.demo-1]
venue = "broker"

[venues.broker]
use = "deriv"
url = "http://127.0.0.1:9"
practice = true

[sources.market]
use = "deriv"
url = "http://127.0.0.1:9"
practice = true
products = ["R_100"]

[operators.bars]
use = "window"
from = "market"
timeframes = ["1m"]
"""


class Queued(Scripted):
    """Orders wait for their turn before they leave."""

    def __init__(self, account: str = "demo-1") -> None:
        super().__init__(account)
        self.budgets = Budgets((), lambda: 0, self._until)

    async def place(self, order: Order) -> Ack:
        await asyncio.sleep(WAITS)
        async with self.budgets.room("buy", "order"):
            return await super().place(order)

    async def sell(self, closing: Closing) -> Settlement:
        async with self.budgets.room("sell", "order"):
            return await super().sell(closing)

    async def _until(self, at: int) -> None:
        raise AssertionError(f"there is no limit to wait for until {at}")


def test_a_stop_recalls_an_order_that_has_not_left() -> None:
    connector = Queued()
    desk = Played([connector])
    desk.play(10, (1.0, desk.send()), (2.0, lambda: desk.past.give(STOP)))

    (unsent,) = desk.of(Unsent)
    assert unsent.reason == "recalled before it left: a stop holds: enough (user)"
    assert desk.at(Unsent) == [1.0 + WAITS]
    assert not connector.times("place")


def test_a_stop_of_another_account_does_not_and_one_that_was_released_neither() -> None:
    desk = Played([Queued()])
    other = Latch("demo-2", True, MONDAY, "enough", "user")
    desk.play(
        10,
        (1.0, desk.send()),
        (2.0, lambda: desk.past.give(other)),
        (2.0, lambda: desk.past.give(STOP)),
        (2.5, lambda: desk.past.give(RELEASE)),
    )

    assert not desk.of(Unsent)
    assert [each.order for each in desk.of(Ack)] == ["o-1"]


def test_a_stop_of_before_the_start_holds_here_too() -> None:
    desk = Played([Queued()])
    desk.play(10, (0.5, lambda: desk.past.give(Past((), {}, latches=(STOP,)))), (1.0, desk.send()))

    assert len(desk.of(Unsent)) == 1


def test_contracts_are_sold_back_whatever_is_stopped() -> None:
    connector = Queued()
    desk = Played([connector])
    desk.play(
        10,
        (1.0, lambda: desk.past.give(STOP)),
        (2.0, lambda: desk.orders.give(Closing("o-1", "C-1", "demo-1", MONDAY))),
    )

    assert connector.times("sell")


def test_between_price_and_purchase_an_order_is_still_recalled() -> None:
    async def stopped(trader: Trader) -> None:
        stops = Stops()

        async def placed() -> None:
            recallable(lambda: stops.on(Key("demo-1", "EURUSD", 60_000)))
            await trader.buy()

        placing = asyncio.create_task(placed())
        await asyncio.sleep(0)
        stops.take(STOP)
        with pytest.raises(CallFailed, match="recalled before it left") as failed:
            await placing
        assert failed.value.fate == "unsent"
        assert not trader.bought()

    async def main() -> None:
        async with trading() as trader:
            await stopped(trader)

    played(main)


def test_a_venue_over_a_network_hears_of_stops_from_the_ledger() -> None:
    (edge,) = (each for each in plan_of(NETWORKED).edges if each.target == "venues.broker" and each.source == LEDGER)

    assert set(edge.types) == {Past, Latch}
