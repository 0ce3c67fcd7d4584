"""The practice venue as a client of Deriv's current protocol meets it."""

import json
from decimal import Decimal
from typing import Any

import pytest
from aiohttp import WSServerHandshakeError
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.broker.deriv_checks import Shape
from pipeline.broker.deriv_requests import DEEPEST, Denied, parsed
from pipeline.broker.deriv_shapes import NEW as KNOWN
from pipeline.broker.legacy_shapes import LEGACY as LEGACY_KNOWN
from pipeline.broker.settings import Account
from tests.broker_clients import BEGIN, NEW, TERMS, Client, Table, Venue, played, venue

OTP = "/trading/v1/options/accounts/DOT90004580/otp"
ACCOUNTS = "/trading/v1/options/accounts"
SATURDAY = BEGIN + 24 * 3_600_000


async def bought(client: Client, **more: Any) -> Table:
    offer = (await client.call(proposal=1, **{**NEW, **more}))["proposal"]
    return (await client.call(buy=offer["id"], price=offer["ask_price"]))["buy"]


# --- REST ------------------------------------------------------------------------------------------------------------


def test_a_user_sees_their_own_accounts_and_nobody_elses() -> None:
    async def main() -> None:
        async with venue() as it:
            status, told = await it.ask("GET", ACCOUNTS)
            assert status == 200
            assert told["data"] == [
                {
                    "account_id": "DOT90004580",
                    "balance": 10000,
                    "currency": "USD",
                    "group": "row",
                    "status": "active",
                    "account_type": "demo",
                }
            ]
            assert set(told["meta"]) == {"endpoint", "method", "timing"}
            status, told = await it.ask("POST", OTP, "bob")
            assert (status, told["errors"][0]["code"]) == (404, "AccountNotFound")

    played(main())


@pytest.mark.parametrize("headers", [{"Authorization": "Bearer nobody"}, {"Authorization": ""}, {"Deriv-App-ID": ""}])
def test_without_a_token_or_an_app_nothing_is_told(headers: dict[str, str]) -> None:
    async def main() -> None:
        async with venue() as it:
            for method, path in (("GET", ACCOUNTS), ("POST", OTP)):
                status, told = await it.ask(method, path, **headers)
                assert (status, told["errors"][0]["code"], told["errors"][0]["status"]) == (401, "Unauthorized", 401)

    played(main())


def test_an_account_is_made_once_and_shown_after() -> None:
    async def main() -> None:
        may = Account(user="ann", scopes=("read", "trade", "account_manage"), kind="real", balance=Decimal(5))
        async with venue(accounts={"ROT1": may}) as it:
            asked = {"currency": "USD", "group": "row", "account_type": "demo"}
            status, made = await it.ask("POST", ACCOUNTS, body=asked)
            assert (status, made["data"][0]["account_type"]) == (201, "demo")
            status, again = await it.ask("POST", ACCOUNTS, body=asked)
            assert (status, again["data"]) == (200, made["data"][0])
            client = await it.trader(made["data"][0]["account_id"])
            assert (await client.call(balance=1))["balance"]["balance"] == 10000
            status, told = await it.ask("POST", ACCOUNTS, body={"currency": "USD", "group": "row"})
            assert (status, told["errors"][0]["code"], told["errors"][0]["field"]) == (
                400,
                "FieldIsRequired",
                "account_type",
            )

    played(main())


def test_a_token_that_may_not_manage_accounts_makes_none() -> None:
    async def main() -> None:
        async with venue() as it:
            body = {"currency": "USD", "group": "row", "account_type": "real"}
            assert (await it.ask("POST", ACCOUNTS, body=body))[0] == 403

    played(main())


def test_the_balance_of_practice_money_is_what_it_was_after_a_reset() -> None:
    async def main() -> None:
        async with venue() as it:
            client = await it.trader()
            await client.call(transaction=1, subscribe=1)
            await bought(client)
            status, told = await it.ask("POST", f"{ACCOUNTS}/DOT90004580/reset-demo-balance")
            assert (status, told["data"]["balance"]) == (200, 10000)
            await it.go(1)
            purchase, deposit = (each["transaction"] for each in client.told("transaction"))
            assert (purchase["action"], purchase["balance"]) == ("buy", 9990)
            assert (deposit["action"], deposit["amount"], deposit["balance"]) == ("deposit", 10, 10000)
            assert "contract_id" not in deposit

    played(main())


