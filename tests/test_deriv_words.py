"""What Deriv's frames say, in our own terms: written after its own schemas and captured frames, field by field."""

from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.connections.reading import Answer, decoded, encoded
from pipeline.connections.troubles import CallFailed
from pipeline.deriv import requests
from pipeline.deriv.accounting import as_of, balance_at, cash_of, listed_at, ordered, unlisted
from pipeline.deriv.ends import Naming, ended, settlement
from pipeline.deriv.offers import millis_of, spans_of
from pipeline.deriv.refusals import Refused
from pipeline.deriv.shapes import (
    Contract,
    Movement,
    bought_of,
    ended_of,
    followed_of,
    moved_of,
    movements_of,
    offer_of,
    open_of,
)
from pipeline.deriv.shortcodes import terms_of
from pipeline.evidence import Listed

START, EXPIRY = 1_795_200_000_000, 1_795_200_060_000
WORD = "CALL_R_100_19.54_1795200000_1795200060_S0P_0"

PROPOSAL = """{"echo_req":{"proposal":1},"msg_type":"proposal","req_id":10,"proposal":{"ask_price":10,
"date_expiry":1795200060,"date_start":1795200000,"id":"3743db7b-e94a-4f78-8169-4fb7392b7a94","longcode":"Win","payout":19.54,
"spot":1511.81,"spot_time":1795200000,"contract_details":{"barrier":"1511.81"},
"validation_params":{"payout":{"max":"50000.00"},"stake":{"min":"0.35"}}}}"""
BUY = f"""{{"echo_req":{{"buy":"x"}},"msg_type":"buy","req_id":12,"buy":{{"balance_after":9990.0,"buy_price":10,
"contract_id":13801651499,"longcode":"Win","payout":19.54,"purchase_time":1795200000,"shortcode":"{WORD}",
"start_time":1795200000,"transaction_id":27602302988}}}}"""
RUNS: dict[str, Any] = {
    "account_id": 4580,
    "barrier": None,
    "bid_price": "9.60",
    "buy_price": "10.00",
    "contract_id": 13801651499,
    "contract_type": "CALL",
    "currency": "USD",
    "date_expiry": 1795200060,
    "date_start": 1795200000,
    "is_expired": 0,
    "is_sold": 0,
    "payout": "19.54",
    "shortcode": WORD,
    "status": "open",
    "underlying_symbol": "R_100",
    "entry_spot": None,
    "entry_spot_time": None,
    "exit_spot": None,
    "sell_price": None,
    "sell_time": None,
}
WON: dict[str, Any] = RUNS | {
    "is_expired": 1,
    "is_sold": 1,
    "status": "won",
    "entry_spot": "1511.83",
    "entry_spot_time": 1795200002,
    "exit_spot": "1512.40",
    "exit_spot_time": 1795200060,
    "sell_price": "19.54",
    "sell_time": 1795200061,
}


def frame(told: str) -> Answer:
    return Answer(decoded(told, "a frame"), "a frame")


def followed(told: dict[str, Any]) -> Contract:
    contract = followed_of(Answer({"proposal_open_contract": told}, "a frame"))
    assert contract is not None
    return contract


def test_a_price_is_what_it_costs_pays_and_how_long_it_lasts() -> None:
    offer = offer_of(frame(PROPOSAL))
    assert offer == ("3743db7b-e94a-4f78-8169-4fb7392b7a94", Decimal(10), Decimal("19.54"), 60_000)
    assert offer.ratio == 0.954


def test_a_price_without_its_payout_is_not_bought() -> None:
    with pytest.raises(CallFailed, match=r"proposal\.payout is missing"):
        offer_of(frame('{"proposal":{"id":"x","ask_price":10}}'))


def test_a_purchase_is_told_by_its_shortcode() -> None:
    bought = bought_of(frame(BUY))
    assert (bought.contract, bought.kind, bought.symbol) == ("13801651499", "CALL", "R_100")
    assert (bought.price, bought.payout, bought.start, bought.expiry) == (10, Decimal("19.54"), START, EXPIRY)


def test_money_and_prices_may_be_text_or_numbers_and_mean_the_same() -> None:
    numbers = WON | {"buy_price": 10, "payout": 19.54, "sell_price": 19.54, "entry_spot": 1511.83, "is_sold": "1"}
    texts = WON | {"contract_id": "13801651499", "date_start": "1795200000", "sell_time": "1795200061"}
    assert settlement(followed(numbers), "x") == settlement(followed(texts), "x") == settlement(followed(WON), "x")


