"""Who writes the log of a running flow."""

import os
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.flow import Flow
from pipeline.live import wall
from pipeline.logs.book import LogBook
from pipeline.logs.files import LogFile, last_number
from pipeline.logs.levels import Levels
from pipeline.logs.overhearing import Overhearing
from pipeline.logs.records import Said
from pipeline.logs.settings import Logs
from pipeline.logs.speaking import Speaking
from pipeline.logs.writing import EDGE, LogWriter
from pipeline.plan import Plan
from pipeline.telemetry.edges import Edge
from pipeline.watch import own_version

MEGABYTE = 1_000_000


class Logging:
    """A companion of the flow; its `book` may be asked at any time."""

    name = "logs"

    def __init__(self, plan: Plan, clock: Callable[[], int] = wall) -> None:
        self._plan, self._settings = plan, plan.logs
        folder = plan.folder / plan.logs.folder
        self._levels = Levels(plan.logs.level, plan.logs.modules)
        self.book = LogBook(self._levels, clock, last_number(folder))
        self._file = LogFile(folder, wall=clock, **_limits(plan.logs))
        self._writer = LogWriter(self._file, self.book)
        self._speaking = Speaking(ZoneInfo(plan.settings.display_timezone), self.book.keeps)
        self._begun = False
        self._early: list[Said] = []
        """What was said before the flow began: its first word comes first."""
        self._why = ""
        """Why the flow ended by itself."""
        self._held = ExitStack()

    def opens(self) -> None:
        """Before the flow is built."""
        overhearing = self._held.enter_context(Overhearing(self.book))
        self.book.on_levels(overhearing.listen)
        self._held.callback(self.book.subscribe(self._writer.put))
        self._writer.start()

    def told(self, node: str, value: Any) -> None:
        for said in self._speaking.of(node, value):
            if self._begun:
                self.book.take(said)
            else:
                self._early.append(said)

    def begins(self, flow: Flow) -> None:
        self.begins_at(flow.border.now)
        writer = self._writer
        flow.border.panel.edges.add(
            Edge("logs", lambda: writer.waiting, EDGE, "drops_oldest", dropped=lambda: writer.lost)
        )

    def begins_at(self, now: Callable[[], int]) -> None:
        """The flow has begun, and this is its clock."""
        self.book.now = now
        self._begun = True
        plan = self._plan
        keys = f"{len(plan.accounts)} accounts, {len(plan.products)} products, {len(plan.of('provider'))} providers"
        what = f"{own_version()} runs {plan.name} in mode {plan.settings.mode}: {keys}; process {os.getpid()}"
        self.book.say("info", "engine", f"Moonlight {what}")
        self._say_early()

    def changed(self, plan: Plan) -> None:
        """The flow goes on by another plan."""
        before, self._plan, self._settings = self._settings, plan, plan.logs
        if plan.logs != before:
            self._levels.begin_anew(plan.logs.level, plan.logs.modules)
            self._file.limit(**_limits(plan.logs))

    async def attend(self) -> None:
        """The writer attends by itself."""

    async def ends(self, why: str) -> None:
        """The last word comes when all else has ended."""
        self._why = why

    def closes(self, failure: BaseException | None) -> None:
        """After all else has ended, whatever became of it."""
        self._say_early()
        why = self._why if failure is None else str(failure) or type(failure).__name__
        self.book.say("error" if why else "info", "engine", f"ends: {why}" if why else "ends")
        self._held.close()
        self._writer.close()

    def _say_early(self) -> None:
        early, self._early = self._early, []
        for said in early:
            self.book.take(said)


def _limits(logs: Logs) -> dict[str, int]:
    return {"rotate_bytes": logs.rotate_mb * MEGABYTE, "keep_files": logs.keep_files, "keep_days": logs.keep_days}
