"""The ledger's file: its tables, by version, and how a file comes from one version to the next."""

import sqlite3
from contextlib import suppress
from pathlib import Path

from pipeline.errors import InputError
from pipeline.ledger.backing import copied
from pipeline.ledger.emptied import left_by_earlier
from pipeline.ledger.failures import NoLedger, damaged, emptied, name_of, unusable

VERSION = 5
PATIENCE = 5_000
"""How long (ms) a writer waits for another one's transaction."""
LOG_KEPT = 4 << 20
"""Bytes of the log that stay on disk once all of it is in the ledger."""

ORDERS_AND_DECISIONS = """
CREATE TABLE orders (
  "order" TEXT PRIMARY KEY,
  account TEXT NOT NULL, product TEXT NOT NULL, tf INTEGER NOT NULL, bar INTEGER NOT NULL,
  direction TEXT NOT NULL CHECK (direction IN ('call', 'put')),
  stake TEXT NOT NULL, payout REAL NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('SENDING', 'OPEN', 'SETTLED', 'REJECTED', 'NOT_SENT', 'UNKNOWN')),
  at INTEGER NOT NULL, reason TEXT NOT NULL, contract TEXT NOT NULL, expiry INTEGER NOT NULL,
  result TEXT CHECK (result IN ('win', 'lose', 'push', 'canceled', 'abort')), profit TEXT NOT NULL,
  entry_ts INTEGER NOT NULL, entry REAL NOT NULL, exit_ts INTEGER NOT NULL, exit REAL NOT NULL,
  UNIQUE (account, product, tf, bar)
) STRICT;
CREATE INDEX orders_by_time ON orders (account, at);
CREATE TABLE order_events (
  seq INTEGER PRIMARY KEY, "order" TEXT NOT NULL REFERENCES orders, account TEXT NOT NULL,
  at INTEGER NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL
) STRICT;
CREATE TABLE decisions (
  account TEXT NOT NULL, product TEXT NOT NULL, tf INTEGER NOT NULL, bar INTEGER NOT NULL, at INTEGER NOT NULL,
  verdict TEXT NOT NULL, value REAL, threshold REAL, score REAL, direction INTEGER NOT NULL, payout REAL,
  "order" TEXT, gates TEXT NOT NULL,
  PRIMARY KEY (account, product, tf, bar)
) STRICT, WITHOUT ROWID;
"""
OUTCOMES_AND_LATCHES = """
CREATE TABLE outcomes (
  product TEXT NOT NULL, tf INTEGER NOT NULL, bar INTEGER NOT NULL, delay INTEGER NOT NULL,
  entry_ts INTEGER, entry REAL, exit_ts INTEGER, exit REAL, at INTEGER NOT NULL,
  PRIMARY KEY (product, tf, bar)
) STRICT, WITHOUT ROWID;
CREATE TABLE order_features (
  "order" TEXT NOT NULL, account TEXT NOT NULL, name TEXT NOT NULL, value REAL,
  PRIMARY KEY ("order", name)
) STRICT, WITHOUT ROWID;
CREATE TABLE latches (
  seq INTEGER PRIMARY KEY, scope TEXT NOT NULL, "on" INTEGER NOT NULL CHECK ("on" IN (0, 1)),
  at INTEGER NOT NULL, reason TEXT NOT NULL, by TEXT NOT NULL
) STRICT;
"""
CERTAINTY = """
CREATE TABLE orders_3 (
  "order" TEXT PRIMARY KEY,
  account TEXT NOT NULL, product TEXT NOT NULL, tf INTEGER NOT NULL, bar INTEGER NOT NULL,
  direction TEXT NOT NULL CHECK (direction IN ('call', 'put')),
  stake TEXT NOT NULL, payout REAL NOT NULL,
  state TEXT NOT NULL CHECK (state IN (
    'PREPARE', 'SEND', 'SEND_RETRY', 'CONFIRM', 'CONFIRM_RETRY', 'SETTLED', 'CANCELED', 'ABORT', 'UNKNOWN',
    'UNKNOWN_RESULT'
  )),
  at INTEGER NOT NULL, reason TEXT NOT NULL, contract TEXT NOT NULL, expiry INTEGER NOT NULL,
  result TEXT CHECK (result IN ('win', 'lose', 'push', 'canceled', 'abort')), profit TEXT NOT NULL,
  entry_ts INTEGER NOT NULL, entry REAL NOT NULL, exit_ts INTEGER NOT NULL, exit REAL NOT NULL,
  cause TEXT NOT NULL DEFAULT '' CHECK (cause IN ('', 'not_sent', 'rejected', 'absent', 'void')),
  request TEXT NOT NULL DEFAULT '',
  origin TEXT NOT NULL DEFAULT 'flow' CHECK (origin IN ('flow', 'external')),
  arming TEXT NOT NULL DEFAULT '',
  wanted_at INTEGER NOT NULL DEFAULT 0, sent_at INTEGER NOT NULL DEFAULT 0,
  taken_at INTEGER NOT NULL DEFAULT 0, ended_at INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO orders_3
SELECT "order", account, product, tf, bar, direction, stake, payout,
  CASE WHEN state = 'SETTLED' AND result IN ('canceled', 'abort') THEN 'CANCELED'
    WHEN state = 'SENDING' THEN 'SEND' WHEN state = 'OPEN' THEN 'CONFIRM'
    WHEN state IN ('REJECTED', 'NOT_SENT') THEN 'ABORT' ELSE state END,
  at, reason, contract, expiry, result, profit, entry_ts, entry, exit_ts, exit,
  CASE WHEN state = 'SETTLED' AND result IN ('canceled', 'abort') THEN 'void'
    WHEN state = 'REJECTED' THEN 'rejected' WHEN state = 'NOT_SENT' THEN 'not_sent' ELSE '' END,
  '', 'flow', '', bar + tf, 0, 0, CASE WHEN state IN ('SETTLED', 'REJECTED', 'NOT_SENT') THEN at ELSE 0 END
FROM orders;
DROP TABLE orders;
ALTER TABLE orders_3 RENAME TO orders;
CREATE UNIQUE INDEX orders_by_bar ON orders (account, product, tf, bar) WHERE origin = 'flow';
CREATE UNIQUE INDEX orders_by_request ON orders (account, request) WHERE request <> '';
CREATE UNIQUE INDEX orders_by_contract ON orders (account, contract) WHERE contract <> '';
CREATE INDEX orders_by_time ON orders (account, at);
CREATE TABLE order_events_3 (
  seq INTEGER PRIMARY KEY, "order" TEXT NOT NULL REFERENCES orders, account TEXT NOT NULL,
  at INTEGER NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL, cause TEXT NOT NULL DEFAULT ''
) STRICT;
INSERT INTO order_events_3
SELECT seq, "order", account, at,
  CASE state WHEN 'SENDING' THEN 'SEND' WHEN 'OPEN' THEN 'CONFIRM'
    WHEN 'REJECTED' THEN 'ABORT' WHEN 'NOT_SENT' THEN 'ABORT' ELSE state END,
  reason,
  CASE state WHEN 'REJECTED' THEN 'rejected' WHEN 'NOT_SENT' THEN 'not_sent' ELSE '' END
FROM order_events;
DROP TABLE order_events;
ALTER TABLE order_events_3 RENAME TO order_events;
CREATE INDEX order_events_by_order ON order_events ("order");
CREATE VIEW results AS
SELECT "order", account, product, tf, bar, direction, stake, payout, result, profit, entry_ts, entry, exit_ts, exit,
  wanted_at, sent_at, taken_at, ended_at
FROM orders WHERE state IN ('SETTLED', 'CANCELED');
CREATE TABLE accounts (
  account TEXT PRIMARY KEY, venue TEXT NOT NULL, currency TEXT NOT NULL, money TEXT NOT NULL, balance TEXT NOT NULL,
  since INTEGER NOT NULL
) STRICT;
CREATE TABLE reconciled (account TEXT PRIMARY KEY, until INTEGER NOT NULL, at INTEGER NOT NULL) STRICT;
CREATE TABLE certificates (
  seq INTEGER PRIMARY KEY, account TEXT NOT NULL, since INTEGER NOT NULL, as_of INTEGER NOT NULL, at INTEGER NOT NULL,
  intents INTEGER NOT NULL, contracts INTEGER NOT NULL,
  opening TEXT NOT NULL, profit TEXT NOT NULL, cash TEXT NOT NULL, stakes TEXT NOT NULL, closing TEXT,
  unexplained TEXT NOT NULL, gained TEXT NOT NULL, moved TEXT NOT NULL, held TEXT NOT NULL
) STRICT;
CREATE INDEX certificates_by_account ON certificates (account, seq);
CREATE TABLE cash (
  account TEXT NOT NULL, reference TEXT NOT NULL, at INTEGER NOT NULL, amount TEXT NOT NULL, what TEXT NOT NULL,
  PRIMARY KEY (account, reference)
) STRICT;
CREATE TABLE disputes (
  seq INTEGER PRIMARY KEY, "order" TEXT NOT NULL, account TEXT NOT NULL, at INTEGER NOT NULL,
  was TEXT NOT NULL, now TEXT NOT NULL
) STRICT;
CREATE TABLE verdicts (
  seq INTEGER PRIMARY KEY, "order" TEXT NOT NULL, account TEXT NOT NULL,
  outcome TEXT NOT NULL CHECK (outcome IN ('absent', 'win', 'lose', 'push', 'canceled')), profit TEXT NOT NULL,
  at INTEGER NOT NULL, by TEXT NOT NULL, reason TEXT NOT NULL, signature TEXT NOT NULL
) STRICT;
CREATE TABLE armings (
  seq INTEGER PRIMARY KEY, arming TEXT NOT NULL, account TEXT NOT NULL, at INTEGER NOT NULL, until INTEGER NOT NULL,
  by TEXT NOT NULL, reason TEXT NOT NULL, shown TEXT NOT NULL
) STRICT;
CREATE TABLE audits (
  "order" TEXT PRIMARY KEY, account TEXT NOT NULL, at INTEGER NOT NULL, verdict TEXT NOT NULL,
  result TEXT, entry_ts INTEGER, entry REAL, exit_ts INTEGER, exit REAL, reason TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE requests (
  seq INTEGER PRIMARY KEY, what TEXT NOT NULL, account TEXT NOT NULL, at INTEGER NOT NULL, by TEXT NOT NULL
) STRICT;
CREATE TABLE payouts (
  product TEXT NOT NULL, ts INTEGER NOT NULL, ratio REAL NOT NULL, PRIMARY KEY (product, ts)
) STRICT, WITHOUT ROWID;
CREATE TABLE metrics (
  at INTEGER NOT NULL, account TEXT NOT NULL, name TEXT NOT NULL, value REAL, PRIMARY KEY (at, account, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE configs (
  config TEXT PRIMARY KEY, at INTEGER NOT NULL, file TEXT NOT NULL, flow TEXT NOT NULL, code TEXT NOT NULL
) STRICT;
CREATE TABLE limits (
  config TEXT NOT NULL, guard TEXT NOT NULL, number INTEGER NOT NULL, rule TEXT NOT NULL,
  PRIMARY KEY (config, guard, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE lives (
  epoch INTEGER PRIMARY KEY, began INTEGER NOT NULL, ended INTEGER, config TEXT NOT NULL, mode TEXT NOT NULL,
  pid INTEGER NOT NULL, how TEXT NOT NULL
) STRICT;
CREATE TABLE trials (
  seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, what TEXT NOT NULL, config TEXT NOT NULL, begin INTEGER NOT NULL,
  "end" INTEGER NOT NULL, account TEXT NOT NULL, found TEXT NOT NULL
) STRICT;
"""
EARLY_CLOSE = """
ALTER TABLE requests ADD COLUMN "order" TEXT NOT NULL DEFAULT '';
CREATE TABLE unclosed (
  seq INTEGER PRIMARY KEY, "order" TEXT NOT NULL, account TEXT NOT NULL, at INTEGER NOT NULL, reason TEXT NOT NULL
) STRICT;
"""
KEYS = """
CREATE TABLE switches (
  seq INTEGER PRIMARY KEY, account TEXT NOT NULL, product TEXT NOT NULL, tf INTEGER NOT NULL,
  "on" INTEGER NOT NULL CHECK ("on" IN (0, 1)), at INTEGER NOT NULL, reason TEXT NOT NULL, by TEXT NOT NULL,
  only INTEGER NOT NULL CHECK (only IN (0, 1))
) STRICT;
CREATE TABLE key_lives (
  seq INTEGER PRIMARY KEY, account TEXT NOT NULL, product TEXT NOT NULL, tf INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('INIT', 'RUNNING', 'PAUSED', 'RELOAD', 'STOPPING', 'STOPPED')),
  at INTEGER NOT NULL, why TEXT NOT NULL, errors INTEGER NOT NULL, until INTEGER NOT NULL, orders INTEGER NOT NULL
) STRICT;
CREATE INDEX key_lives_by_key ON key_lives (account, product, tf, seq);
"""
STEPS = (ORDERS_AND_DECISIONS, OUTCOMES_AND_LATCHES, CERTAINTY, EARLY_CLOSE, KEYS)
"""What each version added to the one before."""


