"""Interrupts from a thread beside: where there are no signals, or not for the thread that asks.

What is thrown from here is taken at the next step of Python's own, and perhaps only when whoever was asked has
answered: so it is taken back before anybody goes on, and asking ends only when nothing is on its way any more.
It can throw into no call that waits.
"""

import ctypes
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar

from pipeline.hogging.limits import WAITS, OutOfTime, Overrun

T = TypeVar("T")

LOOKS = 0.005
"""Seconds between two looks of the thread, and so between two throws."""


class Watcher:
    """Asks on any thread, one question at a time. What counts is the time that passes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._asker: int | None = None
        self._open = False
        """Whether something may be thrown at it."""
        self._due = self._since = 0.0
        self._strikes = 0

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._look, name="watcher", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def ask(self, question: Callable[[], T], seconds: float) -> T:
        """See `Interrupts`."""
        with self._lock:
            self._strikes, self._since = 0, time.monotonic()
            self._due = self._since + WAITS * seconds
            self._asker = threading.get_ident()
        answer: list[T] = []
        failure: BaseException | None = None
        while self._asking():
            try:
                try:
                    if not answer and failure is None and not self._strikes:
                        self._open = True
                        answer.append(question())
                except Exception as raised:  # noqa: BLE001  # whoever asked has it, once nothing more is thrown
                    failure = raised
                finally:
                    self._let_go()
            except OutOfTime:
                self._open = False  # nobody else ran since it was caught: this was the last
        if self._strikes:
            raise Overrun(round((time.monotonic() - self._since) * 1000))
        if failure is not None:
            raise failure
        return answer[0]

    def _asking(self) -> bool:
        return self._asker is not None

    def _let_go(self) -> None:
        """Nothing is thrown any more, and what was and has not come yet is taken back."""
        with self._lock:
            _throw(threading.get_ident(), None)
            self._asker, self._open = None, False

    def _look(self) -> None:
        while not self._over.wait(LOOKS):
            with self._lock:
                if self._asker is not None and self._open and time.monotonic() >= self._due:
                    self._strikes += 1
                    _throw(self._asker, OutOfTime)


def _throw(thread: int, what: type[BaseException] | None) -> None:
    thrown = ctypes.py_object(what) if what is not None else None
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), thrown)
