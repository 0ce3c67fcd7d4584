"""One account at a broker over HTTP: logging in, prices, orders, and what became of them."""

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest
from msgspec.structs import replace as replace_asked

from pipeline.broker.generic_calls import Manners
from pipeline.broker.settings import Account
from pipeline.connections.budgets import Common
from pipeline.connections.contract import Limit
from pipeline.connections.troubles import CallFailed
from pipeline.evidence import Closing
from pipeline.secret import Login, Secret
from pipeline.times import DAY, MINUTE, SECOND
from pipeline.values import Ack, Settlement
from pipeline.venues.book import KEPT, Deal
from tests.generic_rig import BEGAN, EVIDENCE, Venue, run, venue


def ends(there: Venue) -> list[Settlement]:
    return [each for each in there.heard.told if isinstance(each, Settlement)]


def failure_of(failed: BaseException) -> CallFailed:
    assert isinstance(failed, CallFailed)
    return failed


# --- orders ----------------------------------------------------------------------------------------------------------


def test_an_order_is_placed_once_and_its_end_is_heard_of_the_stream() -> None:
    async def main() -> None:
        async with venue() as there:
            account = await there.opened()
            there.follow(account)
            order = there.order()
            ack = await account.place(order)
            again = await account.place(order)
            assert (again.contract, again.at, again.payout) == (ack.contract, ack.at, ack.payout)
            assert ack.expiry - ack.at == MINUTE
            assert 0.9 < ack.payout < 1.0
            await there.heard.until(lambda: bool(ends(there)))
            (end,) = ends(there)
            assert end.order == order.order
            assert end.profit in (Decimal("-1.00"), Decimal("0.95"))
            assert ack.at < end.entry_ts <= end.exit_ts <= ack.expiry
            statement = await account.statement(there.inquiry())
            (listed,) = statement.contracts
            assert (listed.contract, listed.request, listed.result) == (ack.contract, order.request, end.result)
            assert statement.balance == Decimal(10_000) + end.profit
            assert statement.as_of >= ack.expiry > BEGAN

    run(main())


def test_without_a_stream_ends_are_asked_for() -> None:
    async def main() -> None:
        async with venue(manners=Manners(stream=False)) as there:
            account = await there.opened()
            assert not account.capabilities.streams
            there.follow(account)
            ack = await account.place(there.order())
            await there.heard.until(lambda: bool(ends(there)))
            assert ends(there)[0].order == there.order().order
            assert not any(isinstance(each, Ack) for each in there.heard.told), "the answer came"
            one = await account.statement(there.inquiry(contract=ack.contract))
            assert [each.contract for each in one.contracts] == [ack.contract]
            assert one.balance is None
            assert not (await account.statement(there.inquiry(contract="4711"))).contracts

    run(main())


def test_an_open_contract_that_nobody_here_bought_is_followed_by_its_name() -> None:
    async def main() -> None:
        async with venue() as there:
            first = await there.opened()
            ack = await first.place(there.order())
            await first.close()
            second = await there.opened()
            there.follow(second)
            await there.heard.until(lambda: bool(ends(there)))
            assert ends(there)[0].order == ack.contract

    run(main())


def test_what_the_broker_refuses_is_told_in_its_own_words_and_nothing_is_bought() -> None:
    async def main() -> None:
        async with venue(speed=1.0) as there:
            account = await there.opened()
            cases = (
                (there.order(stake=Decimal("0.10")), "no stake below 0.35"),
                (there.order(stake=Decimal(20_000)), "no stake above"),
                (there.order(tf=SECOND), "not of 1"),
                (there.order(product="NONE"), "There is no symbol NONE"),
                (there.order(payout=2.0), "A win pays 95"),
                (there.order(stake=Decimal("1.005")), "decimals"),
            )
            for order, sentence in cases:
                with pytest.raises(CallFailed, match=sentence) as failed:
                    await account.place(order)
                assert (failed.value.kind, failed.value.fate) == ("rule", "refused")
            assert not there.broker.open_contracts("demo-1")

    run(main())


