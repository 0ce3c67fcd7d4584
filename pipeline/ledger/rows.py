"""The ledger's rows and the values they stand for."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from pipeline.evidence import Audited, Cash, Dispute, Noted, Reconciled, Unclosed, Verdict
from pipeline.values import (
    Arming,
    Certificate,
    Decisions,
    GateRow,
    Key,
    Latch,
    Life,
    Order,
    Outcomes,
    Scope,
    Switched,
)

COLUMNS = Order.__struct_fields__
NAMES = ", ".join(f'"{name}"' for name in COLUMNS)
TABLES: Mapping[type[Noted], str] = {
    Reconciled: "reconciled",
    Dispute: "disputes",
    Unclosed: "unclosed",
    Certificate: "certificates",
    Audited: "audits",
    Cash: "cash",
    Life: "key_lives",
}
"""Where what makes orders certain is kept, and what became of the lives of keys."""
MONEY = tuple(COLUMNS.index(name) for name in ("stake", "profit"))
SELECT_ORDER = f"SELECT {NAMES} FROM orders"  # noqa: S608  # our own names
SELECT_LATCH = 'SELECT seq, scope, "on", at, reason, by FROM latches'
SELECT_SWITCHED = 'SELECT seq, account, product, tf, "on", at, reason, by, only FROM switches'
LIFE = Life.__struct_fields__
SELECT_LIVES = f"""
SELECT {", ".join(LIFE)} FROM key_lives WHERE seq IN (SELECT max(seq) FROM key_lives GROUP BY account, product, tf)
ORDER BY account, product, tf
"""  # noqa: S608  # our own names
SELECT_ARMING = "SELECT seq, arming, account, at, until, by, reason FROM armings"
SELECT_VERDICT = 'SELECT seq, "order", outcome, profit, at, by, reason FROM verdicts'


def keys_of(db: sqlite3.Connection) -> Iterator[Key]:
    """Every account, product and timeframe that has a decision, each found by the one before."""
    asked = """
      SELECT account, product, tf FROM decisions WHERE (account, product, tf) > (?, ?, ?)
      ORDER BY account, product, tf LIMIT 1
    """
    key: Key | None = Key("", "", 0)
    while key is not None:
        found = db.execute(asked, key).fetchone()
        key = Key(*found) if found is not None else None
        if key is not None:
            yield key


def decision_rows(decisions: Decisions) -> Iterator[tuple[Any, ...]]:
    """Decisions as rows of their table: one for each bar."""
    for row in range(len(decisions)):
        verdict = int(decisions.verdict[row])
        approved = decisions.orders.get(row)
        yield (
            decisions.account,
            decisions.product,
            decisions.tf,
            int(decisions.open_ts[row]),
            int(decisions.at[row]),
            "trade" if verdict < 0 else decisions.gates[verdict],
            number_of(decisions.value[row]),
            number_of(decisions.threshold[row]),
            number_of(decisions.score[row]),
            int(decisions.direction[row]),
            number_of(decisions.payout[row]),
            approved.order if approved else None,
            msgspec.json.encode(decisions.explained.get(row, ())).decode(),
        )


def outcome_rows(outcomes: Outcomes) -> Iterator[tuple[Any, ...]]:
    """Outcomes as rows of their table; without a price there is no time of it either."""
    columns = (outcomes.open_ts, outcomes.entry_ts, outcomes.entry, outcomes.exit_ts, outcomes.exit, outcomes.at)
    for bar, entry_ts, entry, exit_ts, exit_, at in zip(*(column.tolist() for column in columns), strict=True):
        ends = (entry_ts, entry, exit_ts, exit_) if entry == entry else (None, None, None, None)
        yield (outcomes.product, outcomes.tf, bar, outcomes.delay, *ends, at)


def gates_of(row: sqlite3.Row) -> tuple[GateRow, ...]:
    """Every gate's answer, as it was stored with a decision."""
    answers = msgspec.json.decode(row["gates"])
    return tuple(
        GateRow(gate, float_of(value), float_of(threshold), verdict, *word)
        for gate, value, threshold, verdict, *word in answers
    )


def order_row(order: Order) -> tuple[Any, ...]:
    """An order as a row of its table."""
    row = list(msgspec.structs.astuple(order))
    for column in MONEY:
        row[column] = str(row[column])
    return tuple(row)


def order_of(row: Sequence[Any]) -> Order:
    return msgspec.convert(dict(zip(COLUMNS, row, strict=True)), Order, strict=False)


def noted_row(noted: Noted) -> tuple[str, tuple[Any, ...]]:
    """The statement that keeps it, and its values."""
    names = noted.__struct_fields__
    columns, marks = ", ".join(f'"{name}"' for name in names), ", ".join("?" * len(names))
    values = (getattr(noted, name) for name in names)
    row = tuple(msgspec.json.encode(each).decode() if isinstance(each, tuple) else each for each in values)
    return (
        f"INSERT OR REPLACE INTO {TABLES[type(noted)]} ({columns}) VALUES ({marks})",  # noqa: S608  # our own names
        tuple(str(each) if isinstance(each, Decimal) else each for each in row),
    )


def latch_of(row: Sequence[Any]) -> Latch:
    """A stop or a release; its number is first in the row."""
    _, scope, on, at, reason, by = row
    return Latch(scope, bool(on), at, reason, by)


def switched_of(row: Sequence[Any]) -> Switched:
    """Keys that were started or stopped; the number is first in the row."""
    _, account, product, tf, on, at, reason, by, only = row
    return Switched(Scope(account, product, tf), bool(on), at, reason, by, bool(only))


def life_of(row: Sequence[Any]) -> Life:
    return msgspec.convert(dict(zip(LIFE, row, strict=True)), Life)


def arming_of(row: Sequence[Any]) -> Arming:
    return Arming(*row[1:])


def verdict_of(row: Sequence[Any]) -> Verdict:
    _, order, outcome, profit, at, by, reason = row
    return Verdict(order, outcome, Decimal(profit), at, by, reason)


def number_of(value: Any) -> float | None:
    """A number as the file can hold it; null for what is none, or endless."""
    number = float(value)
    return number if number == number and abs(number) != float("inf") else None


def float_of(value: float | None) -> float:
    return float("nan") if value is None else value
