"""A question that is interrupted when it takes too long.

`OutOfTime` is thrown into whatever runs, as often as it takes until the question has ended. Code that is not Python's
own cannot be interrupted; it is when it returns.
"""

from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self, TypeVar

T = TypeVar("T")

WAITS = 4
"""Who waits rather than works may do so for so many times as long."""


class OutOfTime(BaseException):
    """Thrown into a call that has used up its time."""


class Overrun(Exception):
    """No answer came in time: after how long (ms) it was given up, and `where` it was then."""

    def __init__(self, millis: int, where: str = "") -> None:
        super().__init__(millis, where)
        self.millis, self.where = millis, where


class Interrupts(Protocol):
    """Asks, and waits no longer than it may. Nothing of it lasts beyond the block it is entered for."""

    def ask(self, question: Callable[[], T], seconds: float) -> T:
        """What is answered within so much of a processor's time; an `Overrun` when nothing is."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
