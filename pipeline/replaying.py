"""Replaying: a flow over a span of its sources' data, in virtual time, as fast as it goes."""

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from pipeline import virtual
from pipeline.engine import Setting, running
from pipeline.errors import InputError
from pipeline.flow import TAP, Passage
from pipeline.host import Records
from pipeline.plan import Plan
from pipeline.times import DAY, timeframe, utc_text
from pipeline.values import Bars, Fault, Past

BARS_OF_A_BLOCK = 65_536
LOOSE_ENDS = 2 * DAY
"""How long after the last bar what is still open may take to end."""


@dataclass(frozen=True, slots=True)
class Replay:
    """What a replay did: bars of all timeframes, how long it took on the wall, and what went wrong meanwhile."""

    begin: int
    end: int
    bars: int
    shortest: int
    seconds: float
    faults: tuple[Fault, ...]
    passages: tuple[Passage, ...]


def span_of(plan: Plan, begin: int | None, end: int | None, length: int | None) -> tuple[int, int]:
    """From when to when: what was asked for, else all that the sources' files hold."""
    spans = [span for node in plan.of("source") if (span := _span(plan, node.instance)) is not None]
    starts = [at for node in plan.of("source") if (at := _starts_at(node.instance)) is not None]
    if begin is None:
        begin = min((span[0] for span in spans), default=min(starts, default=None))
    if begin is None:
        raise InputError("the sources have no beginning of their own; say one with --from 2026-01-05T08:00:00Z")
    if end is None and length is not None:
        end = begin + length
    if end is None:
        end = max((span[1] for span in spans), default=None)
    if end is None:
        raise InputError(
            "the sources have no end; say how much to replay, --for 1d, or until when, --to 2026-01-06T08:00:00Z"
        )
    if end <= begin:
        raise InputError(
            f"the replay would end ({utc_text(end)}) before it begins ({utc_text(begin)}); give a later --to"
        )
    return begin, end


def replayed(
    plan: Plan,
    begin: int,
    end: int,
    records: Records,
    *,
    past: Past | None = None,
    block: int | None = None,
    taps: tuple[Callable[[str, Any], None], ...] = (),
    progress: Callable[[float], None] = lambda _: None,
) -> Replay:
    """Run a flow over a span. `progress` is told how much of it is done, 0 to 1."""
    shortest = min(
        (timeframe(name) for node in plan.of("operator") for name in getattr(node.instance, "timeframes", ())),
        default=DAY,
    )
    bars = 0
    faults: list[Fault] = []

    def told(node: str, value: Any) -> None:
        nonlocal bars
        if type(value) is Bars and flow_nodes[node].part.kind == "operator":
            bars += value.fresh
            if len(value):
                progress((int(value.open_ts[-1]) - begin) / (end - begin))
        elif type(value) is Fault:
            faults.append(value)

    flow_nodes = plan.by_id
    began = perf_counter()
    size = block if block is not None else (BARS_OF_A_BLOCK * shortest if _from_files(plan) else DAY)
    setting = Setting(mode="replay", begin=begin, end=end, block=size)
    onlookers, passages = virtual.run(lambda _: _played(plan, setting, records, past or Past((), {}), (told, *taps)))
    whole = tuple(sorted((*faults, *onlookers), key=lambda fault: fault.at))
    return Replay(begin, end, bars, shortest, perf_counter() - began, whole, passages)


async def _played(
    plan: Plan, setting: Setting, records: Records, past: Past, taps: tuple[Callable[[str, Any], None], ...]
) -> tuple[tuple[Fault, ...], tuple[Passage, ...]]:
    """Faults of onlookers, of which nobody is told, and what went along the edges."""
    async with running(plan, setting, records, past, taps=taps) as flow:
        await flow.ended
        await flow.settled(flow.agenda.now + LOOSE_ENDS)
        return tuple(fault for fault in flow.faults if fault.node == TAP), tuple(flow.passages)


def _span(plan: Plan, source: Any) -> tuple[int, int] | None:
    found: tuple[int, int] | None = source.span(plan.base) if hasattr(source, "span") else None
    return found


def _starts_at(source: Any) -> int | None:
    found: int | None = source.starts_at() if hasattr(source, "starts_at") else None
    return found


def _from_files(plan: Plan) -> bool:
    return all(hasattr(node.instance, "span") for node in plan.of("source"))
