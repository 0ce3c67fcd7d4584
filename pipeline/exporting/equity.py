"""The balance of each account, from what it began with, after all that moved it."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import groupby
from typing import Any

from pipeline.exporting.asking import ENDED, ENDS, OF_ACCOUNT, Asked, Selection, rows_of
from pipeline.exporting.columns import Column

COLUMNS = (
    Column("account", "text"),
    Column("at", "moment"),
    Column("what", "text"),
    Column("reference", "text"),
    Column("amount", "money"),
    Column("balance", "money"),
)
OPENING = "opening"
MOVES = f"""
SELECT * FROM (
SELECT account, since AS at, 0 AS place, '{OPENING}' AS what, '' AS reference, balance AS amount
FROM accounts WHERE {OF_ACCOUNT}
UNION ALL
SELECT account, at, 1, what, reference, amount FROM cash WHERE {OF_ACCOUNT}
UNION ALL
SELECT account, {ENDS}, 2, coalesce(result, cause), "order", profit FROM {ENDED}
) ORDER BY account, place <> 0, at, place, reference
"""  # noqa: S608  # our own words


def equity(db: sqlite3.Connection, asked: Asked) -> Selection:
    """What moved each account, in order, and what it held then. It is reckoned from the beginning in any case."""
    by_account = groupby(rows_of(db, MOVES, asked), lambda move: str(move["account"]))
    rows = (row for _, moves in by_account for row in _balances(moves))
    return Selection(COLUMNS, (row for row in rows if asked.begin <= row[1] < asked.end))


def _balances(moves: Iterator[Mapping[str, Any]]) -> Iterator[Sequence[Any]]:
    """One account's. It began no later than with the first thing that moved it: a simulated market has its own time."""
    first, second = next(moves), next(moves, None)
    begun = first if second is None or first["what"] != OPENING else {**first, "at": min(first["at"], second["at"])}
    balance = Decimal(0)
    for move in (begun, *(() if second is None else (second,))):
        balance += Decimal(move["amount"])
        yield _row(move, balance)
    for move in moves:
        balance += Decimal(move["amount"])
        yield _row(move, balance)


def _row(move: Mapping[str, Any], balance: Decimal) -> Sequence[Any]:
    return (move["account"], move["at"], move["what"], move["reference"] or None, move["amount"], str(balance))
