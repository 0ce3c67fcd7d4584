"""Trades that ended, a month of them: kept as columns, since one by one they would be most of what an engine holds."""

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache
from sys import intern
from typing import NamedTuple

from pipeline.values import Order, Result

NO_BAR = -1
DIGITS = 18
"""A bar of more is not taken for a number."""


class Ended(NamedTuple):
    """How a trade ended, and when that was known."""

    at: int
    order: str
    result: Result | None
    profit: Decimal

    @classmethod
    def of(cls, order: Order) -> "Ended":
        return cls(order.at, order.order, order.result, order.profit)


class Trades:
    """In the order in which it was known how they ended, and by their orders' names where that was at one moment."""

    def __init__(self) -> None:
        self.at = array("q")
        self.results: list[Result | None] = []
        self.profits: list[Decimal] = []
        # An order's name is its key and its bar: many have the same key, which is kept once.
        self._keys: list[str] = []
        self._bars = array("q")

    def __len__(self) -> int:
        return len(self.at)

    def __getitem__(self, row: int) -> Ended:
        return Ended(self.at[row], self._order(row), self.results[row], self.profits[row])

    def __iter__(self) -> Iterator[Ended]:
        return (self[row] for row in range(len(self)))

    def first(self, since: int) -> int:
        """The first that was known at a moment or later; how many there are when none was."""
        return bisect_left(self.at, since)

    def add(self, ended: Ended) -> bool:
        """Put one in its place; whether that is behind all others."""
        row = self.first(ended.at)
        while row < len(self) and (self.at[row], self._order(row)) <= (ended.at, ended.order):
            row += 1
        last = row == len(self)
        key, bar = _split(ended.order)
        self.at.insert(row, ended.at)
        self.results.insert(row, ended.result)
        self.profits.insert(row, _shared(str(ended.profit)))
        self._keys.insert(row, key)
        self._bars.insert(row, bar)
        return last

    def forget(self, before: int) -> None:
        """Let go of all that were known before a moment."""
        if self.at and self.at[0] < before:
            stop = self.first(before)
            for column in (self.at, self.results, self.profits, self._keys, self._bars):
                del column[:stop]

    def copy(self) -> "Trades":
        other = Trades()
        other.at, other.results, other.profits = self.at[:], self.results[:], self.profits[:]
        other._keys, other._bars = self._keys[:], self._bars[:]
        return other

    def _order(self, row: int) -> str:
        key, bar = self._keys[row], self._bars[row]
        return key if bar == NO_BAR else f"{key}:{bar}"


def _split(order: str) -> tuple[str, int]:
    """A name as its key and its bar; whole, and no bar, where it is made otherwise."""
    key, _, bar = order.rpartition(":")
    if 0 < len(bar) <= DIGITS and bar.isdecimal() and order == f"{key}:{int(bar)}":
        return intern(key), int(bar)
    return order, NO_BAR


@lru_cache(maxsize=1024)
def _shared(profit: str) -> Decimal:
    """An amount as it is written, made once: most trades come to one of a few."""
    return Decimal(profit)
