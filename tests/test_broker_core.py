"""The practice venue that serves other programs: what it sells, how its contracts end, and that its money adds up."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import TypeVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.broker.core import Broker
from pipeline.broker.faults import Fault
from pipeline.broker.prices import MadeUp
from pipeline.broker.pricing import worth
from pipeline.broker.products import catalogue
from pipeline.broker.settings import Account, Settings
from pipeline.broker.values import Bought, Contract, Entry, Offer, Refusal, Sold, Stage, Wish
from pipeline.clocks import LoopClock
from pipeline.evidence import Inquiry
from pipeline.market import Market
from pipeline.settlement import Contract as Agreed
from pipeline.settlement import PricePath, settled
from pipeline.times import DAY, HOUR, MINUTE, SECOND
from pipeline.virtual import run

T = TypeVar("T")
MONDAY = 1_767_600_000_000
"""2026-01-05T08:00:00Z."""
SATURDAY = MONDAY + 5 * DAY
TEN = Decimal(10)


def at(begin: int, play: Callable[[Broker], Awaitable[T]], told: Settings | None = None) -> T:
    """Play with a venue on virtual time."""

    async def main(loop: asyncio.AbstractEventLoop) -> T:
        broker = Broker(told or Settings(), LoopClock(loop, begin))
        try:
            return await play(broker)
        finally:
            broker.close()

    return run(main)


def wish(product: str = "R_100", **changed: object) -> Wish:
    asked = {"product": product, "direction": "call", "amount": TEN} | changed
    if not {"lasts", "ticks", "expiry"} & set(asked):
        asked["lasts"] = MINUTE
    return Wish(**asked)  # pyright: ignore[reportArgumentType]


def bought(broker: Broker, account: str = "demo-1", number: int = 0, **changed: object) -> Contract:
    made = broker.buy(account, wish(**changed), number=number)  # pyright: ignore[reportArgumentType]
    assert isinstance(made, Bought), made
    return made.contract


def refused(made: object) -> str:
    assert isinstance(made, Refusal), made
    return made.code


# --- prices ----------------------------------------------------------------------------------------------------------


@given(
    name=st.sampled_from(["R_100", "1HZ10V", "frxEURUSD"]),
    since=st.integers(0, 3 * HOUR),
    length=st.integers(0, 2 * HOUR),
    cut=st.integers(0, 2 * HOUR),
)
@settings(max_examples=25)
def test_prices_of_a_span_are_those_of_its_parts_and_of_any_longer_span(
    name: str, since: int, length: int, cut: int
) -> None:
    product, prices = catalogue()[name], MadeUp(7)
    begin, end = MONDAY + since, MONDAY + since + length
    middle = begin + min(cut, length)
    whole = prices.ticks(product, begin, end).singles()
    assert prices.ticks(product, begin, middle).singles() + prices.ticks(product, middle, end).singles() == whole
    longer = prices.ticks(product, begin - HOUR, end + HOUR)
    assert longer.between(begin, end).singles() == whole
    assert all(tick.at % product.cadence == 0 and product.rounded(tick.quote) == tick.quote for tick in whole)
    assert all(tick.bid < tick.quote < tick.ask for tick in whole)


def test_an_index_wanders_as_much_as_its_name_says() -> None:
    for name, yearly in (("R_100", 1.0), ("R_10", 0.1), ("1HZ50V", 0.5)):
        quotes = MadeUp(42).ticks(catalogue()[name], MONDAY, MONDAY + 5 * DAY)
        steps = np.diff(np.log(quotes.quote))
        seconds = np.diff(quotes.ts).mean() / SECOND
        assert steps.std() * np.sqrt(365 * 86_400 / seconds) == pytest.approx(yearly, rel=0.05)


def test_a_pair_costs_what_the_synthetic_market_of_the_same_seed_says() -> None:
    ticks = MadeUp(42).ticks(catalogue()["frxEURUSD"], MONDAY, MONDAY + 10 * MINUTE)
    quotes = Market("EURUSD", 42).quotes(MONDAY - MINUTE, MONDAY + 10 * MINUTE)
    last = np.searchsorted(quotes.ts, ticks.ts, side="right") - 1
    assert len(ticks) > 100
    assert np.abs(quotes.mid[last] - ticks.quote).max() < 0.6e-5


def test_candles_are_made_of_the_ticks_and_the_last_one_is_not_final() -> None:
    async def play(broker: Broker) -> None:
        await asyncio.sleep(150)
        ticks = broker.ticks("R_100", MONDAY, MONDAY + HOUR)
        assert ticks[-1].at == MONDAY + 150 * SECOND  # nothing of what lies ahead
        candles = broker.candles("R_100", MINUTE, MONDAY, MONDAY + HOUR)
        assert [each.final for each in candles] == [True, True, False]
        first = [tick.quote for tick in ticks if tick.at < MONDAY + MINUTE]
        assert candles[0][2:7] == (first[0], max(first), min(first), first[-1], len(first))

    at(MONDAY, play)


# --- what is sold ----------------------------------------------------------------------------------------------------


def test_an_offer_pays_what_half_a_chance_and_the_charge_leave() -> None:
    async def play(broker: Broker) -> None:
        offer = broker.offer("demo-1", wish())
        assert isinstance(offer, Offer)
        assert (offer.ask, offer.payout) == (Decimal("10.00"), Decimal("19.51"))  # 10 / (0.5 + 0.0125)
        by_payout = broker.offer("demo-1", wish(basis="payout", amount=Decimal(20)))
        assert isinstance(by_payout, Offer)
        assert (by_payout.ask, by_payout.payout) == (Decimal("10.25"), Decimal("20.00"))
        forex = broker.offer("demo-1", wish("frxEURUSD", lasts=15 * MINUTE))
        assert isinstance(forex, Offer)
        assert forex.payout == Decimal("17.54")

    at(MONDAY, play)


def test_a_contract_is_worth_what_captures_of_the_real_broker_show() -> None:
    """An index of 25 %, 22 s left, 0.244 below its entry at about 2164: 0.55 for a payout of 1.95."""
    r_25 = catalogue()["R_25"]
    assert worth(r_25, "call", Decimal("1.95"), 2164.0, 2164.0 - 0.244, 22 * SECOND) == Decimal("0.55")
    assert worth(r_25, "put", Decimal("1.95"), 2164.0, 2164.0 - 0.244, 22 * SECOND) == Decimal("1.35")


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (wish("R_11"), "product"),
        (wish(amount=Decimal("0.34")), "stake"),
        (wish(amount=Decimal(20_000)), "stake"),
        (wish(basis="payout", amount=Decimal(60_000)), "stake"),
        (wish(amount=Decimal("1.005")), "decimals"),
        (wish(amount=Decimal(0)), "stake"),
        (wish(amount=Decimal("NaN")), "stake"),
        (wish(lasts=14 * SECOND), "duration"),
        (wish(lasts=400 * DAY), "duration"),
        (wish(ticks=11), "duration"),
        (wish("frxEURUSD", ticks=5), "duration"),
        (wish("frxEURUSD", lasts=MINUTE), "duration"),
        (wish(expiry=MONDAY - MINUTE), "duration"),
        (wish(currency="EUR"), "currency"),
    ],
)
def test_what_is_not_offered_is_refused_with_a_code(asked: Wish, code: str) -> None:
    async def play(broker: Broker) -> None:
        assert refused(broker.offer("demo-1", asked)) == code
        assert refused(broker.buy("demo-1", asked)) == code
        assert broker.balance("demo-1") == Decimal("10000.00")

    at(MONDAY, play)


def test_a_closed_market_sells_nothing_and_nothing_that_would_end_while_it_is_closed() -> None:
    async def closed(broker: Broker) -> None:
        assert refused(broker.offer("", wish("frxEURUSD", lasts=15 * MINUTE))) == "closed"
        assert isinstance(broker.offer("", wish("R_100")), Offer)  # made up: it never closes
        assert broker.price("frxEURUSD") is not None

    async def closing(broker: Broker) -> None:
        assert isinstance(broker.offer("", wish("frxEURUSD", lasts=15 * MINUTE)), Offer)
        assert refused(broker.offer("", wish("frxEURUSD", lasts=2 * HOUR))) == "closed"

    at(SATURDAY, closed)
    at(MONDAY + 4 * DAY + 13 * HOUR, closing)  # Friday 21:00 UTC, an hour before the week ends


def test_an_offer_is_bought_once_by_whom_it_was_made_for_while_it_lasts() -> None:
    async def play(broker: Broker) -> None:
        offers = [broker.offer("demo-1", wish()) for _ in range(3)]
        ids = [each.id for each in offers if isinstance(each, Offer)]
        assert refused(broker.buy("demo-2", ids[0])) == "spent"
        assert refused(broker.buy("demo-1", ids[1], Decimal("9.99"))) == "price"
        assert isinstance(broker.buy("demo-1", ids[1], Decimal("10.00")), Bought)
        assert refused(broker.buy("demo-1", ids[1])) == "spent"
        await asyncio.sleep(61)
        assert refused(broker.buy("demo-1", ids[2])) == "spent"
        assert refused(broker.buy("demo-1", "no such offer")) == "spent"
        assert broker.sold == 1

    at(MONDAY, play)


def test_nothing_is_bought_on_an_account_that_is_not_there_not_active_or_empty() -> None:
    accounts = {"poor": Account(balance=Decimal("9.99")), "asleep": Account(status="inactive")}

    async def play(broker: Broker) -> None:
        assert refused(broker.buy("poor", wish())) == "funds"
        assert refused(broker.buy("asleep", wish())) == "account"
        assert refused(broker.buy("nobody", wish())) == refused(broker.buy("", wish())) == "account"
        assert isinstance(broker.buy("poor", wish(amount=Decimal("9.99"))), Bought)
        assert broker.balance("poor") == 0

    at(MONDAY, play, Settings(accounts=accounts))


def test_a_request_of_the_same_name_gets_the_same_contract_where_that_was_asked_for() -> None:
    async def play(broker: Broker) -> None:
        first = broker.buy("demo-1", wish(), request="r-1", once=True)
        again = broker.buy("demo-1", wish(amount=Decimal(99)), request="r-1", once=True)
        other = broker.buy("demo-2", wish(), request="r-1", once=True)
        assert isinstance(first, Bought)
        assert isinstance(again, Bought)
        assert isinstance(other, Bought)
        assert again.again
        assert again.contract.id == first.contract.id != other.contract.id
        twice = broker.buy("demo-1", wish(), request="r-1")
        assert isinstance(twice, Bought)
        assert not twice.again

    at(MONDAY, play)


# --- how contracts end -----------------------------------------------------------------------------------------------


def test_a_contract_enters_after_its_second_and_leaves_by_its_expiry() -> None:
    """A tick at the very second it begins is not its entry; one at the very second of its expiry is its exit."""

    async def play(broker: Broker) -> None:
        contract = bought(broker, lasts=20 * SECOND)
        assert (contract.bought_at, contract.expiry) == (MONDAY, MONDAY + 20 * SECOND)
        assert contract.entry is None
        assert not contract.is_sellable
        await asyncio.sleep(40)
        ended = broker.contract("demo-1", contract.id)
        assert ended is not None
        assert ended.entry is not None
        assert ended.exit is not None
        assert (ended.entry.at, ended.exit.at) == (MONDAY + 2 * SECOND, MONDAY + 20 * SECOND)
        assert ended.sold_at == MONDAY + 21 * SECOND
        ticks = {tick.at: tick.quote for tick in broker.ticks("R_100", MONDAY, MONDAY + MINUTE)}
        assert (ended.entry.quote, ended.exit.quote) == (ticks[ended.entry.at], ticks[ended.exit.at])
        assert ended.status == ("won" if ended.exit.quote > ended.entry.quote else "lost")

    at(MONDAY + 700, play)  # bought 0.7 s after the second that counts


def test_a_contract_over_ticks_leaves_at_the_last_of_them() -> None:
    async def play(broker: Broker) -> None:
        contract = bought(broker, "demo-1", product="1HZ100V", ticks=5)
        assert contract.expiry == 0  # nobody knows it yet
        assert refused(broker.sell("demo-1", contract.id)) == "unsellable"
        await asyncio.sleep(10)
        ended = broker.contract("demo-1", contract.id)
        assert ended is not None
        assert ended.entry is not None
        assert ended.exit is not None
        assert (ended.entry.at, ended.exit.at) == (MONDAY + SECOND, MONDAY + 6 * SECOND)
        assert ended.expiry == MONDAY + 6 * SECOND
        assert ended.is_sold

    at(MONDAY, play)


def test_whoever_watches_is_told_every_stage_in_order_and_every_line_of_money() -> None:
    async def play(broker: Broker) -> list[str]:
        told: list[str] = []
        stop = broker.watch("demo-1", lambda each: told.append(each.what if isinstance(each, Stage) else each.kind))
        broker.watch("demo-2", lambda each: told.append("a stranger heard"))
        bought(broker, lasts=15 * SECOND)
        assert told == []  # whoever asks is answered first
        await asyncio.sleep(20)
        stop()
        bought(broker)
        await asyncio.sleep(5)
        return told

    moved = ["moved"] * 6
    assert at(MONDAY, play) == ["buy", "bought", "entered", *moved, "expired", "sell", "sold"]


def test_a_contract_is_sold_back_for_what_it_is_worth_once_it_has_entered() -> None:
    async def play(broker: Broker) -> None:
        contract = bought(broker)
        assert refused(broker.sell("demo-1", contract.id)) == "waiting"
        assert refused(broker.sell("demo-2", contract.id)) == "contract"
        await asyncio.sleep(30)
        view = broker.contract("demo-1", contract.id)
        assert view is not None
        assert view.is_sellable
        assert refused(broker.sell("demo-1", contract.id, view.bid + Decimal("0.01"))) == "price"
        sold = broker.sell("demo-1", contract.id, view.bid)
        assert isinstance(sold, Sold)
        assert (sold.contract.status, sold.contract.sold_for, sold.entry.amount) == ("sold", view.bid, view.bid)
        assert broker.balance("demo-1") == Decimal("9990.00") + view.bid
        assert refused(broker.sell("demo-1", contract.id)) == "ended"
        await asyncio.sleep(60)
        assert [each.status for each in broker.ended_contracts("demo-1")] == ["sold"]
        assert broker.balance("demo-1") == Decimal("9990.00") + view.bid  # it does not end twice

    at(MONDAY, play)


@pytest.mark.parametrize(
    ("what", "equals", "status"), [("tie", False, "lost"), ("tie", True, "won"), ("refund", False, "refunded")]
)
def test_equal_prices_lose_unless_they_were_bought_to_win_and_without_ticks_the_stake_comes_back(
    what: str, equals: bool, status: str
) -> None:
    async def play(broker: Broker) -> None:
        broker.set(Fault(what=what))  # pyright: ignore[reportArgumentType]
        number = broker.meet("order", "demo-1").number
        contract = bought(broker, number=number, equals=equals)
        await asyncio.sleep(90)
        ended = broker.contract("demo-1", contract.id)
        assert ended is not None
        assert ended.status == status
        held = {"lost": Decimal("9990.00"), "won": Decimal("10009.51"), "refunded": Decimal("10000.00")}
        assert broker.balance("demo-1") == held[status]

    at(MONDAY, play)


def test_a_missing_entry_tick_makes_the_next_one_the_entry_for_everybody() -> None:
    async def play(broker: Broker) -> None:
        broker.set(Fault(what="missing_entry", account="demo-1"))
        contract = bought(broker, number=broker.meet("order", "demo-1").number)
        other = bought(broker, "demo-2", number=broker.meet("order", "demo-2").number)
        await asyncio.sleep(5)
        for account, each in (("demo-1", contract), ("demo-2", other)):
            view = broker.contract(account, each.id)
            assert view is not None
            assert view.entry is not None
            assert view.entry.at == MONDAY + 4 * SECOND
        assert MONDAY + 2 * SECOND not in {tick.at for tick in broker.ticks("R_100", MONDAY, MONDAY + MINUTE)}

    at(MONDAY, play)


PLAYS = st.lists(
    st.tuples(
        st.sampled_from(["R_100", "1HZ25V", "R_10"]),
        st.sampled_from(["call", "put"]),
        st.integers(35, 5_000),
        st.integers(15, 90),
        st.booleans(),
        st.integers(0, 20_000),
        st.one_of(st.none(), st.integers(1, 60)),
    ),
    min_size=1,
    max_size=8,
)


@given(plays=PLAYS, begin=st.integers(0, 10_000))
@settings(max_examples=25)
def test_contracts_settle_by_the_same_rules_as_in_a_flow_and_every_cent_has_a_line(
    plays: list[tuple[str, str, int, int, bool, int, int | None]], begin: int
) -> None:
    async def play(broker: Broker) -> None:
        heard: list[Entry] = []
        broker.watch("demo-1", lambda each: heard.append(each) if isinstance(each, Entry) else None)
        for product, direction, cents, seconds, equals, wait, sold_after in plays:
            made = bought(
                broker,
                product=product,
                direction=direction,
                amount=Decimal(cents) / 100,
                lasts=seconds * SECOND,
                equals=equals,
            )
            await asyncio.sleep(wait / 1000)
            if sold_after is not None:
                await asyncio.sleep(sold_after)
                broker.sell("demo-1", made.id)
        await asyncio.sleep(120)
        _lines_add_up(broker, heard)
        for contract in broker.ended_contracts("demo-1"):
            if contract.status != "sold":
                _settled_alike(broker, contract)

    at(MONDAY + begin, play)


def _lines_add_up(broker: Broker, heard: list[Entry]) -> None:
    lines = broker.entries("demo-1")
    assert heard == lines[1:]
    assert [each.at for each in lines] == sorted(each.at for each in lines)
    held = Decimal(0)
    for line in lines:
        held += line.amount
        assert line.balance_after == held
    assert held == broker.balance("demo-1")
    statement = broker.statement(Inquiry("demo-1", 1, 0, broker.now()))
    assert statement.balance == held
    assert held == Decimal("10000.00") + sum(each.profit for each in statement.contracts)


def _settled_alike(broker: Broker, contract: Contract) -> None:
    path = PricePath()
    product = broker.products[contract.product]
    path.append(MadeUp(broker.settings.seed).ticks(product, contract.bought_at, contract.expiry + MINUTE).exact())
    ratio = float((contract.payout - contract.stake) / contract.stake)
    agreed = Agreed(
        "", contract.product, contract.direction, contract.stake, ratio, contract.bought_at, contract.expiry
    )
    end = settled(agreed, path, 0, "win" if contract.equals else "lose")
    assert contract.profit == end.profit
    assert contract.profit in (contract.payout - contract.stake, -contract.stake)


def test_an_entry_is_numbered_without_a_gap_over_all_accounts() -> None:
    async def play(broker: Broker) -> None:
        for account in ("demo-1", "demo-2", "demo-1", "demo-3"):
            bought(broker, account)
        broker.move("demo-4", Decimal("-3.00"), "rent")
        await asyncio.sleep(90)
        lines = [each for account in broker.purses.all for each in broker.entries(account)]
        numbers = sorted(int(each.number) for each in lines)
        assert numbers == list(range(numbers[0], numbers[0] + len(lines)))
        assert len(lines) == 4 + 4 + 1 + 4

    at(MONDAY, play)


def test_money_that_nobody_is_told_of_shows_in_the_balance_alone() -> None:
    async def play(broker: Broker) -> None:
        broker.move("demo-1", Decimal("-5.00"), "a fee", told=False)
        broker.move("demo-1", Decimal("2.00"), "a gift")
        lines = broker.entries("demo-1")
        assert [(each.kind, each.balance_after) for each in lines] == [
            ("deposit", Decimal("10000.00")),
            ("deposit", Decimal("9997.00")),
        ]
        assert broker.balance("demo-1") == Decimal("9997.00")

    at(MONDAY, play)


def test_an_account_that_is_made_while_it_runs_trades_at_once_and_belongs_to_its_user() -> None:
    async def play(broker: Broker) -> None:
        made = broker.create("demo-1", "USD", "real")
        assert [each.account for each in broker.purses.of_user("demo-1")] == ["demo-1", made.account]
        assert isinstance(broker.buy(made.account, wish()), Bought)
        assert broker.purses.user_of("practice-demo-1") == "demo-1"
        assert broker.purses.user_of("practice-nobody") is None

    at(MONDAY, play)