def opened(path: Path, patience: int = PATIENCE) -> sqlite3.Connection:
    """A connection to write by; the file is made, or brought to this version, in one transaction.

    It may be handed to another thread. What is in the log goes into the file when the last connection closes, or when
    a writer sees to it (`Checkpoints`), never by the way.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if (left := left_by_earlier(path)) is not None:
            raise emptied(path, left)
        if not path.exists() and path.name != ":memory:":
            path.touch(mode=0o600)  # whoever makes it, nobody else reads it; its log is made like it
        db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.Error) as failure:
        raise unusable(path, failure, patience) from failure
    try:
        db.execute(f"PRAGMA busy_timeout = {patience}")
        # EXTRA while the journal mode changes: the old journal's removal must be durable too.
        db.execute("PRAGMA synchronous = EXTRA")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA foreign_keys = ON")
        db.execute("PRAGMA wal_autocheckpoint = 0")
        db.execute(f"PRAGMA journal_size_limit = {LOG_KEPT}")
        if _version(db) != VERSION:
            _renew(db, path)
    except (OSError, sqlite3.Error) as failure:
        db.close()
        raise unusable(path, failure, patience) from failure
    return db


def remembered(path: Path) -> sqlite3.Connection:
    """A connection to read by beside the one that writes. The file is there already."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute(f"PRAGMA busy_timeout = {PATIENCE}")
    db.execute("PRAGMA query_only = ON")
    return db


