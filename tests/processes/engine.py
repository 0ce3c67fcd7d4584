"""Starts engines on one flow, one after the other: each is a fork of this process, in which all is loaded already.

It is asked on its input, a line of JSON for each life, and tells on its output: what it forked, what a life says of
itself, how it ended.
"""

import asyncio
import json
import os
import signal
import sqlite3
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import operators
import sinks
import sources
from pipeline.checking import load
from pipeline.ending import Unended, leave
from pipeline.engine import Setting, ledger_of, market_of, running
from pipeline.errors import MoonlightError
from pipeline.evidence import Reconciled
from pipeline.flow import Flow
from pipeline.ledger import Ledger
from pipeline.live import on_signals, only_one, wall, watch_ledger
from pipeline.lives import living
from pipeline.plan import LEDGER, Plan
from pipeline.standstills import Pulse, StandstillWatch
from pipeline.times import HOUR
from pipeline.values import Latch, Order, Slept, Stalled

REGISTERED = (operators, sinks, sources)
WRITES = ("BEGIN", "COMMIT", "INSERT", "UPDATE")


def say(what: str, **facts: Any) -> None:
    """A line in one piece, whoever else writes to the same pipe."""
    os.write(1, (json.dumps({"what": what, **facts}, default=str) + "\n").encode())


def main(folder: Path) -> None:
    plan = load(folder / "flows.toml")
    say("loaded")
    pid = 0
    for line in sys.stdin:
        if pid:
            os.waitpid(pid, 0)
        asked = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _be(plan, asked)
        say("forked", pid=pid)
        # Its number stays its own until whoever may still send it a signal has heard that it ended, and asks for more.
        ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        assert ended is not None
        say("ended", code=ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status)


def _be(plan: Plan, asked: dict[str, Any]) -> NoReturn:
    """One life."""
    code = 0
    try:
        if "dies_at" in asked:
            die_at(asked["dies_at"])
        if asked.get("mutant") == "sends_first":
            _send_first()
        asyncio.run(_Life(plan, asked).whole())
    except MoonlightError as failure:
        say("failed", text=str(failure))
        code = failure.exit_code
    except BaseException:  # noqa: BLE001  # a fork must not go on as its parent
        traceback.print_exc()
        code = 70
    finally:
        os._exit(code)


class _Life:
    """An engine from its start to its end. `calm`: nothing new is traded. `begin`: on a clock that starts there."""

    def __init__(self, plan: Plan, asked: dict[str, Any]) -> None:
        self._plan, self._asked = plan, asked
        self._unended = Unended()
        self._calm: bool = asked.get("calm", False)

    async def whole(self) -> None:
        plan, asked = self._plan, self._asked
        stop = asyncio.Event()
        on_signals(stop.set)
        with ExitStack() as held:
            held.enter_context(only_one(plan.folder))
            say("owner", alone=_alone(plan.folder))
            ledger = held.enter_context(ledger_of(plan))
            # The lives of a test follow each other at once: for the ledger they are an hour apart.
            life = held.enter_context(living(ledger.path, plan, os.getpid(), lambda: asked.get("life", 0) * HOUR))
            ledger.own(life.epoch)
            begin, speed = market_of(plan, asked.get("begin", wall()), ledger.last_moment())
            if self._calm:
                ledger.latch(Latch("", True, begin, "calm", "tests"))
            setting = Setting(mode="paper", begin=begin, speed=speed)
            past = ledger.past(begin)
            say("boot", orders=len(past.orders))
            taps = (self._unended.told, self._told)
            async with running(plan, setting, ledger, past, taps=taps) as flow:
                stopping = asyncio.ensure_future(stop.wait())
                heard = asyncio.ensure_future(watch_ledger(ledger.heard, partial(flow.enter, LEDGER)))
                clock = asyncio.ensure_future(self._watch_clock(flow, begin))
                await asyncio.wait([stopping, heard, clock, flow.ended], return_when=asyncio.FIRST_COMPLETED)
                for each in (flow.ended, heard, clock):
                    if each.done():
                        each.result()
                say("leaving", orders=self._unended.leaving)
                await leave(flow, self._unended)
                for each in (heard, clock):
                    each.cancel()
                await asyncio.gather(heard, clock, return_exceptions=True)
        say("left", open={each.order: each.state for each in self._unended.orders})

    async def _watch_clock(self, flow: Flow, begin: int) -> None:
        if self._asked.get("begin") is None:
            await flow.ended
            return
        pulse = Pulse()
        began = pulse.clocks().loop

        def stalled(value: Stalled) -> None:
            say("stalled", millis=value.millis, cause=value.cause)

        def clocks() -> Any:  # the time of day is that of the test
            now = pulse.clocks()
            return now._replace(wall=begin + now.loop - began)

        watch = StandstillWatch(flow.stepped, stalled, clocks)
        flow.standstill = watch.why
        if "busy" in self._asked:
            asyncio.get_running_loop().call_later(1.0, _be_busy, self._asked["busy"])
        await watch.whole()

    def _told(self, _: str, value: Any) -> None:
        match value:
            case Reconciled():
                say("reconciled", account=value.account)
            case Order():
                say("order", order=value.order, state=value.state, cause=value.cause, at=value.at)
            case Slept():
                say("slept", since=value.since, until=value.until, cause=value.cause)
            case _ if self._asked.get("decisions") and hasattr(value, "verdict") and hasattr(value, "gates"):
                numbers: list[int] = value.verdict.tolist()
                for bar, number in zip(value.open_ts.tolist(), numbers, strict=True):
                    say("decision", bar=bar, verdict="trade" if number < 0 else value.gates[number])
            case _:
                pass


def _alone(folder: Path) -> bool:
    """Whether nobody who runs has owned this folder before."""
    owners = folder / "owners.txt"
    before = owners.read_text(encoding="utf-8").split() if owners.exists() else []
    with owners.open("a", encoding="utf-8") as file:
        file.write(f"{os.getpid()}\n")
    return not any(_runs(int(pid)) for pid in before)


def _runs(pid: int) -> bool:
    try:
        told = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return False
    return told.rpartition(")")[2].split()[0] not in ("Z", "X")


def _be_busy(seconds: float) -> None:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        pass


def die_at(count: int, which: tuple[str, ...] = WRITES) -> None:
    """Have this process killed before its so manieth statement that begins like these."""
    left = count

    def traced(text: str) -> None:
        nonlocal left
        if text.startswith(which):
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)

    class Traced(sqlite3.Connection):
        def __init__(self, *given: Any, **named: Any) -> None:
            super().__init__(*given, **named)
            self.set_trace_callback(traced)

    connect: Callable[..., sqlite3.Connection] = sqlite3.connect
    sqlite3.connect = partial(connect, factory=Traced)


def _send_first() -> None:
    """The mistake that these tests must find: an order leaves before it is on disk, and is written when answered."""
    follow = Ledger.follow

    def answered(self: Ledger, order: Order) -> None:
        if order.state != "SEND":
            follow(self, order)

    Ledger.intend = lambda self, order: True
    Ledger.follow = answered


if __name__ == "__main__":
    main(Path(sys.argv[1]))
