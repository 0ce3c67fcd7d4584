"""What was published of each product and timeframe, and how late the bars are that should have come."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pipeline.publishing.silence import Ticks
from pipeline.publishing.trading import Trading
from pipeline.service import StreamReport
from pipeline.times import SECOND, slot_of, timeframe_name
from pipeline.values import Bars, NoData, Stream


@dataclass(slots=True)
class Output:
    """One product and timeframe."""

    last_close: int = 0
    """The end of the last final bar that was published (exclusive)."""
    lag: int = 0
    """How long after its end the last new one was."""
    bars: int = 0
    live: int = 0
    last_live: int = 0
    """The opening of the last bar that was published while it formed."""
    covered: int = 0
    """Up to here every slot has its bar, or is known to have none."""


class Streams:
    """A fold of what became of bars.

    A bar is owed from the end of its slot on, when its product has spoken since the slot before was accounted for: who
    is quiet owes nothing. Where no prices come at all, only bars, every slot of open time is owed.
    """

    def __init__(self, timeframes: Iterable[int]) -> None:
        self._timeframes = tuple(timeframes)
        self._outputs = dict[Stream, Output]()
        self._before = dict[Stream, int]()
        self.wanted: Callable[[Stream], bool] = lambda _: True
        """Whether anybody wants these bars now: others are not owed."""
        self.fresh = 0
        """Final bars published that came to be in this life."""
        self.live = 0
        self.last_close = 0
        """The newest end of all final bars that were published."""

    def begin(self, product: str, at: int) -> None:
        """A product's first price: the slots that are running are owed to nobody."""
        for tf in self._timeframes:
            self._cover(product, tf, slot_of(at, tf) + tf)

    def came(self, bars: Bars) -> None:
        """Final bars, new or of the past, before they are published."""
        if len(bars):
            self._cover(bars.product, bars.tf, int(bars.open_ts[-1]) + bars.tf)

    def missing(self, told: NoData) -> None:
        """Slots without a bar: those of longer timeframes around them have none either."""
        end = told.open_ts + (told.slots - 1) * told.tf
        for tf in self._timeframes:
            if tf >= told.tf:
                self._cover(told.product, tf, slot_of(end, tf) + tf)

    def published(self, product: str, tf: int, last_open: int, bars: int, at: int, *, fresh: bool) -> None:
        """Redis has acknowledged final bars up to the one that opened at `last_open`."""
        output = self._of(product, tf)
        output.bars += bars
        end = last_open + tf
        if fresh and end > output.last_close:
            output.lag = max(0, at - end)
        output.last_close = max(output.last_close, end)
        self.last_close = max(self.last_close, end)
        if fresh:
            self.fresh += bars

    def restored(self, product: str, tf: int, last_open: int) -> None:
        """What an earlier life has published: the stream itself is there again with its first price or bar."""
        self._before[Stream(product, tf)] = last_open + tf
        self.last_close = max(self.last_close, last_open + tf)

    def shown(self, product: str, tf: int, opened: int = 0) -> None:
        """A bar that still forms was published, and when it opened."""
        output = self._of(product, tf)
        output.live += 1
        output.last_live = max(output.last_live, opened)
        self.live += 1

    def owed(self, ticks: Ticks, trading: Trading, now: int) -> int | None:
        """The end of the slot whose bar is to come first, or is missing longest; None where none is owed."""
        since: int | None = None
        for stream, output in self._outputs.items():
            if not output.covered:
                continue
            if not self.wanted(stream):  # wanted again, it owes nothing of the time between
                output.covered = max(output.covered, slot_of(now, stream.tf) + stream.tf)
                continue
            tick = ticks.of(stream.product)
            if (tick.at < output.covered) if tick is not None else len(ticks) > 0:
                continue
            opened = trading.opened(stream.product, now)
            if opened is None:
                continue
            due = max(output.covered, slot_of(opened, stream.tf)) + stream.tf
            since = due if since is None else min(since, due)
        return since

    def reports(self) -> tuple[StreamReport, ...]:
        return tuple(
            StreamReport(
                stream.product,
                timeframe_name(stream.tf),
                output.last_close,
                output.lag / SECOND,
                output.bars,
                output.live,
                output.last_live,
            )
            for stream, output in self._outputs.items()
        )

    def _cover(self, product: str, tf: int, end: int) -> None:
        output = self._of(product, tf)
        output.covered = max(output.covered, end)

    def _of(self, product: str, tf: int) -> Output:
        stream = Stream(product, tf)
        output = self._outputs.get(stream)
        if output is None:
            output = self._outputs[stream] = Output(self._before.pop(stream, 0))
        return output
