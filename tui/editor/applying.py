"""From a text to a flow that runs by it: what would be done is shown, asked about as its risk deserves, and done."""

import asyncio
import tomllib
from collections.abc import Mapping
from typing import Any, NamedTuple

from textual.app import App

from pipeline.changes.flow_file import Overtaken
from pipeline.changes.proposal import Proposal
from pipeline.changes.versions import hash_of
from pipeline.control.config import Proposed
from pipeline.errors import MoonlightError
from tui.asking import NotTaken
from tui.dialogs import Confirm, Typed
from tui.door import Unreachable
from tui.editor.examined import Examined, Mark, examined, told_by_engine
from tui.editor.flow_text import FlowText, Known
from tui.editor.raising import new_real, raised, real_accounts
from tui.editor.told import done, proposed
from tui.shell import Shell

CHANGED_MEANWHILE = 412
SOME = 10
"""So many sentences about what raises the risk are shown."""


class Applied(NamedTuple):
    """It was taken, and what is known of the file now."""

    known: Known
    said: str


class Refused(NamedTuple):
    """It was not, and nothing was changed: why, and where it says so."""

    said: str
    marks: tuple[Mark, ...] = ()


class Changed(NamedTuple):
    """It was not: somebody else changed the file meanwhile."""


class Left(NamedTuple):
    """The person said no."""


Outcome = Applied | Refused | Changed | Left


class Applying:
    """Asks the person and the engine, one after the other."""

    def __init__(self, app: App[None], shell: Shell, flow: FlowText) -> None:
        self._app, self._shell, self._flow = app, shell, flow

    async def apply(self, text: str, over: Known) -> Outcome:
        """Have the flow run by a text in the place of the one that is known, or say why not."""
        file = self._shell.flow
        looked = await asyncio.to_thread(examined, text, file.name, file.resolve().parent)
        if looked.wrong:
            return Refused(f"{_problems(len(looked.wrong))}: mend first what is wrong; f8 goes to it", ())
        try:
            before = _tables(await self._runs(over))
            told = await self._flow.plan(text) if over.whose == "engine" else None
            if told is not None and told.proposal.refused:
                marks = tuple(Mark(0, 0, 0, "wrong", each, by="engine") for each in told.proposal.refused)
                return Refused("the engine would refuse this while it runs; nothing was changed", marks)
            if not await self._agreed(told, before, looked):
                return Left()
            return await self._put(text, over)
        except Overtaken:
            return Changed()
        except NotTaken as refusal:
            if refusal.status == CHANGED_MEANWHILE:
                return Changed()
            marks = told_by_engine(refusal.details or (str(refusal),), text, file.name)
            return Refused(f"not applied, and nothing was changed: {refusal}", marks)
        except MoonlightError as problem:
            return Refused(str(problem))

    async def _put(self, text: str, over: Known) -> Applied:
        if over.whose != "engine":
            await self._flow.save(text, over)
            said = f"no engine runs: saved to {self._shell.flow}, it holds from the next start"
            return Applied(over._replace(text=text, hash=hash_of(text)), said)
        try:
            edited = await self._flow.apply(text, over)
        except Unreachable as away:
            raise MoonlightError(f"{away}; whether it was applied is seen when it answers again") from None
        running = over.running if edited.waiting else edited.hash
        return Applied(over._replace(text=text, hash=edited.hash, running=running), done(edited))

    async def _runs(self, over: Known) -> str:
        """The text that an edit is held against: what runs, else what the file says."""
        if over.whose != "engine" or over.running == over.hash:
            return over.text
        try:
            return await self._flow.version(over.running, over.whose)
        except NotTaken:  # nobody remembers it, so nothing of it is taken to have been there
            return ""

    async def _agreed(self, told: Proposed | None, before: Mapping[str, Any], looked: Examined) -> bool:
        after = looked.data or {}
        sentences = list(self._sentences(told, before, after))
        riskier = raised(before, after)
        touched = sorted(real_accounts(before) | real_accounts(after))
        if riskier:
            word = next(iter(new_real(before, after) or touched))
            more = [f"… and {len(riskier) - SOME} more"] if len(riskier) > SOME else []
            said = "\n".join(("This raises what REAL money may lose:", *riskier[:SOME], *more, "", *sentences))
            return bool(await self._app.push_screen_wait(Typed("Apply flow", said, word, real=True)))
        real = bool(touched) and (told is None or bool(told.proposal.changes))
        said = "\n".join(sentences)
        if real:
            said = f"{said}\n\nThis flow has REAL money in {', '.join(touched)}."
        return bool(await self._app.push_screen_wait(Confirm("Apply flow", said, self._shell.now, real=real)))

    def _sentences(self, told: Proposed | None, before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
        if told is None:
            return (f"No engine runs. This is written to {self._shell.flow}", "and holds from the next start.")
        time = self._shell.time
        said = tuple(proposed(told.proposal, before, after, time))
        return said if told.pending is None else (*said, _instead(told.pending))


def _instead(pending: Proposal) -> str:
    return f"a change that waits for {', '.join(pending.waits_for[:3])} is called off: this takes its place"


def _problems(count: int) -> str:
    return f"{count} problem{'' if count == 1 else 's'}"


def _tables(text: str) -> Mapping[str, Any]:
    """What a text says; nothing where it is no TOML, so that all of another is new."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return {}
