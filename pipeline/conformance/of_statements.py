"""Checks of statements: complete, of one moment, and the same as the venue's own book."""

from decimal import Decimal

from pipeline.broker.values import Bought, Wish
from pipeline.conformance.checks import check
from pipeline.conformance.comparing import differs
from pipeline.conformance.hearing import must
from pipeline.conformance.overhearing import Came
from pipeline.conformance.stage import Stage
from pipeline.conformance.trading import PRODUCT, SHORTEST
from pipeline.times import SECOND

MANY = 510
"""Contracts: more than a page of any of the venue's protocols has."""
PAGED = {"page": 40}


@check("venue", "lists", manners=PAGED)
async def statement_is_the_venues_book(stage: Stage) -> None:
    """A statement names every contract since a moment, and its balance is the account's as of the same moment."""
    trader, since = await stage.trader(), stage.host.now()
    for direction in ("call", "put"):
        await trader.bought(trader.order(direction))
    order, _ = await trader.bought()
    await trader.end(order.order)
    await trader.bought()
    statement = await trader.reaching(since - SECOND, stage.host.now())
    wrong = differs(stage.broker, statement)
    must(not wrong, wrong)


@check("venue", "lists", manners=PAGED)
async def statement_has_all_its_pages(stage: Stage) -> None:
    """A statement of more contracts than a page of the venue's has names all of them."""
    since = stage.host.now()
    for number in range(MANY):
        _by_hand(stage, "call" if number % 2 else "put")
    await stage.later(SHORTEST / SECOND + 3)
    trader = await stage.trader()
    for _ in range(45):
        _by_hand(stage, "call")
    statement = await trader.reaching(since - SECOND, stage.host.now())
    wrong = differs(stage.broker, statement)
    must(not wrong, wrong)


@check("venue", "lists", manners=PAGED)
async def statement_is_of_one_moment(stage: Stage) -> None:
    """A statement is of one moment, though contracts begin, end and are paid while it is being asked for."""
    trader, since = await stage.trader(), stage.host.now()
    for number in range(60):
        _by_hand(stage, "call" if number % 2 else "put")

    def meanwhile(came: Came) -> None:
        """With each call that comes somebody buys something, so that no two answers are of one moment."""
        if came.account == "demo-1" and came.what not in ("ping", "refused"):
            _by_hand(stage, "call")

    stage.heard.news = meanwhile
    for _ in range(3):
        statement = await trader.statement(since - SECOND)
        wrong = differs(stage.broker, statement)
        must(not wrong, wrong)
        await stage.later(4)


@check("venue", "lists")
async def stale_listing_says_how_old_it_is(stage: Stage) -> None:
    """Where a listing is behind, the statement leaves out no contract that is older than an order may be late."""
    trader, since = await stage.trader(), stage.host.now()
    late = trader.connector.capabilities.evidence.late_ms
    await trader.bought()
    stage.strike("stale_listing", account="demo-1", late="5s", times=4)
    await stage.later(3)
    await trader.bought()
    for _ in range(3):
        statement = await trader.asked(since - SECOND)
        wrong = "" if statement.fault else differs(stage.broker, statement, late)
        must(not wrong, wrong)
        await stage.later(2)


@check("venue", "lists")
async def deposit_is_told(stage: Stage) -> None:
    """Money that comes and goes by another way than contracts stands in the statement, and in its balance."""
    trader, since = await stage.trader(), stage.host.now()
    await stage.later(2)
    stage.broker.move("demo-1", Decimal("50.00"), "a deposit")
    stage.broker.move("demo-1", Decimal("-20.00"), "a withdrawal")
    await trader.bought()
    statement = await trader.reaching(since + SECOND, stage.host.now())
    amounts = sorted(each.amount for each in statement.cash)
    must(amounts == [Decimal(-20), Decimal(50)], f"50 came and 20 went, and it tells {[str(each) for each in amounts]}")
    wrong = differs(stage.broker, statement)
    must(not wrong, wrong)


@check("venue", "lists")
async def strangers_contract_is_listed(stage: Stage) -> None:
    """A contract that somebody else bought on the account is listed beside ours."""
    trader, since = await stage.trader(), stage.host.now()
    name = _by_hand(stage, "put")
    _, ack = await trader.bought()
    statement = await trader.reaching(since - SECOND, stage.host.now())
    names = {each.contract for each in statement.contracts}
    must(names == {name, ack.contract}, f"the account has {name} and {ack.contract}, it lists {sorted(names)}")


@check("venue", "lists")
async def one_contract_is_stated(stage: Stage) -> None:
    """Asked for one contract, the statement is of that one, open and ended."""
    trader, since = await stage.trader(), stage.host.now()
    order, ack = await trader.bought()
    await trader.bought()
    await stage.later(2)
    running = await trader.statement(since, ack.contract)
    must([each.contract for each in running.contracts] == [ack.contract], "it does not list the one that was asked for")
    end = await trader.end(order.order)
    await stage.later(2)
    ended = await trader.statement(since, ack.contract)
    told = [(each.contract, each.result, each.profit) for each in ended.contracts]
    must(told == [(ack.contract, end.result, end.profit)], f"{ack.contract} ended as {end.result}, it lists {told}")


@check("venue", "lists")
async def failed_listing_is_no_statement(stage: Stage) -> None:
    """A listing that fails is told as one that failed: it is never a statement of what little there was."""
    trader, since = await stage.trader(), stage.host.now()
    await trader.bought()
    await trader.bought()
    now = stage.host.now()
    await trader.reaching(since - SECOND, now)
    failed = 0
    for number in (1, 2, 3):
        stage.strike("failed_listing", account="demo-1", nth=number)
        await trader.stands("CONNECTED")
        statement = await trader.asked(since - SECOND)
        stage.broker.faults.clear()
        failed += bool(statement.fault)
        wrong = "" if statement.fault else differs(stage.broker, statement)
        must(not wrong, wrong)
    must(failed > 0, "a listing failed, and a statement was given all the same")


def _by_hand(stage: Stage, direction: str) -> str:
    """Somebody buys a contract by another way: its name."""
    wish = Wish(product=PRODUCT, direction="call" if direction == "call" else "put", amount=Decimal(1), lasts=SHORTEST)
    bought = stage.broker.buy("demo-1", wish)
    assert isinstance(bought, Bought), f"the venue sold nothing by hand: {bought}"
    return bought.contract.id


CHECKS = (
    statement_is_the_venues_book,
    statement_has_all_its_pages,
    statement_is_of_one_moment,
    stale_listing_says_how_old_it_is,
    deposit_is_told,
    strangers_contract_is_listed,
    one_contract_is_stated,
    failed_listing_is_no_statement,
)
