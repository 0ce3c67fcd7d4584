"""Looking a text through: by our own checker as one types, and by the engine once one rests."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.changes.proposal import Proposal
from pipeline.errors import MoonlightError
from tui.asking import NotTaken
from tui.editor.area import FlowArea
from tui.editor.examined import Examined, Mark, examined, merged, told_by_engine
from tui.editor.flow_text import FlowText
from tui.editor.outline import Entry, OutlineTable, outline
from tui.editor.problems import ProblemsTable
from tui.editor.tables_in import tables_in
from tui.editor.told import MARKS, SAID


class Checks:
    """What is known to be wrong with the text on the screen, shown in it and beside it."""

    def __init__(
        self,
        flow: FlowText,
        file: Path,
        text: Callable[[], str],
        parts: tuple[FlowArea, ProblemsTable, OutlineTable],
    ) -> None:
        """`text` is the one on the screen: what was found of another is of no use any more."""
        self._flow, self._file, self._text = flow, file, text
        self._area, self._problems, self._outline = parts
        self.examined = Examined("")
        self.data: Mapping[str, Any] | None = None
        """What the text said when it was TOML last."""
        self._by_engine: tuple[str, tuple[Mark, ...]] = ("", ())

    async def look_through(self, text: str) -> None:
        """What our own checker says of it."""
        looked, entries = await asyncio.to_thread(_looked, text, self._file.name, self._file.resolve().parent)
        if text != self._text():
            return
        self.examined = looked
        self.data = looked.data if looked.data is not None else self.data
        self._outline.tell(entries)
        self.follow()
        self.show()

    def follow(self) -> None:
        """The outline goes along with the cursor."""
        self._outline.follow(self._area.cursor_location[0] + 1)

    async def ask(self, text: str) -> None:
        """What the engine says of it, in which our checker finds nothing wrong."""
        self._problems.state = "the engine is asked …"
        try:
            marks, state = self._proposed((await self._flow.plan(text)).proposal)
        except NotTaken as refusal:
            marks = told_by_engine(refusal.details or (str(refusal),), text, self._file.name)
            state = "the engine would not run this"
        except MoonlightError as problem:
            marks, state = (), str(problem)
        self._problems.state = state
        if text == self._text():
            self.told(text, marks)

    def told(self, text: str, marks: tuple[Mark, ...]) -> None:
        """The engine said this of a text."""
        self._by_engine = text, marks
        self.show()

    def applied(self) -> None:
        """It runs: what was said of it is over."""
        self._problems.state = ""
        self.told("", ())

    def show(self) -> None:
        text, more = self._by_engine
        marks = merged(self.examined.marks, more if text == self.examined.text else ())
        self._area.mark(marks)
        self._problems.tell(marks)

    def _proposed(self, proposal: Proposal) -> tuple[tuple[Mark, ...], str]:
        wrong = [Mark(0, 0, 0, "wrong", each, by="engine") for each in proposal.refused]
        warned = [Mark(0, 0, 0, "warn", each, by="engine") for each in proposal.warnings]
        counts = {what: sum(each.what == what for each in proposal.changes) for what in MARKS}
        told = ", ".join(f"{MARKS[what]}{count} {SAID[what]}" for what, count in counts.items() if count)
        return (*wrong, *warned), f"engine: {'refused' if wrong else told or 'nothing would change'}"


def _looked(text: str, file: str, base: Path) -> tuple[Examined, Sequence[Entry]]:
    return examined(text, file, base), outline(tables_in(text.splitlines()))
