"""What a ledger remembers beside orders, what contradicts it, and what others write while a flow runs."""

import sqlite3
from contextlib import closing
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.evidence import Audited, Cash, Dispute, Noted, Reconciled, Request, Verdict
from pipeline.ledger import Ledger
from pipeline.ledger.tables import opened
from pipeline.ledger.writers import InlineWriter
from pipeline.orders import MOVES
from pipeline.times import DAY, MINUTE
from pipeline.values import Arming, Certificate, Latch, Order
from tests.support import MONDAY, order

STOP = Latch("", True, MONDAY, "enough", "user")
VERDICT = Verdict(order().order, "win", Decimal("0.90"), MONDAY + 9, "me", "the venue's page says so")
ASKED = Request("reconcile", "demo-1", MONDAY, "me")


def arming(number: int, account: str = "real-1") -> Arming:
    return Arming(f"a{number}", account, MONDAY + number, MONDAY + number + DAY, "me", "for today")


def certificate(account: str, at: int, *unexplained: str, closing: str | None = "1000.90") -> Certificate:
    ends = None if closing is None else Decimal(closing)
    sums = (Decimal("1000.00"), Decimal("0.90"), Decimal("0.00"), Decimal("0.00"), ends)
    return Certificate(account, MONDAY, at, at, 3, 3, *sums, unexplained, Decimal("0.90"), Decimal("5.00"), Decimal(2))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


