"""What the endpoint contract's tables mean: contracts, listings, payouts, addresses, and what a broker declares."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace as weaker
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from pipeline.broker.generic_words import contract_table
from pipeline.connections.contract import Busy, Limit
from pipeline.connections.reading import Answer
from pipeline.connections.troubles import CallFailed
from pipeline.evidence import Evidence, Listed
from pipeline.generic.allowance import Allowance, venue_needs, wrong_with
from pipeline.generic.contracts import Symbols, contract_of
from pipeline.generic.declared import declared_of, falls_short, out_of, tighter
from pipeline.generic.listing import contracts_of, money_of
from pipeline.generic.sequence import Sequence as Numbers
from pipeline.generic.site import site_of
from pipeline.generic.units import percent_of, ratio_of
from pipeline.times import MINUTE, SECOND
from pipeline.values import Result

AT = 1_767_607_200_000
OPEN: dict[str, Any] = {
    "id": "4711",
    "client_req_id": "mine",
    "symbol": "EURUSD",
    "side": "call",
    "tf": "1m",
    "amount": "1.00",
    "payout_pct": 87,
    "accepted_at": AT,
    "expires_at": AT + MINUTE,
    "state": "open",
}
CAPABILITIES: dict[str, Any] = {
    "contract": 1,
    "evidence": {"lists": True, "echoes": True, "once": False, "late_ms": 500, "stamps_ms": 1000, "closes": False},
    "tie": "lose",
    "currencies": ["USD"],
    "durations": {"least": "1m", "most": "1h"},
    "stake": {"least": "1.00"},
}


def said(table: Any) -> Answer:
    return Answer(table, "the answer")


# --- payouts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("percent", "ratio"), [(87, 0.87), ("92.5", 0.925), (1000, 10.0), (5, 0.05), (0, None)])
def test_a_payout_is_a_percentage_there_and_a_ratio_here(percent: object, ratio: float | None) -> None:
    assert ratio_of(said({"payout_pct": percent})) == ratio


@pytest.mark.parametrize("wrong", [0.9, "0.87", 4.9, 1001, 9000, -5, "NaN", True, None])
def test_a_ratio_is_not_taken_for_a_percentage_nor_anything_that_cannot_be_one(wrong: object) -> None:
    with pytest.raises(CallFailed) as failed:
        ratio_of(said({"payout_pct": wrong}))
    assert failed.value.kind == "format"


@given(st.decimals(min_value=5, max_value=1000, places=2))
def test_a_percentage_comes_back_as_it_was(percent: Decimal) -> None:
    ratio = ratio_of(said({"payout_pct": str(percent)}))
    assert ratio is not None
    assert percent_of(Decimal(str(ratio))) == percent


# --- contracts -------------------------------------------------------------------------------------------------------

MONEY = st.decimals(min_value=Decimal("0.35"), max_value=Decimal(5000), places=2)


@st.composite
def listed(draw: st.DrawFn) -> Listed:
    """A contract as a venue may list it."""
    stake, minutes = draw(MONEY), draw(st.integers(1, 60))
    ratio = draw(st.integers(5, 300)) / 100
    open_ = Listed(
        contract=str(draw(st.integers(1, 10**12))),
        request=draw(st.text("abc:-_0123456789", min_size=1, max_size=64)),
        product=draw(st.sampled_from(["EURUSD", "R_100"])),
        tf=minutes * MINUTE,
        direction=draw(st.sampled_from(["call", "put"])),
        stake=stake,
        payout=ratio,
        accepted_at=AT,
        expiry=AT + minutes * MINUTE,
    )
    nothing = Decimal(0)
    profits: dict[Result, Decimal] = {"win": stake, "lose": -stake, "push": nothing, "canceled": nothing}
    results: list[Result | None] = [None, *profits]
    result = draw(st.sampled_from(results))
    if result is None:
        return open_
    ended = replace(open_, result=result, profit=profits[result], closed_at=AT + 61 * MINUTE)
    return ended if result == "canceled" else replace(ended, entry_ts=AT + 1, entry=1.5, exit_ts=AT + 2, exit=1.25)


@given(listed(), st.booleans())
def test_a_contract_comes_over_the_wire_as_the_venue_lists_it(contract: Listed, echoes: bool) -> None:
    symbols = Symbols({"EURUSD": "EUR/USD"})
    table = contract_table(contract, symbols.there(contract.product), echoes=echoes)
    got = contract_of(said(table)).listed(symbols)
    assert got == (contract if echoes else replace(contract, request=""))


ANYTHING: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=8), st.lists(st.none())
)


@settings(max_examples=200)
@given(
    st.dictionaries(
        st.sampled_from(sorted({*OPEN, "profit", "closed_at", "entry", "exit_at"})),
        ANYTHING,
        min_size=1,
        max_size=4,
    )
)
def test_whatever_stands_in_a_contract_it_is_read_or_refused(changes: dict[str, Any]) -> None:
    try:
        contract = contract_of(said(OPEN | changes))
    except CallFailed as failed:
        assert failed.kind == "format"  # noqa: PT017  # either is right; what is wrong is any other error
    else:
        assert contract.expires_at > contract.accepted_at
        assert contract.amount > 0


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"side": "up"}, "side is none of call, put"),
        ({"tf": "one"}, "tf is no length"),
        ({"amount": "-1"}, "amount is not above 0"),
        ({"expires_at": AT}, "expires_at is not after"),
        ({"state": "won", "profit": "-1.00", "closed_at": AT + 1}, "profit does not fit a contract that is won"),
        ({"state": "lost", "profit": "-0.50", "closed_at": AT + 1}, "profit does not fit"),
        ({"state": "won", "profit": "0.87", "closed_at": AT - 1}, "closed_at is before"),
        ({"id": "../../account"}, "id cannot stand in an address"),
    ],
)
def test_a_contract_that_cannot_be_is_refused_with_the_field(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(CallFailed, match=sentence):
        contract_of(said(OPEN | changes))


# --- listings --------------------------------------------------------------------------------------------------------


def pages(*tables: dict[str, Any]) -> Any:
    """Answers with one page after another."""
    asked: list[dict[str, str]] = []

    async def ask(query: dict[str, str]) -> Answer:
        asked.append(query)
        return said(tables[min(len(asked), len(tables)) - 1])

    return ask


def test_a_listing_is_all_of_its_pages() -> None:
    first = {"orders": [OPEN], "as_of": AT + 5, "next": "2"}
    second = {"orders": [OPEN | {"id": "4712"}], "as_of": AT + 5, "next": None}
    got = asyncio.run(contracts_of(pages(first, second), {"since": "0"}))
    assert [each.id for each in got.contracts] == ["4711", "4712"]
    assert got.as_of == AT + 5


OTHERS: list[tuple[tuple[dict[str, Any], ...], str]] = [
    (({"orders": [], "as_of": AT, "next": "2"}, {"orders": [], "as_of": AT + 1}), "as_of is another"),
    (({"orders": [OPEN], "as_of": AT + 9, "next": "2"}, {"orders": [OPEN], "as_of": AT + 9}), "was listed before"),
    (({"orders": [], "as_of": AT, "next": "2"},), "is the page that was asked for"),
    (({"orders": [OPEN], "as_of": AT - 1},), "is after as_of"),
    (({"orders": [OPEN]},), "as_of is missing"),
    (({"as_of": AT},), "orders is missing"),
]


@pytest.mark.parametrize(("tables", "sentence"), OTHERS)
def test_a_listing_that_is_not_of_one_moment_is_none(tables: Sequence[dict[str, Any]], sentence: str) -> None:
    with pytest.raises(CallFailed, match=sentence):
        asyncio.run(contracts_of(pages(*tables), {"since": "0"}))


def test_a_listing_without_an_end_is_given_up() -> None:
    count = 0

    async def ask(query: dict[str, str]) -> Answer:
        nonlocal count
        count += 1
        return said({"orders": [], "as_of": AT, "next": str(count)})

    with pytest.raises(CallFailed, match="more than 1000 pages"):
        asyncio.run(contracts_of(ask, {}))


def entry(number: int, kind: str, amount: str) -> dict[str, Any]:
    return {"number": number, "at": AT - number, "kind": kind, "amount": amount, "balance_after": "100.00"}


def test_money_that_came_without_a_contract_is_told_and_trades_are_not() -> None:
    table = {"entries": [entry(3, "buy", "-1"), entry(2, "deposit", "50.00")], "balance": "100.00", "as_of": AT}
    got = asyncio.run(money_of(pages(table), AT - 10, AT))
    assert got.balance == Decimal("100.00")
    assert [(each.reference, each.amount, each.what) for each in got.cash] == [("2", Decimal("50.00"), "deposit")]


OF_ANOTHER_TIME: list[tuple[dict[str, Any], str]] = [
    ({"entries": [], "balance": "1", "as_of": AT - 1}, "as_of is not the moment"),
    ({"entries": [entry(99, "fee", "1")], "balance": "1", "as_of": AT}, "at is not within"),
    ({"entries": [], "as_of": AT}, "balance is missing"),
]


@pytest.mark.parametrize(("table", "sentence"), OF_ANOTHER_TIME)
def test_money_of_another_time_is_refused(table: dict[str, Any], sentence: str) -> None:
    with pytest.raises(CallFailed, match=sentence):
        asyncio.run(money_of(pages(table), AT - 10, AT))


# --- what is declared ------------------------------------------------------------------------------------------------


def test_a_broker_that_proves_less_than_is_counted_on_falls_short_and_one_that_proves_more_does_not() -> None:
    declared = declared_of(said(CAPABILITIES)).evidence
    assert not falls_short(declared, declared)
    assert not falls_short(Evidence(late_ms=500), declared)
    assert "write once = false" in falls_short(weaker(declared, once=True), declared)
    assert "write closes = false" in falls_short(weaker(declared, closes=True), declared)
    assert "write late_ms = 500" in falls_short(weaker(declared, late_ms=499), declared)
    assert "write stamps_ms = 1000" in falls_short(weaker(declared, stamps_ms=999), declared)


def test_another_version_of_the_contract_is_refused_for_good() -> None:
    with pytest.raises(CallFailed, match="version 2") as failed:
        declared_of(said(CAPABILITIES | {"contract": 2}))
    assert failed.value.final


def test_what_is_out_of_a_brokers_bounds_is_said() -> None:
    declared = declared_of(said(CAPABILITIES | {"stake": {"least": "1.00", "most": "10.00"}}))
    assert "1m to 1h, not of 4h" in out_of(declared, 240 * MINUTE, Decimal(1))
    assert "below 1.00" in out_of(declared, MINUTE, Decimal("0.99"))
    assert "above 10.00" in out_of(declared, MINUTE, Decimal("10.01"))
    assert not out_of(declared, MINUTE, Decimal(10))


def test_a_broker_that_answers_less_often_than_the_file_counts_on_is_told_of() -> None:
    ours = (Limit("requests", frozenset(), 120),)
    assert "write per_minute = 60 in rates" in tighter(ours, (Limit("all", frozenset(), 60),))
    assert not tighter(ours, (Limit("all", frozenset(), 120),))


# --- addresses and rates ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "more", "sentence"),
    [
        ("ftp://broker.example", {}, "url is 'ftp"),
        ("http://broker.example/v1", {}, "url is not encrypted"),
        ("https://me:secret@broker.example", {}, "url has a name or a password"),
        ("https://broker.example/?token=x", {}, "url has a query"),
        ("https://broker.example:99999", {}, "url is no address"),
        ("https://broker.example", {"stream_url": "wss://other.example"}, 'add it: hosts = \\["other.example"\\]'),
        ("https://broker.example", {"stream_url": "ws://broker.example"}, "stream_url is not encrypted"),
        ("https://broker.example", {"hosts": ("https://x",)}, "names of hosts alone"),
        ("https://broker.example", {"practice": True}, "practice = true is for"),
    ],
)
def test_an_address_that_may_not_be_asked_is_a_problem_of_its_key(
    url: str, more: dict[str, Any], sentence: str
) -> None:
    asked: dict[str, Any] = {"stream_url": "", "hosts": (), "practice": False} | more
    with pytest.raises(ValueError, match=sentence) as wrong:
        site_of(url, asked["stream_url"], asked["hosts"], 10, practice=asked["practice"])
    assert "secret" not in str(wrong.value)


def test_a_stream_that_is_not_named_is_beside_the_calls() -> None:
    assert site_of("https://b.example/v1/", "", (), 10, practice=False).stream_url == "wss://b.example/v1/stream"
    assert site_of("http://127.0.0.1:1/v1", "", (), 10, practice=True).stream_url == "ws://127.0.0.1:1/v1/stream"


def test_rates_that_do_not_go_together_are_told() -> None:
    some, rest = Allowance(per_minute=10, calls=("order",)), Allowance(per_minute=60)
    assert not wrong_with((some, rest))
    assert "rates name order twice" in wrong_with((some, some))
    assert "rates have two without calls" in wrong_with((rest, rest))
    with pytest.raises(ValueError, match="reserve 60 leaves nothing"):
        Allowance(per_minute=60, reserve=60)
    with pytest.raises(ValueError, match="per_hour 30 is less"):
        Allowance(per_minute=60, per_hour=30)


def test_what_a_flow_needs_in_its_busiest_minute_is_counted_with_what_would_make_it_fewer() -> None:
    busy = Busy(("EURUSD", "R_100"), (MINUTE,), {"one": 2}, {"one": 120}, {"one": 12.0}, {"one": 180.0})
    needs = list(venue_needs(busy, streams=False, poll_ms=5 * SECOND, payout_ms=30 * SECOND))
    counted = {(each.call, each.what.partition(",")[0]): each.per_minute for each in needs}
    assert counted["order", "orders of one"] == 2
    assert counted["orders", "ends of contracts"] == 12
    assert counted["payout", "payouts of 2 products and durations"] == 4
    cheaper = {each.call: each.cheaper(3.0) for each in needs if each.cheaper is not None}
    assert cheaper == {"orders": "poll_seconds = 15", "payout": 'payout_every = "90s"'}
    streaming = venue_needs(busy, streams=True, poll_ms=5 * SECOND, payout_ms=30 * SECOND)
    assert not any(each.what.startswith("ends") for each in streaming)


@given(st.lists(st.integers(1, 30), max_size=40))
def test_what_comes_again_is_seen_and_every_hole_is_seen_once(numbers: list[int]) -> None:
    seen = Numbers()
    highest = 0
    for number in numbers:
        verdict = seen.take(number)
        assert verdict == ("again" if number <= highest else "next" if number == highest + 1 else "gap")
        highest = max(highest, number)
