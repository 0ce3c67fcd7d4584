"""A set to learn from: one row a trade, with the columns it was decided on as they stood then, and what came of it."""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

from pipeline.exporting.asking import ENDED, Asked, Selection, rows_of
from pipeline.exporting.columns import Column
from pipeline.exporting.plain import END, KEY, ORDER, TERMS, Field, sources

FEATURE = "feature_"
"""Stands before the name of a feature that every trade has a column of already."""
ROWS = f"{ENDED} AND bar >= :begin AND bar < :end"
KNOWN = (*(Field(each.name, f"orders.{each.source}", each.kind) for each in (ORDER, *KEY, *TERMS)),)
SCORE = Field("score", "decided.score", "number")
TRADES = f"""
SELECT {sources((*KNOWN, SCORE, *END))} FROM (SELECT * FROM {ROWS}) AS orders
LEFT JOIN decisions AS decided ON decided.account = orders.account AND decided.product = orders.product
AND decided.tf = orders.tf AND decided.bar = orders.bar AND decided."order" = orders."order"
ORDER BY orders.bar, orders.product, orders.tf, orders.account, orders."order"
"""  # noqa: S608  # our own words
FEATURES = 'SELECT name, value FROM order_features WHERE "order" = ?'
NAMES = f"""
SELECT DISTINCT name FROM order_features WHERE "order" IN (SELECT "order" FROM {ROWS}) ORDER BY name
"""  # noqa: S608  # our own words


def dataset(db: sqlite3.Connection, asked: Asked) -> Selection:
    """What a bar had that only came about later is in the last two columns alone."""
    names = [str(row["name"]) for row in rows_of(db, NAMES, asked)]
    taken = {each.name for each in (*KNOWN, SCORE, *END)}
    columns = (
        *(Column(each.name, each.kind) for each in (*KNOWN, SCORE)),
        *(Column(f"{FEATURE}{name}" if name in taken else name, "number") for name in names),
        *(Column(each.name, each.kind) for each in END),
    )
    return Selection(columns, _rows(db, asked, names))


def _rows(db: sqlite3.Connection, asked: Asked, names: Sequence[str]) -> Iterator[Sequence[Any]]:
    for trade in rows_of(db, TRADES, asked):
        # Number by number: what the file makes JSON of keeps 15 digits of them.
        features = {row[0]: row[1] for row in db.execute(FEATURES, (trade["order"],))}
        known = (trade[each.name] for each in (*KNOWN, SCORE))
        yield (*known, *(features.get(name) for name in names), *(trade[each.name] for each in END))
