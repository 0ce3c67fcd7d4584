"""The ledger on disk, and the sink that writes it."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import closing, contextmanager
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pipeline.errors import InputError
from pipeline.ledger import Ledger, LedgerError
from pipeline.ledger.reading import Reader
from pipeline.ledger.remembering import PAST
from pipeline.ledger.rows import gates_of
from pipeline.ledger.tables import VERSION, opened
from pipeline.times import DAY, MINUTE
from pipeline.values import Approved, Decisions, GateRow, Latch, Order, OrderState, Outcomes, Ticket
from sinks.store import SOON, Store
from tests.driven import driven
from tests.support import MONDAY, ROOT, order

GATES = ("ready", "payout")
NAN, ENDLESS = float("nan"), float("inf")


def decisions(
    bars: int = 3,
    orders: Mapping[int, Approved] | None = None,
    explained: Mapping[int, tuple[GateRow, ...]] | None = None,
) -> Decisions:
    """So many bars: the first was traded, of the others a gate said no, in turn."""
    numbers = np.arange(bars)
    open_ts = MONDAY + MINUTE * numbers.astype(np.int64)
    value = np.where(numbers == 0, NAN, numbers / 10)
    return Decisions(
        account="demo-1",
        product="EURUSD",
        tf=MINUTE,
        gates=GATES,
        open_ts=open_ts,
        at=open_ts + MINUTE,
        verdict=np.where(numbers == 0, -1, numbers % 2).astype(np.int8),
        value=value,
        threshold=np.full(bars, ENDLESS),
        score=np.full(bars, -0.25),
        direction=np.full(bars, -1, np.int8),
        payout=np.full(bars, 0.9),
        orders=orders or {},
        explained=explained or {},
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "ledger.db"


@contextmanager
def reading(path: Path) -> Generator[Reader]:
    with closing(Reader(path)) as reader:
        yield reader


def query(path: Path, asked: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute(asked).fetchall()


# --- what is written is what is read ---------------------------------------------------------------------------------


def test_an_order_reads_back_as_it_was_written(path: Path) -> None:
    whole = order(
        "SETTLED",
        result="lose",
        profit="-1.10",
        stake="1.10",
        reason="because",
        contract="C-1",
        expiry=MONDAY + 1,
        entry_ts=MONDAY + 2,
        entry=1.1 + 1e-16,
        exit_ts=MONDAY + 3,
        exit=0.1 + 0.2,
        direction="put",
        payout=0.8700000000000001,
    )
    with Ledger(path) as ledger:
        assert ledger.intend(whole)
        assert ledger.past(MONDAY).orders == (whole,)
    with reading(path) as reader:
        assert reader.order(whole.order) == whole
        assert list(reader.orders()) == [whole]
        assert reader.order("nobody") is None


def test_decisions_read_back_with_the_gate_its_value_and_what_every_gate_said(path: Path) -> None:
    ticket = Ticket("demo-1", "EURUSD", MINUTE, MONDAY, MONDAY + MINUTE, "put", -0.25, 0.9)
    answers = (GateRow("ready", 1.0, 1.0, "yes"), GateRow("payout", NAN, 0.8, "no"))
    made = decisions(3, {0: Approved(ticket, "the-order", Decimal(1))}, {2: answers})
    with Ledger(path) as ledger:
        ledger.decide(made)
    with reading(path) as reader:
        rows = [reader.decisions("EURUSD", MINUTE, int(bar))[0] for bar in made.open_ts]
        last, span, streams = reader.last_decision(), reader.span("EURUSD", MINUTE), list(reader.streams())
    assert [(row["verdict"], row["value"], row["order"]) for row in rows] == [
        ("trade", None, "the-order"),
        ("payout", 0.1, None),
        ("ready", 0.2, None),
    ]
    assert {(row["threshold"], row["score"], row["direction"], row["payout"]) for row in rows} == {
        (None, -0.25, -1, 0.9)
    }
    assert repr(gates_of(rows[2])) == repr(answers)
    assert last is not None
    assert (last["bar"], span, streams) == (MONDAY + 2 * MINUTE, (MONDAY, MONDAY + 2 * MINUTE), [("EURUSD", MINUTE)])


def test_the_columns_an_order_was_decided_on_are_written_with_its_intent_and_read_back(path: Path) -> None:
    ticket = Ticket("demo-1", "EURUSD", MINUTE, MONDAY, MONDAY + MINUTE, "put", -0.25, 0.9)
    columns = {"rsi": 71.25, "atr(period=14)": 0.1 + 0.2, "absent": NAN}
    approved = Approved(ticket, "demo-1:EURUSD:1m:1", Decimal(1), columns)
    with Ledger(path) as ledger, reading(path) as reader:
        ledger.decide(decisions(3, {0: approved}))
        assert reader.features(approved.order) == {}
        ledger.intend(order("SEND"))
        assert repr(sorted(reader.features(approved.order).items())) == repr(sorted(columns.items()))
        assert reader.features("nobody") == {}


def test_outcomes_read_back_bit_by_bit_and_without_a_price_nothing_is_invented(path: Path) -> None:
    stamps = MONDAY + np.arange(2)
    prices = np.array([0.1 + 0.2, NAN])
    made = Outcomes("EURUSD", MINUTE, 250, stamps, stamps + 9, stamps + 3, prices, stamps + 5, prices + 1)
    with Ledger(path) as ledger:
        ledger.outcome(made)
        ledger.outcome(made)
        ledger.commit()
    with reading(path) as reader:
        assert [tuple(row) for row in reader.outcomes()] == [
            ("EURUSD", MINUTE, MONDAY, 250, MONDAY + 3, 0.1 + 0.2, MONDAY + 5, 1 + (0.1 + 0.2), MONDAY + 9),
            ("EURUSD", MINUTE, MONDAY + 1, 250, None, None, None, None, MONDAY + 10),
        ]
        found = reader.outcome("EURUSD", MINUTE, MONDAY)
        assert found is not None
        assert found["entry"] == 0.1 + 0.2
        assert reader.outcome("EURUSD", MINUTE, MONDAY + 2) is None


def test_the_moves_of_orders_are_remembered_at_a_start(path: Path) -> None:
    with Ledger(path) as ledger:
        ledger.intend(order("SEND", at=MONDAY))
        ledger.follow(order("CONFIRM", at=MONDAY + 120))
        moves = ledger.past(MONDAY + MINUTE).moves
    assert [(move.state, move.at, move.account) for move in moves] == [
        ("SEND", MONDAY, "demo-1"),
        ("CONFIRM", MONDAY + 120, "demo-1"),
    ]


def test_of_a_ledger_without_decisions_nothing_is_said(path: Path) -> None:
    Ledger(path).close()
    with reading(path) as reader:
        assert (reader.last_decision(), reader.span("EURUSD", MINUTE), list(reader.streams())) == (None, None, [])


def test_decisions_wait_for_the_commit_and_go_with_the_next_order_at_the_latest(path: Path) -> None:
    with Ledger(path) as ledger:
        ledger.decide(decisions(2))
        assert query(path, "SELECT count(*) FROM decisions") == [(0,)]
        ledger.intend(order("SEND"))
        assert query(path, "SELECT count(*) FROM decisions") == [(2,)]


def test_a_bar_is_decided_once(path: Path) -> None:
    with Ledger(path) as ledger:
        ledger.decide(decisions(2))
        ledger.decide(decisions(3))
    assert query(path, "SELECT count(*) FROM decisions") == [(3,)]


# --- orders ----------------------------------------------------------------------------------------------------------


def test_an_account_has_one_order_for_a_bar_and_the_file_itself_sees_to_that(path: Path) -> None:
    with Ledger(path) as ledger:
        assert ledger.intend(order("SEND"))
        assert not ledger.intend(order("SEND"))
        assert not ledger.intend(order("SEND", order="another name"))
        assert ledger.intend(order("SEND", order="another account", account="demo-2"))
        assert ledger.intend(order("SEND", order="another bar", bar=MONDAY + MINUTE))
        assert ledger.intend(order("SEND", order="another timeframe", tf=5 * MINUTE))
    with closing(sqlite3.connect(path)) as db, pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        db.execute("UPDATE orders SET bar = 0, tf = 0, account = 'x'")


def test_everything_that_becomes_of_an_order_is_kept_in_order(path: Path) -> None:
    lived: list[tuple[OrderState, int]] = [("SEND", 0), ("UNKNOWN", 10), ("CONFIRM", 20), ("SETTLED", 30)]
    with Ledger(path) as ledger:
        ledger.intend(order("SEND", at=MONDAY))
        for state, after in lived:
            ledger.follow(order(state, at=MONDAY + after))
    assert query(path, "SELECT state, at FROM order_events ORDER BY seq") == [
        (state, MONDAY + at) for state, at in lived
    ]


@pytest.mark.parametrize("ended", ["SETTLED", "CANCELED", "ABORT"])
@pytest.mark.parametrize("later", ["SEND", "CONFIRM", "SETTLED", "CANCELED", "ABORT", "UNKNOWN"])
def test_an_order_that_has_ended_never_changes_again(path: Path, ended: OrderState, later: OrderState) -> None:
    with Ledger(path) as ledger:
        first = order(ended, at=MONDAY, reason="first")
        ledger.follow(first)
        ledger.follow(order(later, at=MONDAY + 9, reason="later", profit="99"))
        assert ledger.past(MONDAY).orders == (first,)
    assert query(path, "SELECT count(*) FROM order_events") == [(1,)]


@pytest.mark.parametrize("lives", ["CONFIRM", "UNKNOWN"])
def test_a_second_order_for_a_bar_that_was_not_sent_does_not_hide_the_first_one(path: Path, lives: OrderState) -> None:
    with Ledger(path) as ledger:
        ledger.intend(order("SEND"))
        first = order(lives, contract="C-1")
        ledger.follow(first)
        assert not ledger.intend(order("PREPARE"))
        ledger.follow(order("ABORT", reason="an order for this bar was already sent", cause="not_sent"))
        assert ledger.past(MONDAY).orders == (first,)


def test_an_order_never_sent_is_added_unless_its_bar_has_another(path: Path) -> None:
    with Ledger(path) as ledger:
        ledger.follow(order("ABORT", reason="late"))
        ledger.follow(order("ABORT", order="another name", reason="twice"))
    with reading(path) as reader:
        assert [(each.state, each.reason) for each in reader.orders()] == [("ABORT", "late")]


# --- past ------------------------------------------------------------------------------------------------------------


def test_the_past_is_two_days_of_orders_all_that_have_not_ended_and_what_was_gained_before(path: Path) -> None:
    now = MONDAY + 10 * DAY
    old = now - PAST - 1

    def settled(name: str, at: int, profit: str, account: str = "demo-1") -> Order:
        return order("SETTLED", order=name, at=at, bar=at, result="win", profit=profit, account=account)

    facts = [
        settled("old", old, "0.10"),
        settled("older", old - DAY, "0.25"),
        settled("somebody's", old, "-1.00", "demo-2"),
        order("ABORT", order="old rejected", at=old, bar=1),
        order("UNKNOWN", order="old unknown", at=old, bar=2),
        order("CONFIRM", order="old open", at=old, bar=3),
        settled("late", now - PAST, "5.00"),
    ]
    with Ledger(path) as ledger:
        for fact in facts:
            ledger.follow(fact)
        past = ledger.past(now)
    assert {each.order for each in past.orders} == {"old unknown", "old open", "late"}
    assert past.earlier_profit == {"demo-1": Decimal("0.35"), "demo-2": Decimal("-1.00")}
    assert sum(past.earlier_profit.values()) + sum(each.profit for each in past.orders) == Decimal("4.35")


def test_an_empty_ledger_knows_no_moment_and_another_one_its_last(path: Path) -> None:
    with Ledger(path) as ledger:
        assert ledger.last_moment() is None
        ledger.follow(order("CONFIRM", at=MONDAY + 7))
        assert ledger.last_moment() == MONDAY + 7
        ledger.decide(decisions(3))
        ledger.commit()
        assert ledger.last_moment() == MONDAY + 3 * MINUTE


# --- the file --------------------------------------------------------------------------------------------------------


def test_it_can_be_read_while_a_run_writes(path: Path) -> None:
    with Ledger(path) as ledger, reading(path) as reader:
        ledger.intend(order("SEND"))
        assert [each.state for each in reader.orders()] == ["SEND"]
        ledger.follow(order("CONFIRM"))
        assert [each.state for each in reader.orders()] == ["CONFIRM"]


def test_a_reader_changes_nothing(path: Path) -> None:
    Ledger(path).close()
    with reading(path) as reader, pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader._db.execute("DELETE FROM orders")  # pyright: ignore[reportPrivateUsage]  # there is no other way to try


def test_what_is_committed_is_on_disk_even_when_the_power_goes(path: Path) -> None:
    with closing(opened(path)) as db:
        pragmas = {name: db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")}
    assert pragmas == {"journal_mode": "wal", "synchronous": 2}


def test_a_ledger_of_a_newer_version_is_refused_in_a_sentence(path: Path) -> None:
    Ledger(path).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version = {VERSION + 1}")
    with pytest.raises(InputError, match=f"written by a newer version .schema {VERSION + 1}, .*; update first"):
        Ledger(path)


def test_a_file_that_is_no_database_is_refused_in_a_sentence_and_left_alone(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("dear diary, " * 100)
    with pytest.raises(InputError, match=r"cannot be used as a ledger .*; move it away or name another folder"):
        Ledger(path)
    with pytest.raises(InputError, match="is no ledger"):
        Reader(path)
    assert path.read_text() == "dear diary, " * 100


def test_a_ledger_that_is_not_there_is_told_in_a_sentence(path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no ledger at .*ledger.db; run the flow first"):
        Reader(path)
    assert not path.exists()


def test_a_ledger_that_cannot_be_written_stops_in_a_sentence_and_keeps_no_half_of_it(path: Path) -> None:
    with Ledger(path) as ledger:
        ledger.intend(order("SEND"))
        with closing(sqlite3.connect(path)) as other:
            other.execute("DROP TABLE order_events")
        with pytest.raises(LedgerError, match=r"cannot be written .*; nothing more is sent"):
            ledger.follow(order("CONFIRM"))
    assert query(path, "SELECT state FROM orders") == [("SEND",)]


KILLED = """
import os, signal, sys
from pathlib import Path
from pipeline.ledger import Ledger
from tests.support import order

