"""The publisher in a process of its own, in short: what it says is right, and it goes when it is asked to.

What takes longer is in acceptance.py: `make feed`.
"""

import signal
from pathlib import Path

from tests.feed.stage import stage

MONDAY = 1_767_621_600.0
"""2026-01-05 14:00 UTC, seconds."""


def test_two_fast_minutes_with_a_kill_between_are_right_and_an_interrupt_ends_it_without_a_traceback(
    tmp_path: Path,
) -> None:
    with stage(tmp_path, MONDAY - 40, speed=30, warmup=5, products=("EURUSD",)) as it:
        it.started()
        it.reached(MONDAY + 15)
        with it.trouble(more=60):
            it.program.end(signal.SIGKILL)
            it.listener.life = 1
            it.started()
        ended = it.now + 60
        it.reached(ended)
        it.caught_up(MONDAY, ended)
        assert it.program.end(signal.SIGINT) == 0
        it.held(MONDAY, ended)
