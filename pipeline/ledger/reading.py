"""What a ledger says afterwards, or beside a running flow."""

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

from pipeline.ledger.rows import SELECT_ORDER, float_of, keys_of, order_of
from pipeline.ledger.tables import readable
from pipeline.values import Key, Order

DECIDED = """
SELECT decided.*, outcomes.bar IS NOT NULL AS known, entry, exit FROM decisions AS decided
LEFT JOIN outcomes ON outcomes.product = decided.product AND outcomes.tf = decided.tf AND outcomes.bar = decided.bar
WHERE decided.account = ? AND decided.product = ? AND decided.tf = ? AND decided.bar >= ? AND decided.bar < ?
ORDER BY decided.bar
"""


class Reader:
    """The reading end, for whoever asks afterwards or beside a running flow. It changes nothing."""

    def __init__(self, path: Path) -> None:
        self._db = readable(path)

    def close(self) -> None:
        self._db.close()

    def decisions(self, product: str, tf: int, bar: int) -> Sequence[sqlite3.Row]:
        """The rows of one bar, one for each account."""
        asked = "SELECT * FROM decisions WHERE account = ? AND product = ? AND tf = ? AND bar = ?"
        return [row for key in self._keys_on(product, tf) for row in self._db.execute(asked, (*key, bar))]

    def outcomes(self) -> Sequence[sqlite3.Row]:
        """What every bar would have paid, as far as it is known."""
        return self._db.execute("SELECT * FROM outcomes ORDER BY product, tf, bar").fetchall()

    def outcome(self, product: str, tf: int, bar: int) -> sqlite3.Row | None:
        asked = "SELECT * FROM outcomes WHERE product = ? AND tf = ? AND bar = ?"
        row: sqlite3.Row | None = self._db.execute(asked, (product, tf, bar)).fetchone()
        return row

    def features(self, order: str) -> Mapping[str, float]:
        """The columns an order was decided on."""
        asked = 'SELECT name, value FROM order_features WHERE "order" = ? ORDER BY name'
        return {row[0]: float_of(row[1]) for row in self._db.execute(asked, (order,))}

    def traded(self) -> Sequence[Key]:
        """Every account, product and timeframe there are decisions of."""
        return list(keys_of(self._db))

    def decided(self, key: Key, begin: int, end: int) -> Sequence[sqlite3.Row]:
        """The decisions on the bars that opened in a span, each with what it would have paid (`known`, if it is)."""
        return self._db.execute(DECIDED, (*key, begin, end)).fetchall()

    def final_bars(self, product: str, tf: int, begin: int, end: int) -> set[int]:
        """The bars of a span that became final: there is a row on what they would have paid, or a decision."""
        spans = [("SELECT bar FROM outcomes WHERE product = ? AND tf = ? AND bar >= ? AND bar < ?", (product, tf))]
        decided = "SELECT bar FROM decisions WHERE account = ? AND product = ? AND tf = ? AND bar >= ? AND bar < ?"
        asked = [*spans, *((decided, key) for key in self._keys_on(product, tf))]
        return {row[0] for query, whose in asked for row in self._db.execute(query, (*whose, begin, end))}

    def first_and_last(self, key: Key) -> tuple[int, int]:
        """The bars an account's decisions on a stream begin and end with."""
        asked = "SELECT min(bar), max(bar) FROM decisions WHERE account = ? AND product = ? AND tf = ?"
        first, last = self._db.execute(asked, key).fetchone()
        return first, last

    def at_one_moment(self) -> None:
        """Answer everything from here on as it stands now, whatever a running flow writes meanwhile."""
        self._db.execute("BEGIN")

    def last_decisions(self) -> Mapping[Key, sqlite3.Row]:
        """The last decision of each key."""
        newest = "SELECT * FROM decisions WHERE account = ? AND product = ? AND tf = ? ORDER BY bar DESC LIMIT 1"
        return {key: self._db.execute(newest, key).fetchone() for key in self.traded()}

    def last_decision(self) -> sqlite3.Row | None:
        rows = self.last_decisions().values()
        return max(rows, key=lambda row: (row["at"], row["bar"]), default=None)

    def span(self, product: str, tf: int) -> tuple[int, int] | None:
        """The first and the last bar decided."""
        spans = [self.first_and_last(key) for key in self._keys_on(product, tf)]
        return (min(first for first, _ in spans), max(last for _, last in spans)) if spans else None

    def streams(self) -> Sequence[tuple[str, int]]:
        return sorted({(key.product, key.tf) for key in self.traded()})

    def order(self, name: str) -> Order | None:
        row = self._db.execute(f'{SELECT_ORDER} WHERE "order" = ?', (name,)).fetchone()
        return None if row is None else order_of(row)

    def orders(self) -> Sequence[Order]:
        return [order_of(row) for row in self._db.execute(f"{SELECT_ORDER} ORDER BY bar, product, tf, account")]

    def _keys_on(self, product: str, tf: int) -> Sequence[Key]:
        return [key for key in self.traded() if (key.product, key.tf) == (product, tf)]
