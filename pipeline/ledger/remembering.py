"""What a flow that begins must remember, from its ledger."""

import sqlite3
from collections.abc import Iterable, Iterator
from decimal import Decimal

import msgspec

from pipeline.ledger.rows import (
    SELECT_ARMING,
    SELECT_LATCH,
    SELECT_LIVES,
    SELECT_ORDER,
    SELECT_SWITCHED,
    arming_of,
    keys_of,
    latch_of,
    life_of,
    order_of,
    switched_of,
)
from pipeline.lifecycle import in_force
from pipeline.times import DAY, MINUTE
from pipeline.values import Arming, Awaited, Certificate, Key, Latch, Life, Move, Past, Switched

PAST = 31 * DAY
"""How far back orders are given again at a start: limits and rests count what came about within a month."""
MOVED = 2 * DAY
"""How far back it is told what became of orders, and when."""
AUDITED = 2 * DAY
"""How far back contracts that ended are audited that were not before the program did."""
LATE = 10 * MINUTE
"""How much later than its slot's end a contract may be known to have ended, with its delay and its prices' silence."""

UNSETTLED = """
SELECT bar, at FROM decisions AS decided
WHERE account = ? AND product = ? AND tf = ? AND bar >= ? AND at >= ? AND NOT EXISTS (
  SELECT 1 FROM outcomes WHERE product = decided.product AND tf = decided.tf AND bar = decided.bar
)
"""
NEWEST = "SELECT bar, at FROM decisions WHERE account = ? AND product = ? AND tf = ? ORDER BY bar DESC LIMIT 1"
MOVES_SINCE = 'SELECT "order", account, state, at, cause FROM order_events WHERE at >= ? ORDER BY seq'
GAINED = "SELECT account, profit FROM orders WHERE state IN ('SETTLED', 'CANCELED') AND at < ?"
UNAUDITED = """
SELECT "order" FROM orders WHERE state IN ('SETTLED', 'CANCELED') AND expiry > 0 AND at >= ?
AND "order" NOT IN (SELECT "order" FROM audits) ORDER BY at, "order"
"""
LAST_OF_EACH = "(SELECT max(seq) FROM {} GROUP BY account)"
CERTIFICATE = Certificate.__struct_fields__
SELECT_CERTIFICATE = f"SELECT {', '.join(CERTIFICATE)} FROM certificates"  # noqa: S608  # our own names


def past_of(db: sqlite3.Connection, at: int) -> Past:
    """What a flow that begins at `at` must remember, all of one moment of the ledger."""
    db.execute("BEGIN")
    try:
        return _past_of(db, at)
    finally:
        db.execute("COMMIT")


def _past_of(db: sqlite3.Connection, at: int) -> Past:
    since = at - PAST
    unended = "state NOT IN ('SETTLED', 'CANCELED', 'ABORT')"
    orders = db.execute(f"{SELECT_ORDER} WHERE at >= ? OR {unended} ORDER BY at, bar, product, account", (since,))
    earlier: dict[str, Decimal] = {}
    for account, profit in db.execute(GAINED, (since,)):
        earlier[account] = earlier.get(account, Decimal(0)) + Decimal(profit)
    latches = latches_in(db)
    cash = "SELECT account, reference, at, amount FROM cash ORDER BY account, at, reference"
    keys = tuple(keys_of(db))
    return Past(
        orders=tuple(order_of(row) for row in orders),
        earlier_profit=earlier,
        latches=holding(latches),
        released={latch.scope: latch.at for latch in latches if not latch.on},
        moves=tuple(Move(*row) for row in db.execute(MOVES_SINCE, (at - MOVED,))),
        awaited=tuple(_awaited(db, keys)),
        reconciled=dict(db.execute("SELECT account, until FROM reconciled ORDER BY account").fetchall()),
        armings=last_armings(db),
        certificates=last_certificates(db),
        decided=tuple((key.account, key.product, key.tf, db.execute(NEWEST, key).fetchone()[0]) for key in keys),
        cash=tuple((*row[:3], Decimal(row[3])) for row in db.execute(cash)),
        unaudited=tuple(name for (name,) in db.execute(UNAUDITED, (at - AUDITED,))),
        switched=switches_in(db),
        lives=last_lives(db),
    )


def latches_in(db: sqlite3.Connection) -> list[Latch]:
    """Every stop and every release, in order."""
    return [latch_of(row) for row in db.execute(f"{SELECT_LATCH} ORDER BY seq")]


def switches_in(db: sqlite3.Connection) -> tuple[Switched, ...]:
    """Who started and stopped keys, as far as it still says something of one, in order."""
    return in_force(switched_of(row) for row in db.execute(f"{SELECT_SWITCHED} ORDER BY seq"))


def last_lives(db: sqlite3.Connection) -> tuple[Life, ...]:
    """What became last of each key's life."""
    return tuple(life_of(tuple(row)) for row in db.execute(SELECT_LIVES))


def last_armings(db: sqlite3.Connection) -> tuple[Arming, ...]:
    """The last one of each account."""
    asked = f"{SELECT_ARMING} WHERE seq IN {LAST_OF_EACH.format('armings')} ORDER BY account"
    return tuple(arming_of(row) for row in db.execute(asked))


def last_certificates(db: sqlite3.Connection) -> tuple[Certificate, ...]:
    """The last one of each account."""
    asked = f"{SELECT_CERTIFICATE} WHERE seq IN {LAST_OF_EACH.format('certificates')} ORDER BY account"
    return tuple(_certificate_of(tuple(row)) for row in db.execute(asked))


def last_moment_of(db: sqlite3.Connection) -> int | None:
    """The latest moment it knows of; None while it is empty."""
    found = [db.execute(NEWEST, key).fetchone()[1] for key in keys_of(db)]
    ordered = db.execute("SELECT max(at) FROM orders").fetchone()[0]
    return max(found if ordered is None else [*found, ordered], default=None)


def holding(latches: Iterable[Latch]) -> tuple[Latch, ...]:
    """Of latches in the order in which they were set and released, those that hold: the first stop of each scope."""
    held: dict[str, Latch] = {}
    for latch in latches:
        if latch.on:
            held.setdefault(latch.scope, latch)
        else:
            held.pop(latch.scope, None)
    return tuple(held[scope] for scope in sorted(held))


def _awaited(db: sqlite3.Connection, keys: Iterable[Key]) -> Iterator[Awaited]:
    """The bars whose contracts had not ended when the last decision was made."""
    last = last_moment_of(db)
    known: set[Awaited] = set()
    for key in keys if last is not None else ():
        asked = (*key, (last or 0) - 2 * key.tf - LATE, (last or 0) - key.tf - LATE)
        found = {Awaited(key.product, key.tf, *row) for row in db.execute(UNSETTLED, asked)}
        yield from sorted(found - known, key=lambda each: each.bar)
        known |= found


def _certificate_of(row: tuple[object, ...]) -> Certificate:
    facts = dict(zip(CERTIFICATE, row, strict=True))
    facts["unexplained"] = msgspec.json.decode(str(facts["unexplained"]))
    return msgspec.convert(facts, Certificate, strict=False)
