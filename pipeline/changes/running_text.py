"""What a flow's engine runs now, or ran last: its text, and its open orders, by its ledger."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from pipeline.ledger.rows import SELECT_ORDER, order_of
from pipeline.ledger.tables import remembered
from pipeline.values import Order

UNENDED = "state NOT IN ('SETTLED', 'CANCELED', 'ABORT')"
LAST = (
    "SELECT configs.flow, lives.ended IS NULL FROM lives JOIN configs ON configs.config = lives.config"
    " ORDER BY lives.epoch DESC LIMIT 1"
)


@dataclass(frozen=True, slots=True)
class LastRun:
    """The text that ran last, and what is open of it."""

    text: str
    orders: Sequence[Order]


def last_run(path: Path) -> LastRun | None:
    """By the ledger at a path; None where no life left its flow."""
    if not path.exists():
        return None
    with closing(remembered(path)) as db:
        try:
            row = db.execute(LAST).fetchone()
        except sqlite3.OperationalError:  # a ledger of an earlier version, which no life has opened since
            return None
        if row is None:
            return None
        orders = [order_of(each) for each in db.execute(f"{SELECT_ORDER} WHERE {UNENDED} ORDER BY at")]
    return LastRun(row[0], orders)
