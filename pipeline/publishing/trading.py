"""Whether a market is open that some products share: open while any of them can be traded by its calendar."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from pipeline.calendar import Calendars
from pipeline.opening import WEEKEND, Calendar, Reason
from pipeline.publishing.week import NO_WEEK, Week, week_of
from pipeline.times import DAY, HOUR, SECOND

Detail = Literal["intrabreak", "overnight", "weekend"]
Doing = Literal["open", "preopen", "closed"]

FIRST, LAST = int(np.iinfo(np.int64).min), int(np.iinfo(np.int64).max)
MANY = 16
"""Sessions of different calendars that follow each other without a pause are followed no further."""
DETAILS: dict[Reason, Detail] = {"break": "intrabreak", "overnight": "overnight", "weekend": "weekend"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """What calendars say at a moment, of all products together. Moments are ms UTC, None where there is none."""

    at: int
    known: bool = False
    """Whether any calendar says anything of the moment."""
    is_open: bool = False
    opened_at: int | None = None
    """When it last opened, while it is open."""
    closes_at: int | None = None
    closed_at: int | None = None
    """When it last closed, while it is closed."""
    opens_at: int | None = None
    """When it opens next, while it is closed."""
    next_open: int | None = None
    """The first opening after this moment, open or not."""
    reason: Reason | None = None
    names: tuple[str, ...] = ()
    """Of the cities that are at work."""
    week: Week = NO_WEEK
    """Of the calendar that counts: the one most products keep, of two rather the one that closes."""

    @property
    def detail(self) -> Detail | None:
        """Why it is closed, in the words of the wire: a holiday counts by how long it keeps the market closed."""
        if self.is_open or self.reason is None or self.reason == "unknown":
            return None
        if self.reason in DETAILS:
            return DETAILS[self.reason]
        return "weekend" if (self.closed_for or 0) > WEEKEND else "overnight"

    @property
    def closed_for(self) -> int | None:
        """How long (ms) it is closed altogether."""
        return None if self.opens_at is None or self.closed_at is None else self.opens_at - self.closed_at

    @property
    def note(self) -> str:
        """Why it is closed, for a person; empty while it is open."""
        match self.reason:
            case None:
                return ""
            case "weekend":
                return f"weekend ({_length(self.closed_for)})"
            case "holiday":
                return f"holiday ({_length(self.closed_for)})"
            case "overnight":
                return "overnight pause"
            case "break":
                return "market closed"
            case "unknown":
                return "no calendar"

    def doing(self, preopen: int) -> Doing:
        if self.is_open:
            return "open"
        return "preopen" if self.opens_at is not None and self.opens_at - self.at <= preopen else "closed"

    def edge(self, preopen: int) -> int | None:
        """When it says something else next."""
        if self.is_open:
            return self.closes_at
        if self.opens_at is None or self.doing(preopen) == "preopen":
            return self.opens_at
        return self.opens_at - preopen


class Trading:
    """The calendars of the products there are; more may come."""

    def __init__(self, calendars: Calendars, products: Iterable[str] = ()) -> None:
        self._calendars = calendars
        self._kept = dict[str, Calendar]()
        self._running = dict[Calendar, tuple[int, int, int | None]]()
        """Of each calendar the two edges between which was asked last, and since when it is open."""
        self._assumed = dict[str, Calendar]()
        for product in products:
            self.keep(product)

    def assume(self, product: str) -> None:
        """Count a product in for as long as none is known for certain: one of an earlier life may be gone."""
        self._assumed[product] = self._calendars.of(product)

    def keep(self, product: str) -> bool:
        """Count a product in; False when it was."""
        if product in self._kept:
            return False
        self._kept[product] = self._calendars.of(product)
        return True

    def opened(self, product: str, now: int) -> int | None:
        """Since when a product can be traded, 0 where always; None while it is closed or not known."""
        calendar = self._kept.get(product)
        if calendar is None:
            return None
        opens, closes, since = self._running.get(calendar, (1, 0, None))
        if not opens <= now < closes:
            number = int(calendar.edges.searchsorted(now, side="right"))
            opens = int(calendar.edges[number - 1]) if number else FIRST
            closes = int(calendar.edges[number]) if number < len(calendar.edges) else LAST
            since = max(0, opens) if number % 2 else None
            self._running[calendar] = opens, closes, since
        return since

    def is_open(self, product: str, now: int) -> bool:
        return self.opened(product, now) is not None

    def at(self, now: int) -> Hours:
        counted = list((self._kept or self._assumed).values())
        several = {each: each.state(now) for each in dict.fromkeys(counted)}
        if not several:
            return Hours(at=now)
        first = max(several, key=lambda each: (counted.count(each), not each.never_closes))
        opens = min((state.next_open for state in several.values() if state.next_open is not None), default=None)
        told = Hours(
            at=now,
            known=any(state.reason != "unknown" for state in several.values()),
            next_open=opens,
            week=week_of(first),
        )
        open_now = [each for each, state in several.items() if state.is_open]
        if open_now:
            since = [_before(each, now) for each in open_now]
            return replace(
                told,
                is_open=True,
                opened_at=None if None in since else min(each for each in since if each is not None),
                closes_at=_last_close(list(several), now),
                names=tuple(dict.fromkeys(name for state in several.values() for name in state.sessions)),
            )
        shut = [each for each in (_before(calendar, now) for calendar in several) if each is not None]
        reason = next(state.reason for state in several.values() if state.next_open == opens)
        return replace(told, closed_at=max(shut, default=None), opens_at=opens, reason=reason)


def seconds(until: int | None, now: int) -> float | None:
    return None if until is None else max(0, until - now) / SECOND


def _before(calendar: Calendar, now: int) -> int | None:
    """The last moment at which a calendar opened or closed; None when it never did."""
    number = int(calendar.edges.searchsorted(now, side="right")) - 1
    return None if number < 0 or calendar.never_closes else int(calendar.edges[number])


def _last_close(several: list[Calendar], now: int) -> int | None:
    """When none is open any more; None when one never closes."""
    at = now
    for _ in range(MANY):
        closes = [each.next_close(at) for each in several if each.is_open(at)]
        if not closes:
            return at
        if None in closes:
            return None
        at = max(close for close in closes if close is not None)
    return at


def _length(span: int | None) -> str:
    """`2d`, `23h`: how long about."""
    if span is None:
        return "for good"
    return f"{round(span / DAY)}d" if span > WEEKEND else f"{max(1, round(span / HOUR))}h"
