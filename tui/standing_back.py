"""A console that is stopped and goes on, as by Ctrl-Z and `fg`: the terminal is the shell's meanwhile."""

import asyncio
import signal
import sys
from collections.abc import Callable
from types import FrameType


def repaint_when_continued(repaint: Callable[[], object]) -> None:
    """Call it once the terminal is the console's, on its loop.

    Textual takes the terminal anew whenever the process goes on, and paints only what differs. So all of it is painted
    then; and a process that was stopped without a word (SIGSTOP) never gave the terminal back: taken twice, it would
    be left as the console has it.
    """
    if sys.platform == "win32":
        return
    stop, go_on = signal.getsignal(signal.SIGTSTP), signal.getsignal(signal.SIGCONT)
    if not (callable(stop) and callable(go_on)):
        return
    loop, gave_back = asyncio.get_running_loop(), False

    def stopped(number: int, frame: FrameType | None) -> None:
        nonlocal gave_back
        gave_back = True
        stop(number, frame)

    def continued(number: int, frame: FrameType | None) -> None:
        nonlocal gave_back
        if gave_back:
            gave_back = False
            go_on(number, frame)
        loop.call_soon_threadsafe(repaint)

    signal.signal(signal.SIGTSTP, stopped)
    signal.signal(signal.SIGCONT, continued)
