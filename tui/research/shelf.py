"""The replays of a flow that were started from a console: a folder each, beside the flow's ledger.

A replay is a process of its own: it goes on when the console is left, and any console of the flow sees it.
"""

import asyncio
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

from pipeline.errors import InputError, MoonlightError
from pipeline.watched_run import STOP, TOLD, RunState, Told
from tui.apart import begun_apart

FOLDER = "research"
SAID = "said.txt"
AT_ONCE = 2
"""So many at a time: each takes a processor."""
SILENT = 20.0
"""Seconds without a word after which a run that was going on is one that was killed."""


class Run(NamedTuple):
    """One replay as it is now."""

    number: int
    folder: Path
    told: Told
    heard: float
    """When it said something last, by the file system's clock."""
    lost: bool
    """It says nothing more, and never said how it ended."""

    @property
    def state(self) -> str:
        return "lost" if self.lost else STATES[self.told.state]

    @property
    def going(self) -> bool:
        return self.told.state == "running" and not self.lost


STATES: dict[RunState, str] = {"running": "running", "done": "done", "failed": "failed", "stopped": "stopped"}


class Shelf:
    """All of them, in the folder of the flow's ledger."""

    def __init__(self, folder: Path, flow: Path) -> None:
        self._folder = folder / FOLDER
        self._flow = flow

    def runs(self) -> tuple[Run, ...]:
        """The newest first. What cannot be read is left out: it is being made, or taken away."""
        numbered = [(int(each.name), each) for each in _listed(self._folder) if each.name.isdecimal()]
        found = (_run(number, folder) for number, folder in sorted(numbered, reverse=True))
        return tuple(run for run in found if run is not None)

    async def start(self, span: tuple[str, ...]) -> Run:
        """Begin a replay over a span, as the words of the verb say it; an `InputError` when it ended at once."""
        going = [run for run in await asyncio.to_thread(self.runs) if run.going]
        if len(going) >= AT_ONCE:
            raise InputError(f"{len(going)} replays are going on, each on a processor; wait for one, or stop it")
        folder = await asyncio.to_thread(self._new)
        command = (sys.executable, "-m", "moonlight" if "moonlight" in sys.modules else "pipeline", "replay")
        with (folder / SAID).open("wb") as said:
            words = (*span, "--followed", str(folder), "--out", str(folder / "results"))
            child = begun_apart((*command, str(self._flow), *words), said)
        while child.poll() is None:
            if (run := await asyncio.to_thread(_run, int(folder.name), folder)) is not None:
                return run
            await asyncio.sleep(0.05)
        if (run := _run(int(folder.name), folder)) is not None:
            return run
        lines = (folder / SAID).read_text("utf-8", "replace").strip().splitlines()
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        raise InputError(lines[-1].removeprefix("error: ") if lines else f"it ended with {child.returncode} at once")

    def stop(self, run: Run) -> None:
        """Have it end; it looks for that a few times a second."""
        with suppress(OSError):
            (run.folder / STOP).touch()

    def remove(self, run: Run) -> None:
        """Take a run that has ended away, with its results."""
        if run.going:
            raise InputError(f"#{run.number} is going on; stop it first")
        try:
            shutil.rmtree(run.folder)
        except OSError as problem:
            raise MoonlightError(f"cannot remove {run.folder} ({problem.strerror})") from None

    def _new(self) -> Path:
        """The next folder, nobody else's."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            number = max((int(each.name) for each in _listed(self._folder) if each.name.isdecimal()), default=0)
            while True:
                number += 1
                with suppress(FileExistsError):
                    (self._folder / str(number)).mkdir()
                    return self._folder / str(number)
        except OSError as problem:
            raise InputError(f"cannot write into {self._folder} ({problem.strerror})") from None


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _run(number: int, folder: Path) -> Run | None:
    try:
        told = msgspec.json.decode((folder / TOLD).read_bytes(), type=Told)
        heard = (folder / TOLD).stat().st_mtime
        now = _now_of(folder)
    except (OSError, msgspec.DecodeError):
        return None
    return Run(number, folder, told, heard, told.state == "running" and now - heard > SILENT)


def _now_of(folder: Path) -> float:
    """The time as the file system has it, which may be another machine's: of a file written now."""
    probe = folder / ".now"
    probe.touch()
    return probe.stat().st_mtime
