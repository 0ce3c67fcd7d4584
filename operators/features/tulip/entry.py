"""What tulipy's own description of an indicator does not say, and words for it."""

from collections.abc import Callable
from dataclasses import dataclass

from pipeline.parts import Group, Memory
from pipeline.rolling import FORGETTING, WILDER

Rows = Callable[..., int]
"""A number of rows by an indicator's options, in tulipy's order."""

CASCADE = 3 * WILDER // 2
"""Wilder's average of Wilder's averages has forgotten after so many periods."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One indicator: what it is, the values of its options, and its rows by these options."""

    about: str
    start: Rows
    """The first row tulipy answers."""
    defaults: tuple[float, ...] = ()
    """In the order of tulipy's options."""
    fades: Rows | None = None
    """The first row that does not show where the window began, if that is another."""
    memory: Memory = "window"
    group: Group = "advanced"
    least: int = 1
    """The shortest period that means something (and that tulipy does not read beside its input for)."""
    nothing: str = "Once warm it always has an answer."
    name: str = ""
    """What it is called here, if not as tulipy calls it."""


NO_CHANGE = "Of a price that does not move it is {}."
NO_ANSWER = "Of a price that does not move there is no answer."
ZERO_BEFORE = "Where it would divide by 0 there is no answer."
NO_VOLUME = "Where the last bars have no volume at all there is no answer."
SUMS = (
    "Once warm it always has an answer. Its zero is where the window of a block begins: "
    "only its changes mean something."
)


def fixed(rows: int) -> Rows:
    return lambda *_: rows


def times(factor: int, more: int = 0, by: int = 0) -> Rows:
    """So many times an option, told by its place, and some rows more."""

    def rows(*options: float) -> int:
        return factor * int(options[by]) + more

    return rows


NONE, ONE, BEFORE, WHOLE = fixed(0), fixed(1), times(1, -1), times(1)


def hull(period: int) -> int:
    return period + int(period**0.5) - 2


def half(period: int) -> int:
    return (period - 1) // 2 - 1


def half_later(period: int) -> int:
    return FORGETTING * period + period // 2


def lively(_: int, slow: int, alpha: float) -> int:
    return slow + int(16 / alpha)


def smoothed(k: int, smooth: int, d: int) -> int:
    return k + smooth + d - 3


def signalled(_: int, slow: int, signal: int) -> int:
    return FORGETTING * (slow + signal)