def test_the_venue_says_that_it_is_well() -> None:
    async def main() -> None:
        async with venue() as it, it.http.get(f"{it.served.url}/v1/health") as answer:
            assert (answer.status, await answer.text()) == (200, "OK")

    played(main())


# --- one-time addresses ----------------------------------------------------------------------------------------------


async def handshake(it: Venue, url: str) -> int:
    try:
        await it.client(url)
    except WSServerHandshakeError as refused:
        return refused.status
    return 101


def test_a_one_time_address_opens_one_socket() -> None:
    async def main() -> None:
        async with venue() as it:
            url = await it.one_time()
            assert url.startswith(f"{it.served.socket_url}/trading/v1/options/ws/demo?otp=")
            assert [await handshake(it, url) for _ in range(2)] == [101, 401]
            sockets = f"{it.served.socket_url}/trading/v1/options/ws"
            assert await handshake(it, f"{sockets}/demo") == 401
            assert await handshake(it, f"{sockets}/demo?otp=guess") == 401
            other_door = (await it.one_time()).replace("/demo?", "/real?")
            assert await handshake(it, other_door) == 401
            assert await handshake(it, f"{sockets}/public") == 101

    played(main())


def test_one_time_addresses_of_the_same_venue_are_never_the_same() -> None:
    async def main() -> None:
        async with venue() as it:
            assert len({await it.one_time() for _ in range(20)}) == 20

    played(main())


# --- prices ----------------------------------------------------------------------------------------------------------


def test_a_stream_of_ticks_has_each_tick_once_and_names_its_request() -> None:
    async def main() -> None:
        async with venue() as it:
            client = await it.public()
            first = await client.call(ticks=["R_100", "1HZ100V"], subscribe=1)
            await it.go(10)
            frames = [first, *client.told("tick")]
            epochs = {
                name: [each["tick"]["epoch"] for each in frames if each["tick"]["symbol"] == name]
                for name in ("R_100", "1HZ100V")
            }
            begin = BEGIN // 1000
            assert epochs == {
                "R_100": list(range(begin, begin + 11, 2)),
                "1HZ100V": list(range(begin, begin + 11)),
            }
            assert {each["req_id"] for each in frames} == {first["req_id"]}
            assert len({each["subscription"]["id"] for each in frames}) == 2

    played(main())


def test_a_candle_grows_with_its_ticks_and_the_next_one_begins_where_it_is_due() -> None:
    async def main() -> None:
        async with venue() as it:
            client = await it.public()
            await it.go(50)
            asked = {"style": "candles", "granularity": 60, "count": 2, "end": "latest"}
            past = await client.call(ticks_history="R_100", subscribe=1, **asked)
            await it.go(14)
            grown = [each["ohlc"] for each in client.told("ohlc")]
            begin = BEGIN // 1000
            assert [each["open_time"] for each in grown] == [begin] * 4 + [begin + 60] * 3
            assert grown[0]["open"] == f"{past['candles'][-1]['open']:.2f}"
            again = (await client.call(ticks_history="R_100", **asked))["candles"]
            for frame, final in zip((grown[3], grown[-1]), again, strict=True):
                assert {key: float(frame[key]) for key in ("open", "high", "low", "close")} == {
                    key: final[key] for key in ("open", "high", "low", "close")
                }

    played(main())


