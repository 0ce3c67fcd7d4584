"""Which decisions a bundle is about: of an order, of a bar, or of a span."""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.errors import InputError
from pipeline.ledger.reading import Reader
from pipeline.times import parse_moment, slot_of, timeframe, timeframe_name, utc_text
from pipeline.values import Key

MOST = 5_000
"""Decisions of one bundle."""
COMPARED = ("verdict", "value", "threshold", "score", "direction", "payout")
"""What must be the same of a decision that is made again."""

Row = Mapping[str, Any]


def of_order(reader: Reader, order: str) -> list[Row]:
    """The decision that an order came of."""
    found = reader.order(order)
    if found is None:
        raise InputError(f"there is no order {order!r} in the ledger; `report` and `export orders` name them all")
    rows = reader.decided(Key(found.account, found.product, found.tf), found.bar, found.bar + 1)
    if not rows:
        whose = "somebody else placed it" if found.origin != "flow" else "its decision was let go of by `prune`"
        raise InputError(f"no decision stands behind the order {order}: {whose}; name another")
    return _rows(rows)


def of_bar(reader: Reader, text: str) -> list[Row]:
    """The decision on a bar that is written like `demo-1 EURUSD 1m 2026-01-05T10:00:00Z`."""
    words = text.split()
    if len(words) != 4:
        raise InputError(f"--bar {text!r} is not like 'demo-1 EURUSD 1m 2026-01-05T10:00:00Z'; write four words")
    account, product, name, moment = words
    try:
        tf, at = timeframe(name), parse_moment(moment)
    except ValueError as wrong:
        raise InputError(f"--bar {text!r}: {wrong}") from None
    key = Key(account, product, tf)
    known = reader.traded()
    if key not in known:
        keys = ", ".join(f"{each.account} {each.product} {timeframe_name(each.tf)}" for each in known[:10])
        raise InputError(
            f"the ledger has no decision of {account} on {product} {name}; it has those of {keys or 'nobody'}"
        )
    bar = slot_of(at, tf)
    rows = reader.decided(key, bar, bar + 1)
    if not rows:
        first, last = (utc_text(each) for each in reader.first_and_last(key))
        raise InputError(f"no decision on the bar that opened at {utc_text(bar)}; the ledger has {first} to {last}")
    return _rows(rows)


def of_span(reader: Reader, since: int, until: int) -> list[Row]:
    """All decisions on bars that opened within a span."""
    rows = [row for key in reader.traded() for row in reader.decided(key, since, until)]
    if not rows:
        raise InputError(f"no decision from {utc_text(since)} to {utc_text(until)}; name another span")
    if len(rows) > MOST:
        raise InputError(f"{len(rows):,} decisions are more than the {MOST:,} of one bundle; name a shorter span")
    return sorted(_rows(rows), key=lambda row: (row["at"], row["account"], row["product"], row["tf"]))


def name_of(row: Row) -> str:
    """A decision as people write it."""
    return f"{row['account']} {row['product']} {timeframe_name(row['tf'])} {utc_text(row['bar'])}"


def slot_name(row: Row) -> tuple[str, str, int, int]:
    return row["account"], row["product"], row["tf"], row["bar"]


def _rows(rows: Sequence[sqlite3.Row]) -> list[Row]:
    return [{name: row[name] for name in row.keys()} for row in rows]  # noqa: SIM118  # a Row iterates its values
