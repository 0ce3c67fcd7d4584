"""Orders over Deriv's protocol, at a practice venue that was written by somebody who knew nothing of the connector."""

import asyncio
import re
from decimal import Decimal
from typing import Literal

import pytest
from msgspec.structs import replace

from pipeline.broker.faults import Fault, What
from pipeline.broker.settings import Settings
from pipeline.deriv import watching
from pipeline.evidence import Closing
from pipeline.times import HOUR, MINUTE, SECOND
from tests.deriv_trading import PATIENCE, SHORT, failure_of, outcome, played, results, trading


def test_what_is_bought_is_followed_to_its_end_and_listed_with_the_same_numbers() -> None:
    async def test() -> None:
        async with trading() as trader:
            ack = await trader.buy("call", "10.00")
            assert ack.expiry - ack.at == SHORT
            assert 0.94 < ack.payout < 0.96
            await trader.until(lambda: bool(trader.ends))
            (end,) = trader.ends
            assert (end.order, end.profit) in {(ack.order, Decimal("-10.00")), (ack.order, Decimal("9.51"))}
            await trader.second_over()
            (listed,) = (await trader.stated()).contracts
            assert (listed.contract, listed.product, listed.tf) == (ack.contract, "R_100", SHORT)
            assert (listed.accepted_at, listed.expiry, listed.payout) == (ack.at, ack.expiry, ack.payout)
            assert (listed.result, listed.profit, listed.closed_at) == (end.result, end.profit, end.at)
            assert (listed.entry, listed.entry_ts) == (end.entry, end.entry_ts)
            assert (listed.exit, listed.exit_ts) == (end.exit, end.exit_ts)
            assert ack.at < end.entry_ts <= end.exit_ts <= ack.expiry
            assert trader.troubles == []

    played(test)


@pytest.mark.parametrize("shape", ["numbers_as_text", "text_as_numbers", "no_echo", "unknown_fields"])
def test_frames_of_another_shape_mean_the_same(shape: What) -> None:
    async def test() -> None:
        async with trading(Fault(what=shape)) as trader:
            ack = await trader.buy("put", "7.35")
            await trader.until(lambda: bool(trader.ends))
            await trader.second_over()
            statement = await trader.stated()
            assert [each.contract for each in statement.contracts] == [ack.contract]
            assert statement.balance == Decimal(10_000) + trader.ends[0].profit
            assert trader.troubles == []

    played(test)


# --- one order, one contract or none ---------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["lost_ack", "timeout", "bad_body"])
def test_a_purchase_whose_answer_is_lost_is_known_by_what_the_contract_says(what: What) -> None:
    async def test() -> None:
        async with trading(Fault(what=what, late="30s" if what == "timeout" else None)) as trader:
            order = trader.order()
            contract, fate = await outcome(trader.connector.place(order))
            assert fate in ("bought", "unknown")
            await trader.second_over()
            (listed,) = (await trader.stated()).contracts
            assert [each.id for each in trader.bought()] == [listed.contract]
            assert contract in ("", listed.contract)

    played(test)


@pytest.mark.parametrize(
    ("what", "fate"),
    [
        ("lost_request", "unknown"),
        ("reset_before", "unknown"),
        ("http_503", "unknown"),
        ("rate_limit", "refused"),
        ("http_403", "refused"),
        ("market_closed", "refused"),
    ],
)
def test_a_purchase_that_was_not_made_is_refused_or_not_known(what: What, fate: Literal["unknown", "refused"]) -> None:
    async def test() -> None:
        async with trading(Fault(what=what)) as trader:
            failed = await failure_of(trader.buy())
            assert failed.fate == fate
            assert trader.bought() == []

    played(test)


@pytest.mark.parametrize("what", ["reset_after", "http_503_accepted"])
def test_a_purchase_that_was_made_and_denied_is_not_known(what: What) -> None:
    async def test() -> None:
        async with trading(Fault(what=what)) as trader:
            order = trader.order()
            contract, fate = await outcome(trader.connector.place(order))
            assert fate in ("bought", "unknown")
            (bought,) = trader.bought()
            assert contract in ("", bought.id)

    played(test)


@pytest.mark.parametrize("what", ["price_moved", "offer_gone"])
def test_a_price_that_holds_no_more_is_asked_for_again_and_bought_once(what: What) -> None:
    async def test() -> None:
        async with trading(Fault(what=what)) as trader:
            ack = await trader.buy()
            assert [each.id for each in trader.bought()] == [ack.contract]
        async with trading(Fault(what=what), requotes=0) as trader:
            failed = await failure_of(trader.buy())
            assert (failed.kind, failed.fate) == ("rule", "refused")
            assert trader.bought() == []

    played(test)


def test_an_answer_that_comes_twice_is_one_contract() -> None:
    async def test() -> None:
        async with trading(Fault(what="duplicate_ack", late="5s")) as trader:
            ack = await trader.buy()
            await trader.until(lambda: bool(trader.ends))
            assert [each.id for each in trader.bought()] == [ack.contract]
            assert len(trader.ends) == 1

    played(test)


