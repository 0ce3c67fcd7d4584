"""Orders and decisions as the ledger has them, beside a running flow."""

import sqlite3
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import msgspec

from pipeline.ledger.rows import NAMES, float_of, gates_of, keys_of, order_of
from pipeline.ledger.tables import readable
from pipeline.times import timeframe_name
from pipeline.values import Order

BEGAN = "CASE wanted_at WHEN 0 THEN at ELSE wanted_at END"
"""When an order came about."""
ORDERS = f"""
SELECT {NAMES}, {BEGAN} AS began FROM orders
WHERE began >= :begin AND began < :end AND (:account = '' OR account = :account)
AND (:product = '' OR product = :product) AND (:tf = 0 OR tf = :tf) AND (:status = '' OR state = :status)
AND (:name = '' OR (began, "order") < (:before, :name))
ORDER BY began DESC, "order" DESC LIMIT :limit
"""  # noqa: S608  # our own words
EVENTS = 'SELECT at, state, reason, cause FROM order_events WHERE "order" = ? ORDER BY seq'
DECISIONS = """
SELECT * FROM decisions WHERE bar >= :begin AND bar < :end AND account = :account AND product = :product AND tf = :tf
AND (:verdict = '' OR verdict = :verdict) ORDER BY bar DESC LIMIT :limit
"""
DECISION = "SELECT * FROM decisions WHERE account = ? AND product = ? AND tf = ? AND bar = ?"

Status = Literal[
    "",
    "PREPARE",
    "SEND",
    "SEND_RETRY",
    "CONFIRM",
    "CONFIRM_RETRY",
    "SETTLED",
    "CANCELED",
    "ABORT",
    "UNKNOWN",
    "UNKNOWN_RESULT",
]


class OrderRow(msgspec.Struct, frozen=True):
    """One order as it stands. Money is text, as the account would write it."""

    order: str
    account: str
    product: str
    timeframe: str
    bar: int
    direction: Literal["call", "put"]
    stake: str
    payout: float
    status: str
    at: int
    began: int
    reason: str
    cause: str
    contract: str
    expiry: int
    result: str
    profit: str
    entry: float | None
    exit: float | None


class Move(msgspec.Struct, frozen=True):
    """What became of an order at a moment."""

    at: int
    status: str
    reason: str
    cause: str


class GateAnswer(msgspec.Struct, frozen=True):
    """What one gate said of a bar."""

    gate: str
    verdict: str
    value: float | None
    threshold: float | None
    word: str = ""


class DecisionRow(msgspec.Struct, frozen=True):
    """What was decided on one bar: `trade`, or the first gate that said no; and what each gate said."""

    account: str
    product: str
    timeframe: str
    bar: int
    at: int
    verdict: str
    value: float | None
    threshold: float | None
    score: float | None
    direction: int
    payout: float | None
    order: str
    gates: tuple[GateAnswer, ...]


class Trades:
    """A connection that reads a ledger. It changes nothing, and belongs to the thread that opened it."""

    def __init__(self, path: Path) -> None:
        self._db = readable(path)

    def close(self) -> None:
        self._db.close()

    def orders(self, asked: dict[str, Any]) -> Sequence[OrderRow]:
        return [order_row(order_of(tuple(row)[:-1]), row["began"]) for row in self._db.execute(ORDERS, asked)]

    def order(self, name: str) -> OrderRow | None:
        found = self._db.execute(
            f'SELECT {NAMES}, {BEGAN} AS began FROM orders WHERE "order" = ?',  # noqa: S608  # our own words
            (name,),
        ).fetchone()
        return None if found is None else order_row(order_of(tuple(found)[:-1]), found["began"])

    def moves(self, order: str) -> tuple[Move, ...]:
        return tuple(Move(*row) for row in self._db.execute(EVENTS, (order,)))

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
    )


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
