"""Checks of trouble: too many calls, maintenance, a ban, a venue that hangs, and shapes that nobody expected."""

import gc
from decimal import Decimal

from pipeline.conformance.checks import check
from pipeline.conformance.hearing import Amiss, must
from pipeline.conformance.stage import Stage
from pipeline.conformance.trading import PRODUCT
from pipeline.evidence import Unsent
from pipeline.times import SECOND
from pipeline.values import Ack

HANGS = 45.0
"""Seconds within which whatever is asked of a venue that does not answer has ended."""
MUCH = 18
"""Statements: more than some protocols permit listings for in a minute."""
AFTER, SLACK = SECOND, 20
"""How long (ms) the venue wants to be left alone, by its clock; by so much a clock may be read too early."""
WATCHED = 60.0
"""Seconds of the venue's clock in which nobody may try again."""


@check("venue", "lists")
async def throttled_calls_wait(stage: Stage) -> None:
    """A venue that says "too often" is not asked the same again before the time is over that it says."""
    trader, since = await stage.trader(), stage.host.now()
    stage.strike("call_http_429", account="demo-1")
    stage.heard.mark()
    await trader.asked(since)
    struck = stage.heard.first
    if struck is None:
        raise Amiss("a statement asks nothing that the venue could refuse as too often")
    for _ in range(3):
        await trader.asked(since)
    soon = [
        each
        for each in stage.heard.calls
        if each.what == struck.what and struck.at < each.at < struck.at + AFTER - SLACK
    ]
    must(not soon, f"{struck.what} was refused as too often, and came again {len(soon)} times within a second")
    await trader.reaching(since, stage.host.now())


@check("venue", "lists", settings={"limits": True})
async def limits_are_held(stage: Stage) -> None:
    """However much the flow asks, the venue is not asked more often than it permits: the connector waits by itself."""
    trader, since = await stage.trader(), stage.host.now()
    for _ in range(MUCH):
        statement = await trader.asked(since, seconds=HANGS)
        must(not statement.fault, f"asked {MUCH} times for a statement, one was not given: {statement.fault}")
    often = [each.what for each in trader.desk.troubles("demo-1") if each.kind == "throttle"]
    must(not often, f"it asked more often than the venue permits: {often[:1]}")


@check("venue")
async def maintenance_is_waited_for(stage: Stage) -> None:
    """While the venue is in maintenance nothing is sent, and once it is over the account goes on by itself."""
    trader, since = await stage.trader(), stage.host.now()
    stage.strike("maintenance", lasts="20s")
    struck = trader.send()
    await trader.answer(struck)
    await trader.has_been("READ_ONLY")
    came = stage.heard.orders("demo-1")
    if trader.state == "READ_ONLY":
        refused = trader.send()
        answer = await trader.answer(refused)
        must(isinstance(answer, Unsent), f"in maintenance an order was answered by {answer}")
        must(stage.heard.orders("demo-1") == came, "an order was sent in maintenance")
    await trader.stands("CONNECTED")
    must(stage.host.now() - since >= 15 * SECOND, "it was connected while the venue was in maintenance")
    await trader.bought()


@check("venue")
async def ban_is_no_loop(stage: Stage) -> None:
    """A venue that bans the account is left alone: nothing is asked again before a person has done something."""
    trader = await stage.trader()
    stage.strike("ban")
    order = trader.send()
    await trader.stands("REFUSED")
    must(not any(isinstance(each, Ack) for each in trader.answers(order)), "an order was bought by a banned account")
    tried = len(stage.heard.requests)
    await stage.later(WATCHED)
    more = len(stage.heard.requests) - tried
    must(more == 0, f"after it was banned it asked {more} times more")


@check("venue", "lists", slow=True)
async def what_hangs_ends(stage: Stage) -> None:
    """Whatever is asked of a venue that does not answer any more ends within its deadline, and the break is told."""
    trader, since = await stage.trader(), stage.host.now()
    stage.strike("half_open")
    order = trader.send()
    await trader.answer(order)
    statement = await trader.asked(since, seconds=HANGS)
    must(bool(statement.fault), "a venue that does not answer gave a statement")
    await trader.has_been("RECONNECT", HANGS)
    await trader.desk.close()
    gc.collect()
    must(not stage.unseen, f"something was left open: {'; '.join(stage.unseen)}")


@check("venue", "lists")
async def unknown_fields_are_let_be(stage: Stage) -> None:
    """Answers and frames with fields that nobody knows are understood all the same."""
    await _shaped(stage, "unknown_fields")


@check("venue", "lists")
async def numbers_as_text_are_understood(stage: Stage) -> None:
    """Numbers that come as text are understood all the same."""
    await _shaped(stage, "numbers_as_text")


@check("venue")
async def clock_is_the_venues(stage: Stage) -> None:
    """The time that it tells is the venue's, to a second and what the way takes."""
    trader = await stage.trader()
    before = stage.host.now()
    told = await trader.connector.clock()
    after = stage.host.now()
    must(before - 2 * SECOND <= told <= after + 2 * SECOND, f"it is {before} to {after}, and it tells {told}")


@check("venue")
async def payout_is_the_venues(stage: Stage) -> None:
    """What a win pays is told as the venue has it, as a ratio of the stake."""
    trader = await stage.trader()
    told = await trader.connector.payout(PRODUCT, trader.tf, Decimal(10))
    pays = min(trader.pays("call"), trader.pays("put"))
    must(told is not None and abs(told - pays) < 0.005, f"a win pays {pays:g}, and it tells {told}")


async def _shaped(stage: Stage, what: str) -> None:
    stage.strike(what)
    trader, since = await stage.trader(), stage.host.now()
    order, _ = await trader.bought()
    await trader.end(order.order)
    statement = await trader.reaching(since - SECOND, stage.host.now())
    must(len(statement.contracts) == 1, f"one contract was bought, the statement has {len(statement.contracts)}")


CHECKS = (
    throttled_calls_wait,
    limits_are_held,
    maintenance_is_waited_for,
    ban_is_no_loop,
    what_hangs_ends,
    unknown_fields_are_let_be,
    numbers_as_text_are_understood,
    clock_is_the_venues,
    payout_is_the_venues,
)
