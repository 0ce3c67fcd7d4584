"""The flow's file for programs: read, an edit's changes shown before, and made."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from pipeline.changes.editing import set_key
from pipeline.changes.flow_file import Overtaken
from pipeline.changes.proposal import Changing, Proposal
from pipeline.changes.versions import Version, hash_of, versions
from pipeline.control.errors import Refused
from pipeline.control.limits import LARGEST_FLOW
from pipeline.control.routing import Nothing, Route
from pipeline.engine import LEDGER_FILE
from pipeline.errors import InputError, PlanError, unread
from pipeline.plan import Plan

BY = "api"
MOST_KEPT = 200
"""Texts among which one is looked for by its hash."""
KeyPath = Annotated[str, Meta(min_length=1, max_length=200, description="as in risk.main.threshold")]
Said = bool | int | float | str | list[str]


class Config(Struct, frozen=True):
    """The flow's file, as it is now, and which flow runs."""

    file: str
    text: str
    hash: str
    """Of the text: what If-Match asks for."""
    running: str
    """The hash of the flow that runs: another one while a change waits, or was refused."""


class Edit(Struct, frozen=True, forbid_unknown_fields=True):
    """Another text for the flow's file, or some of its keys with other values; comments and layout stay."""

    text: Annotated[str, Meta(max_length=LARGEST_FLOW)] = ""
    set: Annotated[dict[KeyPath, Said], Meta(max_length=100)] = {}


class EditAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """Of which text the edit is one."""

    if_match: Annotated[str, Meta(max_length=100)] = ""


class Edited(Struct, frozen=True):
    """What became of an edit. The file has it; the flow as far as nothing is in `waiting`."""

    applied: tuple[str, ...]
    """Nodes that go on with other keys, and with all they remember."""
    restarted: tuple[str, ...]
    """Nodes that begin anew, are new, or are gone."""
    waiting: tuple[str, ...]
    """Orders that have to end before anything is changed."""
    warnings: tuple[str, ...]
    hash: str


class Proposed(Struct, frozen=True):
    """What an edit would do, and what waits already. With something in `refused` none of it would be done."""

    proposal: Proposal
    pending: Proposal | None


class HistoryAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """How many of the newest."""

    limit: Annotated[int, Meta(ge=1, le=50)] = 20


class VersionAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """Which one."""

    hash: Annotated[str, Meta(min_length=1, max_length=100)]


class VersionRow(Struct, frozen=True):
    """A text of the flow that ran."""

    hash: str
    at_ms: int
    """Since when it is known, by the machine's clock; 0: the ledger does not say."""
    lines: int
    running: bool
    """Whether it is what runs now."""


class History(Struct, frozen=True):
    """The texts that ran, the newest first, as far as the ledger remembers them."""

    versions: tuple[VersionRow, ...]


class VersionText(Struct, frozen=True):
    """A text that ran."""

    hash: str
    at_ms: int
    text: str


class File:
    """The flow's file beside the engine that runs it."""

    def __init__(self, plan: Callable[[], Plan]) -> None:
        self._plan = plan

    async def config(self, _: Nothing, __: None) -> Config:
        plan = self._plan()
        text = await asyncio.to_thread(self.read)
        return Config(plan.file, text, hash_of(text), hash_of(plan.source.text))

    async def history(self, asked: HistoryAsked, __: None) -> History:
        runs = self._plan().source.text
        known = await asyncio.to_thread(self._known, runs, asked.limit)
        now = hash_of(runs)
        return History(
            tuple(VersionRow(each.hash, each.at, len(each.text.splitlines()), each.hash == now) for each in known)
        )

    async def version(self, asked: VersionAsked, __: None) -> VersionText:
        known = await asyncio.to_thread(self._known, self._plan().source.text, MOST_KEPT)
        found = next((each for each in known if each.hash == asked.hash), None)
        if found is None:
            raise Refused("NOT_FOUND", "the ledger remembers no such text; GET /config/history lists those it does")
        return VersionText(found.hash, found.at, found.text)

    def _known(self, runs: str, most: int) -> tuple[Version, ...]:
        """What the ledger remembers; what runs is known in any case."""
        found = versions(self._plan().folder / LEDGER_FILE, most)
        now = hash_of(runs)
        return found if any(each.hash == now for each in found) else (Version(now, 0, runs), *found)[:most]

    def read(self) -> str:
        plan = self._plan()
        named = Path(plan.file).absolute()
        path = named if named.resolve().parent == plan.base else plan.base / named.name
        try:
            return path.read_bytes().decode().removeprefix("\ufeff")  # its ends of lines as they are
        except (OSError, UnicodeDecodeError) as problem:
            said = f"the flow file {path} cannot be read ({unread(problem)}); put it back"
            raise Refused("NOT_FOUND", said) from None