def test_a_payout_that_fell_is_not_bought() -> None:
    async def test() -> None:
        async with trading(payout_slack=0.0) as trader:
            failed = await failure_of(trader.connector.place(replace(trader.order(), payout=0.99)))
            assert (failed.kind, failed.fate) == ("rule", "refused")
            assert "the payout fell to 0.951 from 0.99" in str(failed)
            assert trader.bought() == []

    played(test)


@pytest.mark.parametrize(
    ("product", "tf", "stake", "words"),
    [
        ("EURUSD", MINUTE, "10.00", 'symbols = { EURUSD = "frxEURUSD" }'),
        ("R_100", 2 * SECOND, "10.00", "is not offered for"),
        ("R_100", MINUTE, "0.10", "at least 0.35"),
        ("R_100", MINUTE, "999999.00", "ContractBuyValidationError"),
    ],
)
def test_what_is_not_offered_is_refused_with_a_sentence(product: str, tf: int, stake: str, words: str) -> None:
    async def test() -> None:
        async with trading() as trader:
            failed = await failure_of(trader.buy("call", stake, product, tf))
            assert (failed.kind, failed.fate) == ("rule", "refused")
            assert words in str(failed)
            assert trader.bought() == []

    played(test)


def test_our_own_names_of_products_go_both_ways() -> None:
    async def test() -> None:
        async with trading(symbols={"VOL": "R_50"}) as trader:
            ack = await trader.buy(product="VOL")
            await trader.second_over()
            (listed,) = (await trader.stated()).contracts
            assert (listed.contract, listed.product) == (ack.contract, "VOL")
            assert trader.bought()[0].product == "R_50"

    played(test)


def test_orders_of_one_kind_take_turns_and_each_gets_its_own_contract() -> None:
    async def test() -> None:
        async with trading(deadline=2.0) as trader:
            orders = [trader.order("call" if number % 2 else "put", "10.00") for number in range(8)]
            acks = await asyncio.gather(*(trader.connector.place(each) for each in orders))
            assert [each.order for each in acks] == [each.order for each in orders]
            assert len({each.contract for each in acks}) == len(trader.bought()) == 8
            by_name = {each.id: each.direction for each in trader.bought()}
            for order, ack in zip(orders, acks, strict=True):
                assert by_name[ack.contract] == order.direction

    played(test)


# --- ends ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["lost_settlement", "frame_lost", "frame_duplicated", "frame_held_back"])
def test_an_end_is_told_once_whatever_becomes_of_its_frame(what: What) -> None:
    async def test() -> None:
        strikes = Fault(what=what) if what == "lost_settlement" else Fault(what=what, nth=4, times=60)
        async with trading(strikes) as trader:
            ack = await trader.buy()
            await trader.until(lambda: bool(trader.ends))
            await trader.later(20 * SECOND)
            assert [each.order for each in trader.ends] == [ack.order]

    played(test)


def test_frames_that_nobody_can_read_end_the_connection_and_lose_nothing() -> None:
    async def test() -> None:
        async with trading(Fault(what="frame_cut", nth=4, times=12)) as trader:
            ack = await trader.buy("call", "10.00", "R_100", MINUTE)
            assert trader.following is not None
            await asyncio.wait((trader.following,), timeout=PATIENCE)
            failed = await trader.leave()
            assert failed is not None
            assert failed.kind == "format"
            await trader.connect()
            await trader.until(lambda: bool(trader.ends))
            assert [each.order for each in trader.ends] == [ack.order]

    played(test)


def test_an_end_while_nobody_listened_is_told_by_its_order_after_connecting_anew() -> None:
    async def test() -> None:
        async with trading() as trader:
            ack = await trader.buy()
            await trader.leave()
            await trader.later(SHORT + 5 * SECOND)
            assert trader.ends == []
            await trader.connect()
            await trader.until(lambda: bool(trader.ends))
            assert [each.order for each in trader.ends] == [ack.order]

    played(test)


