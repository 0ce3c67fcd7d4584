"""When a flow may be changed so that no bar is missed for it: not while one is about to be final."""

from collections.abc import Iterable

from pipeline.plan import Plan
from pipeline.times import SECOND, timeframe

BEFORE, AFTER = 5 * SECOND, 2 * SECOND
"""So long before a bar ends, and after its last moment to be final, nothing begins anew (as time passes)."""
PART = 4
"""Of a bar that passes faster than that, no more than this part of it."""


def quiet_moment(plans: Iterable[Plan], now: int, speed: float) -> int:
    """The first moment from `now` on at which no bar of the shortest timeframe is about to be final."""
    windows = [node.instance for plan in plans for node in plan.of("operator") if hasattr(node.instance, "timeframes")]
    spans = [timeframe(name) for each in windows for name in each.timeframes]
    if not spans:
        return now
    slot = min(spans)
    late = max(getattr(each, "grace_ms", 0) + getattr(each, "jitter_ms", 0) for each in windows)
    before = min(round(BEFORE * speed), slot // PART)
    after = min(late + round(AFTER * speed), slot // 2)
    into = now % slot
    if into < after:
        return now - into + after
    return now if into < slot - before else now - into + slot + after
