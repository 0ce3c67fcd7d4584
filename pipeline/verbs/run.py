"""Run a flow: paper trading as time passes, without a window of its own.

examples:
  python -m pipeline run
  python -m pipeline run flows.toml --console
  python -m pipeline run --for 30s --json
  python -m pipeline run --for 2m --record session && python -m pipeline verify session

A line shows how it fares. Ctrl-C, or a request to end, ends it with a summary: nothing new is sent, an order that is
on its way is waited for (two seconds longer than the executor's `answer_seconds` at the most), and what stays open is
named. A second one ends it at once; what was on its way then is UNKNOWN at the next start. `console` attaches from
another terminal.
"""

import argparse
import asyncio
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from datetime import UTC
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from pipeline.arming import banner
from pipeline.aside import Aside
from pipeline.ending import Unended, leave, patience
from pipeline.engine import Setting, ledger_of, market_of, running, venue_clock
from pipeline.errors import InputError
from pipeline.flow import CLOCK, TAP, Flow
from pipeline.journal import Journal
from pipeline.ledger import Ledger
from pipeline.ledger.rows import decision_rows
from pipeline.live import KillSignal, collect_seldom, on_signals, only_one, wall, watch_ledger
from pipeline.lives import living
from pipeline.plan import LEDGER, Plan
from pipeline.remarks import Remarks, remark
from pipeline.service import Diagnosis
from pipeline.service_lines import feed_line, feed_summary
from pipeline.standstills import Pulse, StandstillWatch, stalls_file
from pipeline.switch import Switch
from pipeline.times import SECOND, duration, local_text, timeframe_name
from pipeline.traffic import Traffic
from pipeline.values import Decisions, Fault, Order, Stalled
from pipeline.verbs.accounts_common import unlock
from pipeline.verbs.common import flow_option, json_option, proven_plan_of, say_json
from pipeline.view import Status
from pipeline.watch import Watch
from sinks.desk import Desk

EVERY = 0.5
"""Seconds between two looks at the flow."""
PLAIN_EVERY = 10
"""Looks between two lines where there is no terminal."""
NAMED = 10
"""How many orders that have not ended are named one by one."""
LEAVING = 5.0
"""Seconds a console has to give the terminal back when the flow ends."""


def options(parser: argparse.ArgumentParser) -> None:
    flow_option(parser)
    parser.add_argument("--for", dest="length", metavar="SPAN", help="end by itself after this much real time: 30s, 8h")
    parser.add_argument(
        "--record", type=Path, metavar="DIR", help="keep all that comes in and goes out in a new folder, for `verify`"
    )
    parser.add_argument(
        "--console", action="store_true", help="open the console on this terminal; leaving it does not end the flow"
    )
    parser.add_argument("--port", type=int, default=0, help="the loopback port consoles attach to (any free one)")
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    plan = proven_plan_of(options)
    if plan.settings.mode == "replay":
        raise InputError(f'{plan.file} says mode = "replay": run it with the verb `replay`, or set mode = "paper"')
    try:
        seconds = None if options.length is None else duration(options.length) / SECOND
    except ValueError as wrong:
        raise InputError(str(wrong)) from None
    unlock(plan)
    with only_one(plan.folder), KillSignal() as killed:
        asyncio.run(_Run(plan, options, seconds, killed).whole())
    return 0


