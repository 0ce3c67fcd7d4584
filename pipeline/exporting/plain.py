"""Trades, orders and decisions for others: rows of the ledger, under names that say what they are."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from pipeline.exporting.asking import BEGAN, ENDED, ENDS, OF_ACCOUNT, Asked, Selection, rows_of
from pipeline.exporting.columns import Column, Kind


class Field(NamedTuple):
    """A column, and where it comes from in the ledger."""

    name: str
    source: str
    kind: Kind


ORDER = Field("order", '"order"', "text")
KEY = (
    Field("account", "account", "text"),
    Field("product", "product", "text"),
    Field("timeframe", "tf", "timeframe"),
    Field("bar", "bar", "moment"),
)
TERMS = (
    Field("direction", "direction", "text"),
    Field("stake", "stake", "money"),
    Field("payout", "payout", "number"),
)
STATE = (
    Field("state", "state", "text"),
    Field("cause", "cause", "text"),
    Field("reason", "reason", "text"),
    Field("at", "at", "moment"),
)
END = (Field("result", "result", "text"), Field("profit", "profit", "money"))
STAGES = (
    Field("wanted_at", "wanted_at", "moment"),
    Field("sent_at", "sent_at", "moment"),
    Field("taken_at", "taken_at", "moment"),
    Field("entry_at", "entry_ts", "moment"),
    Field("entry", "CASE entry_ts WHEN 0 THEN NULL ELSE entry END", "number"),
    Field("exit_at", "exit_ts", "moment"),
    Field("exit", "CASE exit_ts WHEN 0 THEN NULL ELSE exit END", "number"),
    Field("expires_at", "expiry", "moment"),
    Field("ended_at", ENDS, "moment"),
)
NAMES = (
    Field("contract", "contract", "text"),
    Field("request", "request", "text"),
    Field("origin", "origin", "text"),
    Field("arming", "arming", "text"),
)
DECISION = (
    Field("decided_at", "at", "moment"),
    Field("verdict", "verdict", "text"),
    Field("value", "value", "number"),
    Field("threshold", "threshold", "number"),
    Field("score", "score", "number"),
    Field("direction", "CASE direction WHEN 1 THEN 'call' WHEN -1 THEN 'put' END", "text"),
    Field("payout", "payout", "number"),
)


class Table(NamedTuple):
    """The fields of a table for others, whose rows it has, and in which order."""

    fields: Sequence[Field]
    rows: str
    order: str


OPEN_STAGES = tuple(Field(each.name, "ended_at", each.kind) if each.name == "ended_at" else each for each in STAGES)
"""Of orders that may not have ended."""
TABLES: Mapping[str, Table] = {
    "trades": Table(
        (ORDER, *KEY, *TERMS, *END, *STAGES, *NAMES),
        f"{ENDED} AND {ENDS} >= :begin AND {ENDS} < :end",
        f'{ENDS}, "order"',
    ),
    "orders": Table(
        (ORDER, *KEY, *TERMS, *STATE, *END, *OPEN_STAGES, *NAMES),
        f"orders WHERE {OF_ACCOUNT} AND {BEGAN} >= :begin AND {BEGAN} < :end",
        f'{BEGAN}, "order"',
    ),
    "decisions": Table(
        (*KEY, *DECISION, ORDER),
        f"decisions WHERE {OF_ACCOUNT} AND bar >= :begin AND bar < :end",
        "account, product, tf, bar",
    ),
}


def plain(what: str) -> Callable[[sqlite3.Connection, Asked], Selection]:
    table = TABLES[what]

    def select(db: sqlite3.Connection, asked: Asked) -> Selection:
        query = f"SELECT {sources(table.fields)} FROM {table.rows} ORDER BY {table.order}"  # noqa: S608  # our own words
        rows = (tuple(row.values()) for row in rows_of(db, query, asked))
        return Selection([Column(each.name, each.kind) for each in table.fields], rows)

    return select


def sources(fields: Sequence[Field]) -> str:
    """What to select, so that a row has a value for each field."""
    return ", ".join(f'{each.source} AS "{each.name}"' for each in fields)
