"""How long after its close a slot waits for quotes that are on their way: a fixed time, and a share of a jitter.

The share is drawn from the product, the timeframe and the slot, and from nothing else: a run, its replay and its
verification wait for just as long, and slots of many products that end at once are not over at once.
"""

from hashlib import blake2b
from typing import NamedTuple

import numpy as np

from pipeline.values import Stamps

STEP, FIRST, SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
"""The constants of splitmix64, which makes of numbers one after the other numbers that look like chance."""
WHOLE = (1 << 64) - 1


class Grace(NamedTuple):
    """For the slots of one product and timeframe (ms)."""

    least: int
    jitter: int = 0
    seed: int = 0

    @classmethod
    def drawn(cls, least: int, jitter: int, product: str, tf: int) -> "Grace":
        seed = int.from_bytes(blake2b(f"{product}:{tf}".encode(), digest_size=8).digest(), "big")
        return cls(least, jitter, seed)

    @property
    def most(self) -> int:
        return self.least + self.jitter

    def of(self, slot: int) -> int:
        """How long after the end of one slot, by its opening."""
        if not self.jitter:
            return self.least
        mixed = (self.seed + slot * STEP) & WHOLE
        mixed = ((mixed ^ (mixed >> 30)) * FIRST) & WHOLE
        mixed = ((mixed ^ (mixed >> 27)) * SECOND) & WHOLE
        return self.least + (mixed ^ (mixed >> 31)) % (self.jitter + 1)

    def of_each(self, slots: Stamps) -> Stamps | int:
        """The same of many slots."""
        if not self.jitter:
            return self.least
        mixed = slots.astype(np.uint64) * np.uint64(STEP) + np.uint64(self.seed)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(FIRST)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(SECOND)
        shares: Stamps = ((mixed ^ (mixed >> np.uint64(31))) % np.uint64(self.jitter + 1)).astype(np.int64)
        return shares + self.least
