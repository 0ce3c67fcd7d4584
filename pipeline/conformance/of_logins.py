"""Checks of logging in: who is let in, who is not, and that nobody tries in a loop."""

import asyncio
import gc

from pipeline.broker.settings import Account
from pipeline.conformance.checks import check
from pipeline.conformance.hearing import must
from pipeline.conformance.stage import Stage
from pipeline.conformance.trading import Trader
from pipeline.connections.contract import Introduced
from pipeline.evidence import Unsent
from pipeline.times import MINUTE
from pipeline.values import Ack

WATCHED = 60.0
"""Seconds of the venue's clock in which nobody may try again."""
MOST_REQUESTS = 12
"""Over HTTP, of one connection from its first call to its socket: more is a loop."""


@check("venue")
async def login(stage: Stage) -> None:
    """An account that the venue knows is let in, and its connector is CONNECTED."""
    trader = await stage.trader()
    connector = trader.connector
    if isinstance(connector, Introduced):
        told = dict(connector.introduction)
        must(bool(told), "it says nothing of the account that was let in")
        must("practice-demo-1" not in str(told), "it shows the account's password or token")


@check("venue", settings={"accounts": {"demo-1": Account(user="somebody-else")}})
async def wrong_login_is_tried_once(stage: Stage) -> None:
    """A login that the venue refuses is tried once, and not again before a person has done something."""
    trader = stage.desk().trader("demo-1")
    await trader.stands("REFUSED")
    tried = len(stage.heard.requests)
    must(tried <= MOST_REQUESTS // 2, f"the venue was asked {tried} times for one login that it refuses")
    await stage.later(WATCHED)
    more = len(stage.heard.requests) - tried
    must(more == 0, f"after the refusal it was asked {more} times more")


@check("venue")
async def refused_session_is_no_loop(stage: Stage) -> None:
    """A venue that takes the login and refuses all that follows is left alone after one more try."""
    stage.strike("token_expiry")
    trader = stage.desk().trader("demo-1")
    await trader.stands("REFUSED")
    tried = len(stage.heard.requests)
    must(tried <= MOST_REQUESTS, f"the venue was asked {tried} times before it was left alone")
    await stage.later(WATCHED)
    more = len(stage.heard.requests) - tried
    must(more == 0, f"after the refusal it was asked {more} times more")


@check("venue", settings={"accounts": {"demo-1": Account(kind="real")}})
async def other_money_is_refused(stage: Stage) -> None:
    """An account whose money is of another kind than the flow says is refused for good, before anything is bought."""
    await _refused(stage, stage.desk().trader("demo-1"))


@check("venue", settings={"accounts": {"demo-1": Account(currency="EUR")}})
async def other_currency_is_refused(stage: Stage) -> None:
    """An account in another currency than the flow says is refused for good, before anything is bought."""
    await _refused(stage, stage.desk().trader("demo-1"))


@check("venue", manners={"token_lasts": MINUTE})
async def session_ends_and_nothing_is_lost(stage: Stage) -> None:
    """A session that ends while a contract runs costs one login, and the contract's end is told all the same."""
    trader = await stage.trader()
    order, _ = await trader.bought()
    logins = len(stage.heard.requests)
    stage.strike("http_401", account="demo-1")
    struck = trader.send()
    answer = await trader.answer(struck)
    must(not isinstance(answer, Ack), f"an order that was refused was answered by {answer}")
    await trader.end(order.order)
    await trader.stands("CONNECTED")
    asked = len(stage.heard.requests) - logins
    must(asked <= 2 * MOST_REQUESTS, f"the end of a session cost {asked} requests")
    must(len(stage.broker.ended_contracts("demo-1")) == 1, "the order that was refused was bought after all")
    order, _ = await trader.bought()
    await trader.end(order.order)


@check("venue")
async def accounts_do_not_hear_of_each_other(stage: Stage) -> None:
    """Four accounts each hear the ends of their own contracts and list them; what befalls one is nothing to others."""
    desk = stage.desk(("demo-1", "demo-2", "demo-3", "demo-4"))
    traders = [desk.trader(each) for each in ("demo-1", "demo-2", "demo-3", "demo-4")]
    for each in traders:
        await each.stands("CONNECTED")
    since = stage.host.now()
    bought = await asyncio.gather(*(each.bought() for each in traders))
    stage.strike("ban", account="demo-4", lasts="1h")
    lists = [each for each in traders[:3] if each.connector.capabilities.evidence.lists]
    for trader, (order, ack) in zip(traders[:3], bought, strict=False):
        await trader.end(order.order)
        must(len(trader.ends(order.order)) == 1, f"the end of a contract of {trader.account} was told twice")
        if trader in lists:
            statement = await trader.statement(since)
            names = {each.contract for each in statement.contracts}
            must(names == {ack.contract}, f"{trader.account} has {ack.contract} and lists {sorted(names)}")
        must(trader.state == "CONNECTED", f"{trader.account} is {trader.state} because demo-4 is banned")


@check("venue")
async def closing_lets_go(stage: Stage) -> None:
    """After close no task of the connector is left, and no socket: whatever was open at the venue has ended."""
    before = asyncio.all_tasks()
    trader = await stage.trader()
    await trader.bought()
    connector = trader.connector
    await trader.desk.close()
    await connector.close()
    await connector.close()
    del trader, connector
    gc.collect()
    must(not stage.unseen, f"something was left open: {'; '.join(stage.unseen)}")
    left = asyncio.all_tasks() - before
    if left:
        await asyncio.wait(left, timeout=2.0)
    running = sorted(each.get_name() for each in left if not each.done())
    must(not running, f"{len(running)} tasks run on after close: {', '.join(running)}")


async def _refused(stage: Stage, trader: Trader) -> None:
    await trader.stands("REFUSED")
    answer = await trader.answer(trader.send())
    must(isinstance(answer, Unsent), f"an account that is refused answered an order by {answer}")
    must(stage.heard.orders("demo-1") == 0, "an order was sent on an account that is refused")


CHECKS = (
    login,
    wrong_login_is_tried_once,
    refused_session_is_no_loop,
    other_money_is_refused,
    other_currency_is_refused,
    session_ends_and_nothing_is_lost,
    accounts_do_not_hear_of_each_other,
    closing_lets_go,
)
