"""Whatever goes wrong at the practice venue shows over Deriv's protocols as it would, and the book stays right."""

from decimal import Decimal
from typing import Any

import pytest
from aiohttp import ClientError, ServerDisconnectedError, WSServerHandshakeError

from pipeline.broker.faults import Fault
from tests.broker_clients import NEW, OLD, Client, Table, Venue, played, venue

OTP = "/trading/v1/options/accounts/DOT90004580/otp"


def struck(it: Venue, what: Any, **keys: Any) -> None:
    it.broker.set(Fault(what=what, **keys))


async def offered(client: Client, terms: Table = NEW) -> str:
    return (await client.call(proposal=1, **terms))["proposal"]["id"]


async def silent(it: Venue, client: Client, **request: Any) -> int:
    """Send what nobody answers; its number."""
    number = await client.send(**request)
    await it.go(0.2)
    assert not [each for each in client.frames if each["req_id"] == number]
    return number


def made(it: Venue) -> int:
    """How many contracts there are."""
    return len(it.broker.open_contracts("DOT90004580")) + len(it.broker.ended_contracts("DOT90004580"))


# --- orders ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "code"),
    [
        ("http_401", "AuthorizationRequired"),
        ("http_403", "PermissionDenied"),
        ("http_429", "RateLimit"),
        ("http_503", "SuspendedDueToLoad"),
        ("rate_limit", "RateLimit"),
        ("price_moved", "PriceMoved"),
        ("market_closed", "MarketIsClosed"),
        ("offer_gone", "InvalidContractProposal"),
    ],
)
def test_a_purchase_that_is_refused_is_not_made_and_the_next_one_is(what: str, code: str) -> None:
    async def main() -> None:
        async with venue() as it:
            client = await it.trader()
            struck(it, what)
            offer = await offered(client)
            assert await client.error(buy=offer, price=10) == code
            assert made(it) == 0
            if what == "offer_gone":
                assert await client.error(buy=offer, price=10) == code
                offer = await offered(client)
            assert "buy" in await client.call(buy=offer, price=10)
            assert [hit.fault.what for hit in it.broker.faults.struck] == [what]

    played(main())


def test_a_purchase_that_is_lost_on_its_way_is_not_made() -> None:
    async def main() -> None:
        async with venue() as it:
            client = await it.trader()
            struck(it, "lost_request")
            offer = await offered(client)
            await silent(it, client, buy=offer, price=10)
            assert made(it) == 0
            assert "buy" in await client.call(buy=offer, price=10)

    played(main())


def test_a_purchase_whose_answer_is_lost_is_made_all_the_same() -> None:
    async def main() -> None:
        async with venue() as it:
            client = await it.trader()
            struck(it, "lost_ack")
            offer = await offered(client)
            await silent(it, client, buy=offer, price=10)
            assert made(it) == 1
            assert await client.error(buy=offer, price=10) == "InvalidContractProposal"
            (held,) = (await client.call(portfolio=1))["portfolio"]["contracts"]
            assert held["buy_price"] == 10

    played(main())


@pytest.mark.parametrize(("what", "count"), [("refused", 0), ("reset_before", 0), ("reset_after", 1)])
def test_a_socket_that_breaks_leaves_the_purchase_where_it_broke(what: str, count: int) -> None:
    async def main() -> None:
        async with venue() as it:
            client = await it.trader()
            struck(it, what)
            await client.send(buy=await offered(client), price=10)
            assert await client.gone() in (1006, None)
            assert made(it) == count

    played(main())


def test_a_purchase_that_could_not_be_done_by_its_answer_was_done() -> None:
    async def main() -> None:
        async with venue() as it:
            client = await it.trader()
            struck(it, "http_503_accepted")
            assert await client.error(buy=await offered(client), price=10) == "InternalServerError"
            assert made(it) == 1

    played(main())