class _Run:
    """One run, from its first word to its summary."""

    def __init__(self, plan: Plan, options: argparse.Namespace, seconds: float | None, killed: KillSignal) -> None:
        self._plan = plan
        self._options = options
        self._seconds = seconds
        self._killed = killed
        self._words = _Json() if options.json else _Line(plan) if sys.stdout.isatty() else _Plain(plan)
        self._unended, self._traffic = Unended(), Traffic()

    async def whole(self) -> None:
        plan, options = self._plan, self._options
        self._stop = asyncio.Event()
        on_signals(self._stop.set)
        with ExitStack() as held:
            ledger = held.enter_context(ledger_of(plan))
            life = held.enter_context(living(ledger.path, plan, os.getpid(), wall))
            ledger.own(life.epoch)
            begin, speed = market_of(plan, wall(), ledger.last_moment())
            clock = await venue_clock(plan)
            pace = speed or 1.0
            if clock is not None:
                begin, pace = clock.now(), clock.speed
            if life.looping:
                ledger.latch(life.stop(begin))
                self._words.told(LEDGER, life.stop(begin))
            journal = Journal(options.record, plan, begin, later=True) if options.record else None
            if journal is not None:
                held.enter_context(journal)
            watch = Watch(plan, wall(), pace)
            switch = Switch(ledger.path, ZoneInfo(plan.settings.display_timezone), tuple(plan.accounts), begin)
            self._killed.calls(switch.signalled)
            await switch.take_file(plan.folder)
            desk = Aside(lambda ask: Desk(watch, plan.folder, options.port, switch, ask))
            url = await desk.start()
            past = ledger.past(begin)
            self._words.begin(begin, pace, url, banner(plan, past.armings, begin))
            setting = Setting(mode=plan.settings.mode, begin=begin, speed=speed, clock=clock)
            taps = (watch.told, self._words.told, self._unended.told, self._traffic.told)
            try:
                async with running(plan, setting, ledger, past, journal=journal, taps=taps) as flow:
                    watch.begins(flow.border.clock)
                    switch.begins(flow)
                    collect_seldom()
                    await self._until_end(flow, watch, ledger, switch)
            finally:
                watch.state = "ENDED"
                await desk.stop()
        self._words.end(watch.status(), amiss(flow), self._unended.orders, self._traffic)

    async def _until_end(self, flow: Flow, watch: Watch, ledger: Ledger, switch: Switch) -> None:
        """Wait for what ends the run: its time, a signal, its sources, or a failure."""
        stop = asyncio.ensure_future(self._stop.wait())
        looks = asyncio.ensure_future(self._look(watch))
        console = asyncio.ensure_future(self._console())
        clock = asyncio.ensure_future(self._watch_clock(flow, watch))
        latches = asyncio.ensure_future(watch_ledger(ledger.heard, switch.heard))
        kills = asyncio.ensure_future(switch.attend(self._plan.folder))
        failing = [looks, clock, latches, kills]
        try:
            await asyncio.wait([stop, flow.ended, *failing], timeout=self._seconds, return_when=asyncio.FIRST_COMPLETED)
            _raise_any(flow.ended, *failing)  # a flow that cannot be stopped does not go on
            await self._leave(flow, *(each for each in (stop, flow.ended, *failing) if not each.done()))
            _raise_any(flow.ended, *failing)
        finally:
            for each in (stop, console, *failing):
                each.cancel()
            await asyncio.gather(stop, console, *failing, return_exceptions=True)

    async def _leave(self, flow: Flow, *hurried: asyncio.Future[Any]) -> None:
        if self._unended.leaving:
            self._words.leaving(self._unended.leaving, patience(self._plan))
        await leave(flow, self._unended, *hurried)

    async def _watch_clock(self, flow: Flow, watch: Watch) -> None:
        def stalled(value: Stalled) -> None:
            watch.told(CLOCK, value)
            self._words.told(CLOCK, value)

        pulse = Pulse()
        try:
            with stalls_file(self._plan.folder) as dump:
                clocks = StandstillWatch(flow.stepped, stalled, pulse.clocks, dump)
                flow.standstill = clocks.why
                await clocks.whole()
        finally:
            pulse.close()

    async def _look(self, watch: Watch) -> None:
        loop = asyncio.get_running_loop()
        while True:
            planned = loop.time() + EVERY
            await asyncio.sleep(EVERY)
            watch.lag_ms = max(0.0, (loop.time() - planned) * 1000)
            for arming in watch.expired():
                watch.told(CLOCK, arming)
                self._words.told(CLOCK, arming)
            self._words.look(watch.status())

    async def _console(self) -> None:
        """Open the console here, and take the terminal back when it is left."""
        if not self._options.console or not (sys.stdin.isatty() and sys.stdout.isatty()):
            return
        self._words.hush(True)
        try:
            module = "moonlight" if "moonlight" in sys.modules else "pipeline"
            child = await asyncio.create_subprocess_exec(
                sys.executable, "-m", module, "console", str(self._options.flow)
            )
            try:
                await child.wait()
            finally:
                await _gone(child)
        finally:
            self._words.hush(False)
        self._words.alone()


def _raise_any(*futures: asyncio.Future[Any]) -> None:
    for each in futures:
        if each.done():
            each.result()


