"""What libraries and the interpreter say by their own ways, said in the log instead of on the terminal.

That is standard logging, warnings, threads and tasks that fail with nobody to tell, and failures within finalizers.
Code of ours that stands where no flow is uses standard logging too: `moonlight.requests` is the subject `requests`.
"""

import asyncio
import logging
import sys
import threading
import traceback
import warnings
from types import TracebackType
from typing import Any, Self, TextIO

from pipeline.logs.book import LogBook
from pipeline.logs.records import LogLevel
from pipeline.logs.settings import SUBJECTS

OURS = "moonlight."
LIBRARIES = "libraries"
NUMBERS: dict[LogLevel, int] = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}


class Overhearing(logging.Handler):
    """While it lasts, all of that goes into a book. Entered and left on the flow's own loop."""

    def __init__(self, book: LogBook) -> None:
        super().__init__()
        self._book = book

    def __enter__(self) -> Self:
        root = logging.getLogger()
        self._before = root.level, warnings.showwarning, sys.unraisablehook, threading.excepthook
        root.addHandler(self)
        warnings.showwarning = self._warned
        sys.unraisablehook = self._unraisable
        threading.excepthook = self._in_thread
        self._loop = asyncio.get_running_loop()
        self._stray = self._loop.get_exception_handler()
        self._loop.set_exception_handler(self._in_loop)
        self.listen()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        root = logging.getLogger()
        root.removeHandler(self)
        level, warnings.showwarning, sys.unraisablehook, threading.excepthook = self._before
        root.setLevel(level)
        logging.getLogger(OURS.rstrip(".")).setLevel(logging.NOTSET)
        self._loop.set_exception_handler(self._stray)

    def listen(self) -> None:
        """Have only so much said as is kept: what nobody keeps is not even put into words."""
        least = self._book.levels_below
        logging.getLogger().setLevel(NUMBERS[least(LIBRARIES)])
        logging.getLogger(OURS.rstrip(".")).setLevel(min(NUMBERS[least(subject)] for subject in SUBJECTS))

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = record.getMessage()
        except Exception as failure:  # noqa: BLE001  # whatever its arguments do, who said it goes on
            text = f"what it said cannot be read ({type(failure).__name__}: {failure}): {record.msg}"
        facts: dict[str, Any] = {} if record.exc_info is None else {"traceback": _traceback(*record.exc_info)}
        name = record.name
        module = name.removeprefix(OURS) if name.startswith(OURS) else f"{LIBRARIES}.{name}"
        self._book.say(_level(record.levelno), module, text, fields=facts | getattr(record, "facts", {}))

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # as the library has it
        """Nothing of it goes to the terminal."""

    def _warned(
        self,
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        del file, line
        self._book.say("warning", f"{LIBRARIES}.warnings", f"{filename}:{lineno}: {category.__name__}: {message}")

    def _unraisable(self, caught: "sys.UnraisableHookArgs") -> None:
        failure = caught.exc_value
        what = f"{caught.err_msg or 'a failure nobody could be told'}: {_named(caught.exc_type, failure)}"
        facts = {"traceback": _traceback(caught.exc_type, failure, caught.exc_traceback)}
        self._book.say("error", f"{LIBRARIES}.finalizers", what, fields=facts)

    def _in_thread(self, caught: threading.ExceptHookArgs) -> None:
        name = caught.thread.name if caught.thread is not None else "nobody knows"
        what = f"the thread {name} failed: {_named(caught.exc_type, caught.exc_value)}"
        facts = {"traceback": _traceback(caught.exc_type, caught.exc_value, caught.exc_traceback)}
        self._book.say("error", f"{LIBRARIES}.threads", what, fields=facts)

    def _in_loop(self, loop: asyncio.AbstractEventLoop, told: dict[str, Any]) -> None:
        """What a task or a callback failed with, that nobody waits for."""
        del loop
        failure: BaseException | None = told.get("exception")
        if failure is None:
            self._book.say("error", f"{LIBRARIES}.asyncio", str(told.get("message")))
            return
        facts = {"traceback": _traceback(type(failure), failure, failure.__traceback__)}
        what = f"{told.get('message')}: {_named(type(failure), failure)}"
        self._book.say("error", f"{LIBRARIES}.asyncio", what, fields=facts)


def _level(number: int) -> LogLevel:
    if number >= logging.ERROR:
        return "error"
    return "warning" if number >= logging.WARNING else "info" if number >= logging.INFO else "debug"


def _named(kind: type[BaseException] | None, failure: BaseException | None) -> str:
    return f"{kind.__name__ if kind is not None else 'nothing'}: {failure}"


def _traceback(kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None) -> str:
    """Lines of code, and no values of variables."""
    return "".join(traceback.format_exception(kind, failure, trace))
