"""Certificates on request: from the engine that runs on a flow's ledger, or by the flow's venues and executor alone."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from typing import Any

from pipeline.engine import LEDGER_FILE, Setting, market_of, running, venue_clock
from pipeline.evidence import Request
from pipeline.ledger import Ledger
from pipeline.ledger.proofs import Proofs
from pipeline.live import wall
from pipeline.plan import LEDGER, Plan
from pipeline.states import ENDED
from pipeline.values import Certificate, Order, Past

LOOKS_EVERY = 0.25
"""Seconds between two looks for what was asked for."""

Progress = Callable[[Collection[str]], object]
"""Told now and then of which accounts there is no certificate yet."""


async def asked(plan: Plan, request: Request, accounts: Collection[str], patience: float, tell: Progress) -> None:
    """Ask the engine that runs, and wait until each of these accounts has a new certificate, or for so many seconds."""
    path = plan.folder / LEDGER_FILE
    with Proofs(path) as proofs:
        before = proofs.numbers()
    with Ledger(path) as ledger:
        ledger.request(request)
    loop = asyncio.get_running_loop()
    until = loop.time() + patience
    left = set(accounts)
    while left and loop.time() < until:
        tell(left)
        await asyncio.sleep(LOOKS_EVERY)
        with Proofs(path) as proofs:
            now = proofs.numbers()
        left = {name for name in left if now.get(name) == before.get(name)}


async def alone(plan: Plan, request: Request, accounts: Collection[str], patience: float, tell: Progress) -> None:
    """Run what trades without its sources, until these accounts were gone through, or for so many seconds.

    It starts as the flow itself would: nothing is decided, so nothing is sent.
    """
    with Ledger(plan.folder / LEDGER_FILE) as ledger:
        begin, speed = market_of(plan, wall(), ledger.last_moment())
        clock = await venue_clock(plan)
        if clock is not None:
            begin = clock.now()
        past = ledger.past(begin)
        seen = Seen(accounts, past)
        setting = Setting(mode=plan.settings.mode, begin=begin, speed=speed, outside=("venue",), clock=clock)
        async with running(plan, setting, ledger, past, taps=(seen.told,)) as flow:
            loop = asyncio.get_running_loop()
            until = loop.time() + patience
            for told in (*ledger.heard(), request):  # what was signed meanwhile comes first
                flow.enter(LEDGER, told)
            while seen.left and loop.time() < until and not flow.ended.done():
                tell(seen.left)
                await asyncio.sleep(LOOKS_EVERY)
                for told in ledger.heard():
                    flow.enter(LEDGER, told)
            if flow.ended.done():
                flow.ended.result()


class Seen:
    """Which accounts have a certificate that says the last word: nothing is on its way any more, or it is sound."""

    def __init__(self, accounts: Collection[str], past: Past) -> None:
        self._last: dict[str, Certificate | None] = dict.fromkeys(accounts)
        self._unsure = {each.order: each.account for each in past.orders if _unsure(each)}

    @property
    def left(self) -> Collection[str]:
        unsure = set(self._unsure.values())
        return [name for name, last in self._last.items() if last is None or (not last.sound and name in unsure)]

    def told(self, _: str, value: Any) -> None:
        match value:
            case Certificate() if value.account in self._last:
                self._last[value.account] = value
            case Order() if _unsure(value):
                self._unsure[value.order] = value.account
            case Order():
                self._unsure.pop(value.order, None)
            case _:
                pass


def certified(plan: Plan, accounts: Collection[str], before: Mapping[str, int]) -> dict[str, Certificate | None]:
    """The certificates that were made since each account had `before` of them."""
    with Proofs(plan.folder / LEDGER_FILE) as proofs:
        made, now = proofs.certificates(), proofs.numbers()
    return {name: made[name] if now.get(name) != before.get(name) else None for name in accounts}


def _unsure(order: Order) -> bool:
    return order.state not in ENDED and order.state not in ("CONFIRM", "CONFIRM_RETRY")
