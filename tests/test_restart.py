"""When the process was started or restarted never changes a decision."""

import asyncio
import sqlite3
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from pipeline import virtual
from pipeline.engine import Setting, running
from pipeline.evidence import Audited
from pipeline.ledger import Ledger
from pipeline.ledger.reading import Reader
from pipeline.plan import Plan
from pipeline.replaying import replayed
from pipeline.times import HOUR, MINUTE, parse_moment
from pipeline.trying import NoRecords
from pipeline.values import OrderState, Past, Settlement
from tests.support import ROOT, decided, order, plan_of

BEGIN = parse_moment("2026-01-05T08:00:00Z")
END = BEGIN + 3 * HOUR
SHIPPED = plan_of((ROOT / "flows.toml").read_text(encoding="utf-8").replace("threshold = 0.35", "threshold = 0.15"))


def run(plan: Plan, begin: int, end: int, ledger: Path | None = None, block: int | None = None) -> dict[Any, Any]:
    """The decisions of a span, going on from a ledger when one is given."""
    given: list[tuple[str, Any]] = []

    def told(node: str, value: Any) -> None:
        given.append((node, value))

    if ledger is None:
        replayed(plan, begin, end, NoRecords(), taps=(told,), block=block)
    else:
        with Ledger(ledger) as records:
            replayed(plan, begin, end, records, past=records.past(begin), taps=(told,), block=block)
    return decided(given)


@cache
def whole() -> dict[Any, Any]:
    return run(SHIPPED, BEGIN, END)


def test_the_whole_run_has_something_to_compare() -> None:
    traded = [row for row in whole().values() if row[-1] is not None]
    assert len(whole()) > 3_000
    assert len(traded) > 50


LONGER = [
    pytest.param(67.22, marks=pytest.mark.slow),
    *(pytest.param(minutes, marks=pytest.mark.slow) for minutes in (31, 60)),
]
"""They go the ways of a shorter one, and tracing whole flows takes three times their time."""


@pytest.mark.parametrize("minutes", [13.999, *LONGER])
def test_a_run_begun_later_with_the_ledger_as_it_stood_decides_the_same(tmp_path: Path, minutes: float) -> None:
    middle = BEGIN + round(minutes * MINUTE)
    ledger = tmp_path / "ledger.db"
    first = stopped_at(SHIPPED, BEGIN, middle, ledger)
    second = run(SHIPPED, middle, END, ledger)
    assert first.keys() & second.keys() == set()
    assert {key: whole()[key] for key in first} == first
    later = {key: row for key, row in whole().items() if key not in first}
    assert second == later


@pytest.mark.parametrize("state", ["CONFIRM", "CONFIRM_RETRY", "UNKNOWN_RESULT"])
def test_a_contract_of_before_is_settled_by_the_prices_of_then_however_late_its_state_is(state: OrderState) -> None:
    accepted = BEGIN - 2 * MINUTE
    known = order(state, contract="C-1", expiry=accepted + MINUTE, at=BEGIN - 1, sent_at=accepted - 120)
    given: list[tuple[str, Any]] = []

    def keep(node: str, value: Any) -> None:
        given.append((node, value))

    replayed(SHIPPED, BEGIN, BEGIN + 1000, NoRecords(), past=Past((known,), {}), taps=(keep,))
    (end,) = (value for _, value in given if isinstance(value, Settlement) and value.order == known.order)
    assert end.result in ("win", "lose", "push")
    (seen,) = (value for _, value in given if isinstance(value, Audited) and value.order == known.order)
    assert seen.verdict == "explained"


def test_whenever_a_run_ends_each_contract_is_audited_once_by_it_or_by_the_next(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.db"
    begin = BEGIN
    for end in (BEGIN + 7 * MINUTE + 500, BEGIN + 11 * MINUTE + 620, BEGIN + 20 * MINUTE):
        stopped_at(SHIPPED, begin, end, ledger)
        begin = end
    with sqlite3.connect(ledger) as db:
        ended = set(
            db.execute("SELECT \"order\" FROM orders WHERE state = 'SETTLED' AND ended_at < ?", (begin - MINUTE,))
        )
        seen = {(name,): verdict for name, verdict in db.execute('SELECT "order", verdict FROM audits')}
    assert len(ended) > 10
    assert ended <= seen.keys()
    assert set(seen.values()) == {"explained"}


def stopped_at(plan: Plan, begin: int, end: int, ledger: Path) -> dict[Any, Any]:
    """Decisions up to the very moment at which a process ends, with trades still open."""
    given: list[tuple[str, Any]] = []

    async def main() -> None:
        with Ledger(ledger) as records:
            setting = Setting(mode="replay", begin=begin, end=end + HOUR, block=0)

            def told(node: str, value: Any) -> None:
                given.append((node, value))

            async with running(plan, setting, records, records.past(begin), taps=(told,)) as flow:
                await flow.border.until(end)

    virtual.run(lambda _: main())
    return decided(given)


def test_a_paced_paper_run_decides_exactly_what_a_replay_does() -> None:
    """The same market, once on a real event loop as fast as it can keep up, once on virtual time in blocks."""
    given: list[tuple[str, Any]] = []
    until = BEGIN + 40 * MINUTE

    async def main() -> None:
        setting = Setting(mode="paper", begin=BEGIN, speed=100_000.0)

        def told(node: str, value: Any) -> None:
            given.append((node, value))

        async with running(SHIPPED, setting, NoRecords(), Past((), {}), taps=(told,)) as flow:
            await flow.border.until(until)

    asyncio.run(main())
    paced = decided(given)
    assert len(paced) > 500
    assert paced == {key: row for key, row in whole().items() if key in paced}
    assert paced.keys() == {key for key, row in whole().items() if row[4] < until}


def test_the_ledger_holds_one_row_for_every_bar_of_every_key(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.db"
    rows = run(SHIPPED, BEGIN, BEGIN + HOUR, ledger)
    reader = Reader(ledger)
    stored = {
        (row["account"], product, tf, row["bar"])
        for product, tf in reader.streams()
        for bar in sorted({key[3] for key in rows})
        for row in reader.decisions(product, tf, bar)
    }
    reader.close()
    assert stored == set(rows)
    expected = {("demo-1", "BTCUSD", MINUTE, BEGIN + minute * MINUTE) for minute in range(59)}
    assert expected <= stored
