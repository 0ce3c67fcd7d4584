"""When a flow may be changed so that no bar is missed for it: not while one is about to be final."""

from collections.abc import Iterable
from typing import Any

from pipeline.plan import Plan
from pipeline.times import SECOND, timeframe

BEFORE, AFTER = 5 * SECOND, 2 * SECOND
"""So long before a bar ends, and after its last moment to be final, nothing begins anew (as time passes)."""
PART = 4
"""Of a bar that passes faster than that, no more than this part of it."""


def quiet_moment(plans: Iterable[Plan], now: int, speed: float) -> int:
    """The first moment from `now` on at which no bar of the shortest timeframe is about to be final."""
    windows = [each for plan in plans for each in _windows(plan)]
    slot = _shortest(windows)
    if slot is None:
        return now
    late = max(getattr(each, "grace_ms", 0) + getattr(each, "jitter_ms", 0) for each in windows)
    before = min(round(BEFORE * speed), slot // PART)
    after = min(late + round(AFTER * speed), slot // 2)
    into = now % slot
    if into < after:
        return now - into + after
    return now if into < slot - before else now - into + slot + after


def crosses(plan: Plan, since: int, until: int) -> bool:
    """Whether a bar may have become final between two moments."""
    windows = _windows(plan)
    slot = _shortest(windows)
    late = max((getattr(each, "grace_ms", 0) + getattr(each, "jitter_ms", 0) for each in windows), default=0)
    return slot is not None and (since - late) // slot < until // slot


def _windows(plan: Plan) -> list[Any]:
    return [node.instance for node in plan.of("operator") if hasattr(node.instance, "timeframes")]


def _shortest(windows: Iterable[Any]) -> int | None:
    return min((timeframe(name) for each in windows for name in each.timeframes), default=None)