def test_the_past_goes_back_over_a_closed_weekend() -> None:
    async def main() -> None:
        async with venue(begin=SATURDAY) as it:
            client = await it.public()
            asked = {"style": "candles", "granularity": 3600, "count": 5, "end": "latest"}
            found = (await client.call(ticks_history="frxEURUSD", **asked))["candles"]
            assert len(found) == 5
            assert await client.error(ticks_history="frxEURUSD", subscribe=1, **asked) == "MarketIsClosed"
            assert await client.error(ticks="frxEURUSD", subscribe=1) == "MarketIsClosed"
            symbols = (await client.call(active_symbols="brief"))["active_symbols"]
            is_open = {each["underlying_symbol"]: each["exchange_is_open"] for each in symbols}
            assert (is_open["frxEURUSD"], is_open["R_100"]) == (0, 1)
            times = (await client.call(trading_times="2026-11-21"))["trading_times"]["markets"]
            rows = {
                row["underlying_symbol"]: row
                for market in times
                for sub in market["submarkets"]
                for row in sub["symbols"]
            }
            assert rows["frxEURUSD"]["times"]["open"] == ["--"]
            assert rows["R_100"]["times"] == {"open": ["00:00:00"], "close": ["23:59:59"], "settlement": "23:59:59"}
            assert rows["frxEURUSD"]["trading_days"] == ["Mon", "Tue", "Wed", "Thu", "Fri"]

    played(main())


def test_ticks_of_a_span_of_the_past_are_all_of_them() -> None:
    async def main() -> None:
        async with venue() as it:
            client = await it.public()
            end = BEGIN // 1000
            asked = {"start": end - 60, "end": str(end - 20), "style": "ticks"}
            found = (await client.call(ticks_history="R_100", **asked))["history"]
            assert found["times"] == list(range(end - 60, end - 19, 2))
            assert len(found["prices"]) == len(found["times"])
            assert (
                await client.error(ticks_history="R_100", start=end, end=str(end - 1), style="ticks")
                == "InvalidStartEnd"
            )

    played(main())


# --- subscriptions ---------------------------------------------------------------------------------------------------


def test_nothing_is_subscribed_to_twice_and_what_is_forgotten_is_silent() -> None:
    async def main() -> None:
        async with venue() as it:
            client = await it.trader()
            stream = (await client.call(ticks="R_100", subscribe=1))["subscription"]["id"]
            refused = await client.call(ticks="R_100", subscribe=1)
            assert refused["error"] == {
                "code": "AlreadySubscribed",
                "message": "You are already subscribed to ticks.",
            }
            assert (await client.call(forget=stream))["forget"] == 1
            assert (await client.call(forget=stream))["forget"] == 0
            await it.go(4)
            assert client.told("tick") == []
            for request in ({"balance": 1}, {"transaction": 1}, {"proposal_open_contract": 1}, {"ticks": "R_50"}):
                await client.call(**request, subscribe=1)
            for request in ({"balance": 1}, {"transaction": 1}, {"proposal_open_contract": 1}):
                assert await client.error(**request, subscribe=1) == "AlreadySubscribed"
            assert len((await client.call(forget_all=["balance", "transaction", "ticks"]))["forget_all"]) == 3
            assert len((await client.call(forget_all="proposal_open_contract"))["forget_all"]) == 1
            assert await client.error(forget_all="everything") == "InputValidationFailed"

    played(main())


def test_a_stream_of_all_contracts_tells_of_those_that_are_bought_later() -> None:
    async def main() -> None:
        async with venue() as it:
            client = await it.trader()
            first = await client.call(proposal_open_contract=1, subscribe=1)
            assert first["proposal_open_contract"] == {}
            contracts = [(await bought(client))["contract_id"] for _ in range(2)]
            await it.go(62)
            told = client.told("proposal_open_contract")
            assert {each["subscription"]["id"] for each in told} == {first["subscription"]["id"]}
            over = [each["proposal_open_contract"] for each in told if each["proposal_open_contract"]["is_sold"]]
            assert sorted(each["contract_id"] for each in over) == sorted(contracts)
            assert await client.error(proposal_open_contract=1, subscribe=1) == "AlreadySubscribed"

    played(main())


def test_a_stream_of_one_contract_ends_with_it() -> None:
    async def main() -> None:
        async with venue() as it:
            client = await it.trader()
            contract = (await bought(client))["contract_id"]
            asked: Table = {"proposal_open_contract": 1, "contract_id": contract, "subscribe": 1}
            stream = (await client.call(**asked))["subscription"]["id"]
            await it.go(61)
            told = [each["proposal_open_contract"] for each in client.told("proposal_open_contract")]
            assert [each["is_sold"] for each in told] == [0] * (len(told) - 1) + [1]
            assert (told[-2]["is_expired"], told[-2]["status"]) == (1, "open")
            assert (await client.call(forget=stream))["forget"] == 0
            await it.go(10)
            assert client.told("proposal_open_contract") == []
            again = await client.call(**asked)
            assert again["proposal_open_contract"]["is_sold"] == 1
            assert "subscription" not in again

    played(main())


