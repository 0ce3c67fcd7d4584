"""Frames of Deriv's protocols have the fields that were seen on the wire, each of the kind that it had there."""

from typing import Any

import pytest

from pipeline.broker.deriv import CURRENT
from pipeline.broker.deriv_checks import is_table
from pipeline.broker.legacy import LEGACY
from tests.broker_clients import NEW, OLD, Client, Table, Venue, played, venue

KINDS = {"i": int, "s": str, "t": dict, "l": list, "0": type(None)}
"""A letter for each kind of value; `n` is any number."""
PROPOSAL = (
    "ask_price:n contract_details:t date_expiry:i date_start:i id:s longcode:s payout:n spot:n spot_time:i "
    "validation_params:t"
)
BOUGHT = (
    "balance_after:n buy_price:n contract_id:i longcode:s payout:n purchase_time:i shortcode:s start_time:i "
    "transaction_id:i"
)
SOLD = "balance_after:n contract_id:i reference_id:i sold_for:n transaction_id:i"
FLAGS = (
    "is_expired:i is_intraday:i is_path_dependent:i is_settleable:i is_sold:i is_valid_to_cancel:i is_valid_to_sell:i"
)
CONTRACT = (
    "account_id:i barrier_count:i contract_id:i contract_type:s currency:s current_spot_time:i date_expiry:i "
    f"date_settlement:i date_start:i expiry_time:i id:s {FLAGS} longcode:s profit_percentage:n purchase_time:i "
    "shortcode:s status:s transaction_ids:t"
)
NEW_CONTRACT = f"{CONTRACT} bid_price:s buy_price:s current_spot:s payout:s profit:s underlying_symbol:s"
OLD_CONTRACT = (
    f"{CONTRACT} bid_price:n buy_price:n current_spot:n payout:n profit:n underlying:s display_name:s "
    "current_spot_display_value:s is_forward_starting:i"
)
FAULTY = "validation_error:s validation_error_code:s"
NEW_OPEN = f"barrier:0 entry_spot:0 entry_spot_time:0 exit_spot:0 exit_spot_time:0 sell_price:0 sell_time:0 {FAULTY}"
NEW_ENTERED = "barrier:s entry_spot:s entry_spot_time:i exit_spot:0 exit_spot_time:0 sell_price:0 sell_time:0"
NEW_EXPIRED = "barrier:s entry_spot:s entry_spot_time:i exit_spot:s exit_spot_time:i sell_price:0 sell_time:0"
NEW_OVER = f"barrier:s entry_spot:s entry_spot_time:i exit_spot:s exit_spot_time:i sell_price:s sell_time:i {FAULTY}"
OLD_ENTERED = (
    "barrier:s entry_spot:n entry_spot_display_value:s entry_tick:n entry_tick_display_value:s entry_tick_time:i"
)
OLD_EXPIRED = f"{OLD_ENTERED} exit_tick:n exit_tick_display_value:s exit_tick_time:i"
OLD_OVER = f"{OLD_EXPIRED} sell_price:n sell_time:i {FAULTY}"
PORTFOLIO = (
    "buy_price:n contract_id:i contract_type:s currency:s date_start:i expiry_time:i longcode:s payout:n "
    "purchase_time:i shortcode:s transaction_id:i"
)
PROFIT = (
    "buy_price:n contract_id:i contract_type:s duration_type:s longcode:s payout:n purchase_time:i sell_price:n "
    "sell_time:i shortcode:s transaction_id:i underlying_symbol:s"
)
LINE = (
    "action_type:s amount:n balance_after:n contract_id:i longcode:s payout:n reference_id:{} shortcode:s "
    "transaction_id:i transaction_time:i"
)
MOVED = (
    "action:s amount:n balance:n contract_id:i currency:s date_expiry:i id:s longcode:s transaction_id:i "
    "transaction_time:i"
)
LOGIN = (
    "account_list:l balance:n country:s currency:s email:s fullname:s is_virtual:i landing_company_fullname:s "
    "landing_company_name:s linked_to:l local_currencies:t loginid:s preferred_language:s scopes:l "
    "upgradeable_landing_companies:l user_id:i"
)
LISTED = (
    "account_category:s account_type:s broker:s created_at:i currency:s currency_type:s is_disabled:i is_virtual:i "
    "landing_company_name:s linked_to:l loginid:s"
)
NEW_SYMBOL = (
    "exchange_is_open:i is_trading_suspended:i market:s pip_size:n subgroup:s submarket:s trade_count:i "
    "underlying_symbol:s underlying_symbol_name:s underlying_symbol_type:s"
)
OLD_SYMBOL = (
    "allow_forward_starting:i display_name:s display_order:i exchange_is_open:i is_trading_suspended:i market:s "
    "market_display_name:s pip:n subgroup:s subgroup_display_name:s submarket:s submarket_display_name:s symbol:s "
    "symbol_type:s"
)
OFFERED = (
    "barriers:i contract_category:s contract_type:s default_stake:n expiry_type:s market:s max_contract_duration:s "
    "min_contract_duration:s payout_limit:n sentiment:s submarket:s underlying_symbol:s"
)
TICK = "ask:n bid:n epoch:i id:s pip_size:i quote:n symbol:s"
OHLC = "close:s epoch:i granularity:i high:s id:s low:s open:s open_time:i pip_size:i symbol:s"
CANDLE = "close:n epoch:i high:n low:n open:n"


