"""The trials: each look at a flow's data that could have led to another flow is counted in its ledger.

Who tries often enough finds something that looks good by luck: how often it was tried belongs to every result.
"""

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from pipeline.ledger.tables import opened, readable
from pipeline.lives import config_of
from pipeline.plan import Plan


class Trial(NamedTuple):
    """What was tried with which flow on which span of its data, and what was found."""

    at: int
    what: str
    config: str
    begin: int
    end: int
    account: str
    found: Mapping[str, Any]


class Tried(NamedTuple):
    """How often a flow's data was looked at by one verb, and with how many flows."""

    what: str
    trials: int
    configs: int


def note_trial(ledger: Path, plan: Plan, at: int, what: str, span: tuple[int, int], found: Mapping[str, Any]) -> None:
    """Count a trial, for each account that it says something of, or once when it is about none."""
    by_account: Mapping[str, Any] = found if set(found) <= set(plan.accounts) and found else {"": found}
    config = config_of(plan)
    rows = [
        (at, what, config, *span, account, msgspec.json.encode(each, enc_hook=str).decode())
        for account, each in by_account.items()
    ]
    with closing(opened(ledger)) as db, db:
        db.execute("BEGIN IMMEDIATE")
        db.executemany(
            'INSERT INTO trials (at, what, config, begin, "end", account, found) VALUES (?, ?, ?, ?, ?, ?, ?)', rows
        )


def trials_in(ledger: Path) -> list[Trial]:
    """All of them, in order."""
    asked = 'SELECT at, what, config, begin, "end", account, found FROM trials ORDER BY seq'
    with closing(readable(ledger)) as db:
        return [Trial(*row[:-1], found=msgspec.json.decode(row["found"])) for row in db.execute(asked)]


def tried(ledger: Path) -> list[Tried]:
    """How often each verb looked: a trial of several accounts is one."""
    asked = "SELECT what, count(DISTINCT at), count(DISTINCT config) FROM trials GROUP BY what ORDER BY what"
    with closing(readable(ledger)) as db:
        return [Tried(*row) for row in db.execute(asked)]
