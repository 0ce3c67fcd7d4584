"""The practice venue as a client of Deriv's legacy protocol meets it."""

from decimal import Decimal

import pytest
from aiohttp import ClientSession, WSServerHandshakeError, web

from pipeline.broker.deriv import CURRENT
from pipeline.broker.deriv_rest import ONCE_LASTS, Passes
from pipeline.broker.faults import Fault
from pipeline.broker.legacy import LEGACY, add_legacy
from pipeline.broker.settings import Account
from tests.broker_clients import NEW, OLD, played, venue


@pytest.mark.parametrize("query", ["", "?app_id=", "?app_id=abc", "?app_id=0", "?app_id=-1", "?app_id=1.5"])
def test_an_app_that_has_no_number_is_not_let_in(query: str) -> None:
    async def main() -> None:
        async with venue() as it:
            with pytest.raises(WSServerHandshakeError, match="401"):
                await it.client(f"{it.served.socket_url}/websockets/v3{query}")

    played(main())


def test_before_a_login_prices_are_told_and_nothing_of_an_account() -> None:
    async def main() -> None:
        async with venue() as it:
            client = await it.legacy("")
            assert (await client.call(ticks="R_100"))["tick"]["symbol"] == "R_100"
            assert (await client.call(proposal=1, **OLD))["proposal"]["display_value"] == "10.00"
            for request in ({"portfolio": 1}, {"balance": 1}, {"buy": "1", "price": 10, "parameters": OLD}):
                answer = await client.call(**request)
                assert answer["error"] == {"code": "AuthorizationRequired", "message": "Please log in."}
            assert await client.error(authorize="practice-nobody") == "InvalidToken"
            await client.call(authorize="practice-ann")
            assert (await client.call(balance=1))["balance"]["loginid"] == "DOT90004580"

    played(main())


def test_the_tokens_of_an_account_that_is_closed_let_nobody_in() -> None:
    async def main() -> None:
        accounts = {"A1": Account(user="ann", status="inactive"), "B1": Account(user="bob")}
        async with venue(accounts=accounts) as it:
            assert await (await it.legacy("")).error(authorize="practice-ann") == "DisabledClient"
            assert (await it.ask("POST", "/trading/v1/options/accounts/A1/otp"))[0] == 403

    played(main())


def test_another_login_ends_what_was_heard_of_the_account_before() -> None:
    async def main() -> None:
        async with venue() as it:
            client = await it.legacy("ann")
            await client.call(balance=1, subscribe=1)
            await client.call(ticks="R_100", subscribe=1)
            await client.call(authorize="practice-bob")
            it.broker.move("DOT90004580", Decimal(5), "gift")
            await it.go(2)
            assert client.told("balance") == []
            assert len(client.told("tick")) == 1
            assert (await client.call(balance=1))["balance"]["loginid"] == "DOT90004581"
            await client.call(logout=1)
            assert await client.error(balance=1) == "AuthorizationRequired"

    played(main())


def test_the_protocols_do_not_know_each_others_words() -> None:
    async def main() -> None:
        async with venue() as it:
            legacy, current = await it.legacy(), await it.trader()
            wrong = (await legacy.call(proposal=1, **NEW))["error"]
            assert set(wrong["details"]) == {"symbol", "underlying_symbol"}
            assert await current.error(proposal=1, **OLD) == "InputValidationFailed"
            for call in set(LEGACY.calls) - set(CURRENT.calls):
                assert await current.error(**{call: 1}) == "UnrecognisedRequest"

    played(main())


def test_what_is_passed_through_comes_back_beside_the_echo() -> None:
    async def main() -> None:
        async with venue() as it:
            legacy, current = await it.legacy(), await it.trader()
            for client, copied in ((legacy, True), (current, False)):
                answer = await client.call(ping=1, passthrough={"mine": 7})
                assert answer["echo_req"]["passthrough"] == {"mine": 7}
                assert ("passthrough" in answer) == copied

    played(main())


def test_practice_money_is_filled_up_when_little_is_left() -> None:
    async def main() -> None:
        async with venue() as it:
            client = await it.legacy()
            assert await client.error(topup_virtual=1) == "TopupVirtualError"
            it.broker.move("DOT90004580", Decimal(-9_500), "spent")
            assert (await client.call(topup_virtual=1))["topup_virtual"] == {"amount": 9500, "currency": "USD"}
            assert (await client.call(balance=1))["balance"]["balance"] == 10000

    played(main())


def test_the_balances_of_all_of_a_users_accounts_are_told_together() -> None:
    async def main() -> None:
        accounts = {
            "VRTC1": Account(user="ann"),
            "CR1": Account(user="ann", kind="real", balance=Decimal("12.50")),
            "CR2": Account(user="bob", kind="real"),
        }
        async with venue(accounts=accounts) as it:
            client = await it.legacy()
            told = (await client.call(balance=1, account="all"))["balance"]
            assert set(told["accounts"]) == {"VRTC1", "CR1"}
            assert told["total"] == {
                "deriv": {"amount": 12.5, "currency": "USD"},
                "deriv_demo": {"amount": 10000, "currency": "USD"},
            }
            assert await client.error(balance=1, account="CR2") == "PermissionDenied"
            listed = (await client.call(account_list=1))["account_list"]
            assert [(each["loginid"], each["is_virtual"], each["broker"]) for each in listed] == [
                ("VRTC1", 1, "VRTC"),
                ("CR1", 0, "CR"),
            ]

    played(main())


def test_a_client_that_says_nothing_for_long_is_cut_off() -> None:
    async def main() -> None:
        async with venue() as it:
            app = web.Application()
            add_legacy(app, it.broker, quiet=0.05)
            runner = web.AppRunner(app, access_log=None)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            async with ClientSession() as http:
                socket = await http.ws_connect(
                    f"http://127.0.0.1:{runner.addresses[0][1]}/websockets/v3?app_id=1", autoping=False
                )
                await socket.receive(timeout=10)
                assert socket.close_code == 1000
            await runner.cleanup()

    played(main())


def test_a_one_time_word_is_good_for_two_minutes_of_real_time() -> None:
    async def main() -> None:
        async with venue() as it:
            moment = 0.0
            passes = Passes(it.broker, lambda: moment)
            early, late = passes.give("DOT90004580"), passes.give("DOT90004580")
            it.clock.step(3_600_000)
            moment = ONCE_LASTS - 0.001
            purse = passes.take(early)
            assert purse is not None
            assert purse.account == "DOT90004580"
            assert passes.take(early) is None
            moment = ONCE_LASTS
            assert passes.take(late) is None

    played(main())


def test_a_user_has_five_trading_sockets_at_a_time() -> None:
    async def main() -> None:
        async with venue() as it:
            clients = [await it.trader() for _ in range(5)]
            with pytest.raises(WSServerHandshakeError, match="429"):
                await it.trader()
            await clients[0].close()
            await (await it.trader("DOT90004581", "bob")).call(ping=1)
            assert (await (await it.trader()).call(ping=1))["ping"] == "pong"

    played(main())


def test_in_maintenance_the_site_says_that_it_is_updating() -> None:
    async def main() -> None:
        async with venue() as it:
            client = await it.legacy("")
            assert (await client.call(website_status=1))["website_status"]["site_status"] == "up"
            it.broker.set(Fault(what="maintenance", lasts="5s"))
            assert (await client.call(website_status=1))["website_status"]["site_status"] == "updating"
            assert await client.error(time=1) == "SuspendedDueToLoad"

    played(main())
