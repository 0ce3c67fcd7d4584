"""FXCM's SDK in a process of its own, run by an older Python, where this one cannot have it.

To whoever uses it, it is a module with the SDK's own surface. A process that does not answer is ended, which cannot be
done to a thread.
"""

import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Event, Lock, Thread
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.fxcm.port import SdkMissing
from pipeline.fxcm.words import COLUMNS, stamp_of

SCRIPT = Path(__file__).with_name("far_side.py")
BEGIN, LOGIN, CALL, END = 30.0, 80.0, 20.0, 5.0
"""Seconds that its process has to begin, to log in, to answer, and to end."""
ABSENT = (
    "FXCM's SDK, the package forexconnect, is not installed, neither for this Python nor for {python}, so there are no "
    'prices of FXCM; install it as docs/fxcm.md says, or write sdk = "practice"'
)


class FarFailure(Exception):
    """What the SDK said in its process."""


class Answer:
    """What one question waits for."""

    def __init__(self) -> None:
        self.there = Event()
        self.told: dict[str, Any] = {}


class Process:
    """The process: it is asked one thing after the other, and tells rows and statuses by itself."""

    def __init__(
        self,
        command: Sequence[str],
        folder: Path,
        environment: Mapping[str, str] | None,
        status: Callable[[str], None],
        patience: float,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.rows: Callable[[Any], None] = lambda _: None
        self._status, self._patience = status, patience
        self._lock = Lock()
        self._answers: dict[int, Answer] = {}
        self._number = 0
        self._begun, self._gone = Event(), Event()
        self._process = subprocess.Popen(  # noqa: S603  # our own script, by the Python that was found
            [*command, str(SCRIPT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env=environment,
            text=True,
            encoding="utf-8",
            start_new_session=True,  # Ctrl-C is for us: the session is logged out of before it ends
        )
        Thread(target=self._hear, name="fxcm process", daemon=True).start()

    def begins(self) -> bool:
        """Whether it has the SDK; `FarFailure` where it did not come so far as to know."""
        begun = self._begun.wait(BEGIN)
        if begun and not self._gone.is_set():
            return True
        if not begun:
            self._process.kill()
        self.end()
        if self._process.returncode <= 0:
            raise FarFailure("the process of the SDK did not begin")
        return False

    def ask(self, do: str, *given: object, seconds: float | None = None) -> Any:
        answer = Answer()
        with self._lock:
            self._number += 1
            number = self._number
            self._answers[number] = answer
        assert self._process.stdin is not None, "it was begun with one"
        with suppress(OSError, ValueError):  # it is gone, which is what is told of it
            self._process.stdin.write(json.dumps({"id": number, "do": do, "given": given}) + "\n")
            self._process.stdin.flush()
        if self._gone.is_set() or not answer.there.wait(self._patience if seconds is None else seconds):
            self._process.kill()
            self.end()
            raise FarFailure(f"Session lost: the process of the SDK did not answer the {do}")
        if "failure" in answer.told:
            raise FarFailure(str(answer.told["failure"]))
        return answer.told.get("answer")

    def end(self) -> None:
        """Have it end by itself, or end it. May be called more than once."""
        with suppress(OSError, ValueError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        try:
            self._process.wait(END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _hear(self) -> None:
        assert self._process.stdout is not None, "it was begun with one"
        with self._process.stdout as lines:
            try:
                for line in lines:
                    self._take(json.loads(line))
            except (ValueError, TypeError):  # who says what cannot be read is not heard any more
                self._process.kill()
        self._gone.set()
        self._begun.set()
        with self._lock:
            left, self._answers = tuple(self._answers.values()), {}
        for answer in left:
            answer.told = {"failure": "Session lost: the process of the SDK ended"}
            answer.there.set()
        self._status("SESSION_LOST")

    def _take(self, told: dict[str, Any]) -> None:
        if "row" in told:
            self.rows(told["row"])
        elif "status" in told:
            self._status(told["status"])
        elif "id" in told:
            with self._lock:
                answer = self._answers.pop(told["id"], None)
            if answer is not None:
                answer.told = told
                answer.there.set()
        else:
            self._begun.set()


class FarRow(NamedTuple):
    """A row of its table, as far as it is told."""

    instrument: str | None
    bid: float | None = None
    ask: float | None = None
    time: int | None = None


class FarTable(list[FarRow]):
    """The instruments of its table, and the process that tells of its changes."""

    def __init__(self, process: Process, instruments: Sequence[str]) -> None:
        super().__init__(FarRow(each) for each in instruments)
        self.process = process


class FarListener:
    """Hears rows from it until it is told not to."""

    def __init__(self, process: Process, hear: Callable[[Any, str, FarRow], None]) -> None:
        self._process = process
        process.rows = lambda row: hear(self, "", FarRow(None) if row is None else FarRow(*row))
        process.ask("subscribe")

    def unsubscribe(self) -> None:
        self._process.rows = lambda _: None
        self._process.ask("unsubscribe")


class FarCommon:
    @staticmethod
    def subscribe_table_updates(
        table: FarTable,
        on_change_callback: Callable[[Any, str, FarRow], None],
        on_add_callback: Callable[[Any, str, FarRow], None],
    ) -> FarListener:
        del on_add_callback  # the same for both, over there
        return FarListener(table.process, on_change_callback)


class FarFx:
    """`ForexConnect()`, with a process for each session."""

    OFFERS = "OFFERS"

    def __init__(
        self, command: Sequence[str], folder: Path, environment: Mapping[str, str] | None, patience: float
    ) -> None:
        self._command, self._folder, self._environment = command, folder, environment
        self._patience = patience
        self._process: Process | None = None
        self._instruments: list[str] = []
        self.session: SimpleNamespace | None = None

    def login(
        self,
        user_id: str,
        password: str,
        url: str,
        connection: str,
        session_id: str,
        pin: str,
        session_status_callback: Callable[[object, str], None],
    ) -> None:
        session = SimpleNamespace(session_status="DISCONNECTED")

        def status(name: str) -> None:
            session.session_status = name
            session_status_callback(session, name)

        process = self._process = Process(self._command, self._folder, self._environment, status, self._patience)
        if not process.begins():
            self.logout()
            raise SdkMissing(ABSENT.format(python=Path(self._command[0]).name))
        self.session = session
        given = (user_id, password, url, connection, session_id, pin)
        self._instruments = process.ask("login", *given, seconds=LOGIN)

    def logout(self) -> None:
        process, self._process, self.session = self._process, None, None
        if process is not None:
            with suppress(FarFailure):
                process.ask("logout")
            process.end()

    def get_table(self, _: str) -> FarTable:
        return FarTable(self._known(), self._instruments)

    def get_history(self, instrument: str, timeframe: str, since: Any, until: Any, count: int) -> NDArray[Any]:
        span = stamp_of(since), stamp_of(until)
        rows = self._known().ask("history", instrument, timeframe, *span, count)
        made = np.zeros(len(rows), np.dtype(COLUMNS))
        if rows:
            columns = np.array(rows, np.float64).T
            made["Date"] = columns[0].astype(np.int64).astype("M8[ms]")
            for (name, _), column in zip(COLUMNS[1:], columns[1:], strict=True):
                made[name] = column
        return made

    def _known(self) -> Process:
        if self._process is None:
            raise FarFailure("Session lost")
        return self._process


def remote_module(
    command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None, patience: float = CALL
) -> Any:
    """A module like `forexconnect`, of which everything is done by another Python."""
    return SimpleNamespace(
        __name__=f"forexconnect of {Path(command[0]).name}",
        ForexConnect=lambda: FarFx(command, folder, environment, patience),
        Common=FarCommon,
        fxcorepy=SimpleNamespace(),
    )