def test_contracts_are_subscribed_to_again_after_connecting_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without asking for what is overdue an end comes by a subscription alone."""
    monkeypatch.setattr(watching, "PATIENCE", HOUR)

    async def test() -> None:
        async with trading() as trader:
            ack = await trader.buy()
            await trader.leave()
            await trader.connect()
            await trader.until(lambda: bool(trader.ends))
            assert [each.order for each in trader.ends] == [ack.order]

    played(test)


def test_a_contract_of_somebody_else_ends_under_its_own_name() -> None:
    async def test() -> None:
        hand = Fault(what="external", account="demo-1", product="R_50", after="1s", amount=Decimal(5))
        async with trading(hand) as trader:
            await trader.later(3 * SECOND)
            await trader.leave()
            await trader.connect()
            await trader.until(lambda: bool(trader.ends))
            (contract,) = trader.bought()
            assert [each.order for each in trader.ends] == [contract.id]

    played(test)


def test_a_contract_is_sold_back_and_its_end_is_told_by_the_answer_alone() -> None:
    async def test() -> None:
        async with trading(deadline=2.0) as trader:
            ack = await trader.buy("call", "10.00", "R_100", 5 * MINUTE)
            await trader.later(10 * SECOND)
            end = await trader.connector.sell(Closing(ack.order, ack.contract, "demo-1", trader.outside.now()))
            assert end.order == ack.order
            assert end.at < ack.expiry
            assert (end.profit > 0) == (end.result == "win")
            await trader.second_over()
            (listed,) = (await trader.stated()).contracts
            assert (listed.result, listed.profit) == (end.result, end.profit)
            assert results(trader.ends) in ([], results([end]))

    played(test)


def test_a_sale_that_is_refused_says_so_and_the_contract_runs_on() -> None:
    async def test() -> None:
        async with trading(Fault(what="sale_refused"), deadline=2.0) as trader:
            ack = await trader.buy()
            await trader.later(10 * SECOND)
            failed = await failure_of(
                trader.connector.sell(Closing(ack.order, ack.contract, "demo-1", trader.outside.now()))
            )
            assert failed.kind == "rule"
            await trader.until(lambda: bool(trader.ends))
            assert trader.ends[0].order == ack.order

    played(test)


def test_an_end_that_cannot_be_asked_for_is_asked_for_again_and_breaks_nothing() -> None:
    async def test() -> None:
        async with trading(Fault(what="lost_settlement"), Fault(what="call_rate_limit", nth=10, times=3)) as trader:
            ack = await trader.buy()
            await trader.until(lambda: bool(trader.ends))
            assert [each.order for each in trader.ends] == [ack.order]
            assert trader.following is not None
            assert not trader.following.done()

    played(test)


def test_a_contract_that_ended_before_it_could_be_sold_gives_its_end_as_the_answer() -> None:
    async def test() -> None:
        async with trading(deadline=2.0) as trader:
            ack = await trader.buy()
            await trader.until(lambda: bool(trader.ends))
            end = await trader.connector.sell(Closing(ack.order, ack.contract, "demo-1", trader.outside.now()))
            assert end == trader.ends[0]

    played(test)


def test_a_refund_is_void_and_a_tie_is_lost_or_won_as_the_contract_says() -> None:
    async def test() -> None:
        async with trading(Fault(what="refund")) as trader:
            await trader.buy()
            await trader.until(lambda: bool(trader.ends))
            assert [(each.result, each.profit) for each in trader.ends] == [("canceled", 0)]
        for equals, result in ((False, "lose"), (True, "win")):
            async with trading(Fault(what="tie"), allow_equals=equals, payout_slack=0.2) as trader:
                await trader.buy()
                await trader.until(lambda: bool(trader.ends))
                assert [each.result for each in trader.ends] == [result]

    played(test)


# --- who may ---------------------------------------------------------------------------------------------------------


def test_payouts_are_those_of_orders_and_nothing_where_nothing_is_offered() -> None:
    async def test() -> None:
        async with trading() as trader:
            paid = await trader.connector.payout("R_100", MINUTE, Decimal(10))
            assert paid is not None
            assert (await trader.buy()).payout == pytest.approx(paid, abs=0.002)
            assert await trader.connector.payout("R_100", 2 * SECOND, Decimal(10)) is None

    played(test)


def test_a_clock_that_goes_astray_while_connected_is_told_and_lets_nothing_leave() -> None:
    async def test() -> None:
        async with trading(deadline=2.0) as trader:
            await trader.buy(tf=SHORT)
            there = trader.connector._now  # pyright: ignore[reportPrivateUsage]
            trader.connector._now = lambda: there() + 30 * SECOND  # pyright: ignore[reportPrivateUsage]
            await trader.until(lambda: any("its clock is -" in each.what for each in trader.troubles))
            failed = await failure_of(trader.buy())
            assert (failed.kind, failed.fate) == ("rule", "unsent")

    played(test)


def test_a_clock_that_is_far_off_lets_nothing_leave() -> None:
    async def test() -> None:
        settings = Settings(begin="2026-01-05T08:00:00Z")
        async with trading(connect=False, settings=settings, deadline=2.0) as trader:
            own = trader.outside.now
            trader.outside.now = lambda: own() + 30 * SECOND  # type: ignore[method-assign]
            apart = type(trader.connector)(
                trader.connector.manner,
                trader.connector.holder,
                trader.connector.logins,
                trader.warn,
                trader.outside.now,
                trader.outside.until,
            )
            trader.connector = apart
            await trader.connect()
            failed = await failure_of(trader.buy())
            assert (failed.kind, failed.fate) == ("rule", "unsent")
            assert "clock is -" in str(failed)
            (told,) = [each.what for each in trader.troubles]
            assert re.fullmatch(
                r"its clock is -(29|30|31)\.\d s from ours: nothing is bought until they agree; .*", told
            )
            assert trader.bought() == []

    played(test)