# --- buying and selling ----------------------------------------------------------------------------------------------


def test_an_offer_is_bought_once_and_on_the_socket_that_it_was_made_on() -> None:
    async def main() -> None:
        async with venue() as it:
            client, other = await it.trader(), await it.trader()
            offer = (await client.call(proposal=1, **NEW))["proposal"]
            assert await other.error(buy=offer["id"], price=10) == "InvalidContractProposal"
            assert (await client.call(buy=offer["id"], price=10))["buy"]["buy_price"] == 10
            assert await client.error(buy=offer["id"], price=10) == "InvalidContractProposal"
            stale = (await client.call(proposal=1, **NEW))["proposal"]
            await it.go(120)
            assert await client.error(buy=stale["id"], price=10) == "InvalidContractProposal"

    played(main())


def test_an_offer_that_is_followed_is_renewed_with_the_market_and_ends_with_its_purchase() -> None:
    async def main() -> None:
        async with venue() as it:
            client = await it.trader()
            terms = {**NEW, "underlying_symbol": "frxEURUSD", "duration": 15}
            first = await client.call(proposal=1, subscribe=1, **terms)
            name = first["proposal"]["id"]
            assert name == first["subscription"]["id"]
            assert await client.error(proposal=1, subscribe=1, **terms) == "AlreadySubscribed"
            await it.go(90)
            renewed = [each["proposal"] for each in client.told("proposal")]
            assert {each["id"] for each in renewed} == {name}
            assert renewed[-1]["date_start"] > first["proposal"]["date_start"] + 60
            made = (await client.call(buy=name, price=10))["buy"]
            assert made["purchase_time"] == BEGIN // 1000 + 90
            await it.go(30)
            assert client.told("proposal") == []
            assert await client.error(buy=name, price=10) == "InvalidContractProposal"

    played(main())


def test_what_is_bought_by_its_terms_is_followed_with_the_purchases_own_request() -> None:
    async def main() -> None:
        async with venue() as it:
            client = await it.trader()
            made = await client.call(buy="1", price=10, parameters=NEW, subscribe=1, passthrough={"coid": "a-1"})
            await it.go(61)
            stages = [each for each in client.frames if each["req_id"] == made["req_id"]]
            assert made["msg_type"] == "buy"
            assert {each["msg_type"] for each in stages} == {"proposal_open_contract"}
            assert {each["subscription"]["id"] for each in stages} == {made["subscription"]["id"]}
            assert all(each["echo_req"]["passthrough"] == {"coid": "a-1"} for each in (made, *stages))
            assert stages[0]["proposal_open_contract"]["validation_error"] == "Waiting for entry tick."
            assert stages[-1]["proposal_open_contract"]["is_sold"] == 1

    played(main())


def test_a_contract_enters_at_the_tick_after_its_start_and_leaves_at_its_last_one() -> None:
    async def main() -> None:
        async with venue() as it:
            client = await it.trader()
            made = await bought(client)
            start = made["purchase_time"]
            assert made["shortcode"] == f"CALL_R_100_{made['payout']:.2f}_{start}_{start + 60}_S0P_0"
            await it.go(61)
            over = (await client.call(proposal_open_contract=1, contract_id=made["contract_id"]))[
                "proposal_open_contract"
            ]
            assert (over["entry_spot_time"], over["exit_spot_time"]) == (start + 2, start + 60)
            ticks = (await client.call(ticks_history="R_100", end=str(start + 60), start=start + 1))["history"]
            assert (float(over["entry_spot"]), float(over["exit_spot"])) == (ticks["prices"][0], ticks["prices"][-1])
            won = float(over["exit_spot"]) > float(over["entry_spot"])
            assert over["status"] == ("won" if won else "lost")
            assert over["sell_price"] == (over["payout"] if won else "0.00")
            assert Decimal(over["profit"]) == Decimal(over["sell_price"]) - 10

    played(main())


