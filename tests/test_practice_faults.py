"""What a venue and the wire to it can do wrong: each fault by itself, drawn from a seed, and written in a flow file."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import PlanError
from pipeline.evidence import Cash, Inquiry, Lost, Statement
from pipeline.times import HOUR, MINUTE
from pipeline.values import Ack, Direction, Order, Reject, Settlement
from pipeline.venues.faults import OF_ORDER, TAKES, Storm, Strike, What
from pipeline.venues.weather import Scene, Weather
from sinks.practice import Practice
from tests.support import SMALL, plan_of
from tests.test_venue_house import plans, storms
from tests.venue_days import OPENING, RULES, Day, T, order, question, quotes, rules

SENT, TAKEN, ENDED = 1000, 1120, 61_320
"""When the first order is sent, accepted, and told to have ended."""


def contracts(day: Day) -> list[str]:
    return list(day.house.book.deals)


# --- what befalls orders ---------------------------------------------------------------------------------------------

SILENT = [("Settlement", ENDED)]
BEFORE: dict[What, list[tuple[str, int]]] = {
    "lost_request": [],
    "refused": [("Unsent", TAKEN)],
    "reset_before": [("Lost", TAKEN)],
    "http_401": [("Reject", TAKEN)],
    "http_403": [("Reject", TAKEN)],
    "http_429": [("Reject", TAKEN)],
    "http_503": [("Lost", TAKEN)],
}
AFTER: dict[What, list[tuple[str, int]]] = {
    "lost_ack": SILENT,
    "duplicate_ack": [("Ack", TAKEN), ("Ack", TAKEN + 5000), *SILENT],
    "late_ack": [("Ack", TAKEN + 5000), *SILENT],
    "ack_after_settlement": [*SILENT, ("Ack", ENDED)],
    "reset_after": [("Lost", TAKEN), *SILENT],
    "http_503_accepted": [("Lost", TAKEN), *SILENT],
    "bad_body": [("Lost", TAKEN), *SILENT],
    "timeout": [("Lost", TAKEN + 5000), *SILENT],
    "late_accept": [("Settlement", SENT + 5000 + MINUTE + 200)],
}


def strike(what: What, **place: Any) -> Strike:
    late = "5s" if "late" in TAKES[what] else None
    return Strike(what=what, late=late, **place)


def test_every_fault_of_an_order_is_tried_here() -> None:
    assert {*BEFORE, *AFTER} == set(OF_ORDER)


@pytest.mark.parametrize("what", BEFORE)
def test_an_order_that_is_stopped_before_the_venue_makes_no_contract(what: What) -> None:
    day = Day(faults=(strike(what, order=1),)).played(order(), order("o2", 5000))
    assert [each for each in day.heard() if each[1] < 5000] == BEFORE[what]
    assert contracts(day) == ["MOCK-o2"]
    assert day.struck == (strike(what, order=1),)


@pytest.mark.parametrize("what", AFTER)
def test_an_order_whose_answer_is_stopped_has_its_contract_all_the_same(what: What) -> None:
    day = Day(faults=(strike(what, order=1),)).played(order(), question(1, 10_000))
    assert [each for each in day.heard() if each[0] != "Statement"] == AFTER[what]
    assert [each.contract for each in day.statements[0].contracts] == ["MOCK-o1"]
    assert day.struck == (strike(what, order=1),)


def test_only_the_order_that_is_named_is_struck() -> None:
    day = Day(faults=(strike("lost_ack", order=2),)).played(order("a"), order("b", 2000), order("c", 3000))
    assert [reply.order for reply in day.replies if isinstance(reply, Ack)] == ["a", "c"]


def test_what_the_venue_says_no_to_is_lost_like_any_other_answer() -> None:
    day = Day(faults=(strike("reset_after", order=1),)).played(order(stake="0.10"))
    assert day.replies == [Lost("o1", "the connection was reset", T + TAKEN)]
    assert contracts(day) == []


def test_a_contract_comes_to_life_when_it_is_accepted_and_not_when_it_was_sent() -> None:
    day = Day(faults=(strike("late_accept", order=1),)).played(order(), question(1, 5999), question(2, 6000))
    before, after = day.statements
    assert before.contracts == ()
    assert [(each.accepted_at, each.expiry) for each in after.contracts] == [(T + 6000, T + 6000 + MINUTE)]


# --- what befalls ends -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("lost_settlement", []),
        ("duplicate_settlement", [ENDED, ENDED + 5000]),
        ("late_settlement", [ENDED + 5000]),
        ("reordered_settlement", [ENDED + 5000]),
    ],
)
def test_the_end_of_a_contract_is_told_wrongly_and_listed_rightly(what: What, told: list[int]) -> None:
    day = Day(faults=(strike(what, order=1),)).played(order(), question(1, 2 * MINUTE))
    assert [at for kind, at in day.heard() if kind == "Settlement"] == told
    (listed,) = day.statements[0].contracts
    assert (listed.result, listed.closed_at) == ("win", T + ENDED)


def test_an_end_that_is_overtaken_is_told_right_after_the_one_that_overtakes_it() -> None:
    day = Day(faults=(strike("reordered_settlement", order=1),)).played(order("a"), order("b", 2000))
    ends = [(reply.order, at - T) for at, reply in day.told if isinstance(reply, Settlement)]
    assert ends == [("b", ENDED + 1000), ("a", ENDED + 1000)]


def test_a_win_that_becomes_a_loss_is_told_again_and_listed_so_from_then_on() -> None:
    day = Day(faults=(strike("changed_settlement", order=1),))
    day.played(order(), question(1, ENDED + 4000), question(2, ENDED + 5000))
    assert [(reply.result, reply.profit) for reply in day.replies if isinstance(reply, Settlement)] == [
        ("win", Decimal("0.87")),
        ("lose", Decimal("-1.00")),
    ]
    was, now = day.statements
    assert (was.contracts[0].result, was.balance) == ("win", Decimal("100.87"))
    assert (now.contracts[0].result, now.balance) == ("lose", Decimal("99.00"))
    assert now.contracts[0].closed_at == was.contracts[0].closed_at


def test_a_loss_stays_what_it_is() -> None:
    day = Day(faults=(strike("changed_settlement", order=1),)).played(order(direction="put"))
    assert [reply.result for reply in day.replies if isinstance(reply, Settlement)] == ["lose"]
    assert day.struck == ()


@pytest.mark.parametrize(("direction", "moved"), [("call", -1), ("put", 1)])
def test_a_wrong_exit_is_moved_against_the_account_by_so_much_of_itself(direction: Direction, moved: int) -> None:
    fair = Day().played(order(direction=direction)).replies[1]
    shifted = Day(faults=(Strike(what="wrong_settlement", order=1, shift=0.01),))
    wrong = shifted.played(order(direction=direction)).replies[1]
    assert isinstance(fair, Settlement)
    assert isinstance(wrong, Settlement)
    assert wrong.entry == fair.entry
    assert wrong.exit == pytest.approx(fair.exit * (1 + moved * 0.01))
    assert wrong.result == "lose"
    assert shifted.house.book.balance("demo-1") == Decimal("99.00")


# --- what befalls inquiries ------------------------------------------------------------------------------------------


def test_a_listing_that_fails_says_why_and_the_next_one_is_whole() -> None:
    day = Day(faults=(strike("failed_listing", inquiry=1),)).played(order(), question(1, 3000), question(2, 4000))
    failed, whole = day.statements
    assert (failed.fault, failed.contracts, failed.balance) == ("HTTP 503", (), None)
    assert (whole.fault, len(whole.contracts)) == ("", 1)


def test_a_listing_that_is_lost_is_never_answered() -> None:
    day = Day(faults=(strike("lost_listing", inquiry=1),)).played(question(1, 3000), question(2, 4000))
    assert [each.number for each in day.statements] == [2]


def test_a_stale_listing_says_of_when_it_is_and_what_was_so_then() -> None:
    asked = question(1, 4000), question(2, 64_000), question(3, 70_000)
    stale = strike("stale_listing", inquiry=1), strike("stale_listing", inquiry=2)
    before, during, after = Day(faults=stale).played(order(), *asked).statements
    assert (before.as_of - T, before.contracts, before.balance) == (-1000, (), Decimal("100.00"))
    assert (during.as_of - T, during.at - T, during.balance) == (59_120, 64_120, Decimal("99.00"))
    assert [each.result for each in during.contracts] == [None]
    assert (after.balance, after.contracts[0].result) == (Decimal("100.87"), "win")


# --- what lasts ------------------------------------------------------------------------------------------------------


def test_in_an_outage_nothing_can_be_sent_or_asked_and_no_end_is_told_but_contracts_go_on() -> None:
    outage = Strike(what="outage", after="10s", lasts="60s")
    day = Day(faults=(outage,)).played(
        order(), order("o2", 20_000), question(1, 30_000), question(2, 75_000), order("o3", 75_000)
    )
    assert day.heard()[:3] == [("Ack", TAKEN), ("Unsent", 20_120), ("Statement", 30_000)]
    refused, after = day.statements
    assert refused.fault == "no connection"
    assert [(each.contract, each.result) for each in after.contracts] == [("MOCK-o1", "win"), ("MOCK-o3", None)]
    assert [reply.order for reply in day.replies if isinstance(reply, Settlement)] == ["o3"]
    assert day.struck == (outage,)


def test_an_order_on_its_way_when_the_venue_goes_is_lost_without_a_contract() -> None:
    day = Day(faults=(Strike(what="outage", after="1050ms", lasts="5s"),)).played(order())
    assert day.replies == [Lost("o1", "the connection was reset", T + TAKEN)]
    assert contracts(day) == []


def test_over_a_half_open_connection_nothing_comes_either_way() -> None:
    half = Strike(what="half_open", after="10s", lasts="60s")
    day = Day(faults=(half,)).played(order(), order("o2", 20_000), question(1, 30_000), question(2, 71_000))
    assert day.heard() == [("Ack", TAKEN), ("Statement", 71_120)]
    assert [each.contract for each in day.statements[0].contracts] == ["MOCK-o1"]


def test_an_answer_that_comes_while_the_connection_is_half_open_is_lost() -> None:
    day = Day(faults=(strike("late_ack", order=1), Strike(what="half_open", after="2s", lasts="10s"))).played(order())
    assert day.heard() == SILENT
    assert contracts(day) == ["MOCK-o1"]


def test_an_engine_gives_up_waiting_whatever_the_connection_does_meanwhile() -> None:
    half = Strike(what="half_open", after="2s", lasts="30s")
    day = Day(faults=(strike("timeout", order=1), half)).played(order())
    assert day.heard() == [("Lost", TAKEN + 5000), *SILENT]


def test_when_the_token_expires_under_way_nobody_knows_and_later_orders_are_refused() -> None:
    expired = Strike(what="token_expiry", after="1050ms", lasts="10s")
    day = Day(faults=(expired,)).played(order(), order("o2", 5000), question(1, 6000), order("o3", 12_000))
    reason = "HTTP 401: the token has expired"
    assert day.replies[:3] == [
        Lost("o1", reason, T + TAKEN),
        Reject("o2", reason, T + 5120),
        Statement("demo-1", 1, T, T + 6000, T + 6000, fault=reason),
    ]
    assert contracts(day) == ["MOCK-o3"]


# --- what others do --------------------------------------------------------------------------------------------------

BY_HAND = Strike(
    what="external",
    after="10s",
    account="demo-1",
    product="EURUSD",
    timeframe="1m",
    direction="put",
    stake=Decimal("5.00"),
)


def test_a_contract_placed_by_hand_is_listed_without_a_request_and_never_told() -> None:
    day = Day(faults=(BY_HAND,)).played(question(1, 9000), question(2, 11_000), question(3, 80_000))
    before, during, after = day.statements
    assert before.contracts == ()
    (open_,) = during.contracts
    assert (open_.contract, open_.request, open_.stake) == (f"HAND-demo-1-{T + 10_000}", "", Decimal("5.00"))
    assert (during.balance, after.balance) == (Decimal("95.00"), Decimal("95.00"))
    assert after.contracts[0].result == "lose"
    assert len(day.told) == 3


def test_nobody_places_by_hand_what_the_account_cannot_pay() -> None:
    rich = replace(BY_HAND, stake=Decimal(101))
    assert Day(faults=(rich,)).played().struck == ()


def test_deposits_and_withdrawals_are_told_by_statements_and_by_the_balance() -> None:
    came = Strike(what="deposit", after="10s", account="demo-1", amount=Decimal("50.00"))
    went = Strike(what="withdrawal", after="20s", account="demo-1", amount=Decimal("30.00"))
    (statement,) = Day(faults=(came, went)).played(question(1, 30_000)).statements
    assert statement.cash == (
        Cash(f"deposit-demo-1-{T + 10_000}", T + 10_000, Decimal("50.00"), "deposit", "demo-1"),
        Cash(f"withdrawal-demo-1-{T + 20_000}", T + 20_000, Decimal("-30.00"), "withdrawal", "demo-1"),
    )
    assert statement.balance == Decimal("120.00")


@pytest.mark.parametrize(("amount", "held"), [("100.00", "0.00"), ("100.01", "100.00")])
def test_nobody_takes_away_more_than_there_is(amount: str, held: str) -> None:
    went = Strike(what="withdrawal", after="20s", account="demo-1", amount=Decimal(amount))
    (statement,) = Day(faults=(went,)).played(question(1, 30_000)).statements
    assert statement.balance == Decimal(held)


def test_a_deposit_that_is_not_told_shows_in_the_balance_alone() -> None:
    quiet = Strike(what="deposit", after="10s", account="demo-1", amount=Decimal("50.00"), told=False)
    (statement,) = Day(faults=(quiet,)).played(question(1, 30_000)).statements
    assert (statement.cash, statement.balance) == ((), Decimal("150.00"))


# --- storms ----------------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(plans(), storms(), st.booleans())
def test_what_struck_in_a_storm_strikes_in_the_same_way_when_it_is_written_down(
    plan: list[Order | Inquiry], storm: Storm, once: bool
) -> None:
    drawn = Day(rules(once=once), storm).played(*plan, until=90 * MINUTE)
    listed = Day(rules(once=once), drawn.struck).played(*plan, until=90 * MINUTE)
    assert listed.told == drawn.told
    assert listed.struck == drawn.struck
    assert listed.house.book.deals == drawn.house.book.deals


@settings(max_examples=60, deadline=None)
@given(plans(), storms())
def test_a_storm_without_one_of_its_kinds_draws_all_others_as_before(plan: list[Order | Inquiry], storm: Storm) -> None:
    names = [name for name in Storm.__dataclass_fields__ if name != "seed" and getattr(storm, name)]
    for what in names:
        calmer = Storm(**{name: getattr(storm, name) for name in Storm.__dataclass_fields__ if name != what})
        scene = Scene(tuple(OPENING), 120, 20_000)
        whole, less = Weather(storm, scene, T), Weather(calmer, scene, T)
        for number in range(1, 8):
            for of in ("of_order", "of_end", "of_inquiry"):
                before, after = getattr(whole, of)(number), getattr(less, of)(number)
                assert after == before or before is None or before.what == what


def test_rates_are_how_often_a_fault_strikes() -> None:
    weather = Weather(Storm(seed=3, lost_ack=0.2, late_settlement=0.05, deposit=2.0), Scene(), T)
    orders = range(1, 4001)
    assert sum(weather.of_order(number) is not None for number in orders) == pytest.approx(800, abs=100)
    assert sum(weather.of_end(number) is not None for number in orders) == pytest.approx(200, abs=50)
    assert sum(len(list(weather.in_hour(hour))) for hour in range(100)) == pytest.approx(200, abs=50)


def test_two_seeds_draw_two_storms() -> None:
    drawn = [
        [Weather(Storm(seed=seed, lost_ack=0.5), Scene(), T).of_order(number) for number in range(1, 40)]
        for seed in (1, 2)
    ]
    assert drawn[0] != drawn[1]


def test_after_a_storm_is_over_nothing_strikes() -> None:
    everything = Storm(seed=1, lost_request=1.0, failed_listing=1.0, outage=60.0, deposit=60.0)
    day = Day(faults=everything)
    day.house.weather.calm()
    day.played(order(), question(1, 5000))
    assert day.heard() == [("Ack", TAKEN), ("Statement", 5000), *SILENT]
    assert day.struck == ()


@settings(max_examples=30, deadline=None)
@given(plans(), storms())
def test_what_struck_can_be_written_into_a_flow_file(plan: list[Order | Inquiry], storm: Storm) -> None:
    struck = Day(faults=storm).played(*plan, until=90 * MINUTE).struck
    listed = ", ".join(each.text() for each in struck)
    keys = f"evidence = {{ late_ms = 20000 }}\nfaults = [{listed}]\n"
    text = SMALL.replace(TABLE, TABLE + keys) + '\n[accounts.demo-2]\nvenue = "practice"\n'
    assert plan_of(text).by_id["venues.practice"].instance.faults == struck


def test_a_venue_changes_its_mind_no_more_once_the_storm_is_over() -> None:
    day = Day(faults=(strike("changed_settlement", order=1),)).played(order(), until=ENDED + 1000)
    day.house.weather.calm()
    day.wait(T + 10 * MINUTE)
    assert [reply.result for reply in day.replies if isinstance(reply, Settlement)] == ["win"]
    assert day.struck == ()


def test_who_watches_is_told_of_each_fault_as_it_strikes() -> None:
    seen: list[Strike] = []
    weather = Weather((strike("lost_ack", order=1),), Scene(), T, seen.append)
    found = weather.of_order(1)
    assert found is not None
    weather.struck_by(found)
    weather.struck_by(found)
    assert seen == [found]


def test_hands_reach_for_products_that_are_quoted_at_that_moment_only() -> None:
    storm = Storm(seed=5, external=60.0)
    ahead = quotes(*((T + HOUR + second * 1000, 1.0) for second in range(60)), product="BTCUSD")
    plain = Day(faults=storm).played(until=50 * MINUTE)
    known_ahead = Day(faults=storm)
    known_ahead.house.take_prices(ahead, T)
    known_ahead.played(until=50 * MINUTE)
    assert plain.struck == known_ahead.struck
    assert {each.product for each in plain.struck} == {"EURUSD"}
    assert all(deal.account in OPENING for deal in plain.house.book.deals.values())


# --- in a flow file --------------------------------------------------------------------------------------------------

TABLE = 'use = "practice"\npayout = 0.9\n'


def problem(keys: str) -> str:
    """What `validate` says of a practice venue with these keys, from the place on."""
    with pytest.raises(PlanError) as wrong:
        plan_of(SMALL.replace(TABLE, f"{TABLE}{keys}\n"))
    return str(wrong.value).removeprefix("flows.toml:")


WRONG = {
    "a fault nobody knows": (
        'faults = [{ what = "lost_ak", order = 1 }]',
        "12:20: [venues.practice] no. 1 of faults what is 'lost_ak'; did you mean 'lost_ack'?",
    ),
    "a fault without its place": (
        'faults = [{ what = "lost_ack" }]',
        "12:20: [venues.practice] no. 1 of faults what = 'lost_ack' needs order; "
        "write order = 1 for the first order that is sent",
    ),
    "a key of another fault": (
        'faults = [{ what = "outage", after = "1m", lasts = "5s", order = 1 }]',
        "12:66: [venues.practice] no. 1 of faults order does not go with 'outage'; it takes after and lasts",
    ),
    "an order before the first": (
        'faults = [{ what = "lost_ack", order = 0 }]',
        "12:40: [venues.practice] no. 1 of faults order is 0; write a whole number ≥ 1",
    ),
    "two faults for one order": (
        'faults = [{ what = "lost_ack", order = 1 }, { what = "refused", order = 1 }]',
        "12:10: [venues.practice] faults no. 2 strikes order 1, which 'lost_ack' strikes already; keep one of them",
    ),
    "an order that comes to life later than declared": (
        'faults = [{ what = "late_accept", order = 1, late = "3s" }]',
        "12:10: [venues.practice] faults no. 1, late_accept after 3s, brings an order to life later than "
        "evidence.late_ms, which is 120; write a larger late_ms in `evidence`",
    ),
    "a storm that does": (
        "faults = { seed = 1, late_accept = 0.1 }",
        "12:10: [venues.practice] faults late_accept brings an order to life later than "
        "evidence.late_ms, which is 120; write a larger late_ms in `evidence`",
    ),
    "a storm without a seed": (
        "faults = { lost_ack = 0.1 }",
        "12:1: [venues.practice] faults needs seed; add seed = … (whole number)",
    ),
    "a rate above one": (
        "faults = { seed = 1, lost_ack = 2.0 }",
        "12:33: [venues.practice] faults lost_ack is 2.0; write a number ≥ 0, ≤ 1",
    ),
    "a rate of nothing that is": (
        "faults = { seed = 1, lost_acks = 0.1 }",
        "12:22: [venues.practice] faults has no key 'lost_acks'; did you mean 'lost_ack'?",
    ),
    "an account of somewhere else": (
        'faults = [{ what = "deposit", after = "1m", account = "demo-9", amount = "5.00" }]',
        "12:10: [venues.practice] faults no. 1 is of account 'demo-9', which is not here; name one of demo-1",
    ),
    "an amount that is none": (
        'faults = [{ what = "deposit", after = "1m", account = "demo-1", amount = "-5.00" }]',
        "12:74: [venues.practice] no. 1 of faults amount must be above 0, not -5.00; "
        "a withdrawal is a fault of its own",
    ),
    "an amount of less than a cent": (
        'faults = [{ what = "deposit", after = "1m", account = "demo-1", amount = "1.234" }]',
        "12:74: [venues.practice] no. 1 of faults amount must be whole cents, not 1.234; write 1.23",
    ),
    "an amount without quotes": (
        'faults = [{ what = "deposit", after = "1m", account = "demo-1", amount = 5.0 }]',
        '12:74: [venues.practice] no. 1 of faults amount is 5.0; write an amount in quotes: "5.0"',
    ),
    "an outage without end": (
        'faults = [{ what = "outage", after = "1m", lasts = "2h" }]',
        "12:10: [venues.practice] faults no. 1 lasts 2h; write an hour or less",
    ),
    "a timeframe that is none": (
        'faults = [{ what = "external", after = "1m", account = "demo-1", product = "EURUSD", timeframe = "7m", '
        'direction = "call", stake = "1.00" }]',
        "12:98: [venues.practice] no. 1 of faults timeframe '7m' does not divide a day into whole slots; "
        "use one of 1m, 5m, 15m, 1h, 4h, 1d",
    ),
    "no list and no storm": (
        'faults = "lost_ack"',
        "12:10: [venues.practice] faults is 'lost_ack'; write { seed, lost_request, refused, reset_before, … } or "
        "list of { what, order, inquiry, after, … }",
    ),
    "evidence of nothing that is": (
        "evidence = { lits = false }",
        "12:14: [venues.practice] evidence has no key 'lits'; did you mean 'lists'?",
    ),
    "evidence of a negative time": (
        "evidence = { late_ms = -1 }",
        "12:24: [venues.practice] evidence late_ms is -1; write a whole number ≥ 0, ≤ 3600000",
    ),
    "a memory elsewhere": (
        'memory = "../broker.db"',
        "12:10: [venues.practice] memory is '../broker.db'; write the name of a file of its own, like \"broker.db\"",
    ),
}


@pytest.mark.parametrize("name", ["ledger.db", "engine.lock", "data/broker.db", "..", "ledger.db-wal", "broker"])
def test_a_memory_is_a_file_that_nobody_else_uses(name: str) -> None:
    fix = 'write the name of a file of its own, like "broker.db"'
    assert problem(f'memory = "{name}"') == f"12:10: [venues.practice] memory is {name!r}; {fix}"


@pytest.mark.parametrize("name", WRONG)
def test_a_mistake_in_the_venues_table_is_told_with_place_and_fix(name: str) -> None:
    keys, sentence = WRONG[name]
    assert problem(keys) == sentence


def test_a_contract_by_hand_on_a_product_that_nobody_quotes_is_a_warning() -> None:
    by_hand = (
        'what = "external", after = "1m", account = "demo-1", timeframe = "1m", direction = "call", stake = "1.00"'
    )
    keys = f'faults = [{{ {by_hand}, product = "EURUSD" }}, {{ {by_hand}, product = "EURUSX" }}]\n'
    warnings = [each.text("f") for each in plan_of(SMALL.replace(TABLE, TABLE + keys)).warnings]
    (told,) = (each for each in warnings if "no source has" in each)
    assert told == (
        f"f:12:{keys.index(chr(34) + 'EURUSX') + 1}: [venues.practice]: faults no. 2 is of EURUSX, "
        "which no source has, so it never strikes; name one of BTCUSD, EURUSD, or take it out"
    )


def test_faults_and_evidence_are_read_from_the_file() -> None:
    keys = "faults = { seed = 7, lost_ack = 0.02 }\nevidence = { echoes = false, lists = true, late_ms = 2000 }\n"
    venue = plan_of(SMALL.replace(TABLE, TABLE + keys)).by_id["venues.practice"].instance
    assert isinstance(venue, Practice)
    assert venue.faults == Storm(seed=7, lost_ack=0.02)
    assert (venue.evidence.lists, venue.evidence.echoes, venue.evidence.once) == (True, False, False)
    assert venue.evidence.late_ms == 2000
    assert dict(venue.balances) == {"demo-1": Decimal("100.00")}


def test_a_flow_whose_venue_fails_on_purpose_says_so_where_it_is_written() -> None:
    plan = plan_of(SMALL.replace(TABLE, f'{TABLE}faults = [{{ what = "lost_ack", order = 1 }}]\n'))
    assert [warning.text("flows.toml") for warning in plan.warnings] == [
        "flows.toml:12:1: [venues.practice]: its faults make it fail on purpose; take them out when the trying is over"
    ]
    assert plan_of().warnings == ()


def test_a_venue_knows_only_what_the_accounts_at_it_hold() -> None:
    second = '\n[accounts.other]\nvenue = "second"\n\n[venues.second]\nuse = "practice"\n'
    plan = plan_of(SMALL + second)
    held = {name: set(plan.by_id[name].instance.balances) for name in ("venues.practice", "venues.second")}
    assert held == {"venues.practice": {"demo-1"}, "venues.second": {"other"}}


def test_no_order_is_declared_to_come_to_life_sooner_than_it_is_accepted() -> None:
    assert Practice(latency_ms=500).evidence.late_ms == 500
    assert RULES.evidence.late_ms == 20_000
