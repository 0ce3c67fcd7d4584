"""Tasks beside each other: what one of them fails with ends no other."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from itertools import pairwise
from pathlib import Path

from pipeline import virtual
from pipeline.border import Border
from pipeline.calendar import Calendars
from pipeline.clocks import LoopClock
from pipeline.connections.troubles import CallFailed
from pipeline.publishing.link import Link
from pipeline.publishing.script import Answer, Message
from pipeline.publishing.supervisor import Standing, Supervisor
from pipeline.publishing.wires import Plain
from pipeline.times import SECOND
from pipeline.trying import NoRecords
from tests.support import MONDAY


def border(folder: Path) -> Border:
    clock = LoopClock(asyncio.get_running_loop(), MONDAY)
    return Border(
        mode="paper", base=folder, folder=folder, flow="flow", clock=clock, history={}, ledger=NoRecords(),
        calendars=Calendars(),
    )  # fmt: skip


def test_a_task_that_fails_is_told_and_begun_anew_later_and_later_while_others_go_on(tmp_path: Path) -> None:
    begun: list[int] = []
    told: list[tuple[str, str]] = []
    steady: list[int] = []

    async def main() -> None:
        host = border(tmp_path)

        async def failing(_: Standing) -> None:
            begun.append(host.now() - MONDAY)
            raise ValueError("it cannot")

        async def going_on(_: Standing) -> None:
            while True:
                steady.append(host.now())
                await host.until(host.now() + SECOND)

        supervisor = Supervisor(host, lambda name, failure: told.append((name, str(failure))))
        bad, good = supervisor.run("bad", failing), supervisor.run("good", going_on)
        await host.until(MONDAY + 20 * SECOND)
        assert (bad.state, bad.failures) == ("backoff", len(begun))
        assert good.failures == 0
        assert good.idle(MONDAY + 3500) == 3.5
        supervisor.stop()
        assert (bad.state, good.state) == ("stopped", "stopped")
        await host.until(MONDAY + 60 * SECOND)

    virtual.run(lambda _: main())
    waits = [later - earlier for earlier, later in pairwise(begun)]
    assert waits == sorted(waits)
    assert waits[0] >= SECOND
    assert len(begun) == 5
    assert told == [("bad", "it cannot")] * 5
    assert len(steady) == 20


class Scripted:
    """A wire that opens, or does not, as it is written down."""

    opened: int = 0

    def __init__(self, fails: bool) -> None:
        self._fails = fails
        self.closed = False

    async def open(self) -> None:
        if self._fails:
            raise CallFailed("network", "nobody is there")

    async def publish(self, messages: Sequence[Plain]) -> None:
        raise CallFailed("network" if messages else "rule", "it broke")

    async def finals(self, messages: Sequence[Message], now: int) -> list[Answer]:
        raise NotImplementedError

    async def commands(self) -> AsyncGenerator[bytes]:
        for never in ():
            yield never

    async def close(self) -> None:
        self.closed = True


def test_a_connection_is_tried_later_and_later_and_the_time_that_is_left_is_known(tmp_path: Path) -> None:
    made: list[tuple[int, Scripted]] = []
    told: list[str] = []

    async def main() -> None:
        host = border(tmp_path)

        def make() -> Scripted:
            made.append((host.now() - MONDAY, Scripted(fails=len(made) < 3)))
            return made[-1][1]

        link = Link(host, "redis", make, lambda failure: told.append(failure.kind), lambda: None)
        keeping = host.work(link.keep(), lambda failure: None)
        await host.until(MONDAY + 500)
        assert link.state == "backoff"
        before = link.remaining
        await host.until(MONDAY + 700)
        assert 0 < link.remaining < before
        await link.up()
        assert (link.state, link.remaining, link.reconnects) == ("connected", 0.0, 0)
        keeping.dispose()
        await host.left()
        assert made[-1][1].closed

    virtual.run(lambda _: main())
    moments = [at for at, _ in made]
    waits = [later - earlier for earlier, later in pairwise(moments)]
    assert waits == sorted(waits)
    assert [round(wait / SECOND) for wait in waits] in (
        [1, 2, 4],
        [1, 3, 4],
        [2, 2, 4],
        [1, 2, 5],
        [2, 3, 5],
        [1, 3, 5],
    )
    assert told == ["network"] * 3


def test_a_failure_of_one_message_breaks_no_connection_and_one_of_the_network_does_once(tmp_path: Path) -> None:
    made: list[Scripted] = []

    async def main() -> None:
        host = border(tmp_path)

        def make() -> Scripted:
            made.append(Scripted(fails=False))
            return made[-1]

        link = Link(host, "redis", make, lambda failure: None, lambda: None)
        keeping = host.work(link.keep(), lambda failure: None)

        async def send(messages: Sequence[Plain]) -> None:
            try:
                async with link.wire() as wire:
                    await wire.publish(messages)
            except CallFailed:
                return

        await send([])
        assert (link.state, len(made)) == ("connected", 1)
        await asyncio.gather(send([Plain("status", b"")]), send([Plain("status", b"")]))
        await link.up()
        assert all(wire.closed for wire in made[:-1])
        assert link.failures == len(made) - 1 == 2
        keeping.dispose()
        await host.left()

    virtual.run(lambda _: main())


def test_a_task_that_was_well_for_a_minute_before_it_failed_is_begun_anew_soon(tmp_path: Path) -> None:
    begun: list[int] = []

    async def main() -> None:
        host = border(tmp_path)

        async def failing_now_and_then(_: Standing) -> None:
            begun.append(host.now() - MONDAY)
            await host.until(host.now() + 100 * SECOND)
            raise CallFailed("network", "it is gone")

        supervisor = Supervisor(host, lambda _name, _failure: None)
        supervisor.run("now and then", failing_now_and_then)
        await host.until(MONDAY + 2000 * SECOND)
        supervisor.stop()

    virtual.run(lambda _: main())
    assert len(begun) > 15
    assert all(later - earlier <= 102 * SECOND for earlier, later in pairwise(begun))
