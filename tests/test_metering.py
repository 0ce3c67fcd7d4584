"""How accounts fare is kept minute by minute, and what venues pay whenever it changes; not in replays."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import virtual
from pipeline.engine import Setting, running
from pipeline.evidence import Measured, Offered
from pipeline.host import Mode
from pipeline.ledger import Ledger
from pipeline.metering import Meters, Offers
from pipeline.times import HOUR, MINUTE, SECOND
from pipeline.values import Order, Past, Payouts
from tests.support import MONDAY, SMALL, order, plan_of

NOON = MONDAY + 2 * HOUR


def measured(meters: Meters, orders: Iterable[tuple[int, Order]], until: int) -> list[Measured]:
    """What is measured when these orders come at these moments and whatever is due happens in time."""
    found: list[Measured] = []
    for at, each in (*orders, (until, None)):
        while meters.due is not None and meters.due <= at:
            found += meters.measure(meters.due)
        if each is not None:
            meters.take(each, at)
    return found


def life(name: str, begin: int, result: str = "win", **changes: Any) -> list[tuple[int, Order]]:
    """An order that is prepared, sent, answered after 120 ms and settled a minute later."""
    stamps = {"order": name, "wanted_at": begin, "sent_at": begin + 5, **changes}
    profit = {"win": "0.90", "lose": "-1.00", "push": "0"}[result]
    taken = {**stamps, "taken_at": begin + 125}
    return [
        (begin, order("PREPARE", **(stamps | {"sent_at": 0}))),
        (begin + 5, order("SEND", **stamps)),
        (begin + 125, order("CONFIRM", **taken)),
        (begin + MINUTE, order("SETTLED", result=result, profit=profit, ended_at=begin + MINUTE, **taken)),
    ]


def test_a_minute_in_which_an_order_moved_is_measured_at_its_end_and_tells_what_changed() -> None:
    found = measured(Meters(), life("a", NOON + 10 * SECOND), NOON + HOUR)
    assert [(each.account, each.at) for each in found] == [("demo-1", NOON + MINUTE), ("demo-1", NOON + 2 * MINUTE)]
    assert found[0].values == {"orders_confirm": 1.0, "open": 1.0, "answer_ms_p50": 120.0, "answer_ms_p95": 120.0}
    rate = {name: found[1].values.pop(name) for name in ("win_rate", "win_rate_low", "win_rate_high", "break_even")}
    assert found[1].values == {"orders_confirm": 0.0, "orders_settled": 1.0, "open": 0.0, "profit": 0.9, "won": 1.0}
    assert rate["win_rate"] == 1.0
    assert rate["break_even"] == pytest.approx(1 / 1.9)
    assert rate["win_rate_low"] < rate["break_even"] < rate["win_rate_high"]


def test_what_nobody_knows_is_counted_apart_from_what_is_open() -> None:
    (found,) = measured(Meters(), [(NOON, order("UNKNOWN")), (NOON + 1, order("CONFIRM", order="b"))], NOON + HOUR)
    assert (found.values["unknown"], found.values["open"]) == (1.0, 1.0)


def test_accounts_are_measured_apart_and_a_quiet_minute_leaves_nothing() -> None:
    meters = Meters()
    orders = [*life("a", NOON), *life("b", NOON + 5 * MINUTE, "lose", account="demo-2")]
    found = measured(meters, orders, NOON + HOUR)
    assert [(each.account, (each.at - NOON) // MINUTE) for each in found] == [
        ("demo-1", 1),
        ("demo-1", 2),
        ("demo-2", 6),
        ("demo-2", 7),
    ]
    assert found[-1].values["profit"] == -1.0
    assert meters.due is None


def test_how_long_an_answer_took_is_not_told_of_orders_of_an_earlier_life() -> None:
    (found,) = measured(Meters(), [(NOON, order("CONFIRM", sent_at=5, taken_at=9))], NOON + HOUR)
    assert "answer_ms_p50" not in found.values


@settings(max_examples=40, deadline=None)
@given(
    trades=st.lists(
        st.tuples(st.integers(0, 300), st.sampled_from(["win", "lose", "push"]), st.sampled_from(["x", "y"])),
        max_size=25,
    )
)
def test_the_changes_add_up_to_what_became_of_all_orders(trades: list[tuple[int, str, str]]) -> None:
    orders = [
        each
        for number, (second, result, account) in enumerate(trades)
        for each in life(str(number), NOON + second * SECOND, result, account=account)
    ]
    stands: dict[str, dict[str, float]] = {}
    for each in measured(Meters(), sorted(orders, key=lambda entry: entry[0]), NOON + 2 * HOUR):
        stands.setdefault(each.account, {}).update(each.values)
    for account in ("x", "y"):
        results = [result for _, result, whose in trades if whose == account]
        now = stands.get(account, {})
        assert now.get("orders_settled", 0) == len(results)
        assert now.get("open", 0) == now.get("unknown", 0) == 0
        assert [now.get(name, 0) for name in ("won", "lost", "ties")] == [
            results.count(word) for word in ("win", "lose", "push")
        ]
        assert now.get("profit", 0) == pytest.approx(0.9 * results.count("win") - results.count("lose"))


# --- payouts ---------------------------------------------------------------------------------------------------------


def payouts(product: str, *ratios: float, begin: int = MONDAY) -> Payouts:
    return Payouts(product, begin + MINUTE * np.arange(len(ratios), dtype=np.int64), np.array(ratios))


def test_a_payout_is_kept_only_where_it_changes() -> None:
    offers = Offers()
    offers.take(payouts("EURUSD", 0.9, 0.9, 0.8, 0.8))
    offers.take(payouts("BTCUSD", 0.7))
    offers.take(payouts("EURUSD", 0.8, 0.85, begin=MONDAY + HOUR))
    assert list(offers.given()) == [
        Offered(
            (
                ("EURUSD", MONDAY, 0.9),
                ("EURUSD", MONDAY + 2 * MINUTE, 0.8),
                ("BTCUSD", MONDAY, 0.7),
                ("EURUSD", MONDAY + HOUR + MINUTE, 0.85),
            )
        )
    ]
    assert list(offers.given()) == []


def test_a_payout_that_is_no_number_changes_nothing() -> None:
    offers = Offers()
    offers.take(payouts("EURUSD", 0.9, float("nan"), 0.9, float("inf")))
    offers.take(payouts("EURUSD"))
    assert list(offers.given()) == [Offered((("EURUSD", MONDAY, 0.9),))]


@settings(max_examples=40, deadline=None)
@given(ratios=st.lists(st.sampled_from([0.8, 0.85, 0.9]), max_size=20), cut=st.integers(0, 20))
def test_however_payouts_are_cut_the_ratio_in_force_is_known_at_any_moment(ratios: list[float], cut: int) -> None:
    offers, whole = Offers(), payouts("EURUSD", *ratios)
    for part in (slice(None, cut), slice(cut, None)):
        offers.take(Payouts("EURUSD", whole.ts[part], whole.ratio[part]))
    rows = [row for offered in offers.given() for row in offered.rows]
    for ts, ratio in zip(whole.ts.tolist(), ratios, strict=True):
        assert [each for _, since, each in rows if since <= ts][-1] == ratio
    assert all(before[2] != after[2] for before, after in pairwise(rows))


# --- in a flow -------------------------------------------------------------------------------------------------------


def lived(path: Path, mode: Mode) -> None:
    """Two hours of a flow; a paper run here has a clock that jumps, as a replay has."""
    plan = plan_of(SMALL.replace("payout = 0.9", ""))

    async def main() -> None:
        with Ledger(path) as ledger:
            setting = Setting(mode=mode, begin=MONDAY, end=NOON)
            async with running(plan, setting, ledger, Past((), {})) as flow:
                await flow.border.until(NOON)
                if flow.ended.done():
                    flow.ended.result()

    virtual.run(lambda _: main())


def rows(path: Path, asked: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute(asked).fetchall()


def test_a_run_leaves_how_its_accounts_fared_and_what_was_paid(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    lived(path, "paper")
    moments = [row[0] for row in rows(path, "SELECT DISTINCT at FROM metrics")]
    assert moments
    assert all(at % MINUTE == 0 for at in moments)
    last = dict(rows(path, "SELECT name, value FROM metrics ORDER BY at"))
    by_then = "ended_at < (SELECT max(at) FROM metrics)"
    asked = f"SELECT count(*), sum(result = 'win') FROM orders WHERE state = 'SETTLED' AND {by_then}"  # noqa: S608
    assert rows(path, asked) == [(last["orders_settled"], last["won"])]
    assert last["answer_ms_p95"] >= last["answer_ms_p50"] > 0
    paid = rows(path, "SELECT product, ratio FROM payouts ORDER BY product, ts")
    assert {product for product, _ in paid} == {"EURUSD", "BTCUSD"}
    assert len(paid) > 3
    assert all(one[1] != next_one[1] for one, next_one in pairwise(paid) if one[0] == next_one[0])


def test_a_replay_leaves_neither(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    lived(path, "replay")
    assert len(rows(path, "SELECT 1 FROM orders")) > 5
    assert rows(path, "SELECT * FROM metrics") == rows(path, "SELECT * FROM payouts") == []