def fits(found: Any, golden: str) -> None:
    """Nothing but these fields, of these kinds."""
    wanted = dict(each.split(":") for each in golden.split())
    assert sorted(found) == sorted(wanted), set(found) ^ set(wanted)
    wrong = {key: found[key] for key, letter in wanted.items() if not is_of(found[key], letter)}
    assert not wrong


def is_of(value: object, letter: str) -> bool:
    if isinstance(value, bool):
        return False
    return isinstance(value, int | float) if letter == "n" else isinstance(value, KINDS[letter])


def enveloped(frame: Table, said: str, *, streams: bool = False) -> Any:
    """What a frame brings, whose envelope is as it should be."""
    assert frame["msg_type"] == said
    assert frame["echo_req"]["req_id"] == frame["req_id"]
    assert set(frame) - {"pip_size"} == {"echo_req", "msg_type", "req_id", said} | (
        {"subscription"} if streams else set()
    )
    payload = frame[said]
    if streams and is_table(payload) and "id" in payload:
        assert payload["id"] == frame["subscription"]["id"]
    return payload


def test_every_call_of_both_protocols_is_answered_by_somebody() -> None:
    for dialect in (CURRENT, LEGACY):
        assert set(dialect.calls) == set(dialect.known.shapes)
        assert dialect.known.public <= set(dialect.calls)


def test_a_contract_from_its_offer_to_its_end_over_the_current_protocol() -> None:
    async def main() -> None:
        async with venue() as it:
            client = await it.trader()
            await whole_life(it, client, NEW, NEW_CONTRACT, (NEW_OPEN, NEW_ENTERED, NEW_EXPIRED, NEW_OVER), PROPOSAL)
            portfolio, moved = f"{PORTFOLIO} underlying_symbol:s", f"{MOVED} underlying_symbol:s"
            await tables(it, client, NEW, portfolio, PROFIT, LINE, moved)

    played(main())


def test_a_contract_from_its_offer_to_its_end_over_the_legacy_protocol() -> None:
    async def main() -> None:
        async with venue() as it:
            client = await it.legacy()
            stages = FAULTY + " barrier:0", OLD_ENTERED, OLD_EXPIRED, OLD_OVER
            await whole_life(it, client, OLD, OLD_CONTRACT, stages, f"{PROPOSAL} display_value:s")
            portfolio, moved = f"{PORTFOLIO} symbol:s app_id:i", f"{MOVED} symbol:s display_name:s"
            await tables(it, client, OLD, portfolio, f"{PROFIT} app_id:i", f"{LINE} app_id:i", moved)

    played(main())


async def whole_life(
    it: Venue, client: Client, terms: Table, contract: str, stages: tuple[str, ...], proposal: str
) -> None:
    offer = enveloped(await client.call(proposal=1, **terms), "proposal")
    fits(offer, proposal)
    fits(offer["contract_details"], "barrier:s")
    assert offer["validation_params"] == {"payout": {"max": "50000.00"}, "stake": {"min": "0.35"}}
    number = await client.send(buy=offer["id"], price=10, subscribe=1)
    fits(enveloped(await client.take(lambda frame: frame["msg_type"] == "buy"), "buy", streams=True), BOUGHT)
    over: Table = {}
    for seconds, golden in zip((0, 2.5, 57.5, 1), stages, strict=True):
        await it.go(seconds)
        frame = client.told("proposal_open_contract")[-1]
        assert frame["req_id"] == number
        over = enveloped(frame, "proposal_open_contract", streams=True)
        fits(over, f"{contract} {golden}")
    assert over["is_sold"] == over["is_expired"] == 1
    assert over["status"] in ("won", "lost")
    fits(over["transaction_ids"], "buy:i sell:i")


