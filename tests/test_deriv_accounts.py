"""Accounts over Deriv's protocol: who is let in, what they hold as of a moment, and that nothing of theirs is shown."""

import asyncio
import traceback
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest
from aiohttp import WSMsgType, web

from pipeline.broker.faults import Fault, What
from pipeline.broker.settings import Account, Settings
from pipeline.connections.contract import Holder
from pipeline.deriv.connector import DerivConnector
from pipeline.evidence import Listed, Statement, Trouble
from pipeline.secret import Login, Practised, Secret
from pipeline.times import MINUTE, SECOND
from pipeline.values import Order
from sinks.deriv import Deriv
from tests.deriv_trading import HOLDER, SHORT, failure_of, played, trading

BEGIN = "2026-01-05T08:00:00Z"
CANARY = "canary-Zq7x-81f0-token"


class Known:
    """Logins that a test knows."""

    def __init__(self, **facts: str) -> None:
        self._login = Login(
            {"account_id": facts["account_id"]} if "account_id" in facts else {},
            {"token": Secret(facts["token"])} if "token" in facts else {},
        )

    def of(self, account: str) -> Login:
        del account
        return self._login

    def stamp(self, account: str) -> int:
        del account
        return 1


# --- who is let in ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"account_id": "demo-1", "token": CANARY}, "The token is missing or invalid"),
        ({"account_id": "demo-1"}, "has no token"),
        ({"token": CANARY}, "names no account"),
        ({"account_id": "../demo-1", "token": CANARY}, "names no account"),
        ({"account_id": "demo-2", "token": "practice-demo-1"}, "has no account of the id it names"),
    ],
)
def test_a_login_that_is_not_taken_is_final_and_is_not_shown(facts: dict[str, str], words: str) -> None:
    async def test() -> None:
        async with trading(connect=False, logins=Known(**facts)) as trader:
            failed = await failure_of(trader.connect())
            assert (failed.kind, failed.final, failed.fate) in (("auth", True, "unsent"), ("auth", True, "unknown"))
            assert words in str(failed)
            shown = "".join(traceback.format_exception(failed)) + repr(failed)
            assert CANARY not in shown
            assert "demo-2" not in shown

    played(test)


@pytest.mark.parametrize(
    ("account", "holder", "words"),
    [
        (Account(kind="real"), HOLDER, 'is real there and money = "practice" in the flow'),
        (Account(status="inactive"), HOLDER, "is inactive there"),
        (Account(), Holder(account="demo-1", money="practice", currency="EUR"), "is in USD there"),
        (Account(), Holder(account="demo-1", money="real", currency="USD"), 'is demo there and money = "real"'),
    ],
)
def test_an_account_that_is_not_what_the_flow_says_is_refused(account: Account, holder: Holder, words: str) -> None:
    async def test() -> None:
        settings = Settings(begin=BEGIN, accounts={"demo-1": account})
        async with trading(connect=False, holder=holder, settings=settings) as trader:
            failed = await failure_of(trader.connect())
            assert (failed.kind, failed.final) == ("auth", True)
            assert words in str(failed)

    played(test)


@pytest.mark.parametrize(
    ("what", "kind", "final"),
    [
        ("login_http_401", "auth", True),
        ("login_http_503", "maintenance", False),
        ("expired_otp", "network", False),
        ("connection_refused", "network", False),
    ],
)
def test_a_connection_that_does_not_come_about_says_what_to_do(what: What, kind: str, final: bool) -> None:
    async def test() -> None:
        async with trading(Fault(what=what), connect=False) as trader:
            failed = await failure_of(trader.connect())
            assert (failed.kind, failed.final) == (kind, final)
            await trader.connect()
            assert (await trader.buy()).contract

    played(test)


def test_an_account_introduces_itself() -> None:
    async def test() -> None:
        async with trading() as trader:
            told = trader.connector.introduction
            assert (told["money"], told["currency"], told["balance"]) == ("demo", "USD", "10000 USD")

    played(test)


# --- what it holds ---------------------------------------------------------------------------------------------------


