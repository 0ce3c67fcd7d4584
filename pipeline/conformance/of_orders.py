"""Checks of orders: what is answered is true, what nobody answers is looked up, and nothing is ever sent twice."""

import asyncio

from msgspec.structs import replace

from pipeline.broker.settings import Account
from pipeline.conformance.checks import check
from pipeline.conformance.hearing import Amiss, must
from pipeline.conformance.stage import Stage
from pipeline.conformance.trading import Trader
from pipeline.evidence import Listed, Lost, Statement
from pipeline.times import SECOND
from pipeline.values import Ack, Order, Reject

STRUCK = (
    "lost_request",
    "reset_before",
    "refused",
    "http_429",
    "http_503",
    "rate_limit",
    "market_closed",
    "lost_ack",
    "late_ack",
    "reset_after",
    "http_503_accepted",
    "bad_body",
)
"""What may befall an order: of some the venue says no, some it does not get, some it takes and nobody hears of it."""
EACH = {"accounts": {f"demo-{number}": Account() for number in range(1, len(STRUCK) + 1)}}


@check("venue")
async def order_is_answered(stage: Stage) -> None:
    """An order is answered by the contract that the venue sold: its name, its span and what a win pays."""
    trader = await stage.trader()
    for direction in ("call", "put"):
        order, ack = await trader.bought(trader.order(direction))
        sold = stage.broker.contract("demo-1", ack.contract)
        if sold is None:
            raise Amiss(f"it says that it bought {ack.contract}, which the venue does not know")
        must(sold.direction == direction, f"a {direction} was ordered and a {sold.direction} was bought")
        must(sold.stake == order.stake, f"{order.stake} was to be staked and {sold.stake} was")
        must(ack.expiry == sold.expiry, f"it says that it expires at {ack.expiry}, the venue says {sold.expiry}")
        must(ack.expiry - ack.at == order.tf, f"{order.tf} ms were ordered and it runs {ack.expiry - ack.at} ms")
        ratio = float(sold.payout / sold.stake) - 1
        must(abs(ack.payout - ratio) < 0.002, f"it says that a win pays {ack.payout:g}, the venue pays {ratio:g}")


@check("venue")
async def refusal_is_told(stage: Stage) -> None:
    """An order that the venue refuses is a Reject with a reason, nothing was bought, and the account goes on."""
    trader = await stage.trader()
    stage.strike("market_closed", account="demo-1")
    answer = await trader.answer(trader.send())
    must(isinstance(answer, Reject) and bool(answer.reason), f"a refused order was answered by {answer}")
    must(not _deals(stage, "demo-1"), "a refused order was bought")
    await trader.bought()


@check("venue", settings=EACH)
async def what_is_said_of_an_order_is_true(stage: Stage) -> None:
    """Whatever befalls an order: refused or unsent is said only of what was not bought, bought of what was, once."""
    traders = await _traders(stage)
    orders = await _struck(stage, traders)
    for what, trader, order in zip(STRUCK, traders, orders, strict=True):
        answer, held = await trader.answer(order), _deals(stage, trader.account)
        told = f"after {what} an order was answered by {type(answer).__name__}, and the venue has {len(held)} contracts"
        must(len(held) <= 1, told)
        if isinstance(answer, Ack):
            must(held == [answer.contract], told)
        elif not isinstance(answer, Lost):
            must(not held, told)


@check("venue", settings=EACH)
async def nothing_is_sent_twice(stage: Stage) -> None:
    """Whatever befalls an order, the venue gets it once: the connector never sends it again."""
    traders = await _traders(stage)
    orders = await _struck(stage, traders)
    for trader, order in zip(traders, orders, strict=True):
        await trader.answer(order)
    await stage.later(30)
    for what, trader in zip(STRUCK, traders, strict=True):
        came = stage.heard.orders(trader.account)
        must(came <= 1, f"after {what} the venue got one order {came} times")


@check("venue", "lists")
async def lost_answer_is_found(stage: Stage) -> None:
    """An order that was bought and whose answer is lost is found in the statement, once, as it was ordered."""
    trader, since = await stage.trader(), stage.host.now()
    stage.strike("lost_ack", account="demo-1")
    order = trader.send()
    answer = await trader.answer(order)
    must(isinstance(answer, Lost | Ack), f"an order whose answer is lost was answered by {answer}")
    statement = await trader.reaching(since - SECOND, order.at + 5 * SECOND)
    found = _of(order, statement, trader)
    held = _deals(stage, "demo-1")
    must([each.contract for each in found] == held, f"the venue has {held}, the statement {_named(statement)}")


@check("venue", "lists")
async def lost_request_is_proved_absent(stage: Stage) -> None:
    """An order that never arrived is in neither of two statements from after it could have come to life."""
    trader, since = await stage.trader(), stage.host.now()
    stage.strike("lost_request", account="demo-1")
    order = trader.send()
    answer = await trader.answer(order)
    must(not isinstance(answer, Ack | Reject), f"an order that never arrived was answered by {answer}")
    evidence = trader.connector.capabilities.evidence
    latest = order.at + evidence.late_ms + evidence.stamps_ms + SECOND
    for _ in range(2):
        statement = await trader.reaching(since - SECOND, latest)
        must(not statement.contracts, f"nothing was bought, and the statement has {_named(statement)}")


