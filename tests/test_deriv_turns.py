"""Of one kind of contract one purchase is under way at a time; of others none waits for it."""

import asyncio

from pipeline.broker.faults import Fault
from pipeline.times import SECOND
from tests.deriv_trading import SHORT, outcome, played, trading

LATE = 6 * SECOND
"""The first purchase's answer comes so much later, on the venue's clock: a tenth of a second."""
FIRST_IS_LATE = Fault(what="late_ack", nth=1, late="6s")


def test_a_second_purchase_of_one_kind_sets_out_once_the_first_is_answered_or_not_at_all() -> None:
    async def test() -> None:
        async with trading(FIRST_IS_LATE, deadline=3.0) as trader:
            told = await asyncio.gather(*(outcome(trader.buy(tf=4 * SHORT)) for _ in range(2)))
            bought = sorted(each.bought_at for each in trader.bought())
            assert told[0][1] == "bought"
            if told[1][1] == "bought":  # a slow machine has no time left for it by then
                assert bought[1] - bought[0] >= LATE - SECOND
            else:
                assert (told[1][1], len(bought)) == ("unsent", 1)

    played(test)


def test_a_purchase_of_another_direction_waits_for_nobody() -> None:
    async def test() -> None:
        async with trading(FIRST_IS_LATE, deadline=3.0) as trader:
            one = asyncio.create_task(outcome(trader.buy("call", tf=4 * SHORT)))
            other = asyncio.create_task(outcome(trader.buy("put", tf=4 * SHORT)))
            await asyncio.wait((one, other), return_when=asyncio.FIRST_COMPLETED)
            assert len([each for each in (one, other) if each.done()]) == 1
            assert [(await each)[1] for each in (one, other)] == ["bought", "bought"]

    played(test)
