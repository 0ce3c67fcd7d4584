"""What signals do while the program is not there yet: its imports and checks take a second or two.

It imports next to nothing, for until it is imported signals do what Python has them do.
"""

import os
import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

INTERRUPTED = 130
"""What a program ends with that was ended by Ctrl-C."""
STOP = "SIGUSR1"
"""Stops a flow; there is no such signal on Windows."""

_kept = set[int]()


def attend(verb: str) -> None:
    """From here on Ctrl-C ends the program without a word, and a stop is kept for the `run` that begins."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # who ignores it goes on ignoring it
        signal.signal(signal.SIGINT, _leave)
    number = getattr(signal, STOP, None)
    if verb == "run" and number is not None:
        signal.signal(number, _keep)


def attended() -> None:
    """From here on Ctrl-C is a KeyboardInterrupt, as ever."""
    if signal.getsignal(signal.SIGINT) is _leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def attending() -> Generator[None]:
    """While more is imported Ctrl-C ends the program as early as that: an import that is broken off says anything."""
    if threading.current_thread() is not threading.main_thread():  # which alone hears of signals
        yield
        return
    attend("")
    try:
        yield
    finally:
        attended()


def came(number: int) -> bool:
    """Whether a signal was kept."""
    return number in _kept


def _leave(number: int, frame: FrameType | None) -> None:
    del number, frame
    os._exit(INTERRUPTED)


def _keep(number: int, frame: FrameType | None) -> None:
    del frame
    _kept.add(number)