@check("venue")
async def late_answer_is_heard(stage: Stage) -> None:
    """An answer that comes after its order counts as lost is heard all the same."""
    trader = await stage.trader()
    stage.strike("late_ack", account="demo-1", late="25s")
    order = trader.send()
    first = await trader.answer(order)
    must(isinstance(first, Lost | Ack), f"an order whose answer is late was answered by {first}")

    def heard() -> bool:
        told = any(isinstance(each, Ack) for each in trader.answers(order))
        return told or bool(trader.ends(order.order))

    await trader.desk.until(heard, "the late answer to an order, or the end of its contract")


@check("venue", "lists")
async def late_life_is_found(stage: Stage) -> None:
    """An order that comes to life late, but no later than is declared, is found in a statement."""
    trader, since = await stage.trader(), stage.host.now()
    late = max(1, trader.connector.capabilities.evidence.late_ms - SECOND)
    stage.strike("late_accept", account="demo-1", late=f"{late}ms")
    order = trader.send()
    answer = await trader.answer(order)
    must(not isinstance(answer, Reject), f"an order that comes to life later was answered by {answer}")
    statement = await trader.reaching(since - SECOND, order.at + late + 5 * SECOND)
    must(_named(statement) == _deals(stage, "demo-1"), f"the venue has a contract, the statement {_named(statement)}")


@check("venue", "echoes", "lists")
async def listings_name_our_order(stage: Stage) -> None:
    """As it declares, a statement names our own id of each order."""
    trader, since = await stage.trader(), stage.host.now()
    order, ack = await trader.bought()
    statement = await trader.reaching(since - SECOND, ack.at + SECOND)
    named = [each.request for each in statement.contracts]
    must(named == [order.request], f"the order was {order.request}, and the statement names {named}")


@check("venue", "once")
async def same_order_is_taken_once(stage: Stage) -> None:
    """As it declares, the same order sent twice is bought once, and gets the first answer again."""
    trader = await stage.trader()
    order = trader.order()
    first, second = await trader.connector.place(order), await trader.connector.place(order)
    must(first.contract == second.contract, f"the same order was bought as {first.contract} and {second.contract}")
    must(len(_deals(stage, "demo-1")) == 1, "the same order was bought twice")


@check("venue")
async def payout_that_fell_is_not_bought(stage: Stage) -> None:
    """Nothing is bought that pays much less than what the order was decided on."""
    trader = await stage.trader()
    order = trader.order()
    answer = await trader.answer(trader.send(replace(order, payout=order.payout + 0.2)))
    must(not isinstance(answer, Ack), "a contract was bought that pays 0.2 less than the order was decided on")
    must(not _deals(stage, "demo-1"), "a contract was bought that pays 0.2 less than the order was decided on")


async def _traders(stage: Stage) -> list[Trader]:
    names = tuple(EACH["accounts"])
    desk = stage.desk(names)
    traders = [desk.trader(each) for each in names]
    for each in traders:
        await each.stands("CONNECTED")
    return traders


async def _struck(stage: Stage, traders: list[Trader]) -> list[Order]:
    """An order of each account, each befallen by something else."""
    for what, trader in zip(STRUCK, traders, strict=True):
        stage.strike(what, account=trader.account, **({"late": "25s"} if what == "late_ack" else {}))
    orders = [each.send() for each in traders]
    await asyncio.gather(*(trader.answer(order) for trader, order in zip(traders, orders, strict=True)))
    return orders


def _deals(stage: Stage, account: str) -> list[str]:
    """The contracts that the venue sold to an account."""
    broker = stage.broker
    return [each.id for each in (*broker.ended_contracts(account), *broker.open_contracts(account))]


def _of(order: Order, statement: Statement, trader: Trader) -> list[Listed]:
    """The contracts of a statement that may be an order's, as an executor would look for them."""
    evidence = trader.connector.capabilities.evidence
    if evidence.echoes:
        return [each for each in statement.contracts if each.request == order.request]
    asked = (order.product, order.tf, order.direction, order.stake)
    earliest = order.at - evidence.stamps_ms
    return [
        each
        for each in statement.contracts
        if (each.product, each.tf, each.direction, each.stake) == asked and each.accepted_at >= earliest
    ]


def _named(statement: Statement) -> list[str]:
    return [each.contract for each in statement.contracts]


CHECKS = (
    order_is_answered,
    refusal_is_told,
    what_is_said_of_an_order_is_true,
    nothing_is_sent_twice,
    lost_answer_is_found,
    lost_request_is_proved_absent,
    late_answer_is_heard,
    late_life_is_found,
    listings_name_our_order,
    same_order_is_taken_once,
    payout_that_fell_is_not_bought,
)