def test_a_contract_over_ticks_leaves_with_the_last_of_them() -> None:
    async def main() -> None:
        async with venue() as it:
            client = await it.trader()
            made = await bought(client, duration=3, duration_unit="t")
            assert made["shortcode"].endswith("_3T_S0P_0")
            await it.go(3)
            followed = {"proposal_open_contract": 1, "contract_id": made["contract_id"]}
            running = (await client.call(**followed))["proposal_open_contract"]
            assert (running["tick_count"], len(running["tick_stream"]), running["is_sold"]) == (3, 1, 0)
            await it.go(10)
            over = (await client.call(**followed))["proposal_open_contract"]
            start = made["purchase_time"]
            assert [each["epoch"] for each in over["tick_stream"]] == [start + 2, start + 4, start + 6, start + 8]
            assert (over["exit_spot_time"], over["date_expiry"], over["is_sold"]) == (start + 8, start + 8, 1)

    played(main())


def test_a_contract_is_sold_back_once_it_has_entered() -> None:
    async def main() -> None:
        async with venue() as it:
            client = await it.trader()
            made = await bought(client, duration=15)
            contract = made["contract_id"]
            early = await client.call(sell=contract, price=0)
            assert early["error"]["message"] == "Waiting for entry tick."
            await it.go(4)
            assert await client.error(sell=contract, price=9_000) == "ContractCreationFailure"
            sold = (await client.call(sell=contract, price=0))["sell"]
            assert sold["reference_id"] == made["transaction_id"]
            assert sold["balance_after"] == pytest.approx(9990 + sold["sold_for"])
            assert await client.error(sell=contract, price=0) == "ContractIsSold"
            assert await client.error(sell=contract + 1, price=0) == "ContractNotFound"
            over = (await client.call(proposal_open_contract=1, contract_id=contract))["proposal_open_contract"]
            assert (over["status"], over["is_sold"], over["sell_price"]) == ("sold", 1, f"{sold['sold_for']:.2f}")

    played(main())


def test_contracts_and_money_are_their_accounts_own() -> None:
    async def main() -> None:
        async with venue() as it:
            ann, bob = await it.trader(), await it.trader("DOT90004581", "bob")
            await bob.call(transaction=1, subscribe=1)
            await bob.call(proposal_open_contract=1, subscribe=1)
            contract = (await bought(ann))["contract_id"]
            assert await bob.error(proposal_open_contract=1, contract_id=contract) == "ContractNotFound"
            assert await bob.error(sell=contract, price=0) == "ContractNotFound"
            assert (await bob.call(portfolio=1))["portfolio"]["contracts"] == []
            assert (await bob.call(balance=1))["balance"]["balance"] == 10000
            await it.go(62)
            assert (await bob.call(profit_table=1))["profit_table"]["count"] == 0
            assert [each["action_type"] for each in (await bob.call(statement=1))["statement"]["transactions"]] == [
                "deposit"
            ]
            assert len(bob.told("transaction")) == len(bob.told("proposal_open_contract")) == 0

    played(main())


