"""Open contracts that are to end before their expiry: which may, how the engine is asked, and what came of it."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from pipeline.errors import InputError
from pipeline.ledger.proofs import Proofs
from pipeline.ledger.reading import Reader
from pipeline.plan import Plan, closes
from pipeline.states import ENDED
from pipeline.tables import nearest
from pipeline.values import Order

PATIENCE = 20.0
"""Seconds in which a venue has to answer."""
LOOKS_EVERY = 0.25
RUNNING = "CONFIRM"


def open_contracts(path: Path, accounts: Sequence[str]) -> list[Order]:
    reader = Reader(path)
    try:
        return [each for each in reader.orders() if each.state == RUNNING and each.account in accounts]
    finally:
        reader.close()


def closable(plan: Plan, path: Path, name: str) -> Order:
    """The order of this name, when its contract can be closed early."""
    reader = Reader(path)
    try:
        order = reader.order(name)
        open_ = [each.order for each in reader.orders() if each.state == RUNNING] if order is None else []
    finally:
        reader.close()
    if order is None:
        mend = nearest(name, open_) if open_ else "no contract runs"
        raise InputError(f"the ledger has no order {name!r}; {mend}")
    if order.state != RUNNING:
        end = f" ({order.result} {order.profit:+})" if order.result else ""
        raise InputError(f"order {name} is {order.state}{end}; only a contract that runs can be closed")
    if not closes(plan, order.account):
        raise InputError(f"the venue of {order.account} takes no contract back before its expiry; it runs to its end")
    return order


def told_so_far(path: Path) -> int:
    """The number of the last word on a contract that runs on though it was to be closed."""
    with Proofs(path) as proofs:
        return max((number for number, _ in proofs.unclosed()), default=0)


async def answers(path: Path, names: Sequence[str], told: int) -> Mapping[str, tuple[Order, str]]:
    """How each order stands once it is known what came of the request, with why its contract runs on."""
    loop = asyncio.get_running_loop()
    until = loop.time() + PATIENCE
    while True:
        found, declined = await asyncio.to_thread(_standing, path, names, told)
        waiting = [name for name, order in found.items() if order.state not in ENDED and name not in declined]
        if not waiting or loop.time() >= until:
            return {name: (order, declined.get(name, "")) for name, order in found.items()}
        await asyncio.sleep(LOOKS_EVERY)


def _standing(path: Path, names: Sequence[str], told: int) -> tuple[Mapping[str, Order], Mapping[str, str]]:
    with Proofs(path) as proofs:
        declined = {each.order: each.reason for _, each in proofs.unclosed(told)}
    reader = Reader(path)
    try:
        return {name: order for name in names if (order := reader.order(name)) is not None}, declined
    finally:
        reader.close()
