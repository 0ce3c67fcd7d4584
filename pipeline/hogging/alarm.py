"""Interrupts by the signal of a timer, which the main thread of a POSIX system takes between two steps of Python's.

Nothing is thrown but into frames below the one that asks: so there is no moment at which an interrupt comes too late.
One who catches it is interrupted again before his next step, whatever he does about it, as the signal is set again
within the very call that throws.
"""

import _thread
import gc
import inspect
import operator
import signal
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import CodeType, FrameType, TracebackType
from typing import Any, Self, TypeVar

from pipeline.hogging.limits import WAITS, OutOfTime, Overrun

T = TypeVar("T")

AGAIN = 0.01
"""Seconds until somebody who is still there is interrupted anew."""
STRIKES = 10_000
"""So often it is tried without a pause; then only at every turn of the timer."""
SHORTLY = 0.001
"""Seconds until it is tried again, when somebody else's signal was being taken."""


class Alarm:
    """Asks on the main thread."""

    def __init__(self) -> None:
        self._asker: FrameType | None = None
        self._seconds = self._since = self._used = 0.0
        self._strikes = 0
        self._where = ""
        self._throw: tuple[Callable[[], Any], ...] = (partial(_thread.interrupt_main, signal.SIGALRM), _thrower())

    def __enter__(self) -> Self:
        self._before = signal.signal(signal.SIGALRM, self._rang)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self._before or signal.SIG_DFL)

    def ask(self, question: Callable[[], T], seconds: float) -> T:
        """See `Interrupts`. What is collected of cycles is not billed to whoever is asked."""
        collecting = gc.isenabled()
        gc.disable()
        self._strikes, self._seconds = 0, seconds
        self._since, self._used = time.monotonic(), time.thread_time()
        self._asker = inspect.currentframe()
        signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
        try:
            answer = question()
        except BaseException:
            self._asker = None
            if self._strikes:
                raise self._overrun() from None
            raise
        finally:
            self._asker = None
            signal.setitimer(signal.ITIMER_REAL, 0)
            if collecting:
                gc.enable()
        if self._strikes:
            raise self._overrun()
        return answer

    def _overrun(self) -> Overrun:
        return Overrun(round((time.monotonic() - self._since) * 1000), self._where)

    def _rang(self, number: int, frame: FrameType | None) -> None:
        """The signal: throw, unless whoever asks is not waiting any more, or may wait a little longer."""
        asker = self._asker
        if asker is None or frame is None or frame is asker:
            return
        left = self._left()
        if left > 0:
            signal.setitimer(signal.ITIMER_REAL, left, AGAIN)
            return
        frames = list(_between(frame, asker))
        if _taken_by_others(frames, number):
            signal.setitimer(signal.ITIMER_REAL, SHORTLY, AGAIN)
            return
        if not self._strikes:
            self._where = _place(frames)
        self._strikes += 1
        if self._strikes > STRIKES:
            raise OutOfTime
        any(map(operator.call, self._throw))  # one step: nothing of Python's comes between the two

    def _left(self) -> float:
        used, waited = time.thread_time() - self._used, time.monotonic() - self._since
        return min(self._seconds - used, WAITS * self._seconds - waited)


def _thrower() -> Callable[[], Any]:
    """What throws without a step of Python's own."""
    ended = (nothing for nothing in ())
    return partial(ended.throw, OutOfTime)


def _between(frame: FrameType, asker: FrameType) -> Iterator[FrameType]:
    """The frames below the one that asks, innermost first."""
    below: FrameType | None = frame
    while below is not None and below is not asker:
        yield below
        below = below.f_back


def _place(frames: list[FrameType]) -> str:
    """Where a plug-in was: the innermost frame in the file of its outermost one."""
    theirs = [frame for frame in frames if Path(frame.f_code.co_filename).name != "voting.py"]
    file = theirs[-1].f_code.co_filename if theirs else ""
    for frame in theirs:
        if frame.f_code.co_filename == file:
            return f"{Path(file).name} line {frame.f_lineno}"
    return ""


def _taken_by_others(frames: list[FrameType], number: int) -> bool:
    """Whether somebody else's signal is being taken: that is interrupted by nobody, it may be the kill switch."""
    codes = {frame.f_code for frame in frames}
    return any(each in codes for each in _handlers(number))


def _handlers(but: int) -> Iterator[CodeType]:
    for number in signal.valid_signals():
        handler = signal.getsignal(number) if number != but else None
        code = getattr(getattr(handler, "__func__", handler), "__code__", None)
        if isinstance(code, CodeType):
            yield code
