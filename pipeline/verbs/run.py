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
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.alerting.secrets import unlock_secrets
from pipeline.arming import banner
from pipeline.aside import Aside, Asking
from pipeline.changes.reloading import Reloads
from pipeline.clocks import LoopClock
from pipeline.company import Company, company_of
from pipeline.control.engine import controls_of
from pipeline.ending import Unended, leave, patience
from pipeline.engine import Setting, ledger_of, market_of, running, venue_clock
from pipeline.errors import InputError
from pipeline.flow import CLOCK, TAP, Flow
from pipeline.hardening import harden, refuse_unsafe
from pipeline.hogging.bounded import budget_of, patience_of
from pipeline.hogging.patience import Patience
from pipeline.journal import Journal
from pipeline.ledger import Ledger
from pipeline.live import KillSignal, collect_seldom, on_hangup, on_signals, only_one, wall, watch_ledger
from pipeline.lives import living
from pipeline.logs.companion import Logging
from pipeline.plan import LEDGER, Plan
from pipeline.standstills import Pulse, StandstillWatch, stalls_file
from pipeline.switch import Switch
from pipeline.times import SECOND, duration
from pipeline.traffic import Traffic
from pipeline.values import Fault, Stalled
from pipeline.verbs.accounts_common import unlock
from pipeline.verbs.common import flow_option, json_option
from pipeline.verbs.planned import proven_plan_of
from pipeline.verbs.run_words import Json, Line, Plain
from pipeline.watch import Watch
from sinks.api import Desk

