"""A price that stands still while quotes of it come."""

import numpy as np

from pipeline.turns import FLAT, Turn
from pipeline.values import Floats, Stamps


class Stillness:
    """One product's price, since when it is the same and how many quotes said so."""

    def __init__(self, flat_after: int) -> None:
        self._flat_after = flat_after
        self._price = (np.nan, np.nan)
        self._since = self._quotes = 0
        self._flat = False

    def one(self, at: int, bid: float, ask: float) -> list[Turn]:
        if (bid, ask) != self._price:
            return self._moved(at, (bid, ask))
        self._quotes += 1
        if self._flat or at - self._since < self._flat_after:
            return []
        self._flat = True
        return [Turn(at, FLAT, self._quotes)]

    def many(self, at: Stamps, bid: Floats, ask: Floats) -> list[Turn]:
        turns = list[Turn]()
        if not len(at):
            return turns
        moved = np.diff(bid, prepend=self._price[0]) != 0
        moved |= np.diff(ask, prepend=self._price[1]) != 0
        begins = np.flatnonzero(moved)
        ends = np.append(begins[1:], len(at))
        turns += self._stood(at, 0, int(begins[0]) if len(begins) else len(at))
        lasting = at[ends - 1] - at[begins] >= self._flat_after if len(begins) else np.zeros(0, np.bool_)
        if len(begins):
            lasting[-1] = True  # the price that stands at the end
            lasting[0] = lasting[0] or self._flat
        for begin, end in zip(begins[lasting].tolist(), ends[lasting].tolist(), strict=True):
            turns += self._moved(int(at[begin]), (float(bid[begin]), float(ask[begin])))
            turns += self._stood(at, begin + 1, end)
            if self._flat and end < len(at):
                turns += self._moved(int(at[end]), (float(bid[end]), float(ask[end])))
        return turns

    def _stood(self, at: Stamps, begin: int, end: int) -> list[Turn]:
        """More quotes of the same price."""
        quotes = self._quotes + end - begin
        reached = begin + int(at[begin:end].searchsorted(self._since + self._flat_after))
        turns = list[Turn]()
        if not self._flat and reached < end:
            self._flat = True
            turns.append(Turn(int(at[reached]), FLAT, self._quotes + reached - begin + 1))
        self._quotes = quotes
        return turns

    def _moved(self, at: int, price: tuple[float, float]) -> list[Turn]:
        was, self._flat = self._flat, False
        self._price, self._since, self._quotes = price, at, 1
        return [Turn(at, FLAT, 0)] if was else []
