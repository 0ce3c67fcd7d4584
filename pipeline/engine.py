"""A flow with everything around it: the clock that drives it, its ledger, its recording."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from pipeline.border import Border
from pipeline.clocks import Clock, LoopClock, PacedClock
from pipeline.connections.contract import Lasting, OwnClock, Timed
from pipeline.flow import OUTSIDE, Flow
from pipeline.hogging.patience import Patience
from pipeline.host import Mode, Records
from pipeline.journal import Journal
from pipeline.ledger import Ledger
from pipeline.ledger.ballast import Ballast
from pipeline.ledger.tables import opened, sound
from pipeline.ledger.threads import ThreadWriter
from pipeline.parts import Kind
from pipeline.plan import LEDGER, Plan
from pipeline.states import ENDED
from pipeline.times import DAY, timeframe
from pipeline.values import Past, Quotes


@dataclass(frozen=True, kw_only=True)
class Setting:
    """How a flow is to be driven."""

    mode: Mode
    begin: int
    speed: float | None = None
    """How fast a simulated market runs; None where time is not ours to pace: a real market, a replay."""
    end: int | None = None
    block: int = 0
    outside: tuple[Kind, ...] = OUTSIDE
    clock: Clock | None = None
    """Its clock, where somebody else keeps time."""
    patience: Patience | None = None
    """How long it waits for its strategies; None: as long as they take."""


@asynccontextmanager
async def running(
    plan: Plan,
    setting: Setting,
    records: Records,
    past: Past | None,
    *,
    journal: Journal | None = None,
    taps: tuple[Callable[[str, Any], None], ...] = (),
) -> AsyncGenerator[Flow]:
    """A flow that has begun; it stops when the block is left."""
    border = Border(
        mode=setting.mode,
        base=plan.base,
        folder=plan.folder,
        flow=plan.name,
        clock=_clock(setting),
        history=history_of(plan, past, setting.begin),
        ledger=records,
        calendars=plan.calendars,
        end=setting.end,
        block=setting.block,
    )
    flow = Flow(plan, border, setting.begin, journal)
    if setting.patience is not None:
        flow.patience = setting.patience
    if journal is not None:
        flow.patience.kept = journal.interrupted
    if isinstance(records, Ledger) and setting.mode != "replay":
        soon = None if setting.speed is None else asyncio.get_running_loop().call_soon
        records.listen(partial(flow.enter, LEDGER), flow.fail, soon)
    if journal is not None:
        flow.tap(lambda node, value: _journalled(journal, flow, node, value))
    for tap in taps:
        flow.tap(tap)
    try:
        flow.start(past, setting.outside, _earlier(plan, past, setting.begin) if past is not None else ())
        yield flow
    finally:
        flow.stop()
        try:
            await border.left()
        finally:
            records.commit()


def _clock(setting: Setting) -> Clock:
    if setting.clock is not None:
        return setting.clock
    loop = asyncio.get_running_loop()
    if setting.speed is None:
        return LoopClock(loop, setting.begin)
    return PacedClock(loop, setting.begin, setting.speed)


MISSED = 7 * DAY
"""So far back a start says of each bar that it was missed."""


def history_of(plan: Plan, past: Past | None = None, begin: int = 0) -> dict[int, int]:
    """How many bars of each timeframe a source has to load before the first decision.

    They reach back to what was decided last before the program was away, so that every bar of the meantime is told.
    """
    names = {name for node in plan.of("operator") for name in getattr(node.instance, "timeframes", ())}
    away = dict.fromkeys(map(timeframe, names), 0)
    for account, product, tf, bar in past.decided if past is not None else ():
        if tf in away and account in plan.accounts and product in plan.products:
            away[tf] = max(away[tf], min(begin - bar, MISSED) // tf)
    return {tf: max(plan.anchoring.context(tf), missed) for tf, missed in sorted(away.items())}


def market_of(plan: Plan, wall: int, seen: int | None) -> tuple[int, float | None]:
    """When a paper or live flow begins on its own clock, and how fast that runs.

    A real market is where the wall clock is. A simulated one begins where it says, and one that its ledger has seen
    goes on where it was left: no bar is decided twice.
    """
    simulated = [node.instance for node in plan.of("source") if hasattr(node.instance, "starts_at")]
    if not simulated:
        return wall, None
    begin = max(source.starts_at() or wall for source in simulated)
    return (begin if seen is None else max(begin, seen + 1)), float(simulated[0].speed)


async def venue_clock(plan: Plan) -> LoopClock | None:
    """The clock of a venue that has one of its own, or one that goes faster than time passes; None where none does."""
    for node in (*plan.of("source"), *plan.of("venue")):
        own = isinstance(node.instance, OwnClock) and node.instance.begins_at is not None
        if isinstance(node.instance, Timed) and (own or node.instance.speed != 1):
            begin = await node.instance.clock_of()
            if isinstance(node.instance, OwnClock):
                begin = max((begin, *_reached(plan)))
            return LoopClock(asyncio.get_running_loop(), begin, node.instance.speed)
    return None


def _reached(plan: Plan) -> Iterator[int]:
    """Up to when earlier lives went, by those who keep it."""
    for node in plan.of("sink"):
        if isinstance(node.instance, Lasting):
            reached = node.instance.reached(plan.folder / node.id.split(".", 1)[1])
            if reached is not None:
                yield reached


LEDGER_FILE = "ledger.db"


def ledger_of(plan: Plan) -> Ledger:
    """The ledger of a flow that runs: looked through before anything is sent, and written by a thread of its own."""
    path = plan.folder / LEDGER_FILE
    db = opened(path)
    try:
        sound(db, path)
        ballast = Ballast(path)
        ballast.take()
        return Ledger(path, ThreadWriter(db, path, asyncio.get_running_loop(), ballast))
    except BaseException:
        db.close()
        raise


def _earlier(plan: Plan, past: Past, begin: int) -> Iterator[tuple[str, Quotes]]:
    """Quotes since the oldest contract of each product that has not ended, bought or only thought of, or not audited.

    They are of the sources that can give them again.
    """
    since: dict[str, int] = {}
    late = frozenset(past.unaudited)
    for order in past.orders:
        if order.state not in ENDED or order.order in late:
            accepted = order.expiry - order.tf if order.expiry else order.sent_at or order.wanted_at or order.at
            begun = min(order.at, accepted)
            since[order.product] = min(begun, since.get(order.product, begun))
    for each in past.awaited:  # from the bar's own beginning: a price was there when it became final
        since[each.product] = min(each.bar, since.get(each.product, each.bar))
    for node in plan.of("source"):
        if hasattr(node.instance, "earlier"):
            for product, at in sorted(since.items()):
                if product in node.instance.products:
                    yield node.id, node.instance.earlier(product, at, begin, plan.calendars)


def _journalled(journal: Journal, flow: Flow, node: str, value: Any) -> None:
    if not flow.nodes[node].outer and node != LEDGER:
        journal.gave(flow.agenda.now, node, value)
