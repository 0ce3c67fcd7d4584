"""What must hold once a storm has passed: the ledger, held against what the venues know."""

import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from pipeline.plan import Plan
from pipeline.sim.disk import Disk
from pipeline.sim.wire import Contract
from pipeline.sim.witness import (
    ABSENT,
    AGREED,
    DECIDED,
    ENDING,
    FOREIGN,
    KNOWN,
    ONE_CONTRACT,
    PAID,
    SETTLED_ONCE,
    SOUND,
    UNDISPUTED,
    Witness,
)
from pipeline.states import ENDED
from pipeline.times import SECOND

SELECT = 'SELECT "order", account, state, contract, result, profit, origin, wanted_at, cause, reason FROM orders'
TWICE = """
SELECT "order", count(*) FROM order_events WHERE state IN ('SETTLED', 'CANCELED') GROUP BY "order" HAVING count(*) > 1
"""


class Row(NamedTuple):
    """An order as it is on disk."""

    order: str
    account: str
    state: str
    contract: str
    result: str | None
    profit: str
    origin: str
    wanted_at: int
    cause: str
    reason: str


DECISIONS = "SELECT account, product, tf, bar FROM decisions"
AFTER = 5 * SECOND
"""So long after a slot its bar may be on its way."""
Span = tuple[int, int]


def judge_decisions(
    plan: Plan, disk: Disk, witness: Witness, over: Span, disturbed: Mapping[str, Sequence[Span]]
) -> None:
    """Every bar of every key that could become final has its row, whoever was there to decide it.

    `disturbed` says when the prices of a product ("": of all) did not come as they should have.
    """
    begin, end = over
    decided = {tuple(row) for row in disk.rows(DECISIONS)}
    everybody = disturbed.get("", ())
    for tf in sorted({tf for _, _, tf, _ in decided}):
        for product in plan.products:
            calendar = plan.calendars.of(product)
            for bar in calendar.open_slots(begin, end - tf - AFTER, tf).tolist():
                spans = (*everybody, *disturbed.get(product, ()))
                if any(since < bar + tf + AFTER and bar < until for since, until in spans):
                    continue
                for account in plan.accounts:
                    witness.check(DECIDED, (account, product, tf, bar) in decided, account, product, tf, bar)


def judge_certificates(plan: Plan, disk: Disk, witness: Witness, asked: int) -> None:
    """In a calm every account is certified, and what is not accounted for was placed by somebody else."""
    last: dict[str, list[str]] = {}
    for account, at, unexplained in disk.rows(CERTIFICATES):
        if at >= asked:
            last[account] = json.loads(unexplained)
    for account in plan.accounts:
        strange = [each for each in last.get(account, ["there is none"]) if STRANGER not in each]
        witness.check(SOUND, not strange, account, *strange[:2])


CERTIFICATES = "SELECT account, at, unexplained FROM certificates ORDER BY seq"
STRANGER = "placed by somebody else"


def judge_disputes(disk: Disk, witness: Witness) -> None:
    """A venue that never contradicts itself is never in dispute."""
    disputes = disk.rows(DISPUTES)
    witness.check(UNDISPUTED, not disputes, *disputes[:1])


DISPUTES = 'SELECT "order", was, now FROM disputes'


def judge(plan: Plan, disk: Disk, contracts: Iterable[Contract], witness: Witness, end: int, lists: bool) -> None:
    """All that can be said when everything that was wanted before `end` has had its time."""
    rows = [Row(*row) for row in disk.rows(SELECT)]  # type: ignore[arg-type]  # the columns' own types
    by_order: dict[str, list[Contract]] = {}
    by_contract = {row.contract: row for row in rows if row.contract}
    known = {row.order: row for row in rows}
    for contract in contracts:
        by_order.setdefault(contract.order, []).append(contract)
        if contract.external:
            if lists and contract.expiry < end:
                witness.check(KNOWN, contract.contract in by_contract, contract.contract, "placed by hand")
        else:
            witness.check(KNOWN, contract.order in known, contract.contract, "of", contract.order)
    for order, several in by_order.items():
        witness.check(ONE_CONTRACT, len(several) == 1, order, *(each.contract for each in several))
    foreign = {each.contract for several in by_order.values() for each in several if each.external}
    for row in rows:
        _judge_row(row, by_order.get(row.order, []), foreign, witness, end, lists)
    for order, count in disk.rows(TWICE):
        witness.check(SETTLED_ONCE, False, order, "ended", count, "times")
    _judge_money(plan, rows, by_order, witness)


def _judge_row(row: Row, contracts: list[Contract], foreign: set[str], witness: Witness, end: int, lists: bool) -> None:
    if row.origin == "external":
        witness.check(FOREIGN, row.contract in foreign, row.order, row.contract)
        return
    witness.checked[SETTLED_ONCE] += 1
    if row.state == "ABORT":
        witness.check(ABSENT, not contracts, row.order, row.cause, row.reason)
    if row.wanted_at < end:
        unknowable = not lists and row.state in ("UNKNOWN", "UNKNOWN_RESULT")
        witness.check(ENDING, row.state in ENDED or unknowable, row.order, "is", row.state, row.reason)
    if row.state in ("SETTLED", "CANCELED"):
        truth = contracts[0] if contracts else None
        same = truth is not None and truth.result == row.result and truth.profit == Decimal(row.profit)
        witness.check(AGREED, same, row.order, row.result, row.profit, "but", truth)
    elif row.state in ("CONFIRM", "CONFIRM_RETRY"):
        witness.check(AGREED, bool(contracts), row.order, "is", row.state, "without a contract")


def _judge_money(plan: Plan, rows: list[Row], by_order: dict[str, list[Contract]], witness: Witness) -> None:
    """Profits of all orders that are ended on both sides."""
    for account in plan.accounts:
        ours = sum((Decimal(row.profit) for row in rows if row.account == account and row.origin == "flow"), Decimal(0))
        settled = {row.order for row in rows if row.state in ("SETTLED", "CANCELED")}
        theirs = sum(
            (each.profit for name in settled for each in by_order.get(name, ()) if each.account == account), Decimal(0)
        )
        witness.check(PAID, ours == theirs, account, "ledger", ours, "venue", theirs)
