"""Checks of ends: each contract's is told, once, as the venue settled it, whatever became of the telling."""

import asyncio

from pipeline.conformance.checks import check
from pipeline.conformance.hearing import Amiss, must
from pipeline.conformance.stage import Stage
from pipeline.conformance.trading import PRODUCT, Trader
from pipeline.evidence import Declined
from pipeline.times import SECOND
from pipeline.values import Order, Result, Settlement

OVERDUE = 15.0
"""Seconds of the venue's clock after which an end that was not told is asked for."""
LOOKED_FOR = 7.0
"""Seconds within which an end that was not told is found."""


@check("venue")
async def end_is_told(stage: Stage) -> None:
    """The end of a contract is told once, with the result, the profit and the prices that the venue settled it by."""
    trader = await stage.trader()
    bought = await asyncio.gather(*(trader.bought(trader.order(each)) for each in ("call", "put")))
    for order, ack in bought:
        await trader.end(order.order)
        await _settled(stage, trader, order, ack.contract)


@check("venue")
async def tie_is_settled_as_declared(stage: Stage) -> None:
    """A contract that leaves at the price it entered at ends as the connector declares that ties do."""
    trader = await stage.trader()
    stage.strike("tie", account="demo-1")
    order, ack = await trader.bought()
    end = await trader.end(order.order)
    tie = trader.connector.capabilities.tie
    wanted: dict[str, Result] = {"push": "push", "lose": "lose", "win": "win"}
    must(end.result == wanted[tie], f'ties are declared as "{tie}", and one was told as "{end.result}"')
    await _settled(stage, trader, order, ack.contract)


@check("venue")
async def contract_without_a_price_gives_the_stake_back(stage: Stage) -> None:
    """A contract in whose time there was no price is told as one whose stake came back."""
    trader = await stage.trader()
    stage.strike("refund", account="demo-1")
    order, ack = await trader.bought()
    end = await trader.end(order.order)
    must(end.result in ("canceled", "push"), f"the stake came back, and it was told as {end.result}")
    await _settled(stage, trader, order, ack.contract)


@check("venue", "closes")
async def contract_is_sold_back(stage: Stage) -> None:
    """As it declares, a contract is taken back before its expiry, and what it brought is told."""
    trader = await stage.trader()
    order, ack = await trader.bought()
    await _entered(stage, ack.contract)
    end = await trader.sold(order, ack.contract)
    if isinstance(end, Declined):
        raise Amiss(f"a contract that can be sold was not: {end.reason}")
    await _settled(stage, trader, order, ack.contract)
    must(end.at < ack.expiry, "a contract that was sold back is told to have ended at its expiry")


@check("venue", "closes")
async def refused_sale_is_told(stage: Stage) -> None:
    """A contract that the venue does not take back is told to run on, and its end comes as ever."""
    trader = await stage.trader()
    stage.strike("sale_refused", account="demo-1")
    order, ack = await trader.bought()
    await _entered(stage, ack.contract)
    said = await trader.sold(order, ack.contract)
    must(isinstance(said, Declined), f"a sale that was refused was answered by {said}")
    await trader.end(order.order)
    await _settled(stage, trader, order, ack.contract)


@check("venue", "closes")
async def sale_without_an_answer_ends_once(stage: Stage) -> None:
    """A contract that was sold back without an answer ends once, as the venue has it."""
    trader = await stage.trader()
    stage.strike("lost_close", account="demo-1")
    order, ack = await trader.bought()
    await _entered(stage, ack.contract)
    trader.sell(order, ack.contract)
    await trader.end(order.order, 2 * LOOKED_FOR)
    await _settled(stage, trader, order, ack.contract)


@check("venue")
async def lost_end_is_found(stage: Stage) -> None:
    """An end that the venue does not tell is found, or stands in the statement that is asked for then."""
    trader = await stage.trader()
    stage.strike("lost_settlement", account="demo-1")
    order, ack = await trader.bought()
    await stage.later(trader.tf / SECOND + OVERDUE)
    if not trader.ends(order.order) and trader.connector.capabilities.evidence.lists:
        (listed,) = (await trader.statement(ack.at, ack.contract)).contracts
        sold = stage.broker.contract("demo-1", ack.contract)
        must(sold is not None and listed.profit == sold.profit, f"an end that was lost is listed as {listed.result}")
        return
    await _settled(stage, trader, order, ack.contract)


