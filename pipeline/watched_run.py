"""A long computation that somebody follows from another process: what it says of itself, in files of one folder.

It writes how far it is a few times a second, and in the end what it found or why it failed. Who wants it to end early
puts a file named `stop` beside that. Nothing else is shared, so either side may be killed at any moment.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import Any, Literal, Self

import msgspec
from msgspec import Struct

from pipeline.errors import InputError, MoonlightError

TOLD, STOP = "told.json", "stop"
OFTEN = 0.25
"""Seconds between two words on how far it is."""

RunState = Literal["running", "done", "failed", "stopped"]


class Told(Struct):
    """What a computation says of itself. While `running` it is written anew all the time; a text that has not been for
    long is of one that was killed."""

    what: str
    begin: int
    end: int
    state: RunState = "running"
    done: float = 0.0
    """How much of it, 0 to 1."""
    seconds: float = 0.0
    """How long it has taken so far."""
    why: str = ""
    """Why it failed; "" for none."""
    found: dict[str, Any] = {}


class Stopped(MoonlightError):
    """It was asked to end."""


class WatchedRun:
    """What is followed. Call it with how much is done; it raises `Stopped` when it is to end."""

    def __init__(self, folder: Path, what: str, begin: int, end: int) -> None:
        self._folder = folder
        self._told = Told(what, begin, end)
        self._began = self._said = perf_counter()

    def __enter__(self) -> Self:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise self._unwritten(problem) from None
        self._write()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, _: TracebackType | None
    ) -> None:
        told = self._told
        if isinstance(failure, Stopped):
            told.state = "stopped"
        elif failure is not None:
            told.state, told.why = "failed", str(failure) or type(failure).__name__
        else:
            told.state, told.done = "done", 1.0
        try:
            self._write()
        except InputError:
            if failure is None:  # or that is what there is to say
                raise

    def __call__(self, done: float) -> None:
        now = perf_counter()
        if now - self._said < OFTEN:
            return
        self._said = now
        self._told.done = min(1.0, done)
        self._write()
        if (self._folder / STOP).exists():
            raise Stopped("it was stopped, as somebody asked; what it had found so far is not kept")

    def find(self, found: Mapping[str, Any]) -> None:
        """What came of it."""
        self._told.found = dict(found)

    def _write(self) -> None:
        self._told.seconds = perf_counter() - self._began
        beside = self._folder / f"{TOLD}.new"
        try:
            beside.write_bytes(msgspec.json.encode(self._told))
            beside.replace(self._folder / TOLD)
        except OSError as problem:
            raise self._unwritten(problem) from None

    def _unwritten(self, problem: OSError) -> InputError:
        return InputError(f"cannot write into {self._folder} ({problem.strerror}); make room there, or name another")


def both(first: Callable[[float], None], second: Callable[[float], None] | None) -> Callable[[float], None]:
    """Two who are told how far it is."""
    if second is None:
        return first

    def told(done: float) -> None:
        first(done)
        second(done)

    return told
