"""The core of the practice venue: its book adds up, its statements say what is, an order makes one contract."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from pipeline.evidence import Inquiry, Listed, Statement
from pipeline.times import DAY, HOUR, MINUTE
from pipeline.values import Ack, Direction, Order, OrderState, Past, Reject, Settlement
from pipeline.venues.book import KEPT, Book, Deal
from pipeline.venues.faults import Storm
from pipeline.venues.house import House
from tests.venue_days import OPENING, RULES, Day, T, order, question, quotes, rules

WIN, ENDED = Decimal("0.87"), 61_320
"""What a call wins on a rising market, and when the one sent after a second is told to have ended."""

# --- statements ------------------------------------------------------------------------------------------------------


def test_the_first_question_of_an_account_is_answered_at_once_and_others_after_the_latency() -> None:
    day = Day().played(question(1, 0), question(1, 10, account="demo-2"), question(2, 50))
    assert day.heard() == [("Statement", 0), ("Statement", 10), ("Statement", 170)]
    assert [(each.account, each.number, each.as_of - T) for each in day.statements] == [
        ("demo-1", 1, 0),
        ("demo-2", 1, 10),
        ("demo-1", 2, 170),
    ]


def test_a_statement_lists_an_open_contract_and_says_the_balance_without_its_stake() -> None:
    day = Day().played(order(), question(1, 10_000))
    (statement,) = day.statements
    accepted = T + 1120
    assert statement.contracts == (
        Listed("MOCK-o1", "r-o1", "EURUSD", MINUTE, "call", Decimal("1.00"), 0.87, accepted, accepted + MINUTE),
    )
    assert statement.balance == Decimal("99.00")


def test_a_statement_says_how_a_contract_ended() -> None:
    day = Day().played(order(), question(1, 5 * MINUTE))
    end = next(reply for reply in day.replies if isinstance(reply, Settlement))
    (statement,) = day.statements
    (listed,) = statement.contracts
    assert (listed.result, listed.profit, listed.closed_at) == ("win", WIN, T + ENDED)
    assert (listed.entry_ts, listed.entry, listed.exit_ts, listed.exit) == (
        end.entry_ts,
        end.entry,
        end.exit_ts,
        end.exit,
    )
    assert statement.balance == OPENING["demo-1"] + WIN


def test_what_is_accepted_at_the_moment_of_a_statement_is_in_it() -> None:
    day = Day().played(question(1, 0), question(2, 1000), order())
    assert [each.contract for each in day.statements[1].contracts] == ["MOCK-o1"]


def test_an_account_sees_its_own_contracts_only() -> None:
    day = Day().played(order(), question(1, 5000, account="demo-2"), question(1, 5000, account="nobody"))
    theirs, nobodys = day.statements
    assert (theirs.contracts, theirs.balance) == ((), OPENING["demo-2"])
    assert (nobodys.contracts, nobodys.balance) == ((), None)


def test_one_contract_is_asked_for_by_its_name_and_told_to_nobody_else() -> None:
    mine = question(1, 3000, contract="MOCK-o2")
    theirs = question(1, 3000, account="demo-2", contract="MOCK-o2")
    day = Day().played(order("o1"), order("o2", 1100), mine, theirs)
    assert [[each.contract for each in statement.contracts] for statement in day.statements] == [["MOCK-o2"], []]
    assert [statement.contract for statement in day.statements] == ["MOCK-o2"] * 2


def test_contracts_that_ended_before_the_moment_asked_from_are_not_listed_and_open_ones_always_are() -> None:
    early, long = order("early"), order("long", 2000, tf=20 * MINUTE)
    day = Day().played(early, long, question(1, 10 * MINUTE, since=T + ENDED + 1))
    assert [each.contract for each in day.statements[0].contracts] == ["MOCK-long"]
    day = Day().played(early, long, question(1, 10 * MINUTE, since=T + ENDED))
    assert [each.contract for each in day.statements[0].contracts] == ["MOCK-early", "MOCK-long"]


def test_a_venue_that_echoes_nothing_leaves_our_name_of_the_order_out() -> None:
    day = Day(rules(echoes=False)).played(order(), question(1, 5000))
    assert [each.request for each in day.statements[0].contracts] == [""]


def test_a_venue_that_lists_nothing_says_so() -> None:
    (statement,) = Day(rules(lists=False)).played(order(), question(1, 5000)).statements
    assert (statement.fault, statement.contracts, statement.balance) == ("this venue lists nothing", (), None)


# --- orders ----------------------------------------------------------------------------------------------------------


def test_an_order_sent_twice_to_a_venue_that_does_not_look_makes_two_contracts() -> None:
    day = Day(rules(once=False)).played(order(), order(after=5000), question(1, 10_000))
    acks = [reply.contract for reply in day.replies if isinstance(reply, Ack)]
    assert acks == ["MOCK-o1", "MOCK-o1-2"]
    (statement,) = day.statements
    assert [(each.contract, each.request) for each in statement.contracts] == [
        ("MOCK-o1", "r-o1"),
        ("MOCK-o1-2", "r-o1"),
    ]
    assert statement.balance == Decimal("98.00")


def test_an_order_that_was_refused_is_refused_again_in_the_same_words() -> None:
    day = Day().played(order(stake="0.10"), order(after=5000, stake="0.10"))
    first, again = day.replies
    assert first == again == Reject("o1", "stake below the minimum 0.35", T + 1120)


def test_a_stake_above_what_the_account_holds_is_rejected_and_open_stakes_count() -> None:
    first, second = order("a", stake="60.00"), order("b", 2000, stake="40.01")
    day = Day().played(first, second)
    assert day.replies[1] == Reject("b", "insufficient funds: the account holds 40.00", T + 2120)
    day = Day().played(first, order("b", 2000, stake="40.00"))
    assert isinstance(day.replies[1], Ack)


def test_an_account_of_which_nobody_knows_what_it_holds_may_stake() -> None:
    day = Day(accounts={}).played(order(stake="5000"), question(1, 5000))
    assert isinstance(day.replies[0], Ack)
    assert day.statements[0].balance is None


# --- a house between lives --------------------------------------------------------------------------------------------


def test_what_is_on_its_way_arrives_when_the_engine_is_gone_and_the_next_one_finds_it() -> None:
    day = Day()
    day.line.send(order())
    day.line.close()
    day.wait(T + 30_000)
    assert day.told == []
    day.line = day.connected()
    day.played(question(1, 31_000), until=2 * MINUTE)
    assert day.heard() == [("Statement", 31_000), ("Settlement", ENDED)]
    assert [each.request for each in day.statements[0].contracts] == ["r-o1"]


def test_the_connection_of_an_earlier_life_cannot_close_a_later_one() -> None:
    day = Day()
    before, day.line = day.line, day.connected()
    before.close()
    day.played(order())
    assert day.heard() == [("Ack", 1120), ("Settlement", ENDED)]


# --- what the ledger knows -------------------------------------------------------------------------------------------


def known(name: str, state: OrderState, profit: str = "0", **changes: Any) -> Order:
    """An order of an earlier run."""
    facts: dict[str, Any] = {"contract": f"MOCK-{name}", "expiry": T - 60_000, "ended_at": T - 59_000}
    return replace(order(name, -120_000), state=state, profit=Decimal(profit), **(facts | changes))


def test_without_a_memory_a_venue_goes_by_what_the_ledger_knows_and_its_balance_adds_up() -> None:
    day = Day()
    past = Past(
        orders=(
            known("won", "SETTLED", "0.87", result="win"),
            known("void", "CANCELED", result="canceled"),
            known("open", "CONFIRM", expiry=T + 30_000, ended_at=0),
            known("lost", "UNKNOWN", contract="", expiry=0, ended_at=0),
            known("signed", "SETTLED", "-1.00", result="lose", contract=""),
            known("hand", "SETTLED", "-2.00", result="lose", origin="external"),
            known("theirs", "SETTLED", "-9.00", result="lose", account="elsewhere"),
        ),
        earlier_profit={"demo-1": Decimal("5.00"), "elsewhere": Decimal(7)},
        cash=(("demo-1", "deposit-1", T - DAY, Decimal("20.00")), ("elsewhere", "x", T - DAY, Decimal(1))),
    )
    day.house.recall(past)
    day.played(question(1, 0, since=T - 2 * DAY), question(2, 60_000, since=T - 2 * DAY))
    before, after = day.statements
    assert before.balance == Decimal("100.00") + 5 + 20 + WIN - 1 - 2 - 1
    assert {each.contract: (each.request, each.result) for each in before.contracts} == {
        "MOCK-won": ("r-won", "win"),
        "MOCK-void": ("r-void", "canceled"),
        "MOCK-open": ("r-open", None),
        "MOCK-hand": ("", "lose"),
    }
    assert [each.reference for each in before.cash] == ["deposit-1"]
    assert after.balance == Decimal("123.37")
    assert [reply.order for reply in day.replies if isinstance(reply, Settlement)] == ["open"]


def test_an_adopted_contract_is_adopted_once_however_often_it_is_told_of() -> None:
    day = Day()
    open_ = known("open", "CONFIRM", expiry=T + 30_000, ended_at=0)
    day.house.recall(Past((open_,), {}))
    day.house.adopt(open_)
    day.played(question(1, 1000))
    assert day.statements[0].balance == Decimal("99.00")
    assert [type(reply) for reply in day.replies] == [Statement, Settlement]


def test_prices_of_before_are_kept_until_contracts_of_before_are_told_of() -> None:
    """So many that the older ones would be let go of, were nothing open that needs them."""
    day = Day(market=())
    seconds = range(-6 * 3600, 0)
    old = quotes(*((T + second * 1000, 1.0 + second * 1e-6) for second in seconds))
    for first in range(0, len(old), 3600):
        day.house.take_prices(old.rows(first, first + 3600), T)
    long_ago = T - 5 * HOUR
    day.house.recall(Past((known("old", "CONFIRM", expiry=long_ago, ended_at=0),), {}))
    day.played()
    (end,) = day.replies
    assert isinstance(end, Settlement)
    assert (end.result, end.exit_ts) == ("win", long_ago)


# --- invariants ------------------------------------------------------------------------------------------------------

MOMENTS = st.integers(0, 20 * MINUTE)
SIDES: tuple[Direction, ...] = ("call", "put")


@st.composite
def plans(draw: st.DrawFn) -> list[Order | Inquiry]:
    """Orders, some sent again, and questions between."""
    items: list[Order | Inquiry] = []
    for number, after in enumerate(draw(st.lists(MOMENTS, max_size=10))):
        side, account = draw(st.sampled_from(SIDES)), draw(st.sampled_from(sorted(OPENING)))
        stake = draw(st.sampled_from(["0.10", "1.00", "30.00"]))
        tf = draw(st.sampled_from([MINUTE, 5 * MINUTE]))
        for again in draw(st.sampled_from([[0], [0], [0, 1], [0, 30_000], [0, 0, 400_000]])):
            made = order(f"o{number}", after + again, account=account, direction=side, stake=stake, tf=tf)
            items.append(made)
    for number, after in enumerate(draw(st.lists(MOMENTS, max_size=6))):
        account = draw(st.sampled_from(sorted(OPENING)))
        items.append(question(number, after, account=account, since=T + draw(MOMENTS) - 10 * MINUTE))
    return items


@st.composite
def storms(draw: st.DrawFn) -> Storm:
    """Any faults, each often or never."""
    names = [name for name in Storm.__dataclass_fields__ if name != "seed"]
    chosen = draw(st.sets(st.sampled_from(names)))
    return Storm(seed=draw(st.integers(0, 99)), **dict.fromkeys(chosen, 0.5))


@settings(max_examples=60, deadline=None)
@given(plans(), storms(), st.booleans())
def test_whatever_happens_a_balance_is_the_opening_and_all_that_came_of_contracts_and_cash(
    plan: list[Order | Inquiry], storm: Storm, once: bool
) -> None:
    day = Day(rules(once=once), storm).played(*plan, until=40 * MINUTE)
    book = day.house.book
    for account, opening in OPENING.items():
        assert book.balance(account) == opening + worth(book, account)
    for statement in day.statements:
        if statement.fault or statement.contract:
            continue
        everything = book.statement(statement.account, 0, statement.as_of, echoes=True)
        profits = sum((each.profit for each in everything.contracts if each.result is not None), Decimal(0))
        stakes = sum((each.stake for each in everything.contracts if each.result is None), Decimal(0))
        cash = sum((each.amount for each in everything.cash), Decimal(0))
        assert statement.balance == OPENING[statement.account] + profits + cash - stakes


def worth(book: Book, account: str) -> Decimal:
    """What contracts and cash came to, added up from the last statement."""
    last = book.statement(account, 0, 2**62, echoes=True)
    worths = (each.profit if each.result is not None else -each.stake for each in last.contracts)
    return sum(worths, Decimal(0)) + sum((each.amount for each in last.cash), Decimal(0))


@settings(max_examples=60, deadline=None)
@given(plans(), storms())
def test_a_venue_that_takes_an_order_once_has_no_second_contract_whatever_fails(
    plan: list[Order | Inquiry], storm: Storm
) -> None:
    day = Day(RULES, storm).played(*plan, until=40 * MINUTE)
    requests = [deal.request for deal in day.house.book.deals.values() if deal.request]
    assert len(requests) == len(set(requests))


@settings(max_examples=60, deadline=None)
@given(plans())
def test_without_faults_statements_say_exactly_what_acknowledgements_and_settlements_said(
    plan: list[Order | Inquiry],
) -> None:
    day = Day(rules(once=False)).played(*plan, until=40 * MINUTE)
    sent = {each.order: each for each in plan if isinstance(each, Order)}
    acks = [reply for reply in day.replies if isinstance(reply, Ack)]
    ends = {(end.order, end.entry_ts): end for end in day.replies if isinstance(end, Settlement)}
    for statement in day.statements:
        wanted = dict[str, str | None]()
        for ack in acks:
            entered = ack.at // 1000 * 1000 + 1000
            end = ends.get((ack.order, entered))
            ended = end is not None and end.at <= statement.as_of
            known_by_then = ack.at <= statement.as_of and sent[ack.order].account == statement.account
            if known_by_then and (not ended or max(ack.at, end.at if end else 0) >= statement.since):
                wanted[ack.contract] = end.result if ended and end else None
        assert {each.contract: each.result for each in statement.contracts} == wanted


# --- the book --------------------------------------------------------------------------------------------------------


def deal(number: int, accepted_at: int) -> Deal:
    stake = Decimal("1.00")
    return Deal(
        f"c{number}", f"o{number}", "", "demo-1", "EURUSD", MINUTE, "call", stake, 0.87, accepted_at, accepted_at
    )


def test_contracts_that_ended_long_ago_are_let_go_of_and_the_balance_still_has_them() -> None:
    book = Book()
    book.open("demo-1", Decimal(100))
    for number in range(80):
        book.take(deal(number, T + number * DAY))
        book.end(f"c{number}", Settlement(f"o{number}", "lose", Decimal(-1), 0, 0.0, 0, 0.0, T + number * DAY))
    assert KEPT // DAY <= len(book.deals) <= KEPT // DAY + 2
    assert book.balance("demo-1") == Decimal(20)
    assert book.first("demo-1", "o0") is None
    assert book.first("demo-1", "o79") is not None
    listed = book.statement("demo-1", 0, T + 80 * DAY, echoes=True).contracts
    assert [each.contract for each in listed] == [f"c{number}" for number in range(80 - len(listed), 80)]


@pytest.mark.parametrize("as_of", [T - 1, T, T + 9, T + 10, T + 19, T + 20])
def test_a_balance_of_before_leaves_out_what_came_later(as_of: int) -> None:
    book = Book()
    book.open("demo-1", Decimal(100))
    book.take(deal(1, T))
    book.end("c1", Settlement("o1", "win", Decimal(5), 0, 0.0, 0, 0.0, T + 10))
    book.end("c1", Settlement("o1", "lose", Decimal(-1), 0, 0.0, 0, 0.0, T + 20))
    held = 100 if as_of < T else 99 if as_of < T + 10 else 105 if as_of < T + 20 else 99
    assert book.balance("demo-1", as_of) == held


def test_an_opening_counts_once() -> None:
    house = House(RULES, OPENING, began=T)
    house.book.open("demo-1", Decimal(7))
    assert house.book.balance("demo-1") == OPENING["demo-1"]