async def _gone(child: asyncio.subprocess.Process) -> None:
    """Have the console give the terminal back, and end it when it does not."""
    if child.returncode is None:
        child.terminate()
        with suppress(TimeoutError):
            await asyncio.wait_for(child.wait(), LEAVING)
    if child.returncode is None:
        child.kill()
        await child.wait()


class _Words:
    """What a run says of itself."""

    def begin(self, begin: int, speed: float, url: str, money: list[str]) -> None: ...
    def told(self, node: str, value: Any) -> None: ...
    def look(self, status: Status) -> None: ...
    def leaving(self, orders: int, seconds: int) -> None: ...
    def end(self, status: Status, amiss: list[str], unended: Sequence[Order], traffic: Traffic) -> None: ...
    def hush(self, quiet: bool) -> None: ...
    def alone(self) -> None: ...


class _Plain(_Words):
    """Lines for a log."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._zone = ZoneInfo(plan.settings.display_timezone)
        self._remarks = Remarks(self._zone)
        self._looks = 0
        self._decided = False
        self._publishing: dict[str, Diagnosis] = {}

    def begin(self, begin: int, speed: float, url: str, money: list[str]) -> None:
        pace = "" if speed == 1 else f", {speed:g} times as fast as time passes"
        where = f"market time {local_text(begin, self._zone)} ({self._zone.key}){pace}"
        self._print(f"{self._plan.name}: {where}; consoles attach to {url}")
        self._print("\n".join(money))

    def told(self, node: str, value: Any) -> None:
        if isinstance(value, Fault):
            self._print(f"fault in {value.node}: {value.what}")
        elif isinstance(value, Decisions) and not self._decided:
            self._decided = True
            row = next(decision_rows(value))
            self._print(f"first decision: {value.product} {timeframe_name(value.tf)} {value.account}: {row[5]}")
        else:
            if isinstance(value, Diagnosis):
                self._publishing[value.whose] = value
            said = self._remarks.of(value)
            if said is not None and (said.level == "warning" or said.over):
                self._print(said.text)

    def look(self, status: Status) -> None:
        self._looks += 1
        if self._looks % PLAIN_EVERY == 0:
            self._print(self._status_line(status))

    def leaving(self, orders: int, seconds: int) -> None:
        several = "s are" if orders > 1 else " is"
        self._print(
            f"{orders} order{several} on the way: waiting up to {seconds} s for an answer; Ctrl-C ends it at once"
        )

    def end(self, status: Status, amiss: list[str], unended: Sequence[Order], traffic: Traffic) -> None:
        calls = (f"  {line}" for line in traffic.lines())
        trading = () if self._only_publishes else _traded(status)
        published = (line for told in self._publishing.values() for line in feed_summary(told))
        lines = (_ended(status, self._zone), *trading, *published, *_let_go(status, amiss))
        self._print("\n".join((*lines, *calls, *still_open(unended, self._zone))))

    @property
    def _only_publishes(self) -> bool:
        return bool(self._publishing) and not self._plan.of("risk")

    def _status_line(self, status: Status) -> str:
        if not self._only_publishes:
            return summary_line(status, self._zone)
        return feed_line(status, next(iter(self._publishing.values())), _drops(status), self._zone)

    def _print(self, text: str) -> None:
        print(text, flush=True)


class _Line(_Plain):
    """One line of a terminal that changes, and others that stay."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self._quiet = False

    def look(self, status: Status) -> None:
        if not self._quiet:
            line = self._status_line(status)
            width = _width()
            sys.stdout.write("\r\033[K" + (line if len(line) < width else line[: width - 2] + "…"))
            sys.stdout.flush()

    def hush(self, quiet: bool) -> None:
        self._quiet = quiet

    def alone(self) -> None:
        self._print("the console was left, the flow goes on; Ctrl-C ends it, `console` attaches again")

    def _print(self, text: str) -> None:
        if not self._quiet:
            sys.stdout.write("\r\033[K" + text + "\n")
            sys.stdout.flush()


