"""A whole flow at a practice venue that fails: what the venue has and what the ledger knows come out the same."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline import virtual
from pipeline.engine import Setting, running
from pipeline.errors import InputError
from pipeline.evidence import Dispute, Statement
from pipeline.host import Mode
from pipeline.ledger import Ledger
from pipeline.plan import Plan
from pipeline.states import ENDED
from pipeline.times import HOUR, MINUTE, SECOND
from pipeline.values import Fault, Order, Past
from tests.support import MONDAY, SMALL, plan_of

TABLE = 'use = "practice"\npayout = 0.9\n'
LOOSE = SMALL.replace('max_daily_loss = "20.00"', 'max_daily_loss = "90.00"')
PROVES = "evidence = { lists = true, echoes = true, once = true, late_ms = 20000 }\n"
RATES = {
    **dict.fromkeys(("lost_request", "refused", "late_accept", "lost_ack", "duplicate_ack", "lost_settlement"), 0.1),
    **dict.fromkeys(("reset_before", "http_503", "reset_after", "bad_body", "late_ack", "late_settlement"), 0.05),
    **dict.fromkeys(("failed_listing", "lost_listing", "stale_listing"), 0.2),
    **dict.fromkeys(("outage", "half_open", "external", "deposit", "withdrawal"), 3.0),
}
STORM = PROVES + "[venues.practice.faults]\nseed = 3\n" + "".join(f"{what} = {rate}\n" for what, rate in RATES.items())


def flow(keys: str, folder: Path) -> Plan:
    return plan_of(LOOSE.replace(TABLE, TABLE + keys), folder)


def lived(
    plan: Plan,
    records: Ledger,
    begin: int,
    end: int,
    *,
    past: Past | None = None,
    mode: Mode = "replay",
) -> list[tuple[str, Any]]:
    """One life of a flow on virtual time; it ends as by a kill, whatever is on its way."""
    given: list[tuple[str, Any]] = []

    async def main() -> None:
        def told(node: str, value: Any) -> None:
            given.append((node, value))

        async with running(plan, Setting(mode=mode, begin=begin), records, past or Past((), {}), taps=(told,)) as flow:
            await flow.border.until(end)
            if flow.ended.done():
                flow.ended.result()

    virtual.run(lambda _: main())
    return given


def last_orders(given: list[tuple[str, Any]]) -> dict[str, Order]:
    return {value.order: value for _, value in given if isinstance(value, Order)}


def last_statement(given: list[tuple[str, Any]]) -> Statement:
    return [value for _, value in given if isinstance(value, Statement) and not value.fault and not value.contract][-1]


def test_in_a_storm_every_order_ends_and_the_balance_is_what_the_ledger_says(tmp_path: Path) -> None:
    plan = flow(STORM, tmp_path)
    with Ledger(tmp_path / "ledger.db") as records:
        given = lived(plan, records, MONDAY, MONDAY + 2 * HOUR)
    assert [value for _, value in given if isinstance(value, Fault | Dispute)] == []
    orders, told = last_orders(given), last_statement(given)
    assert len(orders) > 20
    assert any(each.origin == "external" for each in orders.values())
    old = [each for each in orders.values() if each.at < MONDAY + 2 * HOUR - 15 * MINUTE]
    assert {each.state for each in old} <= ENDED
    cash = {each.reference: each.amount for _, value in given if isinstance(value, Statement) for each in value.cash}
    held = Decimal(100) + sum(cash.values())
    for each in orders.values():
        if each.state in ENDED and each.ended_at <= told.as_of:
            held += each.profit
        elif each.contract and each.expiry - each.tf <= told.as_of:
            held -= each.stake
    assert told.balance == held


LOST = (
    PROVES.replace("once = true", "once = false")
    + """
[[venues.practice.faults]]
what = "WHAT"
order = 1

[[venues.practice.faults]]
what = "lost_settlement"
order = 1
"""
)


@pytest.mark.parametrize(
    ("what", "memory", "state", "cause"),
    [
        ("lost_request", True, "ABORT", "absent"),
        ("lost_ack", True, "SETTLED", ""),
        ("lost_ack", False, "ABORT", "absent"),  # a venue that goes by the ledger has never heard of it
    ],
)
def test_an_order_that_was_under_way_when_the_program_was_killed_ends_by_what_the_venue_lists(
    tmp_path: Path, what: str, memory: bool, state: str, cause: str
) -> None:
    keys = ('memory = "broker.db"\n' if memory else "") + LOST.replace("WHAT", what)
    plan = flow(keys, tmp_path)
    (tmp_path / "first").mkdir()
    with Ledger(tmp_path / "first" / "ledger.db") as records:
        tried = lived(flow(keys, tmp_path / "first"), records, MONDAY, MONDAY + 30 * MINUTE, mode="paper")
    first = next(value for _, value in tried if isinstance(value, Order) and value.state == "SEND")

    killed = first.at + SECOND
    with Ledger(tmp_path / "ledger.db") as records:
        lived(plan, records, MONDAY, killed, mode="paper")
        past = records.past(killed)
        assert [each.state for each in past.orders if each.order == first.order] == ["SEND"]
        begin = killed + 5 * SECOND
        given = lived(plan, records, begin, begin + 10 * MINUTE, past=past, mode="paper")
    ended = last_orders(given)[first.order]
    assert (ended.state, ended.cause) == (state, cause)
    assert [value for _, value in given if isinstance(value, Dispute)] == []


def test_a_flow_whose_venue_cannot_open_its_memory_ends_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "broker.db").write_text("no database, but long enough to be taken for one" * 40)
    with Ledger(tmp_path / "ledger.db") as records, pytest.raises(InputError, match="as a venue's memory"):
        lived(flow('memory = "broker.db"\n', tmp_path), records, MONDAY, MONDAY + SECOND, mode="paper")
