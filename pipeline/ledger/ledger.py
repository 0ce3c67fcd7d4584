"""The ledger: one SQLite file with every order and every decision of a flow, written by one connection.

Only stops come from others, too: `kill` and `resume` write theirs whether a flow runs or not. Its tables are public:
open the file with any SQLite tool. Money is text, times are ms UTC. An account has at most one order for a product,
timeframe and bar, and the file itself sees to that.
"""

import sqlite3
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from pipeline.errors import MoonlightError
from pipeline.evidence import Noted
from pipeline.ledger.rows import (
    COLUMNS,
    NAMES,
    SELECT_ORDER,
    decision_rows,
    keys_of,
    latch_of,
    noted_row,
    number_of,
    order_of,
    order_row,
    outcome_rows,
)
from pipeline.ledger.tables import opened
from pipeline.orders import MOVES
from pipeline.times import DAY, MINUTE
from pipeline.values import Awaited, Decisions, Latch, Move, Order, Outcomes, Past

PAST = 31 * DAY
"""How far back orders are given again at a start: limits and rests count what came about within a month."""
MOVED = 2 * DAY
"""How far back it is told what became of orders, and when."""

LATE = 10 * MINUTE
"""How much later than its slot's end a contract may be known to have ended, with its delay and its prices' silence."""

INSERT_ORDER = f"INSERT INTO orders ({NAMES}) VALUES ({', '.join('?' * len(COLUMNS))}) ON CONFLICT DO NOTHING"  # noqa: S608  # our own names
UPDATE_ORDER = f'UPDATE orders SET ({NAMES}) = ({", ".join("?" * len(COLUMNS))}) WHERE "order" = ?'  # noqa: S608
INSERT_DECISION = f"INSERT INTO decisions VALUES ({', '.join('?' * 13)}) ON CONFLICT DO NOTHING"  # noqa: S608
INSERT_OUTCOME = f"INSERT INTO outcomes VALUES ({', '.join('?' * 9)}) ON CONFLICT DO NOTHING"  # noqa: S608
INSERT_FEATURE = "INSERT INTO order_features VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
INSERT_LATCH = 'INSERT INTO latches (scope, "on", at, reason, by) VALUES (?, ?, ?, ?, ?)'
UNSETTLED = """
SELECT bar, at FROM decisions AS decided
WHERE account = ? AND product = ? AND tf = ? AND bar >= ? AND at >= ? AND NOT EXISTS (
  SELECT 1 FROM outcomes WHERE product = decided.product AND tf = decided.tf AND bar = decided.bar
)
"""
SELECT_LATCH = 'SELECT seq, scope, "on", at, reason, by FROM latches'


class LedgerError(MoonlightError):
    """The ledger could not be written: nothing may be sent any more."""


