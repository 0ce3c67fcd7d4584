"""The flow's file where it is: at the engine that runs it, or on disk while none does."""

import asyncio
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast

from pipeline.changes.flow_file import FlowFile
from pipeline.changes.versions import hash_of, versions
from pipeline.control.config import Config, Edit, Edited, History, Proposed, VersionRow, VersionText
from pipeline.engine import LEDGER_FILE
from pipeline.errors import InputError, MoonlightError, PlanError
from pipeline.live import LOCK_FILE
from pipeline.locking import locked
from pipeline.plan import Settings
from pipeline.toml_text import read
from tui.asking import Engine
from tui.door import Unreachable

Whose = Literal["engine", "disk", "silent"]
"""Who keeps the text: an engine, or the disk alone; silent: an engine that does not answer, so nothing is written."""
PLANNED_WITHIN, APPLIED_WITHIN = 60.0, 150.0
"""Seconds an engine may take to say what an edit would do, and to do it: between two bars, after its proof."""
MOST = 20


class Known(NamedTuple):
    """What the file says, and whose it is."""

    text: str
    hash: str
    running: str
    """The hash of what runs; "" where nothing does."""
    whose: Whose
    why: str = ""
    """Why it is not the engine's."""


class FlowText:
    """Reads and writes the file of one flow."""

    def __init__(self, engine: Engine, flow: Path) -> None:
        self._engine, self._flow = engine, flow

    async def read(self) -> Known:
        try:
            told = await self._engine.get("/config", Config)
        except Unreachable as away:
            return await asyncio.to_thread(self._on_disk, str(away))
        return Known(told.text, told.hash, told.running, "engine")

    async def plan(self, text: str) -> Proposed:
        """What the engine would do with a text."""
        return await self._engine.post("/plan", Proposed, Edit(text=text), patience=PLANNED_WITHIN)

    async def apply(self, text: str, over: Known) -> Edited:
        """Have the engine run a text in the place of the one that is known."""
        headers = {"If-Match": f'"{over.hash}"'}
        return await self._engine.put("/config", Edited, Edit(text=text), headers, patience=APPLIED_WITHIN)

    async def save(self, text: str, over: Known) -> None:
        """Write it to disk; an engine that was started meanwhile keeps that from being done."""
        await asyncio.to_thread(self._save, text, over.text)

    async def versions(self, whose: Whose) -> tuple[VersionRow, ...]:
        """The texts that ran, the newest first."""
        if whose == "engine":
            return (await self._engine.get("/config/history", History, limit=MOST)).versions
        known = await asyncio.to_thread(versions, self._folder() / LEDGER_FILE, MOST)
        return tuple(VersionRow(each.hash, each.at, len(each.text.splitlines()), False) for each in known)

    async def version(self, name: str, whose: Whose) -> str:
        """One of the texts that ran."""
        if whose == "engine":
            return (await self._engine.get(f"/config/history/{name}", VersionText)).text
        known = await asyncio.to_thread(versions, self._folder() / LEDGER_FILE, MOST)
        found = next((each.text for each in known if each.hash == name), None)
        if found is None:
            raise MoonlightError("the ledger does not remember that text any more; choose another")
        return found

    def _on_disk(self, why: str) -> Known:
        text = self._file("").said()
        return Known(text, hash_of(text), "", "silent" if self._runs() else "disk", why)

    def _save(self, text: str, over: str) -> None:
        folder = self._folder()
        with locked(folder / LOCK_FILE, 0o600) as ours:
            if not ours:
                raise InputError("an engine runs this flow meanwhile; nothing was saved, apply it there")
            self._file(over).put(text, (), over)

    def _runs(self) -> bool:
        lock = self._folder() / LOCK_FILE
        if not lock.exists():
            return False
        with locked(lock, 0o600) as ours:
            return not ours

    def _file(self, text: str) -> FlowFile:
        return FlowFile(self._flow, self._flow.resolve().parent, text)

    def _folder(self) -> Path:
        """Where the flow on disk has its ledger; where one has it that says nothing of it, when it is no TOML."""
        try:
            said: Any = read(self._flow).data.get("moonlight")
        except PlanError:
            said = None
        name = cast("dict[str, Any]", said).get("data") if isinstance(said, dict) else None
        return self._flow.resolve().parent / (name if isinstance(name, str) else Settings().data)