def test_only_what_is_paid_has_ended() -> None:
    assert followed(RUNS).sold_for is None
    assert followed(WON | {"is_sold": 0, "status": "open", "sell_price": None, "sell_time": None}).sold_for is None
    end = settlement(followed(WON), "mine")
    assert (end.order, end.result, end.profit, end.at) == ("mine", "win", Decimal("9.54"), 1_795_200_061_000)
    assert (end.entry, end.entry_ts, end.exit, end.exit_ts) == (1511.83, 1_795_200_002_000, 1512.4, EXPIRY)


@pytest.mark.parametrize(
    ("told", "result", "profit"),
    [
        ({"status": "lost", "sell_price": "0.00"}, "lose", "-10.00"),
        ({"status": "lost", "sell_price": None}, "lose", "-10.00"),
        ({"status": "sold", "sell_price": "11.85", "sell_time": 1795200031}, "win", "1.85"),
        ({"status": "sold", "sell_price": "4.20", "sell_time": 1795200031}, "lose", "-5.80"),
        ({"status": "sold", "sell_price": "10.00", "sell_time": 1795200031}, "push", "0"),
        ({"status": "sold", "sell_price": "10.00", "sell_time": 1795200061}, "canceled", "0"),
        ({"status": "cancelled", "sell_price": "10.00"}, "canceled", "0"),
        ({"status": "won", "sell_price": "0.00"}, "lose", "-10.00"),
        ({"status": "lost", "sell_price": "19.54"}, "win", "9.54"),
    ],
)
def test_an_end_is_a_result_and_what_was_gained(told: dict[str, Any], result: str, profit: str) -> None:
    assert ended(followed(WON | told)) == (result, Decimal(profit))


def test_a_won_contract_without_its_money_is_not_believed() -> None:
    with pytest.raises(CallFailed, match="sell_price is missing"):
        followed(WON | {"sell_price": None})


def test_nothing_open_is_no_contract() -> None:
    assert followed_of(Answer({"proposal_open_contract": {}}, "a frame")) is None


@pytest.mark.parametrize(
    ("word", "says"),
    [
        (WORD, ("CALL", "R_100", Decimal("19.54"), START, EXPIRY, 0)),
        (
            "PUT_FRXEURUSD_1.9_1795200000_1795200900_S0P_0",
            ("PUT", "FRXEURUSD", Decimal("1.9"), START, EXPIRY + 840_000, 0),
        ),
        ("CALLE_1HZ100V_19_1795200000F_1795200060_S10P_0", ("CALLE", "1HZ100V", Decimal(19), START, EXPIRY, 10)),
        ("PUT_R_10_19.54_1795200000_5T_S0P_0", ("PUT", "R_10", Decimal("19.54"), START, 0, 0)),
        ("DIGITMATCH_R_10_19.54_1795200000_5T_7_0", None),
        ("", None),
    ],
)
def test_a_shortcode_says_what_a_contract_is_of(word: str, says: tuple[Any, ...] | None) -> None:
    assert terms_of(word) == says


def test_a_listing_names_products_as_we_do() -> None:
    naming = Naming({"EURUSD": "frxEURUSD"})
    row = '{"portfolio":{"contracts":[{"buy_price":2.5,"contract_id":7,"contract_type":"PUT","date_start":1795200000,'
    row += '"expiry_time":1795200900,"payout":4.75,"purchase_time":1795200000,"underlying_symbol":"frxEURUSD"}]}}'
    assert [naming.listed(each) for each in open_of(frame(row))] == [
        Listed("7", "", "EURUSD", 900_000, "put", Decimal("2.50"), 0.9, START, START + 900_000)
    ]


def test_a_contract_of_a_kind_we_never_buy_is_listed_and_is_nobodys_order() -> None:
    naming = Naming({})
    ticks = followed(RUNS | {"shortcode": "CALL_R_100_19.54_1795200000_5T_S0P_0"})
    barrier = followed(RUNS | {"shortcode": WORD.replace("S0P", "S10P")})
    digits = followed(RUNS | {"contract_type": "DIGITODD", "shortcode": "DIGITODD_R_100_19.54_1795200000_5T_0_0"})
    listed = [naming.listed(each) for each in (ticks, barrier, digits)]
    assert [each.product for each in listed] == ["R_100 CALL", "R_100 CALL", "R_100 DIGITODD"]
    assert {each.stake for each in listed} == {Decimal("10.00")}


