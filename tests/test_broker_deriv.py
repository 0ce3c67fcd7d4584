"""The practice venue as a client of Deriv's current protocol meets it."""

from decimal import Decimal

import pytest

from tests.broker_clients import BEGIN, NEW, Table, played, venue

SATURDAY = BEGIN + 24 * 3_600_000


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
            contracts = [(await client.buy())["contract_id"] for _ in range(2)]
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
            contract = (await client.buy())["contract_id"]
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
            made = await client.buy()
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
            made = await client.buy(duration=3, duration_unit="t")
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
            made = await client.buy(duration=15)
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
            contract = (await ann.buy())["contract_id"]
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
                await client.buy()
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