class _Json(_Words):
    """One JSON object a line."""

    def begin(self, begin: int, speed: float, url: str, money: list[str]) -> None:
        say_json({"what": "begin", "market_time": begin, "speed": speed, "url": url, "money": money})

    def told(self, node: str, value: Any) -> None:
        match value:
            case Decisions():
                names = (
                    "account",
                    "product",
                    "tf",
                    "bar",
                    "at",
                    "verdict",
                    "value",
                    "threshold",
                    "score",
                    "direction",
                    "payout",
                    "order",
                )
                for row in decision_rows(value):
                    say_json({"what": "decision", **dict(zip(names, row[:-1], strict=True))})
            case Order():
                facts = {
                    name: getattr(value, name)
                    for name in ("order", "state", "at", "stake", "payout", "result", "profit", "reason")
                }
                say_json({"what": "order", **facts})
            case Fault():
                say_json({"what": "fault", "node": value.node, "at": value.at, "text": value.what})
            case Diagnosis():
                say_json({"what": "publishing", **msgspec.to_builtins(value)})
            case _:
                said = remark(value, UTC)
                if said is None:
                    return
                say_json({"what": "remark", "node": node, "level": said[0], "text": said[1]})
        sys.stdout.flush()

    def look(self, status: Status) -> None:
        say_json({"what": "status", **_as_json(status)})
        sys.stdout.flush()

    def leaving(self, orders: int, seconds: int) -> None:
        say_json({"what": "leaving", "orders": orders, "seconds": seconds})
        sys.stdout.flush()

    def end(self, status: Status, amiss: list[str], unended: Sequence[Order], traffic: Traffic) -> None:
        still_open = [{"order": each.order, "state": each.state} for each in unended]
        say_json({"what": "summary", **_as_json(status), "amiss": amiss, "open": still_open, "calls": traffic.rows()})
        sys.stdout.flush()


def amiss(flow: Flow) -> list[str]:
    """What should never be, and is only when this program is wrong."""
    edges = (each.edge for each in flow.passages if not each.conserved)
    lost = [f"lost without a name: {edge.source} → {edge.target}" for edge in edges]
    return lost + [f"a display failed: {fault.what}" for fault in flow.faults if fault.node == TAP]


def summary_line(status: Status, zone: ZoneInfo) -> str:
    orders = status.orders
    parts = [
        local_text(status.clock, zone, "%d %b %H:%M:%S"),
        f"{status.keys} keys",
        f"{status.bars:,} bars",
        f"{status.decisions:,} decisions",
        f"{orders.sent} orders ({orders.open} open{f', {orders.unknown} unknown' if orders.unknown else ''})",
        status.win_rate_text,
        f"drops {_drops(status)}",
    ]
    if away := sum(1 for each in status.accounts if each.standing):
        parts.insert(1, f"{away} of {len(status.accounts)} accounts not connected")
    return " · ".join(parts)


def _drops(status: Status) -> str:
    return ", ".join(f"{reason} {rows}" for reason, rows in status.drops.items()) or "0"


def _ended(status: Status, zone: ZoneInfo) -> str:
    return f"ended at market time {local_text(status.clock, zone)} after {status.uptime_s:.0f} s"


def _traded(status: Status) -> Iterator[str]:
    yield f"  {status.keys} keys, {status.bars:,} bars, {status.decisions:,} decisions"
    orders = status.orders
    counted = (
        (orders.settled, "settled"),
        (orders.open, "open"),
        (orders.rejected, "not taken"),
        (orders.unknown, "unknown"),
    )
    yield f"  {orders.sent} orders sent: " + ", ".join(
        f"{count} {what}" for count, what in counted if count or what == "settled"
    )
    yield f"  win rate {status.win_rate_text}"
    for account in status.accounts:
        today = f"today {account.day_profit}, {account.money} money"
        yield f"  {account.name}: {account.balance} {account.currency} ({today})"


def _let_go(status: Status, amiss: list[str]) -> Iterator[str]:
    yield f"  let go: {_drops(status)}; faults: {status.faults}"
    yield f"  {'; '.join(amiss) or 'nothing was lost without a name'}"


def still_open(unended: Sequence[Order], zone: ZoneInfo) -> Iterator[str]:
    """What has not ended, which the next start goes on with."""
    for order in unended[:NAMED]:
        what = f"{order.account} {order.product} {timeframe_name(order.tf)} {order.direction} {order.stake}"
        yield f"  still open: {what}, {order.state} since {local_text(order.at, zone)}"
    if len(unended) > NAMED:
        yield f"  and {len(unended) - NAMED} more"


def _as_json(status: Status) -> dict[str, Any]:
    return dict(msgspec.to_builtins(status))


def _width() -> int:
    return shutil.get_terminal_size().columns