def test_a_purchase_comes_to_life_long_after_it_was_sent() -> None:
    async def main() -> None:
        async with venue() as it:
            client = await it.trader()
            struck(it, "late_accept", late="9s")
            await silent(it, client, buy=await offered(client), price=10, subscribe=1)
            assert made(it) == 0
            await it.go(10)
            (contract,) = it.broker.open_contracts("DOT90004580")
            assert contract.bought_at == it.clock.now() // 1000 * 1000 - 1000
            assert client.told("buy") == client.told("proposal_open_contract") == []

    played(main())


@pytest.mark.parametrize("what", ["late_ack", "timeout"])
def test_the_answer_to_a_purchase_comes_late(what: str) -> None:
    async def main() -> None:
        async with venue() as it:
            client = await it.trader()
            struck(it, what, late="12s")
            number = await silent(it, client, buy=await offered(client), price=10)
            assert made(it) == 1
            await it.go(12)
            (answer,) = client.told("buy")
            assert answer["req_id"] == number

    played(main())


def test_the_answer_to_a_purchase_comes_after_the_contracts_end() -> None:
    async def main() -> None:
        async with venue() as it:
            client = await it.trader()
            struck(it, "ack_after_settlement")
            await client.call(transaction=1, subscribe=1)
            await silent(it, client, buy=await offered(client), price=10)
            await it.go(59)
            assert client.told("buy") == []
            await it.go(3)
            said = [each["msg_type"] for each in client.frames]
            assert said.index("buy") > said.index("transaction")
            assert said.count("buy") == 1

    played(main())


def test_the_answer_to_a_purchase_comes_twice_or_in_half() -> None:
    async def main() -> None:
        async with venue() as it:
            client = await it.trader()
            struck(it, "duplicate_ack", late="3s")
            first = await client.call(buy=await offered(client), price=10)
            await it.go(4)
            assert client.told("buy") == [first]
            struck(it, "bad_body")
            await silent(it, client, buy=await offered(client), price=10)
            assert len(client.broken) == 1
            assert client.broken[0].startswith('{"echo_req"')
            assert made(it) == 2

    played(main())


# --- contracts -------------------------------------------------------------------------------------------------------


def test_a_tie_loses_and_a_contract_without_two_ticks_gives_the_stake_back() -> None:
    async def main() -> None:
        async with venue() as it:
            client = await it.trader()
            ends: dict[str, Table] = {}
            for what in ("tie", "refund"):
                struck(it, what)
                contract = (await client.call(buy=await offered(client), price=10))["buy"]["contract_id"]
                await it.go(65)
                frame = await client.call(proposal_open_contract=1, contract_id=contract)
                ends[what] = frame["proposal_open_contract"]
            tie, refund = ends["tie"], ends["refund"]
            assert tie["entry_spot"] == tie["exit_spot"]
            assert (tie["status"], tie["sell_price"], tie["profit"]) == ("lost", "0.00", "-10.00")
            assert (refund["status"], refund["sell_price"], refund["profit"]) == ("sold", "10.00", "0.00")
            lines = (await client.call(statement=1))["statement"]["transactions"]
            assert [each["amount"] for each in lines] == [10, -10, 0, -10, 10000]

    played(main())


def test_a_contract_whose_entry_tick_is_missing_enters_at_the_next_one() -> None:
    async def main() -> None:
        async with venue() as it:
            client = await it.trader()
            struck(it, "missing_entry")
            made_ = (await client.call(buy=await offered(client), price=10))["buy"]
            await it.go(65)
            over = (await client.call(proposal_open_contract=1, contract_id=made_["contract_id"]))[
                "proposal_open_contract"
            ]
            assert over["entry_spot_time"] == made_["start_time"] + 4

    played(main())


