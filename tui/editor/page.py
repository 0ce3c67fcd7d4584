"""The page of the flow's file: its text, its tables, and what is wrong with it."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import ClassVar, Literal

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.timer import Timer
from textual.widgets import TextArea

from pipeline.errors import InputError, MoonlightError
from pipeline.view import Topics
from tui.acts import act
from tui.asking import Answer
from tui.dialogs import Confirm
from tui.editor.applying import Applied, Applying, Changed, Outcome, Refused
from tui.editor.area import FlowArea
from tui.editor.bar import Bar
from tui.editor.checks import Checks
from tui.editor.completing import Completing
from tui.editor.diff import Diff, differences
from tui.editor.elsewhere import edited_elsewhere
from tui.editor.ends import with_ends_of
from tui.editor.finding import FindLine, spots
from tui.editor.flow_text import FlowText, Known
from tui.editor.menu import Menu
from tui.editor.outline import OutlineTable
from tui.editor.problems import ProblemsTable
from tui.editor.shapes import shapes
from tui.editor.shelf import Kept, Shelf
from tui.editor.versions import Versions
from tui.going import Insert
from tui.page import Page
from tui.painted import Panel
from tui.plain_glyphs import PLAIN
from tui.shell import Shell
from tui.words import age_text, plain

CHECKED_AFTER, ASKED_AFTER, KEPT_AFTER = 0.2, 1.0, 1.0
"""Seconds after the last key until our checker looks, the engine is asked, and what is not applied is kept."""
READ_EVERY = 1.0


class EditPage(Page):
    """The flow's file, checked as you type; `ctrl+s` shows what an edit would do before the flow runs by it.

    Until control is taken (^y) it can only be read. What is typed and not applied is kept in a file beside the
    settings, so that it is there again whatever becomes of the console. In the text letters are text; `esc` leads out
    of it, to the list of problems, and from there to the page before.
    """

    NAME: ClassVar[str] = "edit"
    ALONE: ClassVar[bool] = True
    PANELS: ClassVar[tuple[type[Panel], ...]] = (ProblemsTable, OutlineTable, Bar)
    BINDINGS: ClassVar[list[BindingType]] = [
        act("edit.apply", "ctrl+s", "apply", "Apply", "show what this text would do, and do it", changes=True),
        act("edit.next", "f8", "problem(1)", "Next problem", "to the next problem"),
        act("edit.before", "shift+f8", "problem(-1)", "Problem before", "to the problem before", show=False),
        act("edit.diff", "f6", "diff", "Diff", "what differs from what runs"),
        act("edit.rollback", "f9", "rollback", "Roll back", "go back to a text that ran before", changes=True),
        act("edit.editor", "f4", "editor", "$EDITOR", "edit the text in your own editor", changes=True),
        act("edit.complete", "ctrl+space,ctrl+@", "complete", "Complete", "what may stand here", show=False),
        act("edit.find", "ctrl+f", "find", "Find", "find words in the text", show=False),
        act("edit.reload", "ctrl+r", "reload", "Read anew", "read the file anew; yours is a ctrl+z away", show=False),
        act("edit.leave", "escape", "leave", "Problems", "out of the text, to the list of problems", show=False),
    ]
    DEFAULT_CSS = """
    #edit-desk { height: 1fr; }
    #edit-left { width: 1fr; height: 1fr; }
    #edit-area { height: 1fr; }
    #edit-outline { width: 30; }
    #edit-problems { height: 9; }
    Screen.-narrow #edit-outline, Screen.-tiny #edit-outline { display: none; }
    Screen.-short #edit-problems { height: 6; }
    Screen.-low #edit-problems { height: 4; }
    """

    def __init__(self, shell: Shell) -> None:
        super().__init__(shell)
        self.area = FlowArea(shell, "edit-area")
        self.area.add_class("framed")
        self.problems = ProblemsTable(shell, "edit-problems")
        self.outline = OutlineTable(shell, "edit-outline")
        self.bar = Bar(shell, "edit-bar")
        self.menu = Menu(shell, "edit-menu")
        self.find = FindLine(id="edit-find")
        self._flow = FlowText(shell.engine, shell.flow)
        self._shelf = Shelf(shell.settings_file, shell.flow)
        self._answer = Answer[Known]()
        self._base: Known | None = None
        """The text that the one on the screen is an edit of."""
        self._theirs: Known | None = None
        """What somebody else made of the file meanwhile."""
        self._turn = 0
        """Raised with each edit that was applied: what was asked before it is out of date."""
        parts = (self.area, self.problems, self.outline)
        self._checks = Checks(self._flow, shell.flow, lambda: self.text, parts)
        self._completing = Completing(self.area, self.menu, lambda: self._checks.data, self._say)
        self._waits: dict[str, Timer] = {}
        self._subject: object = None
        self._titles = ("", "")
        self._busy = ""
        self._kept = ""

    def compose(self) -> ComposeResult:
        yield self.bar
        with Horizontal(id="edit-desk"):
            with Vertical(id="edit-left"):
                yield self.area
                yield self.find
            yield self.outline
        yield self.problems
        yield self.menu

    def on_mount(self) -> None:
        self.set_interval(READ_EVERY, self._read)
        self.set_interval(0.25, self._look)
        self.run_worker(asyncio.to_thread(shapes), group="shapes")

    @property
    def topics(self) -> Topics:
        return Topics()

    @property
    def first(self) -> FlowArea:
        return self.area

    @property
    def missing(self) -> str:
        if self._base is None:
            return self._answer.why or "the flow's file was not read yet"
        return "" if self._checks.examined.text == self.text else "the flow's file was not looked through yet"

    @property
    def text(self) -> str:
        """What stands on the screen, its lines ended as they were."""
        return with_ends_of(self._base.text if self._base else "", self.area.document.lines)

    @property
    def dirty(self) -> bool:
        """Whether it is another text than the one it is an edit of."""
        return self._base is not None and self.text != self._base.text

    def fronted(self) -> None:
        self._read()
        self._look()

    def open(self, subject: object) -> None:
        """Go to a line (from 1), or have a table's text at the end, not applied."""
        if self._base is None:
            self._subject = subject
        elif isinstance(subject, int):
            self.area.go_to(subject)
        elif isinstance(subject, Insert):
            self._append(subject.text)

    def _append(self, text: str) -> None:
        lines = self.area.document.lines
        last = len(lines) - 1
        gap = "" if not lines[last] and (last == 0 or not lines[last - 1]) else "\n" if not lines[last] else "\n\n"
        self.area.history.checkpoint()
        self.area.insert(f"{gap}{text.strip(chr(10))}\n", (last, len(lines[last])), maintain_selection_offset=False)
        self.area.go_to(last + 1 + gap.count("\n"))

    # --- reading -----------------------------------------------------------------------------------------------------

    def _read(self) -> None:
        if self.in_front and self.is_mounted and not self._answer.asking:  # one under way is let come to its end
            self.run_worker(self._ask(), group="edit-read")

    async def _ask(self) -> None:
        turn = self._turn
        before, why = self._answer.version, self._answer.why
        await self._answer.ask(self._flow.read, self.now)
        if self._base is not None and self._answer.why not in ("", why):
            self._say(self._answer.why, "error")
        if self._answer.version != before and not self._answer.why and turn == self._turn and self._answer.value:
            await self._take(self._answer.value)
        self._look()

    async def _take(self, known: Known) -> None:
        """What the file says now: it is shown, unless there is something on the screen that would be lost by that."""
        base = self._base
        if base is None:
            self._begin(known, await asyncio.to_thread(self._shelf.kept))
        elif known.hash == base.hash:
            self._base = base._replace(running=known.running, whose=known.whose, why=known.why)
            self._settle(None)
        elif known.text == self.text:
            self._base = known
            self._settle(None)
            self._keep()
        elif self.dirty:
            self._settle(known)
        else:
            self._base = known
            self.area.put(known.text)
            self._say("the file was changed by somebody else; it was read anew")

    def _begin(self, known: Known, kept: Kept | None) -> None:
        self._base = known
        self.area.load_text(known.text)
        self._kept = kept.text if kept is not None else ""
        if kept is not None and kept.text != known.text:
            self.area.put(kept.text)
            self._say(f"what was not applied is here again, from {kept.file}", "warning")
            if kept.of != known.hash:
                self._base = known._replace(hash=kept.of)
                self._settle(known)
        subject, self._subject = self._subject, None
        if subject is not None:
            self.open(subject)
        self._check()

    def _settle(self, theirs: Known | None) -> None:
        """Say that somebody else changed the file, or that it is no longer so."""
        if theirs is None and self.bar.has_focus:
            self.screen.set_focus(self.area)
        self._theirs = theirs
        self.bar.set_class(theirs is not None, "-open")
        self.bar.look()

    @on(Bar.Taken)
    def _choose(self, event: Bar.Taken) -> None:
        theirs = self._theirs
        if theirs is None:
            return
        mine, self._base = self.text, theirs
        self._settle(None)
        if event.whose == "theirs":
            self.area.put(theirs.text)
            self._say("theirs; ctrl+z brings yours back")
        elif mine != self.text:  # lines are ended as theirs are
            self._keep()
        self._check()

    # --- checking ----------------------------------------------------------------------------------------------------

    @on(TextArea.Changed, "#edit-area")
    def _typed(self, event: TextArea.Changed) -> None:
        event.stop()
        self._later("check", CHECKED_AFTER, self._check)
        self._later("keep", KEPT_AFTER, self._keep)
        self._later("plan", ASKED_AFTER, self._plan)
        if self.area.menu_open:
            self.action_complete()

    @on(TextArea.SelectionChanged, "#edit-area")
    def _moved(self, event: TextArea.SelectionChanged) -> None:
        event.stop()
        self._checks.follow()
        if self.area.menu_open:
            self.action_complete()

    def _later(self, name: str, seconds: float, do: Callable[[], None]) -> None:
        """Once so long nothing else was typed."""
        if (before := self._waits.get(name)) is not None:
            before.stop()
        self._waits[name] = self.set_timer(seconds, do)

    def _check(self) -> None:
        self.run_worker(self._checks.look_through(self.text), group="edit-check", exclusive=True)

    def _plan(self) -> None:
        """Have the engine say what it would do, once nothing is wrong by our own checker and somebody may apply it."""
        base, text = self._base, self.text
        if base is None or base.whose != "engine" or not (self.dirty and self.shell.controls and self.in_front):
            return
        if self._checks.examined.text != text:
            self._later("plan", ASKED_AFTER, self._plan)
        elif not self._checks.examined.wrong:
            self.run_worker(self._checks.ask(text), group="edit-plan", exclusive=True)

    # --- keeping -----------------------------------------------------------------------------------------------------

    def _keep(self) -> None:
        self.run_worker(self._keep_text(self.text if self.dirty else ""), group="edit-keep", exclusive=True)

    async def _keep_text(self, text: str) -> None:
        base = self._base
        if base is None or text == self._kept:
            return
        try:
            await asyncio.to_thread(self._put_away, text, base.hash)
            self._kept = text
        except InputError as problem:
            self._say(str(problem), "error")

    def on_unmount(self) -> None:
        """Leaving does not wait for the second after the last key."""
        text = self.text if self.dirty else ""
        if self._base is not None and text != self._kept:
            with suppress(InputError):  # there is no screen left to say it on
                self._put_away(text, self._base.hash)
        self._shelf.leave()

    def _put_away(self, text: str, of: str) -> None:
        if text:
            self._shelf.keep(text, of)
        else:
            self._shelf.forget()

    # --- doing -------------------------------------------------------------------------------------------------------

    def action_apply(self) -> None:
        base = self._base
        if base is None or base.whose == "silent":
            self._say(self._answer.why or "an engine runs this flow and does not answer; nothing is applied", "error")
        elif self._theirs is not None:
            self._say("the file changed meanwhile: f6 shows how; choose theirs or yours in the bar first", "warning")
            self.screen.set_focus(self.bar)
        elif not self.dirty and base.running in ("", base.hash):
            self._say("nothing here differs from the file, or from what runs")
        elif not self._busy:
            self._apply(self.text, base)

    @work(group="edit-apply")
    async def _apply(self, text: str, base: Known) -> None:
        self._busy = "applying …"
        try:
            outcome = await Applying(self.problems.console, self.shell, self._flow).apply(text, base)
        finally:
            self._busy = ""
        await self._became(text, outcome)
        self._look()

    async def _became(self, text: str, outcome: Outcome) -> None:
        self._turn += 1
        match outcome:
            case Applied(known, said):
                self._base = known
                self._kept = ""
                await asyncio.to_thread(self._shelf.forget)
                self._checks.applied()
                self.store.note("info", said)
                self._say(said)
            case Refused(said, marks):
                self._checks.told(text, marks)
                self._say(said, "error")
                if marks or self._checks.examined.wrong:
                    self.screen.set_focus(self.problems)
            case Changed():
                self._say("the file changed meanwhile; nothing was applied", "warning")
                await self._ask_whose()
            case _:
                pass

    async def _ask_whose(self) -> None:
        """Whose text it is to be: asked at once, since somebody wanted it applied."""
        try:
            await self._take(await self._flow.read())
        except MoonlightError as problem:
            self._say(str(problem), "error")
        if self._theirs is not None:
            self.screen.set_focus(self.bar)

    def action_problem(self, step: int) -> None:
        """To the next problem after the cursor, or the one before, round the file."""
        places = sorted((mark.line, mark.column, mark) for mark in self.problems.shown if mark.line)
        if not places:
            self._say("nothing is wrong with it")
            return
        row, column = self.area.cursor_location
        at = (row + 1, column + 1)
        rest = [each for each in places if (each[:2] > at if step > 0 else each[:2] < at)] or places
        line, column, mark = rest[0 if step > 0 else -1]
        self.area.go_to(line, column)
        self.problems.choose(mark)
        self.problems.look()
        self.screen.set_focus(self.area)

    @on(ProblemsTable.Opened, "#edit-problems")
    def _to_problem(self, event: ProblemsTable.Opened) -> None:
        event.stop()
        if event.row.line:
            self.area.go_to(event.row.line, event.row.column)
            self.screen.set_focus(self.area)

    @on(OutlineTable.Opened, "#edit-outline")
    def _to_table(self, event: OutlineTable.Opened) -> None:
        event.stop()
        self.area.go_to(event.row.line)
        self.screen.set_focus(self.area)

    @work(group="edit-diff", exclusive=True)
    async def action_diff(self) -> None:
        base, theirs = self._base, self._theirs
        if base is None:
            return
        try:
            if theirs is not None:
                title, before = "what the file says now (-), and yours (+)", theirs.text
            elif base.whose == "engine" and base.running != base.hash:
                title, before = "what runs (-), and this text (+)", await self._flow.version(base.running, base.whose)
            else:
                what = "what runs" if base.whose == "engine" else "the file"
                title, before = f"{what} (-), and this text (+)", base.text
        except MoonlightError as problem:
            self._say(str(problem), "error")
            return
        lines = await asyncio.to_thread(differences, before, self.text)
        await self.problems.console.push_screen_wait(Diff(self.shell, title, lines))

    @work(group="edit-versions", exclusive=True)
    async def action_rollback(self) -> None:
        base = self._base
        if base is None:
            return
        try:
            known = await self._flow.versions(base.whose)
            chosen = await self.problems.console.push_screen_wait(Versions(self.shell, known))
            if chosen is None:
                return
            self.area.put(await self._flow.version(chosen, base.whose))
        except MoonlightError as problem:
            self._say(str(problem), "error")
            return
        self._say("the text of before is here, not applied yet; ctrl+z takes it away again")
        self.action_apply()

    def action_editor(self) -> None:
        try:
            text = edited_elsewhere(self.problems.console, self.text, self.shell.flow.name)
        except InputError as problem:
            self._say(str(problem), "error")
            return
        if text != self.text:
            self.area.put(text)
            self._say("your editor's text is here, not applied yet; ctrl+z takes it away again")

    @work(group="edit-reload", exclusive=True)
    async def action_reload(self) -> None:
        if self.dirty:
            said = "What you changed and did not apply leaves the screen; ctrl+z brings it back."
            if not await self.problems.console.push_screen_wait(Confirm("Read the file anew", said, self.now)):
                return
        try:
            known = await self._flow.read()
        except MoonlightError as problem:
            self._say(str(problem), "error")
            return
        self._base = known
        self._settle(None)
        self.area.put(known.text)
        self._check()

    def action_leave(self) -> None:
        self.screen.set_focus(self.problems)

    # --- completing --------------------------------------------------------------------------------------------------

    def action_complete(self) -> None:
        self.run_worker(self._completing.offer(), group="edit-complete", exclusive=True)

    @on(FlowArea.MenuPressed)
    def _menu_key(self, event: FlowArea.MenuPressed) -> None:
        self._completing.press(event.key)

    @on(Menu.Taken)
    def _menu_clicked(self, event: Menu.Taken) -> None:
        self._completing.insert(event.offer)
        self.screen.set_focus(self.area)

    # --- finding -----------------------------------------------------------------------------------------------------

    def action_find(self) -> None:
        self.find.open()

    @on(FindLine.Sought)
    def _seek(self, event: FindLine.Sought) -> None:
        found = spots(self.area.document.lines, event.words)
        if not found:
            self.find.say("not there" if event.words else "")
            return
        start = min(self.area.selection.start, self.area.selection.end)
        at = next((number for number, spot in enumerate(found) if (spot.row, spot.begin) >= start), 0)
        if (event.step and (found[at].row, found[at].begin) == start) or event.step < 0:
            at = (at + event.step) % len(found)
        spot = found[at]
        self.area.move_cursor((spot.row, spot.begin), center=True)
        self.area.move_cursor((spot.row, spot.end), select=True)
        self.find.say(f"{at + 1} of {len(found)}")

    @on(FindLine.Closed)
    def _found(self) -> None:
        self.screen.set_focus(self.area)

    # --- what it says of itself --------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "leave":
            return self.area.has_focus
        if action == "complete":
            return self.area.has_focus and not self.area.read_only
        return super().check_action(action, parameters)

    def _look(self) -> None:
        """Whether it may be written in, and its two titles."""
        if not self.is_mounted or not self.in_front:
            return
        base = self._base
        reads = base is None or base.whose == "silent" or not self.shell.controls
        if reads != self.area.read_only:
            self.area.read_only = reads
            self._completing.close()
            self.refresh_bindings()  # a letter is text now, or a key again
        self._entitle(base)

    def _entitle(self, base: Known | None) -> None:
        if base is None:
            title, below = f"{self.shell.flow.name} · {self._answer.why or 'reading …'}", ""
        else:
            row, column = self.area.cursor_location
            age = age_text(self.now() - self._answer.at)
            title = " · ".join((self.shell.flow.name, *self._states(base)))
            below = f"{row + 1}:{column + 1} · read {age} ago" + (f" · {self._answer.why}" if self._answer.why else "")
        if (title, below) != self._titles:
            self._titles = title, below
            glyphs = PLAIN if self.shell.settings.look.glyphs == "ascii" else {}
            self.area.border_title = Content(plain(title).translate(glyphs))
            self.area.border_subtitle = Content(plain(below).translate(glyphs))

    def _states(self, base: Known) -> list[str]:
        said = list[str]()
        if self.dirty:
            said.append("● not applied")
        if self._busy:
            said.append(self._busy)
        if base.whose == "engine" and base.running != base.hash:
            said.append("the file is not what runs: a change waits, or was refused")
        if base.whose == "silent":
            said.append("read-only: an engine runs it and does not answer")
        elif not self.shell.controls:
            said.append("read-only: ^y takes control")
        if base.whose == "disk":
            said.append("no engine runs it: the file on disk")
        return said

    def _say(self, text: str, severity: Literal["information", "warning", "error"] = "information") -> None:
        self.notify(plain(text), severity=severity, markup=False)
