"""What the practice venue refuses over Deriv's protocols, and how it says so."""

import json
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.json import encode

from pipeline.broker.deriv_checks import Shape
from pipeline.broker.deriv_requests import DEEPEST, Denied, parsed
from pipeline.broker.deriv_shapes import NEW as KNOWN
from pipeline.broker.legacy_shapes import LEGACY as LEGACY_KNOWN
from pipeline.broker.settings import Account
from tests.broker_clients import BEGIN, NEW, TERMS, Table, played, venue

OTP = "/trading/v1/options/accounts/DOT90004580/otp"


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
        ({"ping": 1, "code": 1}, "code"),
        ({"ping": 1, "details": {}}, "details"),
        ({"trading_times": "2026-02-30"}, "trading_times"),
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


def test_with_as_many_subscriptions_as_there_may_be_nothing_is_bought_to_be_followed() -> None:
    async def main() -> None:
        async with venue() as it:
            client = await it.trader()
            names = list(it.broker.products)[:10]
            for granularity in (60, 120, 180, 300, 600, 900, 1800, 3600, 7200, 14_400):
                for name in names:
                    asked = {"style": "candles", "granularity": granularity, "count": 1, "end": "latest"}
                    await client.call(ticks_history=name, subscribe=1, **asked)
            assert await client.error(balance=1, subscribe=1) == "RateLimit"
            assert await client.error(buy="1", price=10, parameters=NEW, subscribe=1) == "RateLimit"
            assert (await client.call(balance=1))["balance"]["balance"] == 10000
            assert "buy" in await client.call(buy="1", price=10, parameters=NEW)

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
        '{"ping":1,"req_id":1e999}',
        '{"ping":1,"passthrough":{"letter":"\\ud800"}}',
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
    assert encode(table)
    assert json.dumps(table).count("{") <= json.dumps(table).count("}") + DEEPEST