def test_an_end_that_is_told_to_nobody_stands_in_the_tables() -> None:
    async def main() -> None:
        async with venue() as it:
            client = await it.trader()
            struck(it, "lost_settlement")
            contract = (await client.call(buy=await offered(client), price=10, subscribe=1))["buy"]["contract_id"]
            await it.go(70)
            told = [each["proposal_open_contract"] for each in client.told("proposal_open_contract")]
            assert not [each for each in told if each["is_sold"]]
            profits = (await client.call(profit_table=1))["profit_table"]["transactions"]
            assert [each["contract_id"] for each in profits] == [contract]

    played(main())


def test_what_a_lost_sale_brought_is_in_the_balance() -> None:
    async def main() -> None:
        async with venue() as it:
            client = await it.trader()
            struck(it, "lost_close")
            terms = {**NEW, "duration": 15}
            first = (await client.call(buy=await offered(client, terms), price=10))["buy"]["contract_id"]
            struck(it, "sale_refused")
            second = (await client.call(buy=await offered(client, terms), price=10))["buy"]["contract_id"]
            await it.go(4)
            await silent(it, client, sell=first, price=0)
            assert await client.error(sell=second, price=0) == "SellNotAvailable"
            (held,) = (await client.call(portfolio=1))["portfolio"]["contracts"]
            assert held["contract_id"] == second
            assert (await client.call(balance=1))["balance"]["balance"] > 9980

    played(main())


# --- other calls -----------------------------------------------------------------------------------------------------


def test_listings_fail_are_lost_or_are_as_they_were() -> None:
    async def main() -> None:
        async with venue() as it:
            client = await it.trader()
            struck(it, "failed_listing")
            assert await client.error(portfolio=1) == "InternalServerError"
            struck(it, "lost_listing")
            await silent(it, client, profit_table=1)
            await client.call(buy=await offered(client), price=10)
            await it.go(1)
            struck(it, "stale_listing", times=2, late="5s")
            assert (await client.call(portfolio=1))["portfolio"]["contracts"] == []
            assert (await client.call(statement=1, action_type="buy"))["statement"]["count"] == 0
            assert (await client.call(statement=1, action_type="buy"))["statement"]["count"] == 1
            await it.go(62)
            struck(it, "stale_listing", times=2, late="20s")
            assert len((await client.call(portfolio=1))["portfolio"]["contracts"]) == 1
            assert (await client.call(profit_table=1))["profit_table"]["count"] == 0
            assert (await client.call(profit_table=1))["profit_table"]["count"] == 1

    played(main())


def test_any_call_may_fail_in_the_ways_of_its_protocol() -> None:
    async def main() -> None:
        async with venue() as it:
            client = await it.trader()
            for what, code in (
                ("call_http_429", "RateLimit"),
                ("call_rate_limit", "RateLimit"),
                ("call_http_503", "SuspendedDueToLoad"),
            ):
                struck(it, what)
                assert await client.error(time=1) == code
            struck(it, "call_lost")
            await silent(it, client, time=1)
            struck(it, "call_late", late="3s")
            await silent(it, client, time=1)
            await it.go(3)
            assert len(client.told("time")) == 1
            struck(it, "call_reset")
            await client.send(time=1)
            await client.gone()

    played(main())


def test_a_rest_call_fails_with_its_status() -> None:
    async def main() -> None:
        async with venue() as it:
            for what, status in (("call_http_429", 429), ("call_http_503", 503)):
                struck(it, what)
                assert (await it.ask("GET", "/trading/v1/options/accounts"))[0] == status
            for what, status in (("login_http_401", 401), ("login_http_403", 403), ("login_http_503", 503)):
                struck(it, what)
                assert (await it.ask("POST", OTP))[0] == status
            struck(it, "connection_refused")
            with pytest.raises(ServerDisconnectedError):
                await it.ask("POST", OTP)
            struck(it, "expired_otp")
            with pytest.raises(WSServerHandshakeError, match="401"):
                await it.client(await it.one_time())
            assert (await (await it.trader()).call(ping=1))["ping"] == "pong"

    played(main())