def query(path: Path, asked: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute(asked).fetchall()


# --- what is remembered ----------------------------------------------------------------------------------------------


def test_a_start_remembers_what_makes_orders_certain(path: Path) -> None:
    deposit = Cash("D-1", MONDAY + 5, Decimal("100.00"), "deposit", "demo-1")
    noted: list[Noted] = [
        Reconciled("demo-1", MONDAY, MONDAY + 1),
        Reconciled("demo-1", MONDAY + MINUTE, MONDAY + MINUTE + 1),
        Reconciled("demo-2", MONDAY, MONDAY + 1),
        certificate("demo-1", MONDAY + 1),
        certificate("demo-1", MONDAY + 2, "a contract nobody sent", "balance off by 1.00"),
        certificate("demo-2", MONDAY + 1, closing=None),
        deposit,
        deposit,
    ]
    with Ledger(path) as ledger:
        for each in noted:
            ledger.note(each)
        for number, account in ((1, "real-1"), (2, "real-2"), (3, "real-1")):
            ledger.arm(arming(number, account), '{"page": "shown"}')
        past = ledger.past(MONDAY + DAY)
    assert past.reconciled == {"demo-1": MONDAY + MINUTE, "demo-2": MONDAY}
    assert past.armings == (arming(3, "real-1"), arming(2, "real-2"))
    assert past.certificates == (noted[4], noted[5])
    assert past.cash == (("demo-1", "D-1", MONDAY + 5, Decimal("100.00")),)
    assert query(path, "SELECT count(*) FROM disputes") == [(0,)]


def test_what_is_accounted_for_never_moves_back(path: Path) -> None:
    with Ledger(path) as ledger:
        ledger.note(Reconciled("demo-1", MONDAY + MINUTE, MONDAY + MINUTE))
        ledger.note(Reconciled("demo-1", MONDAY, MONDAY + 2 * MINUTE))
        assert ledger.past(MONDAY).reconciled == {"demo-1": MONDAY + MINUTE}


def test_an_audit_of_an_order_replaces_the_one_before(path: Path) -> None:
    with Ledger(path) as ledger:
        ledger.note(Audited("o", "demo-1", MONDAY, "unseen"))
        ledger.note(Audited("o", "demo-1", MONDAY + 1, "explained", "win"))
    assert query(path, 'SELECT "order", verdict, result FROM audits') == [("o", "explained", "win")]


# --- what contradicts it ---------------------------------------------------------------------------------------------


def disputes(path: Path) -> list[tuple[Any, ...]]:
    return query(path, 'SELECT "order", was, now FROM disputes ORDER BY seq')


def test_an_order_cannot_take_a_contract_that_another_has(path: Path) -> None:
    with Ledger(path) as ledger:
        for name, bar in (("first", 1), ("second", 2)):
            ledger.intend(order("PREPARE", order=name, bar=bar))
            ledger.follow(order("SEND", order=name, bar=bar))
            ledger.follow(order("CONFIRM", order=name, bar=bar, contract="C-1", expiry=9))
    assert query(path, 'SELECT "order", state FROM orders') == [("first", "CONFIRM"), ("second", "SEND")]
    assert disputes(path) == [("second", "first is CONFIRM", "CONFIRM")]


def test_a_second_order_for_a_bar_changes_nothing_of_the_first_whatever_comes_between(path: Path) -> None:
    first = order("CONFIRM", contract="C-1", sent_at=MONDAY)
    with Ledger(path) as ledger:
        ledger.intend(order("PREPARE"))
        ledger.follow(order("SEND", sent_at=MONDAY))
        assert not ledger.intend(order("PREPARE"))
        ledger.follow(first)
        ledger.follow(order("ABORT", reason="sent before", cause="not_sent"))
        assert ledger.past(MONDAY).orders == (first,)
    assert disputes(path) == [(first.order, f"{first.order} is CONFIRM", "ABORT, sent before")]


def test_a_request_belongs_to_one_order_of_an_account(path: Path) -> None:
    with Ledger(path) as ledger:
        assert ledger.intend(order("PREPARE", order="first", bar=1, request="r"))
        assert not ledger.intend(order("PREPARE", order="second", bar=2, request="r"))
        ledger.follow(order("ABORT", order="second", bar=2, request="r", reason="sent before", cause="not_sent"))
        assert ledger.intend(order("PREPARE", order="third", bar=1, request="r", account="demo-2"))
    assert disputes(path) == [("second", "first is PREPARE", "ABORT, sent before")]


def test_an_order_adopted_twice_is_there_once(path: Path) -> None:
    adopted = order("CONFIRM", order="X:C-9", contract="C-9", origin="external")
    with Ledger(path) as ledger:
        ledger.follow(adopted)
        ledger.follow(adopted)
        ledger.follow(order("CONFIRM", order="X:again", contract="C-9", origin="external"))
    assert query(path, 'SELECT "order" FROM orders') == [("X:C-9",)]
    assert disputes(path) == [("X:again", "X:C-9 is CONFIRM", "CONFIRM")]


def test_an_order_that_was_sent_is_never_known_as_unsent_again(path: Path) -> None:
    sent = order("SEND", sent_at=MONDAY + 9)
    with Ledger(path) as ledger:
        ledger.intend(order("PREPARE"))
        ledger.follow(sent)
        ledger.follow(order("ABORT", reason="too late", cause="not_sent"))
        assert ledger.past(MONDAY).orders == (sent,)
        ledger.follow(order("ABORT", reason="no connection", cause="not_sent", sent_at=MONDAY + 9))
        assert [each.reason for each in ledger.past(MONDAY).orders] == ["no connection"]
    assert disputes(path) == [(sent.order, f"{sent.order} is SEND", "ABORT, too late")]


def test_the_same_contradiction_is_kept_once_however_often_it_comes(path: Path) -> None:
    dispute = Dispute("o", "demo-1", MONDAY, "SETTLED win", "lose")
    with Ledger(path) as ledger:
        ledger.follow(order("SETTLED", result="win"))
        for after in range(3):
            ledger.follow(order("UNKNOWN", at=MONDAY + after))
            ledger.note(dispute)
            ledger.note(Dispute("o", "demo-1", MONDAY + after, dispute.was, dispute.now))
    assert disputes(path) == [(order().order, f"{order().order} is SETTLED", "UNKNOWN"), ("o", "SETTLED win", "lose")]


def test_money_under_one_reference_is_one_movement(path: Path) -> None:
    with Ledger(path) as ledger:
        ledger.note(Cash("D-1", MONDAY, Decimal("100.00"), "deposit", "demo-1"))
        ledger.note(Cash("D-1", MONDAY, Decimal("50.00"), "deposit", "demo-1"))
    assert query(path, "SELECT amount FROM cash") == [("100.00",)]
    assert disputes(path) == [
        ("", f"D-1 of 100.00 (deposit) at {MONDAY}", f"D-1 of 50.00 (deposit) at {MONDAY}"),
    ]


STATES = tuple(state for state in MOVES if state != "IDLE")
TOLD = st.tuples(st.sampled_from(["a", "b"]), st.sampled_from(STATES), st.sampled_from(["", "C-1", "C-2"]))


@settings(max_examples=60, deadline=None)
@given(st.lists(TOLD, max_size=25))
def test_whatever_is_told_in_whatever_order_each_step_was_allowed_or_is_disputed(
    told: list[tuple[str, Any, str]],
) -> None:
    """Two orders for two bars of one key, and any moves of theirs, with contracts mixed up."""
    nowhere = Path(":memory:")
    db = opened(nowhere)
    ledger = Ledger(nowhere, InlineWriter(db, nowhere), db)
    for number, name in enumerate("ab"):
        ledger.intend(order("PREPARE", order=name, bar=number))
    for after, (name, state, contract) in enumerate(told):
        ledger.follow(order(state, order=name, bar="ab".index(name), contract=contract, at=MONDAY + after))
    for name in "ab":
        events = db.execute('SELECT state, at FROM order_events WHERE "order" = ? ORDER BY seq', (name,)).fetchall()
        assert all(later[0] in MOVES[before[0]] for before, later in pairwise(events))
        assert db.execute('SELECT state FROM orders WHERE "order" = ?', (name,)).fetchone() == (events[-1][0],)
        accepted = {at for _, at in events[1:]}
        disputed = set(db.execute('SELECT now FROM disputes WHERE "order" = ?', (name,)).fetchall())
        for after, (whose, state, _) in enumerate(told):
            if whose == name and state != "PREPARE" and MONDAY + after not in accepted:
                assert (state,) in disputed
    contracts = [row[0] for row in db.execute("SELECT contract FROM orders WHERE contract <> ''")]
    assert len(contracts) == len(set(contracts))
    ledger.close()


# --- what others write -----------------------------------------------------------------------------------------------


def test_stops_verdicts_armings_and_requests_of_others_are_heard_once(path: Path) -> None:
    with Ledger(path) as ours, Ledger(path) as theirs:
        ours.past(MONDAY)
        ours.follow(order("UNKNOWN"))
        theirs.request(ASKED)
        theirs.arm(arming(1), "{}")
        assert theirs.verdict(VERDICT)
        theirs.latch(STOP)
        assert list(ours.heard()) == [STOP, VERDICT, arming(1), ASKED]
        assert list(ours.heard()) == []
        ours.request(ASKED)
        ours.arm(arming(2), "{}")
        assert list(ours.heard()) == []
    assert query(path, "SELECT account, outcome FROM verdicts") == [("demo-1", "win")]


def test_a_verdict_on_an_order_that_is_not_there_is_refused(path: Path) -> None:
    with Ledger(path) as ledger:
        assert not ledger.verdict(VERDICT)
    assert query(path, "SELECT count(*) FROM verdicts") == [(0,)]


@pytest.mark.parametrize(("state", "heard"), [("UNKNOWN", [VERDICT]), ("SEND", [VERDICT]), ("SETTLED", [])])
def test_a_verdict_given_while_nothing_ran_is_heard_after_the_start(path: Path, state: str, heard: list[Any]) -> None:
    with Ledger(path) as verb:
        verb.follow(order(state))
        verb.verdict(VERDICT)
        verb.request(ASKED)
    with Ledger(path) as ours:
        ours.past(MONDAY)
        assert list(ours.heard()) == heard
        assert list(ours.heard()) == []


def test_the_last_bar_decided_of_every_key_is_remembered(path: Path) -> None:
    rows = [("demo-1", "EURUSD", MINUTE, bar) for bar in (1, 2, 3)] + [("demo-2", "EURUSD", MINUTE, 2)]
    with Ledger(path) as ledger:
        ledger.keep(
            "INSERT INTO decisions VALUES (?, ?, ?, ?, 0, 'trade', NULL, NULL, NULL, 1, NULL, NULL, '[]')", rows
        )
        assert ledger.past(MONDAY).decided == (rows[2], rows[3])


def test_rows_of_others_tables_go_the_same_way(path: Path) -> None:
    with Ledger(path) as ledger:
        ledger.keep("INSERT INTO payouts VALUES (?, ?, ?)", [("EURUSD", 1, 0.9), ("EURUSD", 2, 0.8)])
        assert query(path, "SELECT count(*) FROM payouts") == [(0,)]
        ledger.commit()
        assert query(path, "SELECT count(*) FROM payouts") == [(2,)]
        last: list[Order] = list(ledger.past(MONDAY).orders)
        assert last == []