def test_tables_are_paged_without_a_hole_and_their_sums_are_the_balance() -> None:
    async def main() -> None:
        async with venue() as it:
            client = await it.trader()
            for _ in range(7):
                await bought(client)
                await it.go(10)
            await it.go(61)
            lines, offset = list[Table](), 0
            while page := (await client.call(statement=1, limit=4, offset=offset))["statement"]["transactions"]:
                lines += page
                offset += len(page)
            assert [each["action_type"] for each in lines].count("sell") == 7
            assert len({each["transaction_id"] for each in lines}) == len(lines) == 15
            balance = Decimal(0)
            for each in reversed(lines):
                balance += Decimal(str(each["amount"]))
                assert Decimal(str(each["balance_after"])) == balance
            assert Decimal(str((await client.call(balance=1))["balance"]["balance"])) == balance
            buys = (await client.call(statement=1, action_type="buy", date_from=BEGIN // 1000 + 25))["statement"]
            assert buys["count"] == 4
            told = (await client.call(profit_table=1, sort="ASC", limit=500))["profit_table"]["transactions"]
            times = [each["purchase_time"] for each in told]
            assert times == sorted(times)
            assert len(times) == 7
            dated = await client.call(profit_table=1, date_from="2026-11-20", date_to=str(BEGIN // 1000))
            assert dated["profit_table"]["count"] == 1

    played(main())


# --- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"amount": 0.34}, "ContractBuyValidationError", "amount"),
        ({"amount": 40_000}, "ContractBuyValidationError", "amount"),
        ({"amount": 1.234}, "TooManyDecimalPlaces", "amount"),
        ({"duration": 5, "duration_unit": "s"}, "OfferingsValidationError", "duration"),
        ({"duration": 11, "duration_unit": "t"}, "OfferingsValidationError", "duration"),
        ({"underlying_symbol": "R_99"}, "InvalidSymbol", "underlying_symbol"),
        ({"contract_type": "DIGITEVEN"}, "OfferingsValidationError", "contract_type"),
        ({"barrier": "+0.1"}, "BarrierValidationError", "barrier"),
        ({"currency": "EUR"}, "InvalidCurrency", "currency"),
        ({"underlying_symbol": "frxEURUSD"}, "OfferingsValidationError", "duration"),
    ],
)
def test_an_offer_that_cannot_be_made_says_why(change: Table, code: str, field: str) -> None:
    async def main() -> None:
        async with venue() as it:
            client = await it.trader()
            error = (await client.call(proposal=1, **{**NEW, **change}))["error"]
            assert (error["code"], error["details"]["field"]) == (code, field)
            assert error["message"].endswith(".")

    played(main())


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        ({"proposal": 1, **TERMS}, "underlying_symbol"),
        ({"proposal": 1, **NEW, "symbol": "R_100"}, "symbol"),
        ({"proposal": 1, **NEW, "amount": "10"}, "amount"),
        ({"proposal": 1, **NEW, "duration": 1.5}, "duration"),
        ({"proposal": 1, **NEW, "loginid": "DOT90004580"}, "loginid"),
        ({"buy": "x", "price": 10}, "buy"),
        ({"buy": "1", "price": "10", "parameters": NEW}, "price"),
        ({"buy": "1", "price": 10}, "parameters"),
        ({"buy": "1", "price": 10, "parameters": {**NEW, "stop": 1}}, "parameters"),
        ({"ticks_history": "R_100"}, "end"),
        ({"ticks_history": "R_100", "end": 1795200000}, "end"),
        ({"ticks_history": "R_100", "end": "latest", "granularity": 30}, "granularity"),
        ({"transaction": 1}, "subscribe"),
        ({"ticks": "R_100", "subscribe": 0}, "subscribe"),
        ({"statement": 1, "limit": 1000}, "limit"),
        ({"profit_table": 1, "date_from": 1795200000}, "date_from"),
        ({"sell": "1", "price": 0}, "sell"),
        ({"ping": True}, "ping"),
        ({"ping": 1, "passthrough": {"much": "x" * 3500}}, "passthrough"),
        ({"ping": 1, "passthrough": "text"}, "passthrough"),
    ],
)
def test_a_request_that_does_not_fit_its_shape_names_the_key(request_: Table, field: str) -> None:
    async def main() -> None:
        async with venue() as it:
            client = await it.trader()
            answer = await client.call(**request_)
            assert answer["error"]["code"] == "InputValidationFailed"
            assert list(answer["error"]["details"]) == [field]
            assert answer["msg_type"] == next(iter(request_))
            assert answer["echo_req"] == {**request_, "req_id": answer["req_id"]}

    played(main())


def test_purchases_that_cannot_be_made_leave_the_money_where_it_is() -> None:
    async def main() -> None:
        poor = {"DOT90004580": Account(user="ann", balance=Decimal(15))}
        async with venue(accounts=poor) as it:
            client = await it.trader()
            offer = (await client.call(proposal=1, **NEW))["proposal"]
            assert await client.error(buy=offer["id"], price=9.99) == "ContractCreationFailure"
            assert await client.error(buy=offer["id"], price=10.001) == "InvalidPrice"
            assert (await client.call(buy=offer["id"], price=10))["buy"]["balance_after"] == 5
            assert await client.error(buy="1", price=10, parameters=NEW) == "InsufficientBalance"
            assert (await client.call(balance=1))["balance"]["balance"] == 5

    played(main())


