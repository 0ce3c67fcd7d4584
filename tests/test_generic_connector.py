"""One account at a broker over HTTP: logging in, prices, orders, and what became of them."""

import asyncio
from decimal import Decimal

from pipeline.times import MINUTE
from pipeline.values import Settlement
from tests.generic_rig import BEGAN, run, venue


def test_an_order_is_placed_once_and_its_end_is_heard_of_the_stream() -> None:
    async def main() -> None:
        async with venue() as there:
            account = await there.opened()
            there.follow(account)
            order = there.order()
            ack = await account.place(order)
            again = await account.place(order)
            assert (ack.contract, ack.expiry - ack.at) == (again.contract, MINUTE)
            assert 0.9 < ack.payout < 1.0
            await there.heard.until(lambda: any(isinstance(each, Settlement) for each in there.heard.told))
            end = next(each for each in there.heard.told if isinstance(each, Settlement))
            assert end.order == order.order
            assert end.profit in (Decimal("-1.00"), Decimal("0.95"))
            assert ack.at < end.entry_ts <= end.exit_ts <= ack.expiry
            statement = await account.statement(there.inquiry())
            assert [each.contract for each in statement.contracts] == [ack.contract]
            assert statement.contracts[0].request == order.request
            assert statement.balance == Decimal(10_000) + end.profit
            assert statement.as_of >= ack.expiry > BEGAN

    run(main())