def test_the_same_id_for_another_order_is_refused() -> None:
    async def main() -> None:
        async with venue(speed=1.0) as there:
            account = await there.opened()
            await account.place(there.order())
            with pytest.raises(CallFailed, match="another order's") as failed:
                await account.place(there.order(direction="put"))
            assert failed.value.fate == "refused"

    run(main())


def test_a_contract_is_sold_back_before_its_expiry_or_the_broker_says_why_not() -> None:
    async def main() -> None:
        async with venue(speed=20.0) as there:
            account = await there.opened()
            order = there.order(tf=60 * MINUTE)
            ack = await account.place(order)
            closing = Closing(order.order, ack.contract, "demo-1", there.here.now())
            with pytest.raises(CallFailed, match="waiting for entry") as failed:
                await account.sell(closing)
            assert failed.value.kind == "rule"
            await there.here.until(there.here.now() + 10 * SECOND)
            end = await account.sell(closing)
            assert end.order == order.order
            assert Decimal(-1) < end.profit < Decimal(1)
            assert end.at < ack.expiry
            with pytest.raises(CallFailed, match="has been sold"):
                await account.sell(closing)
            await there.here.until(there.here.now() + 2 * SECOND)
            (listed,) = (await account.statement(there.inquiry())).contracts
            assert (listed.profit, listed.closed_at) == (end.profit, end.at)

    run(main())


def test_payouts_are_ratios_here_and_nothing_where_it_is_not_offered() -> None:
    async def main() -> None:
        async with venue() as there:
            account = await there.opened()
            assert await account.payout("R_100", MINUTE, Decimal(10)) == pytest.approx(0.951)
            assert await account.payout("EURUSD", MINUTE, Decimal(10)) is None, "it is sold from 15 minutes on"
            assert await account.payout("R_100", SECOND, Decimal(10)) is None

    run(main())


# --- what goes wrong with an order -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "kind", "fate", "bought"),
    [
        ("lost_request", "network", "unknown", False),
        ("lost_ack", "network", "unknown", True),
        ("reset_before", "network", "unknown", False),
        ("reset_after", "network", "unknown", True),
        ("http_403", "auth", "refused", False),
        ("http_429", "throttle", "refused", False),
        ("http_503", "maintenance", "unknown", False),
        ("http_503_accepted", "maintenance", "unknown", True),
        ("bad_body", "format", "unknown", True),
        ("price_moved", "rule", "refused", False),
        ("market_closed", "rule", "refused", False),
    ],
)
def test_of_an_order_only_what_is_proved_is_said(what: str, kind: str, fate: str, *, bought: bool) -> None:
    async def main() -> None:
        async with venue(speed=1.0) as there:
            account = await there.opened(deadline=0.3, late=0.0)
            there.strike(what=what)
            with pytest.raises(CallFailed) as failed:
                await account.place(there.order())
            assert (failed.value.kind, failed.value.fate) == (kind, fate)
            posted = [each for each in there.face.asked if each.call == "order"]
            assert len(posted) == 1, "an order is sent once"
            assert len(there.broker.open_contracts("demo-1")) == bought

    run(main())


def test_an_order_whose_answer_is_lost_has_the_contract_that_the_stream_told_of() -> None:
    async def main() -> None:
        async with venue(speed=20.0) as there:
            account = await there.opened(deadline=0.5, late=0.0)
            there.follow(account)
            there.strike(what="lost_ack")
            order = there.order(tf=60 * MINUTE)
            ack = await account.place(order)
            (contract,) = there.broker.open_contracts("demo-1")
            assert (ack.order, ack.contract) == (order.order, contract.id)

    run(main())


