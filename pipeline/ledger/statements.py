"""What is written into a ledger: works, each of which is one thing done whole or not at all."""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec

from pipeline.certainty.signing import FIRST, signature_of
from pipeline.evidence import Cash, Dispute, Measured, Noted, Offered, Reconciled, Request, Verdict
from pipeline.ledger.rows import COLUMNS, NAMES, noted_row, order_row
from pipeline.orders import MOVES
from pipeline.values import Arming, Latch, Order, Switched

MARKS = ", ".join("?" * len(COLUMNS))
INSERT_ORDER = f"INSERT INTO orders ({NAMES}) VALUES ({MARKS}) ON CONFLICT DO NOTHING"  # noqa: S608  # our own names
UPDATE_ORDER = f'UPDATE OR IGNORE orders SET ({NAMES}) = ({MARKS}) WHERE "order" = ?'  # noqa: S608
SELECT_KNOWN = f'SELECT {NAMES} FROM orders WHERE "order" = ?'  # noqa: S608
INSERT_EVENT = 'INSERT INTO order_events ("order", account, at, state, reason, cause) VALUES (?, ?, ?, ?, ?, ?)'
INSERT_DECISION = f"INSERT INTO decisions VALUES ({', '.join('?' * 13)}) ON CONFLICT DO NOTHING"  # noqa: S608
INSERT_OUTCOME = f"INSERT INTO outcomes VALUES ({', '.join('?' * 9)}) ON CONFLICT DO NOTHING"  # noqa: S608
INSERT_FEATURE = "INSERT INTO order_features VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
INSERT_METRIC = "INSERT INTO metrics VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
INSERT_PAYOUT = "INSERT INTO payouts VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
INSERT_LATCH = 'INSERT INTO latches (scope, "on", at, reason, by) VALUES (?, ?, ?, ?, ?)'
INSERT_SWITCHED = """
INSERT INTO switches (account, product, tf, "on", at, reason, by, only) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
INSERT_ARMING = "INSERT INTO armings (arming, account, at, until, by, reason, shown) VALUES (?, ?, ?, ?, ?, ?, ?)"
INSERT_VERDICT = """
INSERT INTO verdicts ("order", account, outcome, profit, at, by, reason, signature)
SELECT "order", account, ?, ?, ?, ?, ?, ? FROM orders WHERE "order" = ?
"""
LAST_SIGNATURE = "SELECT signature FROM verdicts ORDER BY seq DESC LIMIT 1"
INSERT_REQUEST = 'INSERT INTO requests (what, account, at, by, "order") VALUES (?, ?, ?, ?, ?)'
INSERT_DISPUTE = """
INSERT INTO disputes ("order", account, at, was, now) SELECT ?1, ?2, ?3, ?4, ?5
WHERE NOT EXISTS (SELECT 1 FROM disputes WHERE "order" = ?1 AND account = ?2 AND was = ?4 AND now = ?5)
"""
RECONCILED = """
INSERT INTO reconciled (account, until, at) VALUES (?, ?, ?) ON CONFLICT (account)
DO UPDATE SET until = excluded.until, at = excluded.at WHERE excluded.until >= until
"""
CASH = "INSERT INTO cash (account, reference, at, amount, what) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
SAME_CASH = "SELECT at, amount, what FROM cash WHERE account = ? AND reference = ?"
RIVAL = """
SELECT "order", state FROM orders WHERE account = ?1 AND "order" <> ?2 AND (
  (product = ?3 AND tf = ?4 AND bar = ?5 AND origin = 'flow' AND ?6 = 'flow')
  OR (request = ?7 AND ?7 <> '') OR (contract = ?8 AND ?8 <> '')
)
"""
NEWER = "SELECT max(epoch) FROM lives"


class Kept(NamedTuple):
    """Rows that wait for the next transaction, and the statement that writes them."""

    insert: str
    rows: list[Sequence[Any]]


def newest_life(db: sqlite3.Connection) -> int:
    """The epoch of the engine that began last; 0 while none ever did."""
    epoch: int | None = db.execute(NEWER).fetchone()[0]
    return epoch or 0


def write_kept(db: sqlite3.Connection, kept: Iterable[Kept]) -> None:
    for each in kept:
        db.executemany(each.insert, each.rows)


def intended(db: sqlite3.Connection, order: Order) -> bool:
    """Whether this is the first order for its bar; then it is recorded."""
    fresh = bool(db.execute(INSERT_ORDER, order_row(order)).rowcount)
    if fresh:
        _write_event(db, order)
    return fresh


def followed(db: sqlite3.Connection, order: Order) -> Dispute | None:
    """What became of an order, when that can have become of it; otherwise what speaks against it, which is kept too.

    One never sent is added. The same told once more changes nothing.
    """
    row = order_row(order)
    known = db.execute(SELECT_KNOWN, (order.order,)).fetchone()
    if known == row:
        return None
    if known is None:
        written = db.execute(INSERT_ORDER, row).rowcount
    elif order.state in MOVES[known[STATE]] and order.sent_at >= known[SENT_AT]:
        written = db.execute(UPDATE_ORDER, (*row, order.order)).rowcount
    else:
        written = 0
    if written:
        _write_event(db, order)
        return None
    return disputed(db, order)


STATE, SENT_AT = COLUMNS.index("state"), COLUMNS.index("sent_at")


def disputed(db: sqlite3.Connection, order: Order) -> Dispute | None:
    """Record that something is told of an order that cannot be, unless that is known."""
    key = (order.product, order.tf, order.bar)
    rival = db.execute(
        RIVAL, (order.account, order.order, *key, order.origin, order.request, order.contract)
    ).fetchone()
    known = db.execute('SELECT "order", state FROM orders WHERE "order" = ?', (order.order,)).fetchone()
    was = " is ".join(rival or known or (order.order, "unknown"))
    now = f"{order.state}{f', {order.reason}' if order.reason else ''}"
    return _told(db, Dispute(order.order, order.account, order.at, was, now))


def noted(db: sqlite3.Connection, value: Noted) -> Dispute | None:
    """Record what makes orders certain. Money under a reference that is known for other money is a dispute."""
    match value:
        case Reconciled():
            db.execute(RECONCILED, msgspec.structs.astuple(value))
        case Dispute():
            _told(db, value)
        case Cash():
            return _cash(db, value)
        case Measured():
            db.executemany(INSERT_METRIC, [(value.at, value.account, *each) for each in value.values.items()])
        case Offered():
            db.executemany(INSERT_PAYOUT, value.rows)
        case _:
            insert, row = noted_row(value)
            db.execute(insert, row)
    return None


def latched(db: sqlite3.Connection, latch: Latch) -> int:
    return _number(db.execute(INSERT_LATCH, msgspec.structs.astuple(latch)))


def switched(db: sqlite3.Connection, value: Switched) -> int:
    row = (*msgspec.structs.astuple(value.scope), value.on, value.at, value.reason, value.by, value.only)
    return _number(db.execute(INSERT_SWITCHED, row))


def armed(db: sqlite3.Connection, arming: Arming, shown: str) -> int:
    return _number(db.execute(INSERT_ARMING, (*msgspec.structs.astuple(arming), shown)))


def signed(db: sqlite3.Connection, verdict: Verdict) -> int | None:
    """The number of the row, which is signed as the one after those before it; None when there is no such order."""
    before: tuple[str] = db.execute(LAST_SIGNATURE).fetchone() or (FIRST,)
    signature = signature_of(verdict, *before)
    row = (verdict.outcome, str(verdict.profit), verdict.at, verdict.by, verdict.reason, signature, verdict.order)
    made = db.execute(INSERT_VERDICT, row)
    return _number(made) if made.rowcount else None


def requested(db: sqlite3.Connection, request: Request) -> int:
    return _number(db.execute(INSERT_REQUEST, msgspec.structs.astuple(request)))


def _cash(db: sqlite3.Connection, cash: Cash) -> Dispute | None:
    told = (cash.at, str(cash.amount), cash.what)
    if db.execute(CASH, (cash.account, cash.reference, *told)).rowcount:
        return None
    known = db.execute(SAME_CASH, (cash.account, cash.reference)).fetchone()
    if known == told:
        return None
    said = (f"{cash.reference} of {amount} ({what}) at {at}" for at, amount, what in (known, told))
    return _told(db, Dispute("", cash.account, cash.at, *said))


def _told(db: sqlite3.Connection, dispute: Dispute) -> Dispute | None:
    """A dispute, when it is news."""
    return dispute if db.execute(INSERT_DISPUTE, msgspec.structs.astuple(dispute)).rowcount else None


def _write_event(db: sqlite3.Connection, order: Order) -> None:
    values = (order.order, order.account, order.at, order.state, order.reason, order.cause)
    db.execute(INSERT_EVENT, values)


def _number(made: sqlite3.Cursor) -> int:
    return made.lastrowid or 0