# --- a statement of one moment ---------------------------------------------------------------------------------------


def moves(*amounts: str, opening: str = "100.00", first: int = 0) -> list[Movement]:
    held, found = Decimal(opening), list[Movement]()
    for number, amount in enumerate(map(Decimal, amounts)):
        held += amount
        what = "buy" if amount < 0 else "sell"
        found.append(Movement(number, what, amount, held, (first + number) * 1000, f"c{number}"))
    return found


def test_a_second_that_runs_is_not_over() -> None:
    assert as_of(1_795_200_000_000) == 1_795_199_999_999


def test_the_balance_is_that_of_the_moment_whatever_came_after() -> None:
    ledger = moves("-10", "19.54", "-3")
    now = Decimal("106.54")
    assert balance_at(ledger, 1500, now) == Decimal("109.54")
    assert balance_at(ledger, -1, now) == 100
    assert balance_at([], 1500, now) == now


def test_a_ledger_that_does_not_have_what_the_account_held_before_it_was_asked_for_is_behind() -> None:
    ledger = moves("-10", "19.54", "-3")
    assert balance_at(ledger, 1500, Decimal(100)) == Decimal("109.54")
    with pytest.raises(CallFailed, match="the ledger of the account is behind its balance"):
        balance_at(ledger, 1500, Decimal("96.54"))


def test_a_hole_in_the_ledger_is_no_ledger() -> None:
    first, _, last = moves("-10", "19.54", "-3")
    with pytest.raises(CallFailed, match="has a hole before line 2"):
        balance_at([first, last], 5000, Decimal(0))


