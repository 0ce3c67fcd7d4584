"""What a ledger knew at a moment that has passed: what came later is not told of."""

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from pipeline.ledger.reading import Reader
from pipeline.ledger.remembering import holding
from pipeline.ledger.rows import LIFE, SELECT_ARMING, SELECT_LATCH, arming_of, latch_of, life_of, order_of
from pipeline.ledger.rows import NAMES as COLUMNS
from pipeline.states import ENDED
from pipeline.times import MINUTE
from pipeline.values import Arming, Key, Latch, Life, Order

DECISION = "SELECT * FROM decisions WHERE account = ? AND product = ? AND tf = ? AND bar = ?"
BEFORE = "SELECT max(bar) FROM decisions WHERE account = ? AND product = ? AND tf = ? AND bar < ?"
AFTER = "SELECT min(bar) FROM decisions WHERE account = ? AND product = ? AND tf = ? AND bar > ?"
LATCHES = f"{SELECT_LATCH} WHERE at <= ? AND scope IN ('', ?) ORDER BY seq"
NEXT = f"{SELECT_LATCH} WHERE at > ? AND at <= ? AND scope IN ('', ?) AND \"on\" AND reason = ? ORDER BY seq LIMIT 1"
LIVES = f"""
SELECT {", ".join(LIFE)} FROM key_lives WHERE account = ? AND product = ? AND tf = ? AND at <= ?
ORDER BY seq DESC LIMIT 1
"""  # noqa: S608  # our own names
ARMINGS = f"{SELECT_ARMING} WHERE account = ? AND at <= ? ORDER BY seq DESC LIMIT 1"
PLACED = f"""
SELECT {COLUMNS} FROM orders WHERE account = ? AND CASE wanted_at WHEN 0 THEN at ELSE wanted_at END < ?
AND (state NOT IN ({", ".join(f"'{state}'" for state in sorted(ENDED))}) OR ended_at > ?) ORDER BY wanted_at, "order"
"""  # noqa: S608  # our own names
MOVED = 'SELECT state FROM order_events WHERE "order" = ? AND at <= ? ORDER BY seq DESC LIMIT 1'
APART = MINUTE
"""So far the clocks of two threads may be apart where the flow's own runs fast."""


class Open(NamedTuple):
    """An order that had not ended, and where it was."""

    order: Order
    state: str


class Then(Reader):
    """A reading end that looks back."""

    def decision(self, key: Key, bar: int) -> sqlite3.Row | None:
        row: sqlite3.Row | None = self._db.execute(DECISION, (*key, bar)).fetchone()
        return row

    def beside(self, key: Key, bar: int) -> tuple[int, int]:
        """The bars of a key that were decided before and after one; 0: there is none."""
        before, after = (self._db.execute(asked, (*key, bar)).fetchone()[0] for asked in (BEFORE, AFTER))
        return before or 0, after or 0

    def latches(self, account: str, at: int, killed: str | None) -> Sequence[Latch]:
        """The stops that held for an account. The one that a decision was `killed` by, for a reason, may bear a
        slightly later stamp than that decision: whoever sets it reads the clock on another thread."""
        held = holding(latch_of(row) for row in self._db.execute(LATCHES, (at, account)))
        if held or killed is None:
            return held
        return [latch_of(row) for row in self._db.execute(NEXT, (at, at + APART, account, killed))]

    def life(self, key: Key, at: int) -> Life | None:
        """What had become of a key's life."""
        row = self._db.execute(LIVES, (*key, at)).fetchone()
        return None if row is None else life_of(tuple(row))

    def arming(self, account: str, at: int) -> Arming | None:
        """By what leave an account could stake real money."""
        row = self._db.execute(ARMINGS, (account, at)).fetchone()
        arming = None if row is None else arming_of(row)
        return arming if arming is not None and arming.until > at else None

    def open(self, account: str, at: int) -> Sequence[Open]:
        """Orders of an account that had been wanted and had not ended."""
        placed = [order_of(tuple(row)) for row in self._db.execute(PLACED, (account, at, at))]
        moved = ((order, self._db.execute(MOVED, (order.order, at)).fetchone()) for order in placed)
        return [Open(order, "PREPARE" if row is None else row[0]) for order, row in moved]