@check("venue")
async def late_end_is_told(stage: Stage) -> None:
    """An end that the venue tells late is told, once."""
    await _befallen(stage, "late_settlement", late="10s")


@check("venue")
async def end_that_is_told_twice_is_given_once(stage: Stage) -> None:
    """An end that the venue tells twice is given once."""
    await _befallen(stage, "duplicate_settlement", late="4s")


@check("venue")
async def end_during_an_outage_is_found(stage: Stage) -> None:
    """A contract that ends while the connection is away is told once that is back."""
    trader = await stage.trader()
    order, ack = await trader.bought()
    stage.strike("outage", lasts=f"{trader.tf // SECOND + 5}s")
    await trader.has_been("RECONNECT")
    await trader.end(order.order, LOOKED_FOR)
    await trader.stands("CONNECTED")
    await _settled(stage, trader, order, ack.contract)


@check("venue", "lists")
async def end_that_is_changed_is_known(stage: Stage) -> None:
    """An end that the venue takes back later is told anew, or stands in the next statement as it is now."""
    trader, since = await stage.trader(), stage.host.now()
    stage.strike("changed_settlement", account="demo-1", late="3s", times=2)
    bought = [await trader.bought(trader.order(each)) for each in ("call", "put")]  # a win is what is taken back
    for order, _ in bought:
        await trader.end(order.order)
    await stage.later(8)
    statement = await trader.reaching(since - SECOND, stage.host.now())
    listed = {each.contract: each.profit for each in statement.contracts}
    for order, ack in bought:
        sold = stage.broker.contract("demo-1", ack.contract)
        assert sold is not None, "the venue sold it"
        told = trader.ends(order.order)[-1].profit
        seen = f"it brought {sold.profit}; {told} is told and {listed.get(ack.contract)} listed"
        must(sold.profit in (told, listed.get(ack.contract)), seen)


@check("venue")
async def strangers_contract_is_told(stage: Stage) -> None:
    """The end of a contract that somebody else bought on the account is told, and as nobody's order."""
    trader = await stage.trader()
    stage.strike("external", account="demo-1", product=PRODUCT, timeframe=f"{trader.tf // SECOND}s")
    await stage.later(2)
    (stranger,) = [each.id for each in stage.broker.open_contracts("demo-1")]

    def told() -> bool:
        return any(isinstance(each, Settlement) and stranger in each.order for each in trader.desk.all)

    await trader.desk.until(told, "the end of a contract that somebody else bought", LOOKED_FOR)


async def _befallen(stage: Stage, what: str, **more: str) -> None:
    trader = await stage.trader()
    stage.strike(what, account="demo-1", **more)
    order, ack = await trader.bought()
    await trader.end(order.order, LOOKED_FOR)
    await stage.later(6)
    await _settled(stage, trader, order, ack.contract)


async def _settled(stage: Stage, trader: Trader, order: Order, contract: str) -> None:
    """Hold an end that was told against how the venue settled the contract."""
    ends, sold = trader.ends(order.order), stage.broker.contract(trader.account, contract)
    assert sold is not None, "the venue sold it"
    must(len(ends) == 1, f"the end of one contract was told {len(ends)} times")
    end = ends[0]
    must(sold.is_sold, "an end was told of a contract that has not ended at the venue")
    must(end.profit == sold.profit, f"the contract gained {sold.profit}, and {end.profit} is told")
    if end.exit_ts and sold.exit is not None:
        must(end.exit_ts == sold.exit.at, f"it left at {sold.exit.at}, and {end.exit_ts} is told")


async def _entered(stage: Stage, contract: str) -> None:
    """Wait until a contract can be sold back."""
    while True:
        held = stage.broker.contract("demo-1", contract)
        if held is not None and held.is_sellable:
            return
        await stage.later(0.5)


CHECKS = (
    end_is_told,
    tie_is_settled_as_declared,
    contract_without_a_price_gives_the_stake_back,
    contract_is_sold_back,
    refused_sale_is_told,
    sale_without_an_answer_ends_once,
    lost_end_is_found,
    late_end_is_told,
    end_that_is_told_twice_is_given_once,
    end_during_an_outage_is_found,
    end_that_is_changed_is_known,
    strangers_contract_is_told,
)
