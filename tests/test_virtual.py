"""The virtual-time event loop: the same coroutines, no waiting."""

import asyncio
import subprocess
import sys

import pytest

from pipeline import virtual
from pipeline.virtual import NothingLeft, RealWaiting, VirtualLoop


def test_a_month_of_sleep_is_one_jump() -> None:
    async def main(loop: VirtualLoop) -> float:
        await asyncio.sleep(30 * 86_400)
        return loop.time()

    assert virtual.run(main) == 30 * 86_400


def test_tasks_interleave_by_time_then_by_who_asked_first() -> None:
    async def main(loop: VirtualLoop) -> list[tuple[str, float]]:
        seen: list[tuple[str, float]] = []

        async def beat(name: str, every: float) -> None:
            for _ in range(3):
                await asyncio.sleep(every)
                seen.append((name, loop.time()))

        await asyncio.gather(beat("x", 10), beat("y", 15))
        return seen

    assert virtual.run(main) == [("x", 10), ("y", 15), ("x", 20), ("y", 30), ("x", 30), ("y", 45)]


def test_a_timeout_is_virtual_too() -> None:
    async def main(loop: VirtualLoop) -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3600):
                await asyncio.Event().wait()
        return loop.time()

    assert virtual.run(main, start=100.0) == 3700


def test_a_wait_that_nothing_can_end_is_an_error_and_not_a_hang() -> None:
    async def main(_: VirtualLoop) -> None:
        await asyncio.Event().wait()

    with pytest.raises(NothingLeft, match="nothing is left"):
        virtual.run(main)


def test_sockets_threads_and_processes_are_refused() -> None:
    async def socket(_: VirtualLoop) -> None:
        await asyncio.open_connection("127.0.0.1", 1)

    async def thread(_: VirtualLoop) -> None:
        await asyncio.to_thread(print)

    async def process(_: VirtualLoop) -> None:
        await asyncio.create_subprocess_exec(sys.executable)

    for asks in (socket, thread, process):
        with pytest.raises(RealWaiting):
            virtual.run(asks)


def test_the_loop_takes_no_thread_for_granted_once_it_has_run() -> None:
    """A second run on a fresh loop works, and asyncio's own runner is not disturbed."""

    async def main(_: VirtualLoop) -> int:
        await asyncio.sleep(1)
        return 1

    async def real() -> int:
        await asyncio.sleep(0)
        return 2

    assert (virtual.run(main), asyncio.run(real()), virtual.run(main)) == (1, 2, 1)


ORDER = """
import asyncio
from pipeline import virtual

async def main(loop):
    seen = []
    async def beat(name):
        for turn in range(5):
            await asyncio.sleep(len(name) * 0.7)
            seen.append((name, round(loop.time(), 3)))
    await asyncio.gather(*(beat(name) for name in {"a", "bb", "ccc"} and sorted({"a", "bb", "ccc"})))
    return seen

print(virtual.run(main))
"""


def test_two_processes_with_other_hash_seeds_see_the_same_order() -> None:
    said = [
        subprocess.run(  # our own interpreter
            [sys.executable, "-c", ORDER], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "2")
    ]
    assert said[0] == said[1]