def held(statement: Statement) -> Decimal:
    """What an account that began with ten thousand holds, by its contracts."""

    def worth(each: Listed) -> Decimal:
        return each.profit if each.result is not None else -each.stake

    return sum((worth(each) for each in statement.contracts), Decimal(0)) + sum(each.amount for each in statement.cash)


def test_every_statement_adds_up_while_contracts_come_and_go() -> None:
    async def test() -> None:
        async with trading(deadline=5.0, settings=Settings(begin=BEGIN, limits=False)) as trader:
            over = asyncio.Event()

            async def buy() -> None:
                for number in range(24):
                    stake = f"{1 + number % 7}.{number % 90:02d}"
                    await trader.buy("put" if number % 2 else "call", stake)
                    await trader.later(SECOND)
                over.set()

            buying = asyncio.create_task(buy())
            statements: list[Statement] = []
            while not over.is_set():
                statements.append(await trader.stated())
            await buying
            await trader.until(lambda: len(trader.ends) == 24)
            await trader.second_over()
            statements.append(await trader.stated())
            assert [each.balance for each in statements] == [held(each) for each in statements]
            assert any(each.result is None for one in statements for each in one.contracts)
            assert len(statements[-1].contracts) == 24
            assert {each.contract: each.profit for each in statements[-1].contracts} == {
                each.id: each.profit for each in trader.bought()
            }
            assert [each.as_of for each in statements] == sorted(each.as_of for each in statements)

    played(test)


def test_a_statement_is_of_a_second_that_is_over_and_has_all_of_it() -> None:
    async def test() -> None:
        async with trading() as trader:
            ack = await trader.buy()
            statement = await trader.stated()
            assert statement.as_of % SECOND == SECOND - 1
            assert (ack.at <= statement.as_of) == bool(statement.contracts)
            await trader.second_over()
            assert [each.contract for each in (await trader.stated()).contracts] == [ack.contract]

    played(test)


def test_one_contract_is_stated_by_its_name_and_none_by_a_name_that_nobody_has() -> None:
    async def test() -> None:
        async with trading() as trader:
            ack = await trader.buy()
            await trader.second_over()
            statement = await trader.stated(contract=ack.contract)
            assert (statement.contract, [each.contract for each in statement.contracts]) == (
                ack.contract,
                [ack.contract],
            )
            assert (await trader.stated(contract="999999999")).contracts == ()

    played(test)


def test_what_ended_before_is_not_listed_again_and_money_without_a_contract_is() -> None:
    async def test() -> None:
        deposit = Fault(what="deposit", account="demo-1", amount=Decimal("50.00"), after="1s")
        async with trading(deposit) as trader:
            first = await trader.buy()
            await trader.until(lambda: bool(trader.ends))
            since = trader.ends[0].at + 1
            second = await trader.buy()
            await trader.second_over()
            assert {each.contract for each in (await trader.stated()).contracts} == {first.contract, second.contract}
            later = await trader.stated(since)
            assert [each.contract for each in later.contracts] == [second.contract]
            told = await trader.stated()
            assert [each.amount for each in told.cash] == [Decimal(10_000), Decimal(50)]
            assert told.balance == held(told)

    played(test)


def test_more_contracts_than_a_page_holds_are_all_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.deriv.stating.ENDED_ROWS", 3)
    monkeypatch.setattr("pipeline.deriv.stating.MONEY_ROWS", 4)

    async def test() -> None:
        async with trading(deadline=5.0) as trader:
            for _ in range(8):
                await trader.buy()
            await trader.until(lambda: len(trader.ends) == 8)
            await trader.second_over()
            statement = await trader.stated()
            assert len(statement.contracts) == 8
            assert statement.balance == held(statement)
            assert all(each.entry_ts and each.exit_ts for each in statement.contracts)

    played(test)


