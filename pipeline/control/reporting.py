"""What the trades of a running flow prove, and how little."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec import Struct

from pipeline.control.errors import Refused
from pipeline.control.routing import Route
from pipeline.errors import InputError
from pipeline.plan import Plan
from pipeline.reporting.kept import report_kept
from pipeline.reporting.sections import BRIEF, SECTIONS
from pipeline.told.reports import ReportTold
from pipeline.told.words import Name

FRESH = 2.0
"""Seconds for which a report is given again, at the least."""
TIMES = 10
"""And so many times as long as it took to make: however many ask, it takes a tenth of a processor at the most."""
KEPT = 32
"""So many different questions are remembered."""


class ReportAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """Of which account, all when it is left out; `full` says of each key as much as of the totals."""

    account: Name = ""
    full: bool = False


@dataclass(frozen=True, slots=True)
class Made:
    """A report, until when it is given again, and of which plan it is."""

    told: ReportTold
    until: float
    plan: Plan


class Reports:
    """Makes reports of the ledger beside the flow, one at a time, and gives each to all who ask meanwhile."""

    def __init__(self, path: Path, plan: Callable[[], Plan]) -> None:
        self._path, self._plan = path, plan
        self._made: dict[ReportAsked, Made] = {}
        self._one = asyncio.Lock()
        self.made = 0
        """How many were made."""

    async def report(self, asked: ReportAsked, _: None) -> ReportTold:
        loop, plan = asyncio.get_running_loop(), self._plan()
        async with self._one:
            known = self._made.pop(asked, None)
            if known is None or known.plan is not plan or loop.time() >= known.until:
                begun = loop.time()
                told = await asyncio.to_thread(self._make, asked, plan)
                took = loop.time() - begun
                known = Made(told, loop.time() + max(FRESH, TIMES * took), plan)
                self.made += 1
            self._made[asked] = known  # the last one asked for is the last in it
            if len(self._made) > KEPT:
                del self._made[next(iter(self._made))]
            return known.told

    def _make(self, asked: ReportAsked, plan: Plan) -> ReportTold:
        try:
            report = report_kept(self._path, plan, asked.account or None, SECTIONS if asked.full else BRIEF)
        except InputError as wrong:
            raise Refused("NOT_FOUND", str(wrong)) from None
        facts: dict[str, Any] = json.loads(json.dumps(report.as_json(), default=str))  # as the verb prints them
        return ReportTold(
            version=facts["version"],
            note=facts["note"],
            stamps=tuple(facts["stamps"]),
            zone=facts["zone"],
            trials=facts["trials"],
            keys=tuple(facts["keys"]),
            totals=tuple(facts["totals"]),
        )


ROUTES = (
    Route(
        method="GET",
        path="/report",
        name="report",
        does="What the trades of the flow prove, and how little: of each key in short, of each kind of money whole.",
        call=Reports.report,
        query=ReportAsked,
        answer=ReportTold,
        refusals=("NOT_FOUND", "STORAGE"),
    ),
)