def test_an_order_that_comes_to_life_after_it_was_given_up_is_heard_of() -> None:
    async def main() -> None:
        async with venue(speed=60.0) as there:
            account = await there.opened(deadline=0.2, late=0.0)
            there.follow(account)
            there.strike(what="late_accept", late="40s")
            order = there.order(tf=60 * MINUTE)
            with pytest.raises(CallFailed) as failed:
                await account.place(order)
            assert failed.value.fate == "unknown"
            await there.heard.until(lambda: any(isinstance(each, Ack) for each in there.heard.told))
            (contract,) = there.broker.open_contracts("demo-1")
            (ack,) = (each for each in there.heard.told if isinstance(each, Ack))
            assert (ack.order, ack.contract) == (order.order, contract.id)

    run(main())


def test_a_token_that_ran_out_is_renewed_once_and_the_order_is_not_sent_again() -> None:
    async def main() -> None:
        async with venue(speed=1.0) as there:
            account = await there.opened()
            there.face.tokens.end()
            with pytest.raises(CallFailed, match="nothing was bought") as failed:
                await account.place(there.order())
            assert failed.value.fate == "unsent", "the broker takes an id once, so it may be tried again"
            assert [each.call for each in there.face.asked].count("order") == 1
            assert [each.call for each in there.face.asked].count("refresh") == 1
            assert await account.place(there.order())

    run(main())


def test_eight_calls_that_meet_an_old_token_cause_one_renewal() -> None:
    async def main() -> None:
        async with venue(speed=1.0) as there:
            account = await there.opened()
            there.face.tokens.end()
            paid = await asyncio.gather(*(account.statement(there.inquiry(each)) for each in range(8)))
            assert len(paid) == 8
            assert [each.call for each in there.face.asked].count("refresh") == 1
            there.face.tokens.end()
            there.face.tokens.forget()
            await account.statement(there.inquiry())
            assert [each.call for each in there.face.asked].count("login") == 2, "without a refresh token it logs in"

    run(main())


def test_another_contract_than_was_ordered_ends_all_trading_on_the_account() -> None:
    async def main() -> None:
        async with venue(speed=1.0, manners=Manners(mistakes={"side": "put"})) as there:
            account = await there.opened()
            following = there.follow(account)
            with pytest.raises(CallFailed, match="another contract than was ordered: side put for call") as failed:
                await account.place(there.order())
            assert failed.value.final
            with pytest.raises(CallFailed, match="side put for call") as ended:
                await following
            assert ended.value.final
            with pytest.raises(CallFailed) as later:
                await account.place(there.order(2))
            assert later.value.fate == "unsent"

    run(main())


@pytest.mark.parametrize("shape", ["numbers_as_text", "text_as_numbers", "unknown_fields"])
def test_answers_of_another_shape_mean_the_same(shape: str) -> None:
    async def main() -> None:
        async with venue(speed=300.0) as there:
            there.strike(what=shape)
            account = await there.opened()
            there.follow(account)
            ack = await account.place(there.order(stake=Decimal("7.35")))
            await there.heard.until(lambda: bool(ends(there)))
            await there.here.until(there.here.now() + 2 * SECOND)
            statement = await account.statement(there.inquiry())
            assert [each.contract for each in statement.contracts] == [ack.contract]
            assert statement.balance == Decimal(10_000) + ends(there)[0].profit
            assert not there.heard.troubles

    run(main())


# --- being let in ----------------------------------------------------------------------------------------------------


def test_a_wrong_password_costs_one_attempt_and_is_final() -> None:
    async def main() -> None:
        async with venue(speed=1.0) as there:
            wrong = Login({"username": "demo-1"}, {"password": Secret("guess-who-I-am")})
            account = there.connector(login=lambda: wrong)
            with pytest.raises(CallFailed, match="password is wrong") as failed:
                await account.open()
            assert (failed.value.kind, failed.value.final) == ("auth", True)
            with pytest.raises(CallFailed):
                await account.open()
            assert [each.call for each in there.face.asked].count("login") == 1
            assert "guess-who" not in repr(failed.value)

    run(main())


