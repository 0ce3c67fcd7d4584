"""The limits that guards hold an account to, and how much of them is used."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.control.results import Results
from pipeline.plan import Node, Plan
from pipeline.told.accounts import Bound

OF_MONEY = ("loss", "target")


def rules_of(plan: Plan, account: str) -> Iterator[str]:
    """Everything that stops an account or a key of it, and when it goes on again: a sentence each."""
    for node in _guards(plan, account):
        if hasattr(node.instance, "rules"):
            yield from node.instance.rules()


def bounds_of(plan: Plan, account: str, held: int, results: Results, now: int) -> Iterator[Bound]:
    """Those limits of an account that are of a day or of what is open: for others, there are the rules."""
    for node in _guards(plan, account):
        guard: Any = node.instance
        today = results.today(account, now, ZoneInfo(getattr(guard, "day", "UTC")))
        lost, gained = max(Decimal(0), -today.profit), max(Decimal(0), today.profit)
        if isinstance(most := getattr(guard, "max_daily_loss", None), Decimal):
            yield _bound(node, "daily_loss", lost, most)
        for limit in getattr(guard, "limits", ()):
            if limit.scope != "account" or limit.base != "day":
                continue
            if limit.what in OF_MONEY and limit.amount is not None:
                yield _bound(node, limit.what, lost if limit.what == "loss" else gained, limit.amount)
            elif limit.what == "trades" and limit.count is not None:
                yield _bound(node, "trades", Decimal(today.trades), Decimal(limit.count))
        per = getattr(guard, "open_per", None)
        if per is not None and per.account is not None:
            yield _bound(node, "open", Decimal(held), Decimal(per.account))


def _guards(plan: Plan, account: str) -> Sequence[Node]:
    return [node for node in plan.of("risk") if account in getattr(node.instance, "accounts", ())]


def _bound(node: Node, what: str, used: Decimal, most: Decimal) -> Bound:
    return Bound(node.id, what, str(used), str(most), float(used / most) if most else 0.0)
