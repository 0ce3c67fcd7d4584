"""Closing contracts early: what is asked before, and what came of it."""

from collections.abc import Sequence
from typing import NamedTuple

from pipeline.errors import MoonlightError
from pipeline.told.orders import Canceled, OrderRow
from tui.asking import Engine
from tui.trades.cells import side_text, signed_money
from tui.trades.worth import REAL, Purse, amount
from tui.words import money, plain

PATIENCE = 25.0
"""Seconds for one: a venue has twenty."""


class Closed(NamedTuple):
    """What came of asking for one."""

    text: str
    done: bool


def question(rows: Sequence[OrderRow], purses: Sequence[Purse]) -> str:
    """What follows, in words, for contracts and whose money they are of."""
    many = "these contracts" if len(rows) > 1 else "this contract"
    lines = [
        f"{'REAL ' if purse.kind == REAL else ''}{row.account} {row.product} {row.timeframe} {side_text(row)}, "
        f"stake {money(row.stake)} {plain(purse.currency)} ({purse.kind})"
        for row, purse in zip(rows, purses, strict=True)
    ]
    return "\n".join(
        (
            f"Have {many} closed before the end?",
            *(f"  {line}" for line in lines[:12]),
            *([f"  and {len(lines) - 12} more"] if len(lines) > 12 else []),
            "",
            "The venue is asked once. It takes a contract back at a price of its own, which may be a loss and is not "
            "known before; or it says no, and the contract runs to its end. Nothing of it can be undone.",
        )
    )


async def close(engine: Engine, row: OrderRow) -> Closed:
    """Ask for one, and say what came of it."""
    what = f"{row.account} {row.product} {row.timeframe}"
    try:
        told = await engine.post("/orders/cancel", Canceled, {"order": row.order}, patience=PATIENCE)
    except MoonlightError as refusal:
        return Closed(f"{what}: {refusal}", done=False)
    if told.closed_early:
        return Closed(f"{what}: closed early, {told.order.result} {signed_money(amount(told.order.profit))}", done=True)
    if told.reason:
        return Closed(f"{what}: it runs on: {told.reason}", done=False)
    ended = f"{told.order.result or told.order.status} {signed_money(amount(told.order.profit))}"
    return Closed(f"{what}: it had ended by itself: {ended}", done=True)
