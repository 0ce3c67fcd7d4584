"""Orders and decisions as the ledger has them, beside a running flow."""

import sqlite3
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from pipeline.ledger.rows import NAMES, float_of, gates_of, keys_of, order_of
from pipeline.ledger.tables import readable
from pipeline.states import ENDED, UNSURE
from pipeline.times import timeframe_name
from pipeline.told.orders import (
    NOT_ENDED,
    Audit,
    Contradiction,
    Counted,
    DecisionRow,
    GateAnswer,
    Move,
    OrderRow,
    RunsOn,
)
from pipeline.values import Order

BEGAN = "CASE wanted_at WHEN 0 THEN at ELSE wanted_at END"
"""When an order came about."""
WANTED = f"""
{BEGAN} >= :begin AND {BEGAN} < :end AND (:account = '' OR account = :account)
AND (:product = '' OR product = :product) AND (:tf = 0 OR tf = :tf) AND (:status = '' OR state = :status
OR (:status = '{NOT_ENDED}' AND state NOT IN ({", ".join(f"'{state}'" for state in sorted(ENDED))})))
"""
ORDERS = f"""
SELECT {NAMES}, {BEGAN} AS began FROM orders
WHERE {WANTED} AND (:name = '' OR (began, "order") < (:before, :name))
ORDER BY began DESC, "order" DESC LIMIT :limit
"""  # noqa: S608  # our own words
COUNTS = f"""
SELECT account, state, result, profit, count(*) FROM orders WHERE {WANTED} GROUP BY account, state, result, profit
"""  # noqa: S608  # our own words
AUDIT = 'SELECT at, verdict, result, entry_ts, entry, exit_ts, exit, reason FROM audits WHERE "order" = ?'
DISPUTES = 'SELECT at, was, now FROM disputes WHERE "order" = ? ORDER BY seq'
RUNS_ON = 'SELECT at, reason FROM unclosed WHERE "order" = ? ORDER BY seq'
EVENTS = 'SELECT at, state, reason, cause FROM order_events WHERE "order" = ? ORDER BY seq'
DECISIONS = """
SELECT * FROM decisions WHERE bar >= :begin AND bar < :end AND account = :account AND product = :product AND tf = :tf
AND (:verdict = '' OR verdict = :verdict) ORDER BY bar DESC LIMIT :limit
"""
DECISION = "SELECT * FROM decisions WHERE account = ? AND product = ? AND tf = ? AND bar = ?"


class Trades:
    """A connection that reads a ledger. It changes nothing, and belongs to the thread that opened it."""

    def __init__(self, path: Path) -> None:
        self._db = readable(path)

    def close(self) -> None:
        self._db.close()

    def orders(self, asked: dict[str, Any]) -> Sequence[OrderRow]:
        return [order_row(order_of(tuple(row)[:-1]), row["began"]) for row in self._db.execute(ORDERS, asked)]

    def counted(self, asked: dict[str, Any]) -> tuple[Counted, ...]:
        """Account by account, of all that is asked for, on whatever page it is."""
        by_account: dict[str, list[tuple[str, Decimal, int]]] = {}
        for account, state, result, profit, count in self._db.execute(COUNTS, asked):
            by_account.setdefault(account, []).append((_ending(state, result), Decimal(profit), count))
        return tuple(_counted(account, some) for account, some in sorted(by_account.items()))

    def order(self, name: str) -> OrderRow | None:
        found = self._db.execute(
            f'SELECT {NAMES}, {BEGAN} AS began FROM orders WHERE "order" = ?',  # noqa: S608  # our own words
            (name,),
        ).fetchone()
        return None if found is None else order_row(order_of(tuple(found)[:-1]), found["began"])

    def moves(self, order: str) -> tuple[Move, ...]:
        return tuple(Move(*row) for row in self._db.execute(EVENTS, (order,)))

    def audit(self, order: str) -> Audit | None:
        found = self._db.execute(AUDIT, (order,)).fetchone()
        return None if found is None else Audit(*found)

    def disputes(self, order: str) -> tuple[Contradiction, ...]:
        return tuple(Contradiction(*row) for row in self._db.execute(DISPUTES, (order,)))

    def runs_on(self, order: str) -> tuple[RunsOn, ...]:
        return tuple(RunsOn(*row) for row in self._db.execute(RUNS_ON, (order,)))

    def decision(self, account: str, product: str, tf: int, bar: int) -> DecisionRow | None:
        found = self._db.execute(DECISION, (account, product, tf, bar)).fetchone()
        return None if found is None else decision_row(found)

    def decisions(self, asked: dict[str, Any]) -> Sequence[DecisionRow]:
        """The newest of all keys that are asked for. Each key is asked by itself, by what its rows are ordered by."""
        wanted = [
            key
            for key in keys_of(self._db)
            if asked["account"] in ("", key.account)
            and asked["product"] in ("", key.product)
            and asked["tf"] in (0, key.tf)
        ]
        found = [each for key in wanted for each in self._db.execute(DECISIONS, asked | key._asdict())]
        found.sort(key=lambda row: (-row["bar"], row["account"], row["product"], row["tf"]))
        return [decision_row(row) for row in found[: asked["limit"]]]


def order_row(order: Order, began: int) -> OrderRow:
    return OrderRow(
        order=order.order,
        account=order.account,
        product=order.product,
        timeframe=timeframe_name(order.tf),
        bar=order.bar,
        direction=order.direction,
        stake=_money(order.stake),
        payout=order.payout,
        status=order.state,
        at=order.at,
        began=began,
        reason=order.reason,
        cause=order.cause,
        contract=order.contract,
        expiry=order.expiry,
        result=order.result or "",
        profit=_money(order.profit),
        entry=order.entry if order.entry_ts else None,
        exit=order.exit if order.exit_ts else None,
        request=order.request,
        origin=order.origin,
        sent_at=order.sent_at,
        taken_at=order.taken_at,
        entry_at=order.entry_ts,
        exit_at=order.exit_ts,
        ended_at=order.ended_at,
    )


def _ending(state: str, result: str | None) -> str:
    """The field of `Counted` that an order belongs to."""
    if state == "SETTLED":
        return {"win": "won", "lose": "lost"}.get(result or "", "even")
    if state in UNSURE:
        return "unknown"
    return {"CANCELED": "void", "ABORT": "none"}.get(state, "running")


def _counted(account: str, some: Iterable[tuple[str, Decimal, int]]) -> Counted:
    counts: dict[str, int] = {}
    total = Decimal(0)
    for ending, profit, count in some:
        counts[ending] = counts.get(ending, 0) + count
        total += profit * count
    return Counted(account, **counts, profit=_money(total))


def decision_row(row: sqlite3.Row) -> DecisionRow:
    gates = (
        GateAnswer(each.gate, each.verdict, _number(each.value), _number(each.threshold), each.word)
        for each in gates_of(row)
    )
    return DecisionRow(
        account=row["account"],
        product=row["product"],
        timeframe=timeframe_name(row["tf"]),
        bar=row["bar"],
        at=row["at"],
        verdict=row["verdict"],
        value=row["value"],
        threshold=row["threshold"],
        score=row["score"],
        direction=row["direction"],
        payout=row["payout"],
        order=row["order"] or "",
        gates=tuple(gates),
    )


def _money(amount: Decimal) -> str:
    return str(amount)


def _number(value: float) -> float | None:
    number = float_of(value)
    return number if number == number else None
