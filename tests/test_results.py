"""What a replay leaves."""

# half of what pandas has is without types:
# pyright: reportMissingTypeStubs=false

from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest

from pipeline.daybook import ALL, Asked, day_of
from pipeline.ledger import Ledger
from pipeline.ledger.reading import Reader
from pipeline.replaying import replayed
from pipeline.results import BEHIND, DECISIONS, ORDERS, OUTCOMES, Results
from pipeline.times import DAY, HOUR, MINUTE
from pipeline.values import Approved, Decisions, OrderState, Ticket
from pipeline.watched_run import Stopped
from tests.support import MONDAY, order, plan_of

NAN = float("nan")
pd: Any = pandas


def block(rows: int = 4, number: int = 0, account: str = "demo-1") -> Decisions:
    """Of each four rows one was traded, one not ready, two had no fitting payout."""
    bars = MONDAY + MINUTE * (np.arange(rows, dtype=np.int64) + number * rows)
    verdict = np.array([-1, 0, 1, 1] * (rows // 4), np.int8)
    ticket = Ticket(account, "EURUSD", MINUTE, int(bars[0]), int(bars[0]) + MINUTE, "put", -0.25, 0.9)
    return Decisions(
        account=account,
        product="EURUSD",
        tf=MINUTE,
        gates=("ready", "payout"),
        open_ts=bars,
        at=bars + MINUTE,
        verdict=verdict,
        value=np.where(verdict < 0, NAN, 0.5),
        threshold=np.full(rows, 0.8),
        score=np.full(rows, -0.25),
        direction=np.full(rows, -1, np.int8),
        payout=np.full(rows, 0.9),
        orders={0: Approved(ticket, f"order {number}", Decimal(1))},
        explained={},
    )


def test_decisions_are_columns_that_pandas_reads(tmp_path: Path) -> None:
    with Results(tmp_path) as results:
        results.decide(block())
    frame = pd.read_parquet(tmp_path / DECISIONS)
    assert frame["verdict"].tolist() == ["trade", "ready", "payout", "payout"]
    assert frame["bar"].tolist() == [MONDAY + MINUTE * minute for minute in range(4)]
    assert (frame["at"] - frame["bar"] == MINUTE).all()
    assert frame["order"].fillna("none").tolist() == ["order 0", "none", "none", "none"]
    assert frame["value"].isna().tolist() == [True, False, False, False]
    assert set(frame["account"]) == {"demo-1"}
    assert (frame["score"] == -0.25).all()
    assert (frame["direction"] == -1).all()


def test_a_replay_that_ends_before_its_time_leaves_nothing_that_reads_like_a_whole_one(tmp_path: Path) -> None:
    def half() -> None:
        with Results(tmp_path / "out") as results:
            results.decide(block())
            raise Stopped("somebody asked")

    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").touch()
    with pytest.raises(Stopped, match="somebody asked"):
        half()
    assert [each.name for each in (tmp_path / "out").iterdir()] == ["mine.txt"]


def test_more_blocks_than_may_wait_are_all_written_in_their_order(tmp_path: Path) -> None:
    blocks = 3 * BEHIND
    with Results(tmp_path) as results:
        for number in range(blocks):
            results.decide(block(40, number))
    frame = pd.read_parquet(tmp_path / DECISIONS)
    assert frame["bar"].tolist() == [MONDAY + MINUTE * minute for minute in range(40 * blocks)]
    assert frame["order"].dropna().tolist() == [f"order {number}" for number in range(blocks)]


def test_of_each_account_every_bar_is_counted_by_its_verdict(tmp_path: Path) -> None:
    with Results(tmp_path) as results:
        for number in range(3):
            results.decide(block(8, number))
        results.decide(block(4, account="demo-2"))
    counted = {name: (result.bars, dict(result.verdicts)) for name, result in results.accounts()}
    assert counted == {
        "demo-1": (24, {"trade": 6, "ready": 6, "payout": 12}),
        "demo-2": (4, {"trade": 1, "ready": 1, "payout": 2}),
    }


def test_an_account_is_told_in_numbers_that_stand_with_their_interval(tmp_path: Path) -> None:
    facts = [("a", "win", "0.90"), ("b", "lose", "-1.00"), ("c", "win", "0.90"), ("d", "push", "0")]
    with Results(tmp_path) as results:
        for number, (name, result, profit) in enumerate(facts):
            bar = MONDAY + number * MINUTE
            assert results.intend(order("SEND", order=name, bar=bar))
            results.follow(order("SETTLED", order=name, bar=bar, result=result, profit=profit))
        results.follow(order("ABORT", order="e", bar=0))
    ((name, account),) = results.accounts()
    told = account.as_json()
    assert (name, told["profit"], told["orders"]) == ("demo-1", "0.80", {"SETTLED": 4, "ABORT": 1})
    assert told["drawdown"] == "1.00"
    assert "66.7" in told["win_rate"]


def test_an_account_has_one_order_for_a_bar_as_in_a_ledger(tmp_path: Path) -> None:
    with Results(tmp_path) as results:
        assert results.intend(order("SEND"))
        assert not results.intend(order("SEND", order="another name"))
        assert results.intend(order("SEND", account="demo-2", order="another account"))


@pytest.mark.parametrize("state", ["CONFIRM", "UNKNOWN", "SETTLED"])
def test_a_second_order_for_a_bar_that_was_not_sent_does_not_hide_the_first_one(
    tmp_path: Path, state: OrderState
) -> None:
    with Results(tmp_path) as results:
        results.intend(order("SEND"))
        results.follow(order(state))
        assert not results.intend(order("PREPARE"))
        results.follow(order("ABORT", cause="not_sent"))
    assert pd.read_parquet(tmp_path / ORDERS)["state"].tolist() == [state]


def test_without_any_order_the_files_are_whole_all_the_same(tmp_path: Path) -> None:
    Results(tmp_path).close()
    assert len(pd.read_parquet(tmp_path / DECISIONS)) == 0
    orders = pd.read_parquet(tmp_path / ORDERS)
    assert len(orders) == 0
    assert {"order", "state", "profit"} <= set(orders.columns)


def test_a_replay_leaves_what_the_ledger_would_hold(tmp_path: Path) -> None:
    plan, end = plan_of(), MONDAY + 3 * HOUR
    with Results(tmp_path / "files") as results:
        replayed(plan, MONDAY, end, results)
    with Ledger(tmp_path / "ledger.db") as ledger:
        replayed(plan, MONDAY, end, ledger)
    reader = Reader(tmp_path / "ledger.db")
    orders = {each.order: each for each in reader.orders()}
    reader.close()
    frame = pd.read_parquet(tmp_path / "files" / ORDERS)
    assert len(frame) == len(orders) > 5
    for row in frame.to_dict("records"):
        kept = orders[str(row["order"])]
        assert (row["state"], row["result"], row["profit"]) == (kept.state, kept.result, str(kept.profit))
    decided = pd.read_parquet(tmp_path / "files" / DECISIONS)
    assert not decided.duplicated(["account", "product", "tf", "bar"]).any()
    assert set(decided["order"].dropna()) == set(orders)


def test_what_every_bar_would_have_paid_is_columns_and_counted_by_verdict_as_the_ledger_has_it(tmp_path: Path) -> None:
    plan, end = plan_of(), MONDAY + 3 * HOUR
    with Results(tmp_path / "files") as results:
        replayed(plan, MONDAY, end, results)
    with Ledger(tmp_path / "ledger.db") as ledger:
        replayed(plan, MONDAY, end, ledger)
    reader = Reader(tmp_path / "ledger.db")
    stored = [tuple(row) for row in reader.outcomes()]
    day = day_of(reader, "demo-1", Asked(MONDAY - DAY, MONDAY + DAY), plan.calendars, "push", current=True)
    reader.close()
    frame = pd.read_parquet(tmp_path / "files" / OUTCOMES).sort_values(["product", "tf", "bar"])
    names = ["product", "tf", "bar", "delay", "entry_ts", "entry", "exit_ts", "exit", "at"]
    assert [tuple(row) for row in frame[names].itertuples(index=False) if row.entry == row.entry] == [
        row for row in stored if row[5] is not None
    ]
    assert len(frame) == len(stored)
    ((_, account),) = results.accounts()
    assert {name: found.as_json() for name, found in account.would_have.items()} == {
        name: found.as_json() for name, found in day.verdicts.items() if name != ALL
    }
    assert {name: found.bars for name, found in account.would_have.items()} == dict(account.verdicts)
    assert sum(found.won for found in account.would_have.values()) > 10
