"""The trials: each look at a flow's data that could have led to another flow is counted in its ledger.

Who tries often enough finds something that looks good by luck: how often it was tried belongs to every result.
"""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec

from pipeline.ledger.failures import unusable
from pipeline.ledger.tables import PATIENCE, opened, readable
from pipeline.lives import config_of
from pipeline.plan import Plan
from pipeline.statistics.evidence import Evidence
from pipeline.statistics.shares import factor


class Trial(NamedTuple):
    """What was tried with which flow on which span of its data, and what was found."""

    at: int
    what: str
    config: str
    begin: int
    end: int
    account: str
    found: Mapping[str, Any]


class Tries(NamedTuple):
    """How often a flow's data was looked at: the trials of each verb, and how many flows were tried."""

    trials: Mapping[str, int] = MappingProxyType({})
    flows: int = 0

    def told(self) -> list[str]:
        """One sentence; none where nothing was tried."""
        if not self.trials:
            return []
        said = " and ".join(f"{count:,} by `{what}`" for what, count in self.trials.items())
        flows = "one flow" if self.flows == 1 else f"{self.flows:,} flows"
        told = f"tried on this data: {said}, with {flows}"
        if self.flows > 1:
            told += f"; of the best of {self.flows:,}, ×{factor(self.enough)} is evidence enough, less is luck"
        return [told]

    @property
    def enough(self) -> float:
        """The evidence that the best of so many must have: as much as one, for each that could have been it."""
        return max(1, self.flows) * Evidence().threshold

    def as_json(self) -> dict[str, Any]:
        return {"by_verb": dict(self.trials), "flows": self.flows, "evidence_enough": self.enough}


UNTRIED = Tries()


def note_trial(ledger: Path, plan: Plan, at: int, what: str, span: tuple[int, int], found: Mapping[str, Any]) -> None:
    """Count a trial, for each account that it says something of, or once when it is about none."""
    by_account: Mapping[str, Any] = found if set(found) <= set(plan.accounts) and found else {"": found}
    config = config_of(plan)
    rows = [
        (at, what, config, *span, account, msgspec.json.encode(each, enc_hook=str).decode())
        for account, each in by_account.items()
    ]
    try:
        with closing(opened(ledger)) as db, db:
            db.execute("BEGIN IMMEDIATE")
            db.executemany(
                'INSERT INTO trials (at, what, config, begin, "end", account, found) VALUES (?, ?, ?, ?, ?, ?, ?)', rows
            )
    except sqlite3.Error as failure:
        raise unusable(ledger, failure, PATIENCE) from failure


def trials_in(ledger: Path) -> list[Trial]:
    """All of them, in order."""
    asked = 'SELECT at, what, config, begin, "end", account, found FROM trials ORDER BY seq'
    with closing(readable(ledger)) as db:
        return [Trial(*row[:-1], found=msgspec.json.decode(row["found"])) for row in db.execute(asked)]


def tries_in(ledger: Path) -> Tries:
    """How often each verb looked. A trial of several accounts is one."""
    asked = "SELECT what, count(DISTINCT at) FROM trials GROUP BY what ORDER BY what"
    with closing(readable(ledger)) as db:
        (flows,) = db.execute("SELECT count(DISTINCT config) FROM trials").fetchone()
        return Tries(dict(db.execute(asked)), flows)