def sound(db: sqlite3.Connection, path: Path) -> None:
    """Look through the whole file; raise when it is damaged."""
    try:
        (found,) = db.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as failure:
        raise unusable(path, failure, PATIENCE) from failure
    if found != "ok":
        raise damaged(path, found)


def readable(path: Path) -> sqlite3.Connection:
    """A connection to read by. It changes nothing."""
    if not path.exists():
        raise InputError(f"there is no ledger at {path}; run the flow first, or name another flow file")
    db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    db.row_factory = sqlite3.Row
    try:
        version = _version(db)
    except sqlite3.DatabaseError as failure:
        if name_of(failure) != "SQLITE_NOTADB":
            raise unusable(path, failure, PATIENCE) from failure
        raise InputError(f"{path} is no ledger ({failure}); name another flow file") from failure
    if version > VERSION:
        raise _newer(path, version)
    if version == 0:
        raise InputError(f"{path} is no ledger of this version; run the flow first, or name another flow file")
    if version < VERSION:
        raise InputError(
            f"{path} is a ledger of version {version}, this one reads {VERSION}; run the flow once, which renews it"
        )
    return db


def _renew(db: sqlite3.Connection, path: Path) -> None:
    """Whoever comes second finds it done: the version is read again once nobody else writes."""
    db.execute("PRAGMA foreign_keys = OFF")  # a table that others refer to is made anew
    db.execute("BEGIN IMMEDIATE")
    try:
        version = _version(db)
        if version > VERSION:
            raise _newer(path, version)
        if not version and (other := db.execute("SELECT name FROM sqlite_master").fetchone()):
            raise NoLedger(f"{path} is a database of something else (it has {other[0]}); name another folder")
        if 0 < version < VERSION:
            copied(path, version)
        for step in STEPS[version:]:
            for statement in filter(str.strip, step.split(";")):
                db.execute(statement)
        db.execute(f"PRAGMA user_version = {VERSION}")
        db.execute("COMMIT")
        db.execute("PRAGMA foreign_keys = ON")
    except BaseException:
        with suppress(sqlite3.Error):  # some failures have ended the transaction already
            db.execute("ROLLBACK")
        db.close()
        raise


def _version(db: sqlite3.Connection) -> int:
    version: int = db.execute("PRAGMA user_version").fetchone()[0]
    return version


def _newer(path: Path, version: int) -> InputError:
    return NoLedger(f"{path} was written by a newer version (schema {version}, this one knows {VERSION}); update first")
