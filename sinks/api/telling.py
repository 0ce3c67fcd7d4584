"""What a console is told of each topic: what is new since it was last asked."""

from collections.abc import Callable, Iterator
from typing import Protocol, TypeVar

import msgspec

from pipeline.view import (
    Beat,
    Chart,
    ChartNews,
    ChartOf,
    FlowNews,
    FormingNews,
    KeysNews,
    LogNews,
    Look,
    News,
    TapNews,
    TapOf,
    View,
)

T = TypeVar("T")

ROWS = 500
LINES = 200


class Telling(Protocol):
    """One topic for one console: what is new since it was last asked."""

    def news(self) -> Iterator[News]: ...


class Beating:
    """That the engine lives, and its clock."""

    def __init__(self, view: View) -> None:
        self._view = view

    def news(self) -> Iterator[News]:
        hello = self._view.hello()
        yield Beat(hello.clock, hello.speed)


class TellingStatus:
    """The status as it is."""

    def __init__(self, view: View) -> None:
        self._view = view

    def news(self) -> Iterator[News]:
        yield self._view.status()


class TellingKeys:
    """All keys first, then those that changed, the latest of each; many of them in several messages."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._version = 0

    def news(self) -> Iterator[News]:
        version, rows, full = self._view.keys(self._version)
        self._version = version
        if full and not rows:
            yield KeysNews((), full)
        for first in range(0, len(rows), ROWS):
            yield KeysNews(rows[first : first + ROWS], full and first == 0)


class TellingFeed:
    """The feed as it is: it is small, and its ages change by themselves."""

    def __init__(self, view: View) -> None:
        self._view = view

    def news(self) -> Iterator[News]:
        yield self._view.feed()


class TellingLog:
    """The newest lines first, then new ones; how many were passed over when there were too many."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._seq = 0

    def news(self) -> Iterator[News]:
        lines = self._view.log(self._seq, LINES)
        if lines:
            skipped = lines[0].seq - self._seq - 1 if self._seq else 0
            self._seq = lines[-1].seq
            yield LogNews(lines, skipped)


class TellingChart:
    """The whole chart, then only the forming bar as long as nothing else of it changed."""

    def __init__(self, view: View, of: ChartOf) -> None:
        self._view = view
        self._of = of
        self._told = False
        self._last: Chart | None = None

    def news(self) -> Iterator[News]:
        before, chart = self._last, self._view.chart(self._of.name, self._of.bars)
        first, self._told, self._last = not self._told, True, chart
        if first or before is None or chart is None:
            if first or before is not chart:
                yield ChartNews(self._of, chart)
        elif msgspec.structs.replace(before, forming=chart.forming, updated=chart.updated) != chart:
            yield ChartNews(self._of, chart)
        elif (before.forming, before.updated) != (chart.forming, chart.updated):
            yield FormingNews(self._of, chart.forming, chart.updated)


class Costly:
    """What costs the engine something while it is told: it begins with the first look, and is to be `over`."""

    def __init__(self) -> None:
        self._ends: Callable[[], None] | None = None
        self._over = False

    def over(self) -> None:
        """Nothing is told any more. Asked for in a turn of the engine, as news are."""
        self._over = True
        if self._ends is not None:
            self._ends()

    def begun(self, look: Look[T]) -> Look[T]:
        self._ends = look.ends
        return look


class TellingFlow(Costly):
    """The graph as it is, each look once; its nodes are timed meanwhile."""

    def __init__(self, view: View) -> None:
        super().__init__()
        self._view = view
        self._look: Look[FlowNews] | None = None
        self._last: FlowNews | None = None

    def news(self) -> Iterator[News]:
        if self._over:
            return
        if self._look is None:
            self._look = self.begun(self._view.flow())
        told = self._look.news()
        if told is not self._last:
            self._last = told
            yield told


class TellingTap(Costly):
    """What a node gave since the last time; nothing where there is nothing new to say."""

    def __init__(self, view: View, of: TapOf) -> None:
        super().__init__()
        self._view, self._of = view, of
        self._look: Look[TapNews] | None = None
        self._why: str | None = None

    def news(self) -> Iterator[News]:
        if self._over:
            return
        if self._look is None:
            self._look = self.begun(self._view.tap(self._of))
        told = self._look.news()
        if told.lines or told.why != self._why:
            self._why = told.why
            yield told