def test_a_code_that_is_needed_is_asked_for_in_a_sentence() -> None:
    async def main() -> None:
        async with venue(speed=1.0, manners=Manners(otp="123456")) as there:
            with pytest.raises(CallFailed, match="accounts login demo-1 --otp") as failed:
                await there.opened()
            assert failed.value.final
            names, secrets = {"username": "demo-2"}, {"password": Secret("practice-demo-2"), "otp": Secret("123456")}
            await there.opened("demo-2", login=lambda: Login(names, secrets))

    run(main())


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"evidence": replace(EVIDENCE, late_ms=10)}, "late_ms = 500"),
        ({"evidence": EVIDENCE}, "lists an account's contracts; write lists = false"),
        ({"tie": "push"}, 'write tie = "lose"'),
        ({"money": "real"}, 'holds demo money at the broker; the flow file says "real"'),
        ({"currency": "EUR"}, "is in USD, the flow file says EUR"),
    ],
)
def test_a_broker_that_is_not_what_the_flow_file_says_is_refused(changes: dict[str, object], sentence: str) -> None:
    async def main() -> None:
        proves = replace(EVIDENCE, late_ms=500, lists="evidence" not in changes or changes["evidence"] != EVIDENCE)
        async with venue(speed=1.0, manners=Manners(evidence=proves)) as there:
            with pytest.raises(CallFailed, match=sentence) as failed:
                await there.connector(**changes).open()  # type: ignore[arg-type]  # what each is, the case says
            assert failed.value.final
            await there.connector("demo-2", evidence=replace(proves, late_ms=900, once=False)).open()

    run(main())


def test_a_login_that_may_do_more_than_trade_is_refused_unless_it_is_accepted() -> None:
    async def main() -> None:
        accounts = {"demo-1": Account(scopes=("read", "trade", "payments")), "demo-2": Account(scopes=("read",))}
        async with venue(speed=1.0, accounts=accounts) as there:
            with pytest.raises(CallFailed, match="may do more than trade: payments") as failed:
                await there.opened()
            assert failed.value.final
            await there.opened(scopes=frozenset({"read", "trade", "payments"}))
            with pytest.raises(CallFailed, match="may not trade"):
                await there.opened("demo-2")

    run(main())


def test_while_clocks_are_apart_nothing_is_sent() -> None:
    async def main() -> None:
        async with venue(speed=1.0) as there:
            account = there.connector(most_apart_ms=500)
            there.here.ahead = 3 * SECOND
            await account.open()
            with pytest.raises(CallFailed, match="ms from ours, more than 500 ms") as failed:
                await account.place(there.order())
            assert failed.value.fate == "unsent"
            assert not [each for each in there.face.asked if each.call == "order"]
            (told,) = [each.what for each in there.heard.troubles]
            assert "ms from ours: nothing is sent until they agree" in told

    run(main())


@pytest.mark.parametrize("stream", [True, False])
def test_a_broker_that_lists_nothing_is_asked_of_each_contract_that_is_known(stream: bool) -> None:
    proves = replace(EVIDENCE, lists=False)

    async def main() -> None:
        async with venue(manners=Manners(evidence=proves, stream=stream)) as there:
            account = await there.opened(evidence=proves)
            there.follow(account)
            await account.place(there.order())
            await there.heard.until(lambda: bool(ends(there)))
            assert ends(there)[0].order == there.order().order
            assert "orders" not in {each.call for each in there.face.asked}

    run(main())


def test_a_sale_whose_answer_is_lost_is_known_by_the_stream_and_one_that_is_refused_runs_on() -> None:
    async def main() -> None:
        async with venue(speed=20.0) as there:
            there.strike(what="lost_close")
            account = await there.opened(deadline=0.3, late=0.0)
            there.follow(account)
            order = there.order(tf=60 * MINUTE)
            ack = await account.place(order)
            await there.here.until(there.here.now() + 10 * SECOND)
            with pytest.raises(CallFailed) as failed:
                await account.sell(Closing(order.order, ack.contract, "demo-1", there.here.now()))
            assert failed.value.fate == "unknown"
            await there.heard.until(lambda: bool(ends(there)))
            assert ends(there)[0].order == order.order
            there.strike(what="sale_refused")
            other = there.order(2, tf=60 * MINUTE)
            ack = await account.place(other)
            with pytest.raises(CallFailed) as refused:
                await account.sell(Closing(other.order, ack.contract, "demo-1", there.here.now()))
            assert (refused.value.kind, refused.value.fate) == ("rule", "refused")

    run(main())


