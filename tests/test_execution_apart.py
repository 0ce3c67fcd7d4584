"""Accounts share nothing: contracts of one number at two venues are two contracts."""

from decimal import Decimal
from pathlib import Path

from pipeline.evidence import Listed, Statement, Terms
from pipeline.ledger import Ledger
from pipeline.times import MINUTE, SECOND
from pipeline.values import Order, Settlement
from tests.adversary import REAL, SENT, Broker, Session
from tests.support import MONDAY
from tests.test_ledger_beside import query

TWO = {name: Terms("practice", REAL) for name in ("demo-1", "demo-2")}


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
