"""What stands where a page would, while no engine was ever there: what was tried, and how to get one."""

import asyncio
import subprocess
import sys
from typing import ClassVar

from textual import work
from textual.binding import BindingType

from pipeline.errors import MoonlightError
from tui.acts import act
from tui.apart import begun_apart
from tui.dialogs import Confirm
from tui.link import Link
from tui.painted import Frame, Line, Panel, Run, sentence
from tui.shell import Shell

SOON = 1.0
"""Seconds an engine has to answer before its absence is spoken of."""
OUTPUT = "started-by-console.log"
"""Beside the flow file: what a run that was started here prints."""


class Away(Panel, can_focus=True):
    """No engine has answered yet. It is looked for all the time; `s` starts one for this flow, `r` looks again at once.

    An engine that is started here goes on when the console is left. It trades what the flow file says: real money only
    after `arm`, which is typed in a shell.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        act("away.start", "s", "start", "Start it", "start an engine for this flow; it goes on without the console"),
        act("away.retry", "r", "retry", "Look again", "look for an engine now"),
    ]

    def __init__(self, shell: Shell, place: str, link: Link) -> None:
        super().__init__(shell, place)
        self._link = link
        self._said = ""

    @property
    def wanted(self) -> bool:
        """Whether there is nothing else to show."""
        waited = self.now() - self.store.since >= SOON
        return self.store.hello is None and self.store.state in ("connecting", "mismatch") and waited

    def frame(self, width: int, height: int) -> Frame:
        del height
        command = f"{_program()} run {self.shell.flow}"
        seconds = int(self.now() - self.store.since)
        head = "this console is of another version" if self.store.state == "mismatch" else "no engine answers"
        lines = [
            Line(),
            Line((Run(f"  {head}", "bright"),)),
            *sentence(f" {self.store.why}", width),
            Line(),
            Line((Run("  s", "warn"), Run("  start one for this flow, in the background"))),
            Line((Run("  r", "warn"), Run(f"  look again now (looked for all the time, {seconds} s so far)"))),
            Line((Run("  7", "warn"), Run("  edit the flow's file"))),
            *sentence(f" or in another terminal:  {command}", width),
            *(sentence(f" {self._said}", width) if self._said else ()),
        ]
        return Frame(lines, "No engine")

    def action_retry(self) -> None:
        self._link.try_now()

    @work(exclusive=True)
    async def action_start(self) -> None:
        try:
            self.shell.only_in_a_terminal()
        except MoonlightError as looks:
            self._said = str(looks)
            self.look()
            return
        asked = (
            f"This starts an engine for {self.shell.flow}, as `run` does in a shell. It trades what the file says, on "
            "its accounts; real money only while it is armed. Leaving the console does not end it."
        )
        if not await self.console.push_screen_wait(Confirm("Start an engine", asked, self.now)):
            return
        try:
            self._said = await _started(self.shell)
        except MoonlightError as problem:
            self._said = str(problem)
        self._link.try_now()
        self.look()


def _module() -> str:
    return "moonlight" if "moonlight" in sys.modules else "pipeline"


def _program() -> str:
    return "moonlight" if _module() == "moonlight" else "python -m pipeline"


async def _started(shell: Shell) -> str:
    """Start an engine that does not end with us; what it says if it ends at once."""
    output = shell.flow.parent / OUTPUT
    try:
        with output.open("ab") as written:
            begun = written.tell()
            child = begun_apart((sys.executable, "-m", _module(), "run", str(shell.flow)), written)
    except OSError as problem:
        raise MoonlightError(f"cannot start an engine ({problem.strerror}); start it in another terminal") from None
    try:
        await asyncio.to_thread(child.wait, 3)
    except subprocess.TimeoutExpired:
        return f"started as process {child.pid}; what it prints goes to {output}"
    said = output.read_bytes()[begun:].decode(errors="replace").strip().splitlines()
    raise MoonlightError(f"it ended at once: {said[-1] if said else f'exit code {child.returncode}'}")
