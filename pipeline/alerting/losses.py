"""What each account has lost today, held against what a day may cost it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

from pipeline.alerting.edges import Sign
from pipeline.plan import Plan
from pipeline.times import SECOND
from pipeline.values import Order


class Limit(NamedTuple):
    most: Decimal
    zone: ZoneInfo


@dataclass(slots=True)
class _Today:
    """An account's day: what it came to, by orders each counted once."""

    day: date
    result: Decimal = Decimal(0)
    counted: set[str] = field(default_factory=set[str])
    near: bool = False


class Losses:
    """A fold of settled orders. A day is the guard's own, as is the limit."""

    def __init__(self, plan: Plan, near: float) -> None:
        self._days: dict[str, _Today] = {}
        self.changed(plan, near)

    def changed(self, plan: Plan, near: float) -> None:
        """Go on by the limits of another plan, from the next settlement on."""
        self._near = Decimal(str(near))
        self._limits = dict(_limits(plan))

    def take(self, order: Order) -> Iterator[Sign]:
        limit = self._limits.get(order.account)
        if limit is None or order.state != "SETTLED":
            return
        day = _day(order.at, limit.zone)
        today = self._days.get(order.account)
        if today is None or day > today.day:
            yield from self._over(order.account, today)
            today = self._days[order.account] = _Today(day)
        if day == today.day and order.order not in today.counted:
            today.counted.add(order.order)
            today.result += order.profit
            yield from self._judged(order.account, today, limit)

    def look(self, at: int) -> Iterator[Sign]:
        """A new day begins with nothing lost."""
        for account, today in self._days.items():
            limit = self._limits.get(account)
            if today.near and (limit is None or _day(at, limit.zone) > today.day):
                yield from self._over(account, today)

    def _judged(self, account: str, today: _Today, limit: Limit) -> Iterator[Sign]:
        near = -today.result >= limit.most * self._near
        if near:
            said = (
                f"{account} has lost {-today.result} today, of {limit.most} that a day may cost ({limit.zone.key} day)"
            )
            yield Sign("DAILY_LOSS_NEAR", account, on=True, text=said)
        elif today.near:
            yield Sign("DAILY_LOSS_NEAR", account, on=False)
        today.near = near

    @staticmethod
    def _over(account: str, today: _Today | None) -> Iterator[Sign]:
        if today is not None and today.near:
            today.near = False
            yield Sign("DAILY_LOSS_NEAR", account, on=False)


def _limits(plan: Plan) -> Iterator[tuple[str, Limit]]:
    """By the guards that say what a day may cost."""
    for node in plan.of("risk"):
        most = getattr(node.instance, "max_daily_loss", None)
        zone = ZoneInfo(getattr(node.instance, "day", "UTC"))
        accounts: Mapping[str, object] | tuple[str, ...] = getattr(node.instance, "accounts", ())
        if isinstance(most, Decimal):
            for account in accounts:
                yield account, Limit(most, zone)


def _day(at: int, zone: ZoneInfo) -> date:
    return datetime.fromtimestamp(at / SECOND, UTC).astimezone(zone).date()
