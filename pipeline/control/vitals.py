"""What this process takes of its machine."""

import os
from pathlib import Path

from pipeline.control.looking import Vitals

MEGABYTE = 1024 * 1024
STATM = Path("/proc/self/statm")


class Machine:
    """How busy this process is: its share of one core, between one look and the next."""

    def __init__(self) -> None:
        self._busy, self._at = _times()
        self._share = 0.0

    def __call__(self) -> Vitals:
        """The share is the one found before when that is less than a second ago."""
        busy, at = _times()
        if at - self._at >= 1:
            self._share = 100 * (busy - self._busy) / (at - self._at)
            self._busy, self._at = busy, at
        return Vitals(round(self._share, 1), _held())


def _times() -> tuple[float, float]:
    times = os.times()
    return times.user + times.system, times.elapsed


def _held() -> float:
    """Megabytes in memory now; 0 where the system does not tell."""
    try:
        pages = int(STATM.read_text("ascii").split()[1])
    except OSError:
        return 0.0
    return round(pages * os.sysconf("SC_PAGE_SIZE") / MEGABYTE, 1)
