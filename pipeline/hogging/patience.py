"""How long a flow waits for its strategies: each call has a budget, and who hogs is interrupted, told, and paused."""

import time
from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeVar

from pipeline.hogging.limits import Interrupts, Overrun
from pipeline.hogging.pauses import Interruption, Pauses, Resting
from pipeline.times import SECOND, timeframe_name
from pipeline.values import Columns

T = TypeVar("T")

ROWS = 4096
"""A budget is for so many rows; who is given more has more time."""


class Hogged(Exception):
    """A strategy was interrupted."""


class Rests(Exception):
    """A strategy is not asked at present."""


class AtWork(NamedTuple):
    """Who is asked, of what, since when (by the clock that only goes on)."""

    node: str
    product: str
    tf: int
    since: float

    def __str__(self) -> str:
        return f"{self.node} on {self.product} {timeframe_name(self.tf)}"


class Patience:
    """Asks strategies.

    Without `interrupts` it waits for ever, but not for a strategy that was interrupted when the session of which
    `known` is was recorded: what was so then is so again, without its taking any time.
    """

    def __init__(
        self, budget: float = 0.0, interrupts: Interrupts | None = None, known: Iterable[Interruption] = ()
    ) -> None:
        """`budget` in seconds; 0: there is none."""
        self.kept: Callable[[int, Interruption], object] | None = None
        """Told of each interruption before anybody hears what came of it."""
        self.at_work: AtWork | None = None
        self.budget = budget
        self._interrupts = interrupts
        self._known = {(each.node, each.product, each.tf, each.bar): each for each in known}
        self._pauses = Pauses()

    def forget(self, node: str) -> None:
        """A strategy is another one now: what the one before it did is not held against it."""
        self._pauses.forget(node)

    def ask(
        self, node: str, columns: Columns, at: int, tell: Callable[[Resting], object], question: Callable[[], T]
    ) -> T:
        """What a strategy says of columns at a moment. `Hogged` when it is interrupted, `Rests` while it is paused."""
        until = self._pauses.until(node, at)
        if until:
            raise Rests(f"it hogged the program, and is not asked for another {_length(until - at)}")
        resumed = self._pauses.resumed(node, at)
        if resumed is not None:
            tell(resumed)
        try:
            answer = self._asked(node, columns, at, question)
        except Overrun as overrun:
            pause = self._pauses.interrupted(node, at)
            said = _said(columns, overrun)
            if pause is None:
                raise Hogged(said) from None
            tell(pause)
            raise Hogged(f"{said}; {pause.why}: it is not asked for {_length(pause.until - at)}") from None
        self._pauses.answered(node, at)
        return answer

    def _asked(self, node: str, columns: Columns, at: int, question: Callable[[], T]) -> T:
        bar = columns.open_ts.item(-1) if len(columns) else 0
        known = self._known.pop((node, columns.product, columns.tf, bar), None) if self._known else None
        if known is not None:
            raise Overrun(known.millis, known.where)
        if self._interrupts is None or not self.budget:
            return question()
        self.at_work = AtWork(node, columns.product, columns.tf, time.monotonic())
        try:
            return self._interrupts.ask(question, self.budget * (1 + len(columns) // ROWS))
        except Overrun as overrun:
            if self.kept is not None:
                self.kept(at, Interruption(node, columns.product, columns.tf, bar, overrun.millis, overrun.where))
            raise
        finally:
            self.at_work = None


def _said(columns: Columns, overrun: Overrun) -> str:
    where = f" ({overrun.where})" if overrun.where else ""
    return f"{columns.product} {timeframe_name(columns.tf)}: no answer after {overrun.millis} ms{where}; interrupted"


def _length(millis: int) -> str:
    seconds = -(-millis // SECOND)
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min"
