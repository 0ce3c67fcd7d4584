"""What a start leaves in the ledger: the accounts, the flow as it was written, its limits, and the life that began.

A life is one run of the program, by the machine's own clock. One that is found open at the next start was killed: it
could not say how it ended. Several of those within minutes are a loop that trades by accident: the next life only looks
on until somebody has looked at it.
"""

import sqlite3
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from pipeline.errors import MoonlightError
from pipeline.journal import code_hash
from pipeline.ledger.failures import unusable
from pipeline.ledger.tables import PATIENCE, opened
from pipeline.masking import masked
from pipeline.plan import Plan
from pipeline.times import MINUTE
from pipeline.values import Latch

LOOP, WITHIN = 5, 5 * MINUTE
"""So many lives that began within this time and were killed are a loop."""
ASKED, KILLED = "asked", "killed"
COUNTED = "killed, and stopped for it"
"""A life of a loop that a stop was set for: the next loop is counted from after it."""
STOPPED_FOR = f"restarted {LOOP} times in {WITHIN // MINUTE} minutes"
BY = "run"


@dataclass(frozen=True, slots=True)
class Life:
    """One run of the program. Lives are counted by their epochs."""

    epoch: int
    config: str
    looping: bool
    """It is the last of a loop: nothing may be traded until somebody has looked."""

    def stop(self, at: int) -> Latch:
        """The stop of everybody that a loop is answered with, at a moment of the flow."""
        return Latch("", True, at, STOPPED_FOR, BY)


def config_of(plan: Plan) -> str:
    """The name of a flow as it is written, run by the code as it is: another one when either changes."""
    return _named(plan, code_hash())


@contextmanager
def living(path: Path, plan: Plan, pid: int, now: Callable[[], int]) -> Generator[Life]:
    """A life in the ledger of a path, from its begin to its end; `now` is the machine's clock (ms)."""
    life = begun(path, plan, pid, now())
    try:
        yield life
    except BaseException as failure:
        try:
            ended(path, life, now(), f"failed: {masked(str(failure)) or type(failure).__name__}")
        except (sqlite3.Error, MoonlightError) as again:
            failure.add_note(f"nor could the ledger be told of it: {again}")
        raise
    ended(path, life, now(), ASKED)


def begun(path: Path, plan: Plan, pid: int, at: int) -> Life:
    """Write what a start leaves, in one transaction; lives still open are known as killed from now on."""
    code = code_hash()
    config = _named(plan, code)
    with _writing(path) as db, db:
        db.execute("BEGIN IMMEDIATE")
        db.execute("UPDATE lives SET how = ? WHERE ended IS NULL AND how = ''", (KILLED,))
        looping = _looping(db, at)
        _describe(db, plan, config, code, at)
        made = db.execute(
            "INSERT INTO lives (began, config, mode, pid, how) VALUES (?, ?, ?, ?, '')",
            (at, config, plan.settings.mode, pid),
        )
    return Life(made.lastrowid or 0, config, looping)


def changed(path: Path, plan: Plan, at: int) -> None:
    """The newest life goes on by another plan: its text is kept, and is what that life ran last."""
    code = code_hash()
    config = _named(plan, code)
    with _writing(path) as db, db:
        db.execute("BEGIN IMMEDIATE")
        _describe(db, plan, config, code, at)
        db.execute("UPDATE lives SET config = ? WHERE epoch = (SELECT max(epoch) FROM lives)", (config,))


def ended(path: Path, life: Life, at: int, how: str) -> None:
    with _writing(path) as db:
        db.execute("UPDATE lives SET ended = ?, how = ? WHERE epoch = ?", (at, how, life.epoch))


@contextmanager
def _writing(path: Path) -> Generator[sqlite3.Connection]:
    """A connection to write by; what keeps it from writing is told in a sentence."""
    with closing(opened(path)) as db:
        try:
            yield db
        except sqlite3.Error as failure:
            raise unusable(path, failure, PATIENCE) from failure


def _looping(db: sqlite3.Connection, at: int) -> bool:
    loop = "FROM lives WHERE how = ? AND began > ? AND began <= ?"
    asked = (KILLED, at - WITHIN, at)
    (killed,) = db.execute(f"SELECT count(*) {loop}", asked).fetchone()
    if killed < LOOP:
        return False
    db.execute(f"UPDATE lives SET how = ? WHERE epoch IN (SELECT epoch {loop})", (COUNTED, *asked))  # noqa: S608
    return True


def _describe(db: sqlite3.Connection, plan: Plan, config: str, code: str, at: int) -> None:
    """The flow as it is run, and whose accounts it has; what is known already stays."""
    db.execute(
        "INSERT INTO configs VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (config, at, plan.file, plan.source.text, code),
    )
    for node in plan.of("risk"):
        rules: list[str] = node.instance.rules() if hasattr(node.instance, "rules") else []
        rows = ((config, node.id, number, rule) for number, rule in enumerate(rules, 1))
        db.executemany("INSERT INTO limits VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", rows)
    accounts = (
        (name, each.venue, each.currency, each.money, str(each.balance), at) for name, each in plan.accounts.items()
    )
    db.executemany(
        "INSERT INTO accounts VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (account) DO UPDATE SET "
        "venue = excluded.venue, currency = excluded.currency, money = excluded.money, balance = excluded.balance",
        accounts,
    )


def _named(plan: Plan, code: str) -> str:
    return blake2b(f"{code}\0{plan.source.text}".encode(), digest_size=8).hexdigest()
