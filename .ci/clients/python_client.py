"""Trades at a practice venue with the unmodified python-deriv-api, over the legacy protocol and over the current one.

    python .ci/clients/python_client.py HOST:PORT ACCOUNT TOKEN

It asserts what a trader would: what was streamed, bought, sold and settled is what the tables and the balance say.
"""

import asyncio
import json
import sys
import urllib.request
from decimal import Decimal

import websockets
from deriv_api import DerivAPI

PATIENCE = 20
"""Seconds that any one thing may take."""
STAKE = 10
TERMS = {"amount": STAKE, "basis": "stake", "contract_type": "CALL", "currency": "USD", "duration_unit": "m"}


class Trader:
    """One connection and what it calls a product."""

    def __init__(self, api: DerivAPI, symbol_key: str) -> None:
        self.api = api
        self.symbol = {symbol_key: "R_100"}

    async def trade(self) -> None:
        opening = await self.balance()
        await self.stream_ticks()
        won_or_lost = await self.settle(await self.buy(1))
        sold = await self.sell(await self.buy(15))
        closing = await self.balance()
        assert closing - opening == won_or_lost + sold, (opening, closing, won_or_lost, sold)
        await self.read_tables(opening, closing)

    async def balance(self) -> Decimal:
        return Decimal(str((await self.send({"balance": 1}))["balance"]["balance"]))

    async def stream_ticks(self) -> None:
        several = await self.followed({"ticks": "R_100"}, 3)
        epochs = [each["tick"]["epoch"] for each in several]
        assert epochs == sorted(set(epochs)), epochs
        candles = await self.send({"ticks_history": "R_100", "style": "candles", "end": "latest", "count": 5})
        assert len(candles["candles"]) == 5, candles
        await self.send({"forget_all": "ticks"})

    async def buy(self, minutes: int) -> dict:
        offer = (await self.send({"proposal": 1, **TERMS, **self.symbol, "duration": minutes}))["proposal"]
        assert offer["ask_price"] == STAKE < offer["payout"], offer
        bought = (await self.send({"buy": offer["id"], "price": offer["ask_price"]}))["buy"]
        assert bought["buy_price"] == STAKE, bought
        return bought

    async def settle(self, bought: dict) -> Decimal:
        """Waits for the end of a contract: what the account gained by it."""
        request = {"proposal_open_contract": 1, "contract_id": bought["contract_id"]}
        last = (await self.followed(request, until=lambda frame: frame["proposal_open_contract"]["is_sold"]))[-1]
        contract = last["proposal_open_contract"]
        assert contract["status"] in ("won", "lost"), contract
        gained = Decimal(str(contract["sell_price"])) - STAKE
        assert Decimal(str(contract["profit"])) == gained, contract
        return gained

    async def sell(self, bought: dict) -> Decimal:
        """Sells a contract back as soon as it may be sold: what the account gained by it."""
        request = {"proposal_open_contract": 1, "contract_id": bought["contract_id"]}
        await self.followed(request, until=lambda frame: frame["proposal_open_contract"]["is_valid_to_sell"])
        sold = (await self.send({"sell": bought["contract_id"], "price": 0}))["sell"]
        assert sold["contract_id"] == bought["contract_id"], sold
        return Decimal(str(sold["sold_for"])) - STAKE

    async def read_tables(self, opening: Decimal, closing: Decimal) -> None:
        profits = (await self.send({"profit_table": 1, "description": 1, "limit": 2}))["profit_table"]["transactions"]
        gained = sum(Decimal(str(each["sell_price"])) - Decimal(str(each["buy_price"])) for each in profits)
        assert gained == closing - opening, profits
        statement = (await self.send({"statement": 1, "limit": 4}))["statement"]["transactions"]
        assert [each["action_type"] for each in statement] == ["sell", "buy", "sell", "buy"], statement
        assert sum(Decimal(str(each["amount"])) for each in statement) == closing - opening, statement
        assert (await self.send({"portfolio": 1}))["portfolio"]["contracts"] == []

    async def send(self, request: dict) -> dict:
        return await asyncio.wait_for(self.api.send(request), PATIENCE)

    async def followed(self, request: dict, count: int = 0, until=lambda frame: False) -> list[dict]:
        """What a subscription gives until it has given enough."""
        frames, enough = [], asyncio.get_running_loop().create_future()

        def take(frame: dict) -> None:
            frames.append(frame)
            if (len(frames) == count or until(frame)) and not enough.done():
                enough.set_result(None)

        stream = await self.api.subscribe(request)
        stream.subscribe(take, on_error=enough.set_exception)
        await asyncio.wait_for(enough, PATIENCE)
        return frames


async def main(address: str, account: str, token: str) -> None:
    legacy = DerivAPI(endpoint=f"ws://{address}", app_id=1089)
    login = (await asyncio.wait_for(legacy.authorize(token), PATIENCE))["authorize"]
    assert login["balance"] > 0, login
    await Trader(legacy, "symbol").trade()
    await legacy.clear()
    async with websockets.connect(one_time_address(address, account, token)) as connection:
        current = DerivAPI(connection=connection)
        await Trader(current, "underlying_symbol").trade()
        await current.clear()
    print("python-deriv-api: ticks, proposals, purchases, settlements, sales and tables agree, over both protocols")


def one_time_address(address: str, account: str, token: str) -> str:
    """Where an account trades over the current protocol: good for one connection."""
    asked = urllib.request.Request(
        f"http://{address}/trading/v1/options/accounts/{account}/otp",
        method="POST",
        headers={"Authorization": f"Bearer {token}", "Deriv-App-ID": "practice"},
    )
    with urllib.request.urlopen(asked, timeout=PATIENCE) as answer:
        return json.load(answer)["data"]["url"]


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
