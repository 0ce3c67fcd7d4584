"""Accounts share nothing, and a venue that is slow to answer is answered for all the same."""

from decimal import Decimal
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from pipeline.evidence import Evidence, Inquiry, Listed, Reconciled, Statement, Terms
from pipeline.ledger import Ledger
from pipeline.times import MINUTE, SECOND
from pipeline.values import Order, Settlement, Slept
from tests.adversary import REAL, SENT, Broker, Session
from tests.support import MONDAY
from tests.test_executor import NAME, ticket
from tests.test_ledger_beside import query

TWO = {name: Terms("practice", REAL) for name in ("demo-1", "demo-2")}


class Slow(Broker):
    """A venue whose listings take longer than an answer is waited for."""

    takes = 14 * SECOND

    def answer(self, asked: Inquiry, at: int) -> Any:
        for moment, told in super().answer(asked, at):
            yield moment + self.takes, replace(told, at=told.at + self.takes)


def stranger(contract: str, account: str, number: int) -> Statement:
    """A listing with a contract that somebody bought by hand."""
    terms = "EURUSD", MINUTE, "call", Decimal("1.00"), 0.9
    listed = Listed(contract, "", *terms, MONDAY + SECOND, MONDAY + MINUTE + SECOND)
    return Statement(account, number, 0, MONDAY + 2 * SECOND, MONDAY + 2 * SECOND, (listed,))


class Mute(Broker):
    """A venue that answers nothing by itself."""

    def __init__(self) -> None:
        super().__init__(answers=False)


def test_contracts_of_one_number_at_two_venues_are_two_contracts() -> None:
    session = Session(Mute(), TWO).begin()
    for account in TWO:
        session.at(MONDAY + 2 * SECOND, stranger("7", account, 1))
    session.until(MONDAY + 3 * SECOND)
    first, second = session.of(Order)
    assert (first.account, second.account) == ("demo-1", "demo-2")
    assert first.order != second.order
    end = Settlement(second.order, "win", Decimal("0.90"), SENT, 1.1, SENT, 1.2, SENT)
    session.at(SENT, end)
    session.until(SENT)
    assert [(each.account, each.profit) for each in session.of(Order) if each.state == "SETTLED"] == [
        ("demo-2", Decimal("0.90"))
    ]


def test_the_ledger_keeps_both_contracts_of_one_number(tmp_path: Path) -> None:
    session = Session(Mute(), TWO).begin()
    for account in TWO:
        session.at(MONDAY + 2 * SECOND, stranger("7", account, 1))
    session.until(MONDAY + 3 * SECOND)
    with Ledger(tmp_path / "ledger.db") as ledger:
        for each in session.of(Order):
            ledger.follow(each)
    kept = query(tmp_path / "ledger.db", "SELECT account, contract FROM orders ORDER BY 1")
    assert kept == [("demo-1", "7"), ("demo-2", "7")]


def test_a_venue_whose_listings_take_longer_than_an_answer_is_waited_for_is_traded_at() -> None:
    session = Session(Slow()).begin(at=MONDAY)
    session.at(SENT, ticket())
    session.until(SENT + SECOND)
    assert session.of(Reconciled)
    assert session.states(NAME) == ["PREPARE", "SEND", "CONFIRM"]


def test_what_becomes_of_an_order_is_known_however_slowly_a_venue_lists() -> None:
    session = Session(Slow(Evidence(lists=True), ["lost_ack"])).begin(at=MONDAY)
    session.at(SENT, ticket())
    session.until(SENT + 5 * MINUTE)
    assert session.last(NAME).state == "SETTLED"
    gone = Session(Slow(Evidence(lists=True), ["lost_request"])).begin(at=MONDAY)
    gone.at(SENT, ticket())
    gone.until(SENT + 5 * MINUTE)
    assert (gone.last(NAME).state, gone.last(NAME).cause) == ("ABORT", "absent")


def test_an_answer_of_before_the_machine_slept_lets_nothing_be_sent() -> None:
    session = Session(Slow()).begin(at=MONDAY)
    session.at(MONDAY + 5 * SECOND, Slept(MONDAY + 4 * SECOND, MONDAY + 5 * SECOND))
    session.at(MONDAY + 15 * SECOND, ticket(at=MONDAY + 15 * SECOND, bar=MONDAY - MINUTE))
    session.until(MONDAY + 16 * SECOND)
    assert not session.of(Reconciled)
    assert session.states() == ["ABORT"]