class Ledger:
    """The writing end. An order is durable when `intend` returns; decisions are written with the next `commit`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._db = opened(path)
        self._decided: list[tuple[Any, ...]] = []
        self._features: list[tuple[Any, ...]] = []
        self._outcomes: list[tuple[Any, ...]] = []
        self._changed = self._changes()
        self._known: set[int] = set()
        """The numbers of the latches that are known here."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def intend(self, order: Order) -> bool:
        """Record an order for good before it is sent; False when its account has one for that bar."""
        with self._writing() as db:
            fresh = bool(db.execute(INSERT_ORDER, order_row(order)).rowcount)
            if fresh:
                _write_event(db, order)
        return fresh

    def follow(self, order: Order) -> None:
        """Record what became of an order. One never sent is added, unless its bar has another."""
        with self._writing() as db:
            known = db.execute('SELECT state FROM orders WHERE "order" = ?', (order.order,)).fetchone()
            if known is None:
                written = db.execute(INSERT_ORDER, order_row(order)).rowcount
            elif order.state not in MOVES[known[0]]:
                written = 0  # known already, or of a second order for a bar whose first one lives
            else:
                written = db.execute(UPDATE_ORDER, (*order_row(order), order.order)).rowcount
            if written:
                _write_event(db, order)

    def decide(self, decisions: Decisions) -> None:
        self._decided.extend(decision_rows(decisions))
        for approved in decisions.orders.values():
            named = (approved.order, approved.ticket.account)
            self._features.extend((*named, name, number_of(value)) for name, value in approved.features.items())

    def outcome(self, outcomes: Outcomes) -> None:
        self._outcomes.extend(outcome_rows(outcomes))

    def latch(self, latch: Latch) -> None:
        """Record a stop, or its release, for good."""
        with self._writing() as db:
            made = db.execute(INSERT_LATCH, msgspec.structs.astuple(latch))
            self._known.add(made.lastrowid or 0)

    def note(self, noted: Noted) -> None:
        """Record what makes orders certain, for good."""
        with self._writing() as db:
            insert, row = noted_row(noted)
            db.execute(insert, row)

    def latched(self) -> Sequence[Latch]:
        """What others recorded of latches since this was asked before, in order."""
        try:
            if self._changes() == self._changed:
                return ()
            self._changed = self._changes()
            rows = self._db.execute(f"{SELECT_LATCH} ORDER BY seq").fetchall()
        except sqlite3.Error as failure:
            raise LedgerError(
                f"the ledger {self.path} cannot be read ({failure}); a stop would not be heard"
            ) from failure
        new = [row for row in rows if row[0] not in self._known]
        self._known.update(row[0] for row in new)
        return [latch_of(row) for row in new]

    def latches(self) -> Sequence[Latch]:
        """Every stop and every release, in order."""
        rows = self._db.execute(f"{SELECT_LATCH} ORDER BY seq").fetchall()
        self._known.update(row[0] for row in rows)
        return [latch_of(row) for row in rows]

    def commit(self) -> None:
        """Write what was decided since the last time, and what it came to."""
        if self._decided or self._outcomes:
            with self._writing():
                pass

    def past(self, at: int) -> Past:
        """What a flow that begins at `at` must remember."""
        since = at - PAST
        unended = "state NOT IN ('SETTLED', 'CANCELED', 'ABORT')"
        rows = self._db.execute(
            f"{SELECT_ORDER} WHERE at >= ? OR {unended} ORDER BY at, bar, product, account", (since,)
        )
        earlier: dict[str, Decimal] = {}
        settled = "SELECT account, profit FROM orders WHERE state IN ('SETTLED', 'CANCELED') AND at < ?"
        for account, profit in self._db.execute(settled, (since,)):
            earlier[account] = earlier.get(account, Decimal(0)) + Decimal(profit)
        moved = 'SELECT "order", account, state, at, cause FROM order_events WHERE at >= ? ORDER BY seq'
        latches = self.latches()
        return Past(
            tuple(order_of(row) for row in rows),
            earlier,
            holding(latches),
            {latch.scope: latch.at for latch in latches if not latch.on},
            tuple(Move(*row) for row in self._db.execute(moved, (at - MOVED,))),
            tuple(self._awaited()),
        )

    def _awaited(self) -> Iterator[Awaited]:
        """The bars whose contracts had not ended when the last decision was made."""
        last = self.last_moment()
        known: set[Awaited] = set()
        for key in keys_of(self._db) if last is not None else ():
            asked = (*key, (last or 0) - 2 * key.tf - LATE, (last or 0) - key.tf - LATE)
            found = {Awaited(key.product, key.tf, *row) for row in self._db.execute(UNSETTLED, asked)}
            yield from sorted(found - known, key=lambda each: each.bar)
            known |= found

    def last_moment(self) -> int | None:
        """The latest moment it knows of; None while it is empty."""
        newest = "SELECT at FROM decisions WHERE account = ? AND product = ? AND tf = ? ORDER BY bar DESC LIMIT 1"
        found = [self._db.execute(newest, key).fetchone()[0] for key in keys_of(self._db)]
        ordered = self._db.execute("SELECT max(at) FROM orders").fetchone()[0]
        return max(found if ordered is None else [*found, ordered], default=None)

    def close(self) -> None:
        self.commit()
        self._db.close()

    @contextmanager
    def _writing(self) -> Generator[sqlite3.Connection]:
        """One transaction: what was decided meanwhile, and what the caller adds."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany(INSERT_DECISION, self._decided)
            self._db.executemany(INSERT_FEATURE, self._features)
            self._db.executemany(INSERT_OUTCOME, self._outcomes)
            yield self._db
            self._db.execute("COMMIT")
        except sqlite3.Error as failure:
            raise LedgerError(
                f"the ledger {self.path} cannot be written ({failure}); nothing more is sent"
            ) from failure
        for written in (self._decided, self._features, self._outcomes):
            written.clear()

    def _changes(self) -> int:
        """A number that is another one once somebody else has written."""
        number: int = self._db.execute("PRAGMA data_version").fetchone()[0]
        return number


def holding(latches: Iterable[Latch]) -> tuple[Latch, ...]:
    """Of latches in the order in which they were set and released, those that hold: the first stop of each scope."""
    held: dict[str, Latch] = {}
    for latch in latches:
        if latch.on:
            held.setdefault(latch.scope, latch)
        else:
            held.pop(latch.scope, None)
    return tuple(held[scope] for scope in sorted(held))


def _write_event(db: sqlite3.Connection, order: Order) -> None:
    columns = '("order", account, at, state, reason, cause)'
    values = (order.order, order.account, order.at, order.state, order.reason, order.cause)
    db.execute(f"INSERT INTO order_events {columns} VALUES (?, ?, ?, ?, ?, ?)", values)  # noqa: S608