def test_the_public_socket_trades_for_nobody() -> None:
    async def main() -> None:
        async with venue() as it:
            client = await it.public()
            offer = (await client.call(proposal=1, **NEW))["proposal"]
            for request in ({"buy": offer["id"], "price": 10}, {"portfolio": 1}, {"balance": 1}, {"statement": 1}):
                assert await client.error(**request) == "AuthorizationRequired"
            assert await client.error(authorize="practice-ann") == "UnrecognisedRequest"
            assert (await client.call(time=1))["time"] == BEGIN // 1000
            await client.call(logout=1)
            await client.gone()

    played(main())


def test_a_token_that_may_only_read_buys_nothing() -> None:
    async def main() -> None:
        async with venue(accounts={"DOT90004580": Account(user="ann", scopes=("read",))}) as it:
            status, _ = await it.ask("POST", OTP)
            assert status == 403
            client = await it.legacy()
            assert await client.error(buy="1", price=10, parameters={**TERMS, "symbol": "R_100"}) == "PermissionDenied"
            assert (await client.call(balance=1))["balance"]["balance"] == 10000

    played(main())


def test_calls_that_share_a_limit_are_counted_together_and_each_account_by_itself() -> None:
    async def main() -> None:
        async with venue() as it:
            ann, bob = await it.trader(), await it.trader("DOT90004581", "bob")
            for _ in range(15):
                await ann.call(portfolio=1)
                await ann.call(profit_table=1)
            refused = (await ann.call(portfolio=1))["error"]
            assert refused == {"code": "RateLimit", "message": "You have reached the rate limit for portfolio."}
            assert (await bob.call(portfolio=1))["portfolio"] == {"contracts": []}
            assert "proposal" in await ann.call(proposal=1, **NEW)
            await it.go(60)
            assert (await ann.call(portfolio=1))["portfolio"] == {"contracts": []}

    played(main())


# --- bad faith -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no json",
        "[]",
        "1",
        '{"ping":1,"ping":1}',
        '{"ping":NaN}',
        '{"ping":' + "9" * 5000 + "}",
        '{"passthrough":' + "[" * 30_000,
        '{"ping":1,"passthrough":' + '{"a":' * 40 + "1" + "}" * 41,
        '{"nothing":1}',
        '{"req_id":1}',
    ],
)
def test_what_is_no_request_is_answered_with_an_error_and_the_socket_stays(text: str) -> None:
    async def main() -> None:
        async with venue() as it:
            client = await it.public()
            await client.socket.send_str(text)
            frame = await client.take(lambda each: each["msg_type"] == "error")
            assert frame["error"]["code"] in ("InputValidationFailed", "UnrecognisedRequest")
            assert (await client.call(ping=1))["ping"] == "pong"

    played(main())


def test_a_request_that_is_too_long_ends_the_socket() -> None:
    async def main() -> None:
        async with venue() as it:
            client = await it.public()
            await client.socket.send_str(json.dumps({"ping": 1, "passthrough": {"much": "x" * 70_000}}))
            assert await client.gone() == 1009

    played(main())


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
SHAPES = [*KNOWN.shapes.items(), *LEGACY_KNOWN.shapes.items()]


@given(st.sampled_from(SHAPES), st.data())
@settings(max_examples=60, deadline=None)
def test_whatever_stands_in_a_request_is_judged(named: tuple[str, Shape], data: st.DataObject) -> None:
    call, shape = named
    keys = st.sampled_from(sorted(shape.keys)) | st.text(max_size=8)
    table = {call: data.draw(ANY), **data.draw(st.dictionaries(keys, ANY, max_size=5))}
    wrong = shape.wrong(table)
    assert set(wrong) >= set(table) - set(shape.keys)
    assert all(isinstance(each, str) and each for each in wrong.values())


@given(st.text(max_size=60) | st.builds(json.dumps, ANY))
@settings(max_examples=60, deadline=None)
def test_whatever_text_comes_is_a_plain_table_or_refused(text: str) -> None:
    try:
        table = parsed(text)
    except Denied:
        return
    assert isinstance(table, dict)
    assert json.dumps(table).count("{") <= json.dumps(table).count("}") + DEEPEST
