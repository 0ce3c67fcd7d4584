"""What the program takes of its machine: read when somebody asks, and looked at once a second for its share."""

import asyncio
import gc
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from pipeline.telemetry.readings import Reading

STATM, FDS = Path("/proc/self/statm"), Path("/proc/self/fd" if sys.platform == "linux" else "/dev/fd")


class Machine:
    """The process. Its share of a processor is that of the time between the last two looks."""

    def __init__(self, real: float) -> None:
        self._begin = self._looked = real
        self._used = time.process_time()
        self._share: float | None = None
        self._tasks = 0

    def look(self, real: float) -> None:
        """On the event loop (real ms)."""
        used = time.process_time()
        if real > self._looked:
            self._share = (used - self._used) * 1000 / (real - self._looked)
        self._looked, self._used = real, used
        self._tasks = len(asyncio.all_tasks())

    def readings(self, real: float) -> Iterator[Reading]:
        yield Reading("moonlight_uptime_seconds", (), (real - self._begin) / 1000)
        yield Reading("moonlight_process_cpu_seconds_total", (), time.process_time())
        if self._share is not None:
            yield Reading("moonlight_process_cpu_share", (), self._share)
        if (memory := resident()) is not None:
            yield Reading("moonlight_process_resident_bytes", (), memory)
        if (files := open_files()) is not None:
            yield Reading("moonlight_process_open_files", (), files)
        yield Reading("moonlight_process_threads", (), threading.active_count())
        yield Reading("moonlight_process_tasks", (), self._tasks)
        for generation, told in enumerate(gc.get_stats()):
            yield Reading("moonlight_process_collections_total", (str(generation),), told["collections"])


def resident() -> int | None:
    """Bytes of memory that the program holds now; None where the system does not say."""
    with suppress(OSError):
        return int(STATM.read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return None


def open_files() -> int | None:
    with suppress(OSError):
        return len(os.listdir(FDS))  # noqa: PTH208  # a Path of each is not wanted
    return None
