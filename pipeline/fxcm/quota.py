"""How many calls for history may be made: counted over any minute and any hour, and never waited for here.

A call that may not be made now is left out, and said to be: who asked comes again when the next slot is there. What
few calls remain, once most of an allowance is used, is for the streams that come first.
"""

from collections import deque
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from math import ceil
from typing import Literal, NamedTuple

from pipeline.service import Quota, QuotaState
from pipeline.times import HOUR, MINUTE, SECOND, timeframe_name

Reason = Literal["minute_quota", "hour_quota", "priority_reserve", "min_interval"]
STATES: tuple[QuotaState, ...] = ("ok", "warn", "reserve", "critical")
"""From the best to the worst."""
PROMOTED: Mapping[Reason, QuotaState] = {
    "minute_quota": "critical",
    "hour_quota": "critical",
    "priority_reserve": "reserve",
    "min_interval": "ok",
}
"""As how scarce calls count for a minute after one was refused; that two were spaced is no lack of calls."""
SPACING: Mapping[int, int] = {MINUTE: 2 * SECOND, 5 * MINUTE: 10 * SECOND}


@dataclass(frozen=True, kw_only=True)
class Allowance:
    """So many calls in any minute and hour, and from which part of them on what is done about it."""

    per_minute: int = 30
    per_hour: int = 1200
    load: float = 0.45
    """From here on one stream is not polled more often than its spacing says, and what is past waits."""
    warn: float = 0.7
    reserve: float = 0.7
    """From here on only streams that come first are asked for."""
    critical: float = 0.9
    spacing: Mapping[int, int] = field(default_factory=lambda: SPACING)
    """The least time between two calls for one stream, by timeframe; ms."""
    first: AbstractSet[str] = frozenset()
    """Streams that come first: products, or `PRODUCT:timeframe`."""


class Denied(NamedTuple):
    """Why a call may not be made, and in how many seconds one may."""

    reason: Reason
    wait_seconds: float

    def text(self, product: str, tf: int) -> str:
        return f"history of {product} {timeframe_name(tf)} is put off: {WHY[self.reason]}"


WHY: Mapping[Reason, str] = {
    "minute_quota": "a minute's calls are used up; raise max_history_calls_per_minute, or name fewer products",
    "hour_quota": "an hour's calls are used up; raise max_history_calls_per_hour, or name fewer products",
    "priority_reserve": "what is left of the calls is kept for what comes first",
    "min_interval": "it was asked for only just now, and many calls are used",
}


class Calls:
    """The calls for history of one login."""

    def __init__(self, allowance: Allowance) -> None:
        self.allowance = allowance
        self.throttled_total = 0
        self._minute = _Span(MINUTE, allowance.per_minute)
        self._hour = _Span(HOUR, allowance.per_hour)
        self._last: dict[tuple[str, int], int] = {}
        self._skipped: dict[str, int] = {}
        self._refusals: dict[Reason, int] = {}
        """When something was last refused, by why."""
        self._why: Reason | None = None

    def ask(self, now: int, product: str, tf: int, *, past: bool = False) -> Denied | None:
        """Take a call for a stream, or hear why there is none: then nothing is taken.

        What is `past` leaves room for bars that have just ended.
        """
        denied = self._judged_past(now) if past else self._judged(now, product, tf)
        if denied is None:
            self._minute.take(now)
            self._hour.take(now)
            if not past:
                self._last[product, tf] = now
            return None
        name = f"{product}:{timeframe_name(tf)}"
        self._skipped[name] = self._skipped.get(name, 0) + 1
        self._refusals[denied.reason] = now
        self._why = denied.reason
        self.throttled_total += 1
        return denied

    def state(self, now: int) -> QuotaState:
        """How scarce calls are: by what is used, and by what was refused within the last minute."""
        found = (self._by_load(now), *(PROMOTED[each] for each in self._recent(now)))
        return STATES[max(STATES.index(each) for each in found)]

    def report(self, now: int) -> Quota:
        recent = self._recent(now)
        return Quota(
            minute=self._minute.used(now),
            per_minute=self.allowance.per_minute,
            hour=self._hour.used(now),
            per_hour=self.allowance.per_hour,
            state=self.state(now),
            throttled=bool(recent),
            reason=self._why or "",
            next_slot_seconds=max(self._minute.free_in(now), self._hour.free_in(now)) / SECOND,
            skipped=dict(self._skipped),
            throttled_total=self.throttled_total,
        )

    def _judged(self, now: int, product: str, tf: int) -> Denied | None:
        if (denied := self._used_up(now)) is not None or self._is_first(product, tf):
            return denied
        if (denied := self._kept(now, self.allowance.reserve)) is not None:
            return denied
        most = self.allowance
        since = now - self._last.get((product, tf), -HOUR)
        spacing = most.spacing.get(tf, 0)
        if 0 <= since < spacing and self._load(now) >= most.load:
            return Denied("min_interval", (spacing - since) / SECOND)
        return None

    def _judged_past(self, now: int) -> Denied | None:
        denied = self._used_up(now)
        return denied if denied is not None else self._kept(now, self.allowance.load)

    def _used_up(self, now: int) -> Denied | None:
        if wait := self._hour.free_in(now):
            return Denied("hour_quota", wait / SECOND)
        if wait := self._minute.free_in(now):
            return Denied("minute_quota", wait / SECOND)
        return None

    def _kept(self, now: int, share: float) -> Denied | None:
        """Why there is none for who may use a part of them only."""
        wait = max(each.below(now, share) for each in (self._minute, self._hour))
        return Denied("priority_reserve", wait / SECOND) if wait else None

    def _is_first(self, product: str, tf: int) -> bool:
        first = self.allowance.first
        return product in first or f"{product}:{timeframe_name(tf)}" in first

    def _load(self, now: int) -> float:
        return max(self._minute.share(now), self._hour.share(now))

    def _by_load(self, now: int) -> QuotaState:
        load = self._load(now)
        if load >= self.allowance.critical:
            return "critical"
        return "warn" if load >= self.allowance.warn else "ok"

    def _recent(self, now: int) -> list[Reason]:
        return [why for why, at in self._refusals.items() if 0 <= now - at < MINUTE]


class _Span:
    """When calls of the last so many ms were made."""

    def __init__(self, span: int, most: int) -> None:
        self._span, self._most = span, most
        self._made = deque[int]()

    def take(self, now: int) -> None:
        self._made.append(now)

    def used(self, now: int) -> int:
        made = self._made
        if made and made[-1] > now:  # the clock was set back: what is still to come takes its place
            self._made = made = deque(min(at, now) for at in made)
        while made and made[0] <= now - self._span:
            made.popleft()
        return len(made)

    def share(self, now: int) -> float:
        return self.used(now) / self._most

    def free_in(self, now: int) -> int:
        """In how many ms another call may be made."""
        over = self.used(now) - self._most
        return 0 if over < 0 else self._made[over] + self._span - now

    def below(self, now: int, share: float) -> int:
        """In how many ms less than a part of the calls is used."""
        used = self.used(now)
        gone = max(0, used - max(0, ceil(share * self._most) - 1))
        return self._made[gone - 1] + self._span - now if gone else 0