@pytest.mark.parametrize("what", ["failed_listing", "lost_listing"])
def test_a_listing_that_fails_is_no_listing(what: What) -> None:
    async def test() -> None:
        async with trading(Fault(what=what, nth=2)) as trader:
            ack = await trader.buy()
            await trader.second_over()
            await failure_of(trader.stated())
            assert [each.contract for each in (await trader.stated()).contracts] == [ack.contract]

    played(test)


# --- a venue that sells something else -------------------------------------------------------------------------------


@asynccontextmanager
async def crooked() -> AsyncGenerator[str]:
    """A venue that sells a fall to whoever wants a rise."""
    base = ""

    async def accounts(_: web.Request) -> web.Response:
        row = {"account_id": "demo-1", "balance": 100, "currency": "USD", "status": "active", "account_type": "demo"}
        return web.json_response({"data": [row]})

    async def otp(_: web.Request) -> web.Response:
        return web.json_response({"data": {"url": f"ws{base[4:]}/trading/v1/options/ws/demo?otp=once"}})

    async def talk(request: web.Request) -> web.WebSocketResponse:
        line = web.WebSocketResponse()
        await line.prepare(request)
        async for message in line:
            if message.type is WSMsgType.TEXT:
                asked: dict[str, Any] = message.json()
                await line.send_json({"req_id": asked["req_id"], "echo_req": asked, **answer(asked)})
        return line

    app = web.Application()
    app.add_routes(
        [
            web.get("/trading/v1/options/accounts", accounts),
            web.post("/trading/v1/options/accounts/demo-1/otp", otp),
            web.get("/trading/v1/options/ws/demo", talk),
        ]
    )
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield base
    finally:
        await runner.cleanup()


def answer(asked: dict[str, Any]) -> dict[str, Any]:
    match next(iter(asked)):
        case "time":
            return {"time": 1_767_600_000}
        case "balance":
            return {"balance": {"balance": 100, "currency": "USD", "loginid": "demo-1"}}
        case "portfolio":
            return {"portfolio": {"contracts": []}}
        case "transaction":
            return {"transaction": {"id": "t"}}
        case "contracts_for":
            row = {"contract_type": "CALL", "min_contract_duration": "15s", "max_contract_duration": "1d"}
            return {"contracts_for": {"available": [row]}}
        case "proposal":
            return {"proposal": {"id": "p", "ask_price": 10, "payout": 19.5}}
        case _:
            word = "PUT_R_100_19.5_1767600000_1767600060_S0P_0"
            told = {"contract_id": 7, "buy_price": 10, "payout": 19.5, "start_time": 1_767_600_000, "shortcode": word}
            return {"msg_type": "buy", "buy": told}


def test_a_contract_of_the_other_direction_halts_the_account_until_somebody_looks() -> None:
    async def test() -> None:
        async with crooked() as url:
            troubles: list[Trouble] = []
            heard: list[Any] = []
            part = Deriv(url=url, practice=True)

            async def until(at: int) -> None:
                del at
                await asyncio.get_running_loop().create_future()

            connector = DerivConnector(
                part.manner, HOLDER, Practised(), troubles.append, lambda: 1_767_600_000_500, until
            )
            await connector.open()
            following = asyncio.create_task(connector.follow(heard.append))
            now = 1_767_600_000_500
            order = Order(
                order="mine",
                account="demo-1",
                product="R_100",
                tf=MINUTE,
                bar=now - MINUTE,
                direction="call",
                stake=Decimal("10.00"),
                payout=0.95,
                state="SEND",
                at=now,
                wanted_at=now,
                sent_at=now,
            )
            assert (await connector.place(order)).contract == "7"
            failed = await failure_of(following)
            assert (failed.kind, failed.final) == ("rule", True)
            assert "contract 7 of order mine is not what was ordered: it is a PUT, and CALL was ordered" in str(failed)
            assert [each.what for each in troubles] == [str(failed)]
            assert (await failure_of(connector.place(order))).fate == "unsent"
            await connector.close()
            await asyncio.gather(following, return_exceptions=True)

    played(test)


def test_a_short_contract_is_what_these_tests_think_it_is() -> None:
    assert SHORT == 15 * SECOND