@given(st.lists(st.integers(-500, 500).map(lambda cents: Decimal(cents) / 100), max_size=30), st.integers(-1, 31))
@settings(max_examples=60)
def test_pages_that_overlap_and_come_in_any_order_give_the_same_balance(amounts: list[Decimal], seconds: int) -> None:
    ledger = moves(*map(str, amounts))
    again = ordered([*reversed(ledger[: len(ledger) // 2 + 1]), *ledger[len(ledger) // 3 :], *ledger])
    assert again == ledger
    expected = 100 + sum(amounts[: max(0, min(seconds + 1, len(amounts)))], Decimal(0))
    assert balance_at(again, seconds * 1000 + 999, 100 + sum(amounts, Decimal(0))) == expected


def test_contracts_of_the_ledger_that_no_listing_has_are_looked_for() -> None:
    ledger = moves("-10", "19.54", "-3")
    assert unlisted(ledger, [followed(RUNS)._replace(contract="c0")], 1500) == ["c1"]


def test_money_without_a_contract_is_told() -> None:
    ledger = [Movement(5, "deposit", Decimal(50), Decimal(150), 2000, ""), *moves("-10", opening="150", first=3)]
    assert [(each.reference, each.amount, each.what) for each in cash_of(ledger, 0, 9000)] == [("5", 50, "deposit")]
    assert cash_of(ledger, 2001, 9000) == ()


def test_what_ended_after_the_moment_is_listed_as_it_stood_then() -> None:
    contracts = [followed(RUNS), followed(WON)]
    before, after = (listed_at(contracts, Naming({}), 0, moment) for moment in (EXPIRY, EXPIRY + 1000))
    assert [each.result for each in before] == [None]
    assert [(each.result, each.closed_at) for each in after] == [("win", EXPIRY + 1000)]
    assert listed_at(contracts, Naming({}), 0, START - 1) == ()
    assert listed_at(contracts, Naming({}), EXPIRY + 1001, EXPIRY + 2000) == ()


def test_a_table_of_ends_and_a_statement_are_read() -> None:
    table = (
        '{"profit_table":{"count":1,"transactions":[{"buy_price":10,"contract_id":13801651499,"contract_type":"CALL",'
    )
    table += (
        f'"payout":19.54,"purchase_time":1795200000,"sell_price":19.54,"sell_time":1795200061,"shortcode":"{WORD}",'
    )
    table += '"transaction_id":27602302988,"underlying_symbol":"R_100"}]}}'
    (row,) = ended_of(frame(table))
    assert (row.expiry, row.sold_for, row.sold_at) == (EXPIRY, Decimal("19.54"), 1_795_200_061_000)
    ledger = '{"statement":{"count":1,"transactions":[{"action_type":"buy","amount":-10,"balance_after":9990.0,'
    ledger += (
        '"contract_id":13801651499,"reference_id":null,"transaction_id":27602302988,"transaction_time":1795200000}]}}'
    )
    assert movements_of(frame(ledger)) == [
        Movement(27602302988, "buy", Decimal(-10), Decimal("9990.0"), START, "13801651499")
    ]
    assert moved_of(frame('{"transaction":{"id":"b7f0c6f2"}}')) is None


# --- what is asked, and what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("millis", "says"),
    [(60_000, (1, "m")), (900_000, (15, "m")), (3_600_000, (1, "h")), (86_400_000, (1, "d")), (15_000, (15, "s"))],
)
def test_a_duration_is_said_in_the_largest_unit(millis: int, says: tuple[int, str]) -> None:
    asked = requests.lasting(millis)
    assert (asked["duration"], asked["duration_unit"]) == says


@given(st.decimals("0.01", "99999.99", places=2))
@settings(max_examples=60)
def test_an_amount_is_written_as_a_number_and_exactly(amount: Decimal) -> None:
    text = encoded(requests.buy("id", amount, "mine"))
    assert decoded(text, "a request")["price"] == amount
    assert '"price":"' not in text


@pytest.mark.parametrize(
    ("code", "kind", "fate", "final"),
    [
        ("InvalidToken", "auth", "refused", True),
        ("AuthorizationRequired", "auth", "refused", False),
        ("RateLimit", "throttle", "refused", False),
        ("PriceMoved", "rule", "refused", False),
        ("InsufficientBalance", "rule", "refused", False),
        ("MarketIsClosed", "rule", "refused", False),
        ("InputValidationFailed", "format", "refused", False),
        ("SuspendedDueToLoad", "maintenance", "unknown", False),
        ("InternalServerError", "network", "unknown", False),
        ("SomethingNew", "network", "unknown", False),
    ],
)
def test_a_code_says_what_to_do_and_whether_there_is_a_contract(code: str, kind: str, fate: str, final: bool) -> None:
    refused = Refused(code, "so it says", "buy")
    assert (refused.kind, refused.fate, refused.final) == (kind, fate, final)
    assert str(refused) == f"buy was refused ({code}): so it says"


def test_what_an_error_says_is_shown_in_short_and_without_what_looks_like_a_token() -> None:
    key = "pat_0123456789abcdef0123456789"
    shown = str(Refused("X" * 500, f"no\x1b[31m\nto {key} " + "much " * 500, "buy"))
    assert len(shown) < 320
    assert key not in shown
    assert shown.isprintable()


@pytest.mark.parametrize(
    ("text", "millis"),
    [("15s", 15_000), ("1m", 60_000), ("1d", 86_400_000), ("10t", 0), ("10", 0), ("0m", 0), ("x", 0)],
)
def test_a_duration_that_is_offered_is_a_time_or_nothing(text: str, millis: int) -> None:
    assert millis_of(text) == millis


def test_what_is_offered_for_ticks_is_no_time() -> None:
    rows = [
        {"contract_type": "CALL", "min_contract_duration": "1t", "max_contract_duration": "10t"},
        {"contract_type": "CALL", "min_contract_duration": "15s", "max_contract_duration": "1d"},
    ]
    spans = spans_of(Answer({"contracts_for": {"available": rows}}, "a frame"))
    assert spans == [("CALL", 15_000, 86_400_000)]


KEYS = ("proposal_open_contract", "buy", "proposal", "profit_table", "statement", "transaction", "portfolio")
FIELDS = st.sampled_from([*WON, *KEYS, "contracts", "transactions", "transaction_id", "amount", "id"])
SCRAPS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
ANYTHING = st.recursive(
    SCRAPS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=6), max_leaves=12
)


def all_open(told: Answer) -> list[Contract]:
    return list(open_of(told))


@given(st.sampled_from(KEYS), ANYTHING)
@settings(max_examples=200)
def test_whatever_comes_is_understood_or_refused_in_a_sentence(key: str, told: Any) -> None:
    for read in (followed_of, bought_of, offer_of, ended_of, movements_of, moved_of, all_open):
        with suppress(CallFailed):
            read(Answer({key: told}, "a frame"))