EVERY = 0.5
"""Seconds between two looks at the flow."""
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
    parser.add_argument("--port", type=int, help="the loopback port it answers on, before what [api] says")
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    plan = proven_plan_of(options)
    if plan.settings.mode == "replay":
        raise InputError(f'{plan.file} says mode = "replay": run it with the verb `replay`, or set mode = "paper"')
    try:
        seconds = None if options.length is None else duration(options.length) / SECOND
    except ValueError as wrong:
        raise InputError(str(wrong)) from None
    harden()
    refuse_unsafe(plan)
    unlock(plan)
    for sentence in unlock_secrets(plan):
        print(sentence, file=sys.stderr)
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
        self._words = Json() if options.json else Line(plan) if sys.stdout.isatty() else Plain(plan)
        self._unended, self._traffic = Unended(), Traffic()
        self._patience = Patience()

    async def whole(self) -> None:
        plan, options = self._plan, self._options
        self._stop = asyncio.Event()
        on_signals(self._stop.set)
        with ExitStack() as held:
            ledger = held.enter_context(ledger_of(plan))
            setting = await self._setting(ledger, held)
            begin, pace = setting.begin, _pace(setting)
            journal = Journal(options.record, plan, begin, later=True) if options.record else None
            if journal is not None:
                held.enter_context(journal)
            watch = Watch(plan, wall(), pace)
            switch = Switch(ledger.path, ZoneInfo(plan.settings.display_timezone), tuple(plan.accounts), begin)
            self._killed.calls(switch.signalled)
            await switch.take_file(plan.folder)
            reloads = Reloads(plan, ledger, wall, lambda changed: self._changed(changed, watch, company))
            beside = (*company_of(plan), reloads)
            company = held.enter_context(Company(beside, partial(_tell_all, (watch.told, self._words.told))))
            held.enter_context(on_hangup(reloads.look_now))
            log = company.of(Logging)
            if log is not None:
                self._words.hears(log.book)
            desk = Aside(partial(self._desk, watch, switch, company))
            url = await desk.start()
            past = ledger.past(begin)
            self._words.begin(begin, pace, url, banner(plan, past.armings, begin))
            taps = (watch.told, self._words.told, self._unended.told, self._traffic.told, company.told)
            try:
                async with running(plan, setting, ledger, past, journal=journal, taps=taps) as flow:
                    watch.begins(flow.border.clock, flow)
                    switch.begins(flow)
                    company.begins(flow)
                    collect_seldom()
                    await self._until_end(flow, watch, ledger, switch, company)
            finally:
                watch.state = "ENDED"
                await desk.stop()
        self._words.end(watch.status(), amiss(flow), self._unended.orders, self._traffic)

    def _changed(self, plan: Plan, watch: Watch, company: Company) -> None:
        """The flow goes on by another plan."""
        self._plan = plan
        self._patience.budget = budget_of(plan)
        watch.changed(plan)
        company.changed(plan)

    def _desk(self, watch: Watch, switch: Switch, company: Company, ask: Asking) -> Desk:
        plan = self._plan
        settings = plan.api if self._options.port is None else replace(plan.api, port=self._options.port)
        return Desk(controls_of(watch, ask, switch, company), plan.folder, settings, plan.base)

    async def _setting(self, ledger: Ledger, held: ExitStack) -> Setting:
        """When and how fast the flow begins, and that its life does; too many short ones begin with a stop."""
        plan = self._plan
        life = held.enter_context(living(ledger.path, plan, os.getpid(), wall))
        ledger.own(life.epoch)
        begin, speed = market_of(plan, wall(), ledger.last_moment())
        clock = await venue_clock(plan)
        if clock is not None:
            begin = clock.now()
        if life.looping:
            ledger.latch(life.stop(begin))
            self._words.told(LEDGER, life.stop(begin))
        self._patience = held.enter_context(patience_of(plan))
        return Setting(mode=plan.settings.mode, begin=begin, speed=speed, clock=clock, patience=self._patience)

    async def _until_end(self, flow: Flow, watch: Watch, ledger: Ledger, switch: Switch, company: Company) -> None:
        """Wait for what ends the run: its time, a signal, its sources, or a failure."""
        stop = asyncio.ensure_future(self._stop.wait())
        looks = asyncio.ensure_future(self._look(watch, company))
        console = asyncio.ensure_future(self._console())
        beside = asyncio.ensure_future(company.attend())
        clock = asyncio.ensure_future(self._watch_clock(flow, company))
        latches = asyncio.ensure_future(watch_ledger(ledger.heard, switch.heard))
        kills = asyncio.ensure_future(switch.attend(self._plan.folder))
        failing, why = [looks, clock, latches, kills], ""
        try:
            await asyncio.wait([stop, flow.ended, *failing], timeout=self._seconds, return_when=asyncio.FIRST_COMPLETED)
            _raise_any(flow.ended, *failing)  # a flow that cannot be stopped does not go on
            await self._leave(flow, *(each for each in (stop, flow.ended, *failing) if not each.done()))
            _raise_any(flow.ended, *failing)
        except Exception as failure:
            why = str(failure) or type(failure).__name__
            raise
        finally:
            await company.ends(why)
            for each in (stop, console, beside, *failing):
                each.cancel()
            await asyncio.gather(stop, console, beside, *failing, return_exceptions=True)

    async def _leave(self, flow: Flow, *hurried: asyncio.Future[Any]) -> None:
        if self._unended.leaving:
            self._words.leaving(self._unended.leaving, patience(self._plan))
        await leave(flow, self._unended, *hurried)

    async def _watch_clock(self, flow: Flow, company: Company) -> None:
        def stalled(value: Stalled) -> None:
            company.tell(CLOCK, value)

        with stalls_file(self._plan.folder) as dump:
            pulse = Pulse(lambda: flow.patience.at_work, dump)
            try:
                clocks = StandstillWatch(flow.stepped, stalled, pulse.clocks, dump, pulse.busy_with)
                flow.standstill = clocks.why
                await clocks.whole()
            finally:
                pulse.close()

    async def _look(self, watch: Watch, company: Company) -> None:
        loop = asyncio.get_running_loop()
        while True:
            planned = loop.time() + EVERY
            await asyncio.sleep(EVERY)
            watch.lag_ms = max(0.0, (loop.time() - planned) * 1000)
            for arming in watch.expired():
                company.tell(CLOCK, arming)
            watch.flowing.waits()
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


def _pace(setting: Setting) -> float:
    """How much faster than time the flow's own passes."""
    return setting.clock.speed if isinstance(setting.clock, LoopClock) else setting.speed or 1.0


def _tell_all(taps: Sequence[Callable[[str, Any], None]], node: str, fault: Fault) -> None:
    for told in taps:
        told(node, fault)


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


def amiss(flow: Flow) -> list[str]:
    """What should never be, and is only when this program is wrong."""
    edges = (each.edge for each in flow.passages if not each.conserved)
    lost = [f"lost without a name: {edge.source} → {edge.target}" for edge in edges]
    return lost + [f"a display failed: {fault.what}" for fault in flow.faults if fault.node == TAP]