async def tables(it: Venue, client: Client, terms: Table, portfolio: str, profit: str, line: str, moved: str) -> None:
    fits(enveloped(await client.call(transaction=1, subscribe=1), "transaction", streams=True), "id:s")
    fits(enveloped(await client.call(balance=1), "balance"), "balance:n currency:s loginid:s")
    offer = (await client.call(proposal=1, **{**terms, "duration": 15}))["proposal"]
    contract = (await client.call(buy=offer["id"], price=10))["buy"]["contract_id"]
    await it.go(4)
    (held,) = enveloped(await client.call(portfolio=1), "portfolio")["contracts"]
    fits(held, portfolio)
    fits(enveloped(await client.call(sell=contract, price=0), "sell"), SOLD)
    await it.go(1)
    bought, sold = (enveloped(each, "transaction", streams=True) for each in client.told("transaction"))
    fits(bought, moved)
    fits(sold, f"{moved} purchase_time:i")
    profits = enveloped(await client.call(profit_table=1, description=1), "profit_table")
    assert profits["count"] == len(profits["transactions"]) == 2
    fits(profits["transactions"][0], profit)
    lines = enveloped(await client.call(statement=1, description=1, limit=2), "statement")
    assert lines["count"] == 2
    fits(lines["transactions"][0], line.format("i") + " purchase_time:i")
    fits(lines["transactions"][1], line.format("0"))


@pytest.mark.parametrize("legacy", [False, True])
def test_what_is_traded_and_its_prices(legacy: bool) -> None:
    async def main() -> None:
        async with venue() as it:
            client = await (it.legacy("") if legacy else it.public())
            symbols = enveloped(await client.call(active_symbols="brief"), "active_symbols")
            fits(symbols[0], OLD_SYMBOL if legacy else NEW_SYMBOL)
            offered = enveloped(await client.call(contracts_for="R_100"), "contracts_for")
            assert offered["hit_count"] == len(offered["available"])
            more = " barrier_category:s contract_category_display:s contract_display:s exchange_name:s start_type:s"
            fits(offered["available"][0], OFFERED + (more if legacy else ""))
            fits(enveloped(await client.call(ticks="R_100", subscribe=1), "tick", streams=True), TICK)
            candles = await client.call(
                ticks_history="R_50", style="candles", granularity=60, count=3, end="latest", subscribe=1
            )
            for each in enveloped(candles, "candles", streams=True):
                fits(each, CANDLE)
            assert candles["pip_size"] == 4
            history = await client.call(ticks_history="R_100", style="ticks", count=3, end="latest")
            fits(enveloped(history, "history"), "prices:l times:l")
            await it.go(2)
            fits(enveloped(client.told("tick")[0], "tick", streams=True), TICK)
            fits(enveloped(client.told("ohlc")[0], "ohlc", streams=True), OHLC)
            times = enveloped(await client.call(trading_times="today"), "trading_times")
            row = times["markets"][0]["submarkets"][0]["symbols"][0]
            named = "name:s symbol:s" if legacy else "underlying_symbol:s underlying_symbol_name:s"
            fits(row, f"events:l times:t trading_days:l {named}")
            fits(row["times"], "open:l close:l settlement:s")

    played(main())


def test_the_step_of_a_price_and_the_number_of_its_digits_bear_one_name() -> None:
    async def main() -> None:
        async with venue() as it:
            client = await it.public()
            symbols = (await client.call(active_symbols="full"))["active_symbols"]
            steps = {each["underlying_symbol"]: each["pip_size"] for each in symbols}
            assert (steps["R_100"], steps["frxEURUSD"]) == (0.01, 0.00001)
            tick = (await client.call(ticks="frxEURUSD"))["tick"]
            assert tick["pip_size"] == 5

    played(main())


def test_a_login_and_the_lists_of_the_legacy_protocol() -> None:
    async def main() -> None:
        async with venue() as it:
            client = await it.legacy("")
            login = await client.call(authorize="practice-ann")
            assert login["echo_req"]["authorize"] == "<not shown>"
            fits(login["authorize"], LOGIN)
            fits(login["authorize"]["account_list"][0], LISTED)
            for call in ("website_status", "asset_index", "trading_durations", "payout_currencies", "account_list"):
                assert enveloped(await client.call(**{call: 1}), call)
            for call in ("get_limits", "get_account_status", "sell_expired"):
                assert isinstance(enveloped(await client.call(**{call: 1}), call), dict)
            rates = enveloped(await client.call(exchange_rates=1, base_currency="USD"), "exchange_rates")
            assert rates["rates"] == {"USD": 1}

    played(main())
