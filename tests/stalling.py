"""A strategy that wants to trade every bar, and can be held up while it makes up its mind."""

import threading

EAGER = '''
"""Wants every bar."""

import numpy as np

from pipeline.parts import provider
from pipeline.values import Columns, Floats
from tests.stalling import STALL


@provider
class Eager:
    """Votes for a rise, always."""

    lookback = 0

    def __call__(self, columns: Columns) -> Floats:
        STALL.pass_by()
        return np.full(len(columns), 0.9)
'''


class Stall:
    """A place in the flow that waits when it is told to."""

    def __init__(self) -> None:
        self.entered, self.go_on = threading.Event(), threading.Event()
        self._left: int | None = None

    def after(self, times: int) -> None:
        """Wait at the next but so many times."""
        self.entered.clear()
        self.go_on.clear()
        self._left = times

    def pass_by(self) -> None:
        if self._left is None:
            return
        self._left -= 1
        if self._left < 0:
            self._left = None
            self.entered.set()
            assert self.go_on.wait(30), "nobody let the strategy go on"


STALL = Stall()
