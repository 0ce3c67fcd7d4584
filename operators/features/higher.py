"""A feature as longer bars show it."""

from typing import ClassVar

from pipeline.parts import Column, Group, Memory, feature
from pipeline.stretch import Stretch
from pipeline.times import TimeframeName, timeframe
from pipeline.values import Floats


@feature
class Higher:
    """A column of bars of a longer timeframe: what it was for the last of them that was final when this bar was.

    The longer bars are made of the run's own bars; a slot of which one is missing gives none. Where the bars themselves
    are as long or longer it is the column on those. It has no answer where the column has none.
    """

    of: Column
    timeframe: TimeframeName = "15m"

    outputs: ClassVar[tuple[str, ...]] = ()
    group: ClassVar[Group] = "advanced"
    memory: ClassVar[Memory] = "window"

    def __post_init__(self) -> None:
        timeframe(self.timeframe)

    def slot(self) -> int:
        return timeframe(self.timeframe)

    def warmup(self) -> int:
        return 0

    def __call__(self, rows: Stretch) -> Floats:
        return rows[self.of]
