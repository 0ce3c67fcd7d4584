"""Numbers drawn from a seed: each depends on what it is for and on how often that was asked before, on nothing else.

So a draw more of one kind shifts no draw of another, and leaving out one fault leaves all others as they are.
"""

import hashlib

from numpy.random import PCG64, Generator, SeedSequence

AHEAD = 256
"""So many numbers are drawn at a time."""


def generator(seed: int, *names: object) -> Generator:
    """A generator of one purpose, the same in every process."""
    named = hashlib.blake2b("\0".join(map(str, names)).encode(), digest_size=8).digest()
    return Generator(PCG64(SeedSequence((seed, int.from_bytes(named)))))


class Draws:
    """The numbers in [0, 1) of one purpose, in their order."""

    __slots__ = ("_ahead", "_generator", "_next", "n")

    def __init__(self, seed: int, *names: object) -> None:
        self._generator = generator(seed, *names)
        self._ahead: list[float] = []
        self._next = 0
        self.n = 0
        """How many were drawn."""

    def draw(self) -> float:
        if self._next == len(self._ahead):
            self._ahead = self._generator.random(AHEAD).tolist()
            self._next = 0
        drawn = self._ahead[self._next]
        self._next += 1
        self.n += 1
        return drawn

    def between(self, least: float, most: float) -> float:
        return least + (most - least) * self.draw()

    def one_of(self, several: tuple[float, ...]) -> float:
        return several[int(self.draw() * len(several))]
