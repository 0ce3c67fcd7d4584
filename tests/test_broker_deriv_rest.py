"""Accounts and one-time addresses over REST, as Deriv's current protocol has them."""

from decimal import Decimal

import pytest
from aiohttp import WSServerHandshakeError

from pipeline.broker.settings import Account
from tests.broker_clients import Venue, played, venue

OTP = "/trading/v1/options/accounts/DOT90004580/otp"
ACCOUNTS = "/trading/v1/options/accounts"


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


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer nobody"},
        {"Authorization": "Bearer nöbody"},
        {"Authorization": "Basic practice-ann"},
        {"Authorization": ""},
        {"Deriv-App-ID": ""},
    ],
)
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


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff\xfe", b'{"currency":', b'{"currency":"USD","more":1}'])
def test_a_body_that_is_no_request_makes_nothing(body: bytes) -> None:
    async def main() -> None:
        may = Account(user="ann", scopes=("read", "account_manage"))
        async with venue(accounts={"ROT1": may}) as it:
            headers = {
                "Authorization": "Bearer practice-ann",
                "Deriv-App-ID": "test",
                "Content-Type": "application/json; charset=none",
            }
            async with it.http.post(f"{it.served.url}{ACCOUNTS}", data=body, headers=headers) as answer:
                assert answer.status == 400
                assert (await answer.json())["errors"][0]["message"]
            assert set(it.broker.purses.all) == {"ROT1"}

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
            await client.buy()
            status, told = await it.ask("POST", f"{ACCOUNTS}/DOT90004580/reset-demo-balance")
            assert (status, told["data"]["balance"]) == (200, 10000)
            await it.go(1)
            purchase, deposit = (each["transaction"] for each in client.told("transaction"))
            assert (purchase["action"], purchase["balance"]) == ("buy", 9990)
            assert (deposit["action"], deposit["amount"], deposit["balance"]) == ("deposit", 10, 10000)
            assert "contract_id" not in deposit

    played(main())


def test_a_user_may_ask_eighty_times_a_minute_and_others_then_too() -> None:
    async def main() -> None:
        async with venue() as it:
            statuses = [(await it.ask("POST", OTP))[0] for _ in range(79)]
            statuses += [(await it.ask("GET", ACCOUNTS))[0] for _ in range(2)]
            assert statuses == [200] * 80 + [429]
            assert (await it.ask("GET", ACCOUNTS, "bob"))[0] == 200
            it.clock.step(60_000)
            assert (await it.ask("GET", ACCOUNTS))[0] == 200

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