def test_a_listing_of_a_broker_that_has_forgotten_says_from_when_on_it_is_whole() -> None:
    async def main() -> None:
        async with venue() as there:
            account = await there.opened()
            product = next(iter(there.broker.products))
            book = there.broker._house.book  # pyright: ignore[reportPrivateUsage]
            for number, at in enumerate((BEGAN - 40 * DAY, BEGAN)):
                name = f"old{number}"
                deal = Deal(name, name, "", "demo-1", product, MINUTE, "call", Decimal(1), 0.9, at - MINUTE, at)
                book.take(deal)
                book.end(name, Settlement(name, "lose", Decimal(-1), at, 1.0, at, 1.0, at))
            asked = replace_asked(there.inquiry(), since=BEGAN - 50 * DAY)
            statement = await account.statement(asked)
            assert [each.contract for each in statement.contracts] == ["old1"]
            assert statement.since == BEGAN - KEPT  # of before nothing is proved by its absence
            assert (await account.statement(there.inquiry())).since == there.inquiry().since

    run(main())


def test_an_older_listing_says_as_of_when_it_is() -> None:
    async def main() -> None:
        async with venue(speed=20.0) as there:
            account = await there.opened()
            await account.place(there.order(tf=60 * MINUTE))
            await there.here.until(there.here.now() + 2 * SECOND)
            assert (await account.statement(there.inquiry(1))).contracts
            there.strike(what="stale_listing", late="60s")
            stale = await account.statement(there.inquiry(2))
            assert stale.as_of <= there.here.now() - 55 * SECOND
            assert not stale.contracts
            there.strike(what="failed_listing")
            with pytest.raises(CallFailed):
                await account.statement(there.inquiry(3))

    run(main())


def test_a_connection_that_was_closed_is_opened_again() -> None:
    async def main() -> None:
        async with venue(speed=1.0) as there:
            account = await there.opened()
            await account.close()
            with pytest.raises(CallFailed):
                await account.place(there.order())
            await account.open()
            assert await account.place(there.order())

    run(main())


@pytest.mark.parametrize(
    ("what", "kind"),
    [
        ("connection_refused", "network"),
        ("login_http_401", "auth"),
        ("login_http_403", "auth"),
        ("login_http_503", "maintenance"),
    ],
)
def test_a_login_that_does_not_come_about_is_told_by_its_kind(what: str, kind: str) -> None:
    async def main() -> None:
        async with venue(speed=1.0) as there:
            there.strike(what=what)
            with pytest.raises(CallFailed) as failed:
                await there.opened()
            assert failed.value.kind == kind
            assert [each.call for each in there.face.asked].count("login") == 1
            again = await there.opened("demo-2")
            there.strike(what=what)
            with pytest.raises(CallFailed) as ended:
                await there.follow(again)
            assert ended.value.kind == kind

    run(main())


def test_an_account_that_has_used_up_its_limit_leaves_the_others_theirs_and_its_own_orders_their_reserve() -> None:
    async def main() -> None:
        limits = (Limit("requests", frozenset(), 12, reserve=2),)
        async with venue(speed=1.0) as there:
            common = Common(there.here.now, there.here.until)
            first = await there.opened("demo-1", common=common, limits=limits)
            second = await there.opened("demo-2", common=common, limits=limits)
            asking = [asyncio.ensure_future(first.payout("R_100", MINUTE, Decimal(10))) for _ in range(9)]
            assert await second.payout("R_100", MINUTE, Decimal(10))
            assert await first.place(there.order())
            waiting = [each for each in asking if not each.done()]
            assert waiting, "a minute has room for so many and no more"
            for each in asking:
                each.cancel()
            await asyncio.wait(asking)
            asked = [each for each in there.face.asked if each.account == "demo-1" and each.call == "account"]
            assert len(asked) == 1

    run(main())