ledger = Ledger(Path(sys.argv[1]))
assert ledger.intend(order("SEND"))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_killed_between_the_intent_and_the_sending_the_intent_is_known(path: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", KILLED, str(path)], cwd=ROOT, env=dict(os.environ), check=False)
    assert ended.returncode == -9
    with Ledger(path) as ledger:
        assert [each.state for each in ledger.past(MONDAY).orders] == ["SEND"]
        assert not ledger.intend(order("SEND"))


# --- the sink --------------------------------------------------------------------------------------------------------


class Asked:
    """Records that remember what they were asked, in order."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def intend(self, order: Order) -> bool:
        raise AssertionError("only an executor intends")

    def follow(self, order: Order) -> None:
        self.calls.append(order.state)

    def decide(self, decisions: Decisions) -> None:
        self.calls.append(f"{len(decisions)} decisions")

    def outcome(self, outcomes: Outcomes) -> None:
        self.calls.append(f"{len(outcomes)} outcomes")

    def latch(self, latch: Latch) -> None:
        self.calls.append(f"latch {latch.scope}")

    def commit(self) -> None:
        self.calls.append("commit")


def test_orders_are_written_at_once_and_decisions_soon() -> None:
    asked = Asked()
    entries = [(0, decisions(2)), (10, order("CONFIRM")), (SOON - 1, decisions(1)), (SOON + 1, decisions(3))]
    driven(Store(), entries, 10 * SOON, SimpleNamespace(ledger=asked, mode="replay"))
    assert asked.calls == ["2 decisions", "CONFIRM", "1 decisions", "commit", "3 decisions", "commit"]


def test_stops_are_written_at_once_and_outcomes_soon() -> None:
    asked = Asked()
    none = np.zeros(1, np.int64)
    outcomes = Outcomes("EURUSD", MINUTE, 250, none, none, none, np.ones(1), none, np.ones(1))
    entries = [(0, outcomes), (10, Latch("demo-1", True, 10, "odd", "risk.main"))]
    driven(Store(), entries, 10 * SOON, SimpleNamespace(ledger=asked, mode="replay"))
    assert asked.calls == ["1 outcomes", "latch demo-1", "commit"]


def test_with_nothing_decided_nothing_is_committed() -> None:
    asked = Asked()
    driven(Store(), [(0, order("CONFIRM"))], DAY, SimpleNamespace(ledger=asked, mode="replay"))
    assert asked.calls == ["CONFIRM"]
