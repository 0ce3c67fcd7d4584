"""What the accounts of a flow made: each by itself, each key, and all of one kind of money. Kinds are never added."""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from pipeline.plan import Plan
from pipeline.reporting.subjects import Purse, purse_of
from pipeline.states import ENDED, UNSURE
from pipeline.telemetry.readings import Reading
from pipeline.telemetry.tallies import Book
from pipeline.times import timeframe_name
from pipeline.values import Order

ENDS = ("win", "lose", "push")


class Group(NamedTuple):
    """Whose trades are one number: the prefix of its families (`families.GROUPS`) and their labels."""

    name: str
    labels: tuple[str, ...]


class Money:
    """The orders of the last month, as far as the ledger knows them, and those since."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._purses: dict[str, Purse] = {}
        self._books: dict[Group, Book] = {}
        self._alive: dict[str, Order] = {}
        self._results: Counter[tuple[str, str, str, str]] = Counter()
        self._states: Counter[tuple[str, str]] = Counter()
        self.changed(plan)

    def changed(self, plan: Plan) -> None:
        """What an account moves is asked of this plan from here on."""
        self._plan = plan
        self._purses.clear()
        for account in plan.accounts:
            self._book(Group("account", (account, *self._purse(account))))

    def remember(self, order: Order) -> None:
        """One of an earlier life: it counts as one that was traded then."""
        self._follow(order)

    def take(self, order: Order) -> None:
        known = self._alive.get(order.order)
        if known is not None and known.state == order.state:
            self._alive[order.order] = order
            return
        self._states[order.account, order.state.lower()] += 1
        self._follow(order)
        if order.state in ("SETTLED", "CANCELED"):
            result = order.result if order.result in ENDS else "void"
            self._results[order.account, *self._purse(order.account), result] += 1

    def _follow(self, order: Order) -> None:
        if order.state not in ENDED:
            self._alive[order.order] = order
            return
        self._alive.pop(order.order, None)
        if order.state != "ABORT":
            for group in self._groups(order):
                self._book(group).take(order)

    def _groups(self, order: Order) -> Iterator[Group]:
        purse, timeframe = self._purse(order.account), timeframe_name(order.tf)
        yield Group("account", (order.account, *purse))
        yield Group("key", (order.account, order.product, timeframe))
        yield Group("money", purse)
        yield Group("product", (order.product, *purse))
        yield Group("timeframe", (timeframe, *purse))

    def _book(self, group: Group) -> Book:
        return self._books.setdefault(group, Book())

    def _purse(self, account: str) -> Purse:
        if account not in self._purses:
            self._purses[account] = purse_of(account, self._plan)
        return self._purses[account]

    def readings(self, now: int) -> Iterator[Reading]:
        for group, book in tuple(self._books.items()):
            for measure, value in book.numbers(now):
                yield Reading(f"moonlight_{group.name}_{measure}", group.labels, value)
        for labels, count in tuple(self._results.items()):
            yield Reading("moonlight_trades_total", labels, count)
        for labels, count in tuple(self._states.items()):
            yield Reading("moonlight_orders_total", labels, count)
        alive = tuple(self._alive.values())
        for account in self._plan.accounts:
            theirs = [order for order in alive if order.account == account]
            unsure = sum(order.state in UNSURE for order in theirs)
            yield Reading("moonlight_open_orders", (account,), len(theirs) - unsure)
            yield Reading("moonlight_unknown_orders", (account,), unsure)