def test_a_login_on_the_legacy_socket_is_refused_for_a_while() -> None:
    async def main() -> None:
        async with venue() as it:
            client = await it.legacy("")
            for what, code in (("login_http_401", "InvalidToken"), ("login_http_403", "PermissionDenied")):
                struck(it, what)
                assert await client.error(authorize="practice-ann") == code
            assert "authorize" in await client.call(authorize="practice-ann")
            struck(it, "price_moved")
            assert await client.error(buy="1", price=10, parameters=OLD) == "PriceMoved"

    played(main())


# --- frames ----------------------------------------------------------------------------------------------------------


def test_frames_of_a_stream_are_lost_doubled_held_back_and_cut() -> None:
    async def main() -> None:
        async with venue() as it:
            client = await it.public()
            begin = (await client.call(ticks="1HZ100V", subscribe=1))["tick"]["epoch"]
            for nth, what in enumerate(("frame_duplicated", "frame_held_back", "frame_lost", "frame_cut"), 1):
                struck(it, what, nth=nth)
            await it.go(5)
            epochs = [each["tick"]["epoch"] - begin for each in client.told("tick")]
            # The second is held back until the third, which is lost, would have gone.
            assert epochs == [1, 1, 2, 5]
            assert len(client.broken) == 1
            struck(it, "socket_dropped")
            it.clock.step(1000)
            await client.gone()

    played(main())


def test_a_hole_in_the_prices_is_a_hole_for_everybody() -> None:
    async def main() -> None:
        async with venue() as it:
            client = await it.public()
            begin = (await client.call(ticks="1HZ100V", subscribe=1))["tick"]["epoch"]
            struck(it, "tick_gap", product="1HZ100V", lasts="4s")
            await it.go(6)
            assert [each["tick"]["epoch"] - begin for each in client.told("tick")] == [4, 5, 6]
            past = await client.call(ticks_history="1HZ100V", start=begin, end="latest")
            assert [each - begin for each in past["history"]["times"]] == [0, 4, 5, 6]

    played(main())


def test_frames_take_other_shapes_and_mean_the_same() -> None:
    async def main() -> None:
        async with venue() as it:
            client = await it.trader()
            contract = (await client.call(buy=await offered(client), price=10))["buy"]["contract_id"]
            asked: Table = {"proposal_open_contract": 1, "contract_id": contract}
            plain = (await client.call(**asked))["proposal_open_contract"]
            struck(it, "unknown_fields", lasts="1s")
            surprising = await client.call(**asked)
            assert set(surprising["proposal_open_contract"]) - set(plain) == {"nobody_knows"}
            assert "nobody_knows" in surprising
            await it.go(1)
            struck(it, "numbers_as_text", lasts="1s")
            texts = (await client.call(**asked))["proposal_open_contract"]
            assert (texts["contract_id"], texts["is_sold"]) == (str(contract), "0")
            await it.go(1)
            struck(it, "text_as_numbers", lasts="1s")
            numbers = (await client.call(**asked))["proposal_open_contract"]
            assert (numbers["buy_price"], numbers["status"]) == (10.0, "open")
            await it.go(1)
            struck(it, "no_echo", lasts="1s")
            frame = await client.call(**asked)
            assert "echo_req" not in frame
            assert frame["req_id"]

    played(main())


# --- for a while -----------------------------------------------------------------------------------------------------


def test_in_an_outage_sockets_break_and_none_is_opened_until_it_is_over() -> None:
    async def main() -> None:
        async with venue() as it:
            client = await it.trader()
            struck(it, "outage", lasts="30s")
            await client.send(time=1)
            await client.gone()
            with pytest.raises(ClientError):
                await it.one_time()
            with pytest.raises(ClientError):
                await it.public()
            it.clock.step(30_000)
            assert (await (await it.trader()).call(ping=1))["ping"] == "pong"

    played(main())


