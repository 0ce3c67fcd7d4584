"""A record of settled trades. It says whose money it was, and records of different money cannot be added."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Generic, TypeVar

import numpy as np

from pipeline.orders import sold
from pipeline.statistics.clusters import Slots, Worth, slots, worth
from pipeline.statistics.rates import WinRate, win_rate
from pipeline.statistics.shares import Money
from pipeline.values import Flags, Floats, Order, Small, Stamps

M = TypeVar("M", bound=Money, covariant=True)
COUNTED = ("win", "lose", "push")


@dataclass(frozen=True)
class Record(Generic[M]):
    """Settled trades of one kind of money and of one currency, in the order in which they expired.

    Orders that did not settle, or came to nothing, say nothing about a rule and are left out; so are those whose
    contract was sold back early: they are no bets at their payout. `Record[Literal["real"]]`
    is another type than `Record[Literal["paper"]]`: a type checker refuses their sum before the program does.
    """

    money: M
    orders: tuple[Order, ...]
    currency: str = ""

    def __add__(self, other: "Record[M]") -> "Record[M]":
        if self.money != other.money:
            raise ValueError(f"{self.money} and {other.money} trades are never added: one is no proof of the other")
        if self.currency != other.currency:
            raise ValueError(f"{self.currency} and {other.currency} are not added without a rate of exchange")
        return record(self.money, (*self.orders, *other.orders), self.currency)

    def __len__(self) -> int:
        return len(self.orders)

    @property
    def stakes(self) -> tuple[Decimal, ...]:
        return tuple(order.stake for order in self.orders)

    @property
    def profits(self) -> tuple[Decimal, ...]:
        return tuple(order.profit for order in self.orders)

    @cached_property
    def slot_profits(self) -> tuple[Decimal, ...]:
        """The profit of each slot: trades that end together move the balance at once."""
        sums: dict[int, Decimal] = {}
        for order in self.orders:
            sums[ended(order)] = sums.get(ended(order), Decimal(0)) + order.profit
        return tuple(sums.values())

    @cached_property
    def ended(self) -> Stamps:
        return np.array([ended(order) for order in self.orders], np.int64)

    @cached_property
    def stake(self) -> Floats:
        return np.array([float(order.stake) for order in self.orders])

    @cached_property
    def profit(self) -> Floats:
        return np.array([float(order.profit) for order in self.orders])

    @cached_property
    def payout(self) -> Floats:
        return np.array([order.payout for order in self.orders], np.float64)

    @cached_property
    def result(self) -> Small:
        """1 of a trade that won, -1 of one that lost, 0 of a tie."""
        return np.array([{"win": 1, "lose": -1}.get(order.result or "", 0) for order in self.orders], np.int8)

    @property
    def decided(self) -> Flags:
        return self.result != 0

    @cached_property
    def slots(self) -> Slots:
        return slots(self.ended, self.stake, self.profit, self.payout)

    @cached_property
    def worth(self) -> Worth:
        """How many independent trades the decided ones are worth."""
        return worth(self.ended[self.decided], self.result[self.decided] > 0)

    @cached_property
    def win_rate(self) -> WinRate:
        found = self.worth
        return win_rate(self.orders, found.n if found.pairs else None)


def record(money: M, orders: Iterable[Order], currency: str = "") -> Record[M]:
    """The record of these orders: those that settled by their expiry, in their order."""
    settled = (order for order in orders if order.state == "SETTLED" and order.result in COUNTED and order.stake)
    settled = (order for order in settled if not sold(order))
    return Record(money, tuple(sorted(settled, key=_place)), currency)


def ended(order: Order) -> int:
    """The slot a trade belongs to: the moment it was to expire, or the end of the next bar where nobody said one."""
    return order.expiry or order.exit_ts or order.bar + 2 * order.tf


def _place(order: Order) -> tuple[int, int, str, int, str]:
    return ended(order), order.bar, order.product, order.tf, order.account
