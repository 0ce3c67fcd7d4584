"""When to try again to log in while the market is closed: seldom, but not late when it opens."""

from pipeline.times import MINUTE, SECOND

FAR = 15 * MINUTE
"""The time between two tries, far from the open."""
NEAR, LEAST = 10 * SECOND, SECOND
"""The most and the least time between two tries within the last minute before it."""
PART = 10
"""There a tenth of what is left is waited."""


def next_try(now: int, opens: int | None) -> int:
    """When to try next, after a try at `now`: never past the open, where there is one ahead."""
    if opens is None or opens - now > FAR:
        return now + FAR
    left = opens - now
    if left > MINUTE:
        return opens - MINUTE
    if left > LEAST:
        return min(opens, now + min(NEAR, max(LEAST, left // PART)))
    return opens if left > 0 else now + LEAST