@pytest.mark.parametrize("what", ["outage", "ban"])
def test_a_socket_on_which_nobody_speaks_breaks_too(what: str) -> None:
    async def main() -> None:
        async with venue() as it:
            client = await it.public()
            struck(it, what, lasts="30s")
            assert await client.gone() in (1006, None)

    played(main())


def test_half_open_nothing_arrives_and_nothing_breaks() -> None:
    async def main() -> None:
        async with venue() as it:
            client, watch = await it.trader(), await it.trader("DOT90004581", "bob")
            await client.call(ticks="1HZ100V", subscribe=1)
            struck(it, "half_open", lasts="30s", account="DOT90004580")
            offer = await client.send(buy="1", price=10, parameters=NEW)
            it.clock.step(10_000)
            assert (await watch.call(ping=1))["ping"] == "pong"
            assert client.is_open
            it.clock.step(20_000)
            await client.call(ping=1)
            assert not [each for each in client.frames if each["req_id"] == offer]
            assert made(it) == 0
            it.clock.step(1_000)
            assert (await client.take(lambda frame: frame["msg_type"] == "tick"))["tick"]["symbol"] == "1HZ100V"

    played(main())


def test_a_token_that_does_not_count_opens_nothing_and_a_ban_closes_all() -> None:
    async def main() -> None:
        async with venue() as it:
            url, client = await it.one_time(), await it.trader()
            struck(it, "token_expiry", lasts="10s")
            assert (await it.ask("GET", "/trading/v1/options/accounts"))[0] == 401
            assert (await it.ask("POST", OTP))[0] == 401
            with pytest.raises(WSServerHandshakeError, match="401"):
                await it.client(url)
            assert await client.error(portfolio=1) == "AuthorizationRequired"
            await it.go(10)
            assert "portfolio" in await client.call(portfolio=1)
            struck(it, "ban", lasts="10s")
            assert (await it.ask("POST", OTP))[0] == 403
            await client.send(time=1)
            await client.gone()
            it.clock.step(10_000)
            struck(it, "maintenance", lasts="10s")
            assert (await it.ask("POST", OTP))[0] == 503

    played(main())


def test_in_maintenance_open_sockets_say_so() -> None:
    async def main() -> None:
        async with venue() as it:
            client = await it.legacy()
            struck(it, "maintenance", lasts="10s")
            error = (await client.call(portfolio=1))["error"]
            assert (error["code"], error["message"]) == (
                "SuspendedDueToLoad",
                "The service is temporarily unavailable.",
            )
            await it.go(10)
            assert "portfolio" in await client.call(portfolio=1)

    played(main())


def test_slow_answers_come_when_their_time_has_come() -> None:
    async def main() -> None:
        async with venue() as it:
            client = await it.trader()
            struck(it, "slow", lasts="1s", late="5s")
            await client.send(time=1)
            await client.send(balance=1)
            await it.heard("DOT90004580", "balance")
            it.clock.step(4_900)
            await client.call(ping=1)
            assert client.told("time") == client.told("balance") == []
            await it.go(0.1)
            assert len(client.told("time")) == len(client.told("balance")) == 1

    played(main())


def test_money_and_contracts_by_the_hand_of_others_are_seen() -> None:
    async def main() -> None:
        async with venue() as it:
            client = await it.trader()
            await client.call(transaction=1, subscribe=1)
            struck(it, "deposit", account="DOT90004580", after="1s", amount=Decimal("7.50"))
            struck(it, "withdrawal", account="DOT90004580", after="2s", amount=Decimal(2))
            struck(it, "external", account="DOT90004580", after="3s", product="R_50", amount=Decimal(3))
            await it.go(4)
            moved = [each["transaction"] for each in client.told("transaction")]
            assert [(each["action"], each["amount"]) for each in moved] == [
                ("deposit", 7.5),
                ("withdrawal", -2),
                ("buy", -3),
            ]
            (held,) = (await client.call(portfolio=1))["portfolio"]["contracts"]
            assert held["underlying_symbol"] == "R_50"

    played(main())