class Editor:
    """Has a running flow take over edits, one after the other."""

    def __init__(self, file: File, changing: Changing) -> None:
        self._file, self._changing = file, changing
        self._one = asyncio.Lock()

    async def plan(self, _: Nothing, edit: Edit) -> Proposed:
        return await asyncio.to_thread(self._proposed, edit)

    async def put(self, asked: EditAsked, edit: Edit) -> Edited:
        if not asked.if_match:
            raise Refused("VALIDATION", "say in If-Match of which text this is an edit: the hash of GET /config", 428)
        async with self._one:
            return await asyncio.to_thread(self._edited, asked.if_match, edit)

    def _proposed(self, edit: Edit) -> Proposed:
        return Proposed(self._changing.propose(_text(self._file.read(), edit)), self._changing.pending)

    def _edited(self, match: str, edit: Edit) -> Edited:
        before = self._file.read()
        if match.strip().strip('"') != hash_of(before):
            raise Refused("CONCURRENCY_BLOCK", "the flow's file was changed meanwhile; read it again", 412)
        text = _text(before, edit)
        try:
            done = self._changing.apply(text, BY, before)
        except PlanError:
            raise
        except Overtaken as overtaken:
            raise Refused("CONCURRENCY_BLOCK", str(overtaken), 412) from None
        except InputError as refusal:
            raise Refused("BUSINESS_RULE", str(refusal)) from None
        return Edited(done.applied, done.restarted, done.waiting, done.warnings, hash_of(text))


def _text(before: str, edit: Edit) -> str:
    """The text that an edit makes of another."""
    if bool(edit.text) == bool(edit.set):
        raise Refused("VALIDATION", 'say either the whole "text", or what to "set", as in {"risk.main.threshold": 0.4}')
    text = edit.text or before
    for path, value in edit.set.items():
        text = set_key(text, path, value)
    return text


FILE = (
    Route(
        method="GET",
        path="/config",
        name="config",
        does="The flow's file as it is, its hash, and the hash of the flow that runs.",
        call=File.config,
        query=Nothing,
        answer=Config,
        refusals=("NOT_FOUND",),
    ),
    Route(
        method="GET",
        path="/config/history",
        name="history",
        does="The texts of the flow that ran, the newest first, as far as the ledger remembers them.",
        call=File.history,
        query=HistoryAsked,
        answer=History,
        refusals=("STORAGE",),
    ),
    Route(
        method="GET",
        path="/config/history/{hash}",
        name="version",
        does="One of the texts of the flow that ran.",
        call=File.version,
        query=VersionAsked,
        answer=VersionText,
        refusals=("NOT_FOUND", "STORAGE"),
    ),
)
EDITOR = (
    Route(
        method="PUT",
        path="/config",
        name="put_config",
        does="Change the flow's file, and the flow with it: whole, between two bars, or not at all.",
        call=Editor.put,
        query=EditAsked,
        body=Edit,
        answer=Edited,
        refusals=("BUSINESS_RULE", "NOT_FOUND"),
        stale=True,
        largest=LARGEST_FLOW,
    ),
    Route(
        method="POST",
        path="/plan",
        name="plan",
        does="Show what an edit of the flow's file would do to the flow that runs, and do nothing.",
        call=Editor.plan,
        query=Nothing,
        body=Edit,
        answer=Proposed,
        refusals=("NOT_FOUND",),
        largest=LARGEST_FLOW,
    ),
)
