"""What clients that others wrote put on the wire, as they put it: the real ones do the same in `make clients`."""

import json
from typing import Any

from tests.broker_clients import BEGIN, Client, Table, played, venue


async def sent(client: Client, said: str, text: str) -> Table:
    """Send text as a client wrote it; the first frame of a kind with its number."""
    number = json.loads(text)["req_id"]
    await client.socket.send_str(text)
    return await client.take(lambda frame: frame["msg_type"] == said and frame["req_id"] == number)


def test_python_deriv_api_trades_with_its_own_words() -> None:
    """Its typed methods send whole numbers only, and its subscriptions add `subscribe` last."""

    async def main() -> None:
        async with venue() as it:
            client = await it.client(f"{it.served.socket_url}/websockets/v3?app_id=1089&l=EN&brand=")
            login = await sent(client, "authorize", '{"authorize": "practice-ann", "req_id": 1}')
            assert login["authorize"]["loginid"] == "DOT90004580"
            terms = (
                '"amount": 10, "barrier": "+0.1", "basis": "payout", "contract_type": "CALL", "currency": "USD", '
                '"duration": 60, "duration_unit": "s", "symbol": "R_100"'
            )
            refused = await sent(client, "proposal", f'{{"proposal": 1, {terms}, "req_id": 2}}')
            assert refused["error"]["code"] == "BarrierValidationError"
            plain = terms.replace('"barrier": "+0.1", ', "")
            offer = await sent(client, "proposal", f'{{"proposal": 1, {plain}, "req_id": 3}}')
            assert offer["proposal"]["payout"] == 10
            price = offer["proposal"]["ask_price"]
            bought = await sent(
                client, "buy", f'{{"buy": "{offer["proposal"]["id"]}", "price": {price}, "req_id": 4, "subscribe": 1}}'
            )
            stream = bought["subscription"]["id"]
            assert bought["buy"]["buy_price"] == price
            await it.go(62)
            told = [each for each in client.told("proposal_open_contract") if each["req_id"] == 4]
            assert told[-1]["proposal_open_contract"]["is_sold"] == 1
            # It forgets the stream when its last listener leaves, which is after the venue ended it.
            assert (await sent(client, "forget", f'{{"forget": "{stream}", "req_id": 5}}'))["forget"] == 0

    played(main())


def test_deriv_api_of_javascript_opens_its_views_with_its_own_words() -> None:
    async def main() -> None:
        async with venue() as it:
            client = await it.client(f"{it.served.socket_url}/websockets/v3?app_id=1089&l=EN&brand=")
            await sent(client, "authorize", '{"authorize":"practice-ann","req_id":1}')
            status = await sent(client, "get_account_status", '{"get_account_status":1,"req_id":2}')
            assert isinstance(status["get_account_status"]["status"], list)
            symbols = await sent(client, "active_symbols", '{"active_symbols":"brief","req_id":3}')
            pips = {each["symbol"]: each["pip"] for each in symbols["active_symbols"]}
            assert pips["R_100"] == 0.01
            past = await sent(
                client,
                "history",
                '{"ticks_history":"R_100","style":"ticks","end":"latest","count":1000,"subscribe":1,"req_id":4}',
            )
            assert len(past["history"]["times"]) == 1000
            assert past["history"]["times"][-1] == BEGIN // 1000
            candles = await sent(
                client,
                "candles",
                '{"ticks_history":"R_100","style":"candles","granularity":60,"end":"latest","count":1000,'
                '"subscribe":1,"req_id":5}',
            )
            assert len(candles["candles"]) == 1000
            offer = await sent(
                client,
                "proposal",
                '{"currency":"USD","symbol":"R_100","proposal":1,"amount":10,"basis":"stake","contract_type":"PUT",'
                '"duration":1,"duration_unit":"m","subscribe":1,"req_id":6}',
            )
            assert offer["subscription"]["id"] == offer["proposal"]["id"]
            bought = await sent(client, "buy", f'{{"buy":"{offer["proposal"]["id"]}","price":10,"req_id":7}}')
            contract = bought["buy"]["contract_id"]
            await sent(
                client,
                "proposal_open_contract",
                f'{{"proposal_open_contract":1,"contract_id":{contract},"subscribe":1,"req_id":8}}',
            )
            await it.go(60)
            # It has expired contracts sold as soon as it sees one.
            assert (await sent(client, "sell_expired", '{"sell_expired":1,"req_id":9}'))["sell_expired"] == {"count": 0}
            await it.go(2)
            last = client.told("proposal_open_contract")[-1]["proposal_open_contract"]
            assert_readable(last)
            for said in ("tick", "ohlc"):
                assert client.told(said)

    played(main())


def assert_readable(contract: dict[str, Any]) -> None:
    """What the client takes without asking whether it is there."""
    for key in (
        "barrier",
        "bid_price",
        "payout",
        "sell_price",
        "profit",
        "entry_tick",
        "entry_tick_time",
        "date_expiry",
    ):
        assert contract[key] is not None
    assert contract["transaction_ids"]["buy"] < contract["transaction_ids"]["sell"]
